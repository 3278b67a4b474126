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

from mirzoo._support.words import counted
from mirzoo.card import Contract
from mirzoo.errors import ArtefactError
from mirzoo.tasks.tagging.annotation import Tags
from mirzoo.tasks.tagging.config import OUTPUT, TaggingDecoding

ROW_S = 0.25
"""From one window of a model that goes through a stream to the next (s)."""


class TagDecoder:
    """Turns a tagger's outputs into tags; see `mirzoo.tasks.base.Decoder`.

    ``outputs["tags"]`` has the shape ``(windows, tags)``, or ``(windows, frames, tags)``, of which
    the mean over frames is taken, or of a live model the last frame, which is of the whole window.
    """

    def __init__(self, card: Contract) -> None:
        self._card = card
        self._probabilities: list[np.ndarray] = []
        self._starts: list[np.ndarray] = []
        self._frames = 0
        self._last: np.ndarray | None = None

    @property
    def lag_s(self) -> float:
        """Tags are what the model gives, at once."""
        return 0.0

    def add_frames(self, outputs: dict[str, np.ndarray]) -> None:
        """Take the next frames of a model that goes through a stream, ``(frames, tags)``.

        A frame tells of the window that ends with it; one is taken every `ROW_S`.
        """
        probabilities = outputs[OUTPUT]
        every = max(1, round(ROW_S * self._frame_rate))
        numbers = self._frames + np.arange(len(probabilities))
        taken = (numbers + 1) % every == 0
        self._frames += len(probabilities)
        if len(probabilities):
            self._last = None if taken[-1] else probabilities[-1]
        if taken.any():
            self._add(probabilities[taken], self._starts_of(numbers[taken]))

    def take(self) -> Tags | None:
        """Give the windows that were added since the last call, and forget them."""
        if not self._starts:
            return None
        ends_s = np.concatenate(self._starts)[-1] + self._card.window_s
        tags = self._tags(duration_s=float(ends_s), source=None)
        self._probabilities, self._starts = [], []
        return tags

    @property
    def _frame_rate(self) -> float:
        rate = self._card.outputs[0].frame_rate
        assert rate is not None  # that of a model with steps
        return rate

    def _starts_of(self, frames: np.ndarray) -> np.ndarray:
        ends_s = self._card.outputs[0].first_frame_s + frames / self._frame_rate
        return ends_s - self._card.window_s

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
            live = card.live
            probabilities = probabilities[:, -1] if live else probabilities.mean(axis=1)
        self._add(probabilities, starts)

    def finish(self, *, duration_s: float, source: str | None = None) -> Tags:
        """Give the tags of a recording of ``duration_s`` seconds, of which nothing was taken."""
        self._add_last()
        return self._tags(duration_s=duration_s, source=source)

    def rest(self, *, duration_s: float, source: str | None = None) -> Tags | None:
        """Give what was not taken of a recording of this length; None if that is nothing."""
        self._add_last()
        return self._tags(duration_s=duration_s, source=source) if self._starts else None

    def _add_last(self) -> None:
        if self._last is not None:
            self._add(self._last[np.newaxis], self._starts_of(np.array([self._frames - 1])))
            self._last = None

    def _add(self, probabilities: np.ndarray, starts: np.ndarray) -> None:
        card = self._card
        if probabilities.shape != (len(starts), len(card.labels)):
            raise ArtefactError(
                f"{card.name} gave tags of the shape {probabilities.shape} for {len(starts)} "
                f"windows; its card lists {counted(len(card.labels), 'label')}. Is it the card "
                "of another "
                "model?"
            )
        if not np.isfinite(probabilities).all():
            raise ArtefactError(
                f"{card.name} gave tags that are not finite; are its files damaged? "
                f"`mirzoo verify {card.name}` tells."
            )
        self._probabilities.append(probabilities)
        self._starts.append(starts)

    def _tags(self, *, duration_s: float, source: str | None) -> Tags:
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
