"""The layers of crema alone: decibels below the loudest bin, and recurrent units as in Keras 2."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

DIRECTIONS = ("forward", "backward")


@keras.saving.register_keras_serializable(package="mirzoo")
class DecibelsBelowPeak(keras.layers.Layer):
    """Convert magnitudes to decibels against each clip's and channel's own maximum.

    ``max(20 * log10(max(x, amin) / max(peak, amin)), -range_db)`` with ``peak`` the maximum of
    ``x`` over frames and bins: ``librosa.amplitude_to_db(x, ref=np.max, amin=amin,
    top_db=range_db)`` of each clip and channel. A clip does not depend on the others in the
    batch, but a frame depends on the whole clip. Silence is 0 dB throughout.

    Parameters
    ----------
    range_db : float
        How far below the peak values may lie (dB).
    amin : float
        Magnitudes below this count as this.

    Notes
    -----
    Input and output: features ``(batch, frames, bins, channels)``.

    Examples
    --------
    >>> import numpy as np
    >>> magnitudes = np.float32([5.0, 0.5, 0.0]).reshape(1, 3, 1, 1)
    >>> DecibelsBelowPeak()(magnitudes).numpy().ravel().round(3).tolist()
    [0.0, -20.0, -80.0]
    """

    def __init__(self, range_db: float = 80.0, amin: float = 1e-5, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.range_db = range_db
        self.amin = amin

    def call(self, features):
        level = tf.math.log(tf.maximum(features, self.amin)) * (20.0 / math.log(10.0))
        peak = tf.reduce_max(level, axis=(1, 2), keepdims=True)
        return tf.maximum(level - peak, -self.range_db)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "range_db": self.range_db, "amin": self.amin}


@keras.saving.register_keras_serializable(package="mirzoo")
def keras2_hard_sigmoid(x):
    """The hard sigmoid of Keras 1 and 2: ``clip(0.2 * x + 0.5, 0, 1)``.

    Keras 3 has ``clip(x / 6 + 0.5, 0, 1)`` under the name that it had before.

    Examples
    --------
    >>> keras2_hard_sigmoid(tf.constant([-3.0, 0.0, 1.25])).numpy().tolist()
    [0.0, 0.5, 0.75]
    """
    return tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable(package="mirzoo")
class BothWaysGRU(keras.layers.Layer):
    """Gated recurrent units over time in both directions, as Keras 2 had them by default.

    ``Bidirectional(GRU(units, return_sequences=True, reset_after=False,
    recurrent_activation=keras2_hard_sigmoid))``. Frames are taken some at a time inside the
    loop: LiteRT copies all results each time that one is added, so that a loop over single
    frames takes time in proportion to the square of their number, and is slow from minutes on.

    Parameters
    ----------
    units : int
        Size of the state of each direction.
    chunk_frames : int
        How many frames a round of the loop takes; it does not change the results.

    Notes
    -----
    Input ``(batch, frames, size)``, output ``(batch, frames, 2 * units)``: the state of the units
    that run forward, then of those that run backward.

    References
    ----------
    K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
    machine translation", EMNLP 2014, arXiv:1406.1078v1, section 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> BothWaysGRU(4)(np.zeros((2, 21, 3), "float32")).shape
    TensorShape([2, 21, 8])
    """

    loops_over_frames = True

    def __init__(self, units: int, chunk_frames: int = 16, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.chunk_frames = chunk_frames

    def build(self, input_shape):
        shapes = {
            "kernel": ((input_shape[-1], 3 * self.units), "glorot_uniform"),
            "recurrent_kernel": ((self.units, 3 * self.units), "orthogonal"),
            "bias": ((3 * self.units,), "zeros"),
        }
        for direction in DIRECTIONS:
            for name, (shape, initializer) in shapes.items():
                name = f"{direction}_{name}"
                setattr(self, name, self.add_weight(shape, initializer, name=name))
        super().build(input_shape)

    def call(self, inputs):
        ahead = self._follow(inputs, "forward")
        back = self._follow(tf.reverse(inputs, [1]), "backward")
        return tf.concat([ahead, tf.reverse(back, [1])], axis=-1)

    def _follow(self, inputs: tf.Tensor, direction: str) -> tf.Tensor:
        kernel, recurrent_kernel, bias = (
            tf.convert_to_tensor(getattr(self, f"{direction}_{name}"))
            for name in ("kernel", "recurrent_kernel", "bias")
        )
        gates_kernel = recurrent_kernel[:, : 2 * self.units]
        candidate_kernel = recurrent_kernel[:, 2 * self.units :]
        batch, frames = (
            tf.shape(inputs)[axis] if inputs.shape[axis] is None else inputs.shape[axis]
            for axis in (0, 1)
        )
        rounds = (frames + self.chunk_frames - 1) // self.chunk_frames
        inputs = tf.pad(inputs, [[0, 0], [0, rounds * self.chunk_frames - frames], [0, 0]])
        projected = tf.transpose(inputs @ kernel + bias, [1, 0, 2])
        projected = tf.reshape(projected, [rounds, self.chunk_frames, batch, 3 * self.units])

        def take_chunk(number, state, states):
            chunk, outputs = projected[number], []
            for frame in range(self.chunk_frames):
                gates = chunk[frame, :, : 2 * self.units] + state @ gates_kernel
                update, reset = tf.split(keras2_hard_sigmoid(gates), 2, axis=-1)
                candidate = tf.tanh(
                    chunk[frame, :, 2 * self.units :] + (reset * state) @ candidate_kernel
                )
                state = update * state + (1 - update) * candidate
                outputs.append(state)
            return number + 1, state, states.write(number, tf.stack(outputs))

        states = tf.TensorArray(
            inputs.dtype, rounds, element_shape=(self.chunk_frames, inputs.shape[0], self.units)
        )
        start = (0, tf.zeros([batch, self.units], inputs.dtype), states)
        _, _, states = tf.while_loop(lambda number, *_: number < rounds, take_chunk, start)
        states = tf.reshape(states.stack(), [rounds * self.chunk_frames, batch, self.units])
        return tf.transpose(states[:frames], [1, 0, 2])

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], 2 * self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "chunk_frames": self.chunk_frames,
        }
