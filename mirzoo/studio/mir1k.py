"""MIR-1K: karaoke singers over their own accompaniment, and over other music.

References
----------
C.-L. Hsu, J.-S. R. Jang, "On the Improvement of Singing Voice Separation for Monaural Recordings
Using the MIR-1K Dataset", IEEE Transactions on Audio, Speech, and Language Processing 18 (2), 2010.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import SAMPLE_RATE, Item, item_rng
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items
from mirzoo.studio.sound.mixing import at_level, at_unit_rms, opened, stretch_of

VALID_SINGERS = {"bug", "khair"}
TEST_SINGERS = {"annar", "davidson", "heycat", "jmzen"}
VOICE_DB = (-6.0, 9.0)


def mixed_items(name: str, backings: Sequence[str]) -> Callable[[Path], list[Item]]:
    """Each sung clip once over each backing: "own" is its accompaniment, others are drawn."""

    def items(folder: Path) -> list[Item]:
        return [
            Item(
                name=f"{backing}/{path.stem}",
                collection=name,
                group=path.stem.split("_")[0],
                path=os.fspath(path),
                split="valid" if path.stem.split("_")[0] in VALID_SINGERS else "train",
            )
            for backing in backings
            for path in _items.audio_files(folder / "vocal")
        ]

    return items


def sing(item: Item, *, backing: Path) -> np.ndarray:
    """Mix a solo voice with music, the voice between 6 dB below and 9 dB above it.

    ``item.path`` is the voice; its accompaniment has the same name in the folder
    ``accompaniment`` next to the voice's. Items called ``own/…`` get that; the others a random
    stretch of the prepared corpus ``backing``, out of the item's own split.
    """
    rng = item_rng(item)
    voice = audio.read(item.path, SAMPLE_RATE)
    path = Path(item.path)
    if item.name.startswith("own/"):
        music = accompaniment(path, len(voice))
    else:
        music = stretch_of(opened(backing), len(voice), item.split, rng)
    gain = 10 ** (rng.uniform(*VOICE_DB) / 20)
    return at_level(gain * at_unit_rms(voice) + at_unit_rms(music))


def accompaniment(voice: Path, samples: int) -> np.ndarray:
    """A voice's own accompaniment, float32 ``(samples,)``: cut, or with silence behind it."""
    music = audio.read(voice.parent.parent / "accompaniment" / voice.name, SAMPLE_RATE)
    return np.pad(music, (0, max(0, samples - len(music))))[:samples]


COLLECTIONS.register(
    Collection(
        name="mir1k",
        description="MIR-1K: 1,000 clips of karaoke by 19 amateurs, mixed over their own "
        "accompaniment and over other music of the prepared corpus 'debian'",
        obtain="Put the data set's solo voices into vocal/ and its accompaniments into "
        "accompaniment/, under the same file names, singer_song_clip.",
        licence="research data without an open licence",
        commercial="unstated",
        grouping="singer",
        items=mixed_items("mir1k", ("own", "other")),
        maker=lambda home: partial(sing, backing=home / "corpus" / "debian"),
        min_seconds=3.1,
        corpora=("debian",),
    )
)
COLLECTIONS.register(
    Collection(
        name="mir1k_remixed",
        description="MIR-1K: the same voices, each over two more stretches of the prepared "
        "corpus 'debian'",
        obtain="Put the data set's solo voices into vocal/, singer_song_clip.",
        licence="research data without an open licence",
        commercial="unstated",
        grouping="singer",
        items=mixed_items("mir1k_remixed", ("second", "third")),
        maker=lambda home: partial(sing, backing=home / "corpus" / "debian"),
        min_seconds=3.1,
        corpora=("debian",),
    )
)
