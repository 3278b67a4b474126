"""2-D convolutions that keep the pitches apart, with context from the whole frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveInt

from mirzoo.dsp.framing import FrameGrid
from mirzoo.models.heads._settings import ConvBlock, PitchHead, grid_behind
from mirzoo.recipe.base import Config
from mirzoo.recipe.heads import HEADS, PitchLayout

if TYPE_CHECKING:
    import keras


class FrameContext(Config):
    """What a pitch gets from all others: each frame squeezed, convolved over time, spread again.

    ``squeeze`` channels of every pitch make the frame's vector, ``units`` is its size after a
    dense layer, and convolutions of ``kernel`` frames, one for each of ``dilations``, follow.
    ``spread`` channels go back to every pitch.
    """

    squeeze: PositiveInt = 6
    """Channels of each pitch that make the vector of a frame."""

    units: PositiveInt = 96
    """Size of that vector behind a dense layer."""

    kernel: PositiveInt = 5
    """Frames of each convolution over these vectors."""

    dilations: tuple[PositiveInt, ...] = (1, 2, 4)
    """Step between those frames, a convolution each."""

    spread: PositiveInt = 8
    """Channels that go back to every pitch."""


@HEADS.register
class PitchCNNConfig(PitchHead):
    """2-D convolutions that keep the pitches apart, with context from the whole frame.

    ``blocks`` come before ``context`` and ``pitch_blocks`` after it; after them there is a bin a
    semitone.
    """

    convolves_bins: ClassVar[bool] = True
    pitch_layout: ClassVar[PitchLayout | None] = "pitches"

    type: Literal["pitch_cnn"] = "pitch_cnn"
    blocks: tuple[ConvBlock, ...]
    """Convolutions over frames and bins, down to a bin a semitone."""

    context: FrameContext = FrameContext()
    """What each pitch gets from all others."""

    pitch_blocks: tuple[ConvBlock, ...] = ()
    """Convolutions over frames and pitches behind that."""

    def embed(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from mirzoo.models.heads import _blocks as blocks

        x = blocks.convolve_2d(self.blocks, blocks.normalise_bins(features))
        x = self._add_context(x)
        x = blocks.convolve_2d(self.pitch_blocks, x, name="pitch")
        return blocks.embed_pitches(self, x)

    def output_grid(self, grid: FrameGrid) -> FrameGrid:
        return grid_behind(grid, (*self.blocks, *self.pitch_blocks))

    def _add_context(self, x: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        from mirzoo.models.heads import _blocks as blocks
        from mirzoo.models.layers.normalisation import BatchNormalization

        _, _, n_bins, n_channels = x.shape
        y = layers.Conv2D(self.context.squeeze, 1, use_bias=False, name="context_squeeze")(x)
        y = blocks.flatten_bins(blocks.normalise_and_rectify(y, "context_squeeze"))
        y = layers.Dense(self.context.units, use_bias=False, name="context_dense")(y)
        y = blocks.normalise_and_rectify(y, "context")
        for number, dilation in enumerate(self.context.dilations):
            name = f"context{number}"
            z = layers.Conv1D(
                self.context.units,
                self.context.kernel,
                dilation_rate=dilation,
                padding="same",
                use_bias=False,
                name=name,
            )(y)
            z = BatchNormalization(name=f"{name}_norm")(z)
            y = layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([y, z]))
        y = layers.Dense(n_bins * self.context.spread, name="context_spread")(y)
        y = layers.Reshape((-1, n_bins, self.context.spread), name="context_pitches")(y)
        y = layers.Conv2D(n_channels, 1, use_bias=False, name="context_mix")(y)
        return layers.ReLU(name="with_context_relu")(layers.Add(name="with_context")([x, y]))
