"""What a published chord model hears in a corpus, item by item, kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mirzoo.data.corpus import Corpus
from mirzoo.dsp.chord_vocabulary import Vocabulary


def hear_chords(
    corpus: Corpus,
    teacher: str,
    frame_times: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    report: Callable[[str], None],
) -> np.ndarray:
    """A teacher's probabilities of a vocabulary's classes, float16 ``(frames, classes)``."""
    raise NotImplementedError
