"""POP909: pop songs as symbols, rendered by random ensembles and bands.

References
----------
Z. Wang, K. Chen, J. Jiang, Y. Zhang, M. Xu, S. Dai, X. Gu, G. Xia, "POP909: A Pop-song Dataset for
Music Arrangement Generation", ISMIR 2020.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mirzoo.data.corpus import SPLITS
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items
from mirzoo.studio.sound import render, renditions

PATTERN = "[0-9][0-9][0-9].mid"
EXCERPTS, SONGS = 160, 420
"""How many songs the collections pop909 and songs_pop909 have."""


def songs_by_split(folder: Path) -> dict[str, list[str]]:
    """The songs in each split, as the collection ``songs_pop909`` divides them."""
    items = _items.song_items("songs_pop909", PATTERN, SONGS)(folder)
    return {split: [item.path for item in items if item.split == split] for split in SPLITS}


COLLECTIONS.register(
    Collection(
        name="pop909",
        rendered=True,
        description="POP909: pop songs rendered with random instruments",
        obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) there.",
        licence="MIT; soundfonts under their own licences",
        commercial="yes",
        grouping="song",
        checksum="42c287dd5c7b1ef5e99fe329f3220e2aa6f9e46645f2f1fb18399ce1262b49c9",
        items=_items.excerpts("pop909", PATTERN, EXCERPTS),
        maker=lambda home: render.render_item,
        programs=("fluidsynth",),
    )
)
_SONGS = Collection(
    name="songs_pop909",
    rendered=True,
    description="POP909: pop songs, rendered by random bands with leads that bend; "
    "labels: chords, melody, beats",
    obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) into src/pop909.",
    licence="MIT; soundfonts under their own licences",
    commercial="yes",
    grouping="song; one soundfont is held out for testing",
    checksum="d686893ac3667008488982e19caf11b95fd7adecac96319321097ec82b115f61",
    items=_items.song_items("songs_pop909", PATTERN, SONGS),
    maker=lambda home: renditions.render_song,
    source="pop909",
    programs=("fluidsynth",),
)
COLLECTIONS.register(_SONGS)
COLLECTIONS.register(
    replace(
        _SONGS,
        name="songs_pop909_more",
        description="POP909: the songs that songs_pop909 leaves out, and second renditions of "
        "those it trains on; labels: chords, melody, beats",
        grouping="song; all for training",
        checksum="aa25f8e1fb29ac5f8502fb362fcdd8ff87d7baa6a6bbf519c2b92d1d2ad60184",
        items=_items.more_song_items("songs_pop909_more", PATTERN, others=SONGS),
    )
)
