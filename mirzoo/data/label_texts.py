"""Label files that lie next to recordings: chords, melodies, and tags over time.

What a file holds is seen from its content:

- ``start end label``: chords where the labels are in Harte's syntax, else tags over time
  (``.lab`` files, label tracks of Audacity, tables);
- ``time label``: the same, each until the next begins, the last until the recording ends
  (instants of Sonic Visualiser, Chordino);
- ``time frequency`` or ``time frequency confidence``: a melody (pYIN, CREPE, tables of data sets).
  Frequencies of 0 or less are unvoiced, and those with a confidence below `LIKELY`. Where all are
  above 0, gaps between the times are unvoiced: Sonic Visualiser leaves such frames out;
- ``time value duration level label``: the notes of Sonic Visualiser (Hz), as a melody;
- ``.jams`` and the ``.json`` that mirzoo writes.

Columns are separated by tabs, ``,``, ``;`` or spaces; a first line may name them.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo.data.labels import F0_RATE, ChordSpan, Labels, TagSpan, resample_f0
from mirzoo.dsp.chord_vocabulary import parse_chord
from mirzoo.errors import AudioError, DataError

LIKELY = 0.5
"""Confidence from which on a frame is voiced."""

FAR = 100
"""Steps from one time to the next beyond which a second column is no time."""

GAP = 2.5
"""Steps between two times that are a gap."""

TIMES = {"time", "time_s", "times", "timestamp", "t", "time_(s)", "seconds"}
STARTS = {"start", "start_s", "start_time", "onset", "begin"}
ENDS = {"end", "end_s", "end_time", "offset", "stop"}
LABELS = {"label", "chord", "value", "tag", "class", "name", "event_label"}
HERTZ = {"f0", "f0_hz", "frequency", "freq", "hz", "pitch", "pitch_hz", "f0_(hz)", "value"}
CONFIDENCES = {
    "confidence",
    "voicing",
    "voiced_prob",
    "periodicity",
    "probability",
    "voiced",
    "voiced_flag",
}
TRUTHS = {"true": "1", "false": "0"}
OWN_MELODY = ["time_s", "f0_hz", "confidence"]


FURTHEST, LONGEST_S = 4.0, 24 * 3600.0
"""Times the recording's duration, or seconds, beyond which a melody is not made into frames."""


class WrongTimesError(DataError):
    """Labels that last far longer than their recording.

    Parameters
    ----------
    last_s : float
        When the last of them ends, if times are what they are said to be (s).
    """

    def __init__(self, last_s: float) -> None:
        super().__init__(f"its labels last until {last_s:g} s, far beyond the recording's end")
        self.last_s = last_s


@dataclass(frozen=True)
class LabelText:
    """What a label file holds.

    Parameters
    ----------
    kind : {"tags", "chords", "f0"}
    labels : Labels
    """

    kind: str
    labels: Labels


def read_label_file(
    path: Path, *, duration_s: Callable[[], float], kind: str | None = None, scale: float = 1.0
) -> LabelText:
    """Read a label file; see the module's description.

    Parameters
    ----------
    path : Path
    duration_s : callable
        Gives the recording's duration (s), where that must be known.
    kind : {"tags", "chords", "f0"}, optional
        What is wanted, where a file may be several things.
    scale : float
        Seconds in a unit of the file's times.

    Raises
    ------
    DataError
        If it holds none of the layouts, or times and frequencies that can't be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("it is no text in UTF-8; save it in that encoding") from None
    if path.suffix.lower() in (".json", ".jams"):
        return _of_json(json.loads(text), duration_s, kind)
    names, rows = _rows(text)
    if not rows and names and names[0] not in TIMES | STARTS:
        raise DataError(f"its only row begins with '{names[0]}', where a number is wanted")
    if not rows:
        raise DataError("it is empty")
    spans = _spans(names, rows, duration_s, kind, scale)
    if spans is not None:
        return _of_spans(spans, kind)
    return LabelText("f0", Labels(f0=_melody(names, rows, duration_s, scale)))


def _rows(text: str) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, where there are some, and the cells."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return [], []
    between = next((mark for mark in "\t,;" if mark in lines[0]), None)
    if between is None:
        rows = [line.split(None, 2) for line in lines]
    else:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=between)]
    if _number(rows[0][0]) is not None:
        return [], rows
    return [cell.casefold().replace(" ", "_") for cell in rows[0]], rows[1:]


def _number(text: str) -> float | None:
    try:
        value = float(TRUTHS.get(text.casefold(), text))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _column(names: Sequence[str], known: set[str]) -> int | None:
    return next((number for number, name in enumerate(names) if name in known), None)


def _times(rows: Sequence[Sequence[str]], column: int, scale: float) -> np.ndarray:
    times = []
    for number, row in enumerate(rows, 1):
        value = _number(row[column]) if column < len(row) else None
        if value is None:
            cell = row[column] if column < len(row) else ""
            raise DataError(f"row {number} has '{cell}' where a number is wanted")
        times.append(value)
    return np.array(times) * scale


Span = tuple[float, float, str]


def _spans(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    duration_s: Callable[[], float],
    kind: str | None,
    scale: float,
) -> list[Span] | None:
    """Start, end and label of each row; None where the rows are a melody."""
    if kind == "f0":
        return None
    start, end, label = 0, 1, 2
    if names:
        time = _column(names, STARTS | TIMES)
        ends, words = _column(names, ENDS), _column(names, LABELS)
        if time is None or words is None or (ends is None and _column(names, HERTZ - LABELS)):
            return None
        if ends is None:
            return _until_next(rows, time, words, duration_s, scale)
        start, end, label = time, ends, words
    else:
        if any(len(row) < 2 for row in rows):
            raise DataError(
                "a row has one column; a melody needs time and frequency, labels need their times"
            )
        words = sum(_number(row[1]) is None for row in rows)
        if words * 2 > len(rows):
            return _until_next(rows, 0, 1, duration_s, scale)
        if len(rows[0]) < 3:
            return None
        numbers = all(len(row) > 2 and _number(row[2]) is not None for row in rows)
        if kind is None and (numbers or not _are_intervals(rows)):
            return None
    starts, ends_s = _times(rows, start, scale), _times(rows, end, scale)
    texts = [row[label] if label < len(row) else "" for row in rows]
    return list(zip(starts.tolist(), ends_s.tolist(), texts, strict=True))


def _are_intervals(rows: Sequence[Sequence[str]]) -> bool:
    """Whether second columns are ends, not frequencies: those are far beyond the next times."""
    starts, ends = (_times(rows, column, 1.0) for column in (0, 1))
    if len(rows) < 2:
        return True
    return bool(np.median(ends - starts) < FAR * np.median(np.abs(np.diff(starts))))


def _until_next(
    rows: Sequence[Sequence[str]],
    time: int,
    label: int,
    duration_s: Callable[[], float],
    scale: float,
) -> list[Span]:
    starts = _times(rows, time, scale).tolist()
    texts = [row[label] if label < len(row) else "" for row in rows]
    ends = [*starts[1:], max(duration_s(), starts[-1] + 1e-3)]
    return list(zip(starts, ends, texts, strict=True))


def _of_spans(spans: Sequence[Span], kind: str | None) -> LabelText:
    for start, end, label in spans:
        if not 0 <= start < end:
            raise DataError(
                f"'{label}' lasts from {start:g} to {end:g}; times are at least 0, and each end "
                "is after its start"
            )
        if not label:
            raise DataError(f"the label from {start:g} to {end:g} is empty")
    if kind is None:
        kind = "chords" if _are_chords([label for _, _, label in spans]) else "tags"
    if kind == "chords":
        ordered = sorted(spans)
        return LabelText("chords", Labels(chords=tuple(ChordSpan(*span) for span in ordered)))
    return LabelText("tags", Labels(tag_spans=tuple(TagSpan(*span) for span in sorted(spans))))


def _are_chords(labels: Sequence[str]) -> bool:
    """Whether most of the different labels are in Harte's syntax."""
    different, known = set(labels), 0
    for label in different:
        try:
            parse_chord(label)
        except DataError:
            continue
        known += 1
    return known * 2 > len(different)


def _melody(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    duration_s: Callable[[], float],
    scale: float,
) -> np.ndarray:
    time: int | None
    hertz: int | None
    time, hertz, confidence = 0, 1, 2
    if names:
        time, hertz = _column(names, TIMES | STARTS), _column(names, HERTZ)
        if time is None or hertz is None:
            raise DataError(
                f"its columns are {', '.join(names)}; a melody needs time and frequency, labels "
                "need start, end and label"
            )
        confidence = _column(names, CONFIDENCES) or len(names)
    elif len(rows[0]) >= 4:
        return _of_notes(rows, duration_s, scale)
    times, frequencies = _times(rows, time, scale), _times(rows, hertz, 1.0)
    if list(names) != OWN_MELODY and all(
        confidence < len(row) and _number(row[confidence]) is not None for row in rows
    ):
        likely = _times(rows, confidence, 1.0)
        if likely.min() >= 0 and likely.max() <= 1:
            frequencies = np.where(likely >= LIKELY, frequencies, 0.0)
    if np.any(np.diff(times) < 0):
        raise DataError("its times go back; they must ascend")
    if times[0] < 0:
        raise DataError(f"its first time is {times[0]:g}; times are at least 0")
    _check_end(times[-1], duration_s)
    return resample_f0(*_with_gaps(times, frequencies))


def _check_end(last_s: float, duration_s: Callable[[], float]) -> None:
    """Raise where a melody lasts so much longer than the recording that it needs no frames."""
    try:
        most_s = FURTHEST * duration_s() + 1
    except AudioError:  # told of the recording itself
        most_s = LONGEST_S
    if last_s > most_s:
        raise WrongTimesError(last_s)


def _with_gaps(times: np.ndarray, hertz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put unvoiced times into the gaps of a melody that has no others."""
    if len(times) < 2 or np.any(hertz <= 0):
        return times, hertz
    step = float(np.median(np.diff(times)))
    after = np.flatnonzero(np.diff(times) > GAP * step)
    missing = [
        np.arange(times[number] + step, times[number + 1] - step / 2, step) for number in after
    ]
    if times[0] > GAP * step:
        missing.append(np.arange(0.0, times[0] - step / 2, step))
    if not missing:
        return times, hertz
    filled = np.concatenate(missing)
    order = np.argsort(np.concatenate([times, filled]), kind="stable")
    values = np.concatenate([hertz, np.zeros(len(filled))])
    return np.concatenate([times, filled])[order], values[order]


def _of_notes(
    rows: Sequence[Sequence[str]], duration_s: Callable[[], float], scale: float
) -> np.ndarray:
    starts, hertz, lasts = (_times(rows, column, unit) for column, unit in
                            ((0, scale), (1, 1.0), (2, scale)))  # fmt: skip
    if min(starts.min(), lasts.min()) < 0:
        raise DataError("a note begins before 0, or ends before it begins")
    _check_end(float(np.max(starts + lasts)), duration_s)
    f0 = np.zeros(int(np.max(starts + lasts) * F0_RATE) + 1, np.float32)
    for start, value, last in zip(starts, hertz, lasts, strict=True):
        f0[round(start * F0_RATE) : round((start + last) * F0_RATE)] = max(value, 0.0)
    return f0


def _of_json(document: Any, duration_s: Callable[[], float], kind: str | None) -> LabelText:
    try:
        if "annotations" in document:
            return _of_jams(document, duration_s, kind)
        if "segments" in document:
            spans = [(s["start_s"], s["end_s"], s["label"]) for s in document["segments"]]
            return _of_spans(spans, kind if kind in ("chords", "tags") else "chords")
        times, hertz = (np.asarray(document[name], float) for name in ("times", "f0"))
    except (KeyError, TypeError, IndexError) as error:
        raise DataError(f"it holds neither chords, a melody nor tags ({error!r})") from error
    return _of_frames(times, hertz, duration_s)


def _of_frames(times: np.ndarray, hertz: np.ndarray, duration_s: Callable[[], float]) -> LabelText:
    if times.ndim != 1 or times.shape != hertz.shape or not len(times):
        raise DataError(f"it has {times.size} times and {hertz.size} frequencies")
    if not np.isfinite(times).all() or not np.isfinite(hertz).all():
        raise DataError("its times and frequencies must be finite numbers")
    if np.any(np.diff(times) < 0) or times[0] < 0:
        raise DataError("its times go back, or begin before 0; they must ascend")
    _check_end(float(times[-1]), duration_s)
    return LabelText("f0", Labels(f0=resample_f0(times, hertz)))


JAMS = {"chord": "chords", "chord_harte": "chords", "pitch_contour": "f0", "tag_open": "tags",
        "segment_open": "tags"}  # fmt: skip


def _of_jams(document: Any, duration_s: Callable[[], float], kind: str | None) -> LabelText:
    there = [annotation["namespace"] for annotation in document["annotations"]]
    for annotation in document["annotations"]:
        found = JAMS.get(annotation["namespace"])
        if found is None or kind not in (None, found):
            continue
        data = annotation["data"]
        if isinstance(data, dict):  # of dense namespaces, each field is a list
            data = [dict(zip(data, row)) for row in zip(*data.values())]
        if found == "f0":
            times = np.array([row["time"] for row in data], float)
            values = [row["value"] for row in data]
            hertz = [v["frequency"] if v["voiced"] else -v["frequency"] for v in values]
            return _of_frames(times, np.array(hertz, float), duration_s)
        spans = [(row["time"], row["time"] + row["duration"], row["value"]) for row in data]
        return _of_spans(spans, found)
    raise DataError(f"it has the annotations {', '.join(there) or 'none'}, of which none fits")
