"""BeatNet: how likely a beat and a downbeat is at each frame, from what came before it.

A logarithmic spectrum of 136 bands and what it rises by go through a convolution over bands, a
dense layer and two LSTM layers that go forward alone; a softmax over "beat", "downbeat" and
neither gives the activations. 50 frames a second; a frame of 64 ms is around its time, and nothing
else of what follows is used.

Here ``beat`` is the sum of the authors' first two, since a downbeat is a beat as well. The authors
decode with particle filters, or with a dynamic Bayesian network; here it is the decoder of all
beat models (`mirzoo.tasks.beats`).

References
----------
Heydari, Cwitkowitz & Duan, "BeatNet: CRNN and particle filtering for online joint beat, downbeat
and meter tracking", ISMIR 2021, arXiv:2108.03576.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers

from mirzoo.card import Axis, InputContract, OutputSpec
from mirzoo.models.model import Model
from mirzoo.ports._network import Network, assign, frontend_of, head_of, weights_of
from mirzoo.ports._specification import PortSpec
from mirzoo.ports._torch_checkpoint import read_tensors
from mirzoo.ports.beatnet.layers import RisingSpectrum
from mirzoo.tasks.beats import BeatsDecoding
from mirzoo.tasks.beats.config import BEATS, LABELS

SAMPLE_RATE = 22050
HOP_LENGTH, FRAME_LENGTH = 441, 1411
BANDS_PER_OCTAVE, FMIN, FMAX = 24, 30.0, 17000.0
N_FEATURES = 272
FILTERS, KERNEL, POOL = 2, 10, 2
SIZE, LSTM_LAYERS = 150, 2
CLASSES = 3
CLASSES_TO_LABELS = np.array([[1, 0], [1, 1], [0, 0]], np.float32)
"""From the authors' beat, downbeat and neither to any beat and downbeat."""

CONTEXT_SAMPLES = 500 * HOP_LENGTH
KEPT_SAMPLES = 6000 * HOP_LENGTH
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
        Waveform ``(batch, samples)`` at 22.05 kHz to ``beats``, ``(batch, frames, 2)``.
    """
    scores = layers.Dense(CLASSES, activation="softmax", name="beat_downbeat_neither")
    sums = layers.Dense(len(LABELS), use_bias=False, trainable=False, name=BEATS)
    return Network(
        frontend=build_frontend(),
        head=build_head(),
        outputs=lambda embedding: {BEATS: sums(scores(embedding))},
        load=lambda model: load_checkpoint(model, checkpoint),
        card={
            "input": InputContract(
                sample_rate=SAMPLE_RATE,
                min_samples=FRAME_LENGTH,
                window_samples=WINDOW_SAMPLES,
                hop_samples=KEPT_SAMPLES,
                pad_left_samples=CONTEXT_SAMPLES,
                whole=True,
            ),
            "activation": "sigmoid",
            "outputs": [
                OutputSpec(
                    name=BEATS,
                    axes=[
                        Axis(name="frame", size=None, unit="frame"),
                        Axis(name="beat and downbeat", size=len(LABELS), unit="probability"),
                    ],
                    frame_rate=SAMPLE_RATE / HOP_LENGTH,
                )
            ],
            "decoding": BeatsDecoding(),
        },
    )


def build_frontend() -> keras.Model:
    """Build the front-end.

    Returns
    -------
    keras.Model
        Named ``frontend``; waveform ``(batch, samples)`` to ``(batch, frames, 272, 1)``.
    """
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    features = RisingSpectrum(
        SAMPLE_RATE, FRAME_LENGTH, HOP_LENGTH, bands_per_octave=BANDS_PER_OCTAVE, fmin=FMIN,
        fmax=FMAX, name="rising_spectrum",
    )(waveform)  # fmt: skip
    return frontend_of(waveform, features)


def build_head() -> keras.Model:
    """Build the network up to the embedding, with fresh weights.

    Returns
    -------
    keras.Model
        Features ``(batch, frames, 272, 1)`` to the embedding ``(batch, frames, 150)``.

    Examples
    --------
    >>> build_head().output_shape
    (None, None, 150)
    """
    features = keras.Input((None, N_FEATURES, 1), name="features")
    x = layers.Conv2D(FILTERS, (1, KERNEL), activation="relu", name="conv1")(features)
    x = layers.MaxPooling2D((1, POOL), name="pool1")(x)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]), name="flatten_bands")(x)
    x = layers.Dense(SIZE, name="linear0")(x)
    for number in range(LSTM_LAYERS):
        x = layers.LSTM(SIZE, return_sequences=True, name=f"lstm{number}")(x)
    return head_of(features, x)


def load_checkpoint(model: Model, path: Path) -> None:
    """Copy the published weights into a model.

    Raises
    ------
    PullError
        If the file cannot be read, lacks a weight, or has it in another shape.
    """
    value = weights_of(read_tensors(path))
    head = model.head
    conv, dense = head.get_layer("conv1"), head.get_layer("linear0")
    assign(conv.kernel, value("conv1.weight").transpose(2, 1, 0)[np.newaxis], "conv1.weight")
    assign(conv.bias, value("conv1.bias"), "conv1.bias")
    kernel = value("linear0.weight")
    if kernel.size == SIZE * FILTERS * ((N_FEATURES - KERNEL + 1) // POOL):
        # PyTorch has the bands of one filter after those of the other.
        kernel = kernel.reshape(SIZE, FILTERS, -1).transpose(2, 1, 0).reshape(-1, SIZE)
    assign(dense.kernel, kernel, "linear0.weight")
    assign(dense.bias, value("linear0.bias"), "linear0.bias")
    for number in range(LSTM_LAYERS):
        cell = head.get_layer(f"lstm{number}").cell
        for weight, name in ((cell.kernel, "weight_ih"), (cell.recurrent_kernel, "weight_hh")):
            name = f"lstm.{name}_l{number}"
            assign(weight, value(name).T, name)
        biases = [f"lstm.{name}_l{number}" for name in ("bias_ih", "bias_hh")]
        assign(cell.bias, value(biases[0]) + value(biases[1]), biases[0])
    scores = model.get_layer("beat_downbeat_neither")
    assign(scores.kernel, value("linear.weight").T, "linear.weight")
    assign(scores.bias, value("linear.bias"), "linear.bias")
    model.get_layer(BEATS).kernel.assign(CLASSES_TO_LABELS)
