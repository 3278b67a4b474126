"""Songs whose lead guitar was recorded apart: real leads, whose pitch is tracked on their stem.

A folder of games (Frets on Fire) holds for each song ``guitar.ogg``, the guitar, and ``song.ogg``,
everything else. What the guitar plays is the melody where it plays one note at a time; where two
trackers do not agree on that for a while, nothing is known, not even that there is no melody.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.dsp.framing import runs
from mirzoo.errors import DataError
from mirzoo.studio import debian
from mirzoo.studio.sound.tracking import PACKAGES, track_voice

STEM, REST = "guitar.ogg", "song.ogg"
SHORTEST_S = 0.12
STEADY_CENTS = 60.0


def lead_items(folder: Path) -> list[Item]:
    """The songs below ``folder`` that have their guitar by itself, all of them to test on."""
    stems = sorted(stem for stem in folder.rglob(STEM) if (stem.parent / REST).exists())
    if not stems:
        raise DataError(f"'{folder}' has no song with {STEM} and {REST} next to each other")
    return [
        Item(stem.parent.name, "guitar_leads", stem.parent.parent.name, os.fspath(stem), "test")
        for stem in stems
    ]


def read_lead(item: Item) -> tuple[np.ndarray, Labels]:
    """Read a whole song, and the melody that its guitar plays, where it is certain."""
    stem = audio.read(item.path, SAMPLE_RATE)
    rest = audio.read(Path(item.path).parent / REST, SAMPLE_RATE)
    length = max(len(stem), len(rest))
    stem, rest = (np.pad(part, (0, length - len(part))) for part in (stem, rest))
    f0 = track_voice(stem)
    return stem + rest, Labels(f0=np.where(_steady(f0), f0, np.nan).astype(np.float32))


def _steady(f0: np.ndarray) -> np.ndarray:
    """Where a pitch (Hz) goes on for `SHORTEST_S` without a step over `STEADY_CENTS`."""
    sounding = np.nan_to_num(f0) > 0
    cents = 1200 * np.log2(np.where(sounding, f0, 1.0))
    goes_on = sounding[1:] & sounding[:-1] & (np.abs(np.diff(cents)) < STEADY_CENTS)
    steady = np.zeros(len(f0), bool)
    for first, last in runs(goes_on):
        if last - first >= SHORTEST_S * F0_RATE:
            steady[first : last + 1] = True
    return steady


COLLECTIONS.register(
    Collection(
        name="guitar_leads",
        description="metal songs whose guitar is recorded apart, its leads as labels: melody",
        obtain=f"Fetched with apt-get download of {debian.LEADS_PACKAGE}; needs the extra "
        "'studio'.",
        licence="MIT, Carlos Viola Iborra",
        commercial="yes",
        grouping="artist; never trained on, but among what melodies were validated on",
        items=lead_items,
        maker=lambda home: read_lead,
        fetch=lambda folder: debian.fetch_package(debian.LEADS_PACKAGE, folder),
        unjudged=("overall accuracy", "voicing false alarm"),
        packages=PACKAGES,
    )
)
