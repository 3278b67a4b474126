"""Melody that is decided inside an exported file: a frequency a frame, and whether it sounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mirzoo.card import Axis, Contract, OutputSpec
from mirzoo.tasks.base import Decisions, same_choice
from mirzoo.tasks.frames import FrameJoiner
from mirzoo.tasks.melody.annotation import Melody
from mirzoo.tasks.melody.config import MelodyDecoding
from mirzoo.tasks.melody.decoder import (
    SAME_PITCH_CENTS,
    SMALLEST,
    VOICING,
    is_voiced,
    movement_penalties,
    refine,
    strongest_bins,
)

if TYPE_CHECKING:
    import tensorflow as tf

F0, VOICED = "f0", "voiced"


class MelodyDecisions(Decisions):
    """The likeliest contour in each window; see `mirzoo.tasks.base.Decisions`.

    ``f0`` is the frequency of each frame (Hz), of unvoiced ones what it would be; ``voiced`` is 1
    where the melody sounds, else 0.
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, MelodyDecoding)  # the task has checked the card
        super().__init__(card)
        self._decoding = card.decoding
        self._salience = card.outputs[0].name
        self._has_voicing = any(output.name == VOICING for output in card.outputs)
        assert card.outputs[0].frame_rate is not None
        self._frame_rate = card.outputs[0].frame_rate

    @property
    def outputs(self) -> list[OutputSpec]:
        main = self.card.outputs[0]
        return [
            OutputSpec(
                name=name,
                axes=[Axis(name="frame", size=None, unit=unit)],
                frame_rate=main.frame_rate,
                first_frame_s=main.first_frame_s,
            )
            for name, unit in ((F0, "Hz"), (VOICED, "0 or 1"))
        ]

    def in_numpy(self, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        decoding = self._decoding
        contours, voiced = [], []
        for number, salience in enumerate(outputs[self._salience]):
            path = strongest_bins(salience, decoding)
            bins, peaks = refine(salience, path, decoding.average_bins)
            contours.append(decoding.fmin * 2.0 ** (bins / decoding.bins_per_octave))
            sounds = outputs[VOICING][number, :, 0] if self._has_voicing else peaks
            voiced.append(is_voiced(sounds, decoding, self._frame_rate))
        return {
            F0: np.stack(contours).astype(np.float32),
            VOICED: np.stack(voiced).astype(np.int32),
        }

    def in_graph(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        from mirzoo.models.layers import viterbi

        decoding, salience = self._decoding, outputs[self._salience]
        if decoding.method == "local_average":
            path = tf.argmax(salience, axis=-1, output_type=tf.int32)
        else:
            evidence = tf.math.log(tf.maximum(salience, SMALLEST))
            path = viterbi.path_with_movement(evidence, *movement_penalties(decoding))
        half = decoding.average_bins // 2
        padded = tf.pad(salience, [[0, 0], [0, 0], [half, half]])
        around = path[..., tf.newaxis] + tf.range(2 * half + 1)
        weights = tf.gather(padded, around, axis=2, batch_dims=2)
        offsets = tf.constant(np.arange(-half, half + 1), tf.float32)
        total = tf.reduce_sum(weights, axis=-1)
        moved = tf.reduce_sum(weights * offsets, axis=-1) / tf.where(total > 0.0, total, 1.0)
        octaves = (tf.cast(path, tf.float32) + moved) / decoding.bins_per_octave
        sounds = outputs[VOICING][..., 0] if self._has_voicing else weights[..., half]
        return {
            F0: decoding.fmin * tf.exp(octaves * math.log(2.0)),
            VOICED: tf.cast(self._voiced(sounds), tf.int32),
        }

    def _voiced(self, voicing: tf.Tensor) -> tf.Tensor:
        """`mirzoo.tasks.melody.decoder.is_voiced` as a graph."""
        import tensorflow as tf

        from mirzoo.models.layers.runs import any_of_runs, runs_at_edges, runs_shorter_than

        decoding = self._decoding
        above = voicing > decoding.voicing_threshold
        voiced = above
        if decoding.voicing_hysteresis > 0:
            may_last = voicing > decoding.voicing_threshold - decoding.voicing_hysteresis
            voiced = tf.logical_and(may_last, any_of_runs(may_last, above))
        shortest = decoding.shortest_s * self._frame_rate
        if shortest > 1:
            gaps = tf.logical_not(tf.logical_or(voiced, runs_at_edges(voiced)))
            voiced = tf.logical_or(
                voiced, tf.logical_and(gaps, runs_shorter_than(voiced, shortest))
            )
            voiced = tf.logical_and(voiced, tf.logical_not(runs_shorter_than(voiced, shortest)))
        return voiced

    def same(
        self, outputs: dict[str, np.ndarray], received: dict[str, np.ndarray], tie: float
    ) -> np.ndarray:
        expected, salience = self.in_numpy(outputs), outputs[self._salience]
        cents = 1200 * np.abs(np.log2(received[F0] / expected[F0]))
        ours, theirs = (self._nearest_bins(decided[F0]) for decided in (expected, received))
        pitch = (cents <= SAME_PITCH_CENTS) | (
            (ours != theirs) & same_choice(salience, theirs, tie, best=ours)
        )
        sounds = (
            outputs[VOICING][..., 0]
            if self._has_voicing
            else np.take_along_axis(salience, ours[..., np.newaxis], axis=-1)[..., 0]
        )
        undecided = np.abs(sounds - self._decoding.voicing_threshold) < tie
        voiced = [decided[VOICED] > 0 for decided in (expected, received)]
        return np.where(voiced[0] & voiced[1], pitch, (voiced[0] == voiced[1]) | undecided)

    def _nearest_bins(self, f0: np.ndarray) -> np.ndarray:
        bins = np.round(self._decoding.bins_per_octave * np.log2(f0 / self._decoding.fmin))
        last = (self.card.outputs[0].axes[-1].size or 1) - 1
        return np.clip(bins, 0, last).astype(np.int64)

    def decoder(self) -> DecidedMelody:
        return DecidedMelody(self.card)


class DecidedMelody:
    """Joins the contours of windows; see `mirzoo.tasks.base.Decoder`.

    The confidence is 1 where the melody sounds and else 0: probabilities stayed in the file.
    """

    def __init__(self, card: Contract) -> None:
        self._card = card
        self._joiner = FrameJoiner(card)
        self._f0: list[np.ndarray] = []
        self._voiced: list[np.ndarray] = []

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        joined = self._joiner.join(outputs, starts)
        self._f0.append(joined[F0].copy())
        self._voiced.append(joined[VOICED] > 0)

    def finish(self, *, duration_s: float, source: str | None = None) -> Melody:
        """Give the melody of a recording of ``duration_s`` seconds."""
        count = self._joiner.count(duration_s)
        f0 = np.concatenate(self._f0)[:count].astype(np.float64)
        voiced = np.concatenate(self._voiced)[:count]
        return Melody(
            times=self._joiner.times(len(f0)),
            f0=np.where(voiced, f0, -f0),
            source=source,
            duration_s=duration_s,
            model=self._card.name,
        )
