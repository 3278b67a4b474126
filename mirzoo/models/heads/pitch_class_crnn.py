"""One network for every pitch class, convolutions round their circle, recurrent layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveInt

from mirzoo.dsp.framing import FrameGrid
from mirzoo.errors import RecipeError
from mirzoo.models.heads._settings import (
    PHASE,
    ConvBlock,
    PitchHead,
    RecurrentStack,
    grid_behind,
)
from mirzoo.recipe.heads import HEADS, PitchLayout

if TYPE_CHECKING:
    import keras


@HEADS.register
class PitchClassCRNNConfig(PitchHead):
    """2-D convolutions down to semitones, octaves folded, then one network for every pitch class.

    ``blocks`` end with a bin a semitone. ``filters`` is the width of what follows the folding:
    convolutions round the circle of pitch classes and, with ``recurrent``, recurrent layers over
    each pitch class's frames. A chord is the same on every root but for the rotation.

    With ``tuning`` the head measures in each window how far the music is from A = 440 Hz, and moves
    the features by it before anything else
    (`mirzoo.models.layers.tuning.AtConcertPitch`), so that music between two keys is in one of
    them. The embedding of each pitch class then ends with two numbers more, which tell the tuning.
    """

    later: ClassVar[frozenset[str]] = frozenset({"tuning", "trailing_frames"})
    convolves_bins: ClassVar[bool] = True
    pitch_layout: ClassVar[PitchLayout | None] = "pitch_classes"

    type: Literal["pitch_class_crnn"] = "pitch_class_crnn"
    blocks: tuple[ConvBlock, ...]
    """Convolutions over frames and bins, down to a bin a semitone."""

    filters: PositiveInt = 32
    """Channels of each pitch class behind the folding of octaves."""

    recurrent: RecurrentStack = RecurrentStack()
    """Recurrent layers over the frames of each pitch class."""

    tuning: bool = False
    """Whether features are moved to A = 440 Hz, and the tuning can be an output of the task."""

    def embed(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        from mirzoo.models.heads import _blocks as blocks
        from mirzoo.models.layers.pitch import (
            PITCH_CLASSES,
            BatchAsGroups,
            FoldOctaves,
            GroupsAsBatch,
        )

        phase = None
        if self.tuning:
            from mirzoo.models.layers.tuning import AtConcertPitch, TuningPhase

            each = self.bins_per_semitone(features.shape[2])
            phase = TuningPhase(each, name="tuning_phase")(features)
            features = AtConcertPitch(each, name="at_concert_pitch")([features, phase])
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
        return blocks.embed_pitches(self, x, besides=phase)

    def bins_per_semitone(self, bins: int) -> int:
        """How many of so many bins make a semitone: what the strides of the blocks leave out."""
        return math.prod(block.stride[1] for block in self.blocks)

    def embedded_pitches(self, size: int) -> int:
        return size // (self.embedding + PHASE * self.tuning)

    def output_grid(self, grid: FrameGrid) -> FrameGrid:
        return grid_behind(grid, self.blocks)
