"""Folders of short clips to load, with what may be wrong in them."""

import numpy as np
import soundfile

RATE = 8000


def noise(number, seconds=0.5, level=0.1):
    """Noise that is another for each number, float ``(samples,)``."""
    rng = np.random.default_rng(number)
    return level * rng.uniform(-1, 1, int(seconds * RATE))


def write(path, samples, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)
    return path


def two_classes(folder, clips=4):
    """Clips of the classes cat and dog."""
    for number in range(clips):
        write(folder / "dog" / f"{number}.wav", noise(number))
        write(folder / "cat" / f"{number}.wav", noise(100 + number))
    return folder


def of_kind(findings, kind):
    """The findings of one kind."""
    return [finding for finding in findings if finding.kind == kind]


def one(findings, kind, severity):
    """The only finding of a kind, of this severity."""
    (finding,) = of_kind(findings, kind)
    assert finding.severity == severity
    return finding
