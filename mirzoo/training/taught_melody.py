"""The melody that teachers hear together in a corpus.

Melody models of different kinds are wrong in different places, so what they hear on average is
better than what each does, above all in recordings of a kind that none of them learnt from. A
student that learns it from those recordings learns from more real music than has labels.

References
----------
S. Kum, J.-H. Lin, L. Su, J. Nam, "Semi-supervised learning using teacher-student models for
vocal melody extraction", ISMIR 2020, for melodies taught by what a teacher hears in unlabelled
songs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mirzoo.annotate import Runner, hear_frames
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.errors import RecipeError
from mirzoo.tasks.melody import MelodyDecoding, refine, salience_around, strongest_bins
from mirzoo.training.sequences import HeardMelody
from mirzoo.training.teaching import Answer, nearest, teach

SALIENCE, VOICING = "salience", "voicing"
NEAR_CENTS = 50.0


def hear_melody(
    corpus: Corpus,
    teachers: Sequence[str],
    frame_times: Sequence[np.ndarray],
    load: Callable[[str], Runner],
    report: Callable[[str], None] = print,
) -> HeardMelody:
    """Give what melody models hear on average at the frames of a corpus.

    The pitch is the likeliest path through the mean of their saliences, as sure as the salience
    within half a semitone of it is large.

    Parameters
    ----------
    corpus : Corpus
    teachers : sequence of str
        Melody models with ``voicing`` and one grid of pitch bins.
    frame_times : sequence of np.ndarray
        The times of each item's frames (s); each frame takes the teachers' nearest.
    load : callable
        Gives the model of a name.
    report : callable
        Told one line at a time how far things are.

    Raises
    ------
    RecipeError
        When the teachers' bins differ, or one says nothing of voicing.
    """
    answers = teach(corpus, "+".join(teachers), lambda: _together([*map(load, teachers)]), report)
    heard = [
        [answer[kind][nearest(answer["times"], times)] for kind in ("f0", "sureness", "voicing")]
        for answer, times in zip(answers, frame_times, strict=True)
    ]
    return HeardMelody(*(np.concatenate(rows) for rows in zip(*heard, strict=True)))


def _together(teachers: Sequence[Runner]) -> Answer:
    first = teachers[0].card
    for teacher in teachers:
        card = teacher.card
        names = [output.name for output in card.outputs]
        if card.task != "melody" or VOICING not in names:
            raise RecipeError(
                f"data.teachers names '{card.name}', which gives {', '.join(names)}; a melody is "
                f"taught by melody models that give {SALIENCE} and {VOICING}"
            )
        if _bins(card.decoding) != _bins(first.decoding):
            raise RecipeError(
                f"data.teachers: '{card.name}' has pitch bins of its own "
                f"({_bins(card.decoding)}) beside those of '{first.name}' "
                f"({_bins(first.decoding)}); their mean wants the same fmin and bins_per_octave"
            )

    def answer(waveform: np.ndarray) -> dict[str, np.ndarray]:
        heard = [hear_frames(t, waveform, source_rate=SAMPLE_RATE) for t in teachers]
        times = heard[0][0]
        at = [nearest(own, times) for own, _ in heard]
        salience, voicing = (
            np.mean([outputs[kind][rows] for (_, outputs), rows in zip(heard, at)], axis=0)
            for kind in (SALIENCE, VOICING)
        )
        return {"times": times, "voicing": voicing[:, 0].astype(np.float16),
                **_followed(salience, first.decoding)}  # fmt: skip

    return answer


def _bins(decoding: MelodyDecoding) -> tuple[float, int]:
    return decoding.fmin, decoding.bins_per_octave


def _followed(salience: np.ndarray, decoding: MelodyDecoding) -> dict[str, np.ndarray]:
    path = strongest_bins(salience, decoding)
    bins, _ = refine(salience, path, decoding.average_bins)
    reach = int(NEAR_CENTS * decoding.bins_per_octave / 1200)
    mass = salience_around(salience, path, reach).sum(axis=1)
    f0 = decoding.fmin * 2 ** (bins / decoding.bins_per_octave)
    return {"f0": f0.astype(np.float32), "sureness": np.clip(mass, 0, 1).astype(np.float16)}
