"""Recurrent layers over frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mirzoo.models.heads._sequence import SequenceHead
from mirzoo.models.heads._settings import RecurrentStack
from mirzoo.recipe.heads import HEADS

if TYPE_CHECKING:
    import keras


@HEADS.register
class RNNConfig(SequenceHead):
    """Recurrent layers over frames."""

    type: Literal["rnn"] = "rnn"
    recurrent: RecurrentStack = RecurrentStack()
    """Recurrent layers over frames."""

    def sequence(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from mirzoo.models.heads import _blocks as blocks

        x = blocks.flatten_bins(blocks.normalise_bins(features))
        return blocks.recur(self.recurrent, x)
