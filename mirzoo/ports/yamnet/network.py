"""YAMNet: which of AudioSet's 521 kinds of sound are in 0.96 s.

A mel spectrogram of 64 bands goes through MobileNet v1, fourteen convolutions of which all but the
first are separable; the mean over their places is the embedding of 1024 numbers, and each kind of
sound has a probability of its own. The authors cut the spectrogram into patches of 96 frames, 48
apart; a window of `PATCH_SAMPLES` gives what they give for a patch, and windows follow each other
by `PATCH_HOP_SAMPLES`. A longer waveform gives the tags of the mean over all its places.

The weights are those of the authors, which a public repository has in a LiteRT file: batch
normalisation is part of each convolution, and most kernels are rounded to eight bits, with one
scale for all numbers of a kernel. They are used as they are, in float32. The LiteRT file itself
rounds its Fourier transform and its mel bands too, which the port does not.

References
----------
Howard et al., "MobileNets: Efficient convolutional neural networks for mobile vision
applications", 2017, arXiv:1704.04861; Hershey et al., "CNN architectures for large-scale audio
classification", ICASSP 2017, arXiv:1609.09430; Gemmeke et al., "Audio Set: An ontology and
human-labeled dataset for audio events", ICASSP 2017, doi:10.1109/ICASSP.2017.7952261.
"""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
from keras import layers

from mirzoo._support.guards import reading
from mirzoo.card import InputContract
from mirzoo.errors import PullError
from mirzoo.models.layers import Logarithm, MelFilterbank, Spectrogram
from mirzoo.models.model import Model
from mirzoo.ports._cards import tagger_card
from mirzoo.ports._network import Network, assign, frontend_of, head_of, weights_of
from mirzoo.ports._specification import PortSpec
from mirzoo.runtimes.tflite_checks import parse

SAMPLE_RATE = 16000
N_FFT, WIN_LENGTH, HOP_LENGTH = 512, 400, 160
N_MELS, FMIN, FMAX = 64, 125.0, 7500.0
LOG_OFFSET = 0.001
FILTERS = 32
BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    *[(512, 1)] * 5,
    (1024, 2), (1024, 1),
)  # fmt: skip
"""Filters and stride of each separable convolution."""

PATCH_FRAMES = 96
PATCH_SAMPLES = (PATCH_FRAMES - 1) * HOP_LENGTH + WIN_LENGTH
PATCH_HOP_SAMPLES = PATCH_FRAMES // 2 * HOP_LENGTH

DENSE = ("yamnet_frames/dense/MatMul", "yamnet_frames/dense/BiasAdd/ReadVariableOp/resource")
_FLOAT32, _INT8 = 0, 9


def network(spec: PortSpec, checkpoint: Path) -> Network:
    """Build the parts of the published model.

    Parameters
    ----------
    spec : PortSpec
    checkpoint : path
        The LiteRT file that holds the weights.

    Returns
    -------
    Network
        Waveform ``(batch, samples)`` at 16 kHz to probabilities ``(batch, 521)``.
    """
    contract = InputContract(
        sample_rate=SAMPLE_RATE,
        min_samples=WIN_LENGTH,
        window_samples=PATCH_SAMPLES,
        hop_samples=PATCH_HOP_SAMPLES,
        pad_left_samples=0,
    )
    return Network(
        frontend=build_frontend(),
        head=build_head(),
        outputs=layers.Dense(len(spec.labels), activation="sigmoid", name="tags"),
        load=lambda model: load_weights(model, checkpoint),
        card={
            **tagger_card(len(spec.labels), contract),
            "provenance": f"{spec.provenance} Most kernels have eight bits in that file.",
        },
    )


def build_frontend() -> keras.Model:
    """Build the front-end: ``log(x + 0.001)`` of a mel spectrogram of magnitudes.

    Frame ``k`` is of the 400 samples from ``160 * k`` on; bands are those of
    ``tf.signal.linear_to_mel_weight_matrix``.

    Returns
    -------
    keras.Model
        Named ``frontend``; waveform ``(batch, samples)`` to ``(batch, frames, 64, 1)``, with
        ``1 + (samples - 400) // 160`` frames.

    Examples
    --------
    >>> import numpy as np
    >>> build_frontend()(np.zeros((1, PATCH_SAMPLES), "float32")).shape
    TensorShape([1, 96, 64, 1])
    """
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    # The window is in the middle of a frame and the first one begins with the waveform.
    edge = (N_FFT - WIN_LENGTH) // 2
    x = keras.ops.pad(waveform, ((0, 0), (edge, edge)))
    x = Spectrogram(N_FFT, HOP_LENGTH, win_length=WIN_LENGTH, center=False, name="spectrogram")(x)
    x = MelFilterbank(
        SAMPLE_RATE, N_FFT, N_MELS, FMIN, FMAX, htk=True, norm="none", slopes="mel", name="mel"
    )(x)
    x = Logarithm(c=1 / LOG_OFFSET, name="log10")(x)
    return frontend_of(
        waveform, layers.Rescaling(math.log(10), offset=math.log(LOG_OFFSET), name="log")(x)
    )


def build_head() -> keras.Model:
    """Build the network up to the embedding, with fresh weights.

    Returns
    -------
    keras.Model
        Features ``(batch, frames, 64, 1)`` to the embedding ``(batch, 1024)``.

    Examples
    --------
    >>> build_head().output_shape
    (None, 1024)
    """
    features = keras.Input((None, N_MELS, 1), name="features")
    same = {"padding": "same", "activation": "relu"}
    x = layers.Conv2D(FILTERS, 3, 2, **same, name="layer1_conv")(features)
    for number, (filters, stride) in enumerate(BLOCKS, start=2):
        x = layers.DepthwiseConv2D(3, stride, **same, name=f"layer{number}_depthwise_conv")(x)
        x = layers.Conv2D(filters, 1, **same, name=f"layer{number}_pointwise_conv")(x)
    return head_of(features, layers.GlobalAveragePooling2D(name="embedding")(x))


def load_weights(model: Model, path: Path) -> None:
    """Copy the published weights into a model.

    Raises
    ------
    PullError
        If the file cannot be read, lacks a weight, or has it in another shape.
    """
    value = weights_of(read_constants(path))
    for layer in (*model.head.layers, model.get_layer("tags")):
        if not layer.weights:
            continue
        place = f"yamnet_frames/{layer.name.replace('_', '/', 1)}"
        kernel, bias = f"{place}/Conv2D", f"{place}/bn/FusedBatchNormV3"
        if isinstance(layer, layers.DepthwiseConv2D):
            kernel = f"{bias};"
        elif isinstance(layer, layers.Dense):
            kernel, bias = DENSE
        # Outputs come first there, and last here.
        assign(layer.kernel, np.moveaxis(value(kernel), 0, -1), kernel)
        assign(layer.bias, value(bias), bias)


def read_constants(path: Path) -> dict[str, np.ndarray]:
    """Read the float32 and eight-bit constants of a LiteRT file, which is not run.

    Returns
    -------
    dict of str to np.ndarray
        float32, by name; of several names joined by ``;`` the first with its semicolon.

    Raises
    ------
    PullError
        If the file is damaged.
    ArtefactError
        If it is no LiteRT file.
    """
    constants = {}
    content = path.read_bytes()
    with reading(path, ".tflite file", PullError, "delete it, and it is downloaded again"):
        model = parse(content, path)
        for tensor in model["subgraphs"][0]["tensors"]:
            start, length = model["buffers"][tensor["buffer"] or 0]["data"] or (0, 0)
            dtype = {_FLOAT32: np.float32, _INT8: np.int8}.get(tensor["type"] or _FLOAT32)
            if not length or dtype is None:
                continue
            values = np.frombuffer(content[start : start + length], dtype)
            if dtype is np.int8:
                (scale,) = tensor["quantization"]["scale"]
                values = values * np.float32(scale)
            name, joined, _ = tensor["name"].partition(";")
            constants[name + joined] = values.reshape(tensor["shape"])
    return constants
