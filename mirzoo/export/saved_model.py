"""Keras model to a TensorFlow SavedModel that takes any batch and any length."""

from __future__ import annotations

import math
import shutil
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import fingerprint_pb2

from mirzoo._support.files import scratch_folder
from mirzoo.card import Contract
from mirzoo.export.base import EVERY_OPTION, FORMATS, Format
from mirzoo.export.checks import BOUNDS
from mirzoo.export.graph import Graph, compose
from mirzoo.export.options import ExportOptions
from mirzoo.models.layers.fourier import transforms_by_matrices
from mirzoo.models.model import EMBEDDING, Model
from mirzoo.runtimes.base import batches_of
from mirzoo.runtimes.saved_model_file import SAVED_MODEL_FILE

FEATURES = "features"
FINGERPRINT_FILE = "fingerprint.pb"


def write_saved_model(model: Model, folder: Path, windows: np.ndarray, **options: Any) -> None:
    """Write a SavedModel that gives the same numbers as the model, or none at all.

    Each signature maps `waveform`, ``(batch, samples)``, to a dict, and answers a waveform that is
    shorter than the model's minimum with an error of its own:

    - `serving_default`: the outputs that are asked for by name, by default those of the card
      (`tags`; `chords`, `bass`, …);
    - `embed`: `embedding`, ``(batch, embedding size)``, or one a frame for chords and melody;
    - `frontend`: `features`, ``(batch, frames, bins, channels)``.

    Parameters
    ----------
    model : Model
    folder : Path
        Where to; its files of a SavedModel are replaced, others stay.
    windows : np.ndarray, float32, shape (windows, samples)
        Real audio to compare on, in [-1, 1], at the rate that the SavedModel takes.
    **options
        Of `mirzoo.export.ExportOptions`.

    Raises
    ------
    ExportError
        If the SavedModel differs from the model.
    """
    asked = ExportOptions.of(options)
    graph = compose(model, asked, usual_batch=None, any_length=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Inside a folder that is there: it may be on another disk than what it lies in.
    with scratch_folder(folder if folder.is_dir() else folder.parent, folder.name) as temporary:
        unfinished = temporary / "saved_model"
        with transforms_by_matrices(math.inf if asked.dft == "conv" else 0):
            _export(model, graph, unfinished)
        graph.require_same(
            f"'{model.card.name}' as SavedModel",
            model,
            partial(_run, _loaded(unfinished), graph.contract),
            windows,
            BOUNDS[None],
            outputs={*graph.outputs, EMBEDDING},
        )
        _put_in_place(unfinished, folder)


def _put_in_place(written: Path, folder: Path) -> None:
    """Move what was written into a folder; while that lasts, there is no SavedModel in it."""
    folder.mkdir(exist_ok=True)
    (folder / SAVED_MODEL_FILE).unlink(missing_ok=True)
    for item in sorted(written.iterdir(), key=lambda item: item.name == SAVED_MODEL_FILE):
        if item.is_dir() and not any(item.iterdir()):
            continue
        target = folder / item.name
        if target.is_dir():
            shutil.rmtree(target)
        item.replace(target)


def run_saved_model(folder: Path, windows: np.ndarray) -> dict[str, np.ndarray]:
    """Compute every output and the embedding with a SavedModel, as any user of it would."""
    return _compute(_loaded(folder), windows)


Signatures = Mapping[str, Callable[..., dict[str, tf.Tensor]]]


def _loaded(folder: Path) -> Signatures:
    return tf.saved_model.load(str(folder)).signatures


def _compute(signatures: Signatures, windows: np.ndarray) -> dict[str, np.ndarray]:
    waveform = tf.constant(windows)
    results = {
        **signatures["serving_default"](waveform=waveform),
        **signatures["embed"](waveform=waveform),
    }
    return {name: value.numpy() for name, value in results.items()}


def _run(signatures: Signatures, contract: Contract, windows: np.ndarray) -> dict[str, np.ndarray]:
    parts = [
        {name: values[:count] for name, values in _compute(signatures, batch).items()}
        for batch, count in batches_of(windows, contract.exported, usual=None)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _export(model: Model, graph: Graph, folder: Path) -> None:
    """Write with TensorFlow itself: `keras.export.ExportArchive` stores every weight twice."""
    frontend, signature = model.frontend, [graph.signature]
    after_frontend = keras.Model(model.head_input, model.every_output.output, name="after_frontend")

    @tf.function(input_signature=signature)
    def features(waveform: tf.Tensor) -> tf.Tensor:
        return frontend(graph.prepare(_long_enough(waveform, graph.contract)), training=False)

    @tf.function(input_signature=signature)
    def infer(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return after_frontend(features(waveform), training=False)

    @tf.function(input_signature=signature)
    def serve(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return graph.finish(infer(waveform))

    @tf.function(input_signature=signature)
    def embed(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return {EMBEDDING: infer(waveform)[EMBEDDING]}

    @tf.function(input_signature=signature)
    def compute_features(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return {FEATURES: features(waveform)}

    module = tf.Module()
    # Not model.variables: those of random generators, which only training uses, differ each time.
    module.weights = [variable.value for variable in model.weights]
    tf.saved_model.save(
        module,
        str(folder),
        signatures={"serving_default": serve, "embed": embed, "frontend": compute_features},
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )
    _settle_fingerprint(folder / FINGERPRINT_FILE)


def _long_enough(waveform: tf.Tensor, contract: Contract) -> tf.Tensor:
    """The waveform; where it is shorter than the minimum, an error that names both lengths.

    Everything that is computed waits for it: on too few samples some kernels give no numbers, and
    others end the process.
    """
    taken = contract.input
    if waveform.shape[1] is not None:
        return waveform
    samples = tf.shape(waveform)[1]
    limit = (
        f"samples; {contract.name} takes at least {taken.min_samples} at {taken.sample_rate} Hz "
        f"({taken.min_samples / taken.sample_rate:.3g} s)"
    )
    is_enough = tf.raw_ops.Assert(
        condition=samples >= taken.min_samples, data=["the waveform has", samples, limit]
    )
    with tf.control_dependencies([is_enough]):
        return tf.identity(waveform)


def _settle_fingerprint(path: Path) -> None:
    """Replace the random identity in a SavedModel's fingerprint by one of its checksums."""
    fingerprint = fingerprint_pb2.FingerprintDef.FromString(path.read_bytes())
    fingerprint.ClearField("uuid")
    checksums = fingerprint.SerializeToString(deterministic=True)
    fingerprint.uuid = str(uuid.uuid5(uuid.NAMESPACE_OID, checksums.hex()))
    path.write_bytes(fingerprint.SerializeToString(deterministic=True))


FORMATS.register(
    Format(
        "saved_model",
        "a SavedModel",
        "",
        write_saved_model,
        tuple(
            option
            for option in EVERY_OPTION
            if option not in ("quantize", "calibration", "streaming")
        ),
    )
)
