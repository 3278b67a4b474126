"""Beats: where they are, which of them begin bars, and how fast they go."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

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
from mirzoo.tasks.annotation.files import csv_lines, number_rows, plain
from mirzoo.tasks.annotation.midi_file import TempoMap, midi_of
from mirzoo.tasks.beats.bars import bar_positions, metres_of
from mirzoo.tasks.beats.tempo import candidates, steady_fit, tempo_curve, tempo_of

if TYPE_CHECKING:
    from mirzoo.data.labels import Labels

COLUMNS = ["time_s", "position", "confidence", "downbeat_confidence"]
CLICK_S = 0.04
CLICK, ACCENT = 86, 98
CLICK_LOUDNESS = 0.6
BAR_CHANGE_PENALTY = 8.0
MOST_BEATS_GIVEN = 16
STEADY_SHARE = 0.8
ROUNDING = 1e-5
SHOWN_CHANGES = 8
DENSE_POINTS, STRIP = 4.0, 0.85
"""With less room for each beat of a picture (points), beats are ticks above the onset strength,
which goes up to ``STRIP`` then."""


@dataclass(frozen=True, eq=False, repr=False)
class Beats(Playable):
    """The beats of a recording, its bars and its tempo.

    `plot` draws beats and bar lines over the onset strength, and the tempo over time; `sonify`
    plays a click on every beat, a higher one on downbeats.

    `write` makes, by suffix:

    - ``.beats``: a line per beat, its time (s) and its place in the bar, as GTZAN, Ballroom and
      mirdata have it; the time alone where bars are not known;
    - ``.csv``: a row per beat: ``time_s``, ``position``, ``confidence``, ``downbeat_confidence``;
    - ``.json``: what `to_dict` gives;
    - ``.jams``: a ``beat`` annotation, whose values are places in the bar, and a ``tempo`` one;
    - ``.mid``: a tempo map with time signatures, for a DAW. This one isn't read.

    Parameters
    ----------
    times : array, shape (beats,)
        s, ascending; none where there is no beat.
    positions : array, shape (beats,), optional
        The place of each beat in its bar: 1 on downbeats, then 2 and so on. None where bars are
        not known.
    confidence, downbeat_confidence : array, shape (beats,), optional
        How likely a beat, and a downbeat, is there, in [0, 1].
    tempi : sequence of (float, float), optional
        Tempo (beats a minute) and weight of the candidates, that of the beats first; by default
        the tempo of the beats alone.
    source : str, optional
        The recording's file name.
    duration_s : float, optional
        Length of the recording (s); by default the last beat.
    model : str, optional
        The model that made it.

    Raises
    ------
    AnnotationError
        If times do not ascend, or there are not as many of each as there are beats.

    Examples
    --------
    >>> beats = Beats([0.5, 1.0, 1.5, 2.0, 2.5], [3, 1, 2, 3, 1], duration_s=3.0)
    >>> beats.tempo, beats.downbeats.tolist(), beats.metre
    (120.0, [1.0, 2.5], 3)
    >>> beats
    Beats(3.0 s: 5 beats, 120.0 BPM, 3 beats a bar, 2 downbeats)
    >>> beats.bars
    [(1.0, 2.5, 3)]
    """

    task: ClassVar[str] = "beats"
    kind: ClassVar[str] = "beats"
    formats: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv", ".beats", ".mid")
    readable: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv", ".beats")

    times: np.ndarray
    positions: np.ndarray | None = None
    confidence: np.ndarray | None = None
    downbeat_confidence: np.ndarray | None = None
    tempi: Sequence[tuple[float, float]] | None = None
    source: str | None = None
    duration_s: float = None  # type: ignore[assignment]
    model: str | None = None

    @classmethod
    def _joint(cls, pieces: list[Beats]) -> dict[str, Any]:
        def together(field: str) -> np.ndarray | None:
            values = [getattr(piece, field) for piece in pieces if len(piece.times)]
            known = values and all(value is not None for value in values)
            return np.concatenate(values) if known else None

        times = together("times")
        return {
            "times": np.zeros(0) if times is None else times,
            **{name: together(name) for name in ("positions", "confidence", "downbeat_confidence")},
            "source": pieces[-1].source,
            "duration_s": pieces[-1].duration_s,
            "model": pieces[-1].model,
        }

    def __post_init__(self) -> None:
        times = np.asarray(self.times, np.float64)
        if times.ndim != 1 or not np.isfinite(times).all() or (times < 0).any():
            raise AnnotationError(
                f"Beats: times have the shape {times.shape}; allowed are (beats,) of seconds, not "
                "negative. Do they hold positions as well?"
            )
        if (np.diff(times) <= 0).any():
            late = int(np.flatnonzero(np.diff(times) <= 0)[0])
            raise AnnotationError(
                f"Beats: the beat at {times[late + 1]:g} s follows that at {times[late]:g} s; "
                "times must ascend."
            )
        positions = self.positions
        if positions is not None:
            positions = np.asarray(positions)
            if positions.shape != times.shape or (positions != positions.round()).any():
                raise AnnotationError(
                    f"Beats: positions have the shape {positions.shape} for "
                    f"{counted(len(times), 'beat')}; a "
                    "whole number for each is needed."
                )
            positions = positions.astype(np.int64)
            if (positions < 1).any():
                raise AnnotationError(
                    f"Beats: the position {positions.min()} is no place in a bar; downbeats are 1, "
                    "the beats behind them 2, 3 and so on. Are they counted from 0?"
                )
        shares = {}
        for name in ("confidence", "downbeat_confidence"):
            values = getattr(self, name)
            if values is not None:
                values = np.asarray(values, np.float64)
                if values.shape != times.shape:
                    raise AnnotationError(
                        f"Beats: {name} has the shape {values.shape} for "
                        f"{counted(len(times), 'beat')}; one "
                        "for each is needed."
                    )
                if not ((values >= -ROUNDING) & (values <= 1 + ROUNDING)).all():
                    raise AnnotationError(f"Beats: {name} leaves [0, 1]. Are these logits?")
            shares[name] = values
        tempi = candidates(tempo_of(times)) if self.tempi is None else self.tempi
        tempi = tuple((float(tempo), float(weight)) for tempo, weight in tempi)
        if any(not 0 < tempo < 1e4 or not 0 <= weight <= 1 + ROUNDING for tempo, weight in tempi):
            raise AnnotationError(
                f"Beats: tempi are {tempi}; allowed are pairs of beats a minute and a weight in "
                "[0, 1]."
            )
        last = float(times[-1]) if len(times) else 0.0
        duration_s = last if self.duration_s is None else float(self.duration_s)
        for name, value in {
            "times": times, "positions": positions, "tempi": tempi, "duration_s": duration_s,
            "tempo_map": TempoMap(times, positions), **shares,
        }.items():  # fmt: skip
            object.__setattr__(self, name, value)

    @property
    def downbeats(self) -> np.ndarray:
        """Times of the first beats of bars (s); none where bars are not known."""
        return self.times[:0] if self.positions is None else self.times[self.positions == 1]

    @property
    def bars(self) -> list[tuple[float, float, int]]:
        """Start (s), end (s) and number of beats of each bar that is complete."""
        if self.positions is None:
            return []
        firsts = np.flatnonzero(self.positions == 1)
        return [
            (float(self.times[start]), float(self.times[stop]), int(stop - start))
            for start, stop in pairwise(firsts)
        ]

    @property
    def tempo(self) -> float | None:
        """Beats a minute; None where there are fewer than two beats."""
        return self.tempi[0][0] if self.tempi else None

    @property
    def tempo_curve(self) -> np.ndarray:
        """The tempo around each beat (beats a minute), ``(beats,)``."""
        return tempo_curve(self.times)

    @property
    def metre(self) -> int | None:
        """How many beats bars have for most of the music; None where bars are not known."""
        metres = self.metres
        return int(np.bincount(metres).argmax()) if len(metres) and metres.max() > 0 else None

    @property
    def metres(self) -> np.ndarray:
        """How many beats the bar of each beat has, int ``(beats,)``; 0 where that is not known."""
        if self.positions is None:
            return np.zeros(len(self.times), np.int64)
        return metres_of(self.positions)

    # What users correct

    def with_bars(self, beats_per_bar: int) -> Beats:
        """Give the same beats in bars of so many, which begin where downbeats are likeliest.

        Parameters
        ----------
        beats_per_bar : int
            1 to 16.

        Raises
        ------
        AnnotationError
            If the number is not allowed, or nothing tells how likely downbeats are.
        """
        if not 1 <= beats_per_bar <= MOST_BEATS_GIVEN:
            raise AnnotationError(
                f"beats_per_bar is {beats_per_bar}; allowed are 1 to {MOST_BEATS_GIVEN}"
            )
        likely = self._downbeat_evidence()
        if likely is None:
            raise AnnotationError(
                "Beats.with_bars needs bars or downbeat_confidence, to know where bars begin"
            )
        positions = bar_positions(
            likely, beats_per_bar=beats_per_bar, change_penalty=BAR_CHANGE_PENALTY
        )
        return replace(self, positions=positions).with_warnings(self.warnings)

    def double_time(self) -> Beats:
        """Give twice as many beats: one more in the middle between two. Bar lines stay."""
        times, count = self.times, len(self.times)
        if count < 2:
            return self
        doubled = np.empty(2 * count - 1)
        doubled[::2], doubled[1::2] = times, (times[1:] + times[:-1]) / 2
        positions = None
        if self.positions is not None:
            positions = np.empty(2 * count - 1, np.int64)
            positions[::2] = 2 * self.positions - 1
            positions[1::2] = 2 * self.positions[:-1]
        return self._faster(2.0, doubled, positions)

    def half_time(self) -> Beats:
        """Give every second beat.

        Where all bars have an even number of beats, those on downbeats stay and so do bar lines;
        else those that are likelier, and bars are found anew.
        """
        times, positions, metres = self.times, self.positions, self.metres
        if len(times) < 2:
            return self
        if positions is not None and not (metres % 2).any() and metres.min() > 0:
            chosen = np.flatnonzero(positions % 2 == 1)
            return self._faster(0.5, times[chosen], (positions[chosen] + 1) // 2, chosen)
        confidence = np.ones(len(times)) if self.confidence is None else self.confidence
        first = int(confidence[1::2].mean() > confidence[::2].mean())
        chosen = np.arange(first, len(times), 2)
        likely = self._downbeat_evidence()
        bars = None
        if likely is not None:
            bars = bar_positions(likely[chosen], change_penalty=BAR_CHANGE_PENALTY)
        return self._faster(0.5, times[chosen], bars, chosen)

    def steadied(self) -> Beats:
        """Give beats of one tempo and offset, the best fit to these, for music made to a click.

        Beats that are missing are filled in; bars go on from the first downbeat, all with as many
        beats as most have. A warning tells where the music is not steady: where fewer than 80 % of
        the beats are within 50 ms of those given.
        """
        fit = steady_fit(self.times, self.confidence)
        if fit is None:
            return self
        numbers = np.round((self.times - fit.offset_s) / fit.period_s).astype(np.int64)
        every = np.arange(numbers[0], numbers[-1] + 1)
        times = fit.offset_s + fit.period_s * every
        every, times = every[times >= 0], times[times >= 0]
        positions, metre = None, self.metre
        if self.positions is not None and metre is not None:
            firsts = numbers[self.positions == 1] % metre
            begins = int(np.bincount(firsts, minlength=metre).argmax())
            positions = (every - begins) % metre + 1
        place = np.minimum(np.searchsorted(numbers, every), len(numbers) - 1)
        there = numbers[place] == every

        def moved(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else np.where(there, values[place], 0.0)

        tempo = 60.0 / fit.period_s
        before = self.tempi or ((tempo, 1.0),)
        others = [(other * tempo / before[0][0], weight) for other, weight in before[1:]]
        found = Beats(
            times, positions, moved(self.confidence), moved(self.downbeat_confidence),
            [(tempo, before[0][1]), *others], self.source, self.duration_s, self.model,
        )  # fmt: skip
        warnings = list(self.warnings)
        if fit.share < STEADY_SHARE:
            warnings.append(
                f"the tempo is not steady: {fit.share:.0%} of the beats are within 50 ms of one "
                f"tempo of {tempo:.2f} BPM"
            )
        return found.with_warnings(warnings)

    def nearest(self, times: np.ndarray, *, within_beats: float = 0.5) -> np.ndarray:
        """Move times to their nearest beats, where one is within a part of a beat's length.

        Parameters
        ----------
        times : array, shape (times,)
            s.
        within_beats : float
            As much of a beat at the recording's tempo; times that are farther stay.

        Returns
        -------
        np.ndarray
            s, ``(times,)``.

        Examples
        --------
        >>> Beats([1.0, 1.5, 2.0]).nearest(np.array([0.1, 1.1, 1.9])).tolist()
        [0.1, 1.0, 2.0]
        """
        times = np.asarray(times, np.float64)
        if self.tempo is None or not len(times):
            return times
        after = np.clip(np.searchsorted(self.times, times), 1, len(self.times) - 1)
        before = after - 1
        closer = times - self.times[before] <= self.times[after] - times
        near = np.where(closer, self.times[before], self.times[after])
        reach = within_beats * 60.0 / self.tempo + 1e-9
        return np.where(np.abs(near - times) <= reach, near, times)

    def _downbeat_evidence(self) -> np.ndarray | None:
        if self.downbeat_confidence is not None:
            return self.downbeat_confidence
        return None if self.positions is None else np.where(self.positions == 1, 0.9, 0.1)

    def _faster(
        self,
        ratio: float,
        times: np.ndarray,
        positions: np.ndarray | None,
        chosen: np.ndarray | None = None,
    ) -> Beats:
        """The same at ``ratio`` times the tempo; the former tempo is the other candidate."""

        def part(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None or chosen is None else values[chosen]

        before = list(self.tempi or ())
        tempi = [(tempo * ratio, weight) for tempo, weight in before[:1]]
        if len(before) > 1:
            tempi.append((before[0][0], 1.0 - tempi[0][1]))
        return replace(
            self, times=times, positions=positions, confidence=part(self.confidence),
            downbeat_confidence=part(self.downbeat_confidence), tempi=tempi,
        ).with_warnings(self.warnings)  # fmt: skip

    # Files, pictures, sounds

    def summary(self, top: int = 5) -> list[str]:
        """Give tempo, metre, and how many beats and bars there are."""
        if not len(self.times):
            return ["no beats"]
        tempo = "" if self.tempo is None else f", {self.tempo:.1f} BPM"
        metre = ""
        if self.metre is not None and len(self.times) > 1:
            metre = f", {counted(self.metre, 'beat')} a bar"
        count = len(self.downbeats)
        bars = f", {counted(count, 'downbeat')}" if self.positions is not None else ""
        lines = [f"{counted(len(self.times), 'beat')}{tempo}{metre}{bars}"]
        if self.tempi and len(self.tempi) > 1:
            shares = (f"{tempo:.1f} BPM {weight:.0%}" for tempo, weight in self.tempi)
            lines.append(f"tempo: {', '.join(shares)}")
        changes = self._metre_changes()
        if len(changes) > 1:
            shown = "   ".join(
                f"{pictures.clock(time)} {metre}" for time, metre in changes[:SHOWN_CHANGES]
            )
            rest = len(changes) - SHOWN_CHANGES
            lines.append(f"beats a bar: {shown}" + (f"   … and {rest} more" if rest > 0 else ""))
        return lines

    def _metre_changes(self) -> list[tuple[float, int]]:
        metres = self.metres
        if not len(metres):
            return []
        firsts = np.concatenate([[0], np.flatnonzero(np.diff(metres)) + 1])
        return [(float(self.times[first]), int(metres[first])) for first in firsts]

    def events(self) -> Iterator[dict[str, Any]]:
        """Give each beat."""
        for number, time in enumerate(self.times.tolist()):
            event: dict[str, Any] = {"time_s": round(time, 6)}
            if self.positions is not None:
                event["position"] = int(self.positions[number])
            if self.confidence is not None:
                event["confidence"] = round(float(self.confidence[number]), 4)
            yield event

    def newest(self, top: int = 5) -> list[str]:
        """Give the place of the last beat in its bar, and the tempo."""
        if not len(self.times):
            return []
        place = [] if self.positions is None else [str(self.positions[-1])]
        return [*place, *([] if self.tempo is None else [f"{self.tempo:.1f} BPM"])]

    def sounding(self) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Give a short high pitch on every beat, a higher one on downbeats."""
        for tone in self._clicks():
            yield tone.start_s, (int(tone.pitch),)
            yield tone.end_s, ()

    def _is_first(self) -> np.ndarray:
        if self.positions is None:
            return np.zeros(len(self.times), bool)
        return self.positions == 1

    def _clicks(self) -> Iterator[sound.Tone]:
        for time, accent in zip(self.times.tolist(), self._is_first().tolist(), strict=True):
            pitch, loudness = (ACCENT, 1.0) if accent else (CLICK, CLICK_LOUDNESS)
            yield sound.Tone(time, time + CLICK_S, pitch, loudness)

    def _play(self, sample_rate: int, n_samples: int) -> Iterator[np.ndarray]:
        return sound.play(self._clicks(), sample_rate, n_samples)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it."""
        return plain(self._document())

    def _document(self) -> dict[str, Any]:
        def rows(values: np.ndarray | None, digits: int | None) -> list | None:
            return None if values is None else number_rows(values, digits)

        return {
            **self._about(),
            "tempo": None if self.tempo is None else round(self.tempo, 4),
            "tempi": [[round(tempo, 4), round(weight, 4)] for tempo, weight in self.tempi or ()],
            "metre": self.metre,
            "times": rows(self.times, 6),
            "positions": rows(self.positions, None),
            "confidence": rows(self.confidence, 4),
            "downbeat_confidence": rows(self.downbeat_confidence, 4),
        }

    def _draw(self, ax: Any) -> None:
        wide = 72 * ax.get_window_extent().width / ax.figure.dpi
        points = wide / max(len(self.times), 1)
        dense = points < DENSE_POINTS
        grey = "0.6" if dense else "0.8"
        spectra = pictures.recording_spectra(self.source, self.duration_s)
        if spectra is not None and len(spectra.magnitudes) > 1:
            strength = pictures.onset_strength(spectra)
            middles = (spectra.edges[1:] + spectra.edges[:-1]) / 2
            ax.fill_between(middles, strength * (STRIP if dense else 1), color=grey, linewidth=0)
        if len(self.times):
            shown = pictures.visible(self.times, self.duration_s)
            first = self._is_first()[shown]
            foot, top = (STRIP, (STRIP + 1) / 2) if dense else (0.0, 0.7)
            for times, height, width, colour in (
                (self.times[shown[~first]], top, 0.6, "C0"),
                (self.times[shown[first]], 1.0, 1.2, "C3"),
            ):
                ax.vlines(times, foot, height, color=colour, linewidth=min(width, points))
        ax.set_ylim(0, 1.05)
        ax.set_yticks([])
        ax.set_ylabel("onset strength")
        if len(self.times) > 1:
            curve = ax.twinx()
            curve.plot(*pictures.thinned(self.times, self.tempo_curve), color="C1", linewidth=1.2)
            curve.set_ylabel("tempo (BPM)", color="C1")
            around = self.tempo or 120.0
            curve.set_ylim(around / 2, around * 1.5)
        ax.set_xlim(0, self.duration_s or 1.0)

    def _title(self) -> str:
        return f"{super()._title()}: {self.summary()[0]}"

    def _to_mid(self) -> bytes:
        return midi_of(lambda: iter(()), name="tempo map", tempo_map=self.tempo_map)

    def _to_beats(self) -> Iterator[str]:
        positions = self.positions
        for number, time in enumerate(self.times.tolist()):
            place = "" if positions is None else f"\t{positions[number]}"
            yield f"{time:.6f}{place}\n"

    def _to_csv(self) -> Iterator[str]:
        def cell(values: np.ndarray | None, number: int, form: str) -> str:
            return "" if values is None else format(values[number], form)

        return csv_lines(
            COLUMNS,
            (
                [
                    f"{time:.6f}",
                    cell(self.positions, number, "d"),
                    cell(self.confidence, number, ".4f"),
                    cell(self.downbeat_confidence, number, ".4f"),
                ]
                for number, time in enumerate(self.times.tolist())
            ),
        )

    def _to_jams(self) -> Iterator[str]:
        def of(values: np.ndarray | None, number: int) -> Any:
            return None if values is None else values[number].item()

        data = [
            observation(time, 0.0, of(self.positions, number), of(self.confidence, number))
            for number, time in enumerate(self.times.tolist())
        ]
        about: dict[str, Any] = {"model": self.model, "source": self.source}
        if self.downbeat_confidence is not None:
            about["downbeat_confidence"] = self.downbeat_confidence.tolist()
        found = [jams_annotation(self, "beat", data, about)]
        if self.tempi:
            tempi = [observation(0.0, self.duration_s, *pair) for pair in self.tempi]
            found.append(jams_annotation(self, "tempo", tempi))
        return jams_pieces(self, *found)

    @staticmethod
    def _from_beats(text: str) -> dict[str, Any]:
        rows = [line.split() for line in text.splitlines() if line.strip()]
        known = bool(rows) and all(len(row) > 1 for row in rows)
        return {
            "times": [float(row[0]) for row in rows],
            "positions": [int(float(row[1])) for row in rows] if known else None,
        }

    @staticmethod
    def _from_csv(text: str) -> dict[str, Any]:
        header, *rows = csv.reader(io.StringIO(text))
        if header != COLUMNS:
            raise ValueError(f"the columns are {header}, not {COLUMNS}")

        def column(place: int, kind: Any) -> list | None:
            known = bool(rows) and all(row[place] for row in rows)
            return [kind(row[place]) for row in rows] if known else None

        return {
            "times": [float(row[0]) for row in rows],
            "positions": column(1, int),
            "confidence": column(2, float),
            "downbeat_confidence": column(3, float),
        }

    @staticmethod
    def _from_json(text: str) -> dict[str, Any]:
        document = json.loads(text)
        fields = (
            "times", "positions", "confidence", "downbeat_confidence", "tempi", "source",
            "duration_s", "model",
        )  # fmt: skip
        return {field: document[field] for field in fields}

    @staticmethod
    def _from_jams(text: str) -> dict[str, Any]:
        document, found = load_jams(text, "beat")
        about, data = dict(**found.sandbox), list(found.data)
        tempi = [o for each in document.search(namespace="tempo")[:1] for o in each.data]
        positions, confidence = [o.value for o in data], [o.confidence for o in data]
        return {
            "times": [o.time for o in data],
            "positions": None if not data or None in positions else positions,
            "confidence": None if not data or None in confidence else confidence,
            "downbeat_confidence": about.get("downbeat_confidence"),
            "tempi": [(o.value, o.confidence) for o in tempi] or None,
            "source": about.get("source"),
            "model": about.get("model"),
            "duration_s": document.file_metadata.duration,
        }


def truth_of(labels: Labels, duration_s: float | None = None) -> Beats | None:
    """The result that a perfect model gives for labels; None where no beats are known."""
    if labels.beats is None or not len(labels.beats):
        return None
    times = np.unique(labels.beats)
    end_s = float(times[-1]) if duration_s is None else duration_s
    return Beats(times, positions_of(times, labels.downbeats), duration_s=end_s)


def positions_of(times: np.ndarray, downbeats: np.ndarray | None) -> np.ndarray | None:
    """The place in its bar of each beat; those before the first downbeat end a bar.

    None where no downbeat is known, or none is at a beat.

    Examples
    --------
    >>> positions_of(np.arange(6.0), np.array([2.0, 5.0])).tolist()
    [2, 3, 1, 2, 3, 1]
    """
    if downbeats is None or not len(downbeats):
        return None
    marks = np.sort(np.asarray(downbeats, np.float64))
    after = np.minimum(np.searchsorted(marks, times), len(marks) - 1)
    apart = np.minimum(
        np.abs(times - marks[after]), np.abs(times - marks[np.maximum(after - 1, 0)])
    )
    firsts = np.flatnonzero(apart < 1e-3)
    if not len(firsts):
        return None
    places = np.arange(len(times))
    start = firsts[np.maximum(np.searchsorted(firsts, places, side="right") - 1, 0)]
    positions = places - start + 1
    lead = int(firsts[0])
    first_bar = int(firsts[1] - firsts[0]) if len(firsts) > 1 else lead + 1
    positions[:lead] = max(first_bar, lead + 1) - lead + 1 + places[:lead]
    return positions
