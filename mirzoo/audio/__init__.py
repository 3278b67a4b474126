"""Decode audio of any kind to a model's waveform: float32, mono, at the model's rate.

A source is a path, a readable binary file object or an array. libsndfile decodes wav, flac, ogg,
opus, mp3 and their like; what it cannot (m4a, wma, the sound of a video) goes to the ``ffmpeg``
program where there is one. Channels are averaged with equal weights and soxr resamples ("HQ").
Everything runs in blocks, so `stream` needs the same memory for two hours as for ten seconds,
and `read` gives exactly the samples that `stream` cuts into windows.

Samples beyond [-1, 1] (loud mp3, float files) stay as they are: nothing is clipped or normalised.
"""

from __future__ import annotations

import contextlib
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soxr

from mirzoo._support.switches import require_switches
from mirzoo.audio._checks import Levels
from mirzoo.audio._decoders import HIGHEST_RATE, Damage, Source, describe, open_source
from mirzoo.audio.windows import cut_blocks
from mirzoo.errors import AudioError

__all__ = ["SUFFIXES", "Channel", "Reader", "Source", "blocks", "demo_clip", "files_in",
           "is_array", "read", "stream"]  # fmt: skip

Channel = Literal["mean", "mid", "left", "right"]
CHANNELS: dict[str, slice] = {
    "mean": slice(None),
    "mid": slice(0, 2),
    "left": slice(0, 1),
    "right": slice(1, 2),
}
"""Which channels the mean is taken of; a recording with one channel has that one alone."""

LARGEST_RATIO = 512
"""By how much a rate may be raised."""
SUFFIXES = (
    *(".aac", ".aif", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mp3"),
    *(".mp4", ".oga", ".ogg", ".opus", ".wav", ".wma", ".wv"),
)
"""Of files that are taken for audio where a folder is given."""


def demo_clip() -> Path:
    """The music clip that comes with mirzoo: 12 s of a made-up band."""
    return Path(__file__).parents[1] / "cli" / "demo" / "clip.ogg"


def files_in(folder: Path, on_error: Callable[[OSError], object] | None = None) -> list[Path]:
    """All audio files under ``folder`` that are not hidden, in the order of their paths.

    ``on_error`` is called with the error of each folder that cannot be read.
    """
    return sorted(
        Path(parent, name)
        for parent, _, names in os.walk(folder, onerror=on_error)
        for name in names
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    )


def read(
    source: Source,
    sample_rate: int,
    *,
    source_rate: int | None = None,
    channel: Channel = "mean",
    allow_damaged: bool = False,
) -> np.ndarray:
    """Read a whole source as a mono waveform at ``sample_rate``.

    Parameters
    ----------
    source : path, binary file object, array or generator of arrays
        An array is float ``(samples,)`` or ``(samples, channels)`` in [-1, 1], or int8, int16,
        int32 or uint8, which are scaled by their full range; a generator gives blocks of that kind.
    sample_rate : int
        Rate of the result (Hz).
    source_rate : int, optional
        Rate of an array (Hz); left out, the array is taken to be at ``sample_rate`` already. A
        generator's must be given. Files state their own rate, so it is refused with them.
    channel : {"mean", "mid", "left", "right"}
        What is taken of several channels: the mean of all, the mean of the first two, or one.
    allow_damaged : bool
        Whether what can be decoded of a damaged file is used, with a warning; by default it is an
        error.

    Returns
    -------
    numpy.ndarray
        float32 ``(samples,)``.

    Raises
    ------
    AudioError
        When the source is missing, a folder, empty, not audio, cut short, damaged, without
        samples, holds NaN or infinity, or is an array of a shape or type that is not a waveform.
        What was decoded is what the file holds: its stated length, its frames and the checksums
        of its pages are compared with what came out.

    Warns
    -----
    UserWarning
        With ``allow_damaged``, of what could not be used.

    Examples
    --------
    >>> read(np.zeros((44100, 2), "int16"), 16000, source_rate=44100).shape
    (16000,)
    """
    options: dict[str, Any] = {"channel": channel, "allow_damaged": allow_damaged}
    return np.concatenate(list(blocks(source, sample_rate, source_rate=source_rate, **options)))


def stream(
    source: Source,
    sample_rate: int,
    window_samples: int,
    hop_samples: int,
    pad_left: int = 0,
    *,
    source_rate: int | None = None,
) -> Iterator[tuple[float, np.ndarray]]:
    """Cut a source into windows, in bounded memory.

    Window ``k`` starts at sample ``k * hop_samples - pad_left`` of the resampled source; samples
    before the source's first are zeros. Windows follow until one covers the source's last
    sample; that one is filled up with zeros.

    Parameters
    ----------
    source, sample_rate, source_rate
        As in `read`.
    window_samples, hop_samples : int
        Length of a window and step from one to the next (samples at ``sample_rate``).
    pad_left : int
        Zeros put before the source (samples).

    Yields
    ------
    start_s : float
        Time of the window's first sample in the source (s); negative inside the padding.
    window : numpy.ndarray
        float32 ``(window_samples,)``.

    Examples
    --------
    >>> [start for start, _ in stream(np.zeros(40), 10, window_samples=20, hop_samples=10)]
    [0.0, 1.0, 2.0]
    """
    for name, value in (("window_samples", window_samples), ("hop_samples", hop_samples)):
        if value < 1:
            raise AudioError(f"{name} is {value}; it must be at least 1 sample")
    decoded = blocks(source, sample_rate, source_rate=source_rate)
    for window in cut_blocks(decoded, window_samples, hop_samples, pad_left):
        yield window.start / sample_rate, window.waveform.copy()


def blocks(
    source: Source,
    sample_rate: int,
    *,
    source_rate: int | None = None,
    channel: Channel = "mean",
    allow_damaged: bool = False,
) -> Iterator[np.ndarray]:
    """Read a source piece by piece, in bounded memory.

    Parameters
    ----------
    source, sample_rate, source_rate, channel, allow_damaged
        As in `read`.

    Yields
    ------
    numpy.ndarray
        float32 ``(samples,)``, mono at ``sample_rate``: joined, what `read` gives. How long a
        piece is depends on the source.

    Examples
    --------
    >>> sum(len(block) for block in blocks(np.zeros(100000), 16000))
    100000
    """
    reader = Reader(
        source, sample_rate, source_rate=source_rate, channel=channel, allow_damaged=allow_damaged
    )
    yield from reader
    for damage in reader.damage:
        warnings.warn(f"{reader.name}: {damage}", stacklevel=2)


class Reader:
    """A source on its way to a mono waveform, and what is odd about it.

    Iterated over once, it gives what `blocks` gives.

    Parameters
    ----------
    source, sample_rate, source_rate, channel, allow_damaged
        As in `read`.
    observe : callable, optional
        Called with each decoded block, float32 ``(samples, channels)``, with what is made of it,
        ``(samples,)``, and their rate (Hz), before they are resampled.

    Attributes
    ----------
    name : str
        The source, for messages.
    damage : list of str
        What of a damaged file could not be used, once all is read.

    Examples
    --------
    >>> reader = Reader(np.zeros((48000, 2)), 16000, source_rate=48000)
    >>> sum(map(len, reader)), reader.warnings
    (16000, ['it is silent (digital silence): what is found in it means nothing'])
    """

    def __init__(
        self,
        source: Source,
        sample_rate: int,
        *,
        source_rate: int | None = None,
        channel: Channel = "mean",
        allow_damaged: bool = False,
        observe: Callable[[np.ndarray, np.ndarray, int], object] | None = None,
    ) -> None:
        require_switches(AudioError, allow_damaged=allow_damaged)
        require_rate("sample_rate", sample_rate)
        if source_rate is not None:
            require_rate("source_rate", source_rate)
        if channel not in CHANNELS:
            raise AudioError(
                f"channel is {channel!r}; allowed are {', '.join(map(repr, CHANNELS))}"
            )
        self._source = _as_array(source)
        self._sample_rate = sample_rate
        self._source_rate = source_rate
        self._channel = channel
        self._observe = observe
        self._levels = Levels(describe(self._source), is_float=True)
        self.name = describe(self._source)
        self.damage: list[str] = []
        self._damage = Damage(self.name, allowed=allow_damaged, warn=self.damage.append)

    @property
    def warnings(self) -> list[str]:
        """What is odd about what was read so far, a sentence each: damage first, then levels."""
        return [*self.damage, *self._levels.warnings(self._channel)]

    def __iter__(self) -> Iterator[np.ndarray]:
        for blocks in self.at_rates([self._sample_rate]):
            yield from blocks.values()

    def at_rates(self, sample_rates: Iterable[int]) -> Iterator[dict[int, np.ndarray]]:
        """Read the source once, for several rates.

        Parameters
        ----------
        sample_rates : iterable of int
            Hz.

        Yields
        ------
        dict of int to numpy.ndarray
            For each rate the next samples, float32 ``(samples,)``, where there are some: joined,
            what a reader of that rate gives.
        """
        decoded = rate = 0
        given = dict.fromkeys(sample_rates, 0)
        with contextlib.ExitStack() as stack:
            for part in open_source(
                self._source, self._sample_rate, self._source_rate, self._damage, stack
            ):
                rate = part.rate
                resamplers = {wanted: resampler(self.name, rate, wanted) for wanted in given}
                for block in part.blocks:
                    mono = self._mono(block, rate)
                    decoded += len(mono)
                    yield _counted(given, {r: f(mono, False) for r, f in resamplers.items()})
                rest = np.zeros(0, np.float32)
                yield _counted(given, {r: f(rest, True) for r, f in resamplers.items()})
        if decoded == 0:
            raise AudioError(f"{self.name} holds no samples: there is nothing to process in it")
        if not any(given.values()):
            raise AudioError(
                f"{self.name} holds {decoded} samples at {rate} Hz, less than one at "
                f"{max(given)} Hz"
            )

    def _mono(self, block: np.ndarray, rate: int) -> np.ndarray:
        mono = _downmix(block[:, CHANNELS[self._channel]] if block.shape[1] > 1 else block)
        self._levels.add(block, mono, rate)
        if self._observe is not None:
            self._observe(block, mono, rate)
        return mono


def require_rate(argument: str, rate: object) -> None:
    """Raise an AudioError where an argument is no sample rate (Hz)."""
    is_number = isinstance(rate, Real) and not isinstance(rate, bool)
    if not (is_number and 1 <= rate < math.inf):  # type: ignore[operator]
        raise AudioError(f"{argument} is {rate!r}; it must be a positive number of Hz")
    if rate > HIGHEST_RATE:  # type: ignore[operator]
        raise AudioError(f"{argument} is {rate:,} Hz; allowed are at most {HIGHEST_RATE:,} Hz")


def resampler(name: str, rate: float, wanted: float) -> Callable[[np.ndarray, bool], np.ndarray]:
    """What makes samples at the wanted rate of the next ones, and at the last of the rest."""
    if wanted > LARGEST_RATIO * rate:
        raise AudioError(
            f"{name} is at {rate} Hz, and {wanted} Hz are wanted: at most "
            f"{LARGEST_RATIO} times its rate can be had"
        )
    if rate == wanted:
        return lambda mono, is_last: mono
    return soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ").resample_chunk


def is_array(source: Source) -> bool:
    """Whether a source is an array, or a tensor of TensorFlow, PyTorch or JAX."""
    return hasattr(source, "__array__")


def _as_array(source: Any) -> Any:
    """Tensors of TensorFlow, PyTorch or JAX as NumPy arrays; everything else as it is."""
    if is_array(source) and not isinstance(source, np.ndarray):
        return np.asarray(source)
    return source


def _counted(given: dict[int, int], blocks: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Count the samples of each rate; rates without any are left out."""
    for rate, block in blocks.items():
        given[rate] += len(block)
    return {rate: block for rate, block in blocks.items() if len(block)}


def _downmix(block: np.ndarray) -> np.ndarray:
    """The mean of the columns; adding them is many times faster than ``mean(axis=1)``."""
    count = block.shape[1]
    if count == 1:
        return np.ascontiguousarray(block[:, 0])
    mono = block[:, 0] + block[:, 1]
    for column in range(2, count):
        mono += block[:, column]
    mono /= np.float32(count)
    return mono
