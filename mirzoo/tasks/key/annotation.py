"""Keys: that of a recording, and those of its parts."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mirzoo._support.words import counted
from mirzoo.errors import AnnotationError, DataError
from mirzoo.tasks.annotation import pictures
from mirzoo.tasks.annotation.base import (
    Annotation,
    jams_annotation,
    jams_pieces,
    load_jams,
    observation,
)
from mirzoo.tasks.annotation.files import Rows, csv_lines, plain
from mirzoo.tasks.annotation.segments import joint_segments
from mirzoo.tasks.key.names import LABELS, ON_THE_WHEEL, Notation, parse_key
from mirzoo.tasks.tuning import a4_hz_of

if TYPE_CHECKING:
    from mirzoo.data.labels import Labels

OVERLAP_S = 1e-6
ROUNDING = 1e-5
SHOWN_KEYS = 12
WHOLE, PART = "whole", "part"
COLUMNS = ["of", "start_s", "end_s", "key", "confidence"]
LETTER_POINTS = 5.0
LABEL_POINTS = 7
JAMS_MODES = {"maj": "major", "min": "minor"}


@dataclass(frozen=True, eq=False, repr=False)
class Key(Annotation):
    """The key of a recording, and those of its parts.

    `plot` draws how likely each key is over time, keys of the same notes and those a fifth apart
    next to each other, and the keys of the parts as a line.

    `write` makes, by suffix:

    - ``.key``: the key of the whole in words, ``A minor``, as GiantSteps and mir_eval have it;
    - ``.csv``: a row for the whole and one for each part: ``of`` ("whole" or "part"), ``start_s``,
      ``end_s``, ``key``, ``confidence``;
    - ``.json``: what `to_dict` gives;
    - ``.jams``: two ``key_mode`` annotations, of the whole and of the parts.

    Parameters
    ----------
    key : str
        Of the whole recording, in any notation (`mirzoo.tasks.key.parse_key`); kept as a label:
        ``"A:min"``.
    segments : sequence of (float, float, str)
        Start (s), end (s) and key of each part, in the order of time, without overlaps; none where
        only the whole is known.
    confidence : sequence of float, optional
        Confidence in each part's key, in [0, 1].
    probabilities : mapping of str to float, optional
        How likely each key is for the whole recording.
    over_time : array, shape (steps, keys), optional
        How likely each of ``labels`` is in steps of ``step_s``.
    step_s : float
        Length of a step (s).
    labels : sequence of str, optional
        What the columns of ``over_time`` are; by default the 24 keys in the order of models.
    tuning_cents : float, optional
        How far the recording is above A = 440 Hz, from -50 to 50 cents; None where that is not
        known, or there is no tuning.
    source : str, optional
        The recording's file name.
    duration_s : float, optional
        Length of the recording (s); by default the end of the last part, or 0.
    model : str, optional
        The model that made it.

    Raises
    ------
    AnnotationError
        If a key is none, parts overlap, or a probability is none.

    Examples
    --------
    >>> key = Key("A minor", [(0.0, 60.0, "A:min"), (60.0, 80.0, "B:min")], tuning_cents=-31.77)
    >>> key.key, key.named("camelot"), key.mode, round(key.a4_hz)
    ('A:min', '8A', 'min', 432)
    >>> key
    Key(80.0 s: A minor (8A), A = 432.0 Hz; 0:00 A:min   1:00 B:min)
    """

    task: ClassVar[str] = "key"
    kind: ClassVar[str] = "keys"
    formats: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv", ".key")
    readable: ClassVar[tuple[str, ...]] = formats

    key: str
    segments: Sequence[tuple[float, float, str]] = ()
    confidence: Sequence[float] | None = None
    probabilities: Mapping[str, float] | None = None
    over_time: np.ndarray | None = None
    step_s: float = 1.0
    labels: Sequence[str] = LABELS
    tuning_cents: float | None = None
    source: str | None = None
    duration_s: float = None  # type: ignore[assignment]
    model: str | None = None

    def __post_init__(self) -> None:
        try:
            key = parse_key(self.key).label
            segments = tuple(
                (float(start), float(end), parse_key(label).label)
                for start, end, label in self.segments
            )
            labels = tuple(parse_key(label).label for label in self.labels)
            probabilities = self.probabilities and {
                parse_key(label).label: float(value) for label, value in self.probabilities.items()
            }
        except DataError as error:
            raise AnnotationError(f"Key: {error}") from error
        for start, end, label in segments:
            if not math.inf > end > start >= 0:
                raise AnnotationError(
                    f"Key: the part {(start, end, label)} is not (start, end, key) with "
                    "0 <= start < end in seconds."
                )
        for before, after in pairwise(segments):
            if after[0] < before[1] - OVERLAP_S:
                raise AnnotationError(
                    f"Key: the parts {before} and {after} overlap; each must end before the next "
                    "starts."
                )
        confidence = self.confidence
        if confidence is not None:
            confidence = tuple(float(value) for value in confidence)
            if len(confidence) != len(segments):
                raise AnnotationError(
                    f"Key: {counted(len(confidence), 'confidence')} for {len(segments)} parts; "
                    "one for each "
                    "is needed."
                )
        over_time = self.over_time
        if over_time is not None:
            over_time = np.asarray(over_time, np.float64)
            if over_time.ndim != 2 or over_time.shape[1] != len(labels) or not len(over_time):
                raise AnnotationError(
                    f"Key: probabilities over time have the shape {over_time.shape}; allowed is "
                    f"(steps, {len(labels)}), a column for each key. Are they transposed?"
                )
        values = [*(confidence or ()), *(probabilities or {}).values()]
        if over_time is not None:
            values += [float(over_time.min()), float(over_time.max())]
        wrong = [value for value in values if not -ROUNDING <= value <= 1 + ROUNDING]
        if wrong:
            raise AnnotationError(
                f"Key: {wrong[0]} is no probability; allowed is [0, 1]. Are these logits?"
            )
        tuning = self.tuning_cents
        if tuning is not None and not -50 <= tuning <= 50:
            raise AnnotationError(
                f"Key: tuning_cents is {tuning}; allowed is -50 to 50, as 50 cents above one "
                "semitone is 50 below the next. Is it in Hz?"
            )
        if not self.step_s > 0:
            raise AnnotationError(f"Key: step_s is {self.step_s}; allowed is a length above 0 s.")
        end_s = segments[-1][1] if segments else 0.0
        duration_s = end_s if self.duration_s is None else self.duration_s
        for name, value in (
            ("key", key), ("segments", segments), ("confidence", confidence), ("labels", labels),
            ("probabilities", probabilities), ("over_time", over_time),
            ("step_s", float(self.step_s)), ("duration_s", float(duration_s)),
            ("tuning_cents", None if tuning is None else float(tuning)),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    @property
    def mode(self) -> str:
        """``"maj"``, ``"min"`` or a church mode."""
        return parse_key(self.key).mode

    @classmethod
    def _joint(cls, pieces: list[Key]) -> dict[str, Any]:
        last = pieces[-1]  # knows the whole so far
        return {
            **joint_segments(pieces),
            "key": last.key,
            "probabilities": last.probabilities,
            "labels": last.labels,
            "tuning_cents": last.tuning_cents,
            "source": last.source,
            "duration_s": last.duration_s,
            "model": last.model,
        }

    @property
    def camelot(self) -> str:
        """The key's place on the Camelot wheel: ``"8A"``."""
        return parse_key(self.key).camelot

    @property
    def a4_hz(self) -> float | None:
        """The frequency of the A above middle C (Hz), where the tuning is known."""
        return a4_hz_of(self.tuning_cents)

    @property
    def intervals(self) -> np.ndarray:
        """Start and end of each part (s), shape ``(parts, 2)``."""
        return np.array([(start, end) for start, end, _ in self.segments]).reshape(-1, 2)

    def named(self, notation: Notation = "label") -> str:
        """Give the recording's key as a label, in words, or on the Camelot wheel.

        Parameters
        ----------
        notation : {"label", "words", "camelot"}
            ``"A:min"``, ``"A minor"`` or ``"8A"``.

        Raises
        ------
        DataError
            If there is no such notation.
        """
        return parse_key(self.key).named(notation)

    def segments_named(self, notation: Notation) -> list[tuple[float, float, str]]:
        """Give the parts with their keys in a notation, as `named` has it."""
        return [(start, end, parse_key(key).named(notation)) for start, end, key in self.segments]

    def top(self, n: int = 3) -> list[tuple[str, float]]:
        """List the ``n`` likeliest keys of the recording, as ``(key, probability)``."""
        known = (self.probabilities or {}).items()
        return sorted(known, key=itemgetter(1), reverse=True)[:n]

    def summary(self, top: int = 5) -> list[str]:
        """Give the key, the tuning, how likely others are, and the keys of the parts."""
        name = parse_key(self.key)
        tuning = "" if self.a4_hz is None else f", A = {self.a4_hz:.1f} Hz"
        lines = [f"{name.words} ({name.camelot}){tuning}"]
        if self.probabilities:
            shares = (f"{key} {value:.0%}" for key, value in self.top(top))
            lines.append(f"likeliest: {', '.join(shares)}")
        if len(self.segments) > 1:
            first = self.segments[:SHOWN_KEYS]
            parts = "   ".join(f"{pictures.clock(start)} {key}" for start, _, key in first)
            rest = len(self.segments) - len(first)
            lines.append(parts + (f"   … and {rest} more" if rest else ""))
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it."""
        return plain(self._document())

    def _document(self) -> dict[str, Any]:
        confidence, over_time, tuning = self.confidence, self.over_time, self.tuning_cents
        return {
            **self._about(),
            "key": self.key,
            "camelot": self.camelot,
            "tuning_cents": None if tuning is None else round(tuning, 2),
            "probabilities": self.probabilities
            and {key: round(value, 4) for key, value in self.probabilities.items()},
            "segments": [
                {"start_s": round(start, 6), "end_s": round(end, 6), "key": key}
                for start, end, key in self.segments
            ],
            "confidence": None if confidence is None else [round(value, 4) for value in confidence],
            "labels": list(self.labels),
            "step_s": self.step_s,
            "over_time": None
            if over_time is None
            else Rows(
                len(over_time),
                lambda: ([round(float(value), 4) for value in step] for step in over_time),
            ),
        }

    def _draw(self, ax: Any) -> None:
        order = [LABELS[place] for place in ON_THE_WHEEL]
        row_of = {key: row for row, key in enumerate(order)}
        if self.over_time is not None:
            edges = np.minimum(np.arange(len(self.over_time) + 1) * self.step_s, self.duration_s)
            likely = np.zeros((len(order), len(self.over_time)))
            for column, key in enumerate(self.labels):
                likely[parse_row(row_of, key)] += self.over_time[:, column]
            ax.pcolormesh(edges, np.arange(len(order) + 1) - 0.5, likely, cmap="Greys",
                          vmin=0, vmax=1)  # fmt: skip
        points_per_s = (
            72 * ax.get_window_extent().width / ax.figure.dpi / max(self.duration_s, 1e-9)
        )
        for start, end, key in self.segments:
            row = parse_row(row_of, key)
            ax.plot([start, end], [row, row], color="C1", linewidth=3, solid_capstyle="butt")
            if (end - start) * points_per_s >= LETTER_POINTS * len(key):
                ax.text((start + end) / 2, row + 0.6, key, ha="center", va="bottom",
                        fontsize=LABEL_POINTS, clip_on=True)  # fmt: skip
        names = [f"{key} ({parse_key(key).camelot})" for key in order]
        ax.set_yticks(np.arange(len(order)), names, fontsize=LABEL_POINTS - 1)
        ax.set_ylim(-0.6, len(order) + 0.4)
        ax.set_xlim(0, self.duration_s or 1.0)

    def _plotted(self, draw: Any, ax: Any, path: Any, height: float) -> Any:
        return super()._plotted(draw, ax, path, max(height, 4.8))

    def _title(self) -> str:
        name = parse_key(self.key)
        return f"{super()._title()}: {name.words} ({name.camelot})"

    def _whole_confidence(self) -> float | None:
        return None if self.probabilities is None else self.probabilities.get(self.key)

    def _to_key(self) -> Iterator[str]:
        yield f"{self.named('words')}\n"

    def _to_csv(self) -> Iterator[str]:
        def row(of: str, start: float, end: float, key: str, value: float | None) -> list[str]:
            return [of, f"{start:.6f}", f"{end:.6f}", key, "" if value is None else f"{value:.4f}"]

        parts = (
            row(PART, *segment, None if self.confidence is None else self.confidence[number])
            for number, segment in enumerate(self.segments)
        )
        whole = row(WHOLE, 0.0, self.duration_s, self.key, self._whole_confidence())
        return csv_lines(COLUMNS, [whole, *parts])

    def _to_jams(self) -> Iterator[str]:
        whole = [observation(0.0, self.duration_s, _in_jams(self.key), self._whole_confidence())]
        parts = [
            observation(
                start, end - start, _in_jams(key),
                None if self.confidence is None else self.confidence[number],
            )
            for number, (start, end, key) in enumerate(self.segments)
        ]  # fmt: skip
        about = {
            "model": self.model,
            "source": self.source,
            "of": WHOLE,
            "tuning_cents": self.tuning_cents,
            "probabilities": self.probabilities,
        }
        found = [jams_annotation(self, "key_mode", whole, about)]
        if parts:
            found.append(jams_annotation(self, "key_mode", parts, {"of": PART}))
        return jams_pieces(self, *found)

    @staticmethod
    def _from_key(text: str) -> dict[str, Any]:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if len(lines) != 1:
            raise ValueError(
                f"it has {counted(len(lines), 'line')}; a key file has one, like 'A minor'"
            )
        return {"key": lines[0]}

    @staticmethod
    def _from_csv(text: str) -> dict[str, Any]:
        header, *rows = csv.reader(io.StringIO(text))
        if header != COLUMNS:
            raise ValueError(f"the columns are {header}, not {COLUMNS}")
        whole = [row for row in rows if row[0] == WHOLE]
        parts = [row for row in rows if row[0] == PART]
        if len(whole) != 1:
            raise ValueError(f"{len(whole)} rows are of the whole; one is needed")
        confidence = [float(row[4]) for row in parts if row[4]]
        (key,) = whole
        return {
            "key": key[3],
            "duration_s": float(key[2]),
            "segments": [(float(row[1]), float(row[2]), row[3]) for row in parts],
            "confidence": confidence if parts and len(confidence) == len(parts) else None,
            "probabilities": {key[3]: float(key[4])} if key[4] else None,
        }

    @staticmethod
    def _from_json(text: str) -> dict[str, Any]:
        document = json.loads(text)
        fields = (
            "key", "confidence", "probabilities", "over_time", "step_s", "labels", "tuning_cents",
            "source", "duration_s", "model",
        )  # fmt: skip
        segments = [(s["start_s"], s["end_s"], s["key"]) for s in document["segments"]]
        return {"segments": segments, **{field: document[field] for field in fields}}

    @staticmethod
    def _from_jams(text: str) -> dict[str, Any]:
        document, whole = load_jams(text, "key_mode")
        about = dict(**whole.sandbox)
        if about.get("of") != WHOLE:
            raise ValueError("its first key_mode annotation is not of the whole recording")
        parts = [
            found
            for found in document.search(namespace="key_mode")[1:]
            if dict(**found.sandbox).get("of") == PART
        ]
        data = list(parts[0].data) if parts else []
        confidence = [o.confidence for o in data]
        (key,) = whole.data
        probabilities = about.get("probabilities")
        return {
            "key": key.value,
            "segments": [(o.time, o.time + o.duration, o.value) for o in data],
            "confidence": None if not data or None in confidence else confidence,
            "probabilities": None if probabilities is None else dict(**probabilities),
            "tuning_cents": about.get("tuning_cents"),
            "source": about.get("source"),
            "model": about.get("model"),
            "duration_s": document.file_metadata.duration,
        }


def truth_of(labels: Labels, duration_s: float | None = None) -> Key | None:
    """The result that a perfect model gives for labels; None where they tell no certain key.

    The key of the whole is the one on the label where the chords confirm it, or else that of the
    longest span.
    """
    from mirzoo.tasks.key.targets import is_confirmed

    spans = [(span.start_s, span.end_s, span.key) for span in labels.keys or ()]
    seconds: dict[str, float] = {}
    for start_s, end_s, key in spans:
        seconds[parse_key(key).label] = seconds.get(parse_key(key).label, 0.0) + end_s - start_s
    if labels.key is not None and (spans or is_confirmed(labels)):
        whole = labels.key
    elif seconds:
        whole = max(seconds, key=lambda key: seconds[key])
    else:
        return None
    ends = [end_s for _, end_s, _ in spans]
    return Key(
        whole, spans, duration_s=max(ends, default=0.0) if duration_s is None else duration_s
    )


def parse_row(row_of: Mapping[str, int], key: str) -> int:
    """The row of a picture that a key is drawn in; a church mode by its third."""
    return row_of[LABELS[parse_key(key).place]]


def _in_jams(key: str) -> str:
    tonic, mode = key.split(":")
    return f"{tonic}:{JAMS_MODES.get(mode, mode)}"
