"""The keys that teachers predict for a corpus without labels: how likely each is, in their mean.

A key model is a teacher, and so is a chord model, by the keys that its chords fit
(`mirzoo.tasks.key.targets.fit_of_keys`): the two are wrong about different music. Each gives one
distribution for a recording, and the target is their mean: clear where teachers agree, divided
where they do not.

References
----------
G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", arXiv:1503.02531.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import RecipeError
from mirzoo.tasks.base import TASKS, Predict, Teachers
from mirzoo.tasks.key.config import KEYS
from mirzoo.tasks.key.names import LABELS, parse_key
from mirzoo.tasks.key.targets import fit_of_keys

logger = logging.getLogger(__name__)

FEWEST = 2
KEY = "key"
"""The kind of label that key models give; of other models the chords count."""

FIT_TEMPERATURE = 0.15
"""What makes probabilities of how well keys fit chords, which is at most about 2."""


class TeacherTargets:
    """One distribution over keys for all of an item's frames, or zeros where none is known.

    Parameters
    ----------
    items : np.ndarray
        How likely each key is, ``(items, 24)``.
    item_of : np.ndarray
        Int ``(frames,)``: the item of each frame.
    weight : float
        How much they count compared with labels.
    """

    def __init__(self, items: np.ndarray, item_of: np.ndarray, weight: float) -> None:
        self._items, self._item_of = (weight * items).astype(np.float32), item_of

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        # Labels are major and minor of each tonic in turn, so a semitone is two places.
        return {KEYS: np.roll(self._items[self._item_of[start:stop]], 2 * semitones, axis=-1)}

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return {KEYS: np.zeros((count, len(LABELS)), np.float32)}


def distilled_keys(
    teachers: Teachers, frame_times: Sequence[np.ndarray], weight: float
) -> TeacherTargets:
    """Give the keys that teachers predict, at the frames of a corpus.

    Raises
    ------
    RecipeError
        If there are fewer than two teachers, of which none could agree.
    """
    if len(teachers.names) < FEWEST:
        raise RecipeError(
            f"data.teachers names {', '.join(teachers.names)}; keys are learnt from what teachers "
            f"agree on, so {FEWEST} or more are needed"
        )
    each = np.stack([_predicted(teachers, name) for name in teachers.names])
    known = np.asarray(each.any(axis=-1).all(axis=0))
    best = each.argmax(axis=-1)
    logger.info(
        "%s: %s agree on the key of %d of %d items",
        teachers.corpus.directory.name,
        " and ".join(teachers.names),
        np.count_nonzero((best == best[0]).all(axis=0) & known),
        len(known),
    )
    together = each.mean(axis=0) * known[:, np.newaxis]
    item_of = np.repeat(np.arange(len(known)), [len(times) for times in frame_times])
    return TeacherTargets(together, item_of, weight)


def _predicted(teachers: Teachers, teacher: str) -> np.ndarray:
    """How likely each key is for each item, ``(items, 24)``; zeros where nothing is said."""
    card = teachers.model(teacher).card
    if TASKS[card.task].label_kind != KEY:
        found = teachers.predictions(f"{teacher}_keys", lambda: _fitting(teachers, teacher))
        fits = np.stack([fit[KEYS] for fit in found])
        odds = np.exp((fits - fits.max(axis=-1, keepdims=True)) / FIT_TEMPERATURE)
        return np.where(fits.any(axis=-1, keepdims=True), odds / odds.sum(-1, keepdims=True), 0.0)
    found = teachers.predictions(teacher, lambda: _whole_alone(teachers.frames(teacher)))
    rows = np.stack([predicted[KEYS] for predicted in found])
    ordered = np.zeros((len(rows), len(LABELS)))
    ordered[:, [parse_key(label).place for label in card.labels]] = rows
    return ordered


def _whole_alone(predict: Predict) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    def whole(waveform: np.ndarray) -> dict[str, np.ndarray]:
        _, outputs = predict(waveform)
        return {KEYS: outputs[KEYS].mean(axis=0).astype(np.float32)}

    return whole


def _fitting(teachers: Teachers, teacher: str) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    model = teachers.model(teacher)
    labels_of = TASKS[model.card.task].labels_of

    def fitting(waveform: np.ndarray) -> dict[str, np.ndarray]:
        found = model.annotate(waveform, source_rate=SAMPLE_RATE)
        fit = fit_of_keys(labels_of(found, len(waveform) / SAMPLE_RATE).chords or ())
        return {KEYS: np.zeros(len(LABELS)) if fit is None else fit}

    return fitting
