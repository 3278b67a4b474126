"""One value for many recordings."""

import numpy as np

from mirzoo.tasks.scores import Score, overall


def test_recordings_count_by_the_seconds_they_judge():
    nothing = {"sevenths": Score(float("nan"), 0.0)}
    both = [{"sevenths": Score(1.0, 10.0)}, {"sevenths": Score(0.0, 30.0)}, nothing]
    assert overall(both)["sevenths"] == Score(0.25, 40.0)
    assert np.isnan(overall([nothing])["sevenths"].value)
