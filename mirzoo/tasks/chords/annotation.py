"""Chords: which one sounds when."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mirzoo._support.words import counted
from mirzoo.dsp.chord_vocabulary import ROOT_NAMES, Chord, parse_chord
from mirzoo.errors import AnnotationError, DataError
from mirzoo.tasks.annotation import pictures, sound
from mirzoo.tasks.annotation.base import (
    Playable,
    jams_annotation,
    jams_pieces,
    load_jams,
    observation,
)
from mirzoo.tasks.annotation.files import Rows, csv_lines, plain
from mirzoo.tasks.annotation.midi_file import BentNote, midi_of
from mirzoo.tasks.annotation.segments import joint_segments
from mirzoo.tasks.tuning import a4_hz_of

if TYPE_CHECKING:
    from mirzoo.tasks.beats.annotation import Beats

OVERLAP_S = 1e-6
LOWEST_BASS = 40
LOWEST_TONE = 60
SHOWN_CHORDS = 32
LABEL_POINTS = 7
LETTER_POINTS = 4.5
LINE_WIDTH = 88
Third = tuple[float, float, float]
THIRDS = ("major", "minor", "none")
"""What the three numbers of a `Third` are how likely."""

_JAMS_DEGREES = r"(\(\*?(b*|#*)([1-9]|1[0-3]?)(,\*?(b*|#*)([1-9]|1[0-3]?))*\))"
JAMS_LABEL = re.compile(
    r"N|X|[A-G](b*|#*)"
    r"(:(maj|min|dim|aug|1|5|sus2|sus4|maj6|min6|7|maj7|min7|dim7|hdim7|minmaj7|aug7|9|maj9|min9"
    rf"|11|maj11|min11|13|maj13|min13){_JAMS_DEGREES}?|:{_JAMS_DEGREES})?"
    r"(/(b*|#*)([1-9]|1[0-3]?))?"
)
"""What the ``chord`` namespace of JAMS allows."""


@dataclass(frozen=True, eq=False, repr=False)
class Chords(Playable):
    """The chords of a recording, one after the other.

    `plot` draws them along time, a colour a root, over the recording's chroma; `sonify` plays
    their tones around middle C over a bass.

    `write` makes, by suffix:

    - ``.lab``: a line per chord, ``start end label`` (s), as Isophonics, MIREX and mir_eval have
      it;
    - ``.csv``: the same with a header and the confidence, where there is one;
    - ``.json``: what `to_dict` gives;
    - ``.jams``: a ``chord`` annotation, its confidences where there are some;
    - ``.mid``: the chords played, the tones around middle C over a bass. This one isn't read;
    - ``.txt``: a lead sheet, bars with the chords on their beats, for chords that know the beats
      (`on_beats`). This one isn't read either.

    Parameters
    ----------
    segments : sequence of (float, float, str)
        Start (s), end (s) and label in Harte's syntax (``"A:min7/b3"``, ``"N"`` for no chord),
        in the order of time, without overlaps.
    confidence : sequence of float, optional
        Confidence in each segment, in [0, 1].
    source : str, optional
        The recording's file name.
    duration_s : float, optional
        Length of the recording (s); by default the end of the last segment.
    model : str, optional
        The model that made it.
    thirds : sequence of (float, float, float) or None, optional
        For each segment how likely its root has a major third, a minor third, or none; None for
        segments without a root (``N``, ``X``). Files name the three, ``"major"``, ``"minor"`` and
        ``"none"``.
    tuning_cents : float, optional
        How far the recording is above A = 440 Hz, from -100 to 100 cents. None where the model has
        no output ``tuning``, a ``lag_s`` decides chords at once, a file decides inside, or too
        little of the music is in any tuning: noise, speech, drums, some electronic music. Files
        then have no such entry.

    Raises
    ------
    AnnotationError
        If a segment ends before it starts, or overlaps the next, or its label is none; if there is
        not one confidence, and one triple of thirds, for each segment; or the tuning is no number
        of cents.

    Examples
    --------
    >>> chords = Chords([(0.0, 2.0, "C:maj"), (2.0, 3.0, "G:7/3"), (3.0, 5.0, "C:maj")])
    >>> chords.labels, chords.most_frequent(1)
    (('C:maj', 'G:7/3', 'C:maj'), [('C:maj', 4.0)])
    >>> chords
    Chords(5.0 s, 3 segments: C:maj, G:7/3, C:maj)
    """

    task: ClassVar[str] = "chords"
    kind: ClassVar[str] = "chords"
    formats: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv", ".lab", ".mid", ".txt")
    readable: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv", ".lab")
    beat_formats: ClassVar[tuple[str, ...]] = (".txt",)

    segments: Sequence[tuple[float, float, str]]
    confidence: Sequence[float] | None = None
    source: str | None = None
    duration_s: float = None  # type: ignore[assignment]
    model: str | None = None
    thirds: Sequence[Third | None] | None = None
    tuning_cents: float | None = None

    def __post_init__(self) -> None:
        segments = tuple((float(start), float(end), label) for start, end, label in self.segments)
        if not segments:
            raise AnnotationError("Chords: there are no segments; silence is one segment of 'N'.")
        for start, end, label in segments:
            if not math.inf > end > start >= 0:
                raise AnnotationError(
                    f"Chords: the segment {(start, end, label)} is not (start, end, label) with "
                    "0 <= start < end in seconds."
                )
            try:
                parse_chord(label)
            except DataError as error:
                raise AnnotationError(f"Chords: {error}") from error
        for before, after in pairwise(segments):
            if after[0] < before[1] - OVERLAP_S:
                raise AnnotationError(
                    f"Chords: the segments {before} and {after} overlap; each must end before "
                    "the next starts."
                )
        confidence = self.confidence
        if confidence is not None:
            confidence = tuple(float(value) for value in confidence)
            if len(confidence) != len(segments) or not all(0 <= c <= 1 for c in confidence):
                raise AnnotationError(
                    f"Chords: {len(confidence)} confidences for {len(segments)} segments; one in "
                    "[0, 1] for each is needed."
                )
        thirds = None if self.thirds is None else _checked_thirds(self.thirds, segments)
        tuning = self.tuning_cents
        if tuning is not None and not -100 <= tuning <= 100:
            raise AnnotationError(
                f"Chords: tuning_cents is {tuning}; allowed is -100 to 100. Is it in Hz?"
            )
        duration_s = segments[-1][1] if self.duration_s is None else self.duration_s
        object.__setattr__(self, "thirds", thirds)
        object.__setattr__(self, "tuning_cents", None if tuning is None else float(tuning))
        object.__setattr__(self, "segments", segments)
        object.__setattr__(self, "confidence", confidence)
        object.__setattr__(self, "duration_s", float(duration_s))

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each segment."""
        return tuple(label for _, _, label in self.segments)

    @property
    def intervals(self) -> np.ndarray:
        """Start and end of each segment (s), shape ``(segments, 2)``."""
        return np.array([(start, end) for start, end, _ in self.segments])

    @property
    def a4_hz(self) -> float | None:
        """The frequency of the A above middle C (Hz), where the tuning is known."""
        return a4_hz_of(self.tuning_cents)

    @classmethod
    def _joint(cls, pieces: list[Chords]) -> dict[str, Any]:
        return {
            **joint_segments(pieces),
            "source": pieces[-1].source,
            "duration_s": pieces[-1].duration_s,
            "model": pieces[-1].model,
            "tuning_cents": pieces[-1].tuning_cents,
        }

    def _values(self) -> np.ndarray:
        """The confidence and the thirds of each segment, ``(segments, 4)``; 1 where unknown."""
        values = np.ones((len(self.segments), 4))
        if self.confidence is not None:
            values[:, 0] = self.confidence
        if self.thirds is not None:
            values[:, 1:] = [third or (0.0, 0.0, 0.0) for third in self.thirds]
        return values

    def on_beats(self, beats: Beats) -> Chords:
        """Give the chords with the changes on beats, and the music's tempo in MIDI files.

        A change moves to the nearest beat, if one is within half a beat. Of several changes on
        one beat the last chord stays; what is left of the others is nothing.

        Parameters
        ----------
        beats : Beats
            Of the same recording.

        Examples
        --------
        >>> from mirzoo.tasks.beats import Beats
        >>> chords = Chords([(0.0, 0.9, "N"), (0.9, 1.05, "F:maj"), (1.05, 3.0, "C:maj")])
        >>> chords.on_beats(Beats([0.0, 1.0, 2.0])).segments
        ((0.0, 1.0, 'N'), (1.0, 3.0, 'C:maj'))
        """
        edges = beats.nearest(self.intervals.reshape(-1)).reshape(-1, 2)
        edges[0, 0], edges[-1, 1] = self.segments[0][0], self.segments[-1][1]
        # What goes on to the end, or has no gap before it, has none afterwards either.
        joins = self.intervals[1:, 0] - self.intervals[:-1, 1] < OVERLAP_S
        edges[:-1, 1][joins] = edges[1:, 0][joins]
        moved = _Joined()
        for (start, end), (_, _, label), values in zip(
            edges.tolist(), self.segments, self._values(), strict=True
        ):
            if end - start > OVERLAP_S:
                moved.add(start, end, label, values)
        if not moved.segments:
            return super().on_beats(beats)
        fields = moved.fields(
            confidence=self.confidence is not None, thirds=self.thirds is not None
        )
        changed = replace(self, **fields)
        return super(Chords, changed.with_warnings(self.warnings)).on_beats(beats)

    def most_frequent(self, n: int = 5) -> list[tuple[str, float]]:
        """List the ``n`` labels that sound longest, as ``(label, seconds)``."""
        seconds: dict[str, float] = {}
        for start, end, label in self.segments:
            seconds[label] = seconds.get(label, 0.0) + end - start
        return sorted(seconds.items(), key=itemgetter(1), reverse=True)[:n]

    def __repr__(self) -> str:
        shown = ", ".join(self.labels[:8]) + (", …" if len(self.labels) > 8 else "")
        count = len(self.segments)
        return f"Chords({self._described()}, {counted(count, 'segment')}: {shown})"

    def summary(self, top: int = 5) -> list[str]:
        """Give the chords with the times at which they begin, which sound longest, the tuning."""
        first = self.segments[:SHOWN_CHORDS]
        shown = [f"{pictures.clock(start)} {label}" for start, _, label in first]
        lines = textwrap.wrap(
            "   ".join(entry.replace(" ", "\N{NO-BREAK SPACE}") for entry in shown), LINE_WIDTH
        )
        lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
        if len(self.segments) > SHOWN_CHORDS:
            lines.append(f"… and {len(self.segments) - SHOWN_CHORDS} more")
        total = sum(end - start for start, end, _ in self.segments)
        shares = (f"{label} {seconds / total:.0%}" for label, seconds in self.most_frequent(top))
        tuning = "" if self.a4_hz is None else f"; A = {self.a4_hz:.1f} Hz"
        return [*lines, f"most: {', '.join(shares)}{tuning}"]

    def events(self) -> Iterator[dict[str, Any]]:
        """Give each segment."""
        for number, (start, end, label) in enumerate(self.segments):
            event: dict[str, Any] = {
                "start_s": round(start, 6),
                "end_s": round(end, 6),
                "label": label,
            }
            if self.confidence is not None:
                event["confidence"] = round(self.confidence[number], 4)
            if self.thirds is not None:
                event["third"] = _named_third(self.thirds[number])
            yield event

    def newest(self, top: int = 5) -> list[str]:
        """Name the last chord."""
        return [self.segments[-1][2]]

    def sounding(self) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Give each chord's tones around middle C, over its bass."""
        for start, _, label in self.segments:
            chord = parse_chord(label)
            yield start, tuple(_tones(chord))

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it."""
        return plain(self._document())

    def _document(self) -> dict[str, Any]:
        segments, confidence = self.segments, self.confidence
        thirds, tuning = self.thirds, self.tuning_cents
        return {
            **self._about(),
            "segments": Rows(
                len(segments),
                lambda: (
                    {"start_s": round(start, 6), "end_s": round(end, 6), "label": label}
                    for start, end, label in segments
                ),
            ),
            "confidence": confidence
            and Rows(len(confidence), lambda: (round(value, 4) for value in confidence)),
            **(
                {}
                if thirds is None
                else {"thirds": Rows(len(thirds), lambda: map(_named_third, thirds))}
            ),
            **({} if tuning is None else {"tuning_cents": round(tuning, 2)}),
        }

    def _draw(self, ax: Any) -> None:
        import matplotlib.pyplot as plt

        spectra = pictures.recording_spectra(self.source, self.duration_s)
        if spectra is not None:
            chroma = pictures.chromagram(spectra)
            ax.pcolormesh(spectra.edges, np.arange(13), chroma, cmap="Greys", vmin=0, vmax=1.4)
        colours = plt.get_cmap("hsv")
        points_per_s = 72 * ax.get_window_extent().width / ax.figure.dpi / self.duration_s
        rows: dict[int | None, list[tuple[tuple[float, float], Any]]] = {}
        for number in pictures.visible(self.intervals[:, 0], self.duration_s):
            start, end, label = self.segments[number]
            chord = parse_chord(label)
            root = None if chord is None else chord.root
            colour = "0.8" if root is None else colours((root * 7 % 12) / 12)
            for row in (None, *(chord.pitch_classes if chord is not None else ())):
                rows.setdefault(row, []).append(((start, end - start), colour))
            if (end - start) * points_per_s >= LETTER_POINTS * len(label):
                ax.text((start + end) / 2, 12.6, label, ha="center", va="center",
                        fontsize=LABEL_POINTS, clip_on=True)  # fmt: skip
        for row, spans in rows.items():
            bars, shown = zip(*spans, strict=True)
            look = {"alpha": 0.3} if row is not None else {"alpha": 0.55, "edgecolors": "w"}
            place = (12.05, 1.1) if row is None else (row, 1)
            ax.broken_barh(bars, place, facecolors=shown, **look)
        ax.set_yticks(np.arange(12) + 0.5, ROOT_NAMES)
        ax.set_ylim(0, 13.3)
        ax.set_xlim(0, self.duration_s)

    def _play(self, sample_rate: int, n_samples: int) -> Iterator[np.ndarray]:
        tones = (
            sound.Tone(note.start_s, note.end_s, note.pitch, note.velocity / 96)
            for note in self._voiced()
        )
        return sound.play(tones, sample_rate, n_samples)

    def _voiced(self) -> Iterator[BentNote]:
        for start, end, label in self.segments:
            chord = parse_chord(label)
            bass, *tones = _tones(chord) or (None,)
            if bass is None:
                continue
            yield BentNote(start, end, bass)
            for tone in tones:
                yield BentNote(start, end, tone, velocity=72)

    def _to_mid(self) -> bytes:
        return midi_of(self._voiced, name="chords", tempo_map=self.tempo_map)

    def _to_txt(self) -> Iterator[str]:
        from mirzoo.tasks.chords.lead_sheet import lead_sheet

        beats = self.tempo_map
        if beats is None or beats.positions is None or len(beats.times) < 2:
            raise AnnotationError(
                "Chords: a lead sheet (.txt) needs beats and bars, and none are known; annotate "
                "with a model of beats too and --snap, or take chords.on_beats(beats)"
            )
        return lead_sheet(self.segments, beats, self._title())

    def _to_lab(self) -> Iterator[str]:
        return (f"{start:.6f}\t{end:.6f}\t{label}\n" for start, end, label in self.segments)

    def _to_csv(self) -> Iterator[str]:
        confidence = self.confidence
        header = ["start_s", "end_s", "label", *(["confidence"] if confidence else [])]
        return csv_lines(
            header,
            (
                [f"{start:.6f}", f"{end:.6f}", label,
                 *([f"{confidence[number]:.4f}"] if confidence else [])]
                for number, (start, end, label) in enumerate(self.segments)
            ),
        )  # fmt: skip

    def _to_jams(self) -> Iterator[str]:
        unknown = [label for label in dict.fromkeys(self.labels) if not JAMS_LABEL.fullmatch(label)]
        if unknown:
            raise AnnotationError(
                f"Chords: JAMS has no chords like '{unknown[0]}'; write .lab, .csv or .json"
            )
        confidences = self.confidence or repeat(None)
        data = Rows(
            len(self.segments),
            lambda: (
                observation(start, end - start, label, confidence)
                for (start, end, label), confidence in zip(self.segments, confidences)
            ),
        )
        sandbox: dict[str, Any] = {"model": self.model, "source": self.source}
        if self.thirds is not None:
            sandbox["thirds"] = [_named_third(third) for third in self.thirds]
        if self.tuning_cents is not None:
            sandbox["tuning_cents"] = round(self.tuning_cents, 2)
        return jams_pieces(self, jams_annotation(self, "chord", data, sandbox))

    @staticmethod
    def _from_lab(text: str) -> dict[str, Any]:
        rows = [line.split() for line in text.splitlines() if line.strip()]
        return {"segments": [(float(start), float(end), label) for start, end, label in rows]}

    @staticmethod
    def _from_csv(text: str) -> dict[str, Any]:
        header, *rows = csv.reader(io.StringIO(text))
        if header[:3] != ["start_s", "end_s", "label"]:
            raise ValueError(f"the columns begin with {header[:3]}, not start_s, end_s, label")
        return {
            "segments": [(float(row[0]), float(row[1]), row[2]) for row in rows],
            "confidence": [float(row[3]) for row in rows] if len(header) > 3 else None,
        }

    @staticmethod
    def _from_json(text: str) -> dict[str, Any]:
        document = json.loads(text)
        fields = ("confidence", "source", "duration_s", "model")
        segments = [(s["start_s"], s["end_s"], s["label"]) for s in document["segments"]]
        return {
            "segments": segments,
            **{field: document[field] for field in fields},
            "thirds": _read_thirds(document.get("thirds")),
            "tuning_cents": document.get("tuning_cents"),
        }

    @staticmethod
    def _from_jams(text: str) -> dict[str, Any]:
        document, found = load_jams(text, "chord")
        about = dict(**found.sandbox)
        confidence = [observation.confidence for observation in found.data]
        return {
            "segments": [(o.time, o.time + o.duration, o.value) for o in found.data],
            "confidence": None if None in confidence else confidence,
            "source": about.get("source"),
            "model": about.get("model"),
            "duration_s": document.file_metadata.duration,
            "thirds": _read_thirds(about.get("thirds")),
            "tuning_cents": about.get("tuning_cents"),
        }


def _checked_thirds(
    thirds: Sequence[Third | None], segments: Sequence[tuple[float, float, str]]
) -> tuple[Third | None, ...]:
    if len(thirds) != len(segments):
        raise AnnotationError(
            f"Chords: {len(thirds)} thirds for {len(segments)} segments; one for each is needed, "
            "None where there is no root."
        )
    checked: list[Third | None] = []
    for (_, _, label), third in zip(segments, thirds, strict=True):
        chord = parse_chord(label)
        if chord is None or chord.root is None:
            checked.append(None)  # older files have three numbers here
            continue
        row = tuple(float(value) for value in third or ())
        if len(row) != len(THIRDS) or not all(0 <= value <= 1 for value in row):
            raise AnnotationError(
                f"Chords: the third of {label} is {third}; three probabilities in [0, 1] (major, "
                "minor, none) are needed."
            )
        checked.append((row[0], row[1], row[2]))
    return tuple(checked)


def _named_third(third: Third | None) -> dict[str, float] | None:
    if third is None:
        return None
    return {name: round(value, 4) for name, value in zip(THIRDS, third, strict=True)}


def _read_thirds(read: Any) -> list[Any] | None:
    """The thirds of a file; in those of earlier versions the three numbers have no names."""
    if read is None:
        return None
    return [tuple(row[n] for n in THIRDS) if isinstance(row, dict) else row for row in read]


class _Joined:
    """Segments one after the other: equal ones that touch become one, with their values' mean."""

    def __init__(self) -> None:
        self.segments: list[list[Any]] = []
        self._sums: list[np.ndarray] = []

    def add(self, start: float, end: float, label: str, values: np.ndarray) -> None:
        """Take the next segment, and what is known of it, ``(4,)``."""
        last = self.segments[-1] if self.segments else None
        if last is not None and last[2] == label and start - last[1] < OVERLAP_S:
            last[1] = end
            self._sums[-1] += values * (end - start)
        else:
            self.segments.append([start, end, label])
            self._sums.append(values * (end - start))

    def fields(self, *, confidence: bool, thirds: bool) -> dict[str, Any]:
        """The fields of `Chords`, those that are known."""
        means = [
            np.minimum(1.0, total / (end - start))
            for (start, end, _), total in zip(self.segments, self._sums, strict=True)
        ]
        return {
            "segments": [tuple(segment) for segment in self.segments],
            "confidence": [float(row[0]) for row in means] if confidence else None,
            "thirds": [tuple(row[1:].tolist()) for row in means] if thirds else None,
        }


def _tones(chord: Chord | None) -> list[int]:
    """The MIDI pitches that a chord is played with, its bass first; none without a chord."""
    if chord is None or chord.bass is None:
        return []
    above = (LOWEST_TONE + (tone - LOWEST_TONE) % 12 for tone in chord.pitch_classes)
    return [LOWEST_BASS + (chord.bass - LOWEST_BASS) % 12, *above]
