"""The scores on the cards of models whose results are frames, on prepared corpora with labels.

Only items of the split "test" count. Other models' scores on the same items are baselines.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from mirzoo.annotate import LoadedModel
from mirzoo.card import Metric
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.labels import Labels
from mirzoo.data.predictions import item_waveform
from mirzoo.data.sources import collection as find_collection
from mirzoo.evaluation.bootstrap import RESAMPLES, interval, resampled
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS, Scorer

logger = logging.getLogger(__name__)


def measure(
    runner: LoadedModel,
    corpora: Sequence[Corpus],
    *,
    baselines: Sequence[LoadedModel] = (),
) -> list[Metric]:
    """Score a model on the test items of corpora.

    Parameters
    ----------
    runner : LoadedModel
        A model of a task with labels over time.
    corpora : sequence of Corpus
        Those without test items with the task's labels drop out.
    baselines : sequence of LoadedModel
        Models of the same task, whose scores are the metrics' ``baseline``.

    Returns
    -------
    list of Metric
        The task's ``headline`` for each corpus; ``n`` counts recordings. Intervals are by the
        bootstrap over what is held out together, the items' groups; one group alone has none,
        since all its draws are the same.
    """
    task = TASKS[runner.card.task]
    metrics = []
    for corpus in corpora:
        truths = dict(_truths(corpus, task.name))
        if not truths:
            continue
        collection = find_collection(corpus.directory.name)
        scorer = _scorer(runner, corpus, truths)
        scores = scorer.overall()
        groups = [corpus.items[number].group for number in truths]
        drawn = resampled(scorer.scores, groups, RESAMPLES, 0)
        others = {other.card.name: _scorer(other, corpus, truths).overall() for other in baselines}
        metrics += [
            Metric(
                dataset=collection.name,
                split="test",
                metric=name,
                value=scores[name].value,
                n=len(truths),
                method=f"{task.scoring}, {scores[name].seconds:.0f} s judged; "
                f"held out by {collection.grouping}",
                rendered=collection.rendered,
                baseline={other: given[name].value for other, given in others.items()},
                interval=interval(drawn[name]) if len(set(groups)) > 1 else None,
            )
            for name in task.headline
            if scores[name].seconds > 0 and name not in collection.unjudged
        ]
        logger.info(
            "%s on %s: %s",
            runner.card.name,
            collection.name,
            ", ".join(f"{name} {scores[name].value:.3f}" for name in task.headline),
        )
    return metrics


def truth_of(labels: Labels, task: str, duration_s: float) -> Annotation | None:
    """The result that a perfect model gives for labels; None where they don't tell."""
    return TASKS[task].truth(labels, duration_s)


def _truths(corpus: Corpus, task: str) -> Iterator[tuple[int, Annotation]]:
    for number, item in enumerate(corpus.items):
        if item.split == "test":
            truth = truth_of(corpus.labels(number), task, item.n_samples / SAMPLE_RATE)
            if truth is not None:
                yield number, truth


def _scorer(runner: LoadedModel, corpus: Corpus, truths: dict[int, Annotation]) -> Scorer:
    """What scores a model on the items that have a truth, all of them taken."""
    scorer = TASKS[runner.card.task].scorer(runner.card)
    for number, truth in truths.items():
        waveform = item_waveform(corpus, number)
        scorer.add(truth, runner.annotate(waveform, source_rate=SAMPLE_RATE))
    return scorer
