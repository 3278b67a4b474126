"""ESC-10: sounds of the environment that are not music.

References
----------
K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015.
"""

from __future__ import annotations

from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items

COLLECTIONS.register(
    Collection(
        name="esc10",
        description="400 sounds that are not music, of ten classes, 5 s each",
        obtain="Check out commit 553c8f1 of the GitHub repository karolpiczak/ESC-10 there.",
        licence="CC BY 3.0",
        commercial="yes",
        grouping="class of sound; all for training",
        checksum="01b92dfaaca8c63ac69ddc9dbaee7f3a8de8e678ee3668b5c00a541007238115",
        items=_items.recordings("esc10", lambda path: path.parent.name, "train"),
        min_seconds=3.1,
    )
)
