"""The page of an evaluation, whose parts the report of a training has too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mirzoo._support.words import counted
from mirzoo.data.own import name_of
from mirzoo.evaluation import pictures
from mirzoo.evaluation.excerpts import LONGEST_S, MOST_BYTES, excerpt
from mirzoo.evaluation.html import Markup, element, page, picture, player, table, track

if TYPE_CHECKING:
    from mirzoo.evaluation.results import Comparison, Evaluation, Evaluations, RecordingResult
    from mirzoo.tasks.scores import Confusion

WORST = 12
MOST_ROWS = 500
MOST_CLASSES = 100
LARGEST_CONFUSION = 30
MOST_CONFUSED = 20


def evaluation_page(found: Evaluations, *, excerpts: bool = True) -> str:
    """The page of the evaluations of one or several models.

    Parameters
    ----------
    found : Evaluations
    excerpts : bool
        Whether the page holds excerpts of the worst mistakes to listen to: `WORST` of them of each
        model, each of at most `mirzoo.evaluation.excerpts.LONGEST_S`, all together at most
        `mirzoo.evaluation.excerpts.MOST_BYTES`.
    """
    models = ", ".join(of_model.model for of_model in found)
    title = f"{models} on {name_of(found[0].dataset)}"
    return page(title, _parts(found, title, excerpts))


def _parts(found: Evaluations, title: str, excerpts: bool) -> Iterator[Markup]:
    yield element("h1", title)
    yield element("p", _sized(found[0]), class_="soft")
    yield from scores_part(found)
    for comparison in found.comparisons:
        yield from comparison_part(comparison)
    budget = Budget(excerpts)
    for of_model in found:
        if len(found) > 1:
            yield element("h2", of_model.model)
        yield from detail_parts(of_model, budget)


def _sized(found: Evaluation) -> str:
    recordings, groups = found.sized
    of = f" in {counted(groups, 'group')}" if groups < recordings else ""
    spread = f"intervals from {found.resamples} resamples" if found.has_intervals else ""
    parts = [f"{found.split}: {counted(recordings, 'recording')}{of}", found.task, spread]
    return "; ".join(filter(None, parts))


class Budget:
    """How much of a page excerpts may still take."""

    def __init__(self, wanted: bool) -> None:
        self._left = MOST_BYTES if wanted else 0
        self.wanted = wanted

    def player(self, result: RecordingResult) -> Markup | None:
        """A player of a recording; None where it cannot be read, or there is no more room."""
        if result.source is None or not self._left:
            return None
        uri = excerpt(result.source, result.at_s, result.source_rate)
        if uri is None or len(uri) > self._left:
            return None
        self._left -= len(uri)
        return player(uri)


def scores_part(found: Sequence[Evaluation], title: str = "Scores") -> Iterator[Markup]:
    """The scores of models with their intervals, and what could not be told."""
    yield element("h2", title)
    several = len(found) > 1
    names = dict.fromkeys(metric.metric for of_model in found for metric in of_model)
    rows = [
        [
            *([name] if place == 0 or not several else [""]),
            *([of_model.model] if several else []),
            metric.value,
            interval_text(metric.interval),
            track(metric.value, metric.interval),
        ]
        for name in names
        for place, (of_model, metric) in enumerate(
            (of_model, metric) for of_model in found for metric in of_model if metric.metric == name
        )
    ]
    model = ["model"] if several else []
    at = 2 if several else 1
    yield table(["score", *model, "value", "95 % interval", ""], rows, numbers=[at, at + 1])
    for note in dict.fromkeys(note for of_model in found for note in of_model.notes):
        noted = [of_model.model for of_model in found if note in of_model.notes]
        whose = "" if len(noted) == len(found) else f"{', '.join(noted)}: "
        yield element("p", f"{whose}{note}.")
    for of_model in found:
        if of_model.failed:
            count = len(of_model.failed)
            of = f" with {of_model.model}" if several else ""
            yield element("h3", f"{counted(count, 'recording')} could not be scored{of}")
            yield table(["recording", "why"], of_model.failed[:MOST_ROWS])


def comparison_part(found: Comparison) -> Iterator[Markup]:
    """Two models next to each other."""
    yield element("h2", f"{found.second} compared with {found.first}")
    groups = f", drawn in {counted(found.groups, 'group')}" if found.groups < found.n else ""
    yield element(
        "p",
        f"On the {counted(found.n, 'recording')} that both could process{groups}.",
        class_="soft",
    )
    yield table(
        ["score", found.first, found.second, "difference", "95 % interval", "p"],
        [
            [
                each.metric,
                each.first,
                each.second,
                f"{each.difference:+.3f}",
                interval_text(each.interval, signed=True),
                each.p,
            ]
            for each in found.differences
        ],
        numbers=range(1, 6),
    )
    if found.test is not None:
        yield element("p", test_text(found))


def test_text(found: Comparison) -> str:
    """A sentence on the paired test."""
    test = found.test
    assert test is not None
    verdict = "the models differ" if test.p < 0.05 else "no difference is shown"
    pairs = counted(test.n, "pair differs", "pairs differ")
    return f"{test.name} of {test.of}: p = {test.p:.3f} ({pairs}): {verdict}."


def detail_parts(found: Evaluation, budget: Budget) -> Iterator[Markup]:
    """Classes, confusion, calibration, the worst and every recording of one model."""
    if found.per_class:
        yield from _classes(found)
    if found.confusion is not None:
        yield from _confusion(found.confusion)
    if found.reliability is not None:
        of = found.reliability
        yield element("h3", "Calibration")
        yield element(
            "p",
            f"How often {of.of} is right, by the probability that the model gives it. Expected "
            f"calibration error: {of.error:.3f}.",
        )

        def draw() -> object:
            whole = pictures.figure(4.6, 4.2)
            pictures.draw_reliability(whole.subplots(), {found.model: of})
            return whole

        yield picture(pictures.embedded(draw), "calibration", pictures.MISSING)
    yield from _worst(found, budget)
    yield from _every(found)


def _classes(found: Evaluation) -> Iterator[Markup]:
    names = list(dict.fromkeys(name for of in found.per_class for name in of.scores))
    yield element("h3", "Each class")
    shown = sorted(found.per_class, key=lambda of: next(iter(of.scores.values()), 2.0))
    rows = [
        [
            of.label,
            f"{of.support:.0f}",
            *(of.scores.get(name) for name in names),
            interval_text(of.intervals.get(names[0])),
            track(of.scores.get(names[0], -1.0), of.intervals.get(names[0])),
        ]
        for of in shown[:MOST_CLASSES]
    ]
    headings = ["class", found.per_class[0].unit, *names, f"{names[0]}, 95 % interval", ""]
    yield table(headings, rows, numbers=range(1, len(names) + 3))
    if len(shown) > MOST_CLASSES:
        yield element("p", f"The worst {MOST_CLASSES} of {len(shown)}.", class_="soft")


def _confusion(confusion: Confusion) -> Iterator[Markup]:
    yield element("h3", "What was taken for what")
    counts, labels = confusion.counts, confusion.labels
    if len(labels) <= LARGEST_CONFUSION:
        yield _matrix(labels, counts)
        yield element("p", f"Rows are right, columns are given ({confusion.unit}).", class_="soft")
        return
    off = np.where(np.eye(len(labels), dtype=bool), 0, counts)
    most = np.argsort(-off, axis=None, kind="stable")[:MOST_CONFUSED]
    pairs = [np.unravel_index(place, off.shape) for place in most]
    yield table(
        ["right", "given", confusion.unit],
        [
            [labels[right], labels[given], f"{off[right, given]:g}"]
            for right, given in pairs
            if off[right, given]
        ],
        numbers=[2],
    )
    yield element("p", f"The most frequent of {len(labels)} classes' confusions.", class_="soft")


def _matrix(labels: Sequence[str], counts: np.ndarray) -> Markup:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    head = element(
        "tr", element("th", ""), *(element("th", label, class_="up") for label in labels)
    )
    rows = [head]
    for right, label in enumerate(labels):
        if not counts[right].any():
            continue
        cells = [
            Markup(
                f'<td style="background:rgba(37,99,168,{shares[right, given]:.2f});'
                f'color:{"#fff" if shares[right, given] > 0.55 else "#1d2733"}">'
                f"{f'{counts[right, given]:.0f}' if counts[right, given] else ''}</td>"
            )
            for given in range(len(labels))
        ]
        rows.append(element("tr", element("th", label), *cells))
    return element("div", element("table", *rows, class_="confusion"), class_="scroll")


def _worst(found: Evaluation, budget: Budget) -> Iterator[Markup]:
    worst = found.worst(WORST)
    if not worst:
        yield element("h3", "Mistakes")
        yield element("p", "There are none.")
        return
    labelled = any(result.truth or result.given for result in worst)
    yield element("h3", "The worst mistakes" if labelled else "The worst recordings")
    players = [budget.player(result) for result in worst]
    rows = [
        [*_row(result, found, labelled), made or Markup("")]
        for result, made in zip(worst, players, strict=True)
    ]
    yield table([*_headings(found, labelled), "listen"], rows)
    if any(players):
        yield element(
            "p",
            f"Excerpts are the {LONGEST_S:.0f} s of a recording that are worst, or its end; they "
            "are in this file: whoever gets it can listen to them.",
            class_="soft",
        )


def _every(found: Evaluation) -> Iterator[Markup]:
    results = sorted(found.per_file, key=lambda result: -result.loss)
    labelled = any(result.truth or result.given for result in results)
    rows = [_row(result, found, labelled) for result in results[:MOST_ROWS]]
    more = len(results) - MOST_ROWS
    note = f", the worst {MOST_ROWS} of them" if more > 0 else ""
    yield element(
        "details",
        element("summary", f"All {counted(len(results), 'recording')}{note}"),
        table(_headings(found, labelled), rows),
    )


def _headings(found: Evaluation, labelled: bool) -> list[str]:
    if labelled:
        certain = any(result.confidence is not None for result in found.per_file)
        return ["recording", "right", "given", *(["probability"] if certain else []), "loss"]
    return ["recording", *_shown_scores(found)]


def _row(result: RecordingResult, found: Evaluation, labelled: bool) -> list[object]:
    if not labelled:
        scores = result.scores
        return [
            result.name,
            *(scores[n].value if n in scores else None for n in _shown_scores(found)),
        ]
    certain = any(of.confidence is not None for of in found.per_file)
    return [
        result.name,
        ", ".join(result.truth),
        element("span", ", ".join(result.given), class_="good" if result.right else "bad"),
        *([result.confidence] if certain else []),
        f"{result.loss:.2f}",
    ]


def _shown_scores(found: Evaluation) -> list[str]:
    """The task's main scores, or all where it has none."""
    from mirzoo.tasks.base import TASKS

    there = dict.fromkeys(name for result in found.per_file for name in result.scores)
    main = [name for name in TASKS[found.task].headline if name in there]
    return main or list(there)


def interval_text(spread: tuple[float, float] | None, *, signed: bool = False) -> str:
    """An interval in words.

    Examples
    --------
    >>> interval_text((0.5, 0.75)), interval_text((-0.1, 0.1), signed=True), interval_text(None)
    ('0.500 to 0.750', '-0.100 to +0.100', '–')
    """
    if spread is None:
        return "–"
    sign = "+" if signed else ""
    return f"{spread[0]:{sign}.3f} to {spread[1]:{sign}.3f}"
