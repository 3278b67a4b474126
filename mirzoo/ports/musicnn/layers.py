"""The layer of musicnn alone: a network of patches of one length on features of any length."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="mirzoo")
class MeanOverPatches(keras.layers.Wrapper):
    """Average the outputs of a model over patches of consecutive frames.

    Features are cut into as many whole patches, side by side, as fit; frames that are left over
    do not count. Features shorter than one patch are filled up with zeros, which is what
    silence is after `mirzoo.models.layers.scaling.Logarithm`.

    Parameters
    ----------
    layer : keras.Model
        Features ``(batch, patch_frames, bins, channels)`` to ``(batch, size)``.
    patch_frames : int
        Length of a patch (frames).

    Notes
    -----
    Input: features ``(batch, frames, bins, channels)``. Output: ``(batch, size)``.

    Examples
    --------
    >>> import numpy as np
    >>> patch = keras.Input((2, 3, 1))
    >>> network = keras.Model(patch, keras.layers.Flatten()(patch))
    >>> frames = np.arange(5, dtype="float32")[None, :, None, None] * np.ones((1, 1, 3, 1), "f")
    >>> MeanOverPatches(network, patch_frames=2)(frames).numpy().tolist()
    [[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]]
    """

    def __init__(self, layer, patch_frames, **kwargs):
        super().__init__(layer, **kwargs)
        self.patch_frames = patch_frames

    def build(self, input_shape):
        batch, _, bins, channels = input_shape
        super().build((batch, self.patch_frames, bins, channels))

    def call(self, features, training=None):
        _, frames, bins, channels = features.shape
        if frames is None:
            frames = tf.shape(features)[1]
            n_patches = tf.maximum(1, frames // self.patch_frames)
            missing = tf.maximum(0, self.patch_frames - frames)
        else:
            n_patches = max(1, frames // self.patch_frames)
            missing = max(0, self.patch_frames - frames)
        whole = tf.pad(features, [[0, 0], [0, missing], [0, 0], [0, 0]])
        whole = whole[:, : n_patches * self.patch_frames]
        patches = tf.reshape(whole, (-1, self.patch_frames, bins, channels))
        results = self.layer(patches, training=training)
        by_clip = tf.reshape(results, (-1, n_patches, results.shape[-1]))
        return tf.reduce_mean(by_clip, axis=1)

    def compute_output_shape(self, input_shape):
        batch, _, bins, channels = input_shape
        return self.layer.compute_output_shape((batch, self.patch_frames, bins, channels))

    def get_config(self):
        return {**super().get_config(), "patch_frames": self.patch_frames}
