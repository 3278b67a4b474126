"""Decode audio of any kind to the waveform a model hears: float32, mono, at the model's rate.

A source is a path, a readable binary file object or an array. libsndfile decodes wav, flac, ogg,
opus, mp3 and their like; what it cannot (m4a, wma, the sound of a video) goes to the ``ffmpeg``
program where there is one. Channels are averaged with equal weights and soxr resamples ("HQ").
Everything runs in blocks, so `stream` needs the same memory for two hours as for ten seconds,
and `read` gives exactly the samples that `stream` cuts into windows.

Samples beyond [-1, 1] (loud mp3, float files) stay as they are: nothing is clipped or normalised.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
import soundfile
import soxr

from mirzoo.errors import AudioError

Source = str | os.PathLike | BinaryIO | np.ndarray

BLOCK_FRAMES = 1 << 16
MAX_ARRAY_CHANNELS = 32
INTEGER_FULL_SCALE = {"int8": 2**7, "int16": 2**15, "int32": 2**31}
UNKNOWN_LENGTH_BYTES = 0x7FFFF000
SUFFIXES = (
    *(".aac", ".aif", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mp3"),
    *(".mp4", ".oga", ".ogg", ".opus", ".wav", ".wma", ".wv"),
)
"""Of files that are taken for audio where a folder is given."""


def demo_clip() -> Path:
    """The music clip that comes with mirzoo: 12 s of a made-up band."""
    return Path(__file__).parent / "cli" / "demo" / "clip.ogg"


def files_in(folder: Path) -> list[Path]:
    """All audio files under ``folder`` that are not hidden, in the order of their paths."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def read(source: Source, sample_rate: int, *, source_rate: int | None = None) -> np.ndarray:
    """Read a whole source as a mono waveform at ``sample_rate``.

    Parameters
    ----------
    source : path, binary file object or array
        An array is float ``(samples,)`` or ``(samples, channels)`` in [-1, 1], or int8, int16,
        int32 or uint8, which are scaled by their full range.
    sample_rate : int
        Rate of the result (Hz).
    source_rate : int, optional
        Rate of an array (Hz); left out, the array is taken to be at ``sample_rate`` already.
        Files state their own rate, so it is refused with them.

    Returns
    -------
    numpy.ndarray
        float32 ``(samples,)``.

    Raises
    ------
    AudioError
        When the source is missing, a folder, empty, not audio, cut short, without samples, holds
        NaN or infinity, or is an array of a shape or type that is not a waveform. What states
        its length (wav, aiff, flac, m4a, most mp3) is checked against it; of what does not (ogg,
        mp3 without a Xing header) all that is there is read.

    Examples
    --------
    >>> read(np.zeros((44100, 2), "int16"), 16000, source_rate=44100).shape
    (16000,)
    """
    return np.concatenate(list(blocks(source, sample_rate, source_rate=source_rate)))


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
    buffer = np.zeros(pad_left, np.float32)
    start = -pad_left
    skip = 0
    for block in blocks(source, sample_rate, source_rate=source_rate):
        buffer = np.concatenate([buffer, block[skip:]]) if skip < len(block) else buffer
        skip = max(0, skip - len(block))
        while len(buffer) > window_samples:
            yield start / sample_rate, buffer[:window_samples].copy()
            skip += max(0, hop_samples - len(buffer))
            buffer = buffer[hop_samples:]
            start += hop_samples
    if len(buffer):
        last = np.zeros(window_samples, np.float32)
        last[: len(buffer)] = buffer
        yield start / sample_rate, last


def blocks(
    source: Source, sample_rate: int, *, source_rate: int | None = None
) -> Iterator[np.ndarray]:
    """Read a source piece by piece, in bounded memory.

    Parameters
    ----------
    source, sample_rate, source_rate
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
    for argument, given in (("sample_rate", sample_rate), ("source_rate", source_rate)):
        if given is not None and not given >= 1:
            raise AudioError(f"{argument} is {given}; it must be a positive number of Hz")
    name = _describe(source)
    with contextlib.ExitStack() as stack:
        rate, decoded = _open(source, sample_rate, source_rate, stack)
        resampler = None
        if rate != sample_rate:
            resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
        n_decoded = n_given = 0
        for block in decoded:
            mono = _downmix(block)
            _check_finite(mono, name, n_decoded / rate)
            n_decoded += len(mono)
            if resampler is not None:
                mono = resampler.resample_chunk(mono)
            n_given += len(mono)
            if len(mono):
                yield mono
        if n_decoded == 0:
            raise AudioError(f"{name} holds no samples: there is nothing to hear in it")
        if resampler is not None:
            rest = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
            n_given += len(rest)
            yield rest
        if n_given == 0:
            raise AudioError(
                f"{name} holds {n_decoded} samples at {rate} Hz, less than one at {sample_rate} Hz"
            )


def _describe(source: Any) -> str:
    if isinstance(source, np.ndarray):
        return f"the array {source.dtype}{source.shape}"
    if isinstance(source, str | os.PathLike):
        return f"'{os.fspath(source)}'"
    return f"the file object {getattr(source, 'name', type(source).__name__)!r}"


def _downmix(block: np.ndarray) -> np.ndarray:
    if block.shape[1] == 1:
        return np.ascontiguousarray(block[:, 0])
    return block.mean(axis=1, dtype=np.float32)


def _check_finite(mono: np.ndarray, name: str, start_s: float) -> None:
    if not np.isfinite(mono).all():
        raise AudioError(
            f"{name} holds NaN or infinite samples (first seen after {start_s:.1f} s); "
            "every sample must be a finite number"
        )


def _open(
    source: Source, sample_rate: int, source_rate: int | None, stack: contextlib.ExitStack
) -> tuple[int, Iterator[np.ndarray]]:
    """The rate of a source and its blocks ``(frames, channels)``, float32."""
    if isinstance(source, np.ndarray):
        return sample_rate if source_rate is None else source_rate, _array_blocks(source)
    if source_rate is not None:
        raise AudioError(
            f"source_rate={source_rate} was given for {_describe(source)}, but files state their "
            "own rate; give it with arrays only"
        )
    if isinstance(source, str | os.PathLike):
        path = _existing_file(Path(source))
        return _open_file(path, path, stack)
    if hasattr(source, "read"):
        copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="mirzoo_"))  # noqa: SIM115
        try:
            shutil.copyfileobj(source, copy)
        except TypeError:
            raise AudioError(
                f"{_describe(source)} gives text; open it in binary mode, open(path, 'rb')"
            ) from None
        copy.flush()
        if copy.tell() == 0:
            raise AudioError(f"{_describe(source)} is empty; was it read to its end before?")
        return _open_file(Path(copy.name), source, stack)
    raise AudioError(
        f"a source of type {type(source).__name__} is not audio; allowed are a path, a binary "
        "file object and a NumPy array"
    )


def _existing_file(path: Path) -> Path:
    if path.is_dir():
        raise AudioError(f"'{path}' is a folder; give the audio files inside it")
    if not path.exists():
        raise AudioError(f"'{path}' does not exist; is the path spelled right?")
    if path.is_file() and path.stat().st_size == 0:
        raise AudioError(f"'{path}' is empty (0 bytes); did its download or export fail?")
    return path


def _array_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    name = _describe(array)
    if array.ndim not in (1, 2):
        raise AudioError(
            f"{name} has {array.ndim} axes; allowed are (samples,) or "
            "(samples, channels); give the clips of a batch one by one"
        )
    if array.size == 0:
        raise AudioError(f"{name} holds no samples: there is nothing to hear in it")
    if array.ndim == 2 and array.shape[1] > MAX_ARRAY_CHANNELS:
        raise AudioError(
            f"{name} has {array.shape[1]} channels; allowed are (samples, channels) "
            f"with at most {MAX_ARRAY_CHANNELS}; is it transposed?"
        )
    allowed = ("uint8", *INTEGER_FULL_SCALE)
    if array.dtype.kind != "f" and array.dtype.name not in allowed:
        raise AudioError(
            f"{name} is not a waveform: allowed are floats in [-1, 1] and "
            f"{', '.join(allowed)}, which are scaled by their full range"
        )
    columns = array.reshape(len(array), -1)
    for start in range(0, len(columns), BLOCK_FRAMES):
        block = columns[start : start + BLOCK_FRAMES]
        if array.dtype == np.uint8:
            yield (block.astype(np.float32) - 128) / 128
        elif array.dtype.kind == "i":
            yield block.astype(np.float32) / INTEGER_FULL_SCALE[array.dtype.name]
        else:
            with np.errstate(over="ignore"):
                yield block.astype(np.float32)


def _open_file(
    path: Path, source: Source, stack: contextlib.ExitStack
) -> tuple[int, Iterator[np.ndarray]]:
    try:
        sound = stack.enter_context(soundfile.SoundFile(path))
    except soundfile.LibsndfileError as error:
        return _open_ffmpeg(path, _describe(source), error.error_string, stack)
    return sound.samplerate, _soundfile_blocks(sound, path, _describe(source))


def _soundfile_blocks(sound: soundfile.SoundFile, path: Path, name: str) -> Iterator[np.ndarray]:
    promised = _promised_frames(sound, path)
    decoded = 0
    while True:
        try:
            block = sound.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            raise _cut_short(name, promised, decoded, sound.samplerate) from None
        if len(block) == 0:
            break
        decoded += len(block)
        yield block
    if decoded < 0.99 * promised:
        raise _cut_short(name, promised, decoded, sound.samplerate)


def _promised_frames(sound: soundfile.SoundFile, path: Path) -> int:
    """The length that the file states (frames), of which a cut one holds less; 0 if none."""
    if sound.format == "MP3" and not _has_xing_header(path):
        return 0
    chunk = re.search(r"^\s*(?:data|SSND) : (\d+) \(should be (\d+)\)", sound.extra_info, re.M)
    if chunk is None:
        return sound.frames
    stated, present = (int(group) for group in chunk.groups())
    if stated >= UNKNOWN_LENGTH_BYTES or present <= 0:
        return sound.frames
    return round(sound.frames * stated / present)


def _has_xing_header(path: Path) -> bool:
    """Whether an mp3 states its length; without that, libsndfile guesses from its size."""
    with path.open("rb") as file:
        start = file.read(10)
        if start[:3] == b"ID3":
            tag_bytes = 0
            for byte in start[6:]:
                tag_bytes = tag_bytes << 7 | byte
            file.seek(10 + tag_bytes)
        else:
            file.seek(0)
        head = file.read(256)
    return b"Xing" in head or b"Info" in head


def _cut_short(name: str, promised: int, decoded: int, rate: int) -> AudioError:
    return AudioError(
        f"{name} is cut short or damaged: it states {promised / rate:.2f} s and "
        f"{decoded / rate:.2f} s could be decoded; is its download complete?"
    )


def _open_ffmpeg(
    path: Path, name: str, libsndfile_says: str, stack: contextlib.ExitStack
) -> tuple[int, Iterator[np.ndarray]]:
    program = shutil.which("ffmpeg")
    if program is None:
        raise AudioError(
            f"{name} cannot be decoded by libsndfile ({libsndfile_says.strip(' .')}), and the "
            "program ffmpeg, which decodes m4a, wma and video, is not installed"
        )
    log = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    process = subprocess.Popen(
        [
            program,
            "-v",
            "error",
            "-nostdin",
            "-protocol_whitelist",
            "file",
            "-i",
            f"file:{path.absolute()}",
            "-map",
            "0:a:0",
            "-f",
            "au",
            "-c:a",
            "pcm_f32be",
            "-",
        ],
        stdout=subprocess.PIPE,
        stderr=log,
    )
    output = process.stdout
    assert output is not None
    stack.callback(_end, process, output)
    header = output.read(24)
    if len(header) < 24:
        process.wait()
        raise AudioError(
            f"{name} is not audio that libsndfile or ffmpeg can decode, or is cut short "
            f"(ffmpeg says: {_last_line(log)})"
        )
    _, data_offset, _, _, rate, channels = struct.unpack(">4s5I", header)
    output.read(data_offset - 24)
    return rate, _ffmpeg_blocks(process, output, channels, name, log)


def _ffmpeg_blocks(
    process: subprocess.Popen[bytes], output: IO[bytes], channels: int, name: str, log: IO[bytes]
) -> Iterator[np.ndarray]:
    while data := output.read(BLOCK_FRAMES * channels * 4):
        whole = len(data) // (4 * channels) * 4 * channels
        yield np.frombuffer(data[:whole], ">f4").astype(np.float32).reshape(-1, channels)
    status = process.wait()
    if status or _reports_loss(log):
        raise AudioError(f"{name} is cut short or damaged (ffmpeg says: {_last_line(log)})")


def _reports_loss(log: IO[bytes]) -> bool:
    log.seek(0)
    return b"partial file" in log.read()


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "nothing"


def _end(process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    output.close()
    process.kill()
    process.wait()
