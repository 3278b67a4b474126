"""How a trained chord model's outputs are decoded: the settings that do best on validation items.

The transition penalty depends on how confident the network is, so it is chosen after training,
every corpus counting alike. Charts that are made to practise all qualities have rare ones more
often than music has; how much more, the labels and the teachers' predictions tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.data.labels import ChordSpan
from mirzoo.dsp.chord_vocabulary import NO_CHORD, UNKNOWN, Vocabulary
from mirzoo.tasks.base import Teachers, Validated
from mirzoo.tasks.chords.config import ChordDecoding
from mirzoo.tasks.chords.decoder import decided_classes
from mirzoo.tasks.chords.teachers import CHORDS, predicted_chords

CHANGE_PENALTIES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0)
CAUTIONS = (1.0, 2.0)
AS_RIGHT = 0.001
NEARLY = 0.005
COMMON_QUALITIES = frozenset({"maj", "min", "7", "maj7", "min7"})
PREDICTED_EVERY_S = 0.5


def calibrate_chords(
    decoding: ChordDecoding,
    validation: Iterable[Iterable[Validated]],
    vocabulary: Vocabulary,
    frame_rate: float,
    prior: Sequence[float] | None = None,
) -> ChordDecoding:
    """Choose the transition penalty, and how unlikely "no chord" is a priori.

    The penalty is the highest of those that name as many labelled frames right as the best, give
    or take one in a thousand. "No chord" gets a prior where that costs nearly nothing: the silence
    of rendered music begins where in recordings noise and reverberation go on.

    Parameters
    ----------
    decoding : ChordDecoding
        The card's. With a ``lag_s`` frames are decided with that lag here too.
    validation : iterable of iterables of Validated
        For each corpus its labelled recordings; every corpus counts alike.
    vocabulary : Vocabulary
    frame_rate : float
        Of the outputs (Hz).
    prior : sequence of float, optional
        Of each class, as `rarity_prior` gives it.
    """
    predicted = [
        [
            (outputs[CHORDS], _classes_at(times, labels.chords or (), vocabulary))
            for labels, times, outputs in corpus
        ]
        for corpus in validation
    ]
    learnt = np.ones(len(vocabulary)) if prior is None else np.array(prior)
    none = np.array([label == NO_CHORD for label in vocabulary.labels])

    def with_settings(penalty: float, caution: float) -> ChordDecoding:
        weighed = np.where(none, caution, 1.0) * learnt
        is_even = weighed.min() == weighed.max()
        settings = {
            "change_penalty": penalty,
            "prior": None if is_even else (weighed / weighed.max()).tolist(),
        }
        return decoding.model_copy(update=settings)

    right = {
        p: _share_right(predicted, with_settings(p, 1.0), frame_rate) for p in CHANGE_PENALTIES
    }
    as_good_as_the_best = max(right.values()) - AS_RIGHT
    penalty = max(p for p, share in right.items() if share >= as_good_as_the_best)
    shares = {c: _share_right(predicted, with_settings(penalty, c), frame_rate) for c in CAUTIONS}
    nearly_best = max(shares.values()) - NEARLY
    return with_settings(penalty, max(c for c, share in shares.items() if share >= nearly_best))


def _share_right(
    predicted: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]],
    decoding: ChordDecoding,
    frame_rate: float,
) -> float:
    """The share of labelled frames named right, the mean over corpora that have any."""
    shares = []
    for corpus in predicted:
        known = sum(np.count_nonzero(truth != UNKNOWN) for _, truth in corpus)
        if known:
            shares.append(
                sum(
                    np.count_nonzero(
                        (decided_classes(probabilities, decoding, frame_rate) == truth)
                        & (truth != UNKNOWN)
                    )
                    for probabilities, truth in corpus
                )
                / known
            )
    return float(np.mean(shares))


def rarity_prior(teachers: Sequence[Teachers], vocabulary: Vocabulary) -> list[float] | None:
    """How much more often each class stands in labels than teachers predict it in music.

    All qualities but triads and their usual sevenths count as one, since the teachers' share of
    each alone is hardly known. ``teachers`` are those of each corpus. None where there is no
    teacher, no corpus without labels, or no such quality.

    References
    ----------
    Saerens, Latinne & Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities", Neural Computation 14(1), 2002: why a classifier's outputs are divided by the
    prior that it learnt and multiplied by the new one.
    """
    rare = np.array([
        label != NO_CHORD and label.split(":")[1] not in COMMON_QUALITIES
        for label in vocabulary.labels
    ])  # fmt: skip
    in_labels, in_music = np.zeros(len(rare)), np.zeros(len(rare))
    for of_corpus in teachers:
        items = of_corpus.corpus.items
        known = [of_corpus.corpus.labels(number).chords for number in range(len(items))]
        if all(spans is None for spans in known):
            if of_corpus.names:
                in_music += _predicted(of_corpus, vocabulary)
            continue
        for item, spans in zip(items, known, strict=True):
            for span in (spans or ()) if item.split == "train" else ():
                chord = vocabulary.index(span.label)
                if chord != UNKNOWN:
                    in_labels[chord] += span.end_s - span.start_s
    if not (rare.any() and in_labels.any() and in_music[rare].any()):
        return None
    labelled, predicted = (counts[rare].sum() / counts.sum() for counts in (in_labels, in_music))
    prior = np.where(rare, labelled / predicted, 1.0)
    return (prior / prior.max()).tolist()


def _predicted(teachers: Teachers, vocabulary: Vocabulary) -> np.ndarray:
    items = teachers.corpus.items
    times = [np.arange(0, item.n_samples / SAMPLE_RATE, PREDICTED_EVERY_S) for item in items]
    trained_on = np.repeat([item.split == "train" for item in items], list(map(len, times)))
    predicted = predicted_chords(teachers, times, vocabulary)
    return predicted[trained_on].sum(axis=0, dtype=float)


def _classes_at(
    times: np.ndarray, spans: Sequence[ChordSpan], vocabulary: Vocabulary
) -> np.ndarray:
    classes = np.full(len(times), UNKNOWN)
    for span in spans:
        inside = slice(*np.searchsorted(times, [span.start_s, span.end_s]))
        classes[inside] = vocabulary.index(span.label)
    return classes
