"""Chords that are decided inside an exported file: a class a frame, and the bass of inversions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mirzoo.card import LABEL_INDEX, Axis, Contract, OutputSpec
from mirzoo.dsp.chord_vocabulary import with_bass
from mirzoo.tasks.base import Decisions, same_choice
from mirzoo.tasks.chords.annotation import Chords
from mirzoo.tasks.chords.config import ChordDecoding
from mirzoo.tasks.chords.decoder import (
    BASS,
    SMALLEST,
    likeliest_bass,
    likeliest_classes,
    log_probabilities,
)
from mirzoo.tasks.frames import FrameJoiner, find_segments, runs_of

if TYPE_CHECKING:
    import tensorflow as tf

CHORD = "chord"
N_BASSES = 13
CONTEXT_S_PER_NAT = 0.25
"""A change needs evidence that outweighs its penalty, and real songs give some nats of it a second:
with a penalty of 8, 1 s at either side leaves 0.9 % of frames that a whole song decides otherwise,
2 s 0.6 % and 5 s 0.15 %."""
MOST_CONTEXT_S = 10.0


class ChordDecisions(Decisions):
    """The likeliest sequence of classes in each window; see `mirzoo.tasks.base.Decisions`.

    ``chord`` is the index of the label of each frame. ``bass``, where the card has a
    ``bass_threshold``, is 1 for C to 12 for B where the chord is an inversion with this bass, else
    0. The bass of a chord is the likeliest on average over the chord, in this window.

    Thirds are not settled by the song, and each window keeps the tuning that it was moved by: music
    that is tuned near `mirzoo.dsp.transposition.LOWEST_TUNING_CENTS` may be in two keys, which
    annotation without a decoder inside makes up for (`mirzoo.tasks.chords.one_tuning`).
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, ChordDecoding)  # the task has checked the card
        super().__init__(card)
        self._decoding = card.decoding
        self._names_bass = card.decoding.bass_threshold is not None

    @property
    def outputs(self) -> list[OutputSpec]:
        main = self.card.outputs[0]
        units = {CHORD: LABEL_INDEX}
        if self._names_bass:
            units[BASS] = LABEL_INDEX
        return [
            OutputSpec(
                name=name,
                axes=[Axis(name="frame", size=None, unit=unit)],
                frame_rate=main.frame_rate,
                first_frame_s=main.first_frame_s,
            )
            for name, unit in units.items()
        ]

    @property
    def context_s(self) -> float:
        if self._decoding.transition is not None:
            return 0.0
        return min(CONTEXT_S_PER_NAT * self._decoding.change_penalty, MOST_CONTEXT_S)

    def in_numpy(self, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        probabilities = outputs[self.card.outputs[0].name]
        paths = np.stack([likeliest_classes(window, self._decoding) for window in probabilities])
        decided = {CHORD: paths.astype(np.int32)}
        if self._names_bass:
            basses = np.zeros_like(decided[CHORD])
            for path, given, basses_there in zip(paths, outputs[BASS], basses, strict=True):
                for first, end in zip(*runs_of(path)):
                    bass = likeliest_bass(given[first:end].mean(axis=0), self._decoding)
                    basses_there[first:end] = bass * self._inversions[path[first], bass]
            decided[BASS] = basses
        return decided

    def in_graph(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        from mirzoo.models.layers import viterbi
        from mirzoo.models.layers.runs import mean_of_runs

        decoding = self._decoding
        evidence = tf.math.log(tf.maximum(outputs[self.card.outputs[0].name], SMALLEST))
        if decoding.prior is not None:
            evidence -= tf.constant(log_probabilities(decoding.prior), tf.float32)
        initial = None if decoding.initial is None else log_probabilities(decoding.initial)
        if decoding.transition is None:
            path = viterbi.path_with_changes(evidence, decoding.change_penalty, initial)
        else:
            into = log_probabilities(decoding.transition)
            path = viterbi.path_with_transitions(evidence, into, initial)
        decided = {CHORD: path}
        if decoding.bass_threshold is not None:
            mean = mean_of_runs(path, outputs[BASS])
            bass = tf.argmax(mean, axis=-1, output_type=tf.int32)
            is_likely = tf.reduce_max(mean, axis=-1) >= decoding.bass_threshold
            inverts = tf.gather(tf.constant(self._inversions.ravel()), path * N_BASSES + bass)
            decided[BASS] = bass * inverts * tf.cast(is_likely, tf.int32)
        return decided

    def same(
        self, outputs: dict[str, np.ndarray], received: dict[str, np.ndarray], tie: float
    ) -> np.ndarray:
        probabilities, best = outputs[self.card.outputs[0].name], self.in_numpy(outputs)[CHORD]
        return same_choice(probabilities, received[CHORD], tie, best=best)

    def decoder(self) -> DecidedChords:
        return DecidedChords(self.card)

    @property
    def _inversions(self) -> np.ndarray:
        """Whether a bass makes an inversion of a label, int32 ``(labels, 13)``."""
        return np.array(
            [
                [bass > 0 and with_bass(label, bass - 1) != label for bass in range(N_BASSES)]
                for label in self.card.labels
            ],
            np.int32,
        )


class DecidedChords:
    """Joins the chords of windows; see `mirzoo.tasks.base.Decoder`.

    Confidences are not to be had: the probabilities stayed in the file. Where a chord lasts over
    several windows, its bass is the one of most of its frames.
    """

    def __init__(self, card: Contract) -> None:
        self._card = card
        self._joiner = FrameJoiner(card)
        self._joined: list[dict[str, np.ndarray]] = []

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        joined = self._joiner.join(outputs, starts)
        self._joined.append({name: values.copy() for name, values in joined.items()})

    def finish(self, *, duration_s: float, source: str | None = None) -> Chords:
        """Give the chords of a recording of ``duration_s`` seconds."""
        count = self._joiner.count(duration_s)
        path, bass = (
            np.concatenate([joined.get(name, joined[CHORD] * 0) for joined in self._joined])[:count]
            for name in (CHORD, BASS)
        )
        spans = find_segments(path, self._joiner.times(len(path)), duration_s)
        segments = []
        for first, end, start_s, end_s in spans:
            most = int(np.bincount(bass[first:end], minlength=N_BASSES).argmax())
            label = self._card.labels[path[first]]
            segments.append((start_s, end_s, with_bass(label, most - 1) if most else label))
        return Chords(segments, source=source, duration_s=duration_s, model=self._card.name)
