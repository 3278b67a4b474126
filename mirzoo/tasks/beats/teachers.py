"""Beats that teachers predict for recordings without labels, where an onset-based tracker agrees.

A beat model is wrong by whole beats rather than by a little: it takes another phase, or half or
double the tempo. Dynamic programming over onset strength, as `librosa.beat.beat_track` has it [1]_,
errs too, but for other reasons. So beats count where both find the same ones, without any between
them, for at least ten seconds, and nothing else of the recording does. That leaves out what is
difficult, above all where the tempo changes: a student needs labelled music besides.

Bars are the teachers' alone, and count where each keeps to bars of 3 or 4 beats and is sure of
where they begin.

References
----------
.. [1] D. P. W. Ellis, "Beat tracking by dynamic programming", Journal of New Music Research 36 (1),
   2007.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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

LEAST_S = 10.0
ONSET_HOP = 256
BAR_LENGTHS = (3, 4)
BAR_CONTRAST = 0.2
"""By how much more likely downbeats are on the first beats of bars than on the others."""


def agreed_targets(teachers: Teachers, frame_times: Sequence[np.ndarray]) -> BeatTargets:
    """Give targets from the beats of a corpus that all teachers, and librosa, find.

    Parameters
    ----------
    teachers : Teachers
        Beat models.
    frame_times : sequence of np.ndarray
        The times of each item's frames (s).

    Raises
    ------
    RecipeError
        If a teacher is no beat model.
    """
    predictions = teachers.predictions(
        "+".join((*teachers.names, "onsets")), lambda: _together(teachers)
    )
    known = [_agreed(predicted, teachers.names) for predicted in predictions]
    return BeatTargets(_Agreed(known), frame_times)


@dataclass(frozen=True)
class _Agreed:
    """Stands for a corpus: what is known of each of its items."""

    known: Sequence[Labels]

    def labels(self, index: int) -> Labels:
        """What is known of an item."""
        return self.known[index]


def _together(teachers: Teachers) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    for name in teachers.names:
        card = teachers.model(name).card
        if not isinstance(card.decoding, BeatsDecoding):
            raise RecipeError(
                f"data.teachers names '{name}', a model for {card.task}; beats are distilled from "
                "beat models"
            )
    predict = {name: teachers.frames(name) for name in teachers.names}
    decodings = {name: teachers.model(name).card.decoding for name in teachers.names}

    def beats(waveform: np.ndarray) -> dict[str, np.ndarray]:
        found = {"onsets": onset_beats(waveform)}
        for name, frames in predict.items():
            times, outputs = frames(waveform)
            activation = outputs[BEATS]
            decoding = decodings[name]
            assert isinstance(decoding, BeatsDecoding)  # checked above
            rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 1.0
            places = find_beats(activation[:, BEAT], rate, decoding).frames
            found[f"{name}_times"] = np.interp(places, np.arange(len(times)), times)
            found[f"{name}_downbeats"] = strength_at(activation[:, DOWNBEAT], places)
        return found

    return beats


def onset_beats(waveform: np.ndarray) -> np.ndarray:
    """Times of the beats that librosa finds (s), ``(beats,)``, in audio at 16 kHz."""
    import librosa

    _, times = librosa.beat.beat_track(
        y=waveform, sr=SAMPLE_RATE, hop_length=ONSET_HOP, trim=False, units="time"
    )
    return np.asarray(times, np.float64)


def _agreed(predicted: Mapping[str, np.ndarray], names: Sequence[str]) -> Labels:
    """The longest stretch of beats that all find; nothing is known where it is short."""
    times = predicted[f"{names[0]}_times"]
    stretch = slice(0, len(times))
    for other in ("onsets", *(f"{name}_times" for name in names[1:])):
        found = agreeing_stretch(times[stretch], predicted[other])
        stretch = slice(stretch.start + found.start, stretch.start + found.stop)
    agreed = times[stretch]
    if len(agreed) < 2 or agreed[-1] - agreed[0] < LEAST_S:
        return Labels()
    bars = [_bars(agreed, predicted, name) for name in names]
    first = bars[0]
    same = all(each is not None and (each == first).all() for each in bars)
    return Labels(beats=agreed, downbeats=agreed[first == 1] if same else None)


def agreeing_stretch(times: np.ndarray, others: np.ndarray) -> slice:
    """The longest stretch of ``times`` whose beats are neighbours in ``others`` too.

    Parameters
    ----------
    times, others : np.ndarray
        Beats (s), ascending.

    Examples
    --------
    >>> agreeing_stretch(np.arange(10) * 0.5, np.arange(4, 30) * 0.5 + 0.02)
    slice(4, 10, None)
    >>> agreeing_stretch(np.arange(10) * 0.5, np.arange(40) * 0.25)
    slice(0, 1, None)
    """
    if not len(times) or not len(others):
        return slice(0, 0)
    nearest = np.abs(times[:, np.newaxis] - others).argmin(axis=1)
    same = np.abs(times - others[nearest]) <= SAME_S
    linked = same[1:] & same[:-1] & (np.diff(nearest) == 1)
    best, start = slice(0, 1), 0
    for end, holds in enumerate([*linked.tolist(), False]):
        if not holds:
            if end + 1 - start > best.stop - best.start:
                best = slice(start, end + 1)
            start = end + 1
    return best


def _bars(times: np.ndarray, predicted: Mapping[str, np.ndarray], name: str) -> np.ndarray | None:
    """A teacher's places in the bar of some beats; None where they are not to be trusted."""
    own = predicted[f"{name}_times"]
    nearest = np.abs(times[:, np.newaxis] - own).argmin(axis=1)
    likely = predicted[f"{name}_downbeats"][nearest]
    fits = []
    for length in BAR_LENGTHS:
        places = bar_positions(likely, beats_per_bar=length, change_penalty=0.0)
        fits.append((likely[places == 1].mean() - likely[places != 1].mean(), places))
    contrast, places = max(fits, key=lambda fit: fit[0])
    return places if contrast >= BAR_CONTRAST else None
