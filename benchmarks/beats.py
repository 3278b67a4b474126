"""Compare beats: our models and published systems, on the same recordings.

python benchmarks/beats.py --work results/ --models mel_cnn_beats beatnet
--peers madmom_beats=madmom_env/bin/python essentia_rhythm=essentia_env/bin/python
--fretsonfire fof/ --ultrastar src/ultrastar

librosa's `beat_track` always takes part. Intervals are 95 %, by bootstrap over the groups of the
recordings (songs, charts, artists).

- ``--sets``: test items of prepared corpora, whose beats are exact: rendered songs and charts,
  played by a soundfont that no model learnt from.
- ``--agreement``: recordings without labels. How often two systems find the same beats
  (F-measure, the first 5 s left out as `mir_eval.beat.trim_beats` does); that is no score.
- ``--fretsonfire FOLDER``: unpacked packages of game songs (Debian: fretsonfire-songs-muldjord,
  fretsonfire-songs-sectoid) with a constant tempo in ``notes.mid`` and no bar lines. One offset a
  song is fitted to the onset strength, the same for all systems, and printed. Those of muldjord are
  among the game music that mel_cnn_beats learnt from, without their labels.
- ``--ultrastar FOLDER``: karaoke songs, whose grid gives the tempo up to a factor of 2 or 4, and
  lies nowhere near beats in some. Those count whose grid locks to the onsets: printed by name.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import comparison
import librosa
import mir_eval
import numpy as np
from comparison import Function, Recording

from mirzoo import audio
from mirzoo.data import sung
from mirzoo.data.corpus import FULL_SCALE, SAMPLE_RATE
from mirzoo.data.labels import Labels
from mirzoo.errors import DataError
from mirzoo.studio.guitar_leads import REST, STEM
from mirzoo.studio.ultrastar import sung_items
from mirzoo.tasks.beats import Beats, beat_scores
from mirzoo.tasks.beats.teachers import ONSET_HOP, onset_beats

SETS = ("charts_beats", "songs_pop909", "charts_mma")
COLUMNS = ("beat F", "CMLt", "AMLt", "downbeat F", "tempo acc1", "tempo acc2")
GRID_STEPS = 100
"""Offsets of a grid that are tried within a beat."""

LOCKED = 1.35
"""A grid locks where onsets at its best offset are so much stronger than at all on average."""

ONSET_LAG_S = 0.024
"""By how much peaks of librosa's onset strength are behind clicks, measured on clicks."""

HIGHEST_BPM = 160.0
"""Karaoke grids, which count in fractions of beats, are halved until they are at most so fast."""

TEMPO_FACTORS = (1 / 4, 1 / 2, 1.0, 2.0, 4.0)
TOLERANCE = 0.04


def main() -> None:
    """Print a table for each part that is asked for."""
    arguments = comparison.parser(__doc__.splitlines()[0])
    arguments.add_argument("--sets", nargs="*", default=SETS,
                           help="corpora with beats; a+b is one set")  # fmt: skip
    arguments.add_argument("--agreement", nargs="*", default=[], metavar="SET",
                           help="corpora without beats")  # fmt: skip
    arguments.add_argument("--fretsonfire", type=Path, metavar="FOLDER")
    arguments.add_argument("--ultrastar", type=Path, metavar="FOLDER")
    options = arguments.parse_args()
    baseline = Function("librosa", _librosa)
    systems = comparison.systems(options, "beats", [baseline])
    with ExitStack() as at_the_end:
        for system in systems:
            at_the_end.callback(system.close)
        if options.speed:
            comparison.print_timings(systems, "beats", options.rounds)
            return
        for sets in options.sets:
            found = comparison.recordings(
                options.home, sets, names=options.names, limit=options.limit, snr_db=options.snr
            )
            scores(sets, systems, found, options.work)
        for sets in options.agreement:
            agreement(sets, systems, comparison.recordings(options.home, sets, limit=options.limit),
                      options.work)  # fmt: skip
        if options.fretsonfire:
            scores("Frets on Fire", systems, game_songs(options.fretsonfire), options.work)
        if options.ultrastar:
            tempi("UltraStar", systems, karaoke_songs(options.ultrastar), options.work)


def _librosa(path: Path) -> Beats:
    waveform = audio.read(path, SAMPLE_RATE)
    return Beats(onset_beats(waveform), duration_s=len(waveform) / SAMPLE_RATE)


def scores(title: str, systems: Sequence, found: Sequence[Recording], work: Path) -> None:
    """Print the scores of each system with their intervals, each recording alike."""
    found = [recording for recording in found if recording.truth("beats") is not None]
    groups = [recording.group for recording in found]
    print(f"\n{title}: n = {len(found)}, {len(set(groups))} groups")
    print(" " * 20 + "".join(f"{column:>22}" for column in COLUMNS))
    for system in systems:
        each = [
            beat_scores(recording.truth("beats"), estimate)
            for recording, estimate in zip(
                found, comparison.estimates_of(system, found, "beats", work), strict=True
            )
        ]
        cells = [
            comparison.with_interval([one[column] for one in each], groups) for column in COLUMNS
        ]
        print(f"{system.name:20}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


def agreement(title: str, systems: Sequence, found: Sequence[Recording], work: Path) -> None:
    """Print the mean F-measure between each two systems, 5 s trimmed, with its interval."""
    groups = [recording.group for recording in found]
    beats = {
        system.name: [
            mir_eval.beat.trim_beats(estimate.times)
            for estimate in comparison.estimates_of(system, found, "beats", work)
        ]
        for system in systems
    }
    print(f"\n{title}: agreement (trim_beats: 5 s), n = {len(found)}")
    for first, second in itertools.combinations(beats, 2):
        values = np.array([_same(a, b) for a, b in zip(beats[first], beats[second], strict=True)])
        print(
            f"{first:20}{second:20}{comparison.mean_with_interval(values, groups):>22}", flush=True
        )


def _same(first: np.ndarray, second: np.ndarray) -> float:
    if not len(first) or not len(second):
        return float(len(first) == len(second))
    return float(mir_eval.beat.f_measure(first, second))


class Grid(NamedTuple):
    """Where a constant tempo lies best on onsets (s), and how clearly: 1 is not at all."""

    offset_s: float
    clarity: float


def fitted_grid(waveform: np.ndarray, period_s: float) -> Grid:
    """Fit the offset of a grid to the onset strength of audio at 16 kHz."""
    onsets = librosa.onset.onset_strength(y=waveform, sr=SAMPLE_RATE, hop_length=ONSET_HOP)
    times = np.arange(len(onsets)) * ONSET_HOP / SAMPLE_RATE
    offsets = np.arange(GRID_STEPS) * period_s / GRID_STEPS
    end_s = times[-1]
    strength = np.array(
        [np.interp(np.arange(offset, end_s, period_s), times, onsets).mean() for offset in offsets]
    )
    return Grid(
        float(offsets[strength.argmax()] - ONSET_LAG_S) % period_s,
        float(strength.max() / max(float(strength.mean()), 1e-9)),
    )


def game_songs(folder: Path) -> list[Recording]:
    """Whole songs, guitar and the rest together, with the beats of their constant tempo."""
    import mido

    found = []
    for notes in sorted(folder.rglob("notes.mid")):
        tempi = {
            message.tempo
            for track in mido.MidiFile(notes).tracks
            for message in track
            if message.type == "set_tempo"
        }
        if len(tempi) != 1:
            raise DataError(f"'{notes}' has {len(tempi)} tempi; its beats are not a grid")
        period_s = tempi.pop() / 1e6
        parts = [audio.read(notes.parent / name, SAMPLE_RATE) for name in (REST, STEM)]
        length = max(map(len, parts))
        waveform = sum(np.pad(part, (0, length - len(part))) for part in parts)
        grid = fitted_grid(waveform, period_s)
        print(
            f"{notes.parent.name}: {60 / period_s:.2f} beats a minute, offset "
            f"{1000 * grid.offset_s:.0f} ms, clarity {grid.clarity:.2f}"
        )
        beats = np.arange(grid.offset_s, length / SAMPLE_RATE, period_s)
        found.append(_recording(notes.parent.name, notes.parent.name, waveform, beats))
    if not found:
        raise DataError(f"'{folder}' holds no notes.mid; unpack the packages as they are")
    return found


def karaoke_songs(folder: Path) -> list[Recording]:
    """Songs whose grid locks to the onsets, with its beats; their level is not known."""
    found = []
    for item in sung_items(folder):
        header = sung.ultrastar_header(Path(item.path).parent / "song.txt")
        tempo = float(header["BPM"].replace(",", "."))
        while tempo > HIGHEST_BPM:
            tempo /= 2
        waveform = audio.read(item.path, SAMPLE_RATE)
        grid = fitted_grid(waveform, 60 / tempo)
        locks = grid.clarity >= LOCKED
        print(
            f"{item.name}: {tempo:.2f}, clarity {grid.clarity:.2f}"
            + ("" if locks else ", left out")
        )
        if locks:
            beats = np.arange(grid.offset_s, len(waveform) / SAMPLE_RATE, 60 / tempo)
            found.append(_recording(item.name, item.group, waveform, beats))
    return found


def _recording(name: str, group: str, waveform: np.ndarray, beats: np.ndarray) -> Recording:
    loudest = max(1.0, float(np.max(np.abs(waveform))))
    samples = np.round(waveform * (FULL_SCALE / loudest)).astype(np.int16)
    return Recording(name, group, samples, Labels(beats=beats))


def tempi(title: str, systems: Sequence, found: Sequence[Recording], work: Path) -> None:
    """Print how many tempi are right within 4 %, up to a factor of 1, 2 or 4."""
    groups = [recording.group for recording in found]
    print(f"\n{title}: tempo up to a factor of 1, 2 or 4, n = {len(found)}")
    for system in systems:
        right = []
        estimates = comparison.estimates_of(system, found, "beats", work)
        for recording, estimate in zip(found, estimates, strict=True):
            true = recording.truth("beats").tempo
            ratio = (estimate.tempo or 0.0) / true
            right.append(any(abs(ratio * each - 1) <= TOLERANCE for each in TEMPO_FACTORS))
        print(
            f"{system.name:20}{comparison.mean_with_interval(np.array(right, float), groups):>22}",
            flush=True,
        )


if __name__ == "__main__":
    main()
