"""Heads that make a sequence of frames and embed it densely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirzoo.recipe.heads import Head

if TYPE_CHECKING:
    import keras


class SequenceHead(Head):
    """A head that makes a sequence of frames, pools it as asked, and embeds it densely."""

    def sequence(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Lead features ``(batch, frames, bins, channels)`` to ``(batch, frames, size)``."""
        raise TypeError(f"{type(self).__name__} defines no layers")

    def embed(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from mirzoo.models.heads._blocks import embed_sequence

        return embed_sequence(self, self.sequence(features))
