"""Several of a model's windows in one of a file's, where decisions need more context than it has.

A file that decides has the frames of a window alone to decide by, where `annotate` has those of the
whole recording. So where decisions need more context, the file takes a longer stretch, cuts it into
the model's own windows, which overlap as they do in `annotate`, and joins their frames before
anything is decided: the outputs are those of `annotate`, and so, all but seldom, are the decisions.
Only the frames of the window in the middle count.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mirzoo.card import Contract
from mirzoo.tasks.frames import FrameJoiner

Outputs = dict[str, tf.Tensor]


def cutter(model: Contract, neighbours: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """From what a file takes, at the model's rate, to windows of the model.

    Parameters
    ----------
    model : Contract
        The model's own.
    neighbours : int
        Windows on either side of the one that counts.

    Returns
    -------
    callable
        From ``(batch, samples)`` to ``(batch * windows, window_samples)``.
    """
    if not neighbours:
        return lambda waveform: waveform
    window, hop = model.input.window_samples, model.input.hop_samples
    starts = [number * hop for number in range(2 * neighbours + 1)]

    def cut(waveform: tf.Tensor) -> tf.Tensor:
        windows = tf.stack([waveform[:, start : start + window] for start in starts], axis=1)
        return tf.reshape(windows, (-1, window))

    return cut


def joiner(model: Contract, neighbours: int) -> Callable[[Outputs], Outputs]:
    """From the outputs of each window to those of the whole, without seams.

    Returns
    -------
    callable
        From ``(batch * windows, frames, ...)`` to ``(batch, frames, ...)``, for each output.
    """
    if not neighbours:
        return lambda outputs: outputs
    count = 2 * neighbours + 1
    kept = FrameJoiner(model).kept

    def join(outputs: Outputs) -> Outputs:
        joined = {}
        for output in model.outputs:
            values = tf.convert_to_tensor(outputs[output.name])
            frames, rest = values.shape[1], values.shape[2:]
            values = tf.reshape(values, (-1, count, frames, *rest))
            first, last = values[:, 0, : kept.start], values[:, -1, kept.stop :]
            middle = tf.reshape(values[:, :, kept], (-1, count * (kept.stop - kept.start), *rest))
            joined[output.name] = tf.concat([first, middle, last], axis=1)
        return joined

    return join
