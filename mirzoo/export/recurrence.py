"""Recurrent layers as LiteRT takes them best: few operations a frame, few turns of a loop.

TensorFlow's own loop takes a frame a turn, one direction after the other, and a turn of LiteRT's
loop costs more than what is computed in it. Here a turn takes a dozen frames of both directions at
once; a short sequence has no loop at all, so that its graph is a single one, as MediaPipe
demands. The numbers are those of the layer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

MOST_FRAMES_WITHOUT_LOOP = 64
"""Longer sequences get a loop: without one, 201 frames take 2,400 operations and 0.4 MB."""

FRAMES_A_TURN = 12

State = tuple[tf.Tensor, ...]
Step = Callable[[State, tf.Tensor, np.ndarray], State]

_SIGMOID, _TANH = keras.activations.sigmoid, keras.activations.tanh


@dataclass(frozen=True)
class Recurrence:
    """The weights of a recurrent layer, of each of its directions.

    Parameters
    ----------
    kernel : np.ndarray
        ``(directions, channels, gates * units)``.
    bias : np.ndarray
        What is added to the projected input, ``(directions, gates * units)``.
    recurrent_kernel : np.ndarray
        ``(directions, units, gates * units)``.
    step : callable
        From the state, a tuple of ``(directions, batch, units)``, a projected frame
        ``(directions, batch, gates * units)`` and the recurrent kernel to the next state, whose
        first is what the layer gives.
    states : int
        Tensors of a state: one for a GRU, two for an LSTM.
    """

    kernel: np.ndarray
    bias: np.ndarray
    recurrent_kernel: np.ndarray
    step: Step
    states: int

    @property
    def projects_first(self) -> bool:
        """Whether all frames are projected at once: where projections are the smaller ones.

        A loop copies what goes through it again and again, and keeps the copies.
        """
        return self.kernel.shape[1] >= self.kernel.shape[2]

    def project(self, sequence: tf.Tensor) -> tf.Tensor:
        """Multiply every frame with the kernels: all that does not wait for the frame before.

        Parameters
        ----------
        sequence : tf.Tensor
            ``(batch, frames, channels)``.

        Returns
        -------
        tf.Tensor
            ``(batch, frames, directions * gates * units)``.
        """
        kernel = np.concatenate(list(self.kernel), axis=-1)
        return tf.matmul(sequence, kernel) + self.bias.reshape(-1)

    def run(self, sequence: tf.Tensor) -> tf.Tensor:
        """Go through the frames.

        Parameters
        ----------
        sequence : tf.Tensor
            The projected frames, or those of the layer where `projects_first` is false.

        Returns
        -------
        tf.Tensor
            ``(batch, frames, directions * units)``.
        """
        directions, units, _ = self.recurrent_kernel.shape
        parts = [sequence] * directions
        if self.projects_first:
            parts = tf.split(sequence, directions, axis=-1)
        frames = tf.stack(
            [part if way == 0 else tf.reverse(part, [1]) for way, part in enumerate(parts)]
        )
        batch, n_frames = _size(frames, 1), _size(frames, 2)
        loops = frames.shape[2] is None or n_frames > MOST_FRAMES_WITHOUT_LOOP
        turns = -(-n_frames // FRAMES_A_TURN) if loops else 1
        a_turn = FRAMES_A_TURN if frames.shape[2] is None else -(-n_frames // turns)
        frames = tf.pad(frames, [[0, 0], [0, 0], [0, turns * a_turn - n_frames], [0, 0]])
        frames = tf.reshape(frames, [directions, batch, turns, a_turn, frames.shape[3]])
        frames = tf.transpose(frames, (2, 0, 3, 1, 4))
        frames = tf.reshape(frames, [turns, directions, a_turn * batch, frames.shape[4]])
        start = (tf.zeros([directions, batch, units]),) * self.states
        if loops:
            given = self._loop(start, frames, turns, a_turn)
        else:
            _, given = self._turn(start, frames[0], a_turn)
        given = tf.reshape(given, [turns * a_turn, directions, batch, units])[:n_frames]
        by_way = [given[:, way] for way in range(directions)]
        back = [part if way == 0 else tf.reverse(part, [0]) for way, part in enumerate(by_way)]
        return tf.transpose(tf.concat(back, axis=-1), (1, 0, 2))

    def _loop(
        self, start: State, frames: tf.Tensor, turns: int | tf.Tensor, a_turn: int
    ) -> tf.Tensor:
        """What it gives, ``(turns, frames, directions, batch, units)``."""

        def body(turn: tf.Tensor, given: tf.Tensor, *state: tf.Tensor) -> State:
            state, more = self._turn(state, tf.gather(frames, turn), a_turn)
            return (turn + 1, tf.concat([given[1:], more[tf.newaxis]], axis=0), *state)

        # It is overwritten turn by turn. Zeros, which are constant, would be stored in the file.
        unset = tf.fill([turns, a_turn, *_sizes(start[0])], frames[0, 0, 0, 0])
        _, given, *_ = tf.while_loop(lambda turn, *_: turn < turns, body, [0, unset, *start])
        return given

    def _turn(self, state: State, frames: tf.Tensor, n_frames: int) -> tuple[State, tf.Tensor]:
        """The next state, and each state on the way ``(frames, directions, batch, units)``."""
        directions, _, width = self.recurrent_kernel.shape
        if not self.projects_first:
            frames = tf.matmul(frames, self.kernel) + self.bias[:, np.newaxis]
        frames = tf.reshape(frames, [directions, n_frames, -1, width])
        given = []
        for frame in tf.unstack(frames, axis=1):
            state = self.step(state, frame, self.recurrent_kernel)
            given.append(state[0])
        return state, tf.stack(given)


def _sizes(tensor: tf.Tensor) -> list[int | tf.Tensor]:
    return [_size(tensor, axis) for axis in range(len(tensor.shape))]


def _size(tensor: tf.Tensor, axis: int) -> int | tf.Tensor:
    return tf.shape(tensor)[axis] if tensor.shape[axis] is None else tensor.shape[axis]


def recurrence_of(layer: keras.layers.Layer) -> Recurrence | None:
    """The weights of a layer, or None where it is none that is known here.

    Known are `keras.layers.GRU` and `LSTM` that give every frame, alone or bidirectional, with the
    activations that Keras gives them by default.
    """
    ways = [layer]
    if isinstance(layer, keras.layers.Bidirectional):
        if layer.merge_mode != "concat":
            return None
        ways = [layer.forward_layer, layer.backward_layer]
    if not all(_is_plain(way, backwards=number == 1) for number, way in enumerate(ways)):
        return None
    read = _read_gru if isinstance(ways[0], keras.layers.GRU) else _read_lstm
    return read(ways)


def _is_plain(layer: keras.layers.Layer, *, backwards: bool) -> bool:
    if type(layer) not in (keras.layers.GRU, keras.layers.LSTM):
        return False
    return (
        layer.activation is _TANH
        and layer.recurrent_activation is _SIGMOID
        and layer.use_bias
        and layer.return_sequences
        and not layer.return_state
        and not layer.stateful
        and layer.go_backwards == backwards
    )


def _weights(ways: list[keras.layers.Layer]) -> list[np.ndarray]:
    by_way = [[np.asarray(weight) for weight in way.get_weights()] for way in ways]
    return [np.stack(weights) for weights in zip(*by_way, strict=True)]


def _read_gru(ways: list[keras.layers.Layer]) -> Recurrence:
    """Gates lie in the order update, reset, candidate."""
    kernel, recurrent_kernel, bias = _weights(ways)
    units = recurrent_kernel.shape[1]
    if not ways[0].reset_after:
        return Recurrence(kernel, bias, recurrent_kernel, _reset_before, states=1)
    bias, recurrent_bias = bias[:, 0], bias[:, 1]
    gates = np.concatenate([recurrent_bias[:, : 2 * units], 0 * bias[:, 2 * units :]], axis=-1)
    candidate_bias = recurrent_bias[:, np.newaxis, 2 * units :]

    def step(state: State, frame: tf.Tensor, recurrent_kernel: np.ndarray) -> State:
        (h,) = state
        gates, candidate = tf.split(frame, [2 * units, units], axis=-1)
        more_gates, more = tf.split(tf.matmul(h, recurrent_kernel), [2 * units, units], axis=-1)
        update, reset = tf.split(tf.sigmoid(gates + more_gates), 2, axis=-1)
        candidate = tf.tanh(candidate + reset * (more + candidate_bias))
        return (candidate + update * (h - candidate),)

    return Recurrence(kernel, bias + gates, recurrent_kernel, step, states=1)


def _reset_before(state: State, frame: tf.Tensor, recurrent_kernel: np.ndarray) -> State:
    (h,) = state
    units = recurrent_kernel.shape[1]
    gates, candidate = tf.split(frame, [2 * units, units], axis=-1)
    more = tf.matmul(h, recurrent_kernel[:, :, : 2 * units])
    update, reset = tf.split(tf.sigmoid(gates + more), 2, axis=-1)
    candidate = tf.tanh(candidate + tf.matmul(reset * h, recurrent_kernel[:, :, 2 * units :]))
    return (candidate + update * (h - candidate),)


def _read_lstm(ways: list[keras.layers.Layer]) -> Recurrence:
    """Gates lie in the order input, forget, candidate, output."""
    kernel, recurrent_kernel, bias = _weights(ways)

    def step(state: State, frame: tf.Tensor, recurrent_kernel: np.ndarray) -> State:
        h, c = state
        gates = tf.split(frame + tf.matmul(h, recurrent_kernel), 4, axis=-1)
        take, keep, give = (tf.sigmoid(gates[number]) for number in (0, 1, 3))
        c = keep * c + take * tf.tanh(gates[2])
        return give * tf.tanh(c), c

    return Recurrence(kernel, bias, recurrent_kernel, step, states=2)
