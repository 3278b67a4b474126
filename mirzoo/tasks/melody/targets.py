"""What a melody model is trained to output for frames: from labels, or from teachers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mirzoo.data.labels import F0_RATE
from mirzoo.tasks.base import Labelled
from mirzoo.tasks.melody.config import MelodyConfig

SPREAD_CENTS = 20.0
DOUBTFUL = (0.25, 0.75)
"""Between these probabilities of the voicing teachers do not know whether a melody sounds."""


class MelodyTargets:
    """The melody as salience and voicing.

    ``salience`` is a Gaussian bump of 20 cents over the bins of the pitch (it sums to 1), or
    zeros where no pitch is known; ``voicing`` is 0 or 1, or -1 where it isn't known.

    Parameters
    ----------
    corpus : Labelled
    frame_times : sequence of np.ndarray
        The times of each item's frames (s).
    config : MelodyConfig
    """

    def __init__(
        self, corpus: Labelled, frame_times: Sequence[np.ndarray], config: MelodyConfig
    ) -> None:
        self._config = config
        self._f0 = np.concatenate(
            [_sampled(corpus.labels(index).f0, times) for index, times in enumerate(frame_times)]
        )

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        f0 = self._f0[start:stop]
        voicing = np.where(np.isnan(f0), -1.0, f0 > 0).astype(np.float32)[:, np.newaxis]
        return {"salience": _bumps(f0 * 2 ** (semitones / 12), self._config), "voicing": voicing}

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return _unknown(count, self._config)


class PredictedMelody(NamedTuple):
    """A melody as teachers predict it, float ``(frames,)`` each.

    ``f0`` (Hz) is given for every frame; ``confidence`` is that of the pitch and ``voicing`` the
    probability that a melody sounds, both from 0 to 1.
    """

    f0: np.ndarray
    confidence: np.ndarray
    voicing: np.ndarray


class DistilledMelodyTargets:
    """The melody as teachers predict it: probabilities instead of labels.

    ``salience`` is a bump as that of `MelodyTargets`, times the probability of a melody and the
    confidence of its pitch; ``voicing`` is the teachers' probability, or -1 where that is
    `DOUBTFUL`.

    Parameters
    ----------
    predicted : PredictedMelody
    config : MelodyConfig
    """

    def __init__(self, predicted: PredictedMelody, config: MelodyConfig) -> None:
        self._predicted = predicted
        self._config = config

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        f0, confidence, voicing = (row[start:stop].astype(np.float32) for row in self._predicted)
        bumps = _bumps(f0 * 2 ** (semitones / 12), self._config)
        lowest, highest = DOUBTFUL
        known = np.where((voicing > lowest) & (voicing < highest), -1.0, voicing)
        return {
            "salience": bumps * (confidence * voicing)[:, np.newaxis],
            "voicing": known.astype(np.float32)[:, np.newaxis],
        }

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return _unknown(count, self._config)


def _unknown(count: int, config: MelodyConfig) -> dict[str, np.ndarray]:
    return {
        "salience": np.zeros((count, config.n_bins), np.float32),
        "voicing": np.full((count, 1), -1.0, np.float32),
    }


def _bumps(f0: np.ndarray, config: MelodyConfig) -> np.ndarray:
    """A Gaussian bump over the bins of each pitch (Hz) that is known and inside, else zeros."""
    bins = np.arange(config.n_bins, dtype=np.float32)
    salience = np.zeros((len(f0), len(bins)), np.float32)
    sounding = np.flatnonzero(np.nan_to_num(f0) > 0)
    place = config.bins_per_octave * np.log2(f0[sounding] / config.fmin)
    inside = (place >= 0) & (place <= len(bins) - 1)
    spread = SPREAD_CENTS * config.bins_per_octave / 1200
    distance = (bins - place[inside, np.newaxis].astype(np.float32)) / spread
    bumps = np.exp(-0.5 * np.square(distance))
    salience[sounding[inside]] = bumps / bumps.sum(axis=1, keepdims=True)
    return salience


def _sampled(f0: np.ndarray | None, times: np.ndarray) -> np.ndarray:
    if f0 is None:
        return np.full(len(times), np.nan, np.float32)
    nearest = np.minimum(np.round(times * F0_RATE).astype(int), len(f0) - 1)
    return f0[nearest]
