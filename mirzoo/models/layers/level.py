"""The level of a waveform, taken out of it: what is played counts, not how loud it was recorded."""

from __future__ import annotations

import keras
import tensorflow as tf

BLOCK_SAMPLES = 1024
SMALLEST_ENERGY = 1e-12
"""Of energies in units of silence, below which they do not count: it keeps gradients finite."""


@keras.saving.register_keras_serializable(package="mirzoo")
class WindowLevel(keras.layers.Layer):
    """Take the offset out of a waveform and bring its louder parts to one level.

    With ``y`` the waveform less its mean, and ``e`` the mean of ``y ** 2`` in each block of 1024
    samples, the energy of the louder parts is ``E = sum(e ** 2) / sum(e)``, in which quiet blocks
    hardly count and silence does not. The result is ``y`` times ``sqrt(T / E) * E ** 3 / (E ** 3 +
    S ** 3)`` with ``T`` and ``S`` the energies of ``target_db`` and ``silence_db``: gain and offset
    of a recording change nothing, while what is below ``silence_db`` is not made music of: 8 dB
    below it it stays as quiet as it is, further below it is quieter.

    Samples that are exactly 0 are silence and stay 0, so that what fills a short clip up to a
    window changes nothing.

    Parameters
    ----------
    target_db : float
        The level of the louder parts of the result (dB of the root mean square against 1).
    silence_db : float
        Where silence begins (dB, likewise).

    Notes
    -----
    Input and output: waveform ``(batch, samples)``, float32.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(np.arange(16000) * 0.3)[np.newaxis].astype("float32")
    >>> layer = WindowLevel(target_db=-20.0)
    >>> [round(float(np.std(layer(gain * tone + offset))), 2)
    ...  for gain, offset in ((1.0, 0.0), (0.01, 0.05), (0.0, 0.0))]
    [0.1, 0.1, 0.0]
    """

    def __init__(self, target_db=-16.0, silence_db=-62.0, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if not silence_db < target_db:
            raise ValueError(
                f"silence_db is {silence_db} and target_db {target_db}; allowed is silence_db below"
                " target_db"
            )
        self.target_db = target_db
        self.silence_db = silence_db
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def call(self, waveform):
        sounds = tf.cast(tf.not_equal(waveform, 0.0), tf.float32)
        count = tf.maximum(tf.reduce_sum(sounds, axis=1, keepdims=True), 1.0)
        mean = tf.reduce_sum(waveform, axis=1, keepdims=True) / count
        # In units of silence, so that neither energies nor constants are too small for float16.
        y = (waveform - mean) * sounds * 10.0 ** (-self.silence_db / 20.0)
        energy = self._energy(y)
        root = tf.sqrt(tf.maximum(energy, SMALLEST_ENERGY))
        target = 10.0 ** (self.target_db / 20.0)
        return y * (target * tf.square(energy) * root / (energy * tf.square(energy) + 1.0))

    def _energy(self, waveform):
        """The energy of the louder parts, ``(batch, 1)``."""
        samples = waveform.shape[1]
        known = samples is not None
        missing = -(samples if known else tf.shape(waveform)[1]) % BLOCK_SAMPLES
        filled = tf.pad(tf.square(waveform), [[0, 0], [0, missing]])
        number = (samples + missing) // BLOCK_SAMPLES if known else -1
        blocks = tf.reshape(filled, (-1, number, BLOCK_SAMPLES)) if known else tf.reshape(
            filled, (tf.shape(filled)[0], -1, BLOCK_SAMPLES)
        )  # fmt: skip
        energies = tf.reduce_mean(blocks, axis=2)
        total = tf.reduce_sum(energies, axis=1, keepdims=True)
        squares = tf.reduce_sum(tf.square(energies), axis=1, keepdims=True)
        return squares / tf.maximum(total, SMALLEST_ENERGY)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "target_db": self.target_db,
            "silence_db": self.silence_db,
        }
