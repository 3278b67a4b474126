"""Recognise chords with Chordino, one file for each line read.

A line is a file to process and a ``.lab`` to write, with a tab between;
prints wall and CPU seconds.
Started by `benchmarks/chords.py` in the package's own environment (the plug-in is a GPL binary:
compared with, never part of mirzoo)::

    python3.11 -m venv chordino_env
    chordino_env/bin/pip install numpy wheel soundfile "setuptools<81" librosa==0.11.0
    chordino_env/bin/pip install --no-build-isolation vamp==1.1.0
    chordino_env/bin/pip install --no-deps chord-extractor==0.1.3

Mauch & Dixon, "Approximate note transcription for the improved identification of difficult
chords", ISMIR 2010. Parameters are the package's defaults, as its authors advise for pop songs.
"""

import re
import sys
import time
from pathlib import Path

QUALITIES = {
    "": "maj",
    "m": "min",
    "6": "maj6",
    "m6": "min6",
    "7": "7",
    "m7": "min7",
    "maj7": "maj7",
    "dim": "dim",
    "dim7": "dim7",
    "m7b5": "hdim7",
    "aug": "aug",
}
LABEL = re.compile(r"(?P<root>[A-G][b#]?)(?P<quality>[^/]*?)(?:/(?P<bass>[A-G][b#]?))?")
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SIGNS = {"": 0, "b": -1, "#": 1}
DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7")


def main() -> None:
    """Answer each line."""
    import soundfile
    from chord_extractor.extractors import Chordino

    chordino = Chordino()
    for line in sys.stdin:
        path, result = line.strip().split("\t")
        wall, cpu = time.perf_counter(), time.process_time()
        changes = [(change.timestamp, change.chord) for change in chordino.extract(path)]
        took = time.perf_counter() - wall, time.process_time() - cpu
        Path(result).write_text(lab(changes, soundfile.info(path).duration))
        print(*took, flush=True)


def lab(changes: list[tuple[float, str]], duration_s: float) -> str:
    """Write changes of chord as lines of start, end (s) and label; no chord before the first."""
    changes = [(0.0, "N"), *((max(time_s, 0.0), label) for time_s, label in changes)]
    ends = [min(time_s, duration_s) for time_s, _ in changes[1:]] + [duration_s]
    return "".join(
        f"{start:.6f} {end:.6f} {harte(label)}\n"
        for (start, label), end in zip(changes, ends)
        if end - start > 1e-6
    )


def harte(label: str) -> str:
    """Put a label of Chordino's into Harte's syntax: ``Bbm7/Db`` is ``Bb:min7/b3``.

    Raises
    ------
    ValueError
        If it is none.
    """
    if label == "N":
        return label
    parts = LABEL.fullmatch(label)
    if not parts or parts["quality"] not in QUALITIES:
        raise ValueError(f"'{label}' is not a chord as Chordino writes it")
    chord = f"{parts['root']}:{QUALITIES[parts['quality']]}"
    if not parts["bass"]:
        return chord
    return f"{chord}/{DEGREES[(_pitch_class(parts['bass']) - _pitch_class(parts['root'])) % 12]}"


def _pitch_class(note: str) -> int:
    return LETTERS[note[0]] + SIGNS[note[1:]]


if __name__ == "__main__":
    main()
