"""Tagging: which words fit a recording, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mirzoo._support.later import later, names_from
from mirzoo._support.words import counted
from mirzoo.card import Axis, Contract
from mirzoo.tasks.base import TASKS, Activation, Rates, Task
from mirzoo.tasks.tagging.config import OUTPUT, TaggingConfig, TaggingDecoding

if TYPE_CHECKING:
    import keras
    import numpy as np

    from mirzoo.data.labels import Labels
    from mirzoo.recipe import Recipe
    from mirzoo.tasks.tagging.annotation import Tags
    from mirzoo.tasks.tagging.decoder import TagDecoder
    from mirzoo.tasks.tagging.scores import TagScorer

__all__ = ["TagDecoder", "Tagging", "TaggingConfig", "TaggingDecoding", "Tags"]


@TASKS.register
class Tagging(Task[TaggingConfig, "Tags"]):
    """Which words fit a recording, window by window."""

    name = "tagging"
    annotation = later("mirzoo.tasks.tagging.annotation", "Tags")
    config = TaggingConfig
    decoding = TaggingDecoding
    needs_decoding = False
    decisions = later("mirzoo.tasks.tagging.decisions", "TagDecisions")
    labelled = True
    free_labels = True
    compared_by = ("Emotify, 4 genres", "linear probe accuracy")
    scoring = "probabilities of a recording averaged over its windows, weighted by duration"
    rates = Rates(whole=2e-3, outputs=1e-2)

    def output_axes(self, config: TaggingConfig) -> dict[str, Axis]:
        return {OUTPUT: Axis(name="tag", size=len(config.labels), unit="probability")}

    def build_outputs(
        self, config: TaggingConfig, embedding: keras.KerasTensor, pitches: int
    ) -> dict[str, keras.KerasTensor]:
        from mirzoo.tasks.tagging.outputs import build

        return build(config, embedding)

    def labels(self, config: TaggingConfig) -> list[str]:
        return list(config.labels)

    def activation(self, config: TaggingConfig) -> Activation:
        return config.activation

    def relabelled(
        self, config: TaggingConfig, labels: Sequence[str], activation: Activation | None = None
    ) -> TaggingConfig:
        return TaggingConfig(labels=tuple(labels), activation=activation or config.activation)

    def starting_section(self, labels: Sequence[str]) -> dict[str, Any]:
        """Labels that labelled data replace, of which exactly one holds."""
        return {"labels": list(labels) or ["this", "that"], "activation": "softmax"}

    def check_recipe(self, recipe: Recipe) -> None:
        super().check_recipe(recipe)
        training = recipe.training
        for key, value, allowed in (
            ("precision", training.precision, "float32"),
            ("transpose_semitones", training.transpose_semitones, (0, 0)),
            ("excerpt_probability", training.excerpt_probability, 0.0),
            ("example_s", training.example_s, None),
        ):
            if value != allowed:
                raise ValueError(
                    f"training.{key} is {value!r}, but taggers learn from waveforms, through "
                    f"their front-ends, as they are; allowed is {allowed!r}"
                )

    def check_card(self, card: Contract) -> None:
        if card.decoding is not None:
            if not isinstance(card.decoding, TaggingDecoding):
                raise ValueError(
                    f"decoding is of type '{card.decoding.type}', but a tagger's has thresholds "
                    "alone; leave it out, or is the task another?"
                )
            given, labels = len(card.decoding.thresholds), len(card.labels)
            if given != labels:
                raise ValueError(
                    f"decoding has {counted(given, 'threshold')} for {counted(labels, 'label')}; "
                    "each label has one"
                )
        super().check_card(card)

    def decoder(self, card: Contract) -> TagDecoder:
        from mirzoo.tasks.tagging.decoder import TagDecoder

        return TagDecoder(card)

    def truth(self, labels: Labels, duration_s: float | None = None) -> Tags | None:
        import numpy as np

        from mirzoo.tasks.tagging.annotation import Tags

        words = _words(labels)
        if words is None:
            return None
        length_s = duration_s or 1.0
        ones = np.ones((1, len(words)))
        return Tags(words, np.zeros(1), ones, window_s=length_s, duration_s=length_s)

    def clip_target(self, config: TaggingConfig, labels: Labels) -> np.ndarray:
        import numpy as np

        words = _words(labels) or ()
        return np.array([label in words for label in config.labels], np.float32)

    def scorer(self, card: Contract) -> TagScorer:
        from mirzoo.tasks.tagging.scores import TagScorer

        return TagScorer(card.activation)


def _words(labels: Labels) -> tuple[str, ...] | None:
    """All words that hold for a clip; None where nothing is known."""
    key = None if labels.key is None else (labels.key,)
    known = [words for words in (labels.tags, labels.instruments, key) if words is not None]
    return tuple(dict.fromkeys(word for words in known for word in words)) if known else None


__getattr__ = names_from(
    __name__,
    {"TagDecoder": "mirzoo.tasks.tagging.decoder", "Tags": "mirzoo.tasks.tagging.annotation"},
)
