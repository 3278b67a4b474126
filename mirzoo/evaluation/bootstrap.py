"""How sure a score is: the bootstrap over groups of recordings.

Recordings of one group (an artist, an album, one long recording cut up) resemble each other, so
whole groups are drawn with replacement, as many as there are, and the score is computed anew of
each draw. The interval reaches from the 2.5th to the 97.5th percentile of these scores. Two models
are compared on the same draws, so that what makes a draw hard is hard for both.

References
----------
B. Efron, R. Tibshirani, "An introduction to the bootstrap", 1993, chapters 8 and 13. C. Field,
A. Welsh, "Bootstrapping clustered data", Journal of the Royal Statistical Society B 69(3), 2007.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95
MOST_NUMBERS = 2_000_000
"""Of weights that are held at once."""

Scores = TypeVar("Scores", bound=dict)


def draws(groups: Sequence[str], resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Give how often each recording counts in each draw of groups.

    Parameters
    ----------
    groups : sequence of str
        The group of each recording.
    resamples : int
    seed : int
        The same seed and groups give the same draws.

    Yields
    ------
    np.ndarray
        float64 ``(draws, recordings)``, in blocks that fit into memory.

    Examples
    --------
    >>> (block,) = draws(["a", "a", "b"], resamples=3, seed=0)
    >>> block.shape, bool((block[:, 0] == block[:, 1]).all())
    ((3, 3), True)
    """
    _, number = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    count = int(number.max()) + 1 if len(number) else 0
    rng = np.random.default_rng(seed)
    at_once = max(1, MOST_NUMBERS // max(1, len(number)))
    even = np.full(count, 1 / max(1, count))
    for start in range(0, resamples, at_once):
        often = rng.multinomial(count, even, size=min(at_once, resamples - start))
        yield often[:, number].astype(np.float64)


def resampled(
    score: Callable[[np.ndarray], dict[str, np.ndarray]],
    groups: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Compute scores of draws: ``(resamples, ...)`` each.

    Parameters
    ----------
    score : callable
        From weights ``(draws, recordings)`` to scores, the first axis draws.
    groups, resamples, seed
        As for `draws`.
    """
    blocks = [score(weights) for weights in draws(groups, resamples, seed)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float] | None:
    """The percentile interval of scores of draws; None where none could be computed.

    Examples
    --------
    >>> interval(np.arange(101) / 100)
    (0.025, 0.975)
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, high = np.percentile(known, [50 * (1 - level), 50 * (1 + level)])
    return round(float(low), 12), round(float(high), 12)


def interval_of_mean(
    values: np.ndarray, groups: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float] | None:
    """The interval of the mean of a value for each recording; None without any.

    Examples
    --------
    >>> interval_of_mean(np.array([0.0, 0.0, 1.0, 1.0]), ["a", "a", "b", "b"])
    (0.0, 1.0)
    """

    if not len(values):
        return None

    def mean(weights: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": weights @ values / np.maximum(weights.sum(axis=1), 1)}

    return interval(resampled(mean, groups, resamples, seed)["mean"])
