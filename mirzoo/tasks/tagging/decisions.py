"""Tags that are decided inside an exported file: the likeliest few, with their probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mirzoo.card import LABEL_INDEX, Axis, Contract, OutputSpec
from mirzoo.tasks.base import Decisions, same_choice
from mirzoo.tasks.tagging.annotation import Tags
from mirzoo.tasks.tagging.decoder import OUTPUT, TagDecoder

if TYPE_CHECKING:
    import tensorflow as tf

TOP, SCORES = "top", "scores"
MOST_TAGS = 5


class TagDecisions(Decisions):
    """The likeliest tags of each window; see `mirzoo.tasks.base.Decisions`.

    ``top`` holds the indices of the labels, the likeliest first, ``scores`` their probabilities:
    `MOST_TAGS` of them, or all where there are fewer labels.
    """

    @property
    def outputs(self) -> list[OutputSpec]:
        size = min(MOST_TAGS, len(self.card.labels))
        return [
            OutputSpec(name=name, axes=[Axis(name="rank", size=size, unit=unit)])
            for name, unit in ((TOP, LABEL_INDEX), (SCORES, "probability"))
        ]

    def in_numpy(self, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        tags = outputs[OUTPUT]
        if tags.ndim == 3:
            tags = tags.mean(axis=1)
        size = self.outputs[0].axes[-1].size
        top = np.argsort(-tags, axis=1, kind="stable")[:, :size]
        return {TOP: top.astype(np.int32), SCORES: np.take_along_axis(tags, top, axis=1)}

    def in_graph(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        tags = outputs[OUTPUT]
        if len(tags.shape) == 3:
            tags = tf.reduce_mean(tags, axis=1)
        scores, top = tf.math.top_k(tags, self.outputs[0].axes[-1].size)
        return {TOP: top, SCORES: scores}

    def same(
        self, outputs: dict[str, np.ndarray], received: dict[str, np.ndarray], tie: float
    ) -> np.ndarray:
        tags = outputs[OUTPUT]
        tags = tags.mean(axis=1) if tags.ndim == 3 else tags
        return same_choice(tags, received[TOP][:, 0], tie)

    def decoder(self) -> DecidedTags:
        return DecidedTags(self.card)


class DecidedTags:
    """Collects the likeliest tags of windows; see `mirzoo.tasks.base.Decoder`.

    A tag that isn't among the likeliest of a window counts as 0 there.
    """

    def __init__(self, card: Contract) -> None:
        self._card = card
        self._decoder = TagDecoder(card)

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        probabilities = np.zeros((len(starts), len(self._card.labels)), np.float32)
        np.put_along_axis(probabilities, outputs[TOP], outputs[SCORES], axis=1)
        self._decoder.add({OUTPUT: probabilities}, starts)

    def finish(self, *, duration_s: float, source: str | None = None) -> Tags:
        """Give the tags of a recording of ``duration_s`` seconds."""
        return self._decoder.finish(duration_s=duration_s, source=source)
