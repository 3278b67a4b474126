"""Listen to sound as it comes: from a microphone or raw samples to results for people and programs.

Blocks come from a source (`raw_blocks`, `Microphone`), go through a `mirzoo.annotate.live.Stream`,
and what is new goes to sinks (`mirzoo.engines.live_sinks`). What a microphone gives while nobody
takes it is lost: such blocks are counted as dropped, and silence takes their place, so that times
stay right. Blocks whose results are there later than the block after them are counted as late.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

import numpy as np

from mirzoo._support.words import counted
from mirzoo.annotate.live import Stream
from mirzoo.errors import AudioError, TooShortError
from mirzoo.tasks.annotation import Annotation

SAMPLE_FORMATS = {
    "s8": "i1", "u8": "u1", "s16le": "<i2", "s16be": ">i2", "s32le": "<i4", "s32be": ">i4",
    "f32le": "<f4", "f32be": ">f4",
}  # fmt: skip
"""The types of raw samples, by the names that ffmpeg and sox have for them."""

ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

LONGEST_WAIT_S = 12
"""A microphone that gives nothing for so long is gone; the longest block has 10 s."""

MOST_WAITING = 64
"""Blocks of a microphone that wait at most; what comes then is dropped."""


class Sink(Protocol):
    """Where results go."""

    def give(self, piece: Annotation) -> None:
        """Take what is new."""

    def close(self) -> None:
        """Take nothing more."""


@dataclass
class Counts:
    """How the listening went.

    Parameters
    ----------
    blocks, dropped, late : int
        Blocks that came, of which some were lost before they could be taken, and blocks whose
        results were there later than the next block.
    busy_s : float
        Processor time for all blocks (s).
    length_s : float
        Length of all blocks (s).
    """

    blocks: int = 0
    dropped: int = 0
    late: int = 0
    busy_s: float = 0.0
    length_s: float = 0.0

    @property
    def share(self) -> float:
        """Processor time for a second of sound, as a share of one core."""
        return self.busy_s / self.length_s if self.length_s else 0.0

    def __str__(self) -> str:
        return (
            f"{self.length_s:.1f} s in {self.blocks} blocks, {self.dropped} dropped, {self.late} "
            f"late, {self.share:.1%} of a core"
        )


class Source(Protocol):
    """Where blocks come from."""

    dropped: int

    def __iter__(self) -> Iterator[np.ndarray]:
        """Give blocks, ``(samples, channels)``, as they come."""


def listen(
    stream: Stream,
    source: Source,
    sinks: Sequence[Sink],
    *,
    report: Callable[[Counts], object] | None = None,
) -> Counts:
    """Annotate blocks as they come, and give what is new to sinks, until the source ends.

    A KeyboardInterrupt (Ctrl-C) ends it as the end of the source does: what is left of the stream
    is given to the sinks. So do SIGTERM and SIGHUP (the terminal was closed), where this runs in
    the main thread: there a block that is being annotated is annotated to its end. A source that
    fails ends it in the same way, before its error is raised.

    Parameters
    ----------
    stream : Stream
    source : Source
    sinks : sequence of Sink
        They are closed at the end.
    report : callable, optional
        Called behind every block.

    Returns
    -------
    Counts

    Raises
    ------
    AudioError
        If the source fails, or a block does not fit the stream.
    """
    counts = Counts()
    ending = _Ending()

    def give(piece: Annotation | None) -> None:
        if piece is not None:
            for sink in sinks:
                sink.give(piece)

    with contextlib.ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        stack.enter_context(ending)
        failed: AudioError | None = None
        try:
            for block in ending.guarded(source):
                came, began = time.monotonic(), time.process_time()
                length_s = len(block) / stream.source_rate
                give(stream.push(block))
                counts.blocks += 1
                counts.length_s += length_s
                counts.busy_s += time.process_time() - began
                counts.late += time.monotonic() - came > length_s
                counts.dropped = source.dropped
                if report is not None:
                    report(counts)
        except KeyboardInterrupt:
            pass
        except AudioError as error:
            failed = error
        with contextlib.suppress(TooShortError):  # nothing came that could be annotated
            give(stream.flush())
        if failed is not None:
            raise failed
    return counts


class _Ending:
    """Has signals end the wait for a block, but not what is done with one.

    In the main thread, signals that end a process set a mark while a block is worked on, and are a
    KeyboardInterrupt while one is waited for. Signals that are ignored stay so.
    """

    def __init__(self) -> None:
        self._is_asked = self._is_waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in ENDING_SIGNALS:
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def guarded(self, source: Source) -> Iterator[np.ndarray]:
        """Give the blocks of a source until a signal comes."""
        blocks = iter(source)
        try:
            while True:
                self._is_waiting = True
                if self._is_asked:
                    return
                block = next(blocks, None)
                self._is_waiting = False
                if block is None:
                    return
                yield block
        finally:
            self._is_waiting = False

    def _ask(self, number: int, frame: object) -> None:
        is_second, self._is_asked = self._is_asked, True
        if self._is_waiting or is_second:
            raise KeyboardInterrupt


class RawBlocks:
    """Blocks of raw samples (PCM) from a file object, such as the standard input.

    Parameters
    ----------
    file : binary file object
    channels : int
    sample_format : str
        One of `SAMPLE_FORMATS`.
    block_samples : int
        Samples of a block in each channel; the last may be shorter.

    Raises
    ------
    AudioError
        If the format is not known, the samples cannot be read, or they end within one of them.

    Examples
    --------
    >>> import io
    >>> pcm = io.BytesIO(np.arange(6, dtype="<i2").tobytes())
    >>> [block.tolist() for block in RawBlocks(pcm, 2, "s16le", 2)]
    [[[0, 1], [2, 3]], [[4, 5]]]
    """

    dropped = 0

    def __init__(
        self, file: BinaryIO, channels: int, sample_format: str, block_samples: int
    ) -> None:
        if sample_format not in SAMPLE_FORMATS:
            raise AudioError(
                f"the sample format is {sample_format!r}; allowed are {', '.join(SAMPLE_FORMATS)}"
            )
        self._file, self._channels = file, channels
        self._type = np.dtype(SAMPLE_FORMATS[sample_format])
        self._block_samples = block_samples

    def __iter__(self) -> Iterator[np.ndarray]:
        """Give the blocks as they come."""
        frame = self._channels * self._type.itemsize
        while True:
            try:
                content = self._file.read(self._block_samples * frame)
            except OSError as error:
                raise AudioError(f"the raw samples cannot be read ({error.strerror})") from error
            left = len(content) % frame
            whole = content[: len(content) - left]
            if whole:
                block = np.frombuffer(whole, self._type).reshape(-1, self._channels)
                # Types of another byte order have another name.
                yield block.astype(self._type.newbyteorder("="))
            if left:
                raise AudioError(
                    "the raw samples end within one: a sample of "
                    f"{counted(self._channels, 'channel')} has "
                    f"{frame} bytes, and {left} are left; are format and channels right?"
                )
            if not content:
                return


class Microphone:
    """Blocks of a sound card's input; needs the extra ``live`` (sounddevice).

    Parameters
    ----------
    source_rate : int, optional
        Hz; by default the device's own.
    channels : int
    block_s : float
        Length of a block (s).
    device : str or int, optional
        A part of its name, or its number; by default the system's.

    Attributes
    ----------
    source_rate : int
        Hz.
    dropped : int
        Blocks that were lost, because they were not taken in time.

    Raises
    ------
    AudioError
        If sounddevice is not installed, or there is no such device; while it is iterated, if the
        device gives nothing any more.
    """

    def __init__(
        self,
        source_rate: int | None,
        channels: int,
        block_s: float,
        device: str | int | None = None,
    ) -> None:
        try:
            import sounddevice
        except (ImportError, OSError) as error:  # OSError: without the library PortAudio
            raise AudioError(
                f"a microphone needs sounddevice and PortAudio ({error}): pip install "
                '"mirzoo[live]"; on Debian, apt install libportaudio2'
            ) from error
        self.dropped = 0
        self._blocks: queue.Queue[np.ndarray | None] = queue.Queue(MOST_WAITING)
        self._lost = 0
        try:
            known = sounddevice.query_devices(device, "input")
            self.source_rate = int(source_rate or known["default_samplerate"])
            self._input = sounddevice.InputStream(
                samplerate=self.source_rate,
                blocksize=max(1, round(block_s * self.source_rate)),
                device=device,
                channels=channels,
                dtype="float32",
                callback=self._take,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            which = "the default device" if device is None else f"the device {device!r}"
            names = [d["name"] for d in sounddevice.query_devices() if d["max_input_channels"]]
            raise AudioError(
                f"{which} cannot be opened ({error}); there are "
                f"{', '.join(map(repr, names)) or 'no inputs'}"
            ) from error

    def __enter__(self) -> Self:
        self._input.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._input.close()

    def __iter__(self) -> Iterator[np.ndarray]:
        """Give the blocks as they come, without end; silence for those that were dropped."""
        waited = 0  # in seconds that this process ran: it may be stopped, and go on later
        while waited < LONGEST_WAIT_S:
            try:
                block = self._blocks.get(timeout=1)
            except queue.Empty:
                waited += 1
                continue
            if block is None:
                return
            waited = 0
            yield block
        raise AudioError(
            f"the microphone has given nothing for {waited} s: was it unplugged, or has the sound "
            "server ended?"
        )

    def stop(self) -> None:
        """End the iteration."""
        self._blocks.put(None)

    def _take(self, block: np.ndarray, frames: int, moment: Any, status: Any) -> None:
        """Called by the sound card's own thread."""
        self._lost += bool(status.input_overflow)
        self.dropped += bool(status.input_overflow)
        try:
            while self._lost:
                self._blocks.put_nowait(np.zeros_like(block))
                self._lost -= 1
            self._blocks.put_nowait(block.copy())
        except queue.Full:
            self._lost += 1
            self.dropped += 1


def standard_input() -> BinaryIO:
    """The standard input's bytes.

    Raises
    ------
    AudioError
        If it is closed, or a terminal, which gives no samples.
    """
    if sys.stdin is None:
        raise AudioError("the standard input is closed; pipe raw samples into it")
    if sys.stdin.isatty():
        raise AudioError(
            "the standard input is a terminal; pipe raw samples into it: ffmpeg -i song.mp3 -f "
            "s16le -ar 44100 -ac 2 - | mirzoo listen MODEL --stdin --rate 44100 --channels 2"
        )
    return sys.stdin.buffer
