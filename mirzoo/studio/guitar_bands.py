"""Songs played by guitar bands: rock, metal, punk, reggae and ballads, with every label known.

Guitars are strummed string by string in the shapes of hands (`mirzoo.studio.score.fretboard`), and
most go through an amplifier of their own, which makes what no synthesiser's patch has: between the
strings of a chord their sums and differences sound too. Leads are guitars half of the time,
amplified and with echoes. `render_band` is a maker for `mirzoo.data.corpus.prepare`; `accompany`
gives the band alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import F0_HOP, Item, item_rng
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items, pop909
from mirzoo.studio.score import arranging, charts, fretboard, general_midi, songs
from mirzoo.studio.score.midi import Part
from mirzoo.studio.score.songs import Song, TimedChord
from mirzoo.studio.sound import (
    effects,
    leads,
    plucked,
    recorded_leads,
    renditions,
    soloists,
    stems,
)
from mirzoo.studio.sound.plucked import Instrument, Pluck
from mirzoo.studio.sound.recorded_leads import Player
from mirzoo.studio.sound.stems import Studio
from mirzoo.studio.sound.tracking import PACKAGES

SONG_S, SHORTEST_S = 45.0, 0.05
STEPS_A_BEAT, STEPS = 4, 16
LEAD_DB, GUITARS_DB, KEYS_DB = (-9.0, 9.0), (-4.0, 7.0), (-14.0, -3.0)
HIGH_GAIN_DB, CRUNCH_DB = (15.0, 40.0), (3.0, 22.0)
INSTRUMENTAL = 0.12
IMPROVISED = 0.4
LEAD_KINDS = {"guitar": 0.5, "voice": 0.25, "any": 0.25}
DRY_LEADS = (24, 25, 26, 27)
DRY_GUITARS = (25, 26, 27)

DRUMS = {
    **arranging.DRUM_PATTERNS,
    "one drop": {arranging.KICK: "........x.......", arranging.RIM: "........x.......",
                 arranging.CLOSED_HAT: "x.x.x.x.x.x.x.x."},
    "steppers": {arranging.KICK: "x...x...x...x...", arranging.RIM: "........x.......",
                 arranging.CLOSED_HAT: "x.xxx.x.x.xxx.x."},
    "double kick": {arranging.KICK: "xxxxxxxxxxxxxxxx", arranging.SNARE: "....x.......x...",
                    arranging.RIDE: "x...x...x...x..."},
    "punk": {arranging.KICK: "x.x...x.x.x...x.", arranging.SNARE: "..x...x...x...x.",
             arranging.CLOSED_HAT: "x.x.x.x.x.x.x.x."},
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How a band plays.

    Parameters
    ----------
    strums : tuple of str
        Down and up strokes on the sixteenths of a bar, for each guitar to choose from.
    drums : tuple of str
        Names of `DRUMS`.
    fifths : float
        Probability that all guitars play bare fifths, and nothing else plays chords.
    gain : float
        Probability that a guitar's amplifier distorts.
    keys : float
        Probability that a keyboard plays the chords too.
    ring : tuple of float
        How much of the time until the next stroke a stroke rings, from and to.
    """

    strums: tuple[str, ...]
    drums: tuple[str, ...]
    fifths: float
    gain: float
    keys: float
    ring: tuple[float, float]


STYLES = {
    "rock": Style(("D.D.D.D.D.D.D.D.", "D...D.D.D...D.D.", "D...D.U...U.D.U.", "D..D..D...D..D..",
                   "D.......D......."), ("rock", "heavy", "breaks"), 0.35, 0.75, 0.3, (0.7, 1.0)),
    "metal": Style(("DDDDDDDDDDDDDDDD", "D.DDD.DDD.DDD.DD", "D.D.D.D.D.D.D.D.",
                    "D...............", "D..D..D.D..D..D."), ("heavy", "double kick", "rock"),
                   0.85, 1.0, 0.12, (0.4, 1.0)),
    "punk": Style(("D.D.D.D.D.D.D.D.", "D.DDD.DDD.DDD.DD"), ("punk", "rock"), 0.55, 0.95, 0.05,
                  (0.8, 1.0)),
    "reggae": Style(("....D.......D...", "..U...U...U...U.", "....D.U.....D.U."),
                    ("one drop", "steppers", "rock"), 0.0, 0.05, 0.6, (0.25, 0.6)),
    "ballad": Style(("D.......D.......", "D...D...D...D...", "D...D.U...U.D.U.",
                     "D..............."), ("soft", "rock"), 0.05, 0.3, 0.5, (0.9, 1.0)),
}  # fmt: skip
OFTEN = {"rock": 0.32, "metal": 0.24, "punk": 0.12, "reggae": 0.18, "ballad": 0.14}


@dataclass(frozen=True)
class Accompaniment:
    """What a band plays: float32 ``(samples,)`` at 16 kHz, the chords that sound, who plays."""

    waveform: np.ndarray
    chords: tuple[ChordSpan, ...]
    instruments: tuple[str, ...]
    style: str


def half_to_train(items_of: Callable[[Path], list[Item]]) -> Callable[[Path], list[Item]]:
    """Every second of the items to train on, and all that are held out."""

    def items(folder: Path) -> list[Item]:
        whole = items_of(folder)
        chosen = {item.name for item in [item for item in whole if item.split == "train"][::2]}
        return [item for item in whole if item.split != "train" or item.name in chosen]

    return items


def render_band(item: Item, *, samples: Path) -> tuple[np.ndarray, Labels]:
    """Render up to 45 s of the song ``item.path`` by a guitar band: waveform and all labels.

    ``samples`` is the folder of Philharmonia's instruments, whose guitar plays some parts.
    """
    rng = item_rng(item)
    song, seconds = renditions.draw_stretch(songs.read(item.path), SONG_S, rng)
    tuning_cents = stems.draw_tuning(rng)
    studio = Studio(seconds, stems.choose_soundfont(item.split, rng), tuning_cents, samples)
    band = accompany(song, studio, rng)
    waveform, instruments = band.waveform, band.instruments
    f0 = np.zeros(len(waveform) // F0_HOP, np.float32)
    if rng.random() >= INSTRUMENTAL and song.melody and song.chords:
        f0, stem, name = _play_lead(song, studio, rng)
        waveform = effects.mix(stem, waveform, rng.uniform(*LEAD_DB))
        instruments += tuple({name} - set(instruments))
    return effects.produce(waveform, rng), Labels(
        chords=band.chords,
        f0=f0,
        beats=song.beats,
        downbeats=song.downbeats,
        key=song.key,
        instruments=instruments,
        tags=(band.style,),
    )


def accompany(song: Song, studio: Studio, rng: np.random.Generator) -> Accompaniment:
    """Have a band of one or two guitars, mostly with bass, drums and keys, play a song's chords."""
    name = str(rng.choice(list(OFTEN), p=list(OFTEN.values())))
    style = STYLES[name]
    fifths = rng.random() < style.fifths
    guitars = [_draw_guitar(style, rng) for _ in range(1 + (rng.random() < 0.6))]
    takes = [_play_guitar(song, guitar, style, fifths, studio, rng) for guitar in guitars]
    mixed = takes[0]
    for take in takes[1:]:
        mixed = effects.mix(take, mixed, rng.uniform(-6, 3))
    rhythm, bass = _rhythm(song, style, rng)
    latest_s = studio.seconds - SHORTEST_S
    rhythm = [
        replace(part, notes=[note for note in part.notes if note.start_s < latest_s])
        for part in rhythm
    ]
    if rhythm:
        mixed = effects.mix(mixed, studio.play(rhythm), rng.uniform(*GUITARS_DB))
    programs = [part.program for part in rhythm if not part.drums]
    if not fifths and rng.random() < style.keys:
        keys = renditions.played(
            renditions.chordal(song, rng), int(rng.choice(general_midi.CHORDAL)), 0.01, rng
        )
        mixed = effects.mix(studio.play([keys]), mixed, rng.uniform(*KEYS_DB))
        programs.append(keys.program)
    chords = [
        replace(
            chord,
            quality=fretboard.implied_triad(chord.quality) if fifths else chord.quality,
            bass=chord.bass if bass and not fifths else "1",
        )
        for chord in song.chords
    ]
    others = general_midi.names(programs, any(part.drums for part in rhythm))
    instruments = (*sorted({guitar.name for guitar in guitars} - set(others)), *others)
    return Accompaniment(mixed, charts.spans(chords, studio.seconds), instruments, name)


def _draw_guitar(style: Style, rng: np.random.Generator) -> Instrument:
    gain = rng.random() < style.gain
    program = int(rng.choice(DRY_GUITARS))
    sampled = "guitar" if rng.random() < 0.4 else ""
    return Instrument(
        sampled or general_midi.PROGRAMS[program], fretboard.GUITAR, program, sampled, gain
    )


def _play_guitar(
    song: Song,
    guitar: Instrument,
    style: Style,
    fifths: bool,
    studio: Studio,
    rng: np.random.Generator,
) -> np.ndarray:
    """One guitar's part, amplified where it is; some distorted ones are played twice."""
    pattern, ring = str(rng.choice(style.strums)), rng.uniform(*style.ring)
    hand: dict[tuple[int, str], tuple[int, ...]] = {}
    for chord in song.chords:
        held = fretboard.POWER if fifths else chord.quality
        hand.setdefault((chord.root, chord.quality), plucked.voicing(guitar, chord.root, held, rng))
    drive_db = HIGH_GAIN_DB if fifths else CRUNCH_DB
    stem = np.zeros(studio.n_samples, np.float32)
    for _ in range(1 + (guitar.gain and rng.random() < 0.5)):
        plucks = [
            pluck
            for pluck in strummed(song, hand, pattern, ring, rng)
            if pluck.note.start_s < studio.seconds - SHORTEST_S
        ]
        take = plucked.play(plucks, guitar, studio, rng)
        take = effects.amplify(take, rng, drive_db=drive_db) if guitar.gain else take
        stem = effects.mix(take, stem, 0.0)
    return stem


def strummed(
    song: Song,
    hand: dict[tuple[int, str], tuple[int, ...]],
    pattern: str,
    ring: float,
    rng: np.random.Generator,
) -> list[Pluck]:
    """Strum a song's chords along its beats.

    Parameters
    ----------
    song : Song
    hand : dict
        Root and quality of each chord → the MIDI pitches that are strummed, lowest first.
    pattern : str
        "D" for a stroke down, "U" for one up, "." for none, on each sixteenth of a bar.
    ring : float
        The share of the time to the next stroke for which a stroke rings, up to 1.

    Returns
    -------
    list of Pluck
        In the order of time.
    """
    late_s, gap_s = rng.choice([0.0, 0.008, 0.02]), rng.choice([0.002, 0.006, 0.012, 0.02])
    if len(song.beats) < 2:
        return []
    places = np.arange((len(song.beats) - 1) * STEPS_A_BEAT) / STEPS_A_BEAT
    times = np.interp(places, np.arange(len(song.beats)), song.beats)
    since_downbeat = _beats_since_downbeat(song)
    strokes: list[tuple[float, TimedChord, bool]] = []
    chords = iter(song.chords)
    chord = next(chords, None)
    for number, at in enumerate(times.tolist()):
        while chord is not None and chord.end_s < at + 0.02:
            chord = next(chords, None)
        if chord is None or chord.start_s > at + 0.02:
            continue
        step = since_downbeat[number // STEPS_A_BEAT] * STEPS_A_BEAT + number % STEPS_A_BEAT
        stroke = pattern[step % STEPS]
        if stroke != ".":
            strokes.append((at, chord, stroke == "D"))
    plucks: list[Pluck] = []
    until = [*(at for at, _, _ in strokes), song.beats[-1]][1:]
    for (at, chord, down), following in zip(strokes, until, strict=True):
        start_s = at + rng.uniform(0, late_s)
        end_s = at + max(0.04, (min(following, chord.end_s) - at) * ring)
        plucks.extend(
            plucked.strum(
                hand[chord.root, chord.quality],
                start_s,
                end_s,
                down,
                rng,
                gap_s=gap_s,
                velocity=int(rng.integers(80, 112)),
            )
        )
    return sorted(plucks, key=lambda pluck: pluck.note.start_s)


def _beats_since_downbeat(song: Song) -> list[int]:
    """For each beat how many beats ago the bar began."""
    bars = np.searchsorted(song.beats, np.asarray(song.downbeats) - 0.02)
    counted = np.arange(len(song.beats))
    began = np.searchsorted(bars, counted, side="right") - 1
    return (counted - np.where(began >= 0, bars[np.maximum(began, 0)], 0)).tolist()


def _rhythm(song: Song, style: Style, rng: np.random.Generator) -> tuple[list[Part], bool]:
    """Bass and drums, and whether there is a bass."""
    parts = []
    bass = rng.random() < 0.85
    if bass:
        parts.append(
            renditions.played(
                renditions.bass_line(song, rng), int(rng.choice([33, 33, 34, 35, 38])), 0.01, rng
            )
        )
    if rng.random() < 0.85 and len(song.downbeats) > 1:
        notes = arranging.drum_notes(song, DRUMS[str(rng.choice(style.drums))])
        parts.append(
            renditions.played(notes, int(rng.choice([0, 0, 8, 16, 16])), 0.01, rng, drums=True)
        )
    return parts, bass


def _play_lead(
    song: Song, studio: Studio, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, str]:
    """The f0 and the stem of a lead, and what plays it: the song's melody or a solo."""
    kind = str(rng.choice(list(LEAD_KINDS), p=list(LEAD_KINDS.values())))
    notes: Sequence = song.melody
    if rng.random() < IMPROVISED:
        beat_s = float(np.median(np.diff(song.beats))) if len(song.beats) > 1 else 0.5
        notes = charts.improvise(song.chords, beat_s, rng)
    soloist: int | Player
    if kind == "guitar" and rng.random() < 0.4:
        soloist = Player(studio.recorded(recorded_leads.ELECTRIFIED), 27)
    else:
        programs = {"guitar": DRY_LEADS + leads.GUITARS[4:6], "voice": leads.VOICES}.get(kind)
        soloist = leads.draw_program(rng) if programs is None else int(rng.choice(programs))
    lead, stem = soloists.play(notes, soloist, studio, rng)
    if kind == "guitar" and rng.random() < 0.75:
        stem = effects.amplify(stem, rng, drive_db=HIGH_GAIN_DB)
    f0 = leads.sounding_f0(lead, stem)
    stem = renditions.accompanied(lead, stem, song, studio, rng)
    if rng.random() < 0.35:
        stem = effects.echo(stem, rng)
    if rng.random() < 0.4:
        stem = effects.reverberate(stem, rng)
    return f0, stem, general_midi.PROGRAMS[lead.parts[0].program]


COLLECTIONS.register(
    Collection(
        name="guitar_bands",
        rendered=True,
        description="POP909: pop songs played by rock, metal, punk and reggae bands, with "
        "amplified guitars and their leads; labels: chords, melody, beats",
        obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) into src/pop909, check out the "
        "GitHub repository skratchdot/philharmonia-samples into src/philharmonia and install the "
        "extra 'studio'.",
        licence="MIT; CC BY-SA 3.0 (notes); soundfonts under their own licences",
        commercial="yes",
        grouping="song, divided as songs_pop909 is; one soundfont is held out for testing",
        checksum="02eedee32062fd2d8e4255a9ac4a042364389c58738ba7234fc96aeec8f698f5",
        items=half_to_train(_items.song_items("guitar_bands", pop909.PATTERN, pop909.SONGS)),
        maker=lambda home: partial(render_band, samples=home / "src" / "philharmonia" / "audio"),
        source="pop909",
        packages=PACKAGES,
        programs=("fluidsynth",),
    )
)
