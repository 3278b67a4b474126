"""Melody extraction: the frequency of the main voice over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mirzoo._support.later import later, names_from
from mirzoo.card import Axis, Contract
from mirzoo.recipe.base import Start
from mirzoo.tasks.base import (
    TASKS,
    FrameTargets,
    FramewiseTask,
    Labelled,
    Rates,
    Score,
    Teachers,
    Validated,
)
from mirzoo.tasks.melody.config import (
    MEASURES,
    VOICING,
    MelodyConfig,
    MelodyDecoding,
    VoicingNet,
)

if TYPE_CHECKING:
    import keras
    import numpy as np

    from mirzoo.data.labels import Labels
    from mirzoo.tasks.melody.annotation import Melody
    from mirzoo.tasks.melody.decoder import (
        LagMelodyDecoder,
        MelodyDecoder,
        is_voiced,
        refine,
        salience_around,
        strongest_bins,
    )
    from mirzoo.tasks.melody.scores import MelodyScorer, melody_scores

__all__ = [
    "VOICING",
    "Melody",
    "MelodyConfig",
    "MelodyDecoder",
    "MelodyDecoding",
    "MelodyExtraction",
    "VoicingNet",
    "is_voiced",
    "melody_scores",
    "refine",
    "salience_around",
    "strongest_bins",
]

HALF_SEMITONE_BINS = 2


@TASKS.register
class MelodyExtraction(FramewiseTask[MelodyConfig, "Melody"]):
    """Which pitch the main voice has when, and whether it sounds."""

    name = "melody"
    annotation = later("mirzoo.tasks.melody.annotation", "Melody")
    config = MelodyConfig
    decoding = MelodyDecoding
    decisions = later("mirzoo.tasks.melody.decisions", "MelodyDecisions")
    label_kind = "f0"
    pitch_layouts = frozenset({"pitches"})
    headline = MEASURES
    compared_by = ("ultrastar_melody", "raw chroma accuracy")
    lower_is_better = frozenset({"voicing false alarm"})
    scoring = "mir_eval, weighted by duration"
    start = Start(True, frame_rate=31.25, window_s=8.0, context_s=0.96, fmin=29.13523509488062,
                  n_octaves=6)  # fmt: skip
    rates = Rates(whole=2e-4, outputs=2e-3)

    def output_axes(self, config: MelodyConfig) -> dict[str, Axis]:
        return {
            "salience": Axis(name="pitch bin", size=config.n_bins, unit="probability"),
            VOICING: Axis(name="voicing", size=1, unit="probability"),
        }

    def build_outputs(
        self, config: MelodyConfig, embedding: keras.KerasTensor, pitches: int
    ) -> dict[str, keras.KerasTensor]:
        return self.connect_outputs(config, None, embedding, pitches)

    def connect_outputs(
        self,
        config: MelodyConfig,
        features: keras.KerasTensor | None,
        embedding: keras.KerasTensor,
        pitches: int,
    ) -> dict[str, keras.KerasTensor]:
        from mirzoo.tasks.melody.outputs import build

        return build(config, embedding, pitches, features)

    def default_decoding(self, config: MelodyConfig) -> MelodyDecoding:
        return MelodyDecoding(
            fmin=config.fmin, bins_per_octave=config.bins_per_octave, lag_s=config.lag_s
        )

    def describe(self, card: Contract) -> list[tuple[str, str]]:
        result, *rest = super().describe(card)
        decoding = card.decoding
        assert isinstance(decoding, MelodyDecoding)
        highest = decoding.fmin * 2.0 ** (
            ((card.outputs[0].axes[-1].size or 1) - 1) / decoding.bins_per_octave
        )
        cents = 1200 / decoding.bins_per_octave
        range_ = f"{decoding.fmin:.4g} to {highest:.4g} Hz in bins of {cents:.4g} cents"
        return [result, ("range", range_), *rest]

    def axis_labels(self, card: Contract) -> dict[str, list[str]]:
        """The frequency of each bin; the voicing is labelled by its name."""
        decoding, main = card.decoding, card.outputs[0]
        assert isinstance(decoding, MelodyDecoding)
        octaves = [bin / decoding.bins_per_octave for bin in range(main.axes[-1].size or 0)]
        labels = {main.name: [f"{decoding.fmin * 2.0**up:.2f} Hz" for up in octaves]}
        if VOICING in [output.name for output in card.outputs]:
            labels[VOICING] = [VOICING]
        return labels

    def decoder(self, card: Contract) -> MelodyDecoder | LagMelodyDecoder:
        from mirzoo.tasks.melody.decoder import LagMelodyDecoder, MelodyDecoder

        assert isinstance(card.decoding, MelodyDecoding)  # the task has checked the card
        return MelodyDecoder(card) if card.decoding.lag_s is None else LagMelodyDecoder(card)

    def same_decisions(
        self,
        card: Contract,
        expected: Mapping[str, np.ndarray],
        received: Mapping[str, np.ndarray],
        tie: float,
    ) -> np.ndarray:
        """Whether each frame is unvoiced in both, or has an f0 within 25 cents, after decoding."""
        from mirzoo.tasks.melody.decoder import same_f0

        return same_f0(card, expected, received, tie)

    def truth(self, labels: Labels, duration_s: float | None = None) -> Melody | None:
        import numpy as np

        from mirzoo.data.labels import F0_RATE
        from mirzoo.tasks.melody.annotation import Melody

        if labels.f0 is None:
            return None
        known = np.flatnonzero(~np.isnan(labels.f0))
        return Melody(known / F0_RATE, labels.f0[known]) if len(known) else None

    def labels_of(self, annotation: Melody, duration_s: float) -> Labels:
        from mirzoo.data.labels import Labels, resample_f0

        return Labels(f0=resample_f0(annotation.times, annotation.f0)).lengthened(duration_s)

    def targets(
        self, config: MelodyConfig, known: Labelled, frame_times: Sequence[np.ndarray]
    ) -> FrameTargets:
        from mirzoo.tasks.melody.targets import MelodyTargets

        return MelodyTargets(known, frame_times, config)

    def losses(self, config: MelodyConfig) -> dict[str, tuple[Any, float]]:
        from mirzoo.models.layers.losses import crossentropy_where_known, crossentropy_where_named

        return {
            "salience": (crossentropy_where_named, 1.0),
            VOICING: (crossentropy_where_known, 1.0),
        }

    def metrics(self, config: MelodyConfig) -> dict[str, list]:
        from mirzoo.models.layers.losses import FrameAccuracy

        return {"salience": [FrameAccuracy(reach=HALF_SEMITONE_BINS)]}

    def distilled_targets(
        self,
        config: MelodyConfig,
        teachers: Teachers,
        frame_times: Sequence[np.ndarray],
        *,
        weight: float,
    ) -> FrameTargets:
        from mirzoo.tasks.melody.targets import DistilledMelodyTargets
        from mirzoo.tasks.melody.teachers import predicted_melody

        return DistilledMelodyTargets(predicted_melody(teachers, frame_times), config)

    def settle(
        self, config: MelodyConfig, model: keras.Model, validation: Sequence[Iterable[Validated]]
    ) -> None:
        """Make the voicing a probability, where it has a network of its own."""
        from mirzoo.tasks.melody.calibration import fit_probability, known_voicing

        if config.voicing is None:
            return
        scale, shift = fit_probability([known_voicing(corpus) for corpus in validation])
        layer = model.get_layer(VOICING)
        kernel, bias = layer.get_weights()
        layer.set_weights([scale * kernel, scale * bias + shift])

    def calibrated(
        self,
        config: MelodyConfig,
        card: Contract,
        validation: Sequence[Iterable[Validated]],
        teachers: Sequence[Teachers],
    ) -> MelodyDecoding:
        from mirzoo.tasks.melody.calibration import calibrate_melody

        assert isinstance(card.decoding, MelodyDecoding)  # the task has checked the card
        assert card.outputs[0].frame_rate is not None
        return calibrate_melody(card.decoding, validation, card.outputs[0].frame_rate)

    def scorer(self, card: Contract) -> MelodyScorer:
        from mirzoo.tasks.melody.scores import MelodyScorer

        return MelodyScorer()

    def scores(self, truth: Melody, estimate: Melody) -> dict[str, Score]:
        from mirzoo.tasks.melody.scores import melody_scores

        return melody_scores(truth, estimate)


__getattr__ = names_from(
    __name__,
    {
        "Melody": "mirzoo.tasks.melody.annotation",
        "melody_scores": "mirzoo.tasks.melody.scores",
        **dict.fromkeys(
            ("MelodyDecoder", "is_voiced", "refine", "salience_around", "strongest_bins"),
            "mirzoo.tasks.melody.decoder",
        ),
    },
)
