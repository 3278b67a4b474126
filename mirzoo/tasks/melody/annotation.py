"""Melody: the fundamental frequency of the main voice over time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, ClassVar

import numpy as np

from mirzoo._support.words import counted
from mirzoo.dsp.viterbi import PathWithChanges
from mirzoo.errors import AnnotationError
from mirzoo.tasks.annotation import pictures, sound
from mirzoo.tasks.annotation.base import Playable, jams_annotation, jams_pieces, load_jams
from mirzoo.tasks.annotation.files import NO_ROWS, Rows, csv_lines, number_rows, plain
from mirzoo.tasks.annotation.midi_file import midi_of
from mirzoo.tasks.notes.annotation import Note, note_for_midi, pitch_name, pitch_span

ROUNDING = 1e-5
NOTE_CHANGE_PENALTY = 0.06
"""Penalty of a change of note: semitones of error, times the seconds for which they last."""
SHORTEST_NOTE_S = 0.06
PLOTTED_SEMITONES_AROUND = 12
BLOCK_FRAMES = 4096


@dataclass(frozen=True, eq=False, repr=False)
class Melody(Playable):
    """The melody's contour: a frequency and whether it sounds, frame by frame.

    `plot` draws it over the recording's spectra on a logarithmic axis; `sonify` plays it.

    `write` makes, by suffix:

    - ``.csv``: a row per frame: ``time_s``, ``f0_hz`` (0 or negative where unvoiced),
      ``confidence``. Files of times and frequencies alone, without a header, as data sets have
      them, are read too;
    - ``.json``: what `to_dict` gives;
    - ``.jams``: a ``pitch_contour`` annotation, an index for each voiced stretch;
    - ``.mid``: the melody's notes with pitch bends that follow the contour. This one isn't read.

    Parameters
    ----------
    times : array, shape (frames,)
        Middle of each frame (s).
    f0 : array, shape (frames,)
        Hz. 0 or negative where no melody sounds, as mir_eval has it: a negative value is what
        the frequency would be if one did.
    confidence : array, shape (frames,), optional
        Confidence that the melody sounds, in [0, 1]; by default 1 where ``f0`` is positive, else 0.
    source : str, optional
        The recording's file name.
    duration_s : float, optional
        Length of the recording (s); by default one frame behind the last.
    model : str, optional
        The model that made it.

    Raises
    ------
    AnnotationError
        If shapes disagree, times don't increase, or a value isn't finite.

    Examples
    --------
    >>> melody = Melody(times=[0.0, 0.1, 0.2], f0=[440.0, 442.0, -440.0])
    >>> melody.voiced.tolist(), [note.name for note in melody.notes()]
    ([True, True, False], ['A4'])
    >>> melody
    Melody(0.3 s, 3 frames, 67 % voiced, A4)
    """

    task: ClassVar[str] = "melody"
    kind: ClassVar[str] = "a melody"
    formats: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv", ".mid")
    readable: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv")

    times: np.ndarray
    f0: np.ndarray
    confidence: np.ndarray = None  # type: ignore[assignment]
    source: str | None = None
    duration_s: float = None  # type: ignore[assignment]
    model: str | None = None

    @classmethod
    def _joint(cls, pieces: list[Melody]) -> dict[str, Any]:
        return {
            **{
                field: np.concatenate([getattr(piece, field) for piece in pieces])
                for field in ("times", "f0", "confidence")
            },
            "source": pieces[-1].source,
            "duration_s": pieces[-1].duration_s,
            "model": pieces[-1].model,
        }

    def __post_init__(self) -> None:
        times = np.asarray(self.times, np.float64)
        f0 = np.asarray(self.f0, np.float64)
        confidence = self.confidence
        confidence = np.asarray((f0 > 0) if confidence is None else confidence, np.float64)
        if times.ndim != 1 or not times.size or not times.shape == f0.shape == confidence.shape:
            raise AnnotationError(
                f"Melody: times, f0 and confidence have the shapes {times.shape}, {f0.shape} and "
                f"{confidence.shape}; all must be (frames,), with at least one frame."
            )
        if not (np.isfinite(times).all() and np.isfinite(f0).all()):
            raise AnnotationError("Melody: times and f0 must be finite; an unvoiced frame has 0.")
        if np.any(np.diff(times) <= 0):
            raise AnnotationError("Melody: times must increase from frame to frame.")
        if not np.all((confidence >= -ROUNDING) & (confidence <= 1 + ROUNDING)):
            raise AnnotationError("Melody: confidences must be numbers in [0, 1].")
        step = times[-1] - times[-2] if len(times) > 1 else 0.0
        duration_s = times[-1] + step if self.duration_s is None else self.duration_s
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "f0", f0)
        object.__setattr__(self, "confidence", np.clip(confidence, 0.0, 1.0))
        object.__setattr__(self, "duration_s", float(duration_s))

    @property
    def voiced(self) -> np.ndarray:
        """Whether the melody sounds, bool ``(frames,)``."""
        return self.f0 > 0

    @property
    def pitch(self) -> np.ndarray:
        """MIDI pitch of each frame, ``(frames,)``; NaN where unvoiced."""
        return np.where(self.voiced, _midi(np.where(self.voiced, self.f0, 1.0)), np.nan)

    def notes(self) -> list[Note]:
        """Cut the contour into notes.

        Every voiced stretch is divided where its pitch moves to another semitone for longer
        than vibrato or a glide takes: the division has the least sum of semitones of error times
        their seconds, each change of note counting `NOTE_CHANGE_PENALTY`. Notes of less than
        `SHORTEST_NOTE_S` are left out.

        Returns
        -------
        list of Note
            Their pitch is the median of the contour (MIDI, with fractions), their amplitude the
            mean confidence, their bends the contour around that pitch.
        """
        step = float(np.median(np.diff(self.times))) if len(self.times) > 1 else self.duration_s
        notes = []
        for first, last in _runs(self.voiced):
            pitch = _midi(self.f0[first:last])
            keys = np.arange(np.floor(pitch.min()), np.ceil(pitch.max()) + 1)
            path = _nearest_keys(pitch, keys, step)
            edges = np.flatnonzero(np.diff(path)) + 1
            for begin, end in zip([0, *edges], [*edges, len(path)]):
                start_s = max(0.0, self.times[first + begin] - step / 2)
                end_s = self.times[first + end - 1] + step / 2
                if end_s - start_s < min(SHORTEST_NOTE_S, self.duration_s):
                    continue
                middle = float(np.median(pitch[begin:end]))
                bends = pitch[begin:end] - middle
                amplitude = float(self.confidence[first + begin : first + end].mean())
                notes.append(Note(start_s, end_s, middle, amplitude, tuple(bends.tolist())))
        return notes

    def __repr__(self) -> str:
        return f"Melody({self._described()}, {counted(len(self.times), 'frame')}, {self._told()})"

    def _told(self) -> str:
        if not self.voiced.any():
            return "unvoiced"
        pitch = self.pitch[self.voiced]
        share = round(100 * self.voiced.mean()) or "less than 1"
        return f"{share} % voiced, {pitch_span(pitch)}"

    def summary(self, top: int = 5) -> list[str]:
        """Give how much is voiced, the range, the middle and the first notes."""
        if not self.voiced.any():
            return ["no melody"]
        notes = self.notes()
        if not notes:
            seconds = self.voiced.mean() * self.duration_s
            return [f"no melody: {seconds:.2f} s are voiced, nowhere long enough for a note"]
        middle = pitch_name(float(np.median(self.pitch[self.voiced])))
        shown = " ".join(note.name for note in notes[: 4 * top])
        more = f" … and {len(notes) - 4 * top} more" if len(notes) > 4 * top else ""
        count = counted(len(notes), "note")
        return [f"{self._told()}, half of it above {middle}", f"{count}: {shown}{more}"]

    def events(self) -> Iterator[dict[str, Any]]:
        """Give each frame; where no melody sounds, its frequency is 0 or negative."""
        for time, f0, confidence in zip(self.times, self.f0, self.confidence, strict=True):
            yield {
                "time_s": round(float(time), 6),
                "f0_hz": round(float(f0), 3),
                "confidence": round(float(confidence), 4),
            }

    def newest(self, top: int = 5) -> list[str]:
        """Tell the last pitch and by how many cents it is off the piano's."""
        if not self.voiced[-1]:
            return ["–"]
        pitch = float(self.pitch[-1])
        return [f"{pitch_name(pitch)} {100 * (pitch - round(pitch)):+.0f} cents"]

    def sounding(self) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Give the nearest semitone wherever it changes."""
        before: tuple[int, ...] | None = None
        for time, pitch in zip(self.times.tolist(), self.pitch.tolist(), strict=True):
            now = () if np.isnan(pitch) else (round(pitch),)
            if now != before:
                yield time, now
            before = now

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it."""
        return plain(self._document())

    def _document(self) -> dict[str, Any]:
        return {
            **self._about(),
            "times": number_rows(self.times, 6),
            "f0": number_rows(self.f0, 3),
            "confidence": number_rows(self.confidence, 4),
        }

    def _draw(self, ax: Any) -> None:
        voiced = self.f0[self.voiced] if self.voiced.any() else np.array([110.0, 440.0])
        around = 2.0 ** (PLOTTED_SEMITONES_AROUND / 12)
        fmin, fmax = voiced.min() / around, voiced.max() * around
        if fmin < pictures.SAMPLE_RATE / 4:
            spectra = pictures.recording_spectra(self.source, self.duration_s)
            if spectra is not None:
                frequencies, levels = pictures.log_spectrogram(spectra, fmin, fmax)
                ax.pcolormesh(spectra.edges, frequencies, levels, cmap="Greys", vmin=-60, vmax=0)
        times, contour = pictures.thinned(self.times, np.where(self.voiced, self.f0, np.nan))
        ax.plot(times, contour, color="tab:red", linewidth=1.3, alpha=0.85)
        ax.set_yscale("log", base=2)
        ax.yaxis.set_major_formatter(lambda hertz, _: f"{hertz:.0f}")
        ax.set_ylim(fmin, fmax)
        ax.set_xlim(0, self.duration_s)
        ax.set_ylabel("f0 (Hz)")

    def _play(self, sample_rate: int, n_samples: int) -> Iterator[np.ndarray]:
        return sound.sing(self.times, self.f0, sample_rate, n_samples)

    def _to_mid(self) -> bytes:
        notes = self.notes()
        return midi_of(
            lambda: map(note_for_midi, notes),
            name="melody",
            program=73,
            tempo_map=self.tempo_map,
        )

    def _to_csv(self) -> Iterator[str]:
        columns = map(number_rows, (self.times, self.f0, self.confidence))
        return csv_lines(
            ["time_s", "f0_hz", "confidence"],
            (
                [f"{time:.6f}", f"{f0:.3f}", f"{confidence:.4f}"]
                for time, f0, confidence in zip(*columns, strict=True)
            ),
        )

    def _to_jams(self) -> Iterator[str]:
        voiced = self.voiced
        stretches = np.cumsum(np.diff(voiced, prepend=False) & voiced, dtype=np.int32)
        f0 = number_rows(self.f0)
        values = Rows(
            len(f0),
            lambda: (
                {"index": stretch, "frequency": abs(hertz), "voiced": hertz > 0}
                for hertz, stretch in zip(f0, number_rows(stretches))
            ),
        )
        data = {
            "time": number_rows(self.times),
            "duration": Rows(len(f0), lambda: repeat(0.0, len(f0))),
            "value": values,
            "confidence": number_rows(self.confidence),
        }
        sandbox = {"model": self.model, "source": self.source}
        return jams_pieces(self, jams_annotation(self, "pitch_contour", data, sandbox))

    @staticmethod
    def _from_csv(text: str) -> dict[str, Any]:
        header, *rows = csv.reader(io.StringIO(text))
        if len(header) == 2 and all(map(_is_number, header)):
            times, f0 = np.array([header, *rows], np.float64).T
            return {"times": times, "f0": f0}
        if header != ["time_s", "f0_hz", "confidence"]:
            raise ValueError(f"the columns are {header}, not time_s, f0_hz, confidence")
        if not rows:
            raise ValueError(NO_ROWS)
        times, f0, confidence = np.array(rows, np.float64).T
        return {"times": times, "f0": f0, "confidence": confidence}

    @staticmethod
    def _from_json(text: str) -> dict[str, Any]:
        document = json.loads(text)
        fields = ("times", "f0", "confidence", "source", "duration_s", "model")
        return {field: document[field] for field in fields}

    @staticmethod
    def _from_jams(text: str) -> dict[str, Any]:
        document, found = load_jams(text, "pitch_contour")
        about = dict(**found.sandbox)
        values = [observation.value for observation in found.data]
        return {
            "times": [observation.time for observation in found.data],
            "f0": [v["frequency"] * (1.0 if v["voiced"] else -1.0) for v in values],
            "confidence": [observation.confidence for observation in found.data],
            "source": about.get("source"),
            "model": about.get("model"),
            "duration_s": document.file_metadata.duration,
        }


def _midi(f0: np.ndarray) -> np.ndarray:
    return 69.0 + 12.0 * np.log2(f0 / 440.0)


def _nearest_keys(pitch: np.ndarray, keys: np.ndarray, step: float) -> np.ndarray:
    """The number of each frame's key: near its pitch, but with few changes."""
    following, path = PathWithChanges(NOTE_CHANGE_PENALTY), []
    for start in range(0, len(pitch), BLOCK_FRAMES):
        errors = np.abs(pitch[start : start + BLOCK_FRAMES, np.newaxis] - keys) * step
        path.append(following.add(-errors))
    return np.concatenate([*path, following.finish()])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _runs(voiced: np.ndarray) -> list[tuple[int, int]]:
    """First frame of each voiced stretch, and the first behind it."""
    edges = np.flatnonzero(np.diff(voiced, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))
