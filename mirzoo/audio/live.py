"""Audio that comes block by block, mixed and resampled as a recording is."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from mirzoo.audio import CHANNELS, Channel, _downmix, require_rate, resampler
from mirzoo.audio._checks import Levels
from mirzoo.audio._decoders import MAX_ARRAY_CHANNELS, scaled
from mirzoo.errors import AudioError

PROBED_S = 0.5


class LiveReader:
    """Makes a model's mono waveform of blocks of any length.

    Joined, what it gives is what `mirzoo.audio.read` gives of the blocks in one array.

    Parameters
    ----------
    source_rate : int
        Sample rate of the blocks (Hz).
    sample_rate : int
        Rate of the result (Hz).
    channels : int
        Columns of a block.
    channel : {"mean", "mid", "left", "right"}
        As `mirzoo.audio.read` takes it.

    Raises
    ------
    AudioError
        If a rate, the number of channels or ``channel`` is not allowed.

    Examples
    --------
    >>> reader = LiveReader(48000, 16000, channels=2)
    >>> blocks = [reader.add(np.zeros((1000, 2), np.int16)) for _ in range(48)]
    >>> sum(map(len, blocks)) + len(reader.finish())
    16000
    """

    def __init__(
        self,
        source_rate: int,
        sample_rate: int,
        *,
        channels: int = 1,
        channel: Channel = "mean",
    ) -> None:
        require_rate("source_rate", source_rate)
        is_whole = isinstance(channels, Integral) and not isinstance(channels, bool)
        if not (is_whole and 1 <= channels <= MAX_ARRAY_CHANNELS):
            raise AudioError(
                f"channels is {channels!r}; allowed are whole numbers from 1 to "
                f"{MAX_ARRAY_CHANNELS}"
            )
        if channel not in CHANNELS:
            raise AudioError(
                f"channel is {channel!r}; allowed are {', '.join(map(repr, CHANNELS))}"
            )
        self._rates = source_rate, sample_rate
        self._channels, self._channel = channels, channel
        self._levels = Levels("the stream", is_float=True)
        self._resample = resampler("the stream", *self._rates)

    @property
    def warnings(self) -> list[str]:
        """What is odd about what came so far, a sentence each."""
        return self._levels.warnings(self._channel)

    @property
    def delay_s(self) -> float:
        """How long the resampler holds samples back at most (s)."""
        source_rate, sample_rate = self._rates
        resample, block = resampler("silence", *self._rates), max(1, int(source_rate) // 100)
        taken = given = 0
        most = 0.0
        while taken < PROBED_S * source_rate:
            taken += block
            given += len(resample(np.zeros(block, np.float32), False))
            most = max(most, taken / source_rate - given / sample_rate)
        return max(0.0, most - block / source_rate)

    def add(self, block: np.ndarray) -> np.ndarray:
        """Take the next samples.

        Parameters
        ----------
        block : array, shape (samples,) or (samples, channels)
            Floats in [-1, 1], or int8, int16, int32 or uint8, which are scaled by their full range.

        Returns
        -------
        array, float32, shape (samples,)
            At the rate of the result, as far as they are known by now.

        Raises
        ------
        AudioError
            If the block has another number of channels, or samples that are not finite.
        """
        columns = scaled(np.asarray(block), "a block of the stream")
        if columns.shape[1] != self._channels:
            raise AudioError(
                f"a block of the stream has the shape {np.shape(block)}; this stream was opened "
                f"with channels={self._channels}, so blocks are "
                + ("(samples,)" if self._channels == 1 else f"(samples, {self._channels})")
            )
        if not len(columns):
            return np.zeros(0, np.float32)
        mono = _downmix(columns[:, CHANNELS[self._channel]] if self._channels > 1 else columns)
        self._levels.add(columns, mono, self._rates[0])
        return self._resample(mono, False)

    def finish(self) -> np.ndarray:
        """Give the rest, float32 ``(samples,)``; nothing can be added afterwards."""
        return self._resample(np.zeros(0, np.float32), True)
