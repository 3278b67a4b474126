"""The check of exports: rounding passes, other weights do not, however sensitive a model is."""

import re

import numpy as np
import pytest

from mirzoo.errors import ExportError
from mirzoo.export.parity import (
    MOST_ALLOWED,
    OTHER_PROCESSORS,
    excess,
    require_parity,
    rounding_sensitivity,
)

TOLERANCE = 1e-4
WINDOWS = np.full((1, 2000), 0.75, np.float32)


def amplifying(gain):
    """A model one output of which moves ``gain`` times as far as its input, as a logarithm may."""

    def predict(windows):
        calm = np.full((1, 2000), 0.5, np.float32)
        calm[:, 0] += gain * (windows[:, :50].mean(axis=1, dtype=float) - 0.75)
        return {"note": calm}

    return predict


def with_difference(outputs, difference, bins):
    other = outputs["note"].copy()
    other[:, bins] += difference
    return {"note": other}


SENSITIVE, CALM = amplifying(1e5), amplifying(1.0)


def problem(predict, difference, bins=slice(1)):
    expected = predict(WINDOWS)
    return excess(
        expected,
        with_difference(expected, difference, bins),
        TOLERANCE,
        lambda: rounding_sensitivity(predict, WINDOWS),
    )


def test_sensitivity_is_measured_and_the_same_each_time():
    moved = rounding_sensitivity(SENSITIVE, WINDOWS)
    assert TOLERANCE < moved < MOST_ALLOWED / OTHER_PROCESSORS * 2
    assert moved == rounding_sensitivity(SENSITIVE, WINDOWS)
    assert rounding_sensitivity(CALM, WINDOWS) < 1e-6


def test_what_rounding_does_to_a_sensitive_model_passes():
    assert problem(SENSITIVE, 2 * rounding_sensitivity(SENSITIVE, WINDOWS)) is None
    expected = SENSITIVE(WINDOWS)
    moved = with_difference(expected, 3e-4, slice(1))
    require_parity("x", expected, moved, TOLERANCE, lambda: 1e-4)


@pytest.mark.parametrize(
    ("predict", "difference", "bins", "message"),
    [
        (CALM, 3e-4, slice(1), r"by 3\.00e-04, allowed is 1e-04 \(rounding of its input"),
        (SENSITIVE, 1e-3, slice(None), r"by 1\.00e-03 in the mean, allowed is \de-04"),
        (SENSITIVE, 6e-3, slice(1), r"by 6\.00e-03, allowed is \de-03"),
        (amplifying(1e7), 6e-3, slice(1), r"by 6\.00e-03, allowed is 5e-03"),
        (SENSITIVE, np.nan, slice(1), "by inf"),
    ],
    ids=["calm", "everywhere", "far", "chaotic", "nan"],
)
def test_what_rounding_does_not_do_fails(predict, difference, bins, message):
    assert re.match(message, problem(predict, difference, bins))


def test_without_a_measure_the_tolerance_is_all():
    expected = SENSITIVE(WINDOWS)
    with pytest.raises(ExportError, match=r"differs from the Keras model by 3\.00e-04, allowed is"):
        require_parity("x", expected, with_difference(expected, 3e-4, slice(1)), TOLERANCE)


def test_sensitivity_is_not_measured_where_nothing_is_exceeded():
    def never():
        raise AssertionError

    assert excess(SENSITIVE(WINDOWS), SENSITIVE(WINDOWS), TOLERANCE, never) is None
