"""Strided 1-D convolutions on the waveform, as SampleCNN has them.

Lee, Park, Kim & Nam, "Sample-level deep convolutional neural networks for music auto-tagging
using raw waveforms", SMC 2017, arXiv:1703.01789. Each convolution is followed by batch
normalisation and a rectifier. The padding is fixed, ``kernel - stride`` zeros, so that the
frames are ``samples // hop`` and lie at the same times in clips of any length.
"""

from __future__ import annotations

from keras import layers


def build(config) -> list:
    """List the layers for a `mirzoo.recipe.RawConfig`."""
    built = [layers.Reshape((-1, 1), dtype="float32")]
    stages = zip(config.filters, config.kernels, config.strides, strict=True)
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
    return [*built, layers.Reshape((-1, config.n_bins, 1), dtype="float32")]
