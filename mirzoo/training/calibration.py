"""How a trained model's outputs are decoded: the settings that do best on the validation split.

A chord model's price of a change and a melody model's voicing threshold depend on how sure the
network is of itself, so they are chosen after it is trained, every corpus counting alike. Charts
that are made to practise all qualities have rare ones more often than music has; how much more,
the labels and a teacher that hears recordings tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mirzoo.annotate import hear_frames
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.data.predictions import item_waveform
from mirzoo.dsp.chord_vocabulary import NO_CHORD, UNKNOWN, Vocabulary
from mirzoo.models.model import Model
from mirzoo.tasks.chords import ChordDecoding, likeliest_classes
from mirzoo.tasks.melody import MelodyDecoding, is_voiced, refine, strongest_bins
from mirzoo.training.taught_chords import predicted_chords
from mirzoo.training.teachers import Teachers

ITEMS_PER_CORPUS = 40
CHANGE_PENALTIES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0)
CAUTIONS = (1.0, 2.0)
AS_RIGHT = 0.001
NEARLY = 0.005
THRESHOLDS = tuple(np.round(np.arange(0.1, 0.91, 0.05), 2))
RIGHT_CENTS = 50.0
COMMON_QUALITIES = frozenset({"maj", "min", "7", "maj7", "min7"})
PREDICTED_EVERY_S = 0.5


def calibrate_chords(
    model: Model,
    corpora: Sequence[Corpus],
    vocabulary: Vocabulary,
    prior: Sequence[float] | None = None,
) -> ChordDecoding:
    """Choose the price of a change of chord, and how unlikely "no chord" is beforehand.

    The price is the highest of those that name as many labelled frames right as the best, give or
    take one in a thousand. "No chord" is as unlikely
    as costs nearly nothing: the silence of rendered music begins where in recordings noise and
    reverberation go on.
    """
    heard = [
        [
            (outputs["chords"], _classes_at(times, labels.chords, vocabulary))
            for labels, times, outputs in _validation(model, corpus, "chords")
        ]
        for corpus in corpora
    ]
    learnt = np.ones(len(vocabulary)) if prior is None else np.array(prior)
    none = np.array([label == NO_CHORD for label in vocabulary.labels])

    def decoding(penalty: float, caution: float) -> ChordDecoding:
        weighed = np.where(none, caution, 1.0) * learnt
        is_even = weighed.min() == weighed.max()
        settings = {
            "change_penalty": penalty,
            "prior": None if is_even else (weighed / weighed.max()).tolist(),
        }
        return model.card.decoding.model_copy(update=settings)

    by_price = {price: _share_right(heard, decoding(price, 1.0)) for price in CHANGE_PENALTIES}
    as_good_as_the_best = max(by_price.values()) - AS_RIGHT
    penalty = max(price for price, share in by_price.items() if share >= as_good_as_the_best)
    shares = {caution: _share_right(heard, decoding(penalty, caution)) for caution in CAUTIONS}
    nearly_best = max(shares.values()) - NEARLY
    return decoding(penalty, max(c for c, share in shares.items() if share >= nearly_best))


def _share_right(
    heard: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]], decoding: ChordDecoding
) -> float:
    """The share of labelled frames named right, the mean over corpora that have any."""
    shares = []
    for corpus in heard:
        known = sum(np.count_nonzero(truth != UNKNOWN) for _, truth in corpus)
        if known:
            shares.append(
                sum(
                    np.count_nonzero(
                        (likeliest_classes(probabilities, decoding) == truth) & (truth != UNKNOWN)
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
        corpus = of_corpus.corpus
        if not (corpus.directory / "chords.csv").exists():
            if of_corpus.names:
                in_music += _predicted(of_corpus, vocabulary)
            continue
        for number, item in enumerate(corpus.items):
            spans = corpus.labels(number).chords if item.split == "train" else None
            for span in spans or ():
                known = vocabulary.index(span.label)
                if known != UNKNOWN:
                    in_labels[known] += span.end_s - span.start_s
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


def _classes_at(times: np.ndarray, spans, vocabulary: Vocabulary) -> np.ndarray:
    classes = np.full(len(times), UNKNOWN)
    for span in spans:
        inside = slice(*np.searchsorted(times, [span.start_s, span.end_s]))
        classes[inside] = vocabulary.index(span.label)
    return classes


def calibrate_melody(model: Model, corpora: Sequence[Corpus]) -> MelodyDecoding:
    """Choose the voicing threshold at which most is right of what sounds and of what doesn't.

    Right is a frame whose melody is found to within 50 cents, or whose silence is. Voiced and
    unvoiced frames count alike, however many there are of either: clips cut out around a voice
    are voiced two thirds of the time, whole songs rather half.
    """
    decoding = model.card.decoding
    frame_rate = model.card.outputs[0].frame_rate
    right = np.zeros(len(THRESHOLDS))
    for corpus in corpora:
        hits, frames = np.zeros((len(THRESHOLDS), 2)), np.zeros(2)
        for labels, times, outputs in _validation(model, corpus, "f0"):
            f0 = labels.f0
            truth = f0[np.minimum(np.round(times * F0_RATE).astype(int), len(f0) - 1)]
            path = strongest_bins(outputs["salience"], decoding)
            bins, _ = refine(outputs["salience"], path, decoding.average_bins)
            heard = decoding.fmin * 2 ** (bins / decoding.bins_per_octave)
            with np.errstate(divide="ignore", invalid="ignore"):
                off_cents = 1200 * np.abs(np.log2(heard / truth))
            near = (truth > 0) & (off_cents <= RIGHT_CENTS)
            frames += np.count_nonzero(truth > 0), np.count_nonzero(truth == 0)
            for number, threshold in enumerate(THRESHOLDS):
                chosen = decoding.model_copy(update={"voicing_threshold": threshold})
                voiced = is_voiced(outputs["voicing"][:, 0], chosen, frame_rate)
                hits[number] += (
                    np.count_nonzero(voiced & near),
                    np.count_nonzero(~voiced & (truth == 0)),
                )
        kinds = frames > 0
        right += (hits[:, kinds] / frames[kinds]).sum(axis=1)
    best = float(THRESHOLDS[int(right.argmax())])
    return decoding.model_copy(update={"voicing_threshold": best})


def _validation(
    model: Model, corpus: Corpus, kind: str
) -> Iterator[tuple[Labels, np.ndarray, dict[str, np.ndarray]]]:
    """The first validation items with a kind of label: labels, frames' times, the outputs."""
    left = ITEMS_PER_CORPUS
    for number, item in enumerate(corpus.items):
        labels = corpus.labels(number) if item.split == "valid" and left else None
        if labels is not None and getattr(labels, kind) is not None:
            left -= 1
            yield (
                labels,
                *hear_frames(model, item_waveform(corpus, number), source_rate=SAMPLE_RATE),
            )
