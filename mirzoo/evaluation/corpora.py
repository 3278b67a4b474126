"""What the cards of chord and melody models say: their scores on prepared corpora with labels.

Only items of the split "test" count. Other models' scores on the same items stand beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mirzoo.annotate import Runner
from mirzoo.card import Metric
from mirzoo.data.corpus import FULL_SCALE, SAMPLE_RATE, Corpus
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.data.sources import collection as find_collection
from mirzoo.evaluation.recordings import SCORES
from mirzoo.evaluation.scores import Score, overall
from mirzoo.tasks.annotation import Annotation, Chords, Melody

STATED = {
    "chords": ("root", "majmin", "sevenths", "tetrads", "seg"),
    "melody": (
        "overall accuracy", "raw pitch accuracy", "raw chroma accuracy", "voicing recall",
        "voicing false alarm",
    ),
}  # fmt: skip


def measure(
    runner: Runner,
    corpora: Sequence[Corpus],
    *,
    beside: Sequence[Runner] = (),
    report: Callable[[str], None] = print,
) -> list[Metric]:
    """Score a chord or melody model on the test items of corpora.

    Parameters
    ----------
    runner : Runner
        A model for chords or melody.
    corpora : sequence of Corpus
        Those without test items with the task's labels drop out.
    beside : sequence of Runner
        Models of the same task, whose scores are the metrics' ``baseline``.
    report : callable
        Told one line at a time how far things are.

    Returns
    -------
    list of Metric
        Those of `STATED` for each corpus; ``n`` counts recordings.
    """
    task = runner.card.task
    metrics = []
    for corpus in corpora:
        truths = dict(_truths(corpus, task))
        if not truths:
            continue
        collection = find_collection(corpus.directory.name)
        scores = _scores(runner, corpus, truths)
        others = {other.card.name: _scores(other, corpus, truths) for other in beside}
        metrics += [
            Metric(
                dataset=collection.name,
                split="test",
                metric=name,
                value=scores[name].value,
                n=len(truths),
                method=f"mir_eval, weighted by duration, {scores[name].seconds:.0f} s judged; "
                f"held out by {collection.grouping}",
                rendered=collection.rendered,
                baseline={other: given[name].value for other, given in others.items()},
            )
            for name in STATED[task]
            if scores[name].seconds > 0 and name not in collection.unjudged
        ]
        report(
            f"{runner.card.name} on {collection.name}: "
            + ", ".join(f"{name} {scores[name].value:.3f}" for name in STATED[task])
        )
    return metrics


def truth_of(labels: Labels, task: str, duration_s: float) -> Annotation | None:
    """What a model should say of a recording with labels; None where they don't tell."""
    if task == "chords" and labels.chords is not None:
        segments = [(span.start_s, span.end_s, span.label) for span in labels.chords]
        return Chords(segments, duration_s=duration_s) if segments else None
    if task == "melody" and labels.f0 is not None:
        known = np.flatnonzero(~np.isnan(labels.f0))
        return Melody(known / F0_RATE, labels.f0[known]) if len(known) else None
    return None


def _truths(corpus: Corpus, task: str) -> Iterator[tuple[int, Annotation]]:
    for number, item in enumerate(corpus.items):
        if item.split == "test":
            truth = truth_of(corpus.labels(number), task, item.n_samples / SAMPLE_RATE)
            if truth is not None:
                yield number, truth


def _scores(runner: Runner, corpus: Corpus, truths: dict[int, Annotation]) -> dict[str, Score]:
    return overall(
        [
            SCORES[runner.card.task](
                truth, runner.annotate(read_item(corpus, number), source_rate=SAMPLE_RATE)
            )
            for number, truth in truths.items()
        ]
    )


def read_item(corpus: Corpus, number: int) -> np.ndarray:
    """The waveform of an item, float32 ``(samples,)`` at 16 kHz."""
    item = corpus.items[number]
    samples = corpus.audio[item.offset_samples : item.offset_samples + item.n_samples]
    return samples.astype(np.float32) / FULL_SCALE
