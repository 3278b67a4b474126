"""The input stage of an exported graph: from samples as they come to what the model takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from mirzoo.card import Contract
from mirzoo.dsp.resampling import Polyphase, polyphase

INT16_SCALE = 1 / 32768
MOST_SAMPLES_AT_ONCE = 64


def input_stage(contract: Contract) -> Callable[[tf.Tensor], tf.Tensor]:
    """From samples as a file takes them to float32 in [-1, 1] at the model's rate.

    Parameters
    ----------
    contract : Contract
        The file's.
    """
    exported = contract.exported
    if exported is None:
        return lambda waveform: waveform
    resampler = None
    if exported.model_rate != contract.sample_rate:
        resampler = polyphase(contract.sample_rate, exported.model_rate)

    def prepare(waveform: tf.Tensor) -> tf.Tensor:
        with tf.name_scope("input_stage"):
            if exported.input_type == "int16":
                waveform = tf.cast(waveform, tf.float32) * INT16_SCALE
            return waveform if resampler is None else resample(waveform, resampler)

    return prepare


def resample(waveform: tf.Tensor, resampler: Polyphase) -> tf.Tensor:
    """Change the sample rate of waveforms with convolutions, which every runtime has.

    Parameters
    ----------
    waveform : tf.Tensor
        float32 ``(batch, samples)``; before and after it there is silence.
    resampler : Polyphase

    Returns
    -------
    tf.Tensor
        float32 ``(batch, samples * up // down)``.
    """
    samples = _length(waveform)
    wanted = samples * resampler.up // resampler.down
    blocks = (wanted + resampler.outputs - 1) // resampler.outputs
    hop = resampler.hop
    wide = _largest_divisor(hop, MOST_SAMPLES_AT_ONCE)
    before = -min(resampler.starts)
    widths = [math.ceil(len(matrix) / wide) * wide for matrix in resampler.matrices]
    reads = max(start + before + width for start, width in zip(resampler.starts, widths))
    needed = (blocks - 1) * hop + reads
    after = needed - before - samples
    after = max(0, after) if isinstance(after, int) else tf.maximum(after, 0)
    padded = tf.pad(waveform, [[0, 0], [before, after]])
    groups = []
    for matrix, start, width in zip(resampler.matrices, resampler.starts, widths):
        kernel = np.pad(matrix, ((0, width - len(matrix)), (0, 0)))
        kernel = kernel.reshape(width // wide, wide, -1)
        first, length = start + before, (blocks - 1) * hop + width
        pieces = tf.reshape(padded[:, first : first + length], (-1, length // wide, wide))
        groups.append(tf.nn.conv1d(pieces, kernel, stride=hop // wide, padding="VALID"))
    together = groups[0] if len(groups) == 1 else tf.concat(groups, axis=-1)
    return tf.reshape(together, (-1, blocks * resampler.outputs))[:, :wanted]


def _length(waveform: tf.Tensor) -> Any:
    """A number where it is known, or a tensor."""
    known = waveform.shape[1]
    return tf.shape(waveform)[1] if known is None else known


def _largest_divisor(number: int, most: int) -> int:
    return next(divisor for divisor in range(most, 0, -1) if number % divisor == 0)
