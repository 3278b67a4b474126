"""What a model's outputs mean: one module a task turns them into an annotation, in NumPy."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mirzoo.card import Card
from mirzoo.errors import ArtefactError
from mirzoo.tasks import chords, melody, notes, tagging
from mirzoo.tasks.annotation import Annotation


class Decoder(Protocol):
    """Turns the outputs of one recording into an annotation; made with the model's card."""

    def hear(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows.

        Parameters
        ----------
        outputs : dict of str to array
            Each output of the card by name; its first axis is windows.
        starts : array, shape (windows,)
            Where each window starts in the recording (s).
        """

    def finish(self, *, duration_s: float, source: str | None = None) -> Annotation:
        """Give the annotation of a recording of ``duration_s`` seconds."""


DECODERS: dict[str, type[Decoder]] = {
    "tagging": tagging.Decoder,
    "chords": chords.Decoder,
    "melody": melody.Decoder,
    "notes": notes.Decoder,
}


def decoder(card: Card) -> Decoder:
    """Make the decoder of a model.

    Raises
    ------
    ArtefactError
        If the model's task has none.
    """
    if card.task not in DECODERS:
        raise ArtefactError(
            f"{card.name} is a model for {card.task}, which this version cannot decode; it can "
            f"{', '.join(DECODERS)}"
        )
    return DECODERS[card.task](card)


def decode(
    card: Card,
    outputs: dict[str, np.ndarray],
    starts: np.ndarray,
    *,
    duration_s: float,
    source: str | None = None,
) -> Annotation:
    """Turn the outputs of all windows of a recording into an annotation at once.

    Parameters
    ----------
    card : Card
    outputs, starts
        As `Decoder.hear` takes them.
    duration_s : float
        Length of the recording (s).
    source : str, optional
        The recording's file name.

    Raises
    ------
    ArtefactError
        If the outputs are not as the card has them, or not finite.
    """
    hearing = decoder(card)
    hearing.hear(outputs, starts)
    return hearing.finish(duration_s=duration_s, source=source)
