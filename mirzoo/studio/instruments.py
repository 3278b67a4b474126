"""Isolated notes and phrases of single instruments."""

from __future__ import annotations

from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items

COLLECTIONS.register(
    Collection(
        name="instruments",
        description="isolated notes and phrases, a folder for each instrument",
        obtain="Put a folder for each instrument there, with its recordings.",
        licence="various Creative Commons licences",
        commercial="unstated",
        grouping="recording; held out, for testing only",
        items=_items.recordings("instruments", lambda path: path.stem, "test"),
        min_seconds=0.0,
    )
)
