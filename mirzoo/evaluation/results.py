"""What an evaluation found: of all recordings, of each, of each class, and next to another model.

An `Evaluation` is the list of its scores (`mirzoo.card.Metric`) and knows the rest. Several on the
same recordings are `Evaluations`, the first of which the others are compared with.
"""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mirzoo import audio
from mirzoo._support.words import counted
from mirzoo.card import Metric
from mirzoo.data.own import name_of
from mirzoo.errors import DataError
from mirzoo.evaluation.bootstrap import LEVEL, RESAMPLES, interval, resampled
from mirzoo.tasks.annotation.files import format_of, write_whole
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.scores import Confusion, Reliability, Score, Scorer

FORMATS = (".json", ".html")
JSON_VERSION = 1
"""Of what `Evaluations.to_dict` gives."""

FEW_GROUPS = 10
"""With fewer, an interval is rough, which is stated."""


class EvaluationWarning(UserWarning):
    """Some recordings could not be scored; the others are."""


class Failure(NamedTuple):
    """A recording that could not be scored, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class RecordingResult:
    """What is told of one recording.

    Parameters
    ----------
    name, group : str
    scores : dict of str to Score
        All of a task's scores for chords and melody; whether it is right, or how well its tags are
        ranked, for tags.
    truth, given : tuple of str
        Labels that hold, and those that the model gives; empty where labels are over time.
    confidence : float or None
        The probability of the one label that is given.
    loss : float
        How wrong the result is: a cross-entropy (nat) for tags, else the negative main score.
    at_s : float
        Where the worst of it begins (s).
    source : path, array or None
        The recording, where it can be read again.
    source_rate : int, optional
        Of an array (Hz).
    number : int
        Its place among all recordings, failed ones too.
    """

    name: str
    group: str
    scores: dict[str, Score]
    truth: tuple[str, ...]
    given: tuple[str, ...]
    confidence: float | None
    loss: float
    at_s: float
    source: audio.Source | None
    source_rate: int | None
    number: int

    @property
    def right(self) -> bool | None:
        """Whether the labels are the right ones; None where labels are over time."""
        return set(self.truth) == set(self.given) if self.truth or self.given else None


class ClassResult(NamedTuple):
    """The scores of one class, each with its interval; ``support`` is in the ``unit``."""

    label: str
    support: float
    unit: str
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]]


class Difference(NamedTuple):
    """By how much the second of two models differs in a score, on the recordings of both.

    ``p`` is the two-sided share of draws in which the difference has the other sign.
    """

    metric: str
    first: float
    second: float
    difference: float
    interval: tuple[float, float] | None
    p: float | None


class PairedTest(NamedTuple):
    """A test of two models on the same recordings.

    Parameters
    ----------
    name, of : str
        Which test, of what.
    p : float
        The probability of a difference as large where the models are equally good.
    n : int
        Pairs that differ.
    """

    name: str
    of: str
    p: float
    n: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two models on the recordings that both could process."""

    first: str
    second: str
    differences: tuple[Difference, ...]
    test: PairedTest | None
    n: int
    groups: int


class Evaluation(list[Metric]):
    """The scores of a model on labelled recordings, and what else they tell.

    It is made by `mirzoo.evaluate`.

    Attributes
    ----------
    model, task : str
    dataset, split : str
    per_file : tuple of RecordingResult
    failed : tuple of Failure
        The recordings that could not be scored.
    resamples, seed : int
        Of the intervals.

    Examples
    --------
    >>> import mirzoo
    >>> found = mirzoo.evaluate("my_models/instruments", "clips/")  # doctest: +SKIP
    >>> found.metrics[0].value, found.metrics[0].interval  # doctest: +SKIP
    (0.97, (0.95, 0.99))
    >>> found.per_class[0].label, found.worst(3)[0].name  # doctest: +SKIP
    >>> found.write("found.html")  # doctest: +SKIP
    """

    def __init__(
        self,
        scorer: Scorer,
        *,
        model: str,
        task: str,
        dataset: str,
        split: str,
        rendered: bool = False,
        per_file: Iterable[RecordingResult] = (),
        failed: Iterable[Failure] = (),
        resamples: int = RESAMPLES,
        seed: int = 0,
    ) -> None:
        self.scorer = scorer
        self.model, self.task = model, task
        self.dataset, self.split = dataset, split
        self.per_file, self.failed = tuple(per_file), tuple(failed)
        self.resamples, self.seed = resamples, seed
        super().__init__(self._metrics(rendered))

    @property
    def metrics(self) -> list[Metric]:
        """The scores of all recordings together."""
        return list(self)

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each recording of ``per_file``."""
        return tuple(result.group for result in self.per_file)

    @property
    def sized(self) -> tuple[int, int]:
        """How many recordings and groups there are."""
        return len(self.per_file), len(set(self.groups))

    @property
    def has_intervals(self) -> bool:
        """Whether there are groups enough to draw from, and draws are asked for."""
        return self.resamples > 0 and self.sized[1] > 1

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What cannot be told of these recordings, or is rough: a sentence each."""
        notes = self.scorer.notes()
        groups = self.sized[1]
        if self.resamples and groups == 1:
            notes.append("there are no intervals: all recordings are of one group")
        elif self.has_intervals and groups < FEW_GROUPS:
            notes.append(f"intervals of {counted(groups, 'group')} are rough")
        return tuple(notes)

    @cached_property
    def per_class(self) -> tuple[ClassResult, ...]:
        """The scores of each class, with intervals; none where there are no classes."""
        once = np.ones((1, len(self.per_file)))
        found = self.scorer.by_class(once)
        if found is None:
            return ()
        drawn: dict[str, np.ndarray] = {}
        if self.has_intervals:
            drawn = resampled(self._of_classes, self.groups, self.resamples, self.seed)
        results = []
        for number, label in enumerate(found.labels):
            values = {name: float(scores[0, number]) for name, scores in found.scores.items()}
            spreads = {name: interval(drawn[name][:, number]) for name in values if name in drawn}
            results.append(
                ClassResult(
                    label,
                    float(found.support[number]),
                    found.unit,
                    {name: value for name, value in values.items() if math.isfinite(value)},
                    {
                        name: spread
                        for name, spread in spreads.items()
                        if spread is not None and math.isfinite(values[name])
                    },
                )
            )
        return tuple(results)

    def _of_classes(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        found = self.scorer.by_class(weights)
        return {} if found is None else found.scores

    @cached_property
    def confusion(self) -> Confusion | None:
        """What was taken for what; None where that cannot be told."""
        return self.scorer.confusion()

    @cached_property
    def reliability(self) -> Reliability | None:
        """Whether probabilities are what they claim to be; None where there are none."""
        return self.scorer.reliability()

    def worst(self, count: int = 10) -> list[RecordingResult]:
        """The worst results, the worst first: wrong ones alone where labels are right or wrong."""
        wrong = [result for result in self.per_file if result.right is not True]
        return sorted(wrong, key=lambda result: -result.loss)[:count]

    def compare(self, other: Evaluation) -> Comparison:
        """Compare another model with this one, on the recordings that both could process.

        Differences are those of `Difference`, of the same draws of groups. Where each recording is
        a group of its own and is right or wrong, McNemar's exact test tells whether one model is
        right more often, else Wilcoxon's signed-rank test of the means of groups.

        Raises
        ------
        DataError
            If the two are of different recordings or tasks, or no recording is common.
        """
        if self.task != other.task or self._known != other._known:
            raise DataError(
                f"{self.model} and {other.model} were not evaluated on the same recordings; "
                "evaluate both with one call: mirzoo.evaluate([first, second], data)"
            )
        ours = {result.number: place for place, result in enumerate(self.per_file)}
        theirs = {result.number: place for place, result in enumerate(other.per_file)}
        common = [number for number in ours if number in theirs]
        if not common:
            raise DataError(f"{self.model} and {other.model} have no recording in common")
        groups = [self.per_file[ours[number]].group for number in common]
        sides = [
            (self.scorer, [ours[number] for number in common], len(ours)),
            (other.scorer, [theirs[number] for number in common], len(theirs)),
        ]

        def both(weights: np.ndarray) -> dict[str, np.ndarray]:
            values = [_scored(weights, *side) for side in sides]
            return {
                name: np.stack([of_model[name] for of_model in values], axis=-1)
                for name in values[0]
                if name in values[1]
            }

        once = both(np.ones((1, len(common))))
        drawn = {}
        if self.resamples and len(set(groups)) > 1:
            drawn = resampled(both, groups, self.resamples, self.seed)
        differences = tuple(
            _difference(name, values[0], drawn.get(name)) for name, values in once.items()
        )
        pairs = [(self.per_file[ours[number]], other.per_file[theirs[number]]) for number in common]
        return Comparison(
            self.model,
            other.model,
            differences,
            _paired_test(pairs, TASKS[self.task].headline),
            len(common),
            len(set(groups)),
        )

    @property
    def _known(self) -> list[str]:
        """The names of all recordings, in their order."""
        numbered = {result.number: result.name for result in self.per_file}
        failed = iter(self.failed)
        total = len(self.per_file) + len(self.failed)
        return [numbered[n] if n in numbered else next(failed).name for n in range(total)]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it."""
        return Evaluations([self]).to_dict()

    def write(self, path: str | os.PathLike) -> Path:
        """Write to a file: see `Evaluations.write`."""
        return Evaluations([self]).write(path)

    def plot(self, path: str | os.PathLike) -> Path:
        """Draw into a file: see `Evaluations.plot`."""
        return Evaluations([self]).plot(path)

    def _metrics(self, rendered: bool) -> list[Metric]:
        found, drawn = self.scorer.overall(), {}
        if self.has_intervals and found:
            drawn = resampled(self.scorer.scores, self.groups, self.resamples, self.seed)
        task = TASKS[self.task]
        groups = f" in {counted(self.sized[1], 'group')}" if self.sized[1] < self.sized[0] else ""
        return [
            Metric(
                dataset=self.dataset,
                split=self.split,
                metric=name,
                value=score.value,
                n=len(self.per_file),
                method=(
                    f"{task.scoring}: {score.seconds:.0f} s judged{groups}, "
                    f"{task.annotation.__name__} as the card decodes them"
                ),
                rendered=rendered,
                interval=interval(drawn[name]) if name in drawn else None,
            )
            for name, score in found.items()
            if score.seconds > 0 and math.isfinite(score.value)
        ]


class Evaluations(tuple[Evaluation, ...]):
    """Evaluations of several models on the same recordings; the first is what others compare with.

    Examples
    --------
    >>> import mirzoo
    >>> both = mirzoo.evaluate(["mel_cnn_tagger", "mel_crnn_tagger"], "clips/")  # doctest: +SKIP
    >>> both.comparisons[0].differences[0].interval  # doctest: +SKIP
    (-0.02, 0.01)
    """

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Each of the others next to the first."""
        return tuple(self[0].compare(other) for other in self[1:])

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it.

        Scores that cannot be computed are None, data are named without the folders of this
        machine, and names whose bytes are no UTF-8 have escapes.
        """
        from importlib.metadata import version

        return plain(
            {
                "format": JSON_VERSION,
                "mirzoo": version("mirzoo"),
                "dataset": name_of(self[0].dataset),
                "split": self[0].split,
                "task": self[0].task,
                "interval_level": LEVEL,
                "resamples": self[0].resamples,
                "seed": self[0].seed,
                "models": [_document(found) for found in self],
                "comparisons": [
                    {
                        "first": found.first,
                        "second": found.second,
                        "recordings": found.n,
                        "groups": found.groups,
                        "differences": [each._asdict() for each in found.differences],
                        "test": found.test and found.test._asdict(),
                    }
                    for found in self.comparisons
                ],
            }
        )

    def write(self, path: str | os.PathLike) -> Path:
        """Write to a file, whole or not at all; one that is there is replaced.

        Parameters
        ----------
        path : str or path
            ``.json``, what `to_dict` gives; or ``.html``, a page that needs no other file, with
            pictures where matplotlib is installed, and excerpts of the worst mistakes to listen
            to (`mirzoo.evaluation.page`).

        Raises
        ------
        AnnotationError
            If the suffix is another one, or the file cannot be written.
        """
        path = Path(path)
        if format_of(path, FORMATS, "an evaluation") == "html":
            from mirzoo.evaluation.page import evaluation_page

            write_whole(path, evaluation_page(self))
        else:
            write_whole(path, json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")
        return path

    def plot(self, path: str | os.PathLike) -> Path:
        """Draw scores, classes, confusion and calibration into a ``.png``, ``.pdf`` or ``.svg``.

        Raises
        ------
        AnnotationError
            If the suffix is another one, the file cannot be written, or matplotlib is missing.
        """
        from mirzoo.evaluation.pictures import overview, saved

        return saved(lambda: overview(self), path)


def require_formats(*documents: Path | None, picture: Path | None = None) -> None:
    """Raise an AnnotationError where files have no format of an evaluation, or of a picture."""
    from mirzoo.evaluation.pictures import require_picture

    for path in documents:
        if path is not None:
            format_of(path, FORMATS, "an evaluation")
    if picture is not None:
        require_picture(picture)


def _scored(
    weights: np.ndarray, scorer: Scorer, places: Sequence[int], count: int
) -> dict[str, np.ndarray]:
    """Scores of some of a scorer's recordings, the others weighing nothing."""
    spread = np.zeros((len(weights), count))
    spread[:, places] = weights
    return scorer.scores(spread)


def _difference(name: str, values: np.ndarray, drawn: np.ndarray | None) -> Difference:
    first, second = (float(value) for value in values)
    if drawn is None:
        return Difference(name, first, second, second - first, None, None)
    differences = drawn[:, 1] - drawn[:, 0]
    known = differences[np.isfinite(differences)]
    p = None
    if len(known):
        other_sign = min((known <= 0).sum(), (known >= 0).sum())
        p = min(1.0, 2 * (int(other_sign) + 1) / (len(known) + 1))
    return Difference(name, first, second, second - first, interval(differences), p)


def _paired_test(
    pairs: Sequence[tuple[RecordingResult, RecordingResult]], headline: Sequence[str]
) -> PairedTest | None:
    """Test whether one model is better on more recordings, or groups of them."""
    there = set.intersection(*(set(result.scores) for pair in pairs for result in pair))
    names = itertools.chain(headline, pairs[0][0].scores)
    name = next((name for name in names if name in there), None)
    if name is None:
        return None
    judged = [pair for pair in pairs if all(side.scores[name].seconds > 0 for side in pair)]
    differences: dict[str, list[float]] = {}
    for first, second in judged:
        by = second.scores[name].value - first.scores[name].value
        differences.setdefault(first.group, []).append(by)
    means = np.array([np.mean(values) for values in differences.values()])
    unequal = means[np.abs(means) > 1e-12]
    alone = all(len(values) == 1 for values in differences.values())
    if alone and set(np.abs(unequal).tolist()) <= {1.0} and name == "right":
        from scipy.stats import binomtest

        p = binomtest(int((unequal > 0).sum()), len(unequal)).pvalue if len(unequal) else 1.0
        return PairedTest("McNemar's exact test", "which recordings are right", p, len(unequal))
    of = name if alone else f"{name}, mean of each group"
    p = 1.0
    if len(unequal):
        from scipy.stats import wilcoxon

        p = float(wilcoxon(unequal).pvalue)
    return PairedTest("Wilcoxon's signed-rank test", of, p, len(unequal))


def _document(found: Evaluation) -> dict[str, Any]:
    confusion, reliability = found.confusion, found.reliability
    return {
        "model": found.model,
        "recordings": found.sized[0],
        "groups": found.sized[1],
        "metrics": [metric.model_dump() | {"dataset": name_of(metric.dataset)} for metric in found],
        "notes": found.notes,
        "failed": [failure._asdict() for failure in found.failed],
        "per_class": [
            {
                "label": of.label,
                "support": of.support,
                "unit": of.unit,
                "scores": of.scores,
                "intervals": of.intervals,
            }
            for of in found.per_class
        ],
        "confusion": confusion
        and {
            "labels": confusion.labels,
            "unit": confusion.unit,
            "counts": confusion.counts.tolist(),
        },
        "calibration": reliability
        and {
            "of": reliability.of,
            "error": reliability.error,
            "confidence": reliability.confidence.tolist(),
            "right": reliability.right.tolist(),
            "counts": reliability.counts.tolist(),
        },
        "per_file": [
            {
                "name": result.name,
                "group": result.group,
                "truth": result.truth,
                "given": result.given,
                "confidence": result.confidence,
                "loss": result.loss,
                "scores": {name: score.value for name, score in result.scores.items()},
            }
            for result in found.per_file
        ],
    }


def plain(value: Any) -> Any:
    """Plain values that JSON has: no infinite number, no text that is not UTF-8."""
    if isinstance(value, dict):
        return {plain(key): plain(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [plain(of) for of in value]
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
