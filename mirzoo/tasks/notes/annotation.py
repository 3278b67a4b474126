"""Notes: what is played when, by any number of voices."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mirzoo._support.words import counted
from mirzoo.errors import AnnotationError
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

PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
HIGHEST_PITCH = 127


class Note(NamedTuple):
    """A note.

    Parameters
    ----------
    start_s, end_s : float
        When it begins and ends (s).
    pitch : float
        In MIDI's numbers (69 is A4, 440 Hz), with fractions where it lies between semitones.
    amplitude : float
        Loudness or confidence, in [0, 1].
    bends : tuple of float
        Semitones above ``pitch``, at even steps from start to end; empty where it doesn't bend.
    """

    start_s: float
    end_s: float
    pitch: float
    amplitude: float = 1.0
    bends: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """The nearest note of the piano: ``"A4"``."""
        return pitch_name(self.pitch)


def pitch_name(pitch: float) -> str:
    """The note of the piano that is nearest to a MIDI pitch.

    Examples
    --------
    >>> pitch_name(69.3)
    'A4'
    """
    nearest = round(pitch)
    return f"{PITCH_NAMES[nearest % 12]}{nearest // 12 - 1}"


def pitch_span(pitches: Sequence[float] | np.ndarray) -> str:
    """The names of the lowest and the highest pitch, once where they are the same.

    Examples
    --------
    >>> pitch_span([60, 64.2, 62]), pitch_span([40.1, 39.9])
    ('C4 to E4', 'E2')
    """
    lowest, highest = pitch_name(min(pitches)), pitch_name(max(pitches))
    return lowest if lowest == highest else f"{lowest} to {highest}"


def note_for_midi(note: Note) -> BentNote:
    """A note with the bends, if any, that bring MIDI's whole semitones to its pitch."""
    key = round(note.pitch)
    bends = np.asarray(note.bends or (0.0,)) + (note.pitch - key)
    times = np.linspace(note.start_s, note.end_s, len(bends), endpoint=False)
    bent = bool(np.abs(bends).max() > 0.005)
    velocity = max(1, round(HIGHEST_PITCH * note.amplitude))
    return BentNote(
        note.start_s, note.end_s, key, velocity, times if bent else (), bends if bent else ()
    )


def _plain_note(note: Note) -> dict[str, Any]:
    return {
        "start_s": round(note.start_s, 6),
        "end_s": round(note.end_s, 6),
        "pitch": round(float(note.pitch), 4),
        "amplitude": round(float(note.amplitude), 4),
        "bends": [round(float(bend), 4) for bend in note.bends],
    }


@dataclass(frozen=True, eq=False, repr=False)
class Notes(Playable):
    """The notes of a recording, which may overlap.

    `plot` draws a piano roll, darker where louder; `sonify` plays it without the bends.

    `write` makes, by suffix:

    - ``.mid``: the notes with their pitch bends, as `mirzoo.tasks.annotation.midi_file` has it.
      This one isn't read;
    - ``.csv``: a row per note: ``start_s``, ``end_s``, ``pitch``, ``amplitude`` and the bends
      (semitones, one after the other, separated by spaces);
    - ``.json``: what `to_dict` gives;
    - ``.jams``: a ``note_midi`` annotation, amplitudes as confidences, bends in its sandbox.

    Parameters
    ----------
    notes : sequence of Note or tuple
        Sorted by their start.
    source : str, optional
        The recording's file name.
    duration_s : float, optional
        Length of the recording (s); by default the end of the last note.
    model : str, optional
        The model that made it.

    Raises
    ------
    AnnotationError
        If a note ends before it starts, or its pitch is none of MIDI's.

    Examples
    --------
    >>> notes = Notes([(0.0, 0.5, 60), (0.25, 1.0, 64.5, 0.8)])
    >>> len(notes.notes), notes.notes[0].name
    (2, 'C4')
    >>> notes
    Notes(1.0 s, 2 notes, C4 to E4)
    """

    task: ClassVar[str] = "notes"
    kind: ClassVar[str] = "notes"
    formats: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv", ".mid")
    readable: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv")

    notes: Sequence[Note]
    source: str | None = None
    duration_s: float = None  # type: ignore[assignment]
    model: str | None = None

    def __post_init__(self) -> None:
        notes = sorted(Note(*note) for note in self.notes)
        for note in notes:
            if not (note.end_s > note.start_s >= 0 and 0 <= note.amplitude <= 1):
                raise AnnotationError(
                    f"Notes: {note} must end after it starts, at 0 s or later, with an amplitude "
                    "in [0, 1]."
                )
            if not all(map(math.isfinite, (note.end_s, *note.bends))):
                raise AnnotationError(f"Notes: {note} has an end or bend that is not finite.")
            if not 0 <= note.pitch <= HIGHEST_PITCH:
                raise AnnotationError(
                    f"Notes: {note} has no MIDI pitch (0 to {HIGHEST_PITCH}). Is it in Hz?"
                )
        end = max((note.end_s for note in notes), default=0.0)
        object.__setattr__(self, "notes", tuple(notes))
        object.__setattr__(
            self, "duration_s", float(end if self.duration_s is None else self.duration_s)
        )

    def __repr__(self) -> str:
        return f"Notes({self._described()}, {self._counted()})"

    def _counted(self) -> str:
        if not self.notes:
            return "no notes"
        pitches = [note.pitch for note in self.notes]
        count = len(self.notes)
        return f"{counted(count, 'note')}, {pitch_span(pitches)}"

    def summary(self, top: int = 5) -> list[str]:
        """Give how many notes there are, their range and how many sound at once."""
        if not self.notes:
            return ["no notes"]
        sounding = sum(note.end_s - note.start_s for note in self.notes)
        at_once = sounding / max(self.duration_s, 1e-9)
        return [f"{self._counted()}, {at_once:.1f} at a time on average"]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it."""
        return plain(self._document())

    def _document(self) -> dict[str, Any]:
        notes = Rows(len(self.notes), lambda: map(_plain_note, self.notes))
        return {**self._about(), "notes": notes}

    def _draw(self, ax: Any) -> None:
        if len(self.notes) > pictures.MOST_SPANS:
            self._draw_columns(ax)
        else:
            rows: dict[float, list[Note]] = {}
            for note in self.notes:
                rows.setdefault(note.pitch, []).append(note)
            for pitch, notes in rows.items():
                bars = [(note.start_s, note.end_s - note.start_s) for note in notes]
                colours = [("tab:blue", 0.25 + 0.75 * note.amplitude) for note in notes]
                ax.broken_barh(bars, (pitch - 0.45, 0.9), facecolors=colours)
        ax.set_xlim(0, self.duration_s)
        ax.yaxis.set_major_locator(_octaves())
        ax.yaxis.set_major_formatter(lambda pitch, _: pitch_name(pitch))

    def _draw_columns(self, ax: Any) -> None:
        """Draw the loudest note of each pitch in each column, where there is no room for all."""
        loudest = np.zeros((HIGHEST_PITCH + 1, pictures.MOST_COLUMNS), np.float32)
        scale = pictures.MOST_COLUMNS / max(self.duration_s, self.notes[-1].start_s)
        for note in self.notes:
            row = loudest[round(note.pitch)]
            span = slice(int(note.start_s * scale), int(note.end_s * scale) + 1)
            np.maximum(row[span], 0.25 + 0.75 * note.amplitude, out=row[span])
        pitches = np.flatnonzero(loudest.any(axis=1))
        lowest, highest = pitches[0], pitches[-1]
        edges = np.arange(pictures.MOST_COLUMNS + 1) / scale
        ax.pcolormesh(edges, np.arange(lowest, highest + 2) - 0.5,
                      loudest[lowest : highest + 1], cmap="Blues", vmin=0, vmax=1)  # fmt: skip

    def sounding(self) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Give the semitones nearest to the notes wherever one begins or ends."""
        edges = sorted({time for note in self.notes for time in (note.start_s, note.end_s)})
        for time in edges:
            on = {round(n.pitch) for n in self.notes if n.start_s <= time < n.end_s}
            yield time, tuple(sorted(on))

    def _play(self, sample_rate: int, n_samples: int) -> Iterator[np.ndarray]:
        tones = (sound.Tone(*note[:4]) for note in self.notes)
        return sound.play(tones, sample_rate, n_samples)

    def _to_mid(self) -> bytes:
        return midi_of(
            lambda: map(note_for_midi, self.notes), name="notes", tempo_map=self.tempo_map
        )

    def _to_csv(self) -> Iterator[str]:
        rows = map(_plain_note, self.notes)
        return csv_lines(
            ["start_s", "end_s", "pitch", "amplitude", "bends"],
            (
                [*list(note.values())[:4], " ".join(f"{bend:g}" for bend in note["bends"])]
                for note in rows
            ),
        )

    def _to_jams(self) -> Iterator[str]:
        count = len(self.notes)
        data = Rows(
            count,
            lambda: (
                observation(
                    note.start_s,
                    note.end_s - note.start_s,
                    float(note.pitch),
                    float(note.amplitude),
                )
                for note in self.notes
            ),
        )
        bends = Rows(count, lambda: (_plain_note(note)["bends"] for note in self.notes))
        sandbox = {"model": self.model, "source": self.source, "bends": bends}
        return jams_pieces(self, jams_annotation(self, "note_midi", data, sandbox))

    @staticmethod
    def _from_csv(text: str) -> dict[str, Any]:
        header, *rows = csv.reader(io.StringIO(text))
        if header != ["start_s", "end_s", "pitch", "amplitude", "bends"]:
            raise ValueError(f"the columns are {header}")
        return {
            "notes": [
                Note(
                    float(row[0]),
                    float(row[1]),
                    float(row[2]),
                    float(row[3]),
                    tuple(map(float, row[4].split())),
                )
                for row in rows
            ]
        }

    @staticmethod
    def _from_json(text: str) -> dict[str, Any]:
        document = json.loads(text)
        notes = [Note(**{**note, "bends": tuple(note["bends"])}) for note in document["notes"]]
        fields = ("source", "duration_s", "model")
        return {"notes": notes, **{field: document[field] for field in fields}}

    @staticmethod
    def _from_jams(text: str) -> dict[str, Any]:
        document, found = load_jams(text, "note_midi")
        about = dict(**found.sandbox)
        bends = about.get("bends") or [()] * len(found.data)
        return {
            "notes": [
                Note(o.time, o.time + o.duration, o.value, o.confidence, tuple(bent))
                for o, bent in zip(found.data, bends, strict=True)
            ],
            "source": about.get("source"),
            "model": about.get("model"),
            "duration_s": document.file_metadata.duration,
        }


def _octaves() -> Any:
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(12)
