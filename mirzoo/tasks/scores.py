"""Values of metrics on recordings, and one value for many of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class Score(NamedTuple):
    """A metric's value on a recording, and the seconds that it was computed on.

    The value is NaN where there are none.
    """

    value: float
    seconds: float


def weighted_score(right: np.ndarray, seconds: np.ndarray) -> Score:
    """The mean of ``right``, weighted by ``seconds``, over the parts that are not negative."""
    defined = right >= 0
    total = float(seconds[defined].sum())
    value = float((right[defined] * seconds[defined]).sum() / total) if total else float("nan")
    return Score(value, total)


def overall(recordings: Iterable[dict[str, Score]]) -> dict[str, Score]:
    """Average the scores of recordings, each weighted by the seconds that it was computed on.

    Examples
    --------
    >>> overall([{"root": Score(1.0, 60.0)}, {"root": Score(0.5, 180.0)}])
    {'root': Score(value=0.625, seconds=240.0)}
    """
    import numpy as np

    recordings = list(recordings)
    names = dict.fromkeys(name for scores in recordings for name in scores)
    return {
        name: weighted_score(
            np.array([np.nan_to_num(scores[name].value) for scores in recordings]),
            np.array([scores[name].seconds for scores in recordings]),
        )
        for name in names
    }
