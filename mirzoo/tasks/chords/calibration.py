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
from mirzoo.dsp.chord_vocabulary import NO_CHORD, UNKNOWN, Vocabulary, parse_chord
from mirzoo.tasks.base import Teachers, Validated
from mirzoo.tasks.chords.config import ChordDecoding
from mirzoo.tasks.chords.decoder import BASS, decided_classes, likeliest_bass, log_odds
from mirzoo.tasks.chords.targets import BARE_FIFTH, THIRDS
from mirzoo.tasks.chords.teachers import CHORDS, predicted_chords
from mirzoo.tasks.chords.thirds import KINDS, NONE, POWER_CHORDS, THIRD
from mirzoo.tasks.frames import runs_of

CHANGE_PENALTIES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0)
CAUTIONS = (1.0, 2.0)
AS_RIGHT = 0.001
NEARLY = 0.005
COMMON_QUALITIES = frozenset({"maj", "min", "7", "maj7", "min7"})
PREDICTED_EVERY_S = 0.5
FIFTH_THRESHOLDS = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)
FEWEST_FIFTHS = 20
BASS_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
NEWTON_STEPS = 30
LEAST_SEGMENTS = 50
RIDGE = 1e-3


def calibrate_chords(
    decoding: ChordDecoding,
    validation: Iterable[Iterable[Validated]],
    vocabulary: Vocabulary,
    frame_rate: float,
    prior: Sequence[float] | None = None,
) -> ChordDecoding:
    """Choose the transition penalty, how unlikely "no chord" is a priori, and what is sure.

    The penalty is the highest of those that name as many labelled frames right as the best, give
    or take one in a thousand. "No chord" gets a prior where that costs nearly nothing: the silence
    of rendered music begins where in recordings noise and reverberation go on. Then the threshold
    of the bass is the one with most basses right, that of power chords the one that tells bare
    fifths from triads best (`best_fifth_threshold`), and the confidence in segments is fitted to
    the share of them that is right (`fitted_confidence`).

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
    predicted: list[list[tuple[np.ndarray, np.ndarray]]] = []
    basses: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    thirds: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for corpus in validation:
        predicted.append([])
        for labels, times, outputs in corpus:
            spans = labels.chords or ()
            predicted[-1].append((outputs[CHORDS], _classes_at(times, spans, vocabulary)))
            if decoding.bass_threshold is not None and BASS in outputs:
                basses.append((outputs[CHORDS], outputs[BASS], _basses_at(times, spans)))
            if THIRD in outputs:
                thirds.append((outputs[CHORDS], outputs[THIRD], *_fifths_at(times, spans)))
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
    chosen = with_settings(penalty, max(c for c, share in shares.items() if share >= nearly_best))
    segments = [
        segment
        for corpus in predicted
        for probabilities, truth in corpus
        for segment in _segments(probabilities, truth, chosen, frame_rate)
    ]
    settings = {
        "confidence": fitted_confidence(*np.array(segments).reshape(-1, 3).T),
        "bass_threshold": _best_threshold(basses, chosen, vocabulary, frame_rate),
    }
    fifths = _no_thirds(thirds, chosen, vocabulary, frame_rate)
    threshold = best_fifth_threshold(*np.array(fifths).reshape(-1, 2).T)
    if threshold is not None:
        settings["fifth_threshold"] = threshold
    return chosen.model_copy(update=settings)


def fitted_confidence(
    probabilities: np.ndarray, right: np.ndarray, weights: np.ndarray
) -> tuple[float, float] | None:
    """Fit the confidence in segments to the share of them that is right: slope and offset.

    Logistic regression of being right on the log-odds of the mean probability, by Newton's method;
    J. Platt, "Probabilistic outputs for support vector machines", 1999. None where there are fewer
    than `LEAST_SEGMENTS`, or it would not rise.

    Parameters
    ----------
    probabilities : np.ndarray
        Of the class of each segment, on average over it, ``(segments,)``.
    right : np.ndarray
        The share of each segment that is right.
    weights : np.ndarray
        How long each lasts.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> stated = rng.uniform(0.05, 0.95, 4000)  # too sure: the odds are those of the square root
    >>> true = 1 / (1 + np.sqrt((1 - stated) / stated))
    >>> slope, _ = fitted_confidence(stated, rng.random(4000) < true, np.ones(4000))
    >>> bool(0.4 < slope < 0.6)
    True
    """
    if len(probabilities) < LEAST_SEGMENTS:
        return None
    rows = np.stack([log_odds(probabilities), np.ones(len(probabilities))], axis=1)
    weights = weights / weights.mean()
    values = np.array([1.0, 0.0])
    for _ in range(NEWTON_STEPS):
        expected = 1 / (1 + np.exp(-rows @ values))
        gradient = rows.T @ (weights * (right - expected)) + RIDGE * (np.array([1.0, 0.0]) - values)
        curvature = (rows * (weights * expected * (1 - expected))[:, np.newaxis]).T @ rows
        values = values + np.linalg.solve(curvature + RIDGE * np.eye(2), gradient)
    slope, offset = values.tolist()
    return (round(slope, 4), round(offset, 4)) if np.isfinite(slope) and slope > 0 else None


def _segments(
    probabilities: np.ndarray, truth: np.ndarray, decoding: ChordDecoding, frame_rate: float
) -> list[tuple[float, float, float]]:
    """Mean probability, share right and labelled frames of each segment that has some."""
    path = decided_classes(probabilities, decoding, frame_rate)
    found = []
    for first, end in zip(*runs_of(path)):
        known = truth[first:end] != UNKNOWN
        if known.any():
            right = (truth[first:end] == path[first])[known].mean()
            mean = probabilities[first:end, path[first]].mean()
            found.append((float(mean), float(right), float(known.sum())))
    return found


def _best_threshold(
    found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    decoding: ChordDecoding,
    vocabulary: Vocabulary,
    frame_rate: float,
) -> float | None:
    """The threshold at which most frames whose root is right have their bass; the highest."""
    roots = np.array([_root_and_tones(label)[0] for label in vocabulary.labels])
    tones = [_root_and_tones(label)[1] for label in vocabulary.labels]
    right = dict.fromkeys(BASS_THRESHOLDS, 0)
    for probabilities, bass, truth in found:
        path = decided_classes(probabilities, decoding, frame_rate)
        for first, end in zip(*runs_of(path)):
            mean, there = bass[first:end].mean(axis=0), truth[first:end]
            for threshold in BASS_THRESHOLDS:
                named = likeliest_bass(
                    mean, decoding.model_copy(update={"bass_threshold": threshold})
                )
                sounds = named - 1 if named - 1 in tones[path[first]] else roots[path[first]]
                right[threshold] += int((there == sounds).sum())
    if not any(right.values()):
        return decoding.bass_threshold
    return max(threshold for threshold, count in right.items() if count == max(right.values()))


def best_fifth_threshold(no_third: np.ndarray, is_fifth: np.ndarray) -> float | None:
    """The threshold above which most bare fifths and fewest triads lie.

    The mean of the share of fifths above it and the share of triads that are not is highest there;
    of those within a hundredth of that, it is the highest. None where there are fewer than
    `FEWEST_FIFTHS` of either.

    Parameters
    ----------
    no_third : np.ndarray
        Probability of no third of each chord, on average over it, ``(chords,)``.
    is_fifth : np.ndarray
        Whether it is a bare fifth.

    Examples
    --------
    >>> no_third = np.array([0.1] * 30 + [0.28] * 10 + [0.33] * 30)
    >>> best_fifth_threshold(no_third, np.array([False] * 40 + [True] * 30))
    0.3
    """
    fifths, triads = no_third[is_fifth > 0], no_third[is_fifth == 0]
    if min(len(fifths), len(triads)) < FEWEST_FIFTHS:
        return None
    shares = {
        threshold: ((fifths > threshold).mean() + (triads <= threshold).mean()) / 2
        for threshold in FIFTH_THRESHOLDS
    }
    nearly_best = max(shares.values()) - 0.01
    return max(threshold for threshold, share in shares.items() if share >= nearly_best)


def _no_thirds(
    found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
    decoding: ChordDecoding,
    vocabulary: Vocabulary,
    frame_rate: float,
) -> list[tuple[float, float]]:
    """Of decided triads on the right root: probability of no third, and whether there is none."""
    roots = np.array([_root_and_tones(label)[0] for label in vocabulary.labels])
    is_triad = [label.partition(":")[2] in POWER_CHORDS for label in vocabulary.labels]
    pairs = []
    for probabilities, thirds, true_roots, is_fifth in found:
        path = decided_classes(probabilities, decoding, frame_rate)
        of_roots = thirds.reshape(len(thirds), -1, len(KINDS))
        for first, end in zip(*runs_of(path)):
            if not is_triad[path[first]]:
                continue
            root = roots[path[first]]
            known = true_roots[first:end] == root
            if known.mean() > 0.5:
                none = of_roots[first:end, root, NONE].mean()
                pairs.append((float(none), float(is_fifth[first:end][known].mean() > 0.5)))
    return pairs


def _fifths_at(times: np.ndarray, spans: Sequence[ChordSpan]) -> tuple[np.ndarray, np.ndarray]:
    """The root of each frame's triad or bare fifth, `UNKNOWN` for others, and which it is."""
    roots, is_fifth = np.full(len(times), UNKNOWN), np.zeros(len(times), bool)
    for span in spans:
        chord = parse_chord(span.label)
        if chord is None or chord.root is None:
            continue
        bare = chord.intervals == BARE_FIFTH
        if bare or chord.intervals & THIRDS:
            inside = slice(*np.searchsorted(times, [span.start_s, span.end_s]))
            roots[inside], is_fifth[inside] = chord.root, bare
    return roots, is_fifth


def _root_and_tones(label: str) -> tuple[int, tuple[int, ...]]:
    chord = parse_chord(label)
    if chord is None or chord.root is None:
        return UNKNOWN, ()
    return chord.root, chord.pitch_classes


def _basses_at(times: np.ndarray, spans: Sequence[ChordSpan]) -> np.ndarray:
    """The bass of each frame, `UNKNOWN` - 1 where there is none."""
    basses = np.full(len(times), UNKNOWN - 1)
    for span in spans:
        chord = parse_chord(span.label)
        if chord is not None and chord.bass is not None:
            basses[slice(*np.searchsorted(times, [span.start_s, span.end_s]))] = chord.bass
    return basses


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
