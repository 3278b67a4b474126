"""Whether what was written gives the numbers of the model that it was written from."""

from __future__ import annotations

import numpy as np

from mirzoo.errors import ExportError


def largest_difference(expected: dict[str, np.ndarray], received: dict[str, np.ndarray]) -> float:
    """Largest ``|received - expected|`` of any output, over max(1, its largest ``|expected|``).

    For probabilities that is the absolute difference; an embedding, whose scale is arbitrary, is
    compared relative to its largest value. Not a number anywhere gives infinity.
    """
    differences = [0.0]
    for name, values in expected.items():
        if received[name].shape != values.shape or not np.isfinite(received[name]).all():
            return float("inf")
        scale = max(1.0, float(np.abs(values).max()))
        differences.append(float(np.abs(received[name] - values).max()) / scale)
    return max(differences)


def require_parity(
    what: str,
    expected: dict[str, np.ndarray],
    received: dict[str, np.ndarray],
    tolerance: float,
) -> None:
    """Raise an `ExportError` with the figure where the difference is above the tolerance."""
    missing = sorted(set(expected) - set(received))
    if missing:
        raise ExportError(f"{what} lacks the outputs {', '.join(missing)}")
    difference = largest_difference(expected, received)
    if not difference <= tolerance:
        raise ExportError(
            f"{what} differs from the Keras model by {difference:.2e} on real audio; allowed is "
            f"{tolerance:.0e}. Nothing was written"
        )
