"""The melody that teachers predict together for a corpus.

Melody models of different kinds are wrong in different places, so their mean is better than each
of them, above all in recordings of a kind that none of them was trained on. A student that is
distilled from it learns from more real music than has labels.

References
----------
S. Kum, J.-H. Lin, L. Su, J. Nam, "Semi-supervised learning using teacher-student models for
vocal melody extraction", ISMIR 2020, for melodies distilled from a teacher's predictions on
unlabelled songs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mirzoo.card import Card
from mirzoo.dsp.framing import nearest
from mirzoo.errors import RecipeError
from mirzoo.tasks.base import Teachers
from mirzoo.tasks.melody.config import MelodyDecoding
from mirzoo.tasks.melody.decoder import refine, salience_around, strongest_bins
from mirzoo.tasks.melody.targets import PredictedMelody

SALIENCE, VOICING = "salience", "voicing"
NEAR_CENTS = 50.0
EARLIER_CONFIDENCE = "sureness"


def predicted_melody(teachers: Teachers, frame_times: Sequence[np.ndarray]) -> PredictedMelody:
    """Give the mean of what melody models predict at the frames of a corpus.

    The pitch is the likeliest path through the mean of their saliences; its confidence is the
    salience within half a semitone of it.

    Parameters
    ----------
    teachers : Teachers
        Melody models with ``voicing`` and one grid of pitch bins.
    frame_times : sequence of np.ndarray
        The times of each item's frames (s); each frame takes the teachers' nearest.

    Raises
    ------
    RecipeError
        If the teachers' bins differ, or one has no voicing.
    """
    predictions = teachers.predictions("+".join(teachers.names), lambda: _together(teachers))
    rows = []
    for predicted, times in zip(predictions, frame_times, strict=True):
        at = nearest(predicted["times"], times)
        rows.append([predicted["f0"][at], _confidence(predicted)[at], predicted[VOICING][at]])
    return PredictedMelody(*(np.concatenate(kind) for kind in zip(*rows, strict=True)))


def _confidence(predicted: Mapping[str, np.ndarray]) -> np.ndarray:
    return predicted["confidence" if "confidence" in predicted else EARLIER_CONFIDENCE]


def _together(teachers: Teachers) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    cards = [teachers.model(name).card for name in teachers.names]
    decoding = _one_grid(cards)
    predict = [teachers.frames(name) for name in teachers.names]

    def mean(waveform: np.ndarray) -> dict[str, np.ndarray]:
        predicted = [frames(waveform) for frames in predict]
        times = predicted[0][0]
        at = [nearest(own, times) for own, _ in predicted]
        salience, voicing = (
            np.mean([outputs[kind][rows] for (_, outputs), rows in zip(predicted, at)], axis=0)
            for kind in (SALIENCE, VOICING)
        )
        return {
            "times": times,
            VOICING: voicing[:, 0].astype(np.float16),
            **_followed(salience, decoding),
        }

    return mean


def _one_grid(cards: Sequence[Card]) -> MelodyDecoding:
    decodings = [_melody_decoding(card) for card in cards]
    first = decodings[0]
    for card, decoding in zip(cards, decodings, strict=True):
        if _bins(decoding) != _bins(first):
            raise RecipeError(
                f"data.teachers: '{card.name}' has pitch bins of its own "
                f"({_bins(decoding)}), unlike '{cards[0].name}' "
                f"({_bins(first)}); their mean needs the same fmin and bins_per_octave"
            )
    return first


def _melody_decoding(card: Card) -> MelodyDecoding:
    names = [output.name for output in card.outputs]
    if not isinstance(card.decoding, MelodyDecoding) or VOICING not in names:
        raise RecipeError(
            f"data.teachers names '{card.name}', which gives {', '.join(names)}; a melody is "
            f"distilled from melody models that give {SALIENCE} and {VOICING}"
        )
    return card.decoding


def _bins(decoding: MelodyDecoding) -> tuple[float, float]:
    return decoding.fmin, decoding.bins_per_octave


def _followed(salience: np.ndarray, decoding: MelodyDecoding) -> dict[str, np.ndarray]:
    path = strongest_bins(salience, decoding)
    bins, _ = refine(salience, path, decoding.average_bins)
    reach = int(NEAR_CENTS * decoding.bins_per_octave / 1200)
    mass = salience_around(salience, path, reach).sum(axis=1)
    f0 = decoding.fmin * 2 ** (bins / decoding.bins_per_octave)
    return {"f0": f0.astype(np.float32), "confidence": np.clip(mass, 0, 1).astype(np.float16)}
