"""Compare keys: our models and published systems, on the same recordings.

python benchmarks/key.py --work results/ --models cqt_cnn_key keynet skey
--peers essentia_key=key_env/bin/python madmom_key=key_env/bin/python

A template baseline always takes part: the mean chroma of a constant-Q transform (librosa), compared
with the profiles of Krumhansl & Kessler. Intervals are 95 %, by bootstrap over the groups of the
recordings (songs, charts, artists).

- ``--sets``: test items of prepared corpora with keys: rendered songs and charts, played by a
  soundfont that no model learnt from, and ``emotify_keys``, real recordings whose titles name
  their key, by artists that cqt_cnn_key learnt nothing from. ``weighted`` is mir_eval's score,
  which of the fifths counts the one above alone; ``both fifths`` counts the one below too. Modes
  are told apart: ``major`` and ``minor`` are the shares right of recordings in either.
- ``--agreement``: recordings without labels. How often two systems name the same key, and how
  close they are by mir_eval's score, each judging the other once; that is no score.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import comparison
import librosa
import numpy as np
from comparison import Function, Recording

from mirzoo import audio
from mirzoo.tasks.key import Key, key_scores
from mirzoo.tasks.key.names import LABELS, MAJOR, parse_key

SETS = ("emotify_keys", "songs_pop909", "charts_keys")
AGREEMENT = ("magnatune", "jamendolyrics+ultrastar_melody")
COLUMNS = {
    "weighted": "weighted", "both fifths": "weighted_both_fifths", "correct": "correct",
    "fifth": "fifth", "relative": "relative", "parallel": "parallel", "major": "major",
    "minor": "minor",
}  # fmt: skip
TEMPLATE_RATE = 22050
PROFILES = {
    "maj": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "min": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
"""How well each tone above the tonic fits a key: Krumhansl & Kessler 1982, as Krumhansl,
"Cognitive foundations of musical pitch", 1990, table 2.1, has them."""


def main() -> None:
    """Print a table for each part that is asked for."""
    arguments = comparison.parser(__doc__.splitlines()[0])
    arguments.add_argument("--sets", nargs="*", default=SETS,
                           help="corpora with keys; a+b is one set")  # fmt: skip
    arguments.add_argument("--agreement", nargs="*", default=AGREEMENT, metavar="SET",
                           help="corpora without keys")  # fmt: skip
    options = arguments.parse_args()
    systems = comparison.systems(options, "key", [Function("profiles", template_key)])
    with ExitStack() as at_the_end:
        for system in systems:
            at_the_end.callback(system.close)
        if options.speed:
            comparison.print_timings(systems, "key", options.rounds)
            return
        for sets in options.sets:
            scores(sets, systems, _recordings(options, sets), options.work)
        for sets in options.agreement:
            agreement(sets, systems, _recordings(options, sets), options.work)


def _recordings(options, sets: str) -> list[Recording]:
    return comparison.recordings(
        options.home, sets, names=options.names, limit=options.limit, snr_db=options.snr
    )


def template_key(recording: Path) -> Key:
    """The key whose profile is most like the recording's chroma: what takes no training."""
    waveform = audio.read(recording, TEMPLATE_RATE)
    chroma = librosa.feature.chroma_cqt(y=waveform, sr=TEMPLATE_RATE).mean(axis=1)
    fits = [
        np.corrcoef(np.roll(PROFILES[key.mode], key.tonic), chroma)[0, 1]
        for key in map(parse_key, LABELS)
    ]
    return Key(LABELS[int(np.argmax(fits))], duration_s=len(waveform) / TEMPLATE_RATE)


def scores(title: str, systems: Sequence, found: Sequence[Recording], work: Path) -> None:
    """Print the scores of each system with their intervals, each recording alike."""
    found = [recording for recording in found if recording.truth("key") is not None]
    truths = [recording.truth("key") for recording in found]
    majors = sum(parse_key(truth.key).mode == MAJOR for truth in truths)
    groups = [recording.group for recording in found]
    print(f"\n{title}: n = {len(found)} ({majors} major), {len(set(groups))} groups")
    print(" " * 16 + "".join(f"{column:>20}" for column in COLUMNS))
    for system in systems:
        estimates = comparison.estimates_of(system, found, "key", work)
        each = [key_scores(*pair) for pair in zip(truths, estimates, strict=True)]
        cells = [
            comparison.with_interval([one[column] for one in each], groups)
            for column in COLUMNS.values()
        ]
        print(f"{system.name:16}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


def agreement(title: str, systems: Sequence, found: Sequence[Recording], work: Path) -> None:
    """Print how often each two systems name the same key, and their mean score of each other."""
    groups = [recording.group for recording in found]
    keys = {
        system.name: list(comparison.estimates_of(system, found, "key", work)) for system in systems
    }
    print(f"\n{title}: agreement, n = {len(found)}, {len(set(groups))} groups")
    print(f"{'':32}{'same key':>20}{'weighted':>20}")
    for first, second in itertools.combinations(keys, 2):
        pairs = list(zip(keys[first], keys[second], strict=True))
        same = np.array([one.key == other.key for one, other in pairs], float)
        close = np.array([(_weighted(one, two) + _weighted(two, one)) / 2 for one, two in pairs])
        cells = [comparison.mean_with_interval(values, groups) for values in (same, close)]
        print(f"{first:16}{second:16}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


def _weighted(truth: Key, estimate: Key) -> float:
    return key_scores(truth, estimate)["weighted"].value


if __name__ == "__main__":
    main()
