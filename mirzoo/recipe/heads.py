"""The settings of the heads: the network between a front-end and its task."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from mirzoo.recipe.base import Config, Fraction


class ConvBlock(Config):
    """A convolution over (frames, bins), batch normalisation and ReLU, ``repeats`` times.

    ``residual`` adds the input to the output (through a 1 x 1 convolution where shapes differ);
    ``separable`` convolves each channel by itself and then mixes them. Only the first of the
    repeats is strided.
    """

    kind: Literal["plain", "residual", "separable"] = "plain"
    filters: PositiveInt
    kernel: tuple[PositiveInt, PositiveInt] = (3, 3)
    stride: tuple[PositiveInt, PositiveInt] = (1, 1)
    repeats: PositiveInt = 1

    @model_validator(mode="after")
    def _separable_strides_equal(self):
        if self.kind == "separable" and self.stride[0] != self.stride[1]:
            raise ValueError(
                f"stride {list(self.stride)} differs between frames and bins, which a separable "
                "convolution cannot do; allowed are equal strides"
            )
        return self


class TemporalBlock(Config):
    """A convolution over frames alone; the fields are those of `ConvBlock`."""

    kind: Literal["plain", "residual", "separable"] = "plain"
    filters: PositiveInt
    kernel: PositiveInt = 3
    stride: PositiveInt = 1
    repeats: PositiveInt = 1


class RecurrentStack(Config):
    """Recurrent layers, each seeing the whole sequence of the one below."""

    cell: Literal["gru", "lstm"] = "gru"
    units: tuple[PositiveInt, ...] = (64,)
    bidirectional: bool = True

    @model_validator(mode="after")
    def _has_layers(self):
        if not self.units:
            raise ValueError("units names no layer; give at least one number of units")
        return self


class Head(Config):
    """What every head ends with: pooling over time, then the embedding.

    ``pooling`` is ``none`` for results per frame, else one result per clip; ``mean_max`` puts the
    mean over frames and the maximum side by side. ``embedding`` is the
    size of the representation that `mirzoo.load(...).embed` returns.
    """

    pooling: Literal["mean", "max", "mean_max", "attention", "none"] = "mean"
    embedding: PositiveInt = 128
    dropout: Fraction = 0.2


class CNNConfig(Head):
    """2-D convolutions on the spectrogram, then 1-D ones over frames."""

    type: Literal["cnn"] = "cnn"
    blocks: tuple[ConvBlock, ...]
    temporal: tuple[TemporalBlock, ...] = ()

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.blocks:
            raise ValueError("blocks is empty; a cnn head needs at least one block")
        return self


class CNN1DConfig(Head):
    """1-D convolutions over frames, every bin an input channel."""

    type: Literal["cnn1d"] = "cnn1d"
    temporal: tuple[TemporalBlock, ...]

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.temporal:
            raise ValueError("temporal is empty; a cnn1d head needs at least one block")
        return self


class RNNConfig(Head):
    """Recurrent layers over frames."""

    type: Literal["rnn"] = "rnn"
    recurrent: RecurrentStack = RecurrentStack()


class CRNNConfig(Head):
    """2-D convolutions on the spectrogram, then recurrent layers over frames."""

    type: Literal["crnn"] = "crnn"
    blocks: tuple[ConvBlock, ...]
    recurrent: RecurrentStack = RecurrentStack()

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.blocks:
            raise ValueError("blocks is empty; a crnn head needs at least one block")
        return self


class FramewiseHead(Config):
    """What the heads that answer for every frame share.

    ``embedding`` is the size of the representation of one pitch, or of one pitch class.
    """

    pooling: Literal["none"] = "none"
    embedding: PositiveInt = 16
    dropout: Fraction = 0.1


class PitchClassCRNNConfig(FramewiseHead):
    """2-D convolutions down to semitones, octaves folded, then one network for every pitch class.

    ``blocks`` end with a bin a semitone. ``filters`` is the width of what follows the folding:
    convolutions round the circle of pitch classes and, with ``recurrent``, recurrent layers over
    each pitch class's frames. A chord is the same on every root but for the rotation.
    """

    type: Literal["pitch_class_crnn"] = "pitch_class_crnn"
    blocks: tuple[ConvBlock, ...]
    filters: PositiveInt = 32
    recurrent: RecurrentStack = RecurrentStack()


class FrameContext(Config):
    """What a pitch hears of all others: each frame squeezed, looked at over time, spread again.

    ``squeeze`` channels of every pitch make the frame's vector, ``units`` is its size after a
    dense layer, and convolutions of ``kernel`` frames, one for each of ``dilations``, follow.
    ``spread`` channels go back to every pitch.
    """

    squeeze: PositiveInt = 6
    units: PositiveInt = 96
    kernel: PositiveInt = 5
    dilations: tuple[PositiveInt, ...] = (1, 2, 4)
    spread: PositiveInt = 8


class PitchCNNConfig(FramewiseHead):
    """2-D convolutions that keep the pitches apart, with context from the whole frame.

    ``blocks`` come before ``context`` and ``pitch_blocks`` after it; after them there is a bin a
    semitone.
    """

    type: Literal["pitch_cnn"] = "pitch_cnn"
    blocks: tuple[ConvBlock, ...]
    context: FrameContext = FrameContext()
    pitch_blocks: tuple[ConvBlock, ...] = ()


HeadConfig = Annotated[
    CNNConfig | CNN1DConfig | RNNConfig | CRNNConfig | PitchClassCRNNConfig | PitchCNNConfig,
    Field(discriminator="type"),
]
