"""Keys that are decided inside an exported file: a key a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mirzoo.card import LABEL_INDEX, Axis, Contract, OutputSpec
from mirzoo.tasks.base import Decisions, same_choice
from mirzoo.tasks.frames import FrameJoiner, find_segments
from mirzoo.tasks.key.annotation import Key
from mirzoo.tasks.key.config import KeyDecoding
from mirzoo.tasks.key.decoder import LEAST, likeliest_keys

if TYPE_CHECKING:
    import tensorflow as tf

KEY = "key"
CONTEXT_S_PER_NAT = 0.25
MOST_CONTEXT_S = 5.0


class KeyDecisions(Decisions):
    """The likeliest sequence of keys in each window; see `mirzoo.tasks.base.Decisions`.

    ``key`` is the index of the label of each frame.
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, KeyDecoding)  # the task has checked the card
        super().__init__(card)
        self._decoding = card.decoding

    @property
    def outputs(self) -> list[OutputSpec]:
        main = self.card.outputs[0]
        return [
            OutputSpec(
                name=KEY,
                axes=[Axis(name="frame", size=None, unit=LABEL_INDEX)],
                frame_rate=main.frame_rate,
                first_frame_s=main.first_frame_s,
            )
        ]

    @property
    def context_s(self) -> float:
        return min(CONTEXT_S_PER_NAT * self._decoding.change_penalty, MOST_CONTEXT_S)

    def in_numpy(self, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        probabilities = outputs[self.card.outputs[0].name]
        paths = [likeliest_keys(window, self._decoding) for window in probabilities]
        return {KEY: np.stack(paths).astype(np.int32)}

    def in_graph(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        from mirzoo.models.layers import viterbi

        evidence = tf.math.log(tf.maximum(outputs[self.card.outputs[0].name], LEAST))
        return {KEY: viterbi.path_with_changes(evidence, self._decoding.change_penalty)}

    def same(
        self, outputs: dict[str, np.ndarray], received: dict[str, np.ndarray], tie: float
    ) -> np.ndarray:
        probabilities, best = outputs[self.card.outputs[0].name], self.in_numpy(outputs)[KEY]
        return same_choice(probabilities, received[KEY], tie, best=best)

    def decoder(self) -> DecidedKeys:
        return DecidedKeys(self.card)


class DecidedKeys:
    """Joins the keys of windows; see `mirzoo.tasks.base.Decoder`.

    The recording's key is the one that lasts longest. Probabilities and the tuning are not to be
    had: they stayed in the file.
    """

    def __init__(self, card: Contract) -> None:
        self._card = card
        self._joiner = FrameJoiner(card)
        self._joined: list[np.ndarray] = []

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        self._joined.append(self._joiner.join(outputs, starts)[KEY].copy())

    def finish(self, *, duration_s: float, source: str | None = None) -> Key:
        """Give the keys of a recording of ``duration_s`` seconds."""
        path = np.concatenate(self._joined)[: self._joiner.count(duration_s)]
        segments = [
            (start_s, end_s, self._card.labels[path[first]])
            for first, _, start_s, end_s in find_segments(
                path, self._joiner.times(len(path)), duration_s
            )
        ]
        longest = self._card.labels[int(np.bincount(path).argmax())]
        return Key(longest, segments, source=source, duration_s=duration_s, model=self._card.name)
