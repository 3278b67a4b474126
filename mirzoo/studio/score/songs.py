"""Songs as symbols: melody, chords and beats, read from POP909 folders and from lead sheets."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from mirzoo.dsp import chord_vocabulary
from mirzoo.dsp.chord_vocabulary import PITCH_CLASSES, degree_name, degree_semitones
from mirzoo.errors import DataError
from mirzoo.studio.score import midi
from mirzoo.studio.score.midi import MidiNote

QUALITIES = {
    quality: chord_vocabulary.intervals_of(quality)
    for quality in (*chord_vocabulary.QUALITIES, "sus4(b7)")
}
"""Semitones above the root of each quality that songs have."""

ON_BEAT_S = 0.08
"""How far from a beat a chord may begin that is counted as on it."""

FEWEST_WHOLE_BARS = 6

ROOTS = ("C", "Db", *chord_vocabulary.ROOT_NAMES[2:])
"""The spelling of roots and keys: flats, but for F#."""

MUSICXML_KINDS = {
    "major": "maj",
    "minor": "min",
    "dominant": "7",
    "minor-seventh": "min7",
    "major-seventh": "maj7",
    "diminished": "dim",
    "augmented": "aug",
    "major-sixth": "maj6",
    "minor-sixth": "min6",
    "diminished-seventh": "dim7",
    "half-diminished": "hdim7",
    "suspended-fourth": "sus4",
    "suspended-second": "sus2",
    "minor-major": "minmaj7",
    "dominant-ninth": "7",
    "dominant-11th": "7",
    "dominant-13th": "7",
    "minor-ninth": "min7",
    "minor-11th": "min7",
    "minor-13th": "min7",
    "major-ninth": "maj7",
    "maj69": "maj6",
    "augmented-seventh": "aug",
    "augmented-ninth": "aug",
    "major-minor": "minmaj7",
}


@dataclass(frozen=True)
class TimedChord:
    """A chord from ``start_s`` to ``end_s``: root (0 = C) and intervals above it (semitones).

    ``quality`` is the chord's name in Harte syntax (a key of `QUALITIES`, or degrees in
    parentheses) and ``bass`` the degree in the bass in Harte syntax, "1" for the root.
    """

    start_s: float
    end_s: float
    root: int
    intervals: tuple[int, ...]
    quality: str
    bass: str = "1"

    @property
    def label(self) -> str:
        """The chord in Harte syntax, like ``Eb:min7/b3``."""
        return f"{ROOTS[self.root]}:{self.quality}" + (f"/{self.bass}" if self.bass != "1" else "")

    @property
    def bass_pitch_class(self) -> int:
        """The pitch class of the lowest note (0 = C)."""
        return (self.root + degree_semitones(self.bass)) % 12


@dataclass(frozen=True)
class Song:
    """A song, all times in seconds.

    ``accompaniment`` is what a piano plays with the melody, if the source has it; ``beats``
    are the times of all beats and ``downbeats`` those of the first beats of the bars; ``key`` is
    like ``Eb:maj``, None where it changes or isn't known. ``bars_confirmed`` is whether the chords
    confirm that bars begin at the downbeats.
    """

    melody: tuple[MidiNote, ...]
    accompaniment: tuple[MidiNote, ...]
    chords: tuple[TimedChord, ...]
    beats: np.ndarray
    downbeats: np.ndarray
    key: str | None = None
    bars_confirmed: bool = True


def read(path: Path | str) -> Song:
    """Read a song: a POP909 ``.mid`` with its annotations in its folder, or a MusicXML ``.mxl``."""
    path = Path(path)
    return read_pop909(path) if path.suffix == ".mid" else read_lead_sheet(path)


def read_pop909(path: Path) -> Song:
    """Read a song of POP909; its chords and beats come from the text files in its folder.

    The accompaniment is the track PIANO alone: BRIDGE is a second melody, mostly where MELODY
    rests, and would sound like the melody where the labels have none.
    """
    parts = {part.name: part.notes for part in midi.read(path)}
    if "MELODY" not in parts:
        raise DataError(f"'{path}' has no track MELODY but {sorted(parts)}; is it of POP909?")
    beats = np.loadtxt(path.parent / "beat_midi.txt")
    chords = []
    for line in (path.parent / "chord_midi.txt").read_text().splitlines():
        start, end, label = line.split()
        if label != "N":
            chords.append(_harte_chord(float(start), float(end), label))
    accompaniment = sorted(parts.get("PIANO", ()), key=lambda note: (note.start_s, note.pitch))
    return Song(
        tuple(parts["MELODY"]),
        tuple(accompaniment),
        tuple(chords),
        beats[:, 0],
        beats[beats[:, 2] == 1, 0],
        _only_key(path.parent / "key_audio.txt"),
        chords_confirm_bars(chords, beats[:, 0], beats[:, 2] == 1),
    )


def chords_confirm_bars(
    chords: Sequence[TimedChord], beats: np.ndarray, is_downbeat: np.ndarray
) -> bool:
    """Whether chords change so often on downbeats that no other place in the bar is as likely.

    More chords must begin on the first beat of a bar than on any other: half as many again, or of
    those that last a whole bar, if there are six, twice as many. POP909 has two columns of bars,
    of which the longer ones are taken; in 59 of its 909 songs chords confirm neither their length
    nor where they begin.

    Parameters
    ----------
    chords : sequence of TimedChord
    beats : np.ndarray
        Their times (s), ``(beats,)``.
    is_downbeat : np.ndarray
        Which of them begin bars, bool ``(beats,)``.

    Examples
    --------
    >>> beats = np.arange(32) * 0.5
    >>> triads = [TimedChord(at, at + 2.0, 0, (0, 4, 7), "maj") for at in range(0, 16, 2)]
    >>> chords_confirm_bars(triads, beats, np.arange(32) % 4 == 0)
    True
    >>> chords_confirm_bars(triads, beats, np.arange(32) % 4 == 2)
    False
    """
    firsts = np.flatnonzero(is_downbeat)
    if len(firsts) < 2 or not chords:
        return False
    length = int(np.bincount(np.diff(firsts)).argmax())
    numbers = np.arange(len(beats))
    bar = np.clip(np.searchsorted(firsts, numbers, side="right") - 1, 0, None)
    place = (numbers - firsts[bar]) % length
    edges = np.array([(chord.start_s, chord.end_s) for chord in chords])
    nearest = np.abs(edges[..., np.newaxis] - beats).argmin(axis=2)
    first, last = nearest.T
    on_beat = (np.abs(edges[:, 0] - beats[first]) < ON_BEAT_S) & (first >= firsts[0])
    starts = np.bincount(place[first[on_beat]], minlength=length)
    whole = np.bincount(place[first[on_beat & (last - first >= length)]], minlength=length)
    if starts[0] <= starts[1:].max():
        return False
    return bool(
        starts[0] >= 1.5 * starts[1:].max()
        or (whole.sum() >= FEWEST_WHOLE_BARS and whole[0] >= 2 * whole[1:].max())
    )


def pitch_class(name: str) -> int:
    """The pitch class (0 = C) of a note's name like ``F#`` or ``Bb``."""
    return (PITCH_CLASSES[name[0]] + name.count("#") - name.count("b")) % 12


def _only_key(path: Path) -> str | None:
    """The key in POP909's list of keys, where it has just one."""
    lines = path.read_text().split("\n") if path.exists() else []
    keys = {line.split()[2] for line in lines if line.strip()}
    return _transposed_key(keys.pop(), 0) if len(keys) == 1 else None


def _transposed_key(key: str, semitones: int) -> str:
    tonic, mode = key.split(":")
    return f"{ROOTS[(pitch_class(tonic) + semitones) % 12]}:{mode}"


def _harte_chord(start_s: float, end_s: float, label: str) -> TimedChord:
    chord, _, bass = label.partition("/")
    root, quality = chord.split(":")
    return TimedChord(start_s, end_s, pitch_class(root), QUALITIES[quality], quality, bass or "1")


def read_lead_sheet(path: Path, quarter_s: float = 0.5) -> Song:
    """Read a lead sheet (MusicXML): one part, played from its first bar to its last.

    A quarter note lasts ``quarter_s`` (s); repeats are not followed.
    """
    with zipfile.ZipFile(path) as archive:
        score = next(name for name in archive.namelist() if not name.startswith("META-INF"))
        root = ElementTree.fromstring(archive.read(score))
    divisions, now = 1, 0.0
    beat, bar = quarter_s, 4 * quarter_s
    melody: list[MidiNote] = []
    changes: list[tuple[float, int, str, str]] = []
    beats: list[float] = []
    downbeats: list[float] = []
    for measure in _child(root, "part").iter("measure"):
        start = now
        for element in measure:
            if element.tag == "attributes":
                divisions = int(element.findtext("divisions", str(divisions)))
                if (time := element.find("time")) is not None:
                    beat = 4 / int(_text(time, "beat-type")) * quarter_s
                    bar = int(_text(time, "beats")) * beat
            elif element.tag == "harmony":
                changes.append((now, *_musicxml_chord(element)))
            elif element.tag == "note":
                duration = int(element.findtext("duration", "0")) / divisions * quarter_s
                _add_note(melody, element, now, duration)
                now += duration
        downbeats.append(start)
        beats.extend(start + k * beat for k in range(max(1, round((now - start) / beat))))
        if now == start:
            now = start + bar
    ends = [change[0] for change in changes[1:]] + [now]
    chords = tuple(
        TimedChord(at, end, root, QUALITIES[quality], quality, bass)
        for (at, root, quality, bass), end in zip(changes, ends, strict=True)
        if end > at
    )
    return Song(tuple(melody), (), chords, np.array(beats), np.array(downbeats))


def _child(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    if found is None:
        raise DataError(f"a lead sheet has no <{path}> in its <{element.tag}>")
    return found


def _text(element: ElementTree.Element, path: str) -> str:
    return _child(element, path).text or ""


def _musicxml_chord(harmony: ElementTree.Element) -> tuple[int, str, str]:
    """Root, quality, and the degree in the bass."""
    root = _musicxml_pitch_class(harmony, "root")
    quality = MUSICXML_KINDS.get(harmony.findtext("kind", ""), "maj")
    if harmony.find("bass") is None:
        return root, quality, "1"
    interval = (_musicxml_pitch_class(harmony, "bass") - root) % 12
    return root, quality, degree_name(interval, QUALITIES[quality])


def _musicxml_pitch_class(harmony: ElementTree.Element, of: str) -> int:
    alter = int(float(harmony.findtext(f"{of}/{of}-alter", "0")))
    return (PITCH_CLASSES[_text(harmony, f"{of}/{of}-step")] + alter) % 12


def _add_note(
    melody: list[MidiNote], element: ElementTree.Element, start_s: float, duration_s: float
) -> None:
    pitch = element.find("pitch")
    if pitch is None or duration_s == 0:
        return
    alter = int(float(pitch.findtext("alter", "0")))
    step = PITCH_CLASSES[_text(pitch, "step")]
    number = 12 * (int(_text(pitch, "octave")) + 1) + step + alter
    tied = any(tie.get("type") == "stop" for tie in element.findall("tie"))
    if tied and melody and melody[-1].pitch == number:
        melody[-1] = MidiNote(melody[-1].start_s, start_s + duration_s, number)
    else:
        melody.append(MidiNote(start_s, start_s + duration_s, number))


def excerpt(
    song: Song, start_s: float, length_s: float, *, speed: float = 1.0, semitones: int = 0
) -> Song:
    """Cut ``length_s`` seconds out of a song that is played ``speed`` times as fast.

    ``start_s`` is in the song's own time and becomes 0; chords and notes are cut at the ends and
    transposed by ``semitones``.
    """
    end_s = start_s + length_s * speed

    def shift(time_s: float) -> float:
        return (min(max(time_s, start_s), end_s) - start_s) / speed

    def notes(played: tuple[MidiNote, ...]) -> tuple[MidiNote, ...]:
        return tuple(
            MidiNote(shift(note.start_s), shift(note.end_s), note.pitch + semitones, note.velocity)
            for note in played
            if start_s <= note.start_s < end_s
        )

    def times(values: np.ndarray) -> np.ndarray:
        return (values[(values >= start_s) & (values < end_s)] - start_s) / speed

    return Song(
        notes(song.melody),
        notes(song.accompaniment),
        tuple(
            replace(
                chord,
                start_s=shift(chord.start_s),
                end_s=shift(chord.end_s),
                root=int(chord.root + semitones) % 12,
            )
            for chord in song.chords
            if chord.start_s < end_s and chord.end_s > start_s
        ),
        times(song.beats),
        times(song.downbeats),
        _transposed_key(song.key, int(semitones)) if song.key else None,
        song.bars_confirmed,
    )


def warped(song: Song, warp: Callable[[np.ndarray], np.ndarray]) -> Song:
    """The song with every time passed through ``warp``, an increasing function of times (s)."""

    def moved(entries: Any) -> Any:
        if not entries:
            return entries
        starts = warp(np.array([entry.start_s for entry in entries]))
        ends = warp(np.array([entry.end_s for entry in entries]))
        return tuple(
            replace(entry, start_s=float(start), end_s=float(end))
            for entry, start, end in zip(entries, starts, ends, strict=True)
        )

    return replace(
        song,
        melody=moved(song.melody),
        accompaniment=moved(song.accompaniment),
        chords=moved(song.chords),
        beats=warp(song.beats),
        downbeats=warp(song.downbeats),
    )
