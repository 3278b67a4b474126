"""Leads played with recorded notes of real instruments instead of a synthesiser's.

A folder holds a folder for each instrument, with notes called like
``flute_A4_1_forte_normal.mp3`` (the Philharmonia Orchestra's samples). Each note of a lead is a
recording of nearly its pitch, played faster and slower along the lead's contour. Musicians have a
vibrato of their own, which is tracked on the recording and added to the f0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import F0_HOP, SAMPLE_RATE
from mirzoo.data.labels import F0_RATE
from mirzoo.errors import DataError
from mirzoo.studio.score.midi import MidiNote
from mirzoo.studio.sound.leads import Lead
from mirzoo.studio.sound.samples import from_attack, loud_samples, single_notes
from mirzoo.studio.sound.tracking import track_voice

INSTRUMENTS = {
    "guitar": (25, 6), "saxophone": (65, 4), "flute": (73, 3), "clarinet": (71, 2),
    "oboe": (68, 2), "cello": (42, 2), "mandolin": (25, 1), "banjo": (105, 1), "bassoon": (70, 1),
    "french horn": (60, 1), "cor anglais": (69, 1), "bass clarinet": (71, 1),
}  # fmt: skip
"""Folders to play leads from: the General MIDI program that comes nearest, in whose manner they are
played, and how often each is drawn."""

ELECTRIFIED = "guitar"
NEAR_SEMITONES = 2
LENGTHS_S = {"025": 0.25, "05": 0.5, "1": 1.0, "15": 1.5, "long": 3.0, "very-long": 6.0}
MISNAMED_SEMITONES = 1.5
RELEASE_S = 0.06


@dataclass(frozen=True)
class Player:
    """An instrument whose notes were recorded.

    Parameters
    ----------
    folder : Path
        Where its notes are.
    program : int
        The General MIDI program that comes nearest.
    """

    folder: Path
    program: int

    @property
    def name(self) -> str:
        """The instrument, as its folder is called."""
        return self.folder.name

    @property
    def range(self) -> tuple[int, int]:
        """The lowest and the highest MIDI pitch that was recorded."""
        pitches = [pitch for _, pitch in _plain_notes(self.folder)]
        return min(pitches), max(pitches)


def draw_player(samples: Path, rng: np.random.Generator) -> Player:
    """One of the instruments in a folder, by their weights; DataError where there is none."""
    there = [name for name in INSTRUMENTS if (samples / name).is_dir()]
    if not there:
        raise DataError(f"'{samples}' holds none of the instruments {', '.join(INSTRUMENTS)}")
    weights = np.array([INSTRUMENTS[name][1] for name in there], float)
    name = str(rng.choice(there, p=weights / weights.sum()))
    return Player(samples / name, INSTRUMENTS[name][0])


def play(
    lead: Lead, player: Player, seconds: float, rng: np.random.Generator
) -> tuple[np.ndarray, Lead]:
    """Play a lead with recorded notes.

    Parameters
    ----------
    lead : Lead
        Within the player's range.
    player : Player
    seconds : float
        How long the whole is (s).
    rng : np.random.Generator
        Chooses among the recordings that fit a note.

    Returns
    -------
    stem, lead : np.ndarray, Lead
        Float32 ``(samples,)`` at 16 kHz, and the lead with the pitch that sounds in it.
    """
    stem = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    pitch = lead.pitch.copy()
    contour = np.where(np.isnan(lead.pitch), 0.0, lead.pitch)
    for note in lead.notes:
        recording = _choose(player.folder, note, rng)
        begin, end = round(note.start_s * SAMPLE_RATE), round(note.end_s * SAMPLE_RATE)
        at = np.arange(begin, min(end + round(RELEASE_S * SAMPLE_RATE), len(stem)))
        target = _inside_note(contour, note, at / SAMPLE_RATE)
        places = np.cumsum(2 ** ((target - recording.pitch) / 12))
        places = places[places < len(recording.waveform) - 1]
        played = np.interp(places, np.arange(len(recording.waveform)), recording.waveform)
        played[end - begin :] *= np.linspace(1, 0, max(0, len(played) - (end - begin)))
        loud = np.float32((note.velocity / 100) ** 1.5)
        stem[begin : begin + len(played)] += loud * played.astype(np.float32)
        frames = np.arange(int(np.ceil(note.start_s * F0_RATE)), len(pitch))
        frames = frames[frames * F0_HOP - begin < len(places)]
        place_s = places[frames * F0_HOP - begin] / SAMPLE_RATE
        pitch[frames] = contour[frames] + np.interp(
            place_s * F0_RATE, np.arange(len(recording.off)), recording.off
        )
    return stem, replace(lead, pitch=pitch)


def _inside_note(contour: np.ndarray, note: MidiNote, times: np.ndarray) -> np.ndarray:
    """A note's contour at times (s), held before its first and behind its last frame."""
    first = int(np.ceil(note.start_s * F0_RATE))
    last = max(first, min(int(note.end_s * F0_RATE), len(contour) - 1))
    frames = np.arange(min(first, len(contour) - 1), last + 1)
    return np.interp(times, frames / F0_RATE, contour[frames])


@dataclass(frozen=True)
class _Recording:
    """A recorded note from its attack on, its peak at 0.5.

    ``pitch`` is the MIDI pitch at which it is in tune as a whole, which may be a semitone off
    the one that the file is named for (Philharmonia's loudest clarinet notes are); ``off`` is how
    far (semitones) the musician is from it, 100 frames a second.
    """

    waveform: np.ndarray
    pitch: float
    off: np.ndarray


def _choose(folder: Path, note: MidiNote, rng: np.random.Generator) -> _Recording:
    """One of the recordings that last long enough, or else of the longest, nearest in pitch."""
    near = [
        (path, pitch)
        for path, pitch in _plain_notes(folder)
        if abs(pitch - note.pitch) <= NEAR_SEMITONES
    ]
    if not near:
        raise DataError(f"'{folder}' has no note near MIDI pitch {note.pitch}")
    length_s = note.end_s - note.start_s

    def misfit(place: int) -> tuple[float, int]:
        path, pitch = near[place]
        return max(0.0, length_s - (_length_s(path) or 0.0)), abs(pitch - note.pitch)

    return _recording(*near[min(rng.permutation(len(near)).tolist(), key=misfit)])


def _length_s(path: Path) -> float | None:
    """How long a note is, as its name states; None where it doesn't, as with whole phrases."""
    return LENGTHS_S.get(path.stem.split("_")[2])


@lru_cache(maxsize=32)
def _plain_notes(folder: Path) -> list[tuple[Path, int]]:
    """The notes of an instrument that are played plainly, with their MIDI pitches."""
    plain = [
        (path, pitch)
        for path, pitch in single_notes(folder)
        if path.stem.endswith("normal") and pitch and _length_s(path)
    ]
    if not plain:
        raise DataError(f"'{folder}' holds no notes called like 'flute_A4_1_forte_normal.mp3'")
    return plain


@lru_cache(maxsize=3000)
def _recording(path: Path, pitch: int) -> _Recording:
    from scipy import signal

    note = from_attack(path)
    note = note[: loud_samples(note)[-1] + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        off = 12 * np.log2(track_voice(note) / 440) + 69 - pitch
    known = np.flatnonzero(np.abs(off) < MISNAMED_SEMITONES)
    frames = np.arange(max(1, len(off)))
    if len(known) < len(off) / 3 or len(known) < 3:
        return _Recording(note, pitch, np.zeros(len(frames)))
    followed = signal.medfilt(np.interp(frames, known, off[known]), 3)
    as_a_whole = float(np.median(followed))
    return _Recording(note, pitch + as_a_whole, followed - as_a_whole)
