"""Beats that teachers predict for recordings without labels, where two trackers agree.

A beat model is wrong by whole beats rather than by a little: it takes another phase, or half or
double the tempo. Dynamic programming over onset strength, as `librosa.beat.beat_track` has it [1]_,
errs too, but for other reasons. So beats count where two systems, teachers or librosa, find the
same ones for at least eight seconds, without any between them, and nothing else of the recording
does. Librosa's are near 120 a minute whatever the music is, so where they are every second one of a
teacher's, or twice as many, the teacher's count too. That leaves out what is difficult, above all
where the tempo changes: a student needs labelled music besides.

Bars are the teachers' alone, and count where they keep to bars of 3 or 4 beats and are sure of
where these begin.

References
----------
.. [1] D. P. W. Ellis, "Beat tracking by dynamic programming", Journal of New Music Research 36 (1),
   2007.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.data.labels import Labels
from mirzoo.errors import RecipeError
from mirzoo.tasks.base import Teachers
from mirzoo.tasks.beats.bars import bar_positions
from mirzoo.tasks.beats.config import BEAT, BEATS, DOWNBEAT, BeatsDecoding
from mirzoo.tasks.beats.decoder import find_beats, strength_at
from mirzoo.tasks.beats.targets import BeatTargets

SAME_S = 0.07
"""Beats so near are the same, as the field counts them."""

LEAST_S = 8.0
ONSET_HOP = 256
BAR_LENGTHS = (3, 4)
BAR_CONTRAST = 0.2
"""By how much more likely downbeats are on the first beats of bars than on the others."""


def agreed_targets(teachers: Teachers, frame_times: Sequence[np.ndarray]) -> BeatTargets:
    """Give targets from the beats of a corpus that two of its teachers and librosa find.

    Parameters
    ----------
    teachers : Teachers
        Beat models. Where stretches of several pairs overlap, those of teachers named first count.
    frame_times : sequence of np.ndarray
        The times of each item's frames (s).

    Raises
    ------
    RecipeError
        If a teacher is no beat model.
    """
    names = teachers.names
    predictions = [
        teachers.predictions(f"{name}+onsets", partial(_predictor, teachers, name))
        for name in names
    ]
    stretches = [
        _agreed({key: value for each in predicted for key, value in each.items()}, names)
        for predicted in zip(*predictions, strict=True)
    ]
    return BeatTargets.of_stretches(stretches, frame_times)


def _predictor(teachers: Teachers, name: str) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    card = teachers.model(name).card
    decoding = card.decoding
    if not isinstance(decoding, BeatsDecoding):
        raise RecipeError(
            f"data.teachers names '{name}', a model for {card.task}; beats are distilled from "
            "beat models"
        )
    frames = teachers.frames(name)

    def beats(waveform: np.ndarray) -> dict[str, np.ndarray]:
        times, outputs = frames(waveform)
        activation = outputs[BEATS]
        rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 1.0
        places = find_beats(activation[:, BEAT], rate, decoding).frames
        return {
            "onsets": onset_beats(waveform),
            f"{name}_times": np.interp(places, np.arange(len(times)), times),
            f"{name}_downbeats": strength_at(activation[:, DOWNBEAT], places),
        }

    return beats


def onset_beats(waveform: np.ndarray) -> np.ndarray:
    """Times of the beats that librosa finds (s), ``(beats,)``, in audio at 16 kHz."""
    import librosa

    _, times = librosa.beat.beat_track(
        y=waveform, sr=SAMPLE_RATE, hop_length=ONSET_HOP, trim=False, units="time"
    )
    return np.asarray(times, np.float64)


def _agreed(predicted: Mapping[str, np.ndarray], names: Sequence[str]) -> list[Labels]:
    """Stretches of beats that two systems find, those to be trusted most first."""
    found: list[np.ndarray] = []
    for number, name in enumerate(names):
        times = predicted[f"{name}_times"]
        for other in names[number + 1 :]:
            found += _long_stretches(times, predicted[f"{other}_times"])
        found += _long_stretches(times, predicted["onsets"])
    for name in names:
        times = predicted[f"{name}_times"]
        others = predicted["onsets"]
        halves = (others[1:] + others[:-1]) / 2
        for same_level in (others[::2], others[1::2], np.sort(np.append(others, halves))):
            found += _long_stretches(times, same_level)
    labels = []
    for beats in found:
        places = _bars(beats, predicted, names)
        labels.append(Labels(beats=beats, downbeats=None if places is None else beats[places == 1]))
    return labels


def _long_stretches(times: np.ndarray, others: np.ndarray) -> list[np.ndarray]:
    stretches = [times[stretch] for stretch in agreeing_stretches(times, others)]
    return [beats for beats in stretches if len(beats) > 1 and beats[-1] - beats[0] >= LEAST_S]


def agreeing_stretches(times: np.ndarray, others: np.ndarray) -> list[slice]:
    """The stretches of ``times`` whose beats are neighbours in ``others`` too, of two or more.

    Parameters
    ----------
    times, others : np.ndarray
        Beats (s), ascending.

    Examples
    --------
    >>> agreeing_stretches(np.arange(10) * 0.5, np.arange(4, 30) * 0.5 + 0.02)
    [slice(4, 10, None)]
    >>> agreeing_stretches(np.arange(10) * 0.5, np.arange(40) * 0.25)
    []
    """
    if not len(times) or not len(others):
        return []
    nearest = np.abs(times[:, np.newaxis] - others).argmin(axis=1)
    same = np.abs(times - others[nearest]) <= SAME_S
    linked = same[1:] & same[:-1] & (np.diff(nearest) == 1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], linked, [False]]).astype(np.int8)))
    return [slice(start, stop + 1) for start, stop in edges.reshape(-1, 2).tolist()]


def _bars(
    times: np.ndarray, predicted: Mapping[str, np.ndarray], names: Sequence[str]
) -> np.ndarray | None:
    """Places in the bar of some beats; None where teachers are not to be trusted.

    Teachers count whose own beats these are.
    """
    likely = []
    for name in names:
        own = predicted[f"{name}_times"]
        nearest = np.abs(times[:, np.newaxis] - own).argmin(axis=1)
        if (np.abs(times - own[nearest]) <= SAME_S).all() and (np.diff(nearest) == 1).all():
            likely.append(predicted[f"{name}_downbeats"][nearest])
    mean = np.mean(likely, axis=0)  # the beats are those of a teacher at least
    fits = []
    for length in BAR_LENGTHS:
        places = bar_positions(mean, beats_per_bar=length, change_penalty=0.0)
        fits.append((mean[places == 1].mean() - mean[places != 1].mean(), places))
    contrast, places = max(fits, key=lambda fit: fit[0])
    return places if contrast >= BAR_CONTRAST else None
