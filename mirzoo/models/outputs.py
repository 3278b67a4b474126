"""Output layers: from an embedding to what a task's model says, by name."""

from __future__ import annotations

import keras
from keras import layers

from mirzoo.card import Axis, OutputSpec
from mirzoo.models.layers.pitch import PITCH_CLASSES, PitchClassLogits, PitchLogits, PitchSummary
from mirzoo.recipe import ChordsConfig, MelodyConfig, Recipe, TaggingConfig

VOICING_UNITS = 32


def build_outputs(recipe: Recipe, embedding, pitches: int) -> dict[str, keras.KerasTensor]:
    """Build the output layers of a recipe's task.

    Parameters
    ----------
    recipe : Recipe
    embedding : keras.KerasTensor
        ``(batch, size)`` or ``(batch, frames, size)``.
    pitches : int
        How many pitches lie side by side in it: 12 are pitch classes, 1 is none.

    Returns
    -------
    dict of str to keras.KerasTensor
        The main output first.
    """
    return _OUTPUTS[recipe.task.type](recipe.task, embedding, pitches)


def describe_outputs(recipe: Recipe, frame_rate: float | None) -> list[OutputSpec]:
    """What a card says of the outputs; ``frame_rate`` (Hz) is None where there are no frames."""
    frames = [] if frame_rate is None else [Axis(name="frame", size=None, unit="frame")]
    return [
        OutputSpec(name=name, axes=[*frames, axis], frame_rate=frame_rate)
        for name, axis in _AXES[recipe.task.type](recipe.task).items()
    ]


def _tagging(task: TaggingConfig, embedding, pitches: int):
    return {"tags": layers.Dense(len(task.labels), task.activation, name="tags")(embedding)}


def _tagging_axes(task: TaggingConfig):
    return {"tags": Axis(name="tag", size=len(task.labels), unit="probability")}


def _chords(task: ChordsConfig, embedding, pitches: int):
    def probabilities(name: str, units: int, activation: str):
        with_none = activation == "softmax"
        if pitches == PITCH_CLASSES:
            scores = PitchClassLogits(units, with_none=with_none, name=f"{name}_scores")(embedding)
        else:
            size = PITCH_CLASSES * units + int(with_none)
            scores = layers.Dense(size, name=f"{name}_scores")(embedding)
        return layers.Activation(activation, name=name)(scores)

    outputs = {"chords": probabilities("chords", len(task.qualities), "softmax")}
    if task.structured:
        outputs["root"] = probabilities("root", 1, "softmax")
        outputs["bass"] = probabilities("bass", 1, "softmax")
        outputs["pitches"] = probabilities("pitches", 1, "sigmoid")
    return outputs


def _chords_axes(task: ChordsConfig):
    axes = {"chords": Axis(name="chord", size=len(task.labels), unit="probability")}
    if task.structured:
        axes["root"] = Axis(name="none or pitch class", size=13, unit="probability")
        axes["bass"] = Axis(name="none or pitch class", size=13, unit="probability")
        axes["pitches"] = Axis(name="pitch class", size=12, unit="probability")
    return axes


def _melody(task: MelodyConfig, embedding, pitches: int):
    if pitches > 1:
        scores = PitchLogits(pitches, task.n_bins // pitches, name="salience_scores")(embedding)
        summary = PitchSummary(pitches, name="voicing_summary")(embedding)
        hidden = layers.Dense(VOICING_UNITS, "relu", name="voicing_hidden")(summary)
    else:
        scores = layers.Dense(task.n_bins, name="salience_scores")(embedding)
        hidden = layers.Dense(VOICING_UNITS, "relu", name="voicing_hidden")(embedding)
    return {
        "salience": layers.Activation("softmax", name="salience")(scores),
        "voicing": layers.Dense(1, "sigmoid", name="voicing")(hidden),
    }


def _melody_axes(task: MelodyConfig):
    return {
        "salience": Axis(name="pitch bin", size=task.n_bins, unit="probability"),
        "voicing": Axis(name="voicing", size=1, unit="probability"),
    }


_OUTPUTS = {"tagging": _tagging, "chords": _chords, "melody": _melody}
_AXES = {"tagging": _tagging_axes, "chords": _chords_axes, "melody": _melody_axes}
