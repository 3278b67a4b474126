"""What tasks with the output ``tuning`` share: checking recipes, and from frames to cents.

The output is ``(frames, 2)``: cosine and sine of how far tones are from A = 440 Hz, a full turn a
semitone, longer where they agree, both moved from [-1, 1] to [0, 1]. The recording's tuning is the
direction of their sum.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mirzoo.recipe import Recipe

TUNING = "tuning"
"""The output."""

AXIS_LABELS = ("cosine", "sine")
SEMITONE_CENTS = 100.0
FEWEST_BINS = 3
"""A semitone needs so many for its tuning to be measured."""

CLEAR_TUNING = 0.01
"""The least length of the mean direction at which a recording has a tuning at all."""


def check_tuning(recipe: Recipe, head: str) -> None:
    """Raise a ValueError where a recipe's task, head and front-end do not agree on the tuning.

    Parameters
    ----------
    recipe : Recipe
        Its task has a field ``tuning``.
    head : str
        The type of a head that measures the tuning for this task.
    """
    wanted = bool(getattr(recipe.task, TUNING))
    if wanted != getattr(recipe.head, TUNING, False):
        raise ValueError(
            f"task.tuning is {str(wanted).lower()}, but the head '{recipe.head.type}' "
            f"{'does not measure' if wanted else 'measures'} the tuning; the two must agree: head "
            f"'{head}' with tuning: true measures it"
        )
    bins = recipe.frontend.bins_in_a_semitone
    if wanted and (bins is None or bins < FEWEST_BINS):
        raise ValueError(
            f"task.tuning needs three bins a semitone, and the front-end has {bins or 'none'}; "
            "take bins_per_octave 36, or task.tuning and head.tuning false"
        )
    scaling = getattr(recipe.frontend, "scaling", None)
    if wanted and getattr(scaling, "type", None) != "log":
        raise ValueError(
            "task.tuning is measured in logarithms of magnitudes; allowed is a front-end with "
            "scaling of type log"
        )


def a4_hz_of(cents: float | None) -> float | None:
    """The frequency of the A above middle C (Hz) in a tuning; None where there is none.

    Examples
    --------
    >>> a4_hz_of(0.0), round(a4_hz_of(-50.0), 1), a4_hz_of(None)
    (440.0, 427.5, None)
    """
    from mirzoo.dsp.transposition import A4_HZ

    return None if cents is None else A4_HZ * 2 ** (cents / 1200)


def tuning_of(directions: np.ndarray, lowest_cents: float = -50.0) -> float | None:
    """The tuning that ``(frames, 2)`` tell; None where they disagree.

    Parameters
    ----------
    directions : np.ndarray
    lowest_cents : float
        The result is from here to 100 cents above.

    Examples
    --------
    >>> import numpy as np
    >>> tuning_of(np.array([[0.5, 1.0], [0.5, 0.75]]))
    25.0
    >>> tuning_of(np.array([[0.5, 0.0]]), lowest_cents=-20.0)
    75.0
    """
    cosine, sine = 2 * directions.mean(axis=0, dtype=float) - 1
    if math.hypot(cosine, sine) < CLEAR_TUNING:
        return None
    cents = math.atan2(sine, cosine) / (2 * math.pi) * SEMITONE_CENTS
    return lowest_cents + (cents - lowest_cents) % SEMITONE_CENTS


def retuned(directions: np.ndarray, cents: float) -> np.ndarray:
    """The output of music tuned so much higher, ``(frames, 2)``.

    Examples
    --------
    >>> import numpy as np
    >>> retuned(np.array([[0.75, 0.5]]), 25.0).tolist()
    [[0.5, 0.75]]
    """
    import numpy as np

    angle = 2 * math.pi * cents / SEMITONE_CENTS
    across, along = math.sin(angle), math.cos(angle)
    cosine, sine = (2 * directions - 1).T
    turned = [cosine * along - sine * across, cosine * across + sine * along]
    return 0.5 + 0.5 * np.stack(turned, axis=1)
