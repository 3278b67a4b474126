"""Key: which one a recording is in, which its parts are in, and how it is tuned."""

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
    Scorer,
    Teachers,
    Validated,
    same_choice,
)
from mirzoo.tasks.key.config import KEYS, KeyConfig, KeyDecoding
from mirzoo.tasks.key.names import LABELS
from mirzoo.tasks.tuning import AXIS_LABELS, TUNING, check_tuning

if TYPE_CHECKING:
    import keras
    import numpy as np

    from mirzoo.data.labels import Labels
    from mirzoo.recipe import Recipe
    from mirzoo.tasks.key.annotation import Key
    from mirzoo.tasks.key.decoder import KeyDecoder, LagKeyDecoder
    from mirzoo.tasks.key.names import parse_key
    from mirzoo.tasks.key.scores import key_scores

__all__ = [
    "Key", "KeyConfig", "KeyDecoder", "KeyDecoding", "KeyDetection", "key_scores", "parse_key",
]  # fmt: skip


@TASKS.register
class KeyDetection(FramewiseTask[KeyConfig, "Key"]):
    """Which of 24 keys the music is in, over time and as a whole; and its tuning."""

    name = "key"
    annotation = later("mirzoo.tasks.key.annotation", "Key")
    config = KeyConfig
    decoding = KeyDecoding
    decisions = later("mirzoo.tasks.key.decisions", "KeyDecisions")
    labelled = True
    label_kind = "key"
    pitch_layouts = frozenset({"pitch_classes"})
    weighs_teachers = True
    same_in_any_tuning = True
    headline = ("weighted", "correct", "weighted_both_fifths", "major", "minor")
    compared_by = ("emotify_keys", "weighted")
    scoring = "mir_eval 0.8 (of the fifths the one above counts), every recording alike"
    start = Start(True, frame_rate=5.0, window_s=40.0, context_s=8.0, fmin=32.70319566257483,
                  n_octaves=7)  # fmt: skip
    rates = Rates(whole=2e-4, outputs=2e-3)

    def output_axes(self, config: KeyConfig) -> dict[str, Axis]:
        axes = {KEYS: Axis(name="key", size=len(LABELS), unit="probability")}
        if config.tuning:
            axes[TUNING] = Axis(name="cosine and sine", size=2, unit="(1 + clearness) / 2")
        return axes

    def build_outputs(
        self, config: KeyConfig, embedding: keras.KerasTensor, pitches: int
    ) -> dict[str, keras.KerasTensor]:
        from mirzoo.tasks.key.outputs import build

        return build(config, embedding, pitches)

    def labels(self, config: KeyConfig) -> list[str]:
        return list(LABELS)

    def default_decoding(self, config: KeyConfig) -> KeyDecoding:
        return KeyDecoding()

    def check_recipe(self, recipe: Recipe) -> None:
        super().check_recipe(recipe)
        check_tuning(recipe, "pitch_class_cnn")

    def check_card(self, card: Contract) -> None:
        super().check_card(card)
        from mirzoo.errors import DataError
        from mirzoo.tasks.key.names import parse_key

        for label in card.labels:
            try:
                parse_key(label)
            except DataError as error:
                raise ValueError(str(error)) from error

    def axis_labels(self, card: Contract) -> dict[str, list[str]]:
        there = [output.name for output in card.outputs]
        tuning = {TUNING: [*AXIS_LABELS]} if TUNING in there else {}
        return {**super().axis_labels(card), **tuning}

    def decoder(self, card: Contract) -> KeyDecoder | LagKeyDecoder:
        from mirzoo.tasks.key.decoder import KeyDecoder, LagKeyDecoder

        assert isinstance(card.decoding, KeyDecoding)  # the task has checked the card
        return KeyDecoder(card) if card.decoding.lag_s is None else LagKeyDecoder(card)

    def same_decisions(
        self,
        card: Contract,
        expected: Mapping[str, np.ndarray],
        received: Mapping[str, np.ndarray],
        tie: float,
    ) -> np.ndarray:
        """Whether each frame has the same key after decoding."""
        import numpy as np

        from mirzoo.tasks.key.decoder import likeliest_keys

        assert isinstance(card.decoding, KeyDecoding)
        main = card.outputs[0].name
        paths = [
            np.stack([likeliest_keys(window, card.decoding) for window in outputs[main]])
            for outputs in (expected, received)
        ]
        return same_choice(expected[main], paths[1], tie, best=paths[0])

    def truth(self, labels: Labels, duration_s: float | None = None) -> Key | None:
        from mirzoo.tasks.key.annotation import truth_of

        return truth_of(labels, duration_s)

    def labels_of(self, annotation: Key, duration_s: float) -> Labels:
        from mirzoo.data.labels import KeySpan, Labels

        spans = tuple(KeySpan(*segment) for segment in annotation.segments)
        return Labels(key=annotation.key, keys=spans or None)

    def targets(
        self, config: KeyConfig, known: Labelled, frame_times: Sequence[np.ndarray]
    ) -> FrameTargets:
        from mirzoo.tasks.key.targets import KeyTargets

        return KeyTargets(known, frame_times)

    def losses(self, config: KeyConfig) -> dict[str, tuple[Any, float]]:
        """The loss of the keys; the tuning is measured, not learnt."""
        from mirzoo.models.layers.losses import crossentropy_where_named

        return {KEYS: (crossentropy_where_named, 1.0)}

    def metrics(self, config: KeyConfig) -> dict[str, list]:
        from mirzoo.models.layers.losses import FrameAccuracy

        return {KEYS: [FrameAccuracy()]}

    def distilled_targets(
        self,
        config: KeyConfig,
        teachers: Teachers,
        frame_times: Sequence[np.ndarray],
        *,
        weight: float,
    ) -> FrameTargets:
        from mirzoo.tasks.key.teachers import distilled_keys

        return distilled_keys(teachers, frame_times, weight)

    def calibrated(
        self,
        config: KeyConfig,
        card: Contract,
        validation: Sequence[Iterable[Validated]],
        teachers: Sequence[Teachers],
    ) -> KeyDecoding:
        from mirzoo.tasks.key.calibration import calibrate_keys

        assert isinstance(card.decoding, KeyDecoding)  # the task has checked the card
        return calibrate_keys(card.decoding, validation)

    def scores(self, truth: Key, estimate: Key) -> dict[str, Score]:
        from mirzoo.tasks.key.scores import key_scores

        return key_scores(truth, estimate)

    def scorer(self, card: Contract) -> Scorer:
        from mirzoo.tasks.scores import EachAlike

        return EachAlike(self.scores, self.headline, self.lower_is_better)


__getattr__ = names_from(
    __name__,
    {
        "Key": "mirzoo.tasks.key.annotation",
        "KeyDecoder": "mirzoo.tasks.key.decoder",
        "key_scores": "mirzoo.tasks.key.scores",
        "parse_key": "mirzoo.tasks.key.names",
    },
)
