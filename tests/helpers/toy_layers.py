"""The Keras layer of the toy front-end, in a module of its own: registering it needs no Keras."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="toys")
class BlockEnergies(keras.layers.Layer):
    """Root of the mean square of parts of each frame: ``(batch, frames, parts, 1)``."""

    def __init__(self, hop_length, parts, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.hop_length = hop_length
        self.parts = parts

    def call(self, waveform):
        size = self.hop_length // self.parts
        frames = ops.shape(waveform)[1] // self.hop_length
        whole = waveform[:, : frames * self.hop_length]
        blocks = ops.reshape(whole, (-1, frames, self.parts, size))
        return ops.sqrt(ops.mean(ops.square(blocks), axis=-1, keepdims=True) + 1e-12)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], None, self.parts, 1)

    def get_config(self):
        return {**super().get_config(), "hop_length": self.hop_length, "parts": self.parts}
