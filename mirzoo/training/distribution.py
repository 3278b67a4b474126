"""Training on several devices of one machine: the same batches, shared out among them.

Every device has a copy of the weights and a part of each batch; the gradients are added up before
each step (`tf.distribute.MirroredStrategy`), so that the steps are those of one device with the
same batch. Batch normalisation would see a device's part alone, so it is synchronised while the
model is trained: mean and variance are those of the whole batch, as on one device. What is drawn at
random in the graph (dropout, masks of the spectrogram) is drawn on each device for itself, so only
a recipe without either has the loss curve of one device to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from mirzoo.errors import TrainingError, UnknownNameError
from mirzoo.models.layers import BatchNormalization

NONE, MIRRORED = "none", "mirrored"
KINDS = (NONE, MIRRORED)

SEVERAL_MACHINES = (
    "training on several machines is not offered: Keras 3's fit fails under "
    "tf.distribute.MultiWorkerMirroredStrategy (keras#20585)"
)


@dataclass(frozen=True)
class Distribution:
    """Where a training computes.

    Parameters
    ----------
    strategy : tf.distribute.MirroredStrategy, optional
        None for one device.
    """

    strategy: Any = field(default=None)

    @property
    def devices(self) -> int:
        """How many devices share each batch."""
        return 1 if self.strategy is None else self.strategy.num_replicas_in_sync

    def scope(self) -> AbstractContextManager:
        """In which the model and its optimizer are made, and fitted."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    def require_shares(self, batch_size: int) -> None:
        """Raise where devices would get unequal parts of a batch.

        Raises
        ------
        TrainingError
            If the batch cannot be divided.
        """
        if batch_size % self.devices:
            raise TrainingError(
                f"training.batch_size is {batch_size}, which {self.devices} devices cannot share "
                f"equally; give a multiple of {self.devices}"
            )

    @contextmanager
    def synchronised(self, model: keras.Model) -> Iterator[None]:
        """While this lasts, batch normalisation takes the statistics of all devices together.

        Parameters
        ----------
        model : keras.Model
            With the layers that are trained; nested models are looked through.
        """
        if self.strategy is None:
            yield
            return
        nested = model._flatten_layers()
        kinds = (BatchNormalization, keras.layers.BatchNormalization)
        changed = [one for one in nested if isinstance(one, kinds) and not one.synchronized]
        for layer in changed:
            layer.synchronized = True
        try:
            yield
        finally:
            for layer in changed:
                layer.synchronized = False


ONE_DEVICE = Distribution()


def distribution_of(kind: str) -> Distribution:
    """Give the distribution of a name.

    Parameters
    ----------
    kind : {"none", "mirrored"}
        ``"mirrored"`` takes all GPUs, or, without any, all logical CPU devices of TensorFlow.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    TrainingError
        If there are fewer than two devices to share batches.

    Examples
    --------
    >>> distribution_of("none").devices
    1
    """
    if kind not in KINDS:
        raise UnknownNameError(
            f"distribute is '{kind}'; allowed are {' and '.join(KINDS)}; {SEVERAL_MACHINES}"
        )
    if kind == NONE:
        return ONE_DEVICE
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise TrainingError(
            f"distribute is 'mirrored', which shares each batch among devices, but TensorFlow has "
            f"{len(devices)} {devices[0].device_type if devices else 'device'}; leave it out, or "
            "check with tf.config.list_physical_devices('GPU') why the others are not found"
        )
    return Distribution(tf.distribute.MirroredStrategy([device.name for device in devices]))
