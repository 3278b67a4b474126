"""OpenEWLD: lead sheets in the public domain, rendered by random ensembles and bands.

References
----------
F. Simonetta, F. Carnovalini, N. Orio, A. Rodà, "Symbolic Music Similarity through a Graph-Based
Representation", Audio Mostly 2018 (of the collection EWLD, from which OpenEWLD was taken).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items
from mirzoo.studio.sound import render, renditions
from mirzoo.studio.sound.tracking import PACKAGES

PATTERN = "*.mxl"
EXCERPTS, SONGS = 80, 160
"""How many songs the collections openewld and songs_openewld have."""

COLLECTIONS.register(
    Collection(
        name="openewld",
        rendered=True,
        description="OpenEWLD: lead sheets in the public domain, arranged and rendered",
        obtain="Unpack OpenEWLD (GitHub: 00sapo/OpenEWLD) there.",
        licence="MIT; soundfonts under their own licences",
        commercial="yes",
        grouping="song",
        checksum="83121ad5ecc9f33363c962ebfe5b3d13905561a31630765ff44113ec75574561",
        items=_items.excerpts("openewld", PATTERN, EXCERPTS),
        maker=lambda home: render.render_item,
        programs=("fluidsynth",),
    )
)
_SONGS = Collection(
    name="songs_openewld",
    rendered=True,
    description="OpenEWLD: lead sheets in the public domain, rendered by random bands; "
    "labels: chords, melody, beats",
    obtain="Unpack OpenEWLD (GitHub: 00sapo/OpenEWLD) into src/openewld.",
    licence="MIT; soundfonts under their own licences",
    commercial="yes",
    grouping="song; one soundfont is held out for testing",
    checksum="544f22adc70c262650acd4af18eadd846160395147d03624e2b5cb2bcd423ee1",
    items=_items.song_items("songs_openewld", PATTERN, SONGS),
    maker=lambda home: renditions.render_song,
    source="openewld",
    programs=("fluidsynth",),
)
COLLECTIONS.register(_SONGS)
COLLECTIONS.register(
    replace(
        _SONGS,
        name="songs_openewld_more",
        description="OpenEWLD: the lead sheets that songs_openewld leaves out, and second "
        "renditions of those it trains on; labels: chords, melody, beats",
        grouping="song; all for training",
        checksum="131831cdd57258ec8bc6dcdf1f62f08d0c86eb119d87b3cba8b0e77912aa37de",
        items=_items.more_song_items("songs_openewld_more", PATTERN, others=SONGS),
    )
)
COLLECTIONS.register(
    replace(
        _SONGS,
        name="songs_recorded",
        description="OpenEWLD: the lead sheets of songs_openewld_more, led by recorded notes "
        "of 12 instruments over rendered bands; labels: chords, melody, beats",
        obtain="Unpack OpenEWLD (GitHub: 00sapo/OpenEWLD) into src/openewld, check out the "
        "GitHub repository skratchdot/philharmonia-samples into src/philharmonia and install "
        "the extra 'studio'.",
        licence="MIT; CC BY-SA 3.0 (notes); soundfonts under their own licences",
        commercial="yes",
        grouping="song; all for training",
        checksum="131831cdd57258ec8bc6dcdf1f62f08d0c86eb119d87b3cba8b0e77912aa37de",
        items=_items.more_song_items("songs_recorded", PATTERN, others=SONGS, take="recorded"),
        maker=lambda home: partial(
            renditions.render_song, samples=home / "src" / "philharmonia" / "audio"
        ),
        packages=PACKAGES,
    )
)
