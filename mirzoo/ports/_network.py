"""What the networks of all ports share: putting a model together, loading its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mirzoo.errors import PullError
from mirzoo.models.model import FRONTEND, HEAD, Model
from mirzoo.ports._specification import PortSpec

BATCH_NORM_EPSILON = 1e-3
TENSORFLOW_CHECKPOINT = (".index", ".data-00000-of-00001")


@dataclass(frozen=True)
class Network:
    """The parts of a published model, with fresh weights.

    Parameters
    ----------
    frontend, head : keras.Model
        Waveform ``(batch, samples)`` to features, and features to the embedding.
    outputs : callable
        Gives the outputs for the embedding: a tensor, or a dict of tensors by name.
    load : callable
        Copies the published weights into the whole model.
    card : dict
        What the card states beyond the specification.
    """

    frontend: keras.Model
    head: keras.Model
    outputs: Callable[[keras.KerasTensor], Any]
    load: Callable[[Model], None]
    card: dict[str, Any] = field(default_factory=dict)

    def assemble(self, spec: PortSpec) -> Model:
        """Put the model together, with the published weights and its card.

        Raises
        ------
        PullError
            If the weights lack one, or have it in another shape.
        """
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        outputs = self.outputs(self.head(self.frontend(waveform)))
        model = Model(waveform, outputs, name=spec.name)
        self.load(model)
        model.card = spec.card(
            embedding_size=self.head.output_shape[-1], parameters=model.count_params(), **self.card
        )
        return model


def frontend_of(waveform: keras.KerasTensor, features: keras.KerasTensor) -> keras.Model:
    """The front-end from an input to features, under the name that `Model` knows."""
    return keras.Model(waveform, features, name=FRONTEND)


def head_of(features: keras.KerasTensor, embedding: keras.KerasTensor) -> keras.Model:
    """The head from features to the embedding, under the name that `Model` knows."""
    return keras.Model(features, embedding, name=HEAD)


def batch_norm(name: str) -> keras.layers.BatchNormalization:
    """Batch normalisation as all of these networks have it."""
    return keras.layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)


def assign(weight: keras.Variable, value: np.ndarray, name: str) -> None:
    """Give a weight its published value.

    Raises
    ------
    PullError
        If it has another shape.
    """
    if value.shape != tuple(weight.shape):
        raise PullError(
            f"the checkpoint's weight '{name}' has the shape {value.shape}, expected "
            f"{tuple(weight.shape)}; is it the network that was asked for?"
        )
    weight.assign(value)


def assign_norm(
    layer: keras.layers.BatchNormalization, value: Callable[[str], np.ndarray], name: str
) -> None:
    """Give batch normalisation its published weights, which PyTorch has under ``name``."""
    for weight, ending in (
        (layer.gamma, "weight"), (layer.beta, "bias"),
        (layer.moving_mean, "running_mean"), (layer.moving_variance, "running_var"),
    ):  # fmt: skip
        assign(weight, value(f"{name}.{ending}"), f"{name}.{ending}")


def weights_of(tensors: Mapping[str, np.ndarray]) -> Callable[[str], np.ndarray]:
    """What gives a weight of a checkpoint by its name; it raises `PullError` where there is none.

    Examples
    --------
    >>> value = weights_of({"dense.bias": np.zeros(3)})
    >>> value("dense.bias").shape
    (3,)
    """

    def value(name: str) -> np.ndarray:
        if name not in tensors:
            raise PullError(
                f"the checkpoint has no weight '{name}'; is it the network that was asked for?"
            )
        return tensors[name]

    return value


def read_checkpoint(prefix: str) -> Callable[[str], np.ndarray]:
    """Open a TensorFlow checkpoint; what is returned gives a weight by its name.

    Raises
    ------
    PullError
        If the checkpoint cannot be read; what is returned raises it for a name that is not there.
    """
    try:
        reader = tf.compat.v1.train.NewCheckpointReader(prefix)
    except (tf.errors.OpError, ValueError) as error:
        raise PullError(f"the checkpoint {prefix} cannot be read: {error}") from error

    def value(name: str) -> np.ndarray:
        if not reader.has_tensor(name):
            raise PullError(
                f"the checkpoint has no weight '{name}'; is it the network that was asked for?"
            )
        return reader.get_tensor(name)

    return value
