"""Beats: where they are, which begin bars, and how fast the music goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mirzoo._support.later import later, names_from
from mirzoo.card import Axis, Contract
from mirzoo.recipe.base import Start
from mirzoo.tasks.base import (
    TASKS,
    Activation,
    FrameTargets,
    FramewiseTask,
    Labelled,
    Rates,
    Score,
    Scorer,
    Teachers,
    Validated,
)
from mirzoo.tasks.beats.config import (
    BEATS,
    LABELS,
    OTHERS,
    TRAINED_THRESHOLD,
    BeatsConfig,
    BeatsDecoding,
)

if TYPE_CHECKING:
    import keras
    import numpy as np

    from mirzoo.data.labels import Labels
    from mirzoo.tasks.beats.annotation import Beats
    from mirzoo.tasks.beats.decoder import BeatsDecoder, LagBeatsDecoder
    from mirzoo.tasks.beats.scores import beat_scores

__all__ = ["BeatTracking", "Beats", "BeatsConfig", "BeatsDecoder", "BeatsDecoding", "beat_scores"]


@TASKS.register
class BeatTracking(FramewiseTask[BeatsConfig, "Beats"]):
    """The beats, the bars and the tempo of the music."""

    name = "beats"
    annotation = later("mirzoo.tasks.beats.annotation", "Beats")
    config = BeatsConfig
    decoding = BeatsDecoding
    without_decisions = "beats are a list of no fixed length"
    labelled = True
    gives_beats = True
    targets_are_events = True
    label_kind = "beats"
    headline = ("beat F", "downbeat F", "CMLt", "AMLt", "tempo acc1", "tempo acc2")
    compared_by = ("songs_pop909", "beat F")
    scoring = "mir_eval 0.8, the first 5 s left out, every recording alike"
    start = Start(True, frame_rate=50.0, window_s=30.0, context_s=6.0)
    rates = Rates(whole=2e-4, outputs=2e-3)

    def output_axes(self, config: BeatsConfig) -> dict[str, Axis]:
        return {BEATS: Axis(name="beat and downbeat", size=len(LABELS), unit="probability")}

    def build_outputs(
        self, config: BeatsConfig, embedding: keras.KerasTensor, pitches: int
    ) -> dict[str, keras.KerasTensor]:
        from mirzoo.tasks.beats.outputs import build

        return build(embedding)

    def labels(self, config: BeatsConfig) -> list[str]:
        return list(LABELS)

    def activation(self, config: BeatsConfig) -> Activation:
        return "sigmoid"

    def default_decoding(self, config: BeatsConfig) -> BeatsDecoding:
        return BeatsDecoding(
            beat_odds=OTHERS / config.positive_weight,
            threshold=TRAINED_THRESHOLD,
            lag_s=config.lag_s,
        )

    def check_card(self, card: Contract) -> None:
        super().check_card(card)
        if tuple(card.labels) != LABELS:
            raise ValueError(f"labels are {card.labels}; those of '{self.name}' are {LABELS}")

    def decoder(self, card: Contract) -> BeatsDecoder | LagBeatsDecoder:
        from mirzoo.tasks.beats.decoder import BeatsDecoder, LagBeatsDecoder

        assert isinstance(card.decoding, BeatsDecoding)  # the task has checked the card
        return BeatsDecoder(card) if card.decoding.lag_s is None else LagBeatsDecoder(card)

    def same_decisions(
        self,
        card: Contract,
        expected: Mapping[str, np.ndarray],
        received: Mapping[str, np.ndarray],
        tie: float,
    ) -> np.ndarray:
        """Whether each frame is one with a beat within 70 ms in both, or in neither."""
        from mirzoo.tasks.beats.decoder import same_beats

        return same_beats(card, expected, received, tie)

    def truth(self, labels: Labels, duration_s: float | None = None) -> Beats | None:
        from mirzoo.tasks.beats.annotation import truth_of

        return truth_of(labels, duration_s)

    def labels_of(self, annotation: Beats, duration_s: float) -> Labels:
        from mirzoo.data.labels import Labels

        known = annotation.positions is not None
        return Labels(beats=annotation.times, downbeats=annotation.downbeats if known else None)

    def targets(
        self, config: BeatsConfig, known: Labelled, frame_times: Sequence[np.ndarray]
    ) -> FrameTargets:
        from mirzoo.tasks.beats.targets import BeatTargets

        return BeatTargets(known, frame_times)

    def losses(self, config: BeatsConfig) -> dict[str, tuple[Any, float]]:
        from mirzoo.models.layers.losses import shift_tolerant_crossentropy

        loss = shift_tolerant_crossentropy(config.tolerance_frames, config.positive_weight)
        return {BEATS: (loss, 1.0)}

    def distilled_targets(
        self,
        config: BeatsConfig,
        teachers: Teachers,
        frame_times: Sequence[np.ndarray],
        *,
        weight: float,
    ) -> FrameTargets:
        from mirzoo.tasks.beats.teachers import agreed_targets

        return agreed_targets(teachers, frame_times)  # recipes for beats have no weight

    def calibrated(
        self,
        config: BeatsConfig,
        card: Contract,
        validation: Sequence[Iterable[Validated]],
        teachers: Sequence[Teachers],
    ) -> BeatsDecoding:
        from mirzoo.tasks.beats.calibration import calibrate_beats

        assert isinstance(card.decoding, BeatsDecoding)  # the task has checked the card
        return calibrate_beats(card.decoding, validation)

    def scores(self, truth: Beats, estimate: Beats) -> dict[str, Score]:
        from mirzoo.tasks.beats.scores import beat_scores

        return beat_scores(truth, estimate)

    def scorer(self, card: Contract) -> Scorer:
        from mirzoo.tasks.scores import EachAlike

        return EachAlike(self.scores, self.headline, self.lower_is_better)


__getattr__ = names_from(
    __name__,
    {
        "Beats": "mirzoo.tasks.beats.annotation",
        "BeatsDecoder": "mirzoo.tasks.beats.decoder",
        "beat_scores": "mirzoo.tasks.beats.scores",
    },
)
