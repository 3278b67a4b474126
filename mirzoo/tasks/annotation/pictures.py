"""What pictures of annotations share: axes with a clock, and spectra of the recording."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

from mirzoo.audio.windows import cut_blocks
from mirzoo.dsp.chroma import chroma_filterbank
from mirzoo.errors import AnnotationError, AudioError
from mirzoo.tasks.annotation.files import format_of, unfinished

FORMATS = (".png", ".pdf", ".svg")
SAMPLE_RATE = 11025
N_FFT = 4096
MOST_COLUMNS = 1500
MOST_SPANS = 3000
"""How many things one after the other a picture shows: it is about so many pixels wide."""
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
    form = format_of(path, FORMATS, "a picture")
    with unfinished(path) as new:
        figure.savefig(new, format=form, dpi=dpi)


class Spectra(NamedTuple):
    """Spectra of a recording: edges of frames (s), and magnitudes ``(frames, bins)``."""

    edges: np.ndarray
    magnitudes: np.ndarray


def recording_spectra(source: str | None, duration_s: float) -> Spectra | None:
    """Spectra of an annotation's source; None where it can't be read any more.

    The recording is read in blocks. However long it is, there are about `MOST_COLUMNS` spectra.
    """
    if source is None:
        return None
    from mirzoo import audio

    hop = max(SHORTEST_HOP, round(duration_s * SAMPLE_RATE) // MOST_COLUMNS)
    window = np.hanning(N_FFT).astype(np.float32)
    magnitudes, end = [], 0
    try:
        for cut in cut_blocks(
            audio.blocks(source, SAMPLE_RATE), N_FFT, hop, N_FFT // 2, context=N_FFT // 2
        ):
            end = cut.end
            if cut.start + N_FFT // 2 < end:
                spectrum = np.abs(np.fft.rfft(window * cut.waveform))
                magnitudes.append(spectrum.astype(np.float32))
    except AudioError:
        return None
    starts = np.arange(len(magnitudes)) * hop
    return Spectra(np.append(starts, end) / SAMPLE_RATE, np.stack(magnitudes))


def chromagram(spectra: Spectra) -> np.ndarray:
    """Pitch classes over time: energies ``(12, frames)`` up to 1."""
    energies = spectra.magnitudes**2 @ chroma_filterbank(sample_rate=SAMPLE_RATE, n_fft=N_FFT)
    return np.sqrt(energies / np.maximum(energies.max(axis=1, keepdims=True), 1e-9)).T


def onset_strength(spectra: Spectra) -> np.ndarray:
    """How much louder each frame is than the one before, over all bins: ``(frames,)`` up to 1.

    The mean of what levels (dB, 80 dB below the loudest at least) rise by.
    """
    magnitudes = spectra.magnitudes
    levels = 20 * np.log10(np.maximum(magnitudes, 1e-4 * max(magnitudes.max(), 1e-9)))
    rises = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0.0).mean(axis=1)
    return rises / max(float(rises.max()), 1e-9)


def log_spectrogram(spectra: Spectra, fmin: float, fmax: float) -> tuple[np.ndarray, np.ndarray]:
    """Spectra over time on a logarithmic axis of frequency.

    Returns
    -------
    frequencies, decibels : np.ndarray
        Edges of bins (Hz), and levels ``(bins, frames)`` below the loudest (dB).
    """
    magnitudes = spectra.magnitudes
    fmax = min(fmax, SAMPLE_RATE / 2)
    n_bins = max(1, int(BINS_PER_OCTAVE * np.log2(fmax / fmin)))
    frequencies = fmin * 2.0 ** (np.arange(n_bins + 1) / BINS_PER_OCTAVE)
    centres = np.sqrt(frequencies[1:] * frequencies[:-1]) * N_FFT / SAMPLE_RATE
    below = np.floor(centres).astype(int)
    above = np.minimum(below + 1, magnitudes.shape[1] - 1)
    levels = magnitudes[:, below]
    levels = levels + (centres - below) * (magnitudes[:, above] - levels)
    decibels = 20 * np.log10(np.maximum(levels, 1e-5 * max(levels.max(), 1e-9)))
    return frequencies, (decibels - decibels.max()).T


def visible(starts: np.ndarray, duration_s: float) -> np.ndarray:
    """Numbers of the spans, one after the other, that a picture has room for.

    All of at most `MOST_SPANS`; else those that sound in the middle of each of so many columns.
    """
    if len(starts) <= MOST_SPANS:
        return np.arange(len(starts))
    middles = (np.arange(MOST_SPANS) + 0.5) * duration_s / MOST_SPANS
    return np.unique(np.maximum(np.searchsorted(starts, middles, side="right") - 1, 0))


def thinned(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A line that looks the same in a picture: of many points, the least and largest of a column.

    NaN are gaps; a column of gaps alone stays one.
    """
    each = len(times) // MOST_SPANS
    if each < 2:
        return times, values
    firsts = np.arange(0, len(times), each)
    extremes = [np.fmin.reduceat(values, firsts), np.fmax.reduceat(values, firsts)]
    return np.repeat(times[firsts], 2), np.stack(extremes, axis=1).reshape(-1)
