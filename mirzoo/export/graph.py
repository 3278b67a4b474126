"""A model as it is to be written: a function from samples as they come to what is asked for.

It is composed of stages, each of which takes what the one before gives::

    waveform -> input stage -> network -> chosen outputs -> decisions

- the input stage makes float32 at the model's rate of what the file takes (`input_stage`), and
  the model's windows where the file's hold several (`mirzoo.export.neighbours`);
- the network gives every output of the card and the embedding (`network`);
- of these, those that were asked for are taken (`choose`);
- decisions take the place of probabilities where they are asked for.

Formats trace it, and quantise what they traced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from mirzoo.annotate import as_type
from mirzoo.card import Contract
from mirzoo.export.checks import Bound, probes, require_same
from mirzoo.export.contract import chosen_outputs, decisions_of, file_contract, neighbours_of
from mirzoo.export.input_stage import input_stage
from mirzoo.export.neighbours import cutter, joiner
from mirzoo.export.options import ANY, ExportOptions
from mirzoo.export.parity import rounding_sensitivity
from mirzoo.tasks.base import Decisions

if TYPE_CHECKING:
    from mirzoo.models.model import Model

WAVEFORM = "waveform"

Stage = Callable[[tf.Tensor], tf.Tensor]
Outputs = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Graph:
    """A function to be written.

    Parameters
    ----------
    contract : Contract
        What the file takes and gives.
    signature : tf.TensorSpec
        ``(batch, samples)``, each a number or None for any.
    outputs : tuple of str
        The names of what it gives, in order.
    prepare : callable
        The input stage: from ``(batch, samples)`` to float32 at the model's rate.
    finish : callable
        From every output of the card and the embedding to each output of the file, by name.
    compute : callable
        All stages: from ``(batch, samples)`` to each output by name.
    join : callable
        From the outputs of the model's windows to those of the file's.
    decisions : Decisions, optional
        What decides inside.
    """

    contract: Contract
    signature: tf.TensorSpec
    outputs: tuple[str, ...]
    prepare: Stage
    finish: Callable[[Outputs], Outputs]
    compute: Callable[[tf.Tensor], Outputs]
    join: Callable[[Outputs], Outputs]
    decisions: Decisions | None = None

    @property
    def resamples(self) -> bool:
        """Whether the file takes another sample rate than the model."""
        exported = self.contract.exported
        return exported is not None and exported.model_rate != self.contract.sample_rate

    def expected(
        self, model: Model, windows: np.ndarray, outputs: Iterable[str] | None = None
    ) -> dict[str, np.ndarray]:
        """What a file is compared with: the model itself on what the input stage makes.

        Parameters
        ----------
        model : Model
        windows : np.ndarray, float32, shape (windows, samples)
            In [-1, 1], of the length and at the rate that the file takes.
        outputs : iterable of str, optional
            By default those of the file. Where the file decides, it is every output of the model,
            of which the same is to be decided.
        """
        results = model.predict_windows(self._prepared(windows))
        if self.decisions is not None:
            return {name: np.asarray(values) for name, values in self.join(results).items()}
        return {name: results[name] for name in outputs or self.outputs}

    def rounding(
        self, model: Model, windows: np.ndarray, outputs: Iterable[str] | None = None
    ) -> float:
        """The `rounding_sensitivity` of the model on the same, of the same outputs."""
        names = set(outputs or self.outputs)
        if self.decisions is not None:
            names -= {output.name for output in self.decisions.outputs}

        def predict(prepared: np.ndarray) -> dict[str, np.ndarray]:
            results = model.predict_windows(prepared)
            return {name: results[name] for name in names}

        return rounding_sensitivity(predict, self._prepared(windows))

    def _prepared(self, windows: np.ndarray) -> np.ndarray:
        given = as_type(windows, self.signature.dtype.name)
        return self.prepare(tf.constant(given)).numpy()

    def require_same(
        self,
        what: str,
        model: Model,
        compute: Callable[[np.ndarray], dict[str, np.ndarray]],
        music: np.ndarray,
        bound: Bound,
        outputs: Iterable[str] | None = None,
    ) -> None:
        """Raise an ExportError where a file is not what the model is, as far as the bound allows.

        Parameters
        ----------
        what : str
            The file, for messages.
        model : Model
        compute : callable
            From float32 windows to the file's outputs.
        music : np.ndarray, float32, shape (windows, samples)
            Real windows, in [-1, 1], of the length and at the rate that the file takes.
        bound : Bound
        outputs : iterable of str, optional
            By default those of the file.
        """
        require_same(
            what,
            self.contract,
            probes(self.contract, music, any_length=self.signature.shape[1] is None),
            partial(self.expected, model, outputs=outputs),
            compute,
            partial(self.rounding, model, outputs=outputs),
            bound,
            self.decisions,
        )


def compose(
    model: Model,
    options: ExportOptions,
    *,
    usual_batch: int | None,
    any_length: bool = False,
) -> Graph:
    """Put together what the options ask for.

    Parameters
    ----------
    model : Model
    options : ExportOptions
    usual_batch : int or None
        How many windows files of the format take where nothing is said; None for any number.
    any_length : bool
        Whether files of the format take windows of any length where nothing is said.
    """
    contract = file_contract(model.card.contract, options, usual_batch)
    outputs = tuple(chosen_outputs(model.card, options))
    batch = usual_batch if contract.exported is None else contract.exported.batch
    as_usual = any_length and options.window_s is None
    unbounded = contract.input.whole or as_usual or options.window_s == ANY
    length = None if unbounded else contract.input.window_samples
    resample, infer = input_stage(contract), network(model)
    decisions = decisions_of(model.card, options)
    neighbours = neighbours_of(model.card, options)
    cut, join = cutter(model.card, neighbours), joiner(model.card, neighbours)

    def prepare(waveform: tf.Tensor) -> tf.Tensor:
        return cut(resample(waveform))

    def finish(given: Outputs) -> Outputs:
        return choose(given if decisions is None else decisions.in_graph(join(given)), outputs)

    def compute(waveform: tf.Tensor) -> Outputs:
        return finish(infer(prepare(waveform)))

    signature = tf.TensorSpec((batch, length), tf.dtypes.as_dtype(options.input_type), WAVEFORM)
    return Graph(contract, signature, outputs, prepare, finish, compute, join, decisions)


def network(model: Model) -> Callable[[tf.Tensor], Outputs]:
    """From waveforms at the model's rate to every output of the card and the embedding."""
    every_output = model.every_output

    def infer(waveform: tf.Tensor) -> Outputs:
        return every_output(waveform, training=False)

    return infer


def choose(given: Outputs, names: tuple[str, ...]) -> Outputs:
    """Those that were asked for, in their order."""
    return {name: tf.identity(given[name], name=name) for name in names}
