"""Excerpts of recordings that a page holds, to listen to."""

from __future__ import annotations

import base64
import io

import numpy as np
import soundfile

from mirzoo import audio
from mirzoo.errors import MirzooError

LONGEST_S = 5.0
SAMPLE_RATE = 16000
MOST_BYTES = 4_000_000
"""Of all excerpts of a page together, as text."""

FADE_S = 0.01


def excerpt(source: audio.Source, start_s: float, source_rate: int | None = None) -> str | None:
    """Encode some seconds of a recording as a ``data:`` URI; None where it cannot be read.

    At most `LONGEST_S` at `SAMPLE_RATE`, as MP3 where libsndfile writes it, else as FLAC. It is no
    louder than full scale, whatever the recording is.

    Parameters
    ----------
    source : path or array
    start_s : float
        Where it begins (s); of a recording that ends soon after it begins earlier.
    source_rate : int, optional
        Of an array (Hz).
    """
    try:
        samples = _samples(source, max(0.0, start_s), source_rate)
    except (MirzooError, OSError):
        return None
    if not len(samples) or not np.isfinite(samples).all():
        return None
    samples = samples / max(1.0, float(np.abs(samples).max()))
    fade = min(round(FADE_S * SAMPLE_RATE), len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    samples[:fade] *= ramp
    samples[len(samples) - fade :] *= ramp[::-1]
    kind, mime = ("MP3", "mpeg") if "MP3" in soundfile.available_formats() else ("FLAC", "flac")
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE, format=kind)
    return f"data:audio/{mime};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _samples(source: audio.Source, start_s: float, source_rate: int | None) -> np.ndarray:
    """The samples from ``start_s`` on, decoding no more than what lies before their end."""
    length, start = round(LONGEST_S * SAMPLE_RATE), round(start_s * SAMPLE_RATE)
    held = np.zeros(0, np.float32)
    passed = 0
    for block in audio.blocks(source, SAMPLE_RATE, source_rate=source_rate):
        held = np.concatenate([held, block])
        passed += len(block)
        if passed >= start + length:
            break
        held = held[-length:]
    first = max(0, start - (passed - len(held)))
    first = max(0, min(first, len(held) - length))
    return np.array(held[first : first + length], np.float32)
