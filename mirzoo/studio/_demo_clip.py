"""Make ``clip.ogg``: a short piece for flute, guitar, strings, bass and drums.

Run ``python -m mirzoo.studio._demo_clip`` where fluidsynth and the soundfont FluidR3 GM are
installed (Debian: ``fluidsynth fluid-soundfont-gm``).
"""

from pathlib import Path

import numpy as np
import soundfile

from mirzoo import audio
from mirzoo.studio.score.arranging import DRUM_PATTERNS
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.sound.render import synthesise

CLIP = audio.demo_clip()
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SAMPLE_RATE = 44100
BEAT_S = 60 / 104
BAR_BEATS = 4
TAIL_S = 1.2
FLUTE, STEEL_GUITAR, STRINGS, FINGERED_BASS = 73, 25, 48, 33

CHORDS = (
    ("A2", "C4", "E4", "A4"), ("F2", "C4", "F4", "A4"), ("C3", "C4", "E4", "G4"),
    ("G2", "B3", "D4", "G4"), ("A2", "C4", "E4", "A4"), ("D3", "D4", "F4", "A4"),
    ("E3", "B3", "E4", "G#4"), ("A2", "C4", "E4", "A4"),
)  # fmt: skip
GUITAR_FIGURE = (0, 1, 2, 3, 2, 1, 2, 3)
MELODY = (
    (("E5", 1.5), ("A5", 0.5), ("C6", 1), ("B5", 0.5), ("A5", 0.5)),
    (("A5", 1), ("F5", 1), ("C5", 0.5), ("F5", 0.5), ("A5", 1)),
    (("G5", 1.5), ("E5", 0.5), ("C5", 1), ("D5", 0.5), ("E5", 0.5)),
    (("D5", 2), ("B4", 0.5), ("C5", 0.5), ("D5", 1)),
    (("E5", 1), ("A5", 0.5), ("B5", 0.5), ("C6", 1), ("E6", 1)),
    (("D6", 1.5), ("C6", 0.5), ("A5", 1), ("F5", 1)),
    (("E5", 1), ("G#5", 0.5), ("B5", 0.5), ("D6", 1), ("B5", 1)),
    (("A5", 4),),
)  # fmt: skip


def pitch(name: str) -> int:
    """The MIDI number of a note name such as ``G#5``."""
    step = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"].index(name[:-1])
    return 12 * (int(name[-1]) + 1) + step


def note(name: str, beat: float, beats: float, velocity: int) -> MidiNote:
    """A note that starts at a beat counted from the beginning."""
    return MidiNote(beat * BEAT_S, (beat + beats) * BEAT_S, pitch(name), velocity)


def flute() -> list[MidiNote]:
    """The melody, each note a little shorter than written."""
    notes = []
    for bar, phrase in enumerate(MELODY):
        beat = float(bar * BAR_BEATS)
        for name, beats in phrase:
            notes.append(note(name, beat, 0.95 * beats, 104))
            beat += beats
    return notes


def guitar() -> list[MidiNote]:
    """Broken chords in quavers; the last chord is strummed."""
    notes = [
        note(chord[which], bar * BAR_BEATS + number / 2, 1.0, 92 if number % 4 == 0 else 76)
        for bar, chord in enumerate(CHORDS[:-1])
        for number, which in enumerate(GUITAR_FIGURE)
    ]
    last = (len(CHORDS) - 1) * BAR_BEATS
    return notes + [note(name, last + 0.04 * k, 4, 96) for k, name in enumerate(CHORDS[-1])]


def strings() -> list[MidiNote]:
    """Held chords, from the fifth bar on."""
    return [
        note(name, bar * BAR_BEATS, BAR_BEATS, 62)
        for bar, chord in enumerate(CHORDS)
        if bar >= len(CHORDS) // 2
        for name in chord[1:]
    ]


def bass() -> list[MidiNote]:
    """The lowest note of each chord, from the third bar on."""
    return [
        note(chord[0], bar * BAR_BEATS + beat, 1.4, 100)
        for bar, chord in enumerate(CHORDS)
        if bar >= 2
        for beat in ((0, 1.5, 2, 3.5) if bar < len(CHORDS) - 1 else (0,))
    ]


def drums() -> list[MidiNote]:
    """A light rock beat, from the third bar to the seventh."""
    return [
        MidiNote(
            (bar * BAR_BEATS + step / 4) * BEAT_S,
            (bar * BAR_BEATS + step / 4) * BEAT_S + 0.1,
            drum,
            84 if step % 4 == 0 else 66,
        )
        for bar in range(2, len(CHORDS) - 1)
        for drum, steps in DRUM_PATTERNS["rock"].items()
        for step, mark in enumerate(steps)
        if mark == "x"
    ]


def main() -> None:
    """Render the piece and write it to the package."""
    parts = [
        Part(flute(), FLUTE, volume=112, pan=70),
        Part(guitar(), STEEL_GUITAR, volume=104, pan=44),
        Part(strings(), STRINGS, volume=84),
        Part(bass(), FINGERED_BASS, volume=100),
        Part(drums(), 0, drums=True, volume=84),
    ]
    waveform = synthesise(parts, SOUNDFONT, reverb=35, sample_rate=SAMPLE_RATE)
    waveform = waveform[: round((len(CHORDS) * BAR_BEATS * BEAT_S + TAIL_S) * SAMPLE_RATE)]
    fade = np.linspace(1, 0, round(TAIL_S * SAMPLE_RATE), dtype=np.float32)
    waveform[-len(fade) :] *= fade
    soundfile.write(
        CLIP, waveform, SAMPLE_RATE, format="OGG", subtype="VORBIS", compression_level=0.7
    )


if __name__ == "__main__":
    main()
