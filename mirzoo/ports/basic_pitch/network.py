"""basic-pitch: the notes of any instrument or voice, with their bends, from the waveform.

A constant-Q spectrum with eight harmonics stacked goes through a few small convolutions to three
activations, 172 frames for 2 s: ``contour`` (264 bins, three a semitone from 27.5 Hz), ``note``
(88 keys of the piano) and ``onset`` (the same). The spectrum is inside the graph.

The authors' package processes windows of 43,844 samples, 36,164 apart, and joins the output of
each but for its first and last 15 frames, which leaves 142. A frame every 256 samples would be
141.27 of them, so joined frames are in truth a little closer: 142 to 36,164 samples. The card
states that rate
The package leaves out the last 0.7 % of a recording: it keeps 86 frames for each second, and its
joined frames are 86.58. Here they all count.

References
----------
Bittner, Bosch, Rubinstein, Meseguer-Brocal & Ewert, "A lightweight instrument-agnostic model for
polyphonic note transcription and multipitch estimation", ICASSP 2022, arXiv:2203.09893.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
from keras import layers

from mirzoo.card import Axis, InputContract, OutputSpec
from mirzoo.ports._network import (
    Network,
    assign,
    batch_norm,
    frontend_of,
    head_of,
    read_checkpoint,
)
from mirzoo.ports._specification import PortSpec
from mirzoo.ports.basic_pitch.layers import HalvingCQT, ScaledDecibel, StackedHarmonics
from mirzoo.tasks.notes import NotesDecoding

SAMPLE_RATE = 22050
HOP_LENGTH = 256
WINDOW_SAMPLES = 43844
SHARED_FRAMES = 30  # of neighbouring windows
KEPT_SAMPLES = WINDOW_SAMPLES - SHARED_FRAMES * HOP_LENGTH
KEPT_FRAMES = 1 + WINDOW_SAMPLES // HOP_LENGTH - SHARED_FRAMES
CONTEXT_SAMPLES = SHARED_FRAMES // 2 * HOP_LENGTH

FMIN = 27.5
LOWEST_PITCH = 21
N_NOTES = 88
BINS_PER_SEMITONE = 3
BINS_PER_OCTAVE = 12 * BINS_PER_SEMITONE
N_CONTOUR_BINS = N_NOTES * BINS_PER_SEMITONE
N_CQT_BINS = 309
HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7)
FILTERS = 32

# The variables of the checkpoint are numbered in the order in which the network was built.
CHECKPOINT_LAYERS = {
    "normalised_spectrum": 0,
    "contour_features": 1,
    "contour_norm": 2,
    "contour_map": 3,
    "note_features": 4,
    "onset_features": 5,
    "onset_norm": 6,
    "note_map": 7,
    "onset_map": 8,
}


def network(spec: PortSpec, checkpoint: Path) -> Network:
    """Build the parts of the published model.

    A window of `WINDOW_SAMPLES` gives what the package gives for it. In a longer waveform the
    spectrum is scaled by the extremes of the whole; `Model.annotate` processes a recording window
    by window, as the package does.

    Parameters
    ----------
    spec : PortSpec
    checkpoint : path
        What the names of the checkpoint's files begin with.

    Returns
    -------
    Network
        Waveform ``(batch, samples)`` at 22.05 kHz to ``note`` and ``onset``,
        ``(batch, frames, 88)``, and ``contour``, ``(batch, frames, 264)``;
        ``1 + samples // 256`` frames.
    """
    return Network(
        frontend=build_cqt_frontend(),
        head=build_head(),
        outputs=build_outputs,
        load=lambda model: load_checkpoint(model, checkpoint),
        card=_card(),
    )


def build_cqt_frontend() -> keras.Model:
    """Build the front-end: constant-Q decibels, scaled to [0, 1] over the waveform.

    Returns
    -------
    keras.Model
        Named ``frontend``; waveform ``(batch, samples)`` to ``(batch, frames, 309, 1)``.

    Examples
    --------
    >>> import numpy as np
    >>> build_cqt_frontend()(np.zeros((1, WINDOW_SAMPLES), "float32")).shape
    TensorShape([1, 172, 309, 1])
    """
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    power = HalvingCQT(SAMPLE_RATE, HOP_LENGTH, FMIN, N_CQT_BINS, BINS_PER_OCTAVE, name="cqt")(
        waveform
    )
    return frontend_of(waveform, ScaledDecibel(name="scaled_decibel")(power))


def build_head() -> keras.Model:
    """Build the head, with fresh weights.

    Returns
    -------
    keras.Model
        Spectrum ``(batch, frames, 309, 1)`` to an embedding of each frame,
        ``(batch, frames, 88 * 67)``: for each key its three bins of the contour, 32 features of
        its sounding and 32 of its beginning.

    Examples
    --------
    >>> build_head().output_shape
    (None, None, 5896)
    """
    spectrum = keras.Input((None, N_CQT_BINS, 1), name="features")
    x = batch_norm("normalised_spectrum")(spectrum)
    stack = StackedHarmonics(HARMONICS, BINS_PER_OCTAVE, N_CONTOUR_BINS, name="harmonics")(x)
    x = _convolve("contour_features", 8, (3, 39))(stack)
    x = layers.ReLU()(batch_norm("contour_norm")(x))
    contour = _convolve("contour_map", 1, (5, 5), activation="sigmoid")(x)
    sounding = _convolve("note_features", FILTERS, (7, 7), BINS_PER_SEMITONE, "relu")(contour)
    x = _convolve("onset_features", FILTERS, (5, 5), BINS_PER_SEMITONE)(stack)
    beginning = layers.ReLU()(batch_norm("onset_norm")(x))
    contour_of_keys = layers.Reshape((-1, N_NOTES, BINS_PER_SEMITONE))(contour)
    x = layers.Concatenate()([contour_of_keys, sounding, beginning])
    embedding = layers.Reshape((-1, N_NOTES * x.shape[-1]), name="embedding")(x)
    return head_of(spectrum, embedding)


def build_outputs(embedding: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """Build the output layers, with fresh weights: ``note``, ``onset`` and ``contour``."""
    by_key = layers.Reshape((-1, N_NOTES, embedding.shape[-1] // N_NOTES))(embedding)
    contour, sounding, beginning = keras.ops.split(
        by_key, [BINS_PER_SEMITONE, BINS_PER_SEMITONE + FILTERS], axis=-1
    )
    note = _convolve("note_map", 1, (7, 3), activation="sigmoid")(sounding)
    onset = _convolve("onset_map", 1, (3, 3), activation="sigmoid")(
        layers.Concatenate()([note, beginning])
    )
    return {
        "note": layers.Reshape((-1, N_NOTES), name="note")(note),
        "onset": layers.Reshape((-1, N_NOTES), name="onset")(onset),
        "contour": layers.Reshape((-1, N_CONTOUR_BINS), name="contour")(contour),
    }


def load_checkpoint(model: keras.Model, prefix: Path) -> None:
    """Copy the published weights into a model of the front-end, the head and the outputs.

    Parameters
    ----------
    model : keras.Model
    prefix : path
        The package's ``saved_models/icassp_2022/nmp/variables/variables``.

    Raises
    ------
    PullError
        If the checkpoint lacks a weight, or has it in another shape.
    """
    published = read_checkpoint(str(prefix))
    by_name = {layer.name: layer for layer in model._flatten_layers()}
    for layer, number in CHECKPOINT_LAYERS.items():
        for weight in by_name[layer].weights:
            name = f"layer_with_weights-{number}/{weight.name}/.ATTRIBUTES/VARIABLE_VALUE"
            assign(weight, published(name), name)


def _card() -> dict[str, Any]:
    frame = Axis(name="frame", size=None, unit="frame")
    frame_samples = KEPT_SAMPLES / KEPT_FRAMES
    # Half of the drift over the frames that a window contributes, so that no time is off by more.
    late_samples = (HOP_LENGTH - frame_samples) * KEPT_FRAMES / 2
    first_samples = CONTEXT_SAMPLES + late_samples - SHARED_FRAMES // 2 * frame_samples
    timing = {
        "frame_rate": SAMPLE_RATE / frame_samples,
        "first_frame_s": first_samples / SAMPLE_RATE,
    }
    return {
        "input": InputContract(
            sample_rate=SAMPLE_RATE,
            min_samples=1,
            window_samples=WINDOW_SAMPLES,
            hop_samples=KEPT_SAMPLES,
            pad_left_samples=CONTEXT_SAMPLES,
        ),
        "activation": "sigmoid",
        "outputs": [
            OutputSpec(
                name=name, axes=[frame, Axis(name=axis, size=size, unit="probability")], **timing
            )
            for name, axis, size in (
                ("note", "key", N_NOTES),
                ("onset", "key", N_NOTES),
                ("contour", "pitch bin", N_CONTOUR_BINS),
            )
        ],
        "decoding": NotesDecoding(
            lowest_pitch=LOWEST_PITCH,
            onset_threshold=0.5,
            frame_threshold=0.3,
            shortest_s=0.128,
            contour_bins_per_semitone=BINS_PER_SEMITONE,
        ),
    }


def _convolve(
    name: str, filters: int, kernel: tuple[int, int], bins: int = 1, activation: str | None = None
) -> layers.Conv2D:
    return layers.Conv2D(
        filters, kernel, (1, bins), padding="same", activation=activation, name=name
    )
