"""JamendoLyrics: sung songs with the times of their lyrics.

References
----------
S. Durand, D. Stoller, S. Ewert, "Contrastive Learning-Based Audio to Lyrics Alignment for Multiple
Languages", ICASSP 2023.
"""

from __future__ import annotations

from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items

COLLECTIONS.register(
    Collection(
        name="jamendolyrics",
        description="sung songs in four languages with the times of their lyrics",
        obtain="Check out the GitHub repository f90/jamendolyrics there.",
        licence="a Creative Commons licence for each song, in JamendoLyrics.csv",
        commercial="no",
        grouping="song; held out, for testing only",
        items=_items.recordings("jamendolyrics", lambda path: path.stem, "test", within="mp3"),
    )
)
