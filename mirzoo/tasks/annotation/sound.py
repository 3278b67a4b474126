"""Annotations made audible, so that they can be checked by ear."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from mirzoo.errors import AnnotationError
from mirzoo.tasks.annotation.files import format_of, unfinished

if TYPE_CHECKING:
    from mirzoo import audio

FORMATS = (".wav", ".flac", ".ogg")
BLOCK_SAMPLES = 65536
ATTACK_S = 0.01
RELEASE_S = 0.04
DECAY_S = 1.5
HARMONICS = (1.0, 0.5, 0.25, 0.12)
PEAK = 0.9


class Tone(NamedTuple):
    """A note to be played: start and end (s), MIDI pitch and loudness (0 to 1)."""

    start_s: float
    end_s: float
    pitch: float
    loudness: float = 1.0


def hz(pitch: np.ndarray | float) -> np.ndarray | float:
    """Frequency of a MIDI pitch (Hz)."""
    return 440.0 * 2.0 ** ((np.asarray(pitch) - 69.0) / 12.0)


def play(tones: Iterable[Tone], sample_rate: int, n_samples: int) -> Iterator[np.ndarray]:
    """Play tones with a few harmonics that die away.

    Parameters
    ----------
    tones : iterable of Tone
        In the order of their starts.
    sample_rate : int
        Hz.
    n_samples : int

    Yields
    ------
    np.ndarray
        float32 ``(samples,)``, of all together ``n_samples``.
    """
    coming = iter(tones)
    tone = next(coming, None)
    sounding: list[Tone] = []
    for start in range(0, n_samples, BLOCK_SAMPLES):
        stop = min(start + BLOCK_SAMPLES, n_samples)
        while tone is not None and round(tone.start_s * sample_rate) < stop:
            sounding.append(tone)
            tone = next(coming, None)
        block = np.zeros(stop - start, np.float32)
        for each in sounding:
            _add(each, block, start, sample_rate)
        sounding = [each for each in sounding if _end(each, sample_rate) > stop]
        yield block


def _add(tone: Tone, block: np.ndarray, start: int, sample_rate: int) -> None:
    """Add what sounds of a tone in the samples from ``start`` on."""
    onset = max(0, round(tone.start_s * sample_rate))
    first = max(onset, start)
    last = min(start + len(block), _end(tone, sample_rate))
    if last <= first:
        return
    time = np.arange(first - onset, last - onset) / sample_rate
    frequency = float(hz(tone.pitch))
    envelope = np.minimum(1.0, time / ATTACK_S) * np.exp(-time / DECAY_S)
    envelope *= np.clip((tone.end_s - tone.start_s + RELEASE_S - time) / RELEASE_S, 0.0, 1.0)
    block[first - start : last - start] += (
        tone.loudness * envelope * _harmonics(2 * np.pi * frequency * time, frequency, sample_rate)
    )


def _end(tone: Tone, sample_rate: int) -> int:
    return round((tone.end_s + RELEASE_S) * sample_rate)


def sing(
    times: np.ndarray, f0: np.ndarray, sample_rate: int, n_samples: int
) -> Iterator[np.ndarray]:
    """Play a contour, silent where ``f0 <= 0``.

    Between frames the pitch glides in semitones; into and out of silence only the loudness
    fades.

    Yields
    ------
    np.ndarray
        float32 ``(samples,)``, of all together ``n_samples``.
    """
    voiced = f0 > 0
    glided, pitches = times[voiced], np.log2(f0[voiced])
    highest, turns = 2.0 ** pitches.max(initial=0.0), 0.0
    for start in range(0, n_samples, BLOCK_SAMPLES):
        moments = np.arange(start, min(start + BLOCK_SAMPLES, n_samples)) / sample_rate
        if not len(glided):
            yield np.zeros(len(moments), np.float32)
            continue
        hertz = 2.0 ** np.interp(moments, glided, pitches)
        loudness = np.interp(moments, times, voiced.astype(float), left=0.0, right=0.0)
        hertz[0] += turns
        cycles = np.cumsum(hertz)
        turns = cycles[-1]
        sung = loudness * _harmonics(2 * np.pi * cycles / sample_rate, highest, sample_rate)
        yield sung.astype(np.float32)


def mixed(
    played: Iterable[np.ndarray],
    sample_rate: int,
    original: audio.Source | None,
    storage: BinaryIO,
) -> Iterator[np.ndarray]:
    """Put a sound over the recording, both equally loud, the peak at 0.9.

    Parameters
    ----------
    played : iterable of np.ndarray
        The sound, float32 ``(samples,)`` each.
    sample_rate : int
        Hz.
    original : path, file object or array, optional
        The recording; as much of it is taken as the sound has samples.
    storage : binary file
        Keeps both until their loudness is known: 8 bytes a sample.

    Yields
    ------
    np.ndarray
        float32 ``(samples,)``.
    """
    recording = _Recording(original, sample_rate)
    sounds, lengths = [_Level(), _Level()], []
    for block in played:
        for start in range(0, len(block), BLOCK_SAMPLES):
            piece = block[start : start + BLOCK_SAMPLES]
            over = recording.take(len(piece))
            for level, samples in zip(sounds, (piece, over), strict=True):
                level.add(samples)
                storage.write(samples.tobytes())
            lengths.append((len(piece), len(over)))

    def together() -> Iterator[np.ndarray]:
        storage.seek(0)
        for pair in lengths:
            piece, over = (
                level.equal(np.frombuffer(storage.read(4 * length), np.float32))
                for level, length in zip(sounds, pair, strict=True)
            )
            piece[: len(over)] += over
            yield piece

    peak = max((np.abs(block).max(initial=0.0) for block in together()), default=0.0)
    for block in together():
        yield (block * (PEAK / peak) if peak > 0 else block).astype(np.float32)


class _Recording:
    """The recording as a mono waveform, piece by piece; nothing where there is none."""

    def __init__(self, original: audio.Source | None, sample_rate: int) -> None:
        from mirzoo import audio

        self._blocks = iter(()) if original is None else audio.blocks(original, sample_rate)
        self._rest = np.zeros(0, np.float32)

    def take(self, count: int) -> np.ndarray:
        pieces, missing = [self._rest], count - len(self._rest)
        while missing > 0 and (block := next(self._blocks, None)) is not None:
            pieces.append(block)
            missing -= len(block)
        samples = np.concatenate(pieces)
        self._rest = samples[count:]
        return samples[:count]


class _Level:
    """How loud a sound is (the root of its mean square), found block by block."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, samples: np.ndarray) -> None:
        self._sum += float(np.square(samples, dtype=np.float64).sum())
        self._count += len(samples)

    def equal(self, samples: np.ndarray) -> np.ndarray:
        """The samples at the level 1; silence as it is."""
        level = np.sqrt(self._sum / self._count) if self._count else 0.0
        return samples / np.float32(level) if level > 0 else samples.copy()


def write(path: str | os.PathLike, blocks: Iterable[np.ndarray], sample_rate: int) -> None:
    """Write a sound file in one of `FORMATS`, whole or not at all.

    Raises
    ------
    AnnotationError
        If it cannot be written.
    """
    import soundfile

    form = format_of(path, FORMATS, "sound")
    with unfinished(path) as new:
        new.touch()
        count = 0
        try:
            with soundfile.SoundFile(str(new), "w", sample_rate, channels=1, format=form) as file:
                for block in blocks:
                    # libvorbis keeps what it is given at once on the stack.
                    for start in range(0, len(block), BLOCK_SAMPLES):
                        file.write(block[start : start + BLOCK_SAMPLES])
                    count += len(block)
            written = soundfile.info(str(new)).frames
        except soundfile.LibsndfileError as error:
            raise AnnotationError(f"{path} cannot be written ({error}).") from error
        if written != count:
            raise AnnotationError(
                f"{path} cannot be written: {written:,} of {count:,} samples arrived. Is the disk "
                "full, or the format's limit reached (4 GB for .wav)?"
            )


def _harmonics(phase: np.ndarray, frequency: float, sample_rate: int) -> np.ndarray:
    audible: Sequence[tuple[int, float]] = [
        (number, strength)
        for number, strength in enumerate(HARMONICS, 1)
        if number * frequency < sample_rate / 2
    ]
    return sum((s * np.sin(n * phase) for n, s in audible), np.zeros_like(phase))
