"""Training data: collections to obtain, corpora prepared from them, windows, batches, labels.

`load` takes labelled data of somebody's own, whatever its form (`mirzoo.data.own`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirzoo._support.later import names_from

if TYPE_CHECKING:
    from mirzoo.data.own import OwnData, check, load

__all__ = ["OwnData", "check", "load"]

__getattr__ = names_from(__name__, dict.fromkeys(__all__, "mirzoo.data.own"))
