"""The layers of CREPE alone: standardised frames, and a network applied to each of them.

CREPE (Kim et al. 2018, arXiv:1802.06182) processes a waveform frame by frame, each standardised,
with nothing carried from one to the next.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from mirzoo.dsp.framing import FrameGrid

MOST_COPIES = 8  # of a network in a graph of known length; beyond, it is a loop


@keras.saving.register_keras_serializable(package="mirzoo")
class StandardisedFrames(keras.layers.Layer):
    """Cut a waveform into centred frames and give each mean 0 and standard deviation 1.

    Frame ``k`` is centred on sample ``k * hop_length``; before and behind the waveform there are
    zeros. ``y = (x - mean(x)) / max(std(x), smallest_deviation)``, with the unbiased standard
    deviation (``ddof=1``), as torchcrepe has it; silence stays silence.

    Parameters
    ----------
    frame_length : int
        Length of a frame, even (samples).
    hop_length : int
        From one frame to the next (samples).
    smallest_deviation : float
        What a frame is divided by at least.

    Notes
    -----
    Input: waveform ``(batch, samples)``. Output: ``(batch, frames, frame_length, 1)``, with
    ``1 + samples // hop_length`` frames.

    Examples
    --------
    >>> import numpy as np
    >>> StandardisedFrames(frame_length=1024, hop_length=160)(np.zeros((2, 16000), "f")).shape
    TensorShape([2, 101, 1024, 1])
    """

    def __init__(self, frame_length, hop_length, smallest_deviation=1e-10, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if frame_length % 2:
            raise ValueError(
                f"frame_length is {frame_length}; allowed are even lengths, which have a middle"
            )
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.smallest_deviation = smallest_deviation
        self.input_spec = keras.layers.InputSpec(ndim=2)

    @property
    def grid(self) -> FrameGrid:
        """Where the frames lie in a waveform of one channel."""
        half = self.frame_length // 2
        return FrameGrid(1, self.hop_length, self.frame_length, half, half)

    def call(self, waveform):
        half = self.frame_length // 2
        padded = tf.pad(waveform, [[0, 0], [half, half]])
        frames = tf.signal.frame(padded, self.frame_length, self.hop_length)
        frames -= tf.reduce_mean(frames, axis=-1, keepdims=True)
        energy = tf.reduce_sum(tf.square(frames), axis=-1, keepdims=True)
        # The square root has an infinite slope at zero, so the floor comes before it.
        variance = tf.maximum(energy / (self.frame_length - 1), self.smallest_deviation**2)
        return tf.expand_dims(frames / tf.sqrt(variance), -1)

    def compute_output_shape(self, input_shape):
        batch, samples = input_shape
        frames = None if samples is None else self.grid.frames(samples)
        return (batch, frames, self.frame_length, 1)

    def get_config(self):
        return {
            **super().get_config(),
            "frame_length": self.frame_length,
            "hop_length": self.hop_length,
            "smallest_deviation": self.smallest_deviation,
        }


@keras.saving.register_keras_serializable(package="mirzoo")
class EachFrame(keras.layers.Wrapper):
    """Apply a network to each frame by itself, a bounded number of frames at a time.

    The frames of all clips are processed in chunks, one after the other, so that what the network
    needs in memory does not grow with the length of the music.

    Parameters
    ----------
    layer : keras.Model
        Frames ``(frames, bins, channels)`` to ``(frames, size)``.
    chunk_frames : int
        How many frames are processed at once.

    Notes
    -----
    Input: features ``(batch, frames, bins, channels)``. Output: ``(batch, frames, size)``.

    Examples
    --------
    >>> import numpy as np
    >>> frame = keras.Input((4, 1))
    >>> network = keras.Model(frame, keras.layers.Flatten()(frame))
    >>> EachFrame(network, chunk_frames=2)(np.zeros((3, 5, 4, 1), "float32")).shape
    TensorShape([3, 5, 4])
    """

    def __init__(self, layer, chunk_frames, **kwargs):
        super().__init__(layer, **kwargs)
        self.chunk_frames = chunk_frames

    def build(self, input_shape):
        _, _, bins, channels = input_shape
        super().build((None, bins, channels))

    def call(self, features, training=None):
        _, _, bins, channels = features.shape
        flat = tf.reshape(features, (-1, bins, channels))
        known = flat.shape[0]
        if known is not None and known <= MOST_COPIES * self.chunk_frames:
            results = tf.concat(
                [
                    self.layer(flat[start : start + self.chunk_frames], training=training)
                    for start in range(0, known, self.chunk_frames)
                ],
                axis=0,
            )
        else:
            results = self._loop(flat, training)
        shape = tf.shape(features)
        batch, frames = (
            shape[axis] if size is None else size for axis, size in enumerate(features.shape[:2])
        )
        return tf.reshape(results, (batch, frames, results.shape[-1]))

    def _loop(self, flat, training):
        bins, channels = flat.shape[1:]
        count = tf.shape(flat)[0]
        # The remainder of a negative number is C's in some runtimes.
        missing = self.chunk_frames - 1 - (count - 1) % self.chunk_frames
        filled = tf.pad(flat, [[0, missing], [0, 0], [0, 0]])
        chunks = tf.reshape(filled, (-1, self.chunk_frames, bins, channels))
        size = self.layer.compute_output_shape((None, bins, channels))[-1]
        results = tf.map_fn(
            lambda chunk: self.layer(chunk, training=training),
            chunks,
            parallel_iterations=1,
            fn_output_signature=tf.TensorSpec((self.chunk_frames, size), flat.dtype),
        )
        return tf.reshape(results, (-1, size))[:count]

    def compute_output_shape(self, input_shape):
        batch, frames, bins, channels = input_shape
        size = self.layer.compute_output_shape((None, bins, channels))[-1]
        return (batch, frames, size)

    def get_config(self):
        return {**super().get_config(), "chunk_frames": self.chunk_frames}
