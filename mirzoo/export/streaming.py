"""A live model as a `.tflite` file of one step: samples and states in, frames and states out.

The file is the model's step graph (`mirzoo.models.steps`) with builtin operators alone. Its inputs
are ``waveform``, the next samples, and ``state_<name>`` for each state, zeros at first; its outputs
are those of the model for the frames of the step, and ``next_<name>``, which are the states of the
next call. How many samples and frames that are, which states, and how many of the first frames lie
before the stream's beginning, is in the contract inside (`mirzoo.card.Streaming`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from mirzoo._support.files import unfinished
from mirzoo.errors import ExportError
from mirzoo.export.contract import chosen_outputs, streaming_contract
from mirzoo.export.conversion import ConversionError, convert
from mirzoo.export.metadata import describe
from mirzoo.export.options import ExportOptions
from mirzoo.export.parity import largest_difference
from mirzoo.models.steps import KerasSteps, StepGraph
from mirzoo.runtimes.litert_steps import NEXT, STATE, WAVEFORM, LiteRTStepModel
from mirzoo.runtimes.tflite_file import custom_operators

if TYPE_CHECKING:
    from mirzoo.annotate import Steps
    from mirzoo.models.model import Model

TOLERANCE = 1e-5
"""How far outputs of the file may be from those of the model's own steps."""

COMPARED_STEPS = 60
SILENT_STEPS = 5


def write_streaming(model: Model, path: Path, windows: np.ndarray, options: ExportOptions) -> None:
    """Write the step graph of a live model as a `.tflite` file, or nothing at all.

    Parameters
    ----------
    model : Model
    path : Path
        Where to.
    windows : np.ndarray, float32, shape (windows, samples)
        Real audio to compare on, at the model's rate.
    options : ExportOptions
        Of these ``outputs`` and ``dft`` alone may differ from their defaults.

    Raises
    ------
    NoStepsError
        If the model has no steps.
    ExportError
        If it cannot be written with builtin operators, or the file differs from it.
    """
    graph = StepGraph(model)
    names = chosen_outputs(model.card, options)
    states = graph.streaming.states
    taken = [
        tf.TensorSpec((1, graph.streaming.step_samples), tf.float32, WAVEFORM),
        *(tf.TensorSpec(state.shape, tf.float32, f"{STATE}{state.name}") for state in states),
    ]

    def compute(given: Sequence[tf.Tensor]) -> dict[str, tf.Tensor]:
        before = {state.name: value for state, value in zip(states, given[1:], strict=True)}
        outputs, after = graph(given[0], before)
        results = {name: outputs[name] for name in names}
        return results | {f"{NEXT}{name}": value for name, value in after.items()}

    try:
        content = convert(compute, taken)
    except ConversionError as error:
        raise ExportError(
            f"the steps of '{model.card.name}' cannot be written with LiteRT's builtin operators "
            f"({error}); replace the layer that made them"
        ) from error
    card = model.card.with_contract(
        streaming_contract(model.card.contract, options, graph.streaming)
    )
    with unfinished(path) as new:
        new.write_bytes(describe(content, card))
        foreign = custom_operators(new)
        if foreign:
            raise ExportError(
                f"the steps of '{model.card.name}' cannot be written with LiteRT's builtin "
                f"operators ({', '.join(foreign)}); replace the layer that made them"
            )
        difference = step_difference(KerasSteps(graph), LiteRTStepModel(new, card).steps(), windows)
        if difference > TOLERANCE:
            raise ExportError(
                f"the steps of '{model.card.name}' as LiteRT differ from the model's own by "
                f"{difference:.2e}, allowed is {TOLERANCE:.0e}. Nothing was written"
            )


def step_difference(ours: Steps, theirs: Steps, windows: np.ndarray) -> float:
    """How far steps are from others on music and on silence, each with its own states.

    Parameters
    ----------
    ours, theirs : Steps
        The second may have fewer outputs.
    windows : np.ndarray, float32, shape (windows, samples)
        Real audio at the model's rate.

    Returns
    -------
    float
        The largest `mirzoo.export.parity.largest_difference` of a step.
    """
    size = ours.streaming.step_samples
    silence = np.zeros(SILENT_STEPS * size, np.float32)
    music = np.concatenate([*windows])[: COMPARED_STEPS * size]
    waveform = np.concatenate([silence, music[: len(music) // size * size], silence])
    own, other, largest = ours.initial(), theirs.initial(), 0.0
    for samples in waveform.reshape(-1, size):
        expected, own = ours(samples, own)
        received, other = theirs(samples, other)
        among = {name: expected[name] for name in received}
        largest = max(largest, largest_difference(among, received))
    return largest
