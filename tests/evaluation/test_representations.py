"""Linear probes, and what they must not reward."""

import numpy as np
import pytest

from mirzoo.errors import DataError
from mirzoo.evaluation import linear_probe


@pytest.mark.slow
def test_probe_finds_what_is_there():
    rng = np.random.default_rng(0)
    classes = np.repeat(["a", "b", "c"], 20)
    names = [str(i) for i in range(60)]
    telling = np.eye(3)[np.repeat(np.arange(3), 20)] + rng.normal(0, 0.1, (60, 3))
    assert linear_probe(telling, classes, names) == 1.0
    assert linear_probe(rng.normal(size=(60, 3)), classes, names) < 0.6


@pytest.mark.slow
def test_probe_does_not_reward_recognising_groups():
    """Embeddings that name the artist alone say nothing of the genre of a new artist."""
    artists = np.repeat(np.arange(20), 6)
    classes = np.array(["a", "b"])[artists % 2]
    embeddings = np.eye(20)[artists]
    assert linear_probe(embeddings, classes, artists) < 0.7
    assert linear_probe(embeddings, classes, np.arange(120)) == 1.0


def test_probe_needs_enough_of_each_class():
    with pytest.raises(DataError, match="a class has 2 clips"):
        linear_probe(np.zeros((12, 2)), ["a"] * 10 + ["b"] * 2, range(12))
