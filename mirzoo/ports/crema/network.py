"""crema: chords of a recording in 170 classes, with their pitches, roots and basses.

A small convolution over time and pitch and two bidirectional recurrent layers process a harmonic
constant-Q transform of the whole recording, 10.8 frames a second. Pitches, root and bass are
predicted from the embedding, and the chord from the embedding and these.

The network needs recordings whole (`mirzoo.card.InputContract.whole`) because each frame depends
on all of the others, in two ways: levels are decibels below the loudest bin of the recording, and
the recurrent layers carry information over minutes. Cut into windows of a minute or two,
recordings get other chords for a tenth of the time, however the levels are taken. So a recording
of up to `WINDOW_SAMPLES` less `CONTEXT_SAMPLES` (ten and a half minutes) gets the chords of the
authors' package; a longer one is processed in windows that share a minute, each with decibels
below its own loudest bin. Streaming needs windows of the user's choice, and loses the more the
shorter they are.

The authors' package takes its transform from librosa with ``sparsity=0.01``, that is, with
kernels that lack a hundredth of their spectrum, which leaks into quiet bins; the front-end does
the same.

The features of frame ``k`` are centred on the sample ``4096 * k``, and its chord is that of the
93 ms that begin there, as in the labels that the network was trained on; so the middle of frame 0
is at 46 ms.

Chord classes are in the authors' order. Root and bass are in this zoo's, none first and then C to
B: the weights that make and read them are rearranged for that, and otherwise as published.

References
----------
B. McFee and J. P. Bello, "Structured training for large-vocabulary chord recognition", ISMIR
2017; https://github.com/bmcfee/crema.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers

from mirzoo.card import Axis, InputContract, OutputSpec
from mirzoo.errors import PullError
from mirzoo.models.layers.cqt import HCQT
from mirzoo.models.model import HEAD
from mirzoo.ports._network import Network, assign, batch_norm, frontend_of, head_of
from mirzoo.ports._numpy_pickle import read_records
from mirzoo.ports._specification import PortSpec
from mirzoo.ports.crema.layers import DIRECTIONS, BothWaysGRU, DecibelsBelowPeak
from mirzoo.tasks.chords import ChordDecoding

SAMPLE_RATE = 44100
HOP_LENGTH = 4096
FMIN = 32.70319566257483
N_BINS = 216
BINS_PER_OCTAVE = 36
HARMONICS = (1.0, 2.0)
SPARSITY = 0.01
RANGE_DB = 80.0

PITCH_FILTERS = 72
UNITS = 128
EMBEDDING_SIZE = 2 * UNITS
N_PITCHES = 12
N_ROOTS = 13
NONE_FIRST = [12, *range(12)]

CONTEXT_SAMPLES = 323 * HOP_LENGTH
KEPT_SAMPLES = 6460 * HOP_LENGTH
WINDOW_SAMPLES = KEPT_SAMPLES + 2 * CONTEXT_SAMPLES

WEIGHTS_FILE = "model.h5"
DECODING_FILE = "pump.pkl"
DECODING_PACKAGE = "pumpp"


def network(spec: PortSpec, checkpoint: Path) -> Network:
    """Build the parts of the published model.

    Parameters
    ----------
    spec : PortSpec
    checkpoint : path
        Folder of the weights, and of what tells how chords are decoded.

    Returns
    -------
    Network
        Waveform ``(batch, samples)`` at 44.1 kHz to ``chords`` ``(batch, frames, 170)``,
        ``root`` and ``bass`` ``(batch, frames, 13)`` and ``pitches`` ``(batch, frames, 12)``;
        ``samples // 4096`` frames.

    Raises
    ------
    PullError
        If the file of labels and transitions is not the one that is expected.
    """
    labels, decoding = read_decoding(checkpoint / DECODING_FILE)
    return Network(
        frontend=build_crema_frontend(),
        head=build_head(),
        outputs=lambda embedding: _build_outputs(embedding, len(labels)),
        load=lambda model: load_weights(model, checkpoint / WEIGHTS_FILE),
        card=_card(spec, labels, decoding),
    )


def build_crema_frontend() -> keras.Model:
    """Build the front-end: decibels of a constant-Q transform and of that an octave above.

    Returns
    -------
    keras.Model
        Named ``frontend``; waveform ``(batch, samples)`` to ``(batch, frames, 216, 2)``, for
        each channel 0 dB at its loudest bin and no less than -80 dB.

    Examples
    --------
    >>> import numpy as np
    >>> build_crema_frontend()(np.zeros((1, 44100), "float32")).shape
    TensorShape([1, 10, 216, 2])
    """
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    x = HCQT(
        sample_rate=SAMPLE_RATE,
        hop_length=HOP_LENGTH,
        fmin=FMIN,
        n_bins=N_BINS,
        bins_per_octave=BINS_PER_OCTAVE,
        harmonics=HARMONICS,
        sparsity=SPARSITY,
        name="hcqt",
    )(waveform)
    # The package leaves out the frame that is centred at or behind the last sample.
    x = layers.Cropping2D(((0, 1), (0, 0)), name="whole_hops")(x)
    return frontend_of(waveform, DecibelsBelowPeak(RANGE_DB, name="decibels")(x))


def build_head() -> keras.Model:
    """Build the network up to the embedding, with fresh weights.

    Returns
    -------
    keras.Model
        Features ``(batch, frames, 216, 2)`` to the embedding
        ``(batch, frames, 256)``.

    Examples
    --------
    >>> build_head().output_shape
    (None, None, 256)
    """
    features = keras.Input((None, N_BINS, len(HARMONICS)), name="features")
    x = _normalise(1)(features)
    x = layers.Conv2D(1, 5, padding="same", activation="relu", name="conv2d_1")(x)
    x = _normalise(2)(x)
    x = layers.Conv2D(PITCH_FILTERS, (1, N_BINS), activation="relu", name="conv2d_2")(x)
    x = layers.Reshape((-1, PITCH_FILTERS), name="squeeze")(_normalise(3)(x))
    x = _normalise(4)(BothWaysGRU(UNITS, name="bidirectional_1")(x))
    x = BothWaysGRU(UNITS, name="bidirectional_2")(x)
    return head_of(features, x)


def load_weights(model: keras.Model, path: Path) -> None:
    """Copy the published weights into a model.

    Parameters
    ----------
    model : keras.Model
        Holds the head and the output layers.
    path : path
        The HDF5 file of the package.

    Raises
    ------
    PullError
        If the file cannot be read, lacks a weight, or has it in another shape.
    """
    try:
        with h5py.File(path) as file:
            published = _Published(file)
            for layer in (*model.get_layer(HEAD).layers, *model.layers):
                _load_layer(layer, published)
    except OSError as error:
        raise PullError(f"{path.name} cannot be read as HDF5: {error}") from error


def read_decoding(path: Path) -> tuple[list[str], ChordDecoding]:
    """Read the chord classes and the probabilities of their transitions.

    Parameters
    ----------
    path : path
        The package's pickle of its features and labels; none of its code is run.

    Returns
    -------
    labels : list of str
        In the order of the output.
    decoding : ChordDecoding
        Where all changes are alike, as they are in version 0.2.0, with one transition penalty;
        otherwise with all transitions.

    Raises
    ------
    PullError
        If the file is not the one that is expected.
    """
    pump = read_records(path, DECODING_PACKAGE)
    try:
        task = pump.opmap["chord_tag"]
        labels = [str(label) for label in task.encoder.classes_]
        transition = np.asarray(task.transition, np.float64)
        marginals = (task.p_init, task.p_state)
    except (AttributeError, KeyError, TypeError) as error:
        raise PullError(f"{path.name} does not tell how chords are decoded: {error}") from error
    if transition.shape != (len(labels), len(labels)) or marginals != (None, None):
        raise PullError(
            f"{path.name} has {len(labels)} labels, transitions of the shape {transition.shape} "
            "and probabilities of states; expected were one transition for each pair of labels "
            "and nothing else"
        )
    stay, change = transition[0, 0], transition[0, 1]
    alike = np.full_like(transition, change)
    np.fill_diagonal(alike, stay)
    # The package names the likeliest bass, however unsure, if it is a tone of the chord.
    if np.allclose(transition, alike, rtol=1e-9, atol=0):
        penalty = float(np.log(stay) - np.log(change))
        return labels, ChordDecoding(change_penalty=penalty, bass_threshold=0.0)
    return labels, ChordDecoding(transition=transition.tolist(), bass_threshold=0.0)


def _build_outputs(embedding, n_labels: int) -> dict[str, keras.KerasTensor]:
    pitches = layers.Dense(N_PITCHES, activation="sigmoid", name="pitches")(embedding)
    root = layers.Dense(N_ROOTS, activation="softmax", name="root")(embedding)
    bass = layers.Dense(N_ROOTS, activation="softmax", name="bass")(embedding)
    together = layers.Concatenate(name="structure")([embedding, pitches, root, bass])
    chords = layers.Dense(n_labels, activation="softmax", name="chords")(_normalise(5)(together))
    return {"chords": chords, "root": root, "bass": bass, "pitches": pitches}


def _normalise(number: int) -> layers.BatchNormalization:
    return batch_norm(f"batch_normalization_{number}")


class _Published:
    """The weights of the package by layer and name."""

    def __init__(self, file: h5py.File):
        self._file = file

    def __call__(self, layer: str, name: str) -> np.ndarray:
        path = f"model_weights/{layer}/{layer}/{name}:0"
        if path not in self._file:
            raise PullError(f"the weights file has no '{path}'; is it that of crema's chord model?")
        return self._file[path][...]


PUBLISHED_NAMES = {
    "pitches": "chord_pitch",
    "root": "chord_root",
    "bass": "chord_bass",
    "chords": "chord_tag",
}
_ROOT_AT = EMBEDDING_SIZE + N_PITCHES
# Where each number of the structure, with none before C, lies in the published one.
STRUCTURE = [
    *range(_ROOT_AT),
    *(_ROOT_AT + index for index in NONE_FIRST),
    *(_ROOT_AT + N_ROOTS + index for index in NONE_FIRST),
]


def _load_layer(layer: keras.Layer, published: _Published) -> None:
    name = PUBLISHED_NAMES.get(layer.name, layer.name)
    if isinstance(layer, BothWaysGRU):
        for weight in layer.weights:
            direction = next(d for d in DIRECTIONS if weight.name.startswith(d))
            half = f"{direction}_gru_{name.removeprefix('bidirectional_')}"
            kind = weight.name.removeprefix(f"{direction}_")
            assign(weight, published(name, f"{half}/{kind}"), weight.path)
    elif isinstance(layer, layers.Dense | layers.Conv2D | layers.BatchNormalization):
        for weight in layer.weights:
            value = _rearranged(layer.name, weight.name, published(name, weight.name))
            assign(weight, value, weight.path)


def _rearranged(layer: str, weight: str, value: np.ndarray) -> np.ndarray:
    if layer in ("root", "bass"):
        return _take(value, NONE_FIRST, axis=-1)
    if layer == "batch_normalization_5" or (layer, weight) == ("chords", "kernel"):
        return _take(value, STRUCTURE, axis=0)
    return value


def _take(value: np.ndarray, order: list[int], axis: int) -> np.ndarray:
    if value.shape[axis] != len(order):
        raise PullError(
            f"a published weight has the shape {value.shape}, expected {len(order)} on axis "
            f"{axis}; is it that of crema's chord model?"
        )
    return np.take(value, order, axis=axis)


def _card(spec: PortSpec, labels: list[str], decoding: ChordDecoding) -> dict[str, Any]:
    sizes = {
        "chords": ("chord", len(labels)),
        "root": ("none or pitch class", N_ROOTS),
        "bass": ("none or pitch class", N_ROOTS),
        "pitches": ("pitch class", N_PITCHES),
    }
    return {
        "input": InputContract(
            sample_rate=SAMPLE_RATE,
            min_samples=HOP_LENGTH,
            window_samples=WINDOW_SAMPLES,
            hop_samples=KEPT_SAMPLES,
            pad_left_samples=CONTEXT_SAMPLES,
            whole=True,
        ),
        "labels": labels,
        "activation": "softmax",
        "outputs": [
            OutputSpec(
                name=name,
                axes=[
                    Axis(name="frame", size=None, unit="frame"),
                    Axis(name=axis, size=size, unit="probability"),
                ],
                frame_rate=SAMPLE_RATE / HOP_LENGTH,
                first_frame_s=HOP_LENGTH / SAMPLE_RATE / 2,
            )
            for name, (axis, size) in sizes.items()
        ],
        "decoding": decoding,
        "provenance": f"{spec.provenance} Root and bass are rearranged: none first, then C to B.",
    }
