"""KeyNet: which of 24 keys a whole recording is in.

A constant-Q transform of 105 bins, 24 an octave from 65 Hz, five frames a second, goes through nine
convolutions; their last gives each place of the spectrogram a score for each key, and the mean of
those is the recording's. There is one result a piece, and a recording is one piece up to five
minutes. The program this is from takes the largest score; a softmax makes probabilities of them
here.

References
----------
Korzeniowski & Widmer, "Genre-agnostic key classification with convolutional neural networks",
ISMIR 2018, arXiv:1808.05340; Sommer, https://github.com/Menschomat/MusicalKeyCNN, 2025.
"""

from __future__ import annotations

import math
from pathlib import Path

import keras
from keras import layers

from mirzoo.card import InputContract
from mirzoo.models.layers import CQT, Logarithm
from mirzoo.models.model import Model
from mirzoo.ports._cards import key_card
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

SAMPLE_RATE = 44100
HOP_LENGTH = 8820
FMIN, N_BINS, BINS_PER_OCTAVE = 65.0, 105, 24
SPARSITY = 0.01  # librosa's default
UNUSED_FRAMES = 2
FILTERS = (20, 20, 40, 40, 80, 80, 160, 160, 24)
KERNELS = (5, 3, 3, 3, 3, 3, 3, 3, 1)
POOLED_AFTER = (2, 4, 6)
EPSILON = 1e-5

MIN_SAMPLES = 10 * HOP_LENGTH  # frames are pooled by two, three times
CONTEXT_SAMPLES = 50 * HOP_LENGTH
KEPT_SAMPLES = 1400 * HOP_LENGTH
WINDOW_SAMPLES = KEPT_SAMPLES + 2 * CONTEXT_SAMPLES


def network(spec: PortSpec, checkpoint: Path) -> Network:
    """Build the parts of the published model.

    Parameters
    ----------
    spec : PortSpec
    checkpoint : path
        The author's file of weights.

    Returns
    -------
    Network
        Waveform ``(batch, samples)`` at 44.1 kHz to ``keys``, ``(batch, 1, 24)``.
    """
    return Network(
        frontend=build_frontend(),
        head=build_head(),
        outputs=lambda embedding: layers.Softmax(name="keys")(embedding),
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
    """Build the front-end: ``log(1 + x)`` of a constant-Q transform without its last two frames.

    Returns
    -------
    keras.Model
        Named ``frontend``; waveform ``(batch, samples)`` to ``(batch, frames, 105, 1)``.
    """
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    x = CQT(
        sample_rate=SAMPLE_RATE, hop_length=HOP_LENGTH, fmin=FMIN, n_bins=N_BINS,
        bins_per_octave=BINS_PER_OCTAVE, sparsity=SPARSITY, name="cqt",
    )(waveform)  # fmt: skip
    x = Logarithm(c=1.0, name="log10")(x)
    x = layers.Rescaling(math.log(10), name="log")(x)
    x = layers.Cropping2D(((0, UNUSED_FRAMES), (0, 0)), name="without_last_frames")(x)
    return frontend_of(waveform, x)


def build_head() -> keras.Model:
    """Build the network up to the scores of keys, with fresh weights.

    Returns
    -------
    keras.Model
        Features ``(batch, frames, 105, 1)`` to ``(batch, 1, 24)``.

    Examples
    --------
    >>> build_head().output_shape
    (None, 1, 24)
    """
    features = keras.Input((None, N_BINS, 1), name="features")
    x = features
    for number, (filters, kernel) in enumerate(zip(FILTERS, KERNELS, strict=True), start=1):
        x = layers.Conv2D(filters, kernel, padding="same", use_bias=False, name=f"conv{number}")(x)
        x = layers.BatchNormalization(epsilon=EPSILON, name=f"bn{number}")(x)
        x = layers.ELU(name=f"elu{number}")(x)
        if number in POOLED_AFTER:
            x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return head_of(features, layers.Reshape((1, FILTERS[-1]), name="one_frame")(x))


def load_checkpoint(model: Model, path: Path) -> None:
    """Copy the published weights into a model.

    Raises
    ------
    PullError
        If the file cannot be read, lacks a weight, or has it in another shape.
    """
    value = weights_of(read_tensors(path))
    for number in range(1, len(FILTERS) + 1):
        name = f"conv{number}.conv.weight"
        # PyTorch has outputs, inputs, bins, frames; Keras the reverse.
        assign(model.head.get_layer(f"conv{number}").kernel, value(name).T, name)
        assign_norm(model.head.get_layer(f"bn{number}"), value, f"conv{number}.bn")
