"""A collection that is no part of mirzoo: bursts of noise whose times are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mirzoo.data.corpus import Item
from mirzoo.data.labels import Labels
from mirzoo.data.sources import Collection

RATE = 16000
PULSES = (0.31, 0.85, 1.43, 2.11, 2.71, 3.29, 3.83)
SPLITS = ("train",) * 6 + ("valid",) * 2 + ("test",) * 2


def pulsing(times=PULSES, seconds=4.3, seed=0) -> np.ndarray:
    """Bursts of 20 ms in faint noise, float32 ``(samples,)``."""
    rng = np.random.default_rng(seed)
    waveform = 1e-3 * rng.standard_normal(round(seconds * RATE))
    for time in times:
        start = round((time - 0.01) * RATE)
        waveform[start : start + 320] += 0.5 * rng.uniform(-1, 1, 320)
    return waveform.astype(np.float32)


def items(folder: Path) -> list[Item]:
    return [Item(str(n), "bursts", str(n), "", split) for n, split in enumerate(SPLITS)]


def play(item: Item) -> tuple[np.ndarray, Labels]:
    times = tuple(time + 0.07 * int(item.name) for time in PULSES)
    return pulsing(times, 6.0, seed=int(item.name)), Labels(beats=np.array(times))


BURSTS = Collection(
    name="toy_bursts",
    description="Bursts of noise.",
    obtain="It is made of nothing but numbers.",
    licence="CC0-1.0",
    grouping="each item by itself",
    items=items,
    maker=lambda home: play,
    min_seconds=1.0,
    fetch=lambda folder: None,
    rendered=True,
)
