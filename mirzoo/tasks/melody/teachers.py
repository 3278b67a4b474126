"""The melody that teachers predict together for a corpus.

Melody models of different kinds are wrong in different places, so their mean is better than each
of them, above all in recordings of a kind that none of them was trained on. A student that is
distilled from it learns from more real music than has labels.

A system that finds the singer's pitch alone, in the voice that it separates from the mix, can be a
teacher too, by its melodies that are stored with the corpus (`mirzoo.tasks.pseudo_labels`). It
counts as much as the models together, but only where it finds a voice: elsewhere, and in items that
it has not annotated, the melody is the models' alone, since instruments play melodies as well. A
frame where it finds a voice is one of these:

- the models' pitch is the voice's, to half a semitone and but for octaves, or is not clear (its
  confidence times the probability of a melody is below `CLEAR`): the pitch is the voice's. Its
  confidence is the mean of the models' and 1; the models have no confidence in a pitch other than
  their own. Whether there is a melody stays theirs: in sung songs FCPE is no better at that.
- the models are clear about another pitch: nothing is known of the frame, nor of its voicing.

References
----------
S. Kum, J.-H. Lin, L. Su, J. Nam, "Semi-supervised learning using teacher-student models for
vocal melody extraction", ISMIR 2020, for melodies distilled from a teacher's predictions on
unlabelled songs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mirzoo.card import Card
from mirzoo.data.labels import require_hertz
from mirzoo.dsp.framing import nearest
from mirzoo.errors import DataError, RecipeError
from mirzoo.tasks.base import Teachers
from mirzoo.tasks.melody.annotation import Melody
from mirzoo.tasks.melody.config import MelodyDecoding
from mirzoo.tasks.melody.decoder import refine, salience_around, strongest_bins
from mirzoo.tasks.melody.targets import DOUBTFUL, PredictedMelody
from mirzoo.tasks.pseudo_labels import has_labels, labels_of, teaching_model

SALIENCE, VOICING = "salience", "voicing"
SUFFIX = ".csv"
NEAR_CENTS = 50.0
EARLIER_CONFIDENCE = "sureness"
CLEAR = 0.5
TRUSTED = 0.7
"""What a melody that is stored with a corpus is less confident of does not count. There FCPE in
separated voices is no more often right to half a semitone than our models, and finds voices between
notes (half minutes of nine songs of ultrastar_melody)."""


def predicted_melody(teachers: Teachers, frame_times: Sequence[np.ndarray]) -> PredictedMelody:
    """Give the melody that teachers predict at the frames of a corpus.

    That of models is the mean of theirs: its pitch is the likeliest path through the mean of their
    saliences, its confidence the salience within half a semitone of it. Voices that other systems
    have found are combined with it as at the top of the module.

    Parameters
    ----------
    teachers : Teachers
        Melody models with ``voicing`` and one grid of pitch bins, at least one, and systems whose
        melodies lie in the corpus.
    frame_times : sequence of np.ndarray
        The times of each item's frames (s); each frame takes the teachers' nearest.

    Raises
    ------
    RecipeError
        If the models' bins differ, one has no voicing, or there is no model.
    UnknownNameError
        For a teacher that is no model and has no melodies in the corpus.
    """
    voices = [name for name in teachers.names if has_labels(teachers, name, SUFFIX)]
    models = [name for name in teachers.names if name not in voices]
    if not models:
        raise RecipeError(
            f"data.teachers names {', '.join(voices)} and no melody model; the voices that another "
            "system finds are combined with the melody that models predict, so name one"
        )
    of_voices = [labels_of(teachers, name, SUFFIX, _read, _end_of) for name in voices]
    melody = _of_models(teachers, models, frame_times)
    for found in of_voices:
        melody = _with_voices(melody, np.concatenate(list(map(_sampled, found, frame_times))))
    return melody


def _of_models(
    teachers: Teachers, models: Sequence[str], frame_times: Sequence[np.ndarray]
) -> PredictedMelody:
    predictions = teachers.predictions("+".join(models), lambda: _together(teachers, models))
    rows = []
    for predicted, times in zip(predictions, frame_times, strict=True):
        at = nearest(predicted["times"], times)
        rows.append([predicted["f0"][at], _confidence(predicted)[at], predicted[VOICING][at]])
    return PredictedMelody(*(np.concatenate(kind) for kind in zip(*rows, strict=True)))


def _read(path: Path) -> Melody:
    melody = Melody.read(path)
    try:
        require_hertz(melody.f0)
    except DataError as error:
        raise DataError(f"'{path}': {error}") from error
    return melody


def _end_of(melody: Melody) -> float:
    return float(melody.times[-1]) if len(melody.times) else 0.0


def _sampled(found: Melody | None, times: np.ndarray) -> np.ndarray:
    """The pitch at times (Hz), 0 where no voice is found, or no row is for the moment."""
    if found is None:
        return np.zeros(len(times))
    at = nearest(found.times, times)
    counts = (found.f0 > 0) & (found.confidence >= TRUSTED)
    step = float(np.median(np.diff(found.times))) if len(found.times) > 1 else 0.0
    near = np.abs(found.times[at] - times) <= 0.51 * step
    return np.where(counts[at] & near, found.f0[at], 0.0)


def _with_voices(melody: PredictedMelody, voice: np.ndarray) -> PredictedMelody:
    """Combine what models predict with voices of which ``voice`` is the pitch, 0 where none is."""
    sung = voice > 0
    cents = 1200 * np.log2(np.where(sung, voice, melody.f0) / melody.f0)
    alike = np.abs((cents + 600) % 1200 - 600) <= NEAR_CENTS
    clear = melody.confidence * melody.voicing >= CLEAR
    cases = [sung & (alike | ~clear), sung & ~alike & clear]
    return PredictedMelody(
        np.select(cases, [voice, melody.f0], melody.f0),
        np.select(cases, [(1 + alike * melody.confidence) / 2, 0.0], melody.confidence),
        np.where(cases[1], np.mean(DOUBTFUL), melody.voicing),
    )


def _confidence(predicted: Mapping[str, np.ndarray]) -> np.ndarray:
    return predicted["confidence" if "confidence" in predicted else EARLIER_CONFIDENCE]


def _together(
    teachers: Teachers, models: Sequence[str]
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    cards = [teaching_model(teachers, name, SUFFIX).card for name in models]
    decoding = _one_grid(cards)
    predict = [teachers.frames(name) for name in models]

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
