"""One network for every pitch class, convolutions round their circle, recurrent layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveInt

from mirzoo.dsp.framing import FrameGrid
from mirzoo.errors import RecipeError
from mirzoo.models.heads._settings import ConvBlock, PitchHead, RecurrentStack, grid_behind
from mirzoo.recipe.heads import HEADS, PitchLayout

if TYPE_CHECKING:
    import keras


@HEADS.register
class PitchClassCRNNConfig(PitchHead):
    """2-D convolutions down to semitones, octaves folded, then one network for every pitch class.

    ``blocks`` end with a bin a semitone. ``filters`` is the width of what follows the folding:
    convolutions round the circle of pitch classes and, with ``recurrent``, recurrent layers over
    each pitch class's frames. A chord is the same on every root but for the rotation.
    """

    convolves_bins: ClassVar[bool] = True
    pitch_layout: ClassVar[PitchLayout | None] = "pitch_classes"

    type: Literal["pitch_class_crnn"] = "pitch_class_crnn"
    blocks: tuple[ConvBlock, ...]
    """Convolutions over frames and bins, down to a bin a semitone."""

    filters: PositiveInt = 32
    """Channels of each pitch class behind the folding of octaves."""

    recurrent: RecurrentStack = RecurrentStack()
    """Recurrent layers over the frames of each pitch class."""

    def embed(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        from mirzoo.models.heads import _blocks as blocks
        from mirzoo.models.layers.pitch import (
            PITCH_CLASSES,
            BatchAsGroups,
            FoldOctaves,
            GroupsAsBatch,
        )

        x = blocks.convolve_2d(self.blocks, blocks.normalise_bins(features))
        if x.shape[2] % PITCH_CLASSES:
            raise RecipeError(
                f"head.blocks leave {x.shape[2]} bins; a pitch_class_crnn folds octaves of twelve, "
                "so their strides must make a bin of each semitone"
            )
        x = FoldOctaves(name="fold_octaves")(x)
        x = layers.Conv2D(self.filters, 1, use_bias=False, name="fold_dense")(x)
        x = blocks.normalise_and_rectify(x, "fold")
        x = blocks.round_the_circle(x, self.filters, "circle0")
        if self.recurrent.units:
            y = GroupsAsBatch(name="pitch_class_sequences")(x)
            y = blocks.recur(self.recurrent, y)
            y = BatchAsGroups(PITCH_CLASSES, name="pitch_class_frames")(y)
            x = layers.Concatenate(name="with_recurrent")([x, y])
            x = layers.Conv2D(self.filters, 1, use_bias=False, name="recurrent_dense")(x)
            x = blocks.normalise_and_rectify(x, "recurrent")
        x = blocks.round_the_circle(x, self.filters, "circle1")
        return blocks.embed_pitches(self, x)

    def output_grid(self, grid: FrameGrid) -> FrameGrid:
        return grid_behind(grid, self.blocks)
