"""The keys that teachers predict for a corpus without labels: only where all of them agree.

A key model gives hardly a wrong answer by chance that another, made otherwise, gives too: where
two agree on the key of a recording, it is right far more often than either. Recordings on which
they differ are unknown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from mirzoo.errors import RecipeError
from mirzoo.tasks.base import Predict, Teachers
from mirzoo.tasks.key.config import KEYS
from mirzoo.tasks.key.names import LABELS, parse_key

logger = logging.getLogger(__name__)

FEWEST = 2
UNKNOWN = -1


class AgreedTargets:
    """One key for each item's frames, or none.

    Parameters
    ----------
    keys : np.ndarray
        Int ``(frames,)``: a place in `LABELS`, or -1 where nothing is known.
    weight : float
        How much they count compared with labels.
    """

    def __init__(self, keys: np.ndarray, weight: float) -> None:
        self._keys, self._weight = keys, np.float32(weight)

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        keys = self._keys[start:stop]
        rows = np.zeros((len(keys), len(LABELS)), np.float32)
        known = np.flatnonzero(keys >= 0)
        rows[known, (keys[known] + 2 * semitones) % len(LABELS)] = self._weight
        return {KEYS: rows}

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return {KEYS: np.zeros((count, len(LABELS)), np.float32)}


def agreed_targets(
    teachers: Teachers, frame_times: Sequence[np.ndarray], weight: float
) -> AgreedTargets:
    """Give the keys that all teachers agree on, at the frames of a corpus.

    Raises
    ------
    RecipeError
        If there are fewer than two teachers, of which none could agree.
    """
    if len(teachers.names) < FEWEST:
        raise RecipeError(
            f"data.teachers names {', '.join(teachers.names)}; keys are learnt where teachers "
            f"agree, so {FEWEST} or more are needed"
        )
    each = np.stack([_predicted(teachers, name) for name in teachers.names])
    agreed = np.where((each == each[0]).all(axis=0), each[0], UNKNOWN)
    logger.info(
        "%s: %s agree on the key of %d of %d items",
        teachers.corpus.directory.name,
        " and ".join(teachers.names),
        np.count_nonzero(agreed >= 0),
        len(agreed),
    )
    return AgreedTargets(np.repeat(agreed, [len(times) for times in frame_times]), weight)


def _predicted(teachers: Teachers, teacher: str) -> np.ndarray:
    """The likeliest key of each item, a place in `LABELS`."""
    places = np.array([parse_key(label).place for label in teachers.model(teacher).card.labels])
    predictions = teachers.predictions(teacher, lambda: _whole_alone(teachers.frames(teacher)))
    return np.array([places[int(found[KEYS].argmax())] for found in predictions], np.int64)


def _whole_alone(predict: Predict) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    def whole(waveform: np.ndarray) -> dict[str, np.ndarray]:
        _, outputs = predict(waveform)
        return {KEYS: outputs[KEYS].mean(axis=0).astype(np.float32)}

    return whole
