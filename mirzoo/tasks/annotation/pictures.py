"""What pictures of annotations share: axes with a clock, and spectra of the recording."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np

from mirzoo.dsp.chroma import chroma_filterbank
from mirzoo.errors import AnnotationError, AudioError
from mirzoo.tasks.annotation.files import format_of, write_whole

FORMATS = (".png", ".pdf", ".svg")
SAMPLE_RATE = 11025
N_FFT = 4096
MOST_COLUMNS = 1500
SHORTEST_HOP = 512
BINS_PER_OCTAVE = 36


def axes(ax: Any, what: str, *, height: float) -> tuple[Any, bool]:
    """The axes given, or those of a new figure; and whether they are new."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise AnnotationError(
            f"{what} needs matplotlib, which is not installed: pip install mirzoo[plot]"
        ) from error
    if ax is not None:
        return ax, False
    _, ax = plt.subplots(figsize=(9, height), layout="constrained")
    return ax, True


def show_clock(ax: Any) -> None:
    """Label the horizontal axis with minutes and seconds."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(steps=[1, 1.5, 3, 6, 10], integer=True, min_n_ticks=1))
    ax.xaxis.set_major_formatter(lambda seconds, _: clock(seconds))
    ax.set_xlabel("time (min:s)")


def clock(seconds: float) -> str:
    """Minutes and seconds: ``3:07``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def finished(ax: Any, own_figure: bool, path: str | os.PathLike | None) -> Any:
    """Save the figure where a path is given, and close it where nobody else has it."""
    if path is not None:
        import matplotlib.pyplot as plt

        try:
            save(ax.figure, path, dpi=150)
        finally:
            if own_figure:
                plt.close(ax.figure)
    return ax


def save(figure: Any, path: str | os.PathLike, *, dpi: int) -> None:
    """Write a figure of matplotlib in one of `FORMATS`, whole or not at all."""
    content = io.BytesIO()
    figure.savefig(content, format=format_of(path, FORMATS, "a picture"), dpi=dpi)
    write_whole(path, content.getvalue())


def read_recording(source: str | None, sample_rate: int) -> np.ndarray | None:
    """The waveform of an annotation's source; None where it can't be read any more."""
    if source is None:
        return None
    from mirzoo import audio

    try:
        return audio.read(source, sample_rate)
    except AudioError:
        return None


def chromagram(waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitch classes over time: edges of frames (s), and energies ``(12, frames)`` up to 1."""
    edges, spectra = _spectra(waveform)
    chroma = spectra**2 @ chroma_filterbank(sample_rate=SAMPLE_RATE, n_fft=N_FFT)
    chroma = np.sqrt(chroma / np.maximum(chroma.max(axis=1, keepdims=True), 1e-9))
    return edges, chroma.T


def log_spectrogram(
    waveform: np.ndarray, fmin: float, fmax: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra over time on a logarithmic axis of frequency.

    Returns
    -------
    edges, frequencies, decibels : np.ndarray
        Edges of frames (s) and of bins (Hz), and levels ``(bins, frames)`` below the loudest (dB).
    """
    edges, spectra = _spectra(waveform)
    fmax = min(fmax, SAMPLE_RATE / 2)
    n_bins = max(1, int(BINS_PER_OCTAVE * np.log2(fmax / fmin)))
    frequencies = fmin * 2.0 ** (np.arange(n_bins + 1) / BINS_PER_OCTAVE)
    centres = np.sqrt(frequencies[1:] * frequencies[:-1]) * N_FFT / SAMPLE_RATE
    below = np.floor(centres).astype(int)
    above = np.minimum(below + 1, spectra.shape[1] - 1)
    levels = spectra[:, below] + (centres - below) * (spectra[:, above] - spectra[:, below])
    decibels = 20 * np.log10(np.maximum(levels, 1e-5 * max(levels.max(), 1e-9)))
    return edges, frequencies, (decibels - decibels.max()).T


def _spectra(waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hop = max(SHORTEST_HOP, len(waveform) // MOST_COLUMNS)
    padded = np.pad(waveform, (N_FFT // 2, N_FFT // 2 + hop))
    starts = np.arange(0, len(waveform), hop)
    window = np.hanning(N_FFT).astype(np.float32)
    spectra = np.stack([np.abs(np.fft.rfft(window * padded[s : s + N_FFT])) for s in starts])
    edges = np.append(starts, len(waveform)) / SAMPLE_RATE
    return edges, spectra.astype(np.float32)
