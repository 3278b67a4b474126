"""Chord recognition: which chord sounds when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mirzoo._support.later import later, names_from
from mirzoo._support.words import counted
from mirzoo.card import Axis, Contract, Decoding
from mirzoo.dsp.chord_vocabulary import ROOT_NAMES, VOCABULARIES, Vocabulary, parse_chord
from mirzoo.errors import DataError
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
    same_choice,
)
from mirzoo.tasks.chords.config import ChordDecoding, ChordsConfig
from mirzoo.tasks.tuning import AXIS_LABELS, TUNING, check_tuning

if TYPE_CHECKING:
    import keras
    import numpy as np

    from mirzoo.data.labels import Labels
    from mirzoo.recipe import Recipe
    from mirzoo.tasks.chords.annotation import Chords
    from mirzoo.tasks.chords.decoder import ChordDecoder, LagChordDecoder, likeliest_classes
    from mirzoo.tasks.chords.scores import ChordScorer, chord_agreement, chord_scores
    from mirzoo.tasks.frames import FrameJoiner

__all__ = [
    "ChordDecoder",
    "ChordDecoding",
    "ChordRecognition",
    "Chords",
    "ChordsConfig",
    "chord_agreement",
    "chord_scores",
    "likeliest_classes",
]

BASS_THRESHOLD = 0.6


@TASKS.register
class ChordRecognition(FramewiseTask[ChordsConfig, "Chords"]):
    """Which chord sounds when, of a vocabulary; and its root, bass and pitch classes."""

    name = "chords"
    annotation = later("mirzoo.tasks.chords.annotation", "Chords")
    config = ChordsConfig
    decoding = ChordDecoding
    decisions = later("mirzoo.tasks.chords.decisions", "ChordDecisions")
    labelled = True
    label_kind = "chords"
    pitch_layouts = frozenset({"pitch_classes"})
    detunings_cents = (-20.0, -10.0, 0.0, 10.0, 20.0)
    weighs_teachers = True
    same_in_any_tuning = True
    headline = ("root", "majmin", "sevenths", "tetrads", "seg")
    compared_by = ("songs_pop909", "majmin")
    scoring = "mir_eval, weighted by duration"
    start = Start(True, frame_rate=10.0, window_s=20.0, context_s=2.0, fmin=32.70319566257483,
                  n_octaves=7)  # fmt: skip
    rates = Rates(whole=2e-4, outputs=2e-3)

    def output_axes(self, config: ChordsConfig) -> dict[str, Axis]:
        axes = {"chords": Axis(name="chord", size=len(config.labels), unit="probability")}
        if config.structured:
            axes["root"] = Axis(name="none or pitch class", size=13, unit="probability")
            axes["bass"] = Axis(name="none or pitch class", size=13, unit="probability")
            axes["pitches"] = Axis(name="pitch class", size=12, unit="probability")
        if config.third:
            axes["third"] = Axis(name="third of each root", size=36, unit="probability")
        if config.tuning:
            axes[TUNING] = Axis(name="cosine and sine", size=2, unit="(1 + clearness) / 2")
        return axes

    def check_recipe(self, recipe: Recipe) -> None:
        super().check_recipe(recipe)
        assert isinstance(recipe.task, ChordsConfig)
        check_tuning(recipe, "pitch_class_crnn")
        if recipe.live and (recipe.task.third or recipe.task.tuning):
            raise ValueError(
                "task.third and task.tuning are settled by the whole window or song, which a model "
                "for streams does not have; leave them out, or live"
            )

    def build_outputs(
        self, config: ChordsConfig, embedding: keras.KerasTensor, pitches: int
    ) -> dict[str, keras.KerasTensor]:
        from mirzoo.tasks.chords.outputs import build

        return build(config, embedding, pitches)

    def labels(self, config: ChordsConfig) -> list[str]:
        return list(config.labels)

    def default_decoding(self, config: ChordsConfig) -> ChordDecoding:
        return ChordDecoding(
            bass_threshold=BASS_THRESHOLD if config.structured else None, lag_s=config.lag_s
        )

    def check_card(self, card: Contract) -> None:
        for label in card.labels:
            try:
                parse_chord(label)
            except DataError as error:
                raise ValueError(str(error)) from error
        super().check_card(card)
        classes = len(card.labels)
        for name in ("transition", "initial", "prior"):
            values = getattr(card.decoding, name)
            rows = values if name == "transition" and values is not None else []
            wrong = [len(row) for row in rows if len(row) != classes]
            if values is not None and (len(values) != classes or wrong):
                raise ValueError(
                    f"decoding.{name} has {counted(len(values), 'entry', 'entries')}"
                    f"{f', of lengths {wrong}' if wrong else ''}, but there are {classes} labels; "
                    "one for each is needed"
                )

    def describe(self, card: Contract) -> list[tuple[str, str]]:
        result, *rest = super().describe(card)
        qualities = dict.fromkeys(label.partition(":")[2] for label in card.labels)
        return [result, ("knows", ", ".join(filter(None, qualities))), *rest]

    def describe_decoding(self, decoding: Decoding) -> list[str]:
        assert isinstance(decoding, ChordDecoding)
        long = ("transition", "initial", "prior")
        lines = super().describe_decoding(decoding.model_copy(update=dict.fromkeys(long)))
        if decoding.prior:
            most = max(decoding.prior) / min(decoding.prior)
            lines.append(f"a prior that weakens classes up to {most:.1f} times")
        return lines

    def axis_labels(self, card: Contract) -> dict[str, list[str]]:
        from mirzoo.tasks.chords.thirds import KINDS

        thirds = [f"{root}:{kind}" for root in ROOT_NAMES for kind in KINDS]
        by_size = {2: [*AXIS_LABELS], 12: [*ROOT_NAMES], 13: ["N", *ROOT_NAMES], 36: thirds}
        sizes = {output.name: output.axes[-1].size or 0 for output in card.outputs[1:]}
        named = {name: by_size[size] for name, size in sizes.items() if size in by_size}
        return {**super().axis_labels(card), **named}

    def decoder(self, card: Contract) -> ChordDecoder | LagChordDecoder:
        from mirzoo.tasks.chords.decoder import ChordDecoder, LagChordDecoder

        assert isinstance(card.decoding, ChordDecoding)  # the task has checked the card
        return ChordDecoder(card) if card.decoding.lag_s is None else LagChordDecoder(card)

    def same_decisions(
        self,
        card: Contract,
        expected: Mapping[str, np.ndarray],
        received: Mapping[str, np.ndarray],
        tie: float,
    ) -> np.ndarray:
        """Whether each frame has the same class of chord after decoding."""
        import numpy as np

        from mirzoo.tasks.chords.decoder import likeliest_classes

        assert isinstance(card.decoding, ChordDecoding)
        main = card.outputs[0].name
        paths = [
            np.stack([likeliest_classes(window, card.decoding) for window in outputs[main]])
            for outputs in (expected, received)
        ]
        return same_choice(expected[main], paths[1], tie, best=paths[0])

    def joiner(self, card: Contract) -> FrameJoiner:
        from mirzoo.tasks.chords.one_tuning import TunedJoiner

        return TunedJoiner(card)

    def whole_outputs(
        self, card: Contract, joined: dict[str, np.ndarray], *, tuning_cents: float | None = None
    ) -> dict[str, np.ndarray]:
        """The outputs in one tuning; see `mirzoo.tasks.chords.one_tuning`."""
        from mirzoo.tasks.chords.one_tuning import whole_in_one_tuning

        return whole_in_one_tuning(card, joined, tuning_cents)

    def decoded_outputs(self, card: Contract) -> list[str]:
        from mirzoo.tasks.chords.decoder import needed_outputs

        return needed_outputs(card)

    def truth(self, labels: Labels, duration_s: float | None = None) -> Chords | None:
        from mirzoo.tasks.chords.annotation import Chords

        segments = [(span.start_s, span.end_s, span.label) for span in labels.chords or ()]
        if not segments:
            return None
        return Chords(segments, duration_s=segments[-1][1] if duration_s is None else duration_s)

    def labels_of(self, annotation: Chords, duration_s: float) -> Labels:
        from mirzoo.data.labels import ChordSpan, Labels

        return Labels(chords=tuple(ChordSpan(*segment) for segment in annotation.segments))

    def targets(
        self, config: ChordsConfig, known: Labelled, frame_times: Sequence[np.ndarray]
    ) -> FrameTargets:
        from mirzoo.tasks.chords.targets import ChordTargets

        return ChordTargets(known, frame_times, _vocabulary(config))

    def losses(self, config: ChordsConfig) -> dict[str, tuple[Any, float]]:
        from mirzoo.models.layers.losses import crossentropy_where_known, crossentropy_where_named

        return {
            "chords": (crossentropy_where_named, 1.0),
            "root": (crossentropy_where_named, 0.3),
            "bass": (crossentropy_where_named, 0.3),
            "pitches": (crossentropy_where_known, 0.3),
            "third": (crossentropy_where_named, 0.3),
        }

    def metrics(self, config: ChordsConfig) -> dict[str, list]:
        from mirzoo.models.layers.losses import FrameAccuracy

        return {"chords": [FrameAccuracy()]}

    def distilled_targets(
        self,
        config: ChordsConfig,
        teachers: Teachers,
        frame_times: Sequence[np.ndarray],
        *,
        weight: float,
    ) -> FrameTargets:
        from mirzoo.tasks.chords.targets import DistilledChordTargets
        from mirzoo.tasks.chords.teachers import predicted_chords

        probabilities = predicted_chords(teachers, frame_times, _vocabulary(config))
        return DistilledChordTargets(probabilities, _vocabulary(config), weight)

    def calibrated(
        self,
        config: ChordsConfig,
        card: Contract,
        validation: Sequence[Iterable[Validated]],
        teachers: Sequence[Teachers],
    ) -> ChordDecoding:
        from mirzoo.tasks.chords.calibration import calibrate_chords, rarity_prior

        assert isinstance(card.decoding, ChordDecoding)  # the task has checked the card
        prior = rarity_prior(teachers, _vocabulary(config))
        frame_rate = card.outputs[0].frame_rate
        assert frame_rate is not None
        return calibrate_chords(card.decoding, validation, _vocabulary(config), frame_rate, prior)

    def scorer(self, card: Contract) -> ChordScorer:
        from mirzoo.tasks.chords.scores import ChordScorer

        return ChordScorer()

    def scores(self, truth: Chords, estimate: Chords) -> dict[str, Score]:
        from mirzoo.tasks.chords.scores import chord_scores

        return chord_scores(truth, estimate)


def _vocabulary(config: ChordsConfig) -> Vocabulary:
    return VOCABULARIES[config.vocabulary]


__getattr__ = names_from(
    __name__,
    {
        "ChordDecoder": "mirzoo.tasks.chords.decoder",
        "Chords": "mirzoo.tasks.chords.annotation",
        "chord_agreement": "mirzoo.tasks.chords.scores",
        "chord_scores": "mirzoo.tasks.chords.scores",
        "likeliest_classes": "mirzoo.tasks.chords.decoder",
    },
)
