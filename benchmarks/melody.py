"""Compare melodies: our models and published systems, on the same recordings.

python benchmarks/melody.py --work results/ --models hcqt_cnn_melody crepe_tiny
--peers melodia=essentia_env/bin/python

Prepared corpora with a melody give mir_eval's measures, weighted by the seconds that each judges;
measures that a corpus cannot judge (the octave of UltraStar's notes is arbitrary) are left out.
CREPE tracks one voice and knows nothing of melody: it stands for what a good tracker of single
pitches makes of a mix.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import comparison

from mirzoo.data.sources import collection
from mirzoo.tasks.melody import melody_scores

SETS = (
    "sung_own", "sung_bands", "ultrastar_melody", "guitar_leads", "guitar_bands",
    "songs_pop909+songs_openewld", "charts_mma",
)  # fmt: skip
COLUMNS = (
    "overall accuracy", "raw pitch accuracy", "raw chroma accuracy", "voicing recall",
    "voicing false alarm",
)  # fmt: skip


def main() -> None:
    """Print a table for each set."""
    arguments = comparison.parser(__doc__.splitlines()[0])
    comparison.add_against(arguments)
    arguments.add_argument("--sets", nargs="*", default=SETS,
                           help="corpora with a melody; a+b is one set")  # fmt: skip
    options = arguments.parse_args()
    systems = comparison.systems(options, "melody")
    with ExitStack() as at_the_end:
        for system in systems:
            at_the_end.callback(system.close)
        if options.speed:
            comparison.print_timings(systems, "melody", options.rounds)
        else:
            for sets in options.sets:
                found = comparison.recordings(
                    options.home,
                    sets,
                    names=options.names,
                    limit=options.limit,
                    snr_db=options.snr,
                )
                table(sets, systems, found, options.work, options.against)


def table(
    sets: str, systems: Sequence, found: Sequence, work: Path, against: str | None = None
) -> None:
    """Print mir_eval's measures of each system."""
    unjudged = {measure for name in sets.split("+") for measure in collection(name).unjudged}
    found = [recording for recording in found if recording.truth("melody") is not None]
    scores = {
        system.name: [
            melody_scores(recording.truth("melody"), melody)
            for recording, melody in zip(
                found, comparison.estimates_of(system, found, "melody", work), strict=True
            )
        ]
        for system in systems
    }
    columns = [column for column in COLUMNS if column not in unjudged]
    groups = [recording.group for recording in found]
    comparison.print_scores(sets, scores, columns, groups, against)


if __name__ == "__main__":
    main()
