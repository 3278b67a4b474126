"""What a model's outputs mean: one package a task, and what tasks share.

`mirzoo.tasks.base.Task` is what a task is, `mirzoo.tasks.base.TASKS` finds it by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirzoo._support.moved import moved_names

if TYPE_CHECKING:
    import numpy as np

    from mirzoo.card import Contract
    from mirzoo.tasks.annotation import Annotation


def decode(
    card: Contract,
    outputs: dict[str, np.ndarray],
    starts: np.ndarray,
    *,
    duration_s: float,
    source: str | None = None,
) -> Annotation:
    """Turn the outputs of all windows of a recording into an annotation at once.

    Parameters
    ----------
    card : Contract
    outputs, starts
        As `mirzoo.tasks.base.Decoder.add` takes them.
    duration_s : float
        Length of the recording (s).
    source : str, optional
        The recording's file name.

    Raises
    ------
    ArtefactError
        If the outputs are not as the card has them, or not finite.
    """
    from mirzoo.tasks.base import decoder_of

    decoder = decoder_of(card)
    decoder.add(outputs, starts)
    return decoder.finish(duration_s=duration_s, source=source)


__getattr__ = moved_names(__name__, {"Decoder": "mirzoo.tasks.base"})
