"""Music tagging: which words fit a recording, and when.

A tagger processes a window of a few seconds and gives each tag of its vocabulary a probability:
independent ones where any number of tags may fit (sigmoid), or ones that sum to 1 where exactly
one does (softmax). A recording longer than a window is processed window by window; the result for
the whole is the mean over windows, weighted by the seconds of music in each, as the published
taggers report their clip-level scores (Pons & Serra 2019, arXiv:1909.06654).
"""

from __future__ import annotations

from typing import cast

import numpy as np

from mirzoo.card import Contract
from mirzoo.errors import ArtefactError
from mirzoo.tasks.tagging.annotation import Tags
from mirzoo.tasks.tagging.config import OUTPUT, TaggingDecoding


class TagDecoder:
    """Turns a tagger's outputs into tags; see `mirzoo.tasks.base.Decoder`.

    ``outputs["tags"]`` has the shape ``(windows, tags)``, or ``(windows, frames, tags)``, of which
    the mean over frames is taken.
    """

    def __init__(self, card: Contract) -> None:
        self._card = card
        self._probabilities: list[np.ndarray] = []
        self._starts: list[np.ndarray] = []

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        card = self._card
        if OUTPUT not in outputs:
            raise ArtefactError(
                f"{card.name} gave the outputs {sorted(outputs)}; a tagger has one named "
                f"'{OUTPUT}'. Is its card that of another model?"
            )
        probabilities = outputs[OUTPUT]
        if probabilities.ndim == 3:
            probabilities = probabilities.mean(axis=1)
        if probabilities.shape != (len(starts), len(card.labels)):
            raise ArtefactError(
                f"{card.name} gave tags of the shape {probabilities.shape} for {len(starts)} "
                f"windows; its card lists {len(card.labels)} labels. Is it the card of another "
                "model?"
            )
        if not np.isfinite(probabilities).all():
            raise ArtefactError(
                f"{card.name} gave tags that are not finite; are its files damaged? "
                f"`mirzoo verify {card.name}` tells."
            )
        self._probabilities.append(probabilities)
        self._starts.append(starts)

    def finish(self, *, duration_s: float, source: str | None = None) -> Tags:
        """Give the tags of a recording of ``duration_s`` seconds."""
        decoding = cast(TaggingDecoding | None, self._card.decoding)
        return Tags(
            labels=tuple(self._card.labels),
            times=np.concatenate(self._starts),
            probabilities=np.concatenate(self._probabilities),
            window_s=self._card.window_s,
            source=source,
            duration_s=duration_s,
            model=self._card.name,
            thresholds=None if decoding is None else tuple(decoding.thresholds),
        )
