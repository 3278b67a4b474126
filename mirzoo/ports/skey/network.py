"""S-KEY: which of 24 keys a whole recording is in, learnt without labels.

A variable-Q transform of seven octaves from A0 goes through seven blocks, each of which halves
time; the mean over octaves and time gives two scores for each pitch class, of major and of minor.
Every normalisation is over the whole recording, so a recording is processed in one piece, up to
five minutes of it; there is one result a piece.

As in the authors' package the recording is divided by its peak, and the transform's decibels
depend on that. Digital silence alone differs: the package names some key there, the port has all
keys of a mode alike.

References
----------
Kong, Meseguer-Brocal, Lostanlen, Lagrange & Hennequin, "S-KEY: Self-supervised learning of major
and minor keys from audio", ICASSP 2025, arXiv:2501.12907; "STONE: Self-supervised tonality
estimator", ISMIR 2024, arXiv:2407.07408.
"""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
from keras import layers

from mirzoo.card import InputContract
from mirzoo.models.model import Model
from mirzoo.ports._cards import key_card
from mirzoo.ports._network import Network, assign, frontend_of, head_of, weights_of
from mirzoo.ports._specification import PortSpec
from mirzoo.ports._torch_checkpoint import read_tensors
from mirzoo.ports.skey.layers import (
    LEAST_MAGNITUDE,
    DecibelsToOne,
    MeanOfOctaves,
    NormaliseWhole,
    OctaveKernels,
    PeakNormalised,
    RepeatEdges,
    ScaledChannels,
    ZeroInSilence,
)

SAMPLE_RATE = 22050
HOP_LENGTH = 512
N_OCTAVES, BINS_PER_OCTAVE = 9, 12
COMPUTED_BINS, N_BINS = 99, 84
TAPS, LOWPASS_TAPS = 128, 256
RANGE_DB = 80.0
CHANNELS = (2, 3, 40, 40, 30, 10, 3)
KERNELS = (7, 7, 7, 7, 7, 5, 5)
EPSILON = 1e-5
PART = "stone"

MIN_SAMPLES = 3 * SAMPLE_RATE  # time is halved seven times
CONTEXT_SAMPLES = 10 * SAMPLE_RATE
KEPT_SAMPLES = 280 * SAMPLE_RATE
WINDOW_SAMPLES = KEPT_SAMPLES + 2 * CONTEXT_SAMPLES


def network(spec: PortSpec, checkpoint: Path) -> Network:
    """Build the parts of the published model.

    Parameters
    ----------
    spec : PortSpec
    checkpoint : path
        The authors' file of weights.

    Returns
    -------
    Network
        Waveform ``(batch, samples)`` at 22.05 kHz to ``keys``, ``(batch, 1, 24)``.
    """
    classifier = layers.Conv2D(2, 1, name="classifier")
    norm = layers.BatchNormalization(epsilon=EPSILON, center=False, scale=False, name="batch_norm")

    def outputs(embedding: keras.KerasTensor) -> keras.KerasTensor:
        x = layers.Reshape((1, 12, CHANNELS[-1]), name="pitch_classes")(embedding)
        x = norm(classifier(x))
        x = layers.Permute((1, 3, 2), name="modes_first")(x)
        x = layers.Reshape((1, 24), name="keys_scores")(x)
        return layers.Softmax(name="keys")(x)

    return Network(
        frontend=build_frontend(),
        head=build_head(),
        outputs=outputs,
        load=lambda model: load_checkpoint(model, checkpoint),
        card=key_card(
            InputContract(
                sample_rate=SAMPLE_RATE,
                min_samples=MIN_SAMPLES,
                window_samples=WINDOW_SAMPLES,
                hop_samples=KEPT_SAMPLES,
                pad_left_samples=CONTEXT_SAMPLES,
                whole=True,
            )
        ),
    )


def build_frontend() -> keras.Model:
    """Build the front-end: decibels of a variable-Q transform, scaled so that 0 dB is 1.

    Returns
    -------
    keras.Model
        Named ``frontend``; waveform ``(batch, samples)`` to ``(batch, frames, 84, 1)``.
    """
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    x = PeakNormalised(name="peak_normalised")(waveform)
    x = OctaveKernels(
        N_OCTAVES, BINS_PER_OCTAVE, COMPUTED_BINS, hop_length=HOP_LENGTH, taps=TAPS,
        lowpass_taps=LOWPASS_TAPS, name="vqt",
    )(x)  # fmt: skip
    x = DecibelsToOne(RANGE_DB, name="decibels")(x)
    x = layers.Cropping2D(((0, 0), (0, COMPUTED_BINS - N_BINS)), name="lowest_bins")(x)
    return frontend_of(waveform, x)


def build_head() -> keras.Model:
    """Build the network up to the embedding, with fresh weights.

    Returns
    -------
    keras.Model
        Features ``(batch, frames, 84, 1)`` to the embedding ``(batch, 1, 36)``.

    Examples
    --------
    >>> build_head().output_shape
    (None, 1, 36)
    """
    features = keras.Input((None, N_BINS, 1), name="features")
    x = features
    for number, (channels, kernel) in enumerate(zip(CHANNELS, KERNELS, strict=True)):
        x = NormaliseWhole(EPSILON, name=f"halve{number}_norm")(x)
        x = layers.Conv2D(channels, (2, 1), (2, 1), name=f"halve{number}")(x)
        x = layers.Activation(_gelu, name=f"halve{number}_gelu")(x)
        y = RepeatEdges(kernel // 2, name=f"block{number}_edges")(x)
        y = layers.DepthwiseConv2D(kernel, name=f"block{number}_depthwise")(y)
        y = NormaliseWhole(EPSILON, name=f"block{number}_norm")(y)
        y = layers.Conv2D(4 * channels, 1, name=f"block{number}_dense1")(y)
        y = layers.Activation(_gelu, name=f"block{number}_gelu")(y)
        y = layers.Conv2D(channels, 1, name=f"block{number}_dense2")(y)
        y = ScaledChannels(name=f"block{number}_scale")(y)
        x = layers.Add(name=f"block{number}_add")([x, y])
    floor = 10 * math.log10(LEAST_MAGNITUDE) / RANGE_DB + 1
    x = MeanOfOctaves(name="mean_of_octaves")(x)
    return head_of(features, ZeroInSilence(floor, name="zero_in_silence")([features, x]))


_gelu = "gelu"  # Keras' is the exact one, as PyTorch's is


def load_checkpoint(model: Model, path: Path) -> None:
    """Copy the published weights into a model.

    Raises
    ------
    PullError
        If the file cannot be read, lacks a weight, or has it in another shape.
    """
    value = weights_of(read_tensors(path, PART))
    vqt = model.frontend.get_layer("vqt")
    assign(vqt.lowpass, value("hcqt.lowpass_filter")[0, 0], "hcqt.lowpass_filter")
    assign(vqt.scale, np.sqrt(value("hcqt.lenghts")), "hcqt.lenghts")
    for octave, kernels in enumerate(vqt.kernels):
        names = [f"hcqt.cqt_kernels_{part}_{octave}" for part in ("real", "imag")]
        both = np.concatenate([value(name)[:, 0].T for name in names], axis=1)
        assign(kernels, both, names[0])
    for number in range(len(CHANNELS)):
        net = "chromanet"
        halve = f"{net}.time_downsampling_blocks.{number}.conv"
        block = f"{net}.convnext_blocks.{number}"
        for layer, name in (
            (f"halve{number}", halve),
            (f"block{number}_depthwise", f"{block}.dwconv"),
            (f"block{number}_dense1", f"{block}.pwconv1"),
            (f"block{number}_dense2", f"{block}.pwconv2"),
        ):
            _assign(model.head.get_layer(layer), value, name)
        gamma = f"{block}.gamma"
        assign(model.head.get_layer(f"block{number}_scale").gamma, value(gamma), gamma)
    _assign(model.get_layer("classifier"), value, "chromanet.classifier")
    norm = model.get_layer("batch_norm")
    for weight, name in ((norm.moving_mean, "mean"), (norm.moving_variance, "var")):
        name = f"chromanet.batch_norm.running_{name}"
        assign(weight, value(name), name)


def _assign(layer: keras.layers.Layer, value, name: str) -> None:
    kernel = value(f"{name}.weight")
    if isinstance(layer, layers.DepthwiseConv2D):
        kernel = kernel.transpose(3, 2, 0, 1)  # PyTorch has bins before frames
    else:  # a dense layer over channels is a convolution of one place here
        kernel = kernel[..., np.newaxis, np.newaxis] if kernel.ndim == 2 else kernel
        kernel = kernel.transpose(3, 2, 1, 0)
    assign(layer.kernel, kernel, f"{name}.weight")
    assign(layer.bias, value(f"{name}.bias"), f"{name}.bias")
