"""Whether what was written gives the numbers of the model that it was written from.

Another runtime or processor adds in another order, so that every sum is off by a few units in the
last place. Most outputs move by 1e-6 then. A model with a logarithm of next to nothing in it can
move by 1e-3, and so it does where its own input moves by as little: how far is measured at the
time of the check (`rounding_sensitivity`), and only by that is such a model allowed more.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mirzoo.errors import ExportError

Outputs = dict[str, np.ndarray]

ROUNDING = 2.0**-23  # one unit in the last place of a float32, relative to its value
ROUNDING_DRAWS = 3
OTHER_PROCESSORS = 8  # at most 2.3 times the sensitivity was measured, on four kinds of processors
MOST_ALLOWED = 5e-3


def largest_difference(expected: Outputs, received: Outputs) -> float:
    """Largest ``|received - expected|`` of any output, over max(1, its largest ``|expected|``).

    For probabilities that is the absolute difference; an embedding, whose scale is arbitrary, is
    compared relative to its largest value. Not a number anywhere gives infinity.
    """
    return max(_differences(expected, received, np.max), default=0.0)


def mean_difference(expected: Outputs, received: Outputs) -> float:
    """The same of the mean over an output instead of its largest difference."""
    return max(_differences(expected, received, np.mean), default=0.0)


def rounding_sensitivity(
    predict: Callable[[np.ndarray], Outputs], windows: np.ndarray, seed: int = 0
) -> float:
    """Measure how far a model's outputs move where its input moves by rounding alone.

    Parameters
    ----------
    predict : callable
        Gives the outputs by name for windows.
    windows : np.ndarray, float32, shape (windows, samples)
    seed : int
        Of the noise: each sample times ``1 + u * ROUNDING``, u uniform in [-1, 1].

    Returns
    -------
    float
        The `largest_difference` of `ROUNDING_DRAWS` draws.

    Examples
    --------
    >>> waveform = np.ones((1, 100), np.float32)
    >>> rounding_sensitivity(lambda windows: {"gain": 1000 * (windows - 1)}, waveform) < 2e-4
    True
    """
    rng = np.random.default_rng(seed)
    expected = predict(windows)
    moved = (
        windows * (1 + ROUNDING * rng.uniform(-1, 1, windows.shape)) for _ in range(ROUNDING_DRAWS)
    )
    return max(largest_difference(expected, predict(w.astype(np.float32))) for w in moved)


def excess(
    expected: Outputs,
    received: Outputs,
    tolerance: float,
    rounding: Callable[[], float] | None = None,
) -> str | None:
    """Tell by how much outputs differ, where it is more than is allowed; None where it is not.

    Parameters
    ----------
    expected, received : dict of str to np.ndarray
    tolerance : float
        Of the `largest_difference`, for any model.
    rounding : callable, optional
        Gives the model's `rounding_sensitivity`; called where the tolerance is exceeded. The
        largest difference may then be `OTHER_PROCESSORS` times that and the mean difference that
        once, both at most `MOST_ALLOWED`.

    Returns
    -------
    str or None
        ``"by 2.00e-03, allowed is 1e-04"``.
    """
    difference = largest_difference(expected, received)
    if difference <= tolerance:
        return None
    allowed, because = tolerance, ""
    if rounding is not None:
        moves = rounding()
        allowed = max(tolerance, min(OTHER_PROCESSORS * moves, MOST_ALLOWED))
        because = f" (rounding of its input alone moves it by {moves:.1e})"
        mean = mean_difference(expected, received)
        allowed_mean = max(tolerance, min(moves, MOST_ALLOWED))
        if difference <= allowed and mean <= allowed_mean:
            return None
        if difference <= allowed:
            return f"by {mean:.2e} in the mean, allowed is {allowed_mean:.0e}{because}"
    return f"by {difference:.2e}, allowed is {allowed:.0e}{because}"


def require_parity(
    what: str,
    expected: Outputs,
    received: Outputs,
    tolerance: float,
    rounding: Callable[[], float] | None = None,
    sound: str = "real audio",
) -> None:
    """Raise an `ExportError` with the figure where outputs differ by more than is allowed.

    Parameters are those of `excess`; ``what`` names what was written, ``sound`` what it was
    compared on.
    """
    missing = sorted(set(expected) - set(received))
    if missing:
        raise ExportError(f"{what} lacks the outputs {', '.join(missing)}")
    problem = excess(expected, received, tolerance, rounding)
    if problem:
        raise ExportError(
            f"on {sound}, {what} differs from the Keras model {problem}. Nothing was written"
        )


def _differences(
    expected: Outputs, received: Outputs, of: Callable[[np.ndarray], np.floating]
) -> list[float]:
    differences = []
    for name, values in expected.items():
        if received[name].shape != values.shape or not np.isfinite(received[name]).all():
            return [float("inf")]
        scale = max(1.0, float(np.abs(values).max()))
        differences.append(float(of(np.abs(received[name] - values))) / scale)
    return differences
