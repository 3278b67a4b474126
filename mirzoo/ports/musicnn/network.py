"""musicnn: two families of music taggers with published weights, rebuilt layer by layer.

- *musicnn*: wide "timbral" and long "temporal" filters on the spectrogram, three densely
  connected convolutions over time, pooling by maximum and mean;
- *vgg*: five 3 x 3 convolutions with max-pooling.

Both process patches of 187 frames (3 s) of a log-mel spectrogram, which is inside the graph here.
The authors' package counts centred frames over a whole file and cuts them into patches; a window
of `PATCH_SAMPLES` samples with frames that are not centred gives the same patch, if
``N_FFT // 2`` zeros stand before the file and windows follow each other by `PATCH_HOP_SAMPLES`.

The package casts its mel spectrogram to float16 before it multiplies by 10000, which overflows on
loud music; here everything is float32.

References
----------
Pons & Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging", 2019,
arXiv:1909.06654; Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018,
arXiv:1711.02520.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers

from mirzoo.card import InputContract
from mirzoo.models.frontends import build_frontend
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.ports._cards import tagger_card
from mirzoo.ports._network import Network, assign, batch_norm, head_of, read_checkpoint
from mirzoo.ports._specification import PortSpec
from mirzoo.ports.musicnn.layers import MeanOverPatches
from mirzoo.recipe import LogScaling

SAMPLE_RATE = 16000
N_FFT = 512
HOP_LENGTH = 256
N_MELS = 96
PATCH_FRAMES = 187
PATCH_SAMPLES = (PATCH_FRAMES - 1) * HOP_LENGTH + N_FFT
PATCH_HOP_SAMPLES = PATCH_FRAMES * HOP_LENGTH
PAD_LEFT_SAMPLES = N_FFT // 2
# With half a frame of zeros on either side this much music fills a patch.
MIN_SAMPLES = PATCH_SAMPLES - N_FFT


def network(spec: PortSpec, checkpoint: Path) -> Network:
    """Build the parts of a published model.

    A window of `PATCH_SAMPLES` gives what the package gives for a patch. A longer waveform gives
    the tags of its mean embedding; `Model.annotate` processes a recording patch by patch, as the
    package does.

    Parameters
    ----------
    spec : PortSpec
        Which of them.
    checkpoint : path
        Folder of the weights.

    Returns
    -------
    Network
        Waveform ``(batch, samples)`` at 16 kHz to probabilities ``(batch, 50)``.
    """
    head = build_head(spec.family)
    tags = layers.Dense(len(spec.labels), activation="sigmoid", name="tags")
    return Network(
        frontend=build_musicnn_frontend(),
        head=head,
        outputs=tags,
        load=lambda model: load_checkpoint(head, tags, checkpoint),
        card=tagger_card(
            len(spec.labels),
            InputContract(
                sample_rate=SAMPLE_RATE,
                min_samples=MIN_SAMPLES,
                window_samples=PATCH_SAMPLES,
                hop_samples=PATCH_HOP_SAMPLES,
                pad_left_samples=PAD_LEFT_SAMPLES,
            ),
        ),
    )


def build_musicnn_frontend() -> keras.Model:
    """Build the log-mel front-end: ``log10(1 + 10000 * mel power)``, frames not centred.

    Returns
    -------
    keras.Model
        Named ``frontend``; waveform ``(batch, samples)`` to ``(batch, frames, 96, 1)``.

    Examples
    --------
    >>> import numpy as np
    >>> build_musicnn_frontend()(np.zeros((1, PATCH_SAMPLES), "float32")).shape
    TensorShape([1, 187, 96, 1])
    """
    return build_frontend(
        MelConfig(
            sample_rate=SAMPLE_RATE,
            n_fft=N_FFT,
            hop_length=HOP_LENGTH,
            n_mels=N_MELS,
            power=2,
            center=False,
            scaling=LogScaling(c=10000.0),
        )
    )


def build_head(family: str) -> keras.Model:
    """Build the head of a family, with fresh weights.

    Parameters
    ----------
    family : {"musicnn", "vgg"}
        Which network processes a patch.

    Returns
    -------
    keras.Model
        Features ``(batch, frames, 96, 1)`` to the embedding, ``(batch, 200)``
        for musicnn (its "penultimate") and ``(batch, 256)`` for vgg (its "pool5"). Longer
        features give the mean over patches of 187 frames.

    Examples
    --------
    >>> build_head("vgg").output_shape
    (None, 256)
    """
    features = keras.Input((None, N_MELS, 1), name="features")
    patch = keras.Input((PATCH_FRAMES, N_MELS, 1), name="patch")
    network = keras.Model(patch, _NETWORKS[family](patch), name="patch_network")
    embedding = MeanOverPatches(network, PATCH_FRAMES, name="mean_over_patches")(features)
    return head_of(features, embedding)


def load_checkpoint(head: keras.Model, tags: layers.Dense, folder: Path) -> None:
    """Copy the published weights into a head and its output layer.

    Parameters
    ----------
    head : keras.Model
        From `build_head`.
    tags : keras.layers.Dense
        The output layer, built.
    folder : path
        Holds the TensorFlow 1 checkpoint, two files without a stem: ``.index`` and ``.data-…``.

    Raises
    ------
    PullError
        If the checkpoint lacks a weight, or has it in another shape.
    """
    published = read_checkpoint(f"{folder}/")
    network = head.get_layer("mean_over_patches").layer
    names = {layer: layer.name for layer in network.layers}
    dense_layers = sum(isinstance(layer, layers.Dense) for layer in network.layers)
    names[tags] = f"dense_{dense_layers}" if dense_layers else "dense"
    for layer, published_name in names.items():
        for weight in layer.weights:
            if not weight.path.endswith("seed_generator_state"):
                name = f"{published_name}/{weight.name}"
                value = published(name)
                # Convolutions over time have an axis of one more there.
                same_size = value.size == np.prod(weight.shape)
                assign(weight, value.reshape(weight.shape) if same_size else value, name)


def _musicnn(patch):
    x = batch_norm("batch_normalization")(patch)
    padded = layers.ZeroPadding2D((3, 0))(x)
    timbral = [
        _strongest_bin(padded, "conv2d", 204, (7, 38), "valid", "batch_normalization_1"),
        _strongest_bin(padded, "conv2d_1", 204, (7, 67), "valid", "batch_normalization_2"),
    ]
    temporal = [
        _strongest_bin(x, "conv2d_2", 51, (128, 1), "same", "batch_normalization_3"),
        _strongest_bin(x, "conv2d_3", 51, (64, 1), "same", "batch_normalization_4"),
        _strongest_bin(x, "conv2d_4", 51, (32, 1), "same", "batch_normalization_5"),
    ]
    stages = [layers.Concatenate()([*timbral, *temporal])]
    for number in (5, 6, 7):
        y = layers.Conv1D(64, 7, padding="same", activation="relu", name=f"conv2d_{number}")(
            stages[-1]
        )
        y = batch_norm(f"batch_normalization_{number + 1}")(y)
        stages.append(y if number == 5 else layers.Add()([y, stages[-1]]))
    x = layers.Concatenate()(stages)
    peak, mean = layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)
    # The published weights expect maximum and mean of a channel side by side.
    pooled = layers.Concatenate()([layers.Reshape((-1, 1))(column) for column in (peak, mean)])
    x = batch_norm("batch_normalization_9")(layers.Flatten()(pooled))
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(200, activation="relu", name="dense")(x)
    return batch_norm("batch_normalization_10")(x)


def _vgg(patch):
    x = batch_norm("batch_normalization")(patch)
    poolings = [((4, 1), 2), (2, 2), (2, 2), (2, 2), (4, 4)]
    for number, (size, stride) in enumerate(poolings, start=1):
        x = layers.Conv2D(128, 3, padding="same", activation="relu", name=f"{number}CNN")(x)
        x = batch_norm(f"batch_normalization_{number}")(x)
        x = layers.MaxPooling2D(size, stride)(x)
        x = layers.Dropout(0.5 if number == len(poolings) else 0.25)(x)
    return layers.Flatten()(x)


_NETWORKS = {"musicnn": _musicnn, "vgg": _vgg}


def _strongest_bin(x, name: str, filters: int, kernel: tuple[int, int], padding: str, norm: str):
    x = layers.Conv2D(filters, kernel, padding=padding, activation="relu", name=name)(x)
    x = batch_norm(norm)(x)
    _, frames, bins, _ = x.shape
    return layers.Reshape((frames, filters))(layers.MaxPooling2D((1, bins))(x))
