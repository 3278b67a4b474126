"""Won et al.'s taggers: three networks, each with the weights of two or three data sets.

- *fcn*: five 3 x 3 convolutions with max-pooling, the whole spectrogram to one place;
- *musicnn*: tall and long filters on the spectrogram, three convolutions over time, pooling by
  maximum and mean, as in musicnn's own package but retrained, with decibels for its logarithm;
- *crnn*: four 3 x 3 convolutions with max-pooling and two recurrent layers.

All have torchaudio's mel spectrogram of 96 bands, in decibels against 1, which is inside the graph
here; *musicnn* processes 3 s at a time and the others 29 s. A longer waveform gives *fcn* several
places over time, whose mean is taken; the authors process windows alone.

References
----------
Won, Ferraro, Bogdanov & Serra, "Evaluation of CNN-based automatic music tagging models", SMC 2020,
arXiv:2006.00751.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers

from mirzoo.card import InputContract
from mirzoo.models.layers import Decibel, MelFilterbank, Spectrogram
from mirzoo.models.model import Model
from mirzoo.ports._cards import tagger_card
from mirzoo.ports._network import (
    Network,
    assign,
    assign_norm,
    frontend_of,
    head_of,
    weights_of,
)
from mirzoo.ports._specification import PortSpec
from mirzoo.ports._torch_checkpoint import read_tensors
from mirzoo.ports.won.layers import ReflectedEdges

SAMPLE_RATE = 16000
N_FFT, HOP_LENGTH, N_MELS = 512, 256, 96
FLOOR_DB = -100.0
EPSILON = 1e-5
WINDOW_SAMPLES = {"fcn": 29 * SAMPLE_RATE, "musicnn": 3 * SAMPLE_RATE, "crnn": 29 * SAMPLE_RATE}
FCN_LAYERS = ((64, (4, 2)), (128, (4, 2)), (128, (4, 2)), (128, (5, 3)), (64, (4, 4)))
CRNN_LAYERS = ((64, (2, 2)), (128, (3, 3)), (128, (4, 4)), (128, (4, 4)))
"""Filters, and over how many frames and bands the largest value is taken."""

MIN_SAMPLES = {
    # As many frames as are pooled to one.
    "fcn": (4 * 4 * 4 * 5 * 4 - 1) * HOP_LENGTH,
    "musicnn": SAMPLE_RATE,
    "crnn": (2 * 3 * 4 * 4 - 1) * HOP_LENGTH,
}
TALL = (67, 38)
LONG = (129, 65, 33)
GRU_SIZE, GRU_LAYERS = 32, 2


def network(spec: PortSpec, checkpoint: Path) -> Network:
    """Build the parts of a published model.

    Parameters
    ----------
    spec : PortSpec
        Which of them.
    checkpoint : path
        The authors' file of weights.

    Returns
    -------
    Network
        Waveform ``(batch, samples)`` at 16 kHz to probabilities ``(batch, 50)``.
    """
    window = WINDOW_SAMPLES[spec.family]
    return Network(
        frontend=build_frontend(),
        head=build_head(spec.family),
        outputs=layers.Dense(len(spec.labels), activation="sigmoid", name="tags"),
        load=lambda model: load_checkpoint(model, spec.family, checkpoint),
        card=tagger_card(
            len(spec.labels),
            InputContract(
                sample_rate=SAMPLE_RATE,
                min_samples=MIN_SAMPLES[spec.family],
                window_samples=window,
                hop_samples=window,
                pad_left_samples=0,
            ),
        ),
    )


def build_frontend() -> keras.Model:
    """Build the front-end: ``10 log10`` of a mel power spectrogram, not below -100 dB.

    Returns
    -------
    keras.Model
        Named ``frontend``; waveform ``(batch, samples)`` to ``(batch, frames, 96, 1)``, with
        ``1 + samples // 256`` frames.

    Examples
    --------
    >>> import numpy as np
    >>> build_frontend()(np.zeros((1, 48000), "float32")).shape
    TensorShape([1, 188, 96, 1])
    """
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    x = ReflectedEdges(N_FFT // 2, name="reflected_edges")(waveform)
    x = Spectrogram(N_FFT, HOP_LENGTH, power=2, center=False, name="spectrogram")(x)
    x = MelFilterbank(SAMPLE_RATE, N_FFT, N_MELS, htk=True, norm="none", name="mel")(x)
    return frontend_of(waveform, Decibel(power=2, floor_db=FLOOR_DB, name="decibel")(x))


def build_head(family: str) -> keras.Model:
    """Build the head of a network, with fresh weights.

    Parameters
    ----------
    family : {"fcn", "musicnn", "crnn"}

    Returns
    -------
    keras.Model
        Features ``(batch, frames, 96, 1)`` to the embedding, ``(batch, 64)``, 200 or 32: what the
        output layer is given.

    Examples
    --------
    >>> build_head("crnn").output_shape
    (None, 32)
    """
    features = keras.Input((None, N_MELS, 1), name="features")
    x = _norm("spec_bn")(features)
    return head_of(features, {"fcn": _fcn, "musicnn": _musicnn, "crnn": _crnn}[family](x))


def _norm(name: str) -> layers.BatchNormalization:
    return layers.BatchNormalization(epsilon=EPSILON, name=name.replace(".", "_"))


def _convolution(x, name: str, kind: Callable, filters: int, kernel, padding: str):
    """A convolution, batch normalisation and a rectifier; ``name`` is the checkpoint's."""
    layer = kind(filters, kernel, padding=padding, name=f"{name}.conv".replace(".", "_"))
    return layers.ReLU()(_norm(f"{name}.bn")(layer(x)))


def _pooled(x, stages):
    for number, (filters, pool) in enumerate(stages, start=1):
        x = _convolution(x, f"layer{number}", layers.Conv2D, filters, 3, "same")
        x = layers.MaxPooling2D(pool)(x)
    return x


def _fcn(x):
    return layers.GlobalAveragePooling2D(name="embedding")(_pooled(x, FCN_LAYERS))


def _crnn(x):
    x = _pooled(x, CRNN_LAYERS)
    x = layers.Reshape((-1, CRNN_LAYERS[-1][0]))(x)
    for number in range(GRU_LAYERS):
        last = number == GRU_LAYERS - 1
        x = layers.GRU(GRU_SIZE, return_sequences=not last, name=f"gru{number}")(x)
    return x


def _musicnn(x):
    padded = layers.ZeroPadding2D((3, 0))(x)
    parts = []
    for number, height in enumerate(TALL):
        y = _convolution(padded, f"layers.{number}", layers.Conv2D, 204, (7, height), "valid")
        y = layers.MaxPooling2D((1, y.shape[2]))(y)
        parts.append(layers.Reshape((-1, 204))(y))
    mean = layers.AveragePooling2D((1, N_MELS))(x)
    mean = layers.Reshape((-1, 1))(mean)
    for number, length in enumerate(LONG, start=len(TALL)):
        parts.append(_convolution(mean, f"layers.{number}", layers.Conv1D, 51, length, "same"))
    stages = [layers.Concatenate()(parts)]
    for number in (1, 2, 3):
        y = _convolution(stages[-1], f"layer{number}", layers.Conv1D, 64, 7, "same")
        stages.append(y if number == 1 else layers.Add()([y, stages[-1]]))
    x = layers.Concatenate()(stages)
    x = layers.Concatenate()([layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)])
    return layers.ReLU(name="embedding")(_norm("bn")(layers.Dense(200, name="dense1")(x)))


def load_checkpoint(model: Model, family: str, path: Path) -> None:
    """Copy the published weights into a model.

    Raises
    ------
    PullError
        If the file cannot be read, lacks a weight, or has it in another shape.
    """
    tensors = read_tensors(path)
    value = weights_of(tensors)
    named = {
        name.rpartition(".")[0].replace(".", "_"): name.rpartition(".")[0]
        for name in tensors
        if name.endswith(".weight")
    }
    for layer in model.head.layers:
        if isinstance(layer, layers.GRU):
            _assign_gru(layer, value, int(layer.name.removeprefix("gru")))
        elif layer.weights:
            _assign(layer, value, named.get(layer.name, layer.name))
    _assign(model.get_layer("tags"), value, "dense2" if family == "musicnn" else "dense")


def _assign(layer: keras.layers.Layer, value: Callable[[str], np.ndarray], name: str) -> None:
    if isinstance(layer, layers.BatchNormalization):
        assign_norm(layer, value, name)
        return
    # PyTorch has outputs, inputs, bands, frames; Keras the reverse.
    assign(layer.kernel, value(f"{name}.weight").T, f"{name}.weight")
    assign(layer.bias, value(f"{name}.bias"), f"{name}.bias")


def _assign_gru(layer: layers.GRU, value: Callable[[str], np.ndarray], number: int) -> None:
    """PyTorch has the gates in the order reset, update, new; Keras update, reset, new."""

    def ordered(name: str) -> np.ndarray:
        reset, update, new = np.split(value(f"layer5.{name}_l{number}"), 3)
        return np.concatenate([update, reset, new])

    cell = layer.cell
    assign(cell.kernel, ordered("weight_ih").T, f"layer5.weight_ih_l{number}")
    assign(cell.recurrent_kernel, ordered("weight_hh").T, f"layer5.weight_hh_l{number}")
    biases = np.stack([ordered("bias_ih"), ordered("bias_hh")])
    assign(cell.bias, biases, f"layer5.bias_ih_l{number}")
