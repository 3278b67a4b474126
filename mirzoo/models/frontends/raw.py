"""Strided 1-D convolutions on the waveform, as SampleCNN has them.

Lee, Park, Kim & Nam, "Sample-level deep convolutional neural networks for music auto-tagging
using raw waveforms", SMC 2017, arXiv:1703.01789. Each convolution is followed by batch
normalisation and a rectifier. The padding is fixed, ``kernel - stride`` zeros, so that the
frames are ``samples // hop`` and lie at the same times in clips of any length.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PositiveInt, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.recipe.base import Start
from mirzoo.recipe.frontends import FRONTENDS, Frontend

if TYPE_CHECKING:
    import keras


@FRONTENDS.register
class RawConfig(Frontend):
    """Strided 1-D convolutions on the waveform (Lee et al. 2017, arXiv:1703.01789)."""

    ordered_bins: ClassVar[bool] = False

    type: Literal["raw"] = "raw"
    sample_rate: PositiveInt = 16000
    """Samples a second that the model takes (Hz); audio at other rates is resampled."""

    filters: tuple[PositiveInt, ...] = (32, 64, 96)
    """Filters of each convolution; those of the last are the bins."""

    kernels: tuple[PositiveInt, ...] = (64, 8, 8)
    """Length of each convolution's filters, at least its stride."""

    strides: tuple[PositiveInt, ...] = (16, 4, 4)
    """Step of each convolution; their product is the samples from frame to frame."""

    @classmethod
    def starting(cls, start: Start) -> dict[str, Any]:
        first, rest = 16, start.hop_length // 16
        second = next(step for step in range(math.isqrt(rest), 0, -1) if rest % step == 0)
        strides = [first, rest // second, second]
        return {
            "sample_rate": start.sample_rate,
            "kernels": [4 * first, 2 * strides[1], 2 * strides[2]],
            "strides": strides,
        }

    @model_validator(mode="after")
    def _stages_agree(self):
        if not len(self.filters) == len(self.kernels) == len(self.strides) >= 1:
            raise ValueError(
                f"filters, kernels and strides name {len(self.filters)}, {len(self.kernels)} and "
                f"{len(self.strides)} convolutions; they must name the same number, at least one"
            )
        for kernel, stride in zip(self.kernels, self.strides):
            if kernel < stride:
                raise ValueError(
                    f"kernel {kernel} is shorter than its stride {stride} and would skip "
                    "samples; allowed is kernel >= stride"
                )
        return self

    @property
    def grid(self) -> FrameGrid:
        grid = FrameGrid(self.sample_rate, 1, 1)
        for kernel, stride in zip(self.kernels, self.strides):
            left = (kernel - stride) // 2
            grid = grid.then(kernel, stride, left, kernel - stride - left)
        return grid

    @property
    def n_bins(self) -> int:
        return self.filters[-1]

    def transform_layers(self) -> list[keras.layers.Layer]:
        from keras import layers

        built = [layers.Reshape((-1, 1), dtype="float32")]
        stages = zip(self.filters, self.kernels, self.strides, strict=True)
        for filters, kernel, stride in stages:
            before = (kernel - stride) // 2
            built += [
                layers.ZeroPadding1D((before, kernel - stride - before), dtype="float32"),
                layers.Conv1D(
                    filters,
                    kernel,
                    stride,
                    use_bias=False,
                    kernel_initializer="he_normal",
                    data_format="channels_last",
                    dtype="float32",
                ),
                layers.BatchNormalization(dtype="float32"),
                layers.ReLU(dtype="float32"),
            ]
        return [*built, layers.Reshape((-1, self.n_bins, 1), dtype="float32")]
