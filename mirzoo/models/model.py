"""The Keras model of the zoo: waveform in, named outputs out, with its card on board.

`model.keras` alone is complete: the contract of its card is in its configuration. Importing this
module registers every layer that a model of the zoo may hold, after which plain
`keras.models.load_model("model.keras")` needs no custom objects.
"""

from __future__ import annotations

import copy
import functools
import os
import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

import mirzoo.models.layers  # noqa: F401  registers the layers that a model.keras may name
from mirzoo import ports
from mirzoo.annotate import EMBEDDING, ModelMethods
from mirzoo.card import Card
from mirzoo.errors import ArtefactError
from mirzoo.models.heads import with_all_depths

if TYPE_CHECKING:
    from mirzoo.models.steps import KerasSteps

ports.import_layers()

FRONTEND = "frontend"
CONFIGURATION = "the configuration of a Keras model"
HEAD = "head"
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
FORMER_HEAD = "trunk"  # in files of version 0.1


@keras.saving.register_keras_serializable(package="mirzoo")
class Model(ModelMethods, keras.Model):
    """A functional Keras model from float32 waveforms to the outputs that its card lists.

    It holds two nested models, `frontend` (waveform ``(batch, samples)`` in [-1, 1] to features
    ``(batch, frames, bins, channels)``) and `head` (features to the embedding), and the output
    layers behind them. `compile`, `fit` and everything else of Keras work on it.

    Parameters
    ----------
    inputs, outputs : keras.KerasTensor
        As for `keras.Model`; `outputs` is a tensor, or a dict of tensors by output name.
    name : str or None
        Name of the model.
    card : mirzoo.card.Card or dict or None
        Input, outputs, labels and all else that is known of the model.

    Examples
    --------
    >>> import mirzoo, numpy as np  # doctest: +SKIP
    >>> model = mirzoo.load("mel_cnn_tagger")  # doctest: +SKIP
    >>> model.annotate("song.mp3").top(3)  # doctest: +SKIP
    [('guitar', 0.91), ('slow', 0.38), ('classical', 0.33)]
    >>> model.embed(np.zeros((1, 48000), np.float32)).shape  # doctest: +SKIP
    (1, 256)
    """

    any_length = True
    _runtime = "Keras"

    def __init__(self, *args: Any, card: Card | dict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._card = Card.of_binary(card, CONFIGURATION) if isinstance(card, dict) else card
        self._process = os.getpid()
        self._report: Any = None

    def _compute(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        self._require_own_process()
        results = self._infer(tf.constant(windows))
        return {name: value.numpy() for name, value in results.items()}

    def _require_own_process(self) -> None:
        if self._process != os.getpid():
            raise ArtefactError(
                f"model '{self.name}' was loaded before this process was forked, and TensorFlow "
                "does not work in a fork: load it in this process, start processes by 'spawn' "
                '(multiprocessing.get_context("spawn")), or take runtime="litert"'
            )

    def _embed_all_depths(self, windows: np.ndarray) -> np.ndarray:
        return self._infer_all_depths(tf.constant(windows)).numpy()

    @functools.cached_property
    def _infer_all_depths(self) -> tf.types.experimental.PolymorphicFunction:
        frontend, head = self.frontend, with_all_depths(self.head)

        @tf.function(input_signature=[tf.TensorSpec((None, None), tf.float32, "waveform")])
        def infer(waveform: tf.Tensor) -> tf.Tensor:
            return head(frontend(waveform), training=False)

        return infer

    @functools.cached_property
    def every_output(self) -> keras.Model:
        """The model whose result is a dict of every output of the card and the embedding."""
        return keras.Model(self.inputs, self._named_outputs(), name="every_output")

    @functools.cached_property
    def _infer(self) -> tf.types.experimental.PolymorphicFunction:
        every_output = self.every_output

        @tf.function(input_signature=[tf.TensorSpec((None, None), tf.float32, "waveform")])
        def infer(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
            return every_output(waveform, training=False)

        return infer

    def steps(self, *, long: bool = False) -> KerasSteps | None:
        """The steps of a model made for streams; see `ModelMethods.steps`.

        Raises
        ------
        NoStepsError
            If the recipe calls the model live, and a layer of it needs the whole waveform.
        """
        if not self.card.live:
            return None
        self._require_own_process()
        return self._long_steps if long else self._short_steps

    @functools.cached_property
    def _short_steps(self) -> KerasSteps:
        return self._steps_of(None)

    @functools.cached_property
    def _long_steps(self) -> KerasSteps:
        from mirzoo.models.steps import MOST_FRAMES

        return self._steps_of(MOST_FRAMES)

    def _steps_of(self, frames: int | None) -> KerasSteps:
        from mirzoo.models.steps import KerasSteps, StepGraph

        return KerasSteps(StepGraph(self, frames))

    def get_config(self) -> dict[str, Any]:
        """The configuration that Keras saves, with the contract of the card."""
        contract = None if self._card is None else self._card.contract.model_dump(mode="json")
        return {**super().get_config(), "card": contract}

    @property
    def report(self) -> Any:
        """How `mirzoo.fine_tune` made it, a `mirzoo.training.report.Report`; else None."""
        return self._report

    @report.setter
    def report(self, report: Any) -> None:
        self._report = report

    def copy(self) -> Model:
        """Make a model of the same network, weights and card, not compiled."""
        made = type(self).from_config(self.get_config())
        made.set_weights(self.get_weights())
        made._card = self._card
        return made

    def in_precision(self, precision: str) -> Model:
        """Make a copy whose head computes in another precision; the weights are float32 always.

        The front-end and the output layers stay float32: spectra and probabilities need it.

        Parameters
        ----------
        precision : str
            A dtype policy of Keras: ``"float32"``, ``"mixed_bfloat16"`` or ``"mixed_float16"``.

        Raises
        ------
        ArtefactError
            If it is another one.

        Examples
        --------
        >>> import mirzoo  # doctest: +SKIP
        >>> faster = mirzoo.load("mel_cnn_tagger").in_precision("mixed_bfloat16")  # doctest: +SKIP
        """
        if precision not in PRECISIONS:
            allowed = ", ".join(map(repr, PRECISIONS))
            raise ArtefactError(f"precision is {precision!r}; allowed are {allowed}")
        config = copy.deepcopy(self.get_config())
        for layer in config["layers"]:
            is_head = layer["name"] in (HEAD, FORMER_HEAD)
            _set_policy(layer, precision if is_head else "float32")
        made = type(self).from_config(config)
        made.set_weights(self.get_weights())
        made._card = self._card
        return made

    def _named_outputs(self) -> dict[str, keras.KerasTensor]:
        if isinstance(self.output, dict):
            outputs = dict(self.output)
        else:
            outputs = {self.card.outputs[0].name: self.output}
        return {**outputs, EMBEDDING: self._embedding()}

    @property
    def frontend(self) -> keras.Model:
        """The nested model from the waveform to features."""
        return super().get_layer(FRONTEND)

    @property
    def head(self) -> keras.Model:
        """The nested model from features to the embedding."""
        return self.get_layer(HEAD)

    @property
    def head_input(self) -> keras.KerasTensor:
        """The features, where this model hands them to its head."""
        return self._head_node.input_tensors[0]

    @property
    def outputs_take_features(self) -> bool:
        """Whether an output layer looks at the features too, besides the head."""
        features = self.head_input
        return any(
            tensor is features
            for nodes in self._nodes_by_depth.values()
            for node in nodes
            if node.operation is not self.head
            for tensor in node.input_tensors
        )

    @property
    def trunk_input(self) -> keras.KerasTensor:
        """The former name of `head_input`."""
        _warn("model.trunk_input is now model.head_input")
        return self.head_input

    def get_layer(self, name: str | None = None, index: int | None = None) -> keras.layers.Layer:
        """Find a layer by its name or index; the head of an older file, ``"trunk"``, is "head"."""
        if name in (HEAD, FORMER_HEAD):
            names = {layer.name for layer in self.layers}
            other = FORMER_HEAD if name == HEAD else HEAD
            if name not in names and other in names:
                if name == FORMER_HEAD:
                    _warn('model.get_layer("trunk") is now model.head')
                return super().get_layer(other)
        return super().get_layer(name, index)

    def _embedding(self) -> keras.KerasTensor:
        return self._head_node.output_tensors[0]

    @property
    def _head_node(self) -> Any:
        head = self.head
        for nodes in self._nodes_by_depth.values():
            for node in nodes:
                if node.operation is head:
                    return node
        raise ArtefactError(f"model '{self.name}' does not use its nested model '{head.name}'")


def _set_policy(config: Any, precision: str) -> None:
    """Set the dtype policy of all layers in a configuration."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            config["config"] = {"name": precision}
        for value in config.values():
            _set_policy(value, precision)
    elif isinstance(config, list | tuple):
        for value in config:
            _set_policy(value, precision)


def _warn(message: str) -> None:
    warnings.warn(
        f"{message}; the old name goes with the next version", DeprecationWarning, stacklevel=3
    )
