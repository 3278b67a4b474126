"""Songs arranged for instruments that they were not written for.

A song's melody, chords and beats are given to a random ensemble (`ENSEMBLES`), so that a few
hundred songs give every General MIDI instrument in many combinations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.score.songs import Song, TimedChord

KICK, SNARE, RIM, CLAP = 36, 38, 37, 39
CLOSED_HAT, OPEN_HAT, RIDE, CRASH = 42, 46, 51, 49
SHAKER, CONGA, TOM, TAMBOURINE = 70, 63, 45, 54
DRUM_PATTERNS = {
    "rock": {KICK: "x.......x.x.....", SNARE: "....x.......x...", CLOSED_HAT: "x.x.x.x.x.x.x.x."},
    "heavy": {KICK: "x.x.x.x.x.x.x.x.", SNARE: "....x.......x...", CRASH: "x...x...x...x..."},
    "dance": {KICK: "x...x...x...x...", CLAP: "....x.......x...", OPEN_HAT: "..x...x...x...x."},
    "breaks": {KICK: "x.x.......x.....", SNARE: "....x..x.x..x...", CLOSED_HAT: "x.x.x.x.x.x.x.x."},
    "swing": {KICK: "x.......x.......", RIM: "....x.......x...", RIDE: "x...x..xx...x..x"},
    "latin": {KICK: "x..x..x.x..x..x.", CONGA: "..x..x....x.x.x.", SHAKER: "xxxxxxxxxxxxxxxx"},
    "soft": {RIM: "....x.......x...", SHAKER: "x.x.x.x.x.x.x.x.", KICK: "x.........x....."},
    "tribal": {TOM: "x..x..x.x..x..x.", TAMBOURINE: "....x.......x...", CONGA: "x.x.xx.xx.x.xx.x"},
    "hiphop": {KICK: "x.....x...x.....", SNARE: "....x.......x...", CLOSED_HAT: "x.xxx.x.x.xxx.x."},
}


@dataclass(frozen=True)
class Ensemble:
    """Who plays: General MIDI programs (0 to 127) to choose from, for each part.

    ``chords`` pairs programs with how they play chords (a name in `CHORD_PATTERNS`); ``drums``
    names `DRUM_PATTERNS`, and ``kits`` are programs of the drum channel. An empty part is not
    played. ``speed`` is the range of tempo factors.
    """

    lead: tuple[int, ...] = ()
    chords: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = ()
    bass: tuple[int, ...] = ()
    drums: tuple[str, ...] = ()
    kits: tuple[int, ...] = (0,)
    speed: tuple[float, float] = (0.8, 1.25)


HELD, STRUMMED, BROKEN = ("held",), ("strummed",), ("broken",)
ENSEMBLES = {
    "pop": Ensemble(
        (53, 73, 80, 26, 54),
        (((0, 4, 25), ("strummed", "broken")), ((48, 89), HELD)),
        (33, 34),
        ("rock", "soft"),
    ),
    "rock": Ensemble(
        (29, 27, 53, 65), (((27, 29), STRUMMED), ((16, 18), HELD)), (33, 34), ("rock",), (0, 8, 16)
    ),
    "metal": Ensemble(
        (30, 29),
        (((30,), ("power",)), ((30, 29), ("power",))),
        (34,),
        ("heavy",),
        (16,),
        (1.0, 1.5),
    ),
    "strings": Ensemble((40, 41, 42), (((48, 44, 45), ("held", "strummed")), ((42,), BROKEN))),
    "orchestra": Ensemble(
        (60, 56, 68, 73, 48, 71), (((48, 61, 50), HELD), ((46, 45), BROKEN)), (43, 58)
    ),
    "baroque": Ensemble((40, 74, 68, 6), (((6,), ("broken", "strummed")),), (42, 70)),
    "harpsichord": Ensemble((6,), (((6,), BROKEN),)),
    "piano": Ensemble((0, 1), (((0, 1), ("broken", "held")),)),
    "guitar": Ensemble((24, 25), (((24, 25), ("broken",)),)),
    "guitars": Ensemble((25, 24, 26), (((25, 24), STRUMMED),), (32,)),
    "choir": Ensemble((52, 53), (((52, 53, 54), HELD), ((19,), HELD)), speed=(0.6, 0.9)),
    "sacred": Ensemble((52,), (((52,), HELD),), speed=(0.6, 0.9)),
    "organ": Ensemble((19, 20), (((19,), ("held", "broken")),), (19,)),
    "indian": Ensemble(
        (104, 111, 104), (((104,), BROKEN), ((15, 20), ("drone",))), (), ("tribal",)
    ),
    "sitar": Ensemble((104,), (((104,), ("drone",)),), speed=(0.6, 1.0)),
    "oriental": Ensemble((107, 106, 77), (((107, 46), BROKEN),), (), ("tribal",), (48,)),
    "celtic": Ensemble((109, 110, 74, 78), (((46, 25), BROKEN),), (32,), ("tribal",)),
    "country": Ensemble(
        (105, 110, 22, 25),
        (((25, 105), ("strummed", "broken")),),
        (32, 33),
        ("soft", "rock"),
        (0, 40),
    ),
    "jazz": Ensemble((65, 66, 56, 59, 11, 26), (((0, 26), STRUMMED),), (32,), ("swing",), (32, 40)),
    "latin": Ensemble(
        (56, 73, 24, 61), (((0, 24), STRUMMED), ((61,), STRUMMED)), (32, 35), ("latin",)
    ),
    "techno": Ensemble(
        (81, 80, 87, 84),
        (((90, 63, 38), ("pulsed", "broken")), ((89, 95), HELD)),
        (38, 39, 87),
        ("dance",),
        (24, 25),
        (1.1, 1.5),
    ),
    "electro": Ensemble(
        (80, 83, 86), (((62, 81), ("pulsed",)),), (39, 38), ("dance", "breaks", "hiphop"), (25, 24)
    ),
    "beats": Ensemble(
        (), (((4, 5, 88), ("strummed", "held")),), (38, 39), ("hiphop", "breaks"), (24, 25)
    ),
    "ambient": Ensemble(
        (88, 92, 98, 79), (((89, 91, 94, 95), HELD), ((99, 92), HELD)), speed=(0.5, 0.75)
    ),
    "new age": Ensemble(
        (75, 73, 46, 77), (((88, 89, 52), HELD), ((46, 24), BROKEN)), speed=(0.6, 0.9)
    ),
    "harp": Ensemble((46,), (((46,), BROKEN),)),
    "woodwinds": Ensemble((73, 71, 68), (((71, 70, 60), HELD),), (70,)),
    "brass": Ensemble((56, 57), (((61, 60, 57), ("held", "strummed")),), (58,)),
    "flute": Ensemble((73, 72)),
    "violin": Ensemble((40,)),
    "cello": Ensemble((42,), (((0,), BROKEN),)),
    "voice": Ensemble((53, 52), (((0, 24), BROKEN),)),
    "mallets": Ensemble((12, 11, 13, 9, 108), (((12, 11), BROKEN),)),
    "accordion": Ensemble((21, 23), (((21,), STRUMMED),), (32,)),
    "funk": Ensemble(
        (65, 7, 62), (((7, 28, 27), ("offbeat",)), ((61,), STRUMMED)), (36, 37), ("rock", "breaks")
    ),
    "reggae": Ensemble((27, 53, 57), (((27, 17), ("offbeat",)),), (33,), ("soft", "rock")),
    "drums": Ensemble(drums=("tribal", "latin", "rock", "breaks"), kits=(0, 8, 48)),
}


def arrange(song: Song, ensemble: Ensemble, rng: np.random.Generator) -> list[Part]:
    """Give a song's melody, chords and beats to the players of an ensemble."""
    parts = []
    if ensemble.lead:
        octaves = 12 * int(rng.choice([-1, 0, 0, 0, 1]))
        melody = [
            replace(note, pitch=_into_range(note.pitch + octaves, 40, 96)) for note in song.melody
        ]
        parts.append(
            Part(
                melody, int(rng.choice(ensemble.lead)), volume=_volume(rng, 100, 127), pan=_pan(rng)
            )
        )
    for programs, patterns in ensemble.chords:
        pattern = str(rng.choice(patterns))
        if song.accompaniment and pattern in ("broken", "strummed") and rng.random() < 0.5:
            notes = list(song.accompaniment)
        else:
            notes = CHORD_PATTERNS[pattern](song)
        parts.append(
            Part(
                _varied(notes, rng),
                int(rng.choice(programs)),
                volume=_volume(rng, 70, 110),
                pan=_pan(rng),
            )
        )
    if ensemble.bass:
        parts.append(
            Part(
                _varied(_bass(song, rng), rng),
                int(rng.choice(ensemble.bass)),
                volume=_volume(rng, 90, 120),
            )
        )
    if ensemble.drums:
        drums = DRUM_PATTERNS[str(rng.choice(ensemble.drums))]
        parts.append(
            Part(
                _varied(drum_notes(song, drums), rng),
                int(rng.choice(ensemble.kits)),
                drums=True,
                volume=_volume(rng, 80, 120),
            )
        )
    return parts


def _volume(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _pan(rng: np.random.Generator) -> int:
    return int(rng.integers(30, 99))


def _into_range(pitch: int, low: int, high: int) -> int:
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return int(pitch)


def _varied(notes: Sequence[MidiNote], rng: np.random.Generator) -> list[MidiNote]:
    """The notes with uneven loudness, and starts up to 12 ms late."""
    late = rng.uniform(0, 0.012, len(notes))
    accent = rng.integers(-14, 15, len(notes))
    return [
        MidiNote(
            note.start_s + delay,
            max(note.end_s, note.start_s + 0.03) + delay,
            _into_range(note.pitch, 21, 108),
            int(np.clip(note.velocity + change, 20, 127)),
        )
        for note, delay, change in zip(notes, late, accent, strict=True)
    ]


def _voiced(chord: TimedChord, centre: int = 60) -> list[int]:
    """The chord's pitches, each in the octave around ``centre``."""
    return sorted(
        centre - 6 + (chord.root + interval - centre + 6) % 12 for interval in chord.intervals
    )


def _held(song: Song) -> list[MidiNote]:
    return [
        MidiNote(chord.start_s, chord.end_s, pitch, 80)
        for chord in song.chords
        for pitch in _voiced(chord)
    ]


def _drone(song: Song) -> list[MidiNote]:
    if not song.chords:
        return []
    root = 36 + song.chords[0].root
    return [
        MidiNote(start, start + 3.5, pitch, 85)
        for start in song.downbeats
        for pitch in (root, root + 7, root + 12)
    ]


def _on_steps(
    song: Song, parts_of_beat: int, play: Callable[[TimedChord, int, float, float], list[MidiNote]]
) -> list[MidiNote]:
    """What ``play(chord, number, start_s, end_s)`` gives at every fraction of every beat."""
    steps = _subdivided(song.beats, parts_of_beat)
    starts = [chord.start_s for chord in song.chords]
    notes = []
    for number, (start, end) in enumerate(pairwise(steps)):
        index = int(np.searchsorted(starts, start + 0.02, side="right")) - 1
        if index >= 0 and start < song.chords[index].end_s:
            notes.extend(play(song.chords[index], number, start, end))
    return notes


def _subdivided(beats: np.ndarray, parts_of_beat: int) -> np.ndarray:
    if len(beats) < 2:
        return beats
    places = np.arange((len(beats) - 1) * parts_of_beat + 1) / parts_of_beat
    return np.interp(places, np.arange(len(beats)), beats)


def _strummed(song: Song) -> list[MidiNote]:
    return _on_steps(
        song,
        1,
        lambda chord, number, start, end: [
            MidiNote(start + 0.012 * k, end, pitch, 92 if number % 2 == 0 else 78)
            for k, pitch in enumerate(_voiced(chord))
        ],
    )


def _offbeat(song: Song) -> list[MidiNote]:
    return _on_steps(
        song,
        2,
        lambda chord, number, start, end: (
            [
                MidiNote(start, start + 0.6 * (end - start), pitch, 90)
                for pitch in _voiced(chord, 64)
            ]
            if number % 2
            else []
        ),
    )


def _pulsed(song: Song) -> list[MidiNote]:
    return _on_steps(
        song,
        4,
        lambda chord, number, start, end: [
            MidiNote(start, start + 0.5 * (end - start), pitch, 100 if number % 4 == 0 else 70)
            for pitch in _voiced(chord)
        ],
    )


def _broken(song: Song) -> list[MidiNote]:
    def play(chord: TimedChord, number: int, start: float, end: float) -> list[MidiNote]:
        pitches = _voiced(chord, 57)
        pitches = [*pitches, pitches[0] + 12, *pitches[:0:-1]]
        return [MidiNote(start, start + 2.5 * (end - start), pitches[number % len(pitches)], 80)]

    return _on_steps(song, 2, play)


def _power(song: Song) -> list[MidiNote]:
    return _on_steps(
        song,
        2,
        lambda chord, number, start, end: [
            MidiNote(start, end, 40 + (chord.root - 4) % 12 + interval, 110)
            for interval in (0, 7, 12)
        ],
    )


CHORD_PATTERNS = {
    "held": _held,
    "drone": _drone,
    "strummed": _strummed,
    "offbeat": _offbeat,
    "pulsed": _pulsed,
    "broken": _broken,
    "power": _power,
}


def _bass(song: Song, rng: np.random.Generator) -> list[MidiNote]:
    parts_of_beat = int(rng.choice([1, 1, 2]))
    walking = rng.random() < 0.4

    def play(chord: TimedChord, number: int, start: float, end: float) -> list[MidiNote]:
        interval = chord.intervals[number % len(chord.intervals)] if walking else 0
        return [MidiNote(start, end, 28 + (chord.root + interval - 4) % 12, 100)]

    return _on_steps(song, parts_of_beat, play)


def drum_notes(song: Song, pattern: dict[int, str]) -> list[MidiNote]:
    """The pattern's sixteen steps from each downbeat to the next."""
    bars = np.append(song.downbeats, song.downbeats[-1:] + np.median(np.diff(song.downbeats)))
    return [
        MidiNote(start, start + 0.1, drum, 112 if step % 4 == 0 else 88)
        for bar, following in pairwise(bars)
        for drum, steps in pattern.items()
        for step, start in enumerate(np.linspace(bar, following, len(steps), endpoint=False))
        if steps[step] == "x"
    ]
