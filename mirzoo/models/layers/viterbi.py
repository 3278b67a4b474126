"""The likeliest path through frames of evidence as a TensorFlow graph, for exported files.

The paths are those of `mirzoo.dsp.viterbi`. The graph has operations that LiteRT and ONNX have too.
Runtimes copy all that a loop carries at every turn, and a graph without loops grows with the
window: so there are two loops, one inside the other, and few frames at a turn of the inner one.

Evidence is ``(batch, frames, states)``, paths are int32 ``(batch, frames)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

TURN_FRAMES = 4
BLOCK_FRAMES = 64
LOWEST = -1e30


def path_with_changes(
    evidence: tf.Tensor, change_penalty: float, initial: np.ndarray | None = None
) -> tf.Tensor:
    """Find the likeliest path where every change of state costs the same.

    A frame's scores are taken relative to the best, ``score[j] = max(score[j], -change_penalty) +
    evidence[j]`` and then ``score -= max(score)``: a state is worth entering where its own score
    fell below that of the best less the penalty. Backwards, a path stays in its state where that
    state's score is not below, and else comes from the best.

    Parameters
    ----------
    evidence : tf.Tensor
        ``(batch, frames, states)``.
    change_penalty : float
        Nats.
    initial : np.ndarray, optional
        Added to the evidence of the first frame, ``(states,)``.

    Examples
    --------
    >>> likely = tf.math.log([[[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]]])
    >>> path_with_changes(likely, 0.0).numpy().tolist()
    [[0, 1, 0]]
    >>> path_with_changes(likely, 1.0).numpy().tolist()
    [[0, 0, 0]]
    """
    frames = _frames_first(evidence, initial)

    def step(score: tf.Tensor, now: tf.Tensor) -> tf.Tensor:
        score = tf.maximum(score, -change_penalty) + now
        return score - tf.reduce_max(score, axis=-1, keepdims=True)

    def step_back(state: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        own = tf.gather(before, state, axis=1, batch_dims=1)
        best = tf.argmax(before, axis=-1, output_type=tf.int32)
        return tf.where(own >= -change_penalty, state, best)

    return _backward(_forward(frames, step), step_back)


def path_with_transitions(
    evidence: tf.Tensor, log_transition: np.ndarray, initial: np.ndarray | None = None
) -> tf.Tensor:
    """Find the likeliest path under any transitions.

    Parameters
    ----------
    evidence : tf.Tensor
        ``(batch, frames, states)``.
    log_transition : np.ndarray
        ``(states, states)``: logarithm of the probability of each state (column) after each
        (row).
    initial : np.ndarray, optional
        Added to the evidence of the first frame, ``(states,)``.
    """
    into = tf.constant(np.ascontiguousarray(np.transpose(log_transition)), tf.float32)
    frames = _frames_first(evidence, initial)

    def step(score: tf.Tensor, now: tf.Tensor) -> tf.Tensor:
        score = tf.reduce_max(score[:, tf.newaxis] + into, axis=-1) + now
        return score - tf.reduce_max(score, axis=-1, keepdims=True)

    scores = _forward(frames, step, is_first_a_step=False)

    def step_back(state: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        return tf.argmax(before + tf.gather(into, state), axis=-1, output_type=tf.int32)

    return _backward(scores, step_back)


def path_with_movement(evidence: tf.Tensor, step_penalty: float, leap_penalty: float) -> tf.Tensor:
    """Find the likeliest path of states in a row, where moving costs by the distance.

    A movement by ``d`` states costs ``min(step_penalty * d, leap_penalty)``.

    Parameters
    ----------
    evidence : tf.Tensor
        ``(batch, frames, states)``; the number of states is known.
    step_penalty, leap_penalty : float
        Nats.

    Examples
    --------
    >>> likely = tf.math.log([[[0.8, 0.1, 0.1], [0.3, 0.3, 0.4], [0.8, 0.1, 0.1]]])
    >>> path_with_movement(likely, 1.0, 5.0).numpy().tolist()
    [[0, 0, 0]]
    """
    states = evidence.shape[-1]
    step_penalty = min(step_penalty, leap_penalty)
    climb = tf.constant(step_penalty * np.arange(states), tf.float32)
    reach = states - 1
    if step_penalty:
        reach = min(reach, math.ceil(leap_penalty / step_penalty))  # farther off, it is a leap
    distances = np.abs(np.arange(1 - states, states))
    cost = tf.constant(np.minimum(step_penalty * distances, leap_penalty), tf.float32)
    here = tf.range(states) + states - 1
    frames = _frames_first(evidence, None)

    def step(score: tf.Tensor, now: tf.Tensor) -> tf.Tensor:
        rising = _highest_of_the_last(score + climb, reach) - climb
        falling = _highest_of_the_next(score - climb, reach) + climb
        leap = tf.reduce_max(score, axis=-1, keepdims=True)
        score = tf.maximum(tf.maximum(rising, falling), leap - leap_penalty)
        return score - leap + now

    scores = _forward(frames, step, is_first_a_step=False)

    def step_back(state: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        paid = tf.gather(cost, here - state[:, tf.newaxis])
        return tf.argmax(before - paid, axis=-1, output_type=tf.int32)

    return _backward(scores, step_back)


def _highest_of_the_last(values: tf.Tensor, reach: int) -> tf.Tensor:
    """For each state the highest value of itself and the ``reach`` states before."""
    return _highest(tf.pad(values, [[0, 0], [reach, 0]], constant_values=LOWEST), reach)


def _highest_of_the_next(values: tf.Tensor, reach: int) -> tf.Tensor:
    """For each state the highest value of itself and the ``reach`` states behind."""
    return _highest(tf.pad(values, [[0, 0], [0, reach]], constant_values=LOWEST), reach)


def _highest(values: tf.Tensor, reach: int) -> tf.Tensor:
    """Sliding maximum of ``reach + 1`` values, by doubling the width that each one covers."""
    covered = 1
    while covered < reach + 1:
        shift = min(covered, reach + 1 - covered)
        length = values.shape[-1] - shift
        values = tf.maximum(values[:, :length], values[:, shift:])
        covered += shift
    return values


def _frames_first(evidence: tf.Tensor, initial: np.ndarray | None) -> tf.Tensor:
    frames = tf.transpose(evidence, [1, 0, 2])
    if initial is None:
        return frames
    first = frames[:1] + tf.constant(initial, tf.float32)
    return tf.concat([first, frames[1:]], axis=0)


Step = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
Follow = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def _forward(frames: tf.Tensor, step: Step, *, is_first_a_step: bool = True) -> tf.Tensor:
    """The scores of every frame, ``(frames, batch, states)``."""
    if is_first_a_step:
        return _in_turns(step, tf.zeros_like(frames[0]), frames)
    return tf.concat([frames[:1], _in_turns(step, frames[0], frames[1:])], axis=0)


def _backward(scores: tf.Tensor, step_back: Step) -> tf.Tensor:
    """The path that ends in the last frame's best state, ``(batch, frames)``."""
    last = tf.argmax(scores[-1], axis=-1, output_type=tf.int32)
    before = _in_turns(step_back, last, tf.reverse(scores[:-1], axis=[0]))
    path = tf.concat([tf.reverse(before, axis=[0]), last[tf.newaxis]], axis=0)
    return tf.transpose(path)


def _in_turns(step: Step, state: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
    """The states that ``step`` makes of one state and each frame, frames first."""
    count = _length(frames)
    filled = tf.pad(frames, [[0, -count % BLOCK_FRAMES], *[[0, 0]] * (len(frames.shape) - 1)])

    def follow(state: tf.Tensor, frames: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        states = []
        for frame in tf.unstack(frames):
            state = step(state, frame)
            states.append(state)
        return state, tf.stack(states)

    def follow_block(state: tf.Tensor, frames: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _loop(follow, state, frames, TURN_FRAMES)

    return _loop(follow_block, state, filled, BLOCK_FRAMES)[1][:count]


def _loop(
    follow: Follow, state: tf.Tensor, frames: tf.Tensor, size: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Follow ``size`` frames a turn: the last state, and all that was made of the frames.

    Frames are a queue that gives its first at a turn. What is made of them is appended to it, or
    to another queue where it is of another kind; either way all is in order after the last turn.
    """
    turns = _length(frames) // size
    is_alike = state.dtype == frames.dtype
    made = frames if is_alike else tf.zeros_like(frames[..., 0], state.dtype)

    def turn(
        number: tf.Tensor, state: tf.Tensor, made: tf.Tensor, *queue: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        first = _first(queue[0] if queue else made, size)
        state, new = follow(state, first)
        rotated = [tf.concat([frames[size:], first], axis=0) for frames in queue]
        return number + 1, state, tf.concat([made[size:], new], axis=0), *rotated

    begin = (tf.constant(0), state, made, *([] if is_alike else [frames]))
    result = tf.while_loop(lambda number, *_: number < turns, turn, begin)
    return result[1], result[2]


def _first(frames: tf.Tensor, size: int) -> tf.Tensor:
    rank = len(frames.shape)
    return tf.slice(frames, [0] * rank, [size, *[-1] * (rank - 1)])


def _length(frames: tf.Tensor) -> int | tf.Tensor:
    return tf.shape(frames)[0] if frames.shape[0] is None else frames.shape[0]
