"""From a source to blocks of samples: arrays, libsndfile, and the program ffmpeg."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import stat
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import soundfile

from mirzoo._support.files import printable
from mirzoo._support.words import counted
from mirzoo.audio._containers import Link, Spliced, Stated, inspect
from mirzoo.errors import AudioError

Source = str | os.PathLike | BinaryIO | np.ndarray | Iterator[np.ndarray]

BLOCK_FRAMES = 1 << 16
DAMAGED_BLOCK_FRAMES = 1 << 10
MAX_ARRAY_CHANNELS = 32
INTEGER_FULL_SCALE = {"int8": 2**7, "int16": 2**15, "int32": 2**31}
FAST_TYPES = {"PCM_16": "int16", "PCM_32": "int32"}
"""Of sound files whose samples are integers, the type that libsndfile reads as they lie there. To
floats it converts one by one, which takes many times as long; the floats are the same."""
LOWEST_RATE, HIGHEST_RATE = 1_000, 1_000_000
"""Sample rates that a file may state (Hz)."""

PIPE_WAIT_S = 30.0
"""How long a named pipe may give nothing before it is given up."""

FFMPEG_FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,m4a,matroska,mov,mp3,mp4,mpc,mpc8,"
    "mpeg,mpegts,ogg,rm,tak,tta,voc,w64,wav,webm,wv,xwma"
)
"""What ffmpeg may take a file for: containers that state what they are, and no playlists."""

FFMPEG_SLACK_S = 0.1
"""By how much ffmpeg may fall short of the length that a container states: a frame of the codec
and its priming."""

_PICTURES = {"bmp", "gif", "h264", "hevc", "mjpeg", "png", "vp8", "vp9", "webp", "av1"}


class Decoded(NamedTuple):
    """A stretch of a source with one rate: its blocks ``(frames, channels)``, float32."""

    rate: int
    blocks: Iterator[np.ndarray]


class Damage:
    """What is wrong with a source: an error, or where the user goes on with it a warning."""

    def __init__(self, name: str, *, allowed: bool, warn: Callable[[str], None]) -> None:
        self.name = name
        self.allowed = allowed
        self._warn = warn

    def report(self, fault: str) -> None:
        """Raise an AudioError, or warn where damaged files are allowed."""
        if not self.allowed:
            raise AudioError(
                f"{self.name} is cut short or damaged: {fault}. Is its download complete? What can "
                "be decoded is used with allow_damaged=True (--allow-damaged)"
            )
        self._warn(f"it is cut short or damaged, and only what could be decoded is used: {fault}")

    def doubt(self, doubt: str) -> None:
        """Warn of what may be missing."""
        self._warn(doubt)


def describe(source: Any) -> str:
    """A source as it stands in messages."""
    if isinstance(source, np.ndarray):
        return f"the array {source.dtype}{source.shape}"
    if isinstance(source, str | os.PathLike):
        return f"'{printable(source)}'"
    if not hasattr(source, "read") and isinstance(source, Iterator):
        return f"the {type(source).__name__} of blocks"
    return f"the file object {getattr(source, 'name', type(source).__name__)!r}"


def open_source(
    source: Source,
    sample_rate: int,
    source_rate: int | None,
    damage: Damage,
    stack: contextlib.ExitStack,
) -> Iterator[Decoded]:
    """Open a source: its stretches one after the other, mostly one."""
    if isinstance(source, np.ndarray):
        rate = sample_rate if source_rate is None else source_rate
        yield Decoded(rate, array_blocks(source))
        return
    if not hasattr(source, "read") and isinstance(source, Iterator):
        if source_rate is None:
            raise AudioError(f"{describe(source)} states no rate: give source_rate")
        yield Decoded(source_rate, given_blocks(source, describe(source)))
        return
    is_file = isinstance(source, str | os.PathLike) or hasattr(source, "read")
    if is_file and source_rate is not None:
        raise AudioError(
            f"source_rate={source_rate} was given for {describe(source)}, but files state their "
            "own rate; give it with arrays only"
        )
    if isinstance(source, str | os.PathLike):
        path = _existing_file(Path(source))
        if not path.is_file():
            path = _copied_pipe(path, stack)
        yield from _open_file(path, damage, stack)
    elif hasattr(source, "read"):
        yield from _open_file(_copied(cast(BinaryIO, source), stack), damage, stack)
    else:
        raise AudioError(
            f"a source of type {type(source).__name__} is not audio; allowed are a path, a binary "
            "file object, an array and a generator of blocks"
        )


def _copied(source: BinaryIO, stack: contextlib.ExitStack) -> Path:
    copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="mirzoo_"))  # noqa: SIM115
    try:
        shutil.copyfileobj(source, copy)
    except TypeError:
        raise AudioError(
            f"{describe(source)} gives text; open it in binary mode, open(path, 'rb')"
        ) from None
    copy.flush()
    if copy.tell() == 0:
        raise AudioError(f"{describe(source)} is empty; was it read to its end before?")
    return Path(copy.name)


def _copied_pipe(path: Path, stack: contextlib.ExitStack) -> Path:
    """Copy what a named pipe gives; one that nobody writes to is given up after a while."""
    if not stat.S_ISFIFO(path.stat().st_mode):
        raise AudioError(
            f"{describe(path)} is neither a file nor a pipe; is the path spelled right?"
        )
    copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="mirzoo_"))  # noqa: SIM115
    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    stack.callback(os.close, pipe)
    last = time.monotonic()
    is_begun = False
    while time.monotonic() - last < PIPE_WAIT_S:
        ready, _, _ = select.select([pipe], [], [], 0.2)
        data = os.read(pipe, 1 << 16) if ready else b""
        if data:
            copy.write(data)
            is_begun, last = True, time.monotonic()
        elif ready and is_begun:
            copy.flush()
            return Path(copy.name)
        elif ready:
            time.sleep(0.05)
    raise AudioError(
        f"{describe(path)} is a pipe that gave {'nothing' if not is_begun else 'no end'} for "
        f"{PIPE_WAIT_S:.0f} s; does a program write to it?"
    )


def _existing_file(path: Path) -> Path:
    name = describe(path)
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and found.st_size:
            path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError):
        raise AudioError(f"{name} does not exist; is the path spelled right?") from None
    except ValueError as error:  # a NUL in it
        raise AudioError(f"{name} is no name that a file can have ({error})") from None
    except OSError as error:
        raise AudioError(f"{name} cannot be read ({error.strerror})") from error
    if stat.S_ISDIR(found.st_mode):
        raise AudioError(f"{name} is a folder; give the audio files inside it")
    if stat.S_ISREG(found.st_mode) and found.st_size == 0:
        raise AudioError(f"{name} is empty (0 bytes); did its download or export fail?")
    return path


def array_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks of an array, scaled to [-1, 1] where it holds integers."""
    name = describe(array)
    if array.size == 0 and array.ndim in (1, 2):
        raise AudioError(f"{name} holds no samples: there is nothing to process in it")
    scaled(array[:0] if array.ndim else array, name)
    for start in range(0, len(array), BLOCK_FRAMES):
        yield scaled(array[start : start + BLOCK_FRAMES], name)


def scaled(array: np.ndarray, name: str) -> np.ndarray:
    """An array's samples, float32 ``(samples, channels)``, in [-1, 1] where it holds integers.

    Raises
    ------
    AudioError
        If its shape or type is not that of a waveform.
    """
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise AudioError(
            f"{name} is masked at {np.ma.count_masked(array):,} samples; every sample must be "
            "known: fill them, array.filled(0)"
        )
    allowed = ("uint8", *INTEGER_FULL_SCALE)
    if array.dtype.kind != "f" and array.dtype.name not in allowed:
        raise AudioError(
            f"{name} is not a waveform, it is of the type {array.dtype}: allowed are floats in "
            f"[-1, 1] and {', '.join(allowed)}, which are scaled by their full range"
        )
    if array.ndim not in (1, 2):
        raise AudioError(
            f"{name} has {array.ndim} axes; allowed are (samples,) or "
            "(samples, channels); give the clips of a batch one by one"
        )
    if array.ndim == 2 and array.shape[1] > MAX_ARRAY_CHANNELS:
        raise AudioError(
            f"{name} has {array.shape[1]} channels; allowed are (samples, channels) "
            f"with at most {MAX_ARRAY_CHANNELS}; is it transposed?"
        )
    columns = np.asarray(array)
    columns = columns[:, np.newaxis] if columns.ndim == 1 else columns
    if array.dtype == np.uint8:
        return (columns.astype(np.float32) - 128) / 128
    if array.dtype.kind == "i":
        return columns.astype(np.float32) / INTEGER_FULL_SCALE[array.dtype.name]
    with np.errstate(over="ignore"):
        return columns.astype(np.float32)


def given_blocks(blocks: Iterator[np.ndarray], name: str) -> Iterator[np.ndarray]:
    """The blocks that an iterator gives, joined to longer ones where they are short."""
    waiting: list[np.ndarray] = []
    length, channels = 0, None
    for block in blocks:
        columns = scaled(np.asarray(block), f"a block of {name}")
        if channels not in (None, columns.shape[1]):
            raise AudioError(
                f"{name} gave a block of {counted(columns.shape[1], 'channel')} behind blocks of "
                f"{channels}; "
                "all must have the same"
            )
        channels = columns.shape[1]
        waiting.append(columns)
        length += len(columns)
        if length >= BLOCK_FRAMES:
            yield np.concatenate(waiting)
            waiting, length = [], 0
    if length:
        yield np.concatenate(waiting)


def _open_file(path: Path, damage: Damage, stack: contextlib.ExitStack) -> Iterator[Decoded]:
    stated = inspect(path) or Stated()
    for fault in stated.faults[:1]:
        damage.report(_counted(stated.faults, fault))
    for doubt in stated.doubts:
        damage.doubt(doubt)
    for number, link in enumerate(stated.links):
        # A descriptor has no name, by whose suffix libsndfile would guess at headerless bytes.
        source = stack.enter_context(
            path.open("rb") if link.pieces is None else Spliced(path, link.pieces)
        )
        given = source.fileno() if link.pieces is None else source
        try:
            sound = stack.enter_context(soundfile.SoundFile(given, closefd=False))
        except soundfile.LibsndfileError as error:
            if number:
                damage.report(f"its part {number + 1} cannot be decoded ({error.error_string})")
                return
            yield _open_ffmpeg(path, error.error_string, damage, stack)
            return
        _check_rate(sound.samplerate, damage.name)
        yield Decoded(sound.samplerate, _soundfile_blocks(sound, link, damage))


def _counted(faults: list[str], first: str) -> str:
    more = len(faults) - 1
    return f"{first} (and {counted(more, 'further fault')})" if more else first


def _check_rate(rate: int, name: str) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(
            f"{name} states a sample rate of {rate:,} Hz; allowed are {LOWEST_RATE:,} to "
            f"{HIGHEST_RATE:,} Hz: its header is damaged, or it is no recording of music"
        )


def _soundfile_blocks(
    sound: soundfile.SoundFile, link: Link, damage: Damage
) -> Iterator[np.ndarray]:
    stated = sound.frames if link.frames is None else link.frames
    decoded, stopped = 0, ""
    # Where the decoder stops, the block that it was at is lost.
    frames = DAMAGED_BLOCK_FRAMES if damage.allowed else BLOCK_FRAMES
    dtype = FAST_TYPES.get(sound.subtype, "float32")
    scale = np.float32(1 / INTEGER_FULL_SCALE.get(dtype, 1))
    while True:
        try:
            block = sound.read(frames, dtype=dtype, always_2d=True)
        except soundfile.LibsndfileError as error:
            stopped = f"its decoder stops ({error.error_string.strip(' .')}): "
            break
        if len(block) == 0:
            break
        decoded += len(block)
        if dtype != "float32":
            block = block.astype(np.float32)
            block *= scale
        yield block
    if stopped or decoded < stated - link.slack:
        damage.report(
            f"{stopped}it states {stated / sound.samplerate:.2f} s and "
            f"{decoded / sound.samplerate:.2f} s could be decoded"
        )


def _open_ffmpeg(
    path: Path, libsndfile_error: str, damage: Damage, stack: contextlib.ExitStack
) -> Decoded:
    program = shutil.which("ffmpeg")
    if program is None:
        raise AudioError(
            f"{damage.name} cannot be decoded by libsndfile ({libsndfile_error.strip(' .')}), and "
            "the program ffmpeg, which decodes m4a, wma and video, is not installed"
        )
    log = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    process = subprocess.Popen(
        [
            *(program, "-hide_banner", "-nostats", "-nostdin", "-loglevel", "level+info"),
            *("-protocol_whitelist", "file", "-format_whitelist", FFMPEG_FORMATS),
            *("-err_detect", "crccheck", "-i", f"file:{path.absolute()}", "-map", "0:a:0"),
            *("-f", "au", "-c:a", "pcm_f32be", "-"),
        ],
        stdout=subprocess.PIPE,
        stderr=log,
    )
    stack.callback(_end, process)
    assert process.stdout is not None
    header = process.stdout.read(24)
    if len(header) < 24:
        process.wait()
        raise AudioError(
            f"{damage.name} is not audio that libsndfile or ffmpeg can decode, or is cut short "
            f"(ffmpeg: {_Log(log).last_error}); get it again, or convert it from its original"
        )
    _, data_offset, _, _, rate, channels = struct.unpack(">4s5I", header)
    process.stdout.read(data_offset - 24)
    _check_rate(rate, damage.name)
    return Decoded(rate, _ffmpeg_blocks(process, rate, channels, damage, log))


def _ffmpeg_blocks(
    process: subprocess.Popen, rate: int, channels: int, damage: Damage, log: Any
) -> Iterator[np.ndarray]:
    assert process.stdout is not None
    decoded = 0
    while data := process.stdout.read(BLOCK_FRAMES * channels * 4):
        whole = len(data) // (4 * channels) * 4 * channels
        block = np.frombuffer(data[:whole], ">f4").astype(np.float32).reshape(-1, channels)
        decoded += len(block)
        yield block
    status = process.wait()
    told = _Log(log)
    seconds = decoded / rate
    if status or told.errors:
        damage.report(f"ffmpeg reports {told.last_error!r}")
    elif told.duration_s is not None and seconds < told.duration_s - FFMPEG_SLACK_S:
        damage.report(f"it states {told.duration_s:.2f} s and {seconds:.2f} s could be decoded")


class _Log:
    """What ffmpeg wrote: its errors, and the length that the container states."""

    def __init__(self, log: Any) -> None:
        log.seek(0)
        lines = log.read().decode(errors="replace").splitlines()
        self.errors = [
            found.group("text").strip()
            for line in lines
            if (found := _ERROR.search(line))
            and found.group("part") not in _PICTURES
            and not _HARMLESS.search(line)
        ]
        text = "\n".join(lines)
        streams = re.findall(r"Stream #0:\d+.*?: (Video|Audio)(.*)", text)
        films = [rest for kind, rest in streams if kind == "Video" and "attached pic" not in rest]
        duration = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)", text)
        self.duration_s: float | None = None
        if duration and not films and "Estimating duration" not in text:
            hours, minutes, seconds = duration.groups()
            self.duration_s = 3600 * int(hours) + 60 * int(minutes) + float(seconds)

    @property
    def last_error(self) -> str:
        return self.errors[-1] if self.errors else "nothing"


_ERROR = re.compile(
    r"^(?:\[(?P<part>[^\]@]+?) @ 0x[0-9a-f]+\] )?\[(?:error|fatal|panic)\] (?P<text>.*)"
)
_HARMLESS = re.compile("non monotonically increasing dts|Conversion failed")


def _end(process: subprocess.Popen) -> None:
    if process.stdout is not None:
        process.stdout.close()
    process.kill()
    process.wait()
