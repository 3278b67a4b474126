"""Times of singing, as files of lyrics and karaoke state them.

Two formats: JamendoLyrics' tables of lines (``start_time,end_time,lyrics_line``, s) and UltraStar's
songs (a beat grid; a note is ``: start length pitch syllable``, counted in quarters of a beat).
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mirzoo.errors import DataError

NOTE_KINDS = (":", "*", "F", "R", "G")
ULTRASTAR_DELAY_S = 0.1
MIDDLE_C = 60


class SungNote(NamedTuple):
    """A sung note: its start and end (s) and its MIDI pitch."""

    start_s: float
    end_s: float
    pitch: int


def read_lyric_lines(path: Path | str) -> np.ndarray:
    """Read a JamendoLyrics table of lines: sung stretches ``(lines, 2)``, start and end (s)."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"start_time", "end_time"} <= set(rows[0]):
        raise DataError(f"'{path}' is no table of lyric lines with start_time and end_time")
    return np.array([[float(row["start_time"]), float(row["end_time"])] for row in rows])


def read_ultrastar(path: Path | str) -> np.ndarray:
    """Read an UltraStar song: sung stretches ``(notes, 2)``, start and end (s)."""
    return np.array([(note.start_s, note.end_s) for note in read_ultrastar_notes(path)])


def read_ultrastar_notes(path: Path | str) -> list[SungNote]:
    """Read the notes of an UltraStar song, in the order of the file.

    A note starts at ``gap + 60 / bpm * start / 4``; the whole is `ULTRASTAR_DELAY_S` late against
    the audio, as karaoke files are. Pitches count from C4; often they are an octave off.

    Raises
    ------
    DataError
        If the file has no notes or no tempo.
    """
    header = ultrastar_header(path)
    found = [line[1:].split()[:3] for line in _lines(path) if line.startswith(NOTE_KINDS)]
    if not found or "BPM" not in header:
        raise DataError(f"'{path}' is no UltraStar song: it has no notes or no #BPM")
    quarter_s = 60 / float(header["BPM"].replace(",", ".")) / 4
    first_s = float(header.get("GAP", "0").replace(",", ".")) / 1000 + ULTRASTAR_DELAY_S
    return [
        SungNote(
            int(start) * quarter_s + first_s,
            (int(start) + int(length)) * quarter_s + first_s,
            MIDDLE_C + int(pitch),
        )
        for start, length, pitch in found
    ]


def ultrastar_header(path: Path | str) -> dict[str, str]:
    """Read the header of an UltraStar song: ``#KEY:value`` lines, keys in capitals."""
    fields = (line[1:].partition(":") for line in _lines(path) if line.startswith("#"))
    return {key.strip().upper(): value.strip() for key, _, value in fields}


def _lines(path: Path | str) -> list[str]:
    return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()


def sung_share(stretches: np.ndarray, starts_s: np.ndarray, window_s: float) -> np.ndarray:
    """The share of each window that is sung, in 0 … 1.

    Parameters
    ----------
    stretches : np.ndarray, shape (stretches, 2)
        Sung stretches: start and end (s); they may overlap.
    starts_s : np.ndarray, shape (windows,)
        Where the windows start (s).
    window_s : float
        Their length (s).

    Examples
    --------
    >>> sung_share(np.array([[1.0, 2.0], [1.5, 3.0]]), np.array([0.0, 2.0]), 2.0).tolist()
    [0.5, 0.5]
    """
    joined: list[list[float]] = []
    for start, end in sorted(stretches.tolist()):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    bounds = np.array(joined)
    first = np.maximum(bounds[None, :, 0], starts_s[:, None])
    last = np.minimum(bounds[None, :, 1], starts_s[:, None] + window_s)
    return np.maximum(last - first, 0.0).sum(axis=1) / window_s
