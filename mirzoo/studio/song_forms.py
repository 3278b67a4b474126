"""Songs of rock, blues, funk, jazz and hip-hop as they are played, with their chords.

Charts for practice name what every instrument plays. Songs do not: guitars play bare fifths through
amplifiers and leave the mode to the rest of the song, blues thirds lie between minor and major,
pianists leave the root to a walking bass and put ninths and thirteenths on sevenths, one chord
lasts for a minute, and drums, raps and noise have no chord at all. Forms are drawn at random and
played by parts written here.

Labels are what musicians write: extensions stand under their seventh's name. Where no third is
played, the label leaves it out of the chord that the song implies, ``A:min(*b3)``.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import SAMPLE_RATE, Item, item_rng
from mirzoo.data.labels import Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.dsp.chord_vocabulary import degree_semitones, intervals_of
from mirzoo.errors import DataError
from mirzoo.studio import _items
from mirzoo.studio.score import arranging, charts, general_midi
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.score.songs import TimedChord
from mirzoo.studio.sound import effects, stems

FORM_S = 45.0
BEATS = 4
GUITAR, LEAD_GUITAR = 27, 27
BASS_LOWEST, GUITAR_LOWEST, COMP_LOWEST, LEAD_LOWEST = 28, 40, 52, 62
HIGH_GAIN_DB, CRUNCH_DB = (15.0, 40.0), (3.0, 18.0)

ROCK = {
    "maj": ("1:maj 4:maj 5:maj 4:maj", "1:maj b7:maj 4:maj 1:maj", "1:maj 5:maj 6:min 4:maj",
            "1:maj 4:maj 1:maj 5:maj", "6:min 4:maj 1:maj 5:maj", "1:maj 2:min 4:maj 5:maj"),
    "min": ("1:min b7:maj b6:maj b7:maj", "1:min b6:maj b3:maj b7:maj", "1:min 4:min 1:min b7:maj",
            "1:min b3:maj 4:min b6:maj", "1:min b6:maj 4:min 5:min", "1:min 1:min b6:maj 5:maj"),
}  # fmt: skip
BLUES = ("1 1 1 1 4 4 1 1 5 4 1 5", "1 4 1 1 4 4 1 1 5 4 1 1", "1 1 1 1 4 4 1 1 5 5 1 1")
JAZZ = (
    "2:min7 5:7 1:maj7 1:maj7", "2:hdim7 5:7 1:min7 1:min6", "1:maj6 6:7 2:min7 5:7",
    "3:min7 6:7 2:min7 5:7", "1:maj7 #1:dim7 2:min7 5:7", "1:min7 4:7 b7:maj7 b7:maj6",
    "1:7 4:7 1:7 5:7", "4:maj7 4:min6 3:min7 b3:dim7",
)  # fmt: skip
LOOPS = ("1:min7 4:min7", "1:min b6:maj", "1:maj7 6:min7", "1:min7 b7:maj b6:maj7 5:7",
         "4:maj7 3:min7", "2:min7 1:maj7", "1:min", "1:min 1:min b6:maj 5:min")  # fmt: skip
VAMPS = {"7": 3, "9": 3, "13": 1, "7(#9)": 2, "min7": 3, "min9": 1}

ROOTLESS = {
    "min7": (3, 7, 10, 14), "7": (10, 14, 16, 21), "maj7": (4, 7, 11, 14), "hdim7": (3, 6, 10, 12),
    "dim7": (0, 3, 6, 9), "min6": (3, 7, 9, 14), "maj6": (4, 7, 9, 14), "min": (3, 7, 12),
    "maj": (4, 7, 12),
}  # fmt: skip
"""Semitones above the root of what a pianist's or guitarist's hand plays over a bass."""

ALTERED = ((10, 13, 16, 21), (10, 15, 16, 20), (10, 14, 16, 18), (10, 13, 16, 20))
"""The same of dominants with b9, #9 and b13, #11."""

STRUMS = ("D.D.D.D.D.D.D.D.", "D...D.D.D...D.D.", "D..D..D...D..D..", "D.DDD.DDD.DDD.DD",
          "D.......D.......", "DDDDDDDDDDDDDDDD", "D...............")  # fmt: skip
FUNK = ("x..x..x...x..x..", "..x...x.x..x..x.", "x.xx..x.x.xx..x.", "....x..x....x..x")
COMPS = ("x.......x.......", "..x.....x.......", "x.....x.........", "......x.......x.")
SWUNG = {0.0: 0.0, 0.25: 1 / 3, 0.5: 2 / 3, 0.75: 5 / 6}
WORDS = """
money never sleeps when the night is rolling over me and the city keeps on talking to the river
while I count the steps back home yes we came from nothing now the people know the name listen to
the drummer hold it down again one more time for the ones who could not make it here
"""
VOICES = ("slt", "awb", "kal16", "rms")


@dataclass(frozen=True)
class Bar:
    """A bar: its chords evenly spread, as root and label without it; none where nothing does.

    ``bare`` is whether no third is played.
    """

    chords: tuple[tuple[int, str], ...] = ()
    bare: bool = False


@dataclass
class Band:
    """What is played: notes by part, and how loud guitars are distorted."""

    bass: list[MidiNote] = field(default_factory=list)
    comp: list[MidiNote] = field(default_factory=list)
    high_gain: list[MidiNote] = field(default_factory=list)
    crunch: list[MidiNote] = field(default_factory=list)
    lead: list[MidiNote] = field(default_factory=list)
    bends: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Clock:
    """Where beats are (s), straight or swung."""

    beat_s: float
    swings: bool

    def at(self, bar: int, beat: float) -> float:
        """The time of a beat, or a quarter of one, of a bar."""
        whole, rest = divmod(beat, 1.0)
        return (bar * BEATS + whole + (SWUNG.get(rest, rest) if self.swings else rest)) * (
            self.beat_s
        )


def render_form(item: Item) -> tuple[np.ndarray, Labels]:
    """Render 45 s of a song of one of the forms: waveform at 16 kHz, its chords and beats."""
    rng = item_rng(item)
    name = str(rng.choice(list(FORMS), p=[often for _, often, _ in FORMS.values()]))
    form, _, tempi = FORMS[name]
    clock = Clock(60 / rng.uniform(*tempi), name == "jazz" or (name == "blues"))
    n_bars = int(FORM_S / (BEATS * clock.beat_s)) + 1
    bars, band, drums = form(n_bars, clock, rng)
    studio = stems.Studio(FORM_S, stems.choose_soundfont(item.split, rng), stems.draw_tuning(rng))
    waveform, programs = _sound(band, _drums(drums, bars, clock, rng), studio, rng)
    waveform = _over_silence(waveform, bars, clock, name, rng)
    times = np.arange(0, FORM_S, clock.beat_s)
    return effects.produce(waveform, rng), Labels(
        chords=charts.spans(_timed(bars, clock), FORM_S),
        beats=times,
        downbeats=times[::BEATS],
        instruments=general_midi.names(programs, drums=bool(drums)),
        tags=(name,),
    )


def _timed(bars: Sequence[Bar], clock: Clock) -> list[TimedChord]:
    chords = []
    for number, bar in enumerate(bars):
        edges = np.linspace(0, BEATS, len(bar.chords) + 1)
        for (root, label), first, last in zip(bar.chords, edges, edges[1:]):
            start_s, end_s = (clock.at(number, beat) for beat in (first, last))
            chords.append(TimedChord(start_s, end_s, root, intervals_of(label), label))
    return chords


# The forms: bars, what is played in them, and the drums' pattern


def _rock(n_bars: int, clock: Clock, rng: np.random.Generator) -> tuple[list[Bar], Band, str]:
    """Phrases of bare fifths and of full chords in one key."""
    key, mode = int(rng.integers(12)), str(rng.choice(list(ROCK)))
    phrases = [str(rng.choice(ROCK[mode])) for _ in range(2)]
    bars: list[Bar] = []
    while len(bars) < n_bars:
        bare = rng.random() < 0.65
        for chord in phrases[rng.integers(2)].split():
            degree, quality = chord.split(":")
            label = {"maj": "maj(*3)", "min": "min(*b3)"}[quality] if bare else quality
            bars.append(Bar((((key + degree_semitones(degree)) % 12, label),), bare))
    bars = _with_breaks(bars[:n_bars], 0.5, rng)
    band, strums = Band(), [str(rng.choice(STRUMS)) for _ in range(2)]
    for number, bar in enumerate(bars):
        for root, label in bar.chords:
            low = _above(root, GUITAR_LOWEST)
            tones = (0, 7, 12) if bar.bare else (*intervals_of(label), 12)
            target = band.high_gain if bar.bare else band.crunch
            for step, stroke in enumerate(strums[not bar.bare]):
                if stroke == "D":
                    target += _struck(low, tones, number, step / 4, 0.25, clock, rng)
            for beat in np.arange(0, BEATS, 0.5):
                band.bass += _struck(_above(root, BASS_LOWEST), (0,), number, beat, 0.45, clock,
                                     rng)  # fmt: skip
            if not bar.bare and rng.random() < 0.5:
                band.comp += _struck(_above(root, COMP_LOWEST), intervals_of(label), number, 0, 4,
                                     clock, rng)  # fmt: skip
    return bars, band, str(rng.choice(["rock", "heavy", "breaks"]))


def _blues(n_bars: int, clock: Clock, rng: np.random.Generator) -> tuple[list[Bar], Band, str]:
    """Twelve bars of dominants, or of minor sevenths: boogie, chords without roots, blue thirds."""
    key, is_minor, comps = int(rng.integers(12)), rng.random() < 0.25, rng.random() < 0.6
    bars: list[Bar] = []
    while len(bars) < n_bars:
        for degree in str(rng.choice(BLUES)).split():
            quality = "min7" if is_minor and degree != "5" else "7"
            bare = not comps and not is_minor
            label = "7(*3)" if bare else quality
            bars.append(Bar((((key + degree_semitones(degree)) % 12, label),), bare))
    bars = _with_breaks(bars[:n_bars], 0.35, rng)
    band, pattern = Band(), str(rng.choice(COMPS))
    for number, bar in enumerate(bars):
        for root, label in bar.chords:
            low = _above(root, GUITAR_LOWEST)
            if not is_minor:
                for beat, top in enumerate((7, 9, 10, 9)):
                    for half in (0.0, 0.5):
                        band.crunch += _struck(low, (0, top), number, beat + half, 0.4, clock, rng)
            _walk(band, root, _plain(label), number, clock, rng)
            if comps or is_minor:
                _comp(band, root, _plain(label), pattern, number, clock, rng)
    _blue_lead(band, key, bars, clock, rng)
    return bars, band, "swing" if rng.random() < 0.5 else "rock"


def _vamp(n_bars: int, clock: Clock, rng: np.random.Generator) -> tuple[list[Bar], Band, str]:
    """One chord, or two, for a long time, in sixteenths."""
    weights = np.array(list(VAMPS.values()), float)
    chords = [
        (int(rng.integers(12)), str(rng.choice(list(VAMPS), p=weights / weights.sum())))
        for _ in range(2)
    ]
    bars = [
        Bar((chords[(number // 8) % 2 if rng.random() < 0.8 else 0],)) for number in range(n_bars)
    ]
    bars = _with_breaks(bars, 0.5, rng)
    band, pattern, groove = Band(), str(rng.choice(FUNK)), str(rng.choice(FUNK))
    for number, bar in enumerate(bars):
        for root, label in bar.chords:
            tones = [tone for tone in intervals_of(label) if tone != 0 or rng.random() < 0.3]
            for step in range(16):
                if pattern[step] == "x":
                    band.comp += _struck(_above(root, COMP_LOWEST), tones, number, step / 4, 0.15,
                                         clock, rng)  # fmt: skip
                if groove[step] == "x":
                    tone = 0 if step == 0 else int(rng.choice([0, 0, 7, 10, 12]))
                    band.bass += _struck(_above(root, BASS_LOWEST), (tone,), number, step / 4, 0.2,
                                         clock, rng)  # fmt: skip
    return bars, band, str(rng.choice(["breaks", "hiphop", "rock"]))


def _jazz(n_bars: int, clock: Clock, rng: np.random.Generator) -> tuple[list[Bar], Band, str]:
    """Cadences in hands without roots, shells of third and seventh, a walking bass."""
    key = int(rng.integers(12))
    bars: list[Bar] = []
    while len(bars) < n_bars:
        at = (key + int(rng.choice([0, 0, 0, 5, 10, 2]))) % 12
        chords = []
        for chord in str(rng.choice(JAZZ)).split():
            degree, quality = chord.split(":")
            chords.append(((at + degree_semitones(degree)) % 12, quality))
        together = 2 if rng.random() < 0.3 else 1
        bars += [Bar(tuple(chords[first : first + together])) for first in range(0, 4, together)]
    bars = _with_breaks(bars[:n_bars], 0.3, rng)
    band, shells, pattern = Band(), rng.random() < 0.35, str(rng.choice(COMPS))
    for number, bar in enumerate(bars):
        share = BEATS / max(1, len(bar.chords))
        for place, (root, quality) in enumerate(bar.chords):
            _walk(band, root, quality, number, clock, rng, place * share, share)
            hand = _hand(quality, rng, shells=shells)
            low = _above(root, COMP_LOWEST - 4)
            if len(bar.chords) > 1:
                band.comp += _struck(low, hand, number, place * share, 1.5, clock, rng)
                continue
            for step in range(16):
                if pattern[step] == "x":
                    band.comp += _struck(low, hand, number, step / 4, rng.choice([0.4, 1.5]),
                                         clock, rng)  # fmt: skip
    if rng.random() < 0.5:
        band.lead += charts.improvise(_timed(bars, clock), clock.beat_s, rng)
    return bars, band, "swing"


def _hip_hop(n_bars: int, clock: Clock, rng: np.random.Generator) -> tuple[list[Bar], Band, str]:
    """A loop of one to four chords, and stretches of drums and voice alone."""
    key = int(rng.integers(12))
    chords = []
    for chord in str(rng.choice(LOOPS)).split():
        degree, quality = chord.split(":")
        chords.append(((key + degree_semitones(degree)) % 12, quality))
    bars = _with_breaks([Bar((chords[n % len(chords)],)) for n in range(n_bars)], 0.95, rng)
    band, groove, rootless = Band(), str(rng.choice(FUNK)), rng.random() < 0.4
    for number, bar in enumerate(bars):
        for root, quality in bar.chords:
            hand = _hand(quality, rng) if rootless else intervals_of(quality)
            band.comp += _struck(_above(root, COMP_LOWEST), hand, number, 0, 3.8, clock, rng)
            for step in range(16):
                if groove[step] == "x":
                    band.bass += _struck(_above(root, BASS_LOWEST), (0,), number, step / 4, 0.4,
                                         clock, rng)  # fmt: skip
    return bars, band, str(rng.choice(["hiphop", "breaks"]))


Form = Callable[[int, Clock, np.random.Generator], tuple[list[Bar], Band, str]]
FORMS: dict[str, tuple[Form, float, tuple[float, float]]] = {
    "rock": (_rock, 0.3, (85, 170)),
    "blues": (_blues, 0.2, (65, 150)),
    "funk": (_vamp, 0.15, (85, 120)),
    "jazz": (_jazz, 0.2, (90, 220)),
    "hip-hop": (_hip_hop, 0.15, (70, 105)),
}
"""Each form, how often it is drawn, and its tempi (beats a minute)."""


def _with_breaks(bars: list[Bar], probability: float, rng: np.random.Generator) -> list[Bar]:
    """Let two to six bars in one or two places have no chord."""
    if rng.random() > probability:
        return bars
    for _ in range(int(rng.integers(1, 3))):
        first = int(rng.integers(len(bars))) // 4 * 4
        last = min(len(bars), first + int(rng.choice([2, 4, 4, 6])))
        if last - first < len(bars) - 4:
            bars[first:last] = [Bar()] * (last - first)
    return bars


# What hands do


def _above(pitch_class: int, lowest: int) -> int:
    return lowest + (pitch_class - lowest) % 12


def _plain(label: str) -> str:
    return label.split("(")[0]


def _struck(
    low: int,
    tones: Sequence[int],
    bar: int,
    beat: float,
    beats: float,
    clock: Clock,
    rng: np.random.Generator,
) -> list[MidiNote]:
    """Tones above a pitch, struck together for some beats."""
    start_s = clock.at(bar, float(beat)) + rng.uniform(0, 0.012)
    end_s = start_s + beats * clock.beat_s * rng.uniform(0.8, 1.0)
    loud = int(rng.integers(70, 112))
    return [MidiNote(start_s, end_s, low + tone, loud) for tone in tones if start_s < FORM_S - 0.1]


def _hand(quality: str, rng: np.random.Generator, *, shells: bool = False) -> tuple[int, ...]:
    if quality == "7" and not shells and rng.random() < 0.4:
        return ALTERED[rng.integers(len(ALTERED))]
    tones = ROOTLESS[quality]
    return tones[:1] + tones[2:3] if shells and len(tones) > 3 else tones


def _comp(
    band: Band,
    root: int,
    quality: str,
    pattern: str,
    bar: int,
    clock: Clock,
    rng: np.random.Generator,
) -> None:
    hand = _hand(quality, rng)
    for step in range(16):
        if pattern[step] == "x":
            band.comp += _struck(_above(root, COMP_LOWEST - 4), hand, bar, step / 4,
                                 rng.choice([0.4, 1.5]), clock, rng)  # fmt: skip


def _walk(
    band: Band,
    root: int,
    quality: str,
    bar: int,
    clock: Clock,
    rng: np.random.Generator,
    first: float = 0.0,
    beats: float = BEATS,
) -> None:
    """A note a beat: the root, chord tones, and a semitone that leads on."""
    tones = intervals_of(quality)
    for beat in range(int(beats)):
        tone = 0 if beat == 0 and rng.random() < 0.9 else int(rng.choice(tones))
        if beat == beats - 1 and rng.random() < 0.5:
            tone = int(rng.choice([-1, 1, 2, 6]))
        band.bass += _struck(_above(root, BASS_LOWEST) + tone, (0,), bar, first + beat, 0.95,
                             clock, rng)  # fmt: skip


def _blue_lead(
    band: Band, key: int, bars: Sequence[Bar], clock: Clock, rng: np.random.Generator
) -> None:
    """Licks of the blues scale, whose thirds are bent towards major, or stay in between."""
    tonic = _above(key, LEAD_LOWEST)
    for number, bar in enumerate(bars):
        if not bar.chords or rng.random() < 0.4:
            continue
        beat = float(rng.choice([0, 0.5, 1]))
        while beat < BEATS - 0.5:
            tone = int(rng.choice([-5, -2, 0, 3, 3, 5, 6, 7, 10, 12]))
            beats = float(rng.choice([0.5, 0.5, 1, 1.5]))
            notes = _struck(tonic + tone, (0,), number, beat, beats, clock, rng)
            for note in notes:
                bend = rng.uniform(0.2, 1.0) if tone == 3 else 0.0
                band.bends += [(note.start_s, rng.uniform(0, bend)), (note.start_s + 0.08, bend)]
            band.lead += notes
            beat += beats


def _drums(
    pattern: str, bars: Sequence[Bar], clock: Clock, rng: np.random.Generator
) -> list[MidiNote]:
    steps = arranging.DRUM_PATTERNS[pattern]
    return [
        MidiNote(start_s, start_s + 0.1, drum, int(rng.integers(80, 115)))
        for number in range(len(bars))
        for drum, row in steps.items()
        for step in range(16)
        if row[step] == "x" and (start_s := clock.at(number, step / 4)) < FORM_S - 0.1
    ]


# What it sounds like


def _sound(
    band: Band, drums: Sequence[MidiNote], studio: stems.Studio, rng: np.random.Generator
) -> tuple[np.ndarray, list[int]]:
    """All parts together, and their programs."""
    comp = int(rng.choice([0, 1, 2, 4, 5, 16, 17, 18, 26, 27, 61, 88]))
    bass, lead = int(rng.choice([32, 33, 34, 35, 38])), int(rng.choice([27, 29, 56, 65, 66, 22]))
    parts = [
        Part(band.bass, bass, volume=110),
        Part(band.comp, comp, volume=int(rng.integers(70, 115))),
    ]
    if rng.random() < 0.9:
        parts.append(Part(drums, int(rng.choice([0, 8, 16, 25])), drums=True))
    parts = [part for part in parts if part.notes]
    mixed = studio.play_band(parts)
    programs = [part.program for part in parts if not part.drums]
    for notes, drive_db, level_db in (
        (band.high_gain, HIGH_GAIN_DB, (-3.0, 7.0)),
        (band.crunch, CRUNCH_DB, (-6.0, 4.0)),
    ):
        if notes:
            dry = studio.play([Part(notes, GUITAR)])
            mixed = effects.mix(
                effects.amplify(dry, rng, drive_db=drive_db), mixed, rng.uniform(*level_db)
            )
            programs.append(GUITAR)
    if band.lead:
        tuning = studio.tuning_cents / 100
        bends = sorted((at_s, tuning + bend) for at_s, bend in band.bends)
        stem = studio.play([Part(band.lead, lead, bends=bends)])
        mixed = effects.mix(stem, mixed, rng.uniform(-9, 2))
        programs.append(lead)
    return mixed, programs


def _over_silence(
    waveform: np.ndarray, bars: Sequence[Bar], clock: Clock, form: str, rng: np.random.Generator
) -> np.ndarray:
    """Add a voice that speaks, and noise that rises, where bars have no chord, and elsewhere."""
    empty = np.array([not bar.chords for bar in bars])
    starts = np.flatnonzero(empty & ~np.concatenate([[False], empty[:-1]]))
    level = max(effects.rms(waveform), 1e-3)
    mixed = waveform.copy()
    if form == "hip-hop" or (len(starts) and rng.random() < 0.35):
        voice = speech(rng)
        first = 0.0 if form == "hip-hop" else clock.at(int(starts[0]), 0)
        voice = voice * (level * 10 ** (rng.uniform(-6, 4) / 20) / max(effects.rms(voice), 1e-6))
        at = round(first * SAMPLE_RATE)
        end = len(mixed) if form == "hip-hop" else min(len(mixed), at + len(voice))
        mixed[at:end] += np.resize(voice, end - at)
    for start in starts:
        if rng.random() < 0.3:
            last = start + int(np.argmin(np.append(empty[start:], False)))
            at, end = (
                min(len(mixed), round(clock.at(int(bar), 0) * SAMPLE_RATE)) for bar in (start, last)
            )
            rising = np.linspace(0, 1, max(0, end - at)) ** 2
            noise = rng.standard_normal(len(rising)) * rising
            mixed[at:end] += (level * rng.uniform(0.3, 1.0) * noise).astype(np.float32)
    return mixed.astype(np.float32)


def speech(rng: np.random.Generator) -> np.ndarray:
    """Some seconds of words spoken by the program flite: float32 ``(samples,)`` at 16 kHz.

    Raises
    ------
    DataError
        When flite is missing or fails.
    """
    text = " ".join(rng.choice(WORDS.split(), size=40))
    with tempfile.TemporaryDirectory(prefix="mirzoo_") as folder:
        target = Path(folder, "voice.wav")
        command = ["flite", "-voice", str(rng.choice(VOICES)), "-t", text, "-o", str(target)]
        speed = f"duration_stretch={rng.uniform(0.65, 1.0):.2f}"
        try:
            done = subprocess.run([*command, "--setf", speed], capture_output=True, text=True)
        except FileNotFoundError as error:
            raise DataError(
                "the program flite is not installed; install the Debian package flite"
            ) from error
        if done.returncode or not target.exists():
            raise DataError(f"flite failed: {done.stderr.strip()[-300:]}")
        return audio.read(target, SAMPLE_RATE)


COLLECTIONS.register(
    Collection(
        name="song_forms",
        rendered=True,
        description="songs of rock, blues, funk, jazz and hip-hop: bare fifths, blue thirds, "
        "vamps, chords without roots, stretches without a chord; labels: chords, beats",
        obtain="Install the Debian packages fluidsynth and flite, and the soundfonts.",
        licence="made here; soundfonts under their own licences",
        commercial="yes",
        grouping="song; one soundfont is held out for testing",
        items=_items.made_items("song_forms", 160),
        maker=lambda home: render_form,
        fetch=lambda folder: None,  # it is made of nothing but programs
        programs=("fluidsynth", "flite"),
    )
)
