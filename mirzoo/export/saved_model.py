"""Keras model to a TensorFlow SavedModel that takes any batch and any length."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import fingerprint_pb2

from mirzoo.export.base import FORMATS, Format
from mirzoo.export.parity import require_parity
from mirzoo.models.model import EMBEDDING, Model

FEATURES = "features"
FINGERPRINT_FILE = "fingerprint.pb"
TOLERANCE = 1e-4
WAVEFORM = tf.TensorSpec((None, None), tf.float32, name="waveform")


def write_saved_model(model: Model, folder: Path, windows: np.ndarray) -> None:
    """Write a SavedModel that gives the same numbers as the model, or none at all.

    Each signature maps `waveform`, float32 ``(batch, samples)``, to a dict:

    - `serving_default`: the outputs of the card by name (`tags`; `chords`, `bass`, …);
    - `embed`: `embedding`, ``(batch, embedding size)``, or one a frame for chords and melody;
    - `frontend`: `features`, ``(batch, frames, bins, channels)``.

    Parameters
    ----------
    model : Model
    folder : Path
        Where to; its files of a SavedModel are replaced, others stay.
    windows : np.ndarray, float32, shape (windows, window_samples)
        Real audio to compare on.

    Raises
    ------
    ExportError
        If the SavedModel differs from the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        unfinished = Path(temporary) / "saved_model"
        _export(model, unfinished)
        require_parity(
            what=f"'{model.card.name}' as SavedModel",
            expected=model.predict_windows(windows),
            received=run_saved_model(unfinished, windows),
            tolerance=TOLERANCE,
        )
        for item in unfinished.iterdir():
            if item.is_dir() and not any(item.iterdir()):
                continue
            target = folder / item.name
            if target.is_dir():
                shutil.rmtree(target)
            item.replace(target)


def run_saved_model(folder: Path, windows: np.ndarray) -> dict[str, np.ndarray]:
    """Compute every output and the embedding with a SavedModel, as any user of it would."""
    signatures = tf.saved_model.load(str(folder)).signatures
    waveform = tf.constant(windows)
    results = {
        **signatures["serving_default"](waveform=waveform),
        **signatures["embed"](waveform=waveform),
    }
    return {name: value.numpy() for name, value in results.items()}


def _export(model: Model, folder: Path) -> None:
    """Write with TensorFlow itself: `keras.export.ExportArchive` stores every weight twice."""
    frontend = model.frontend
    after_frontend = keras.Model(model.head_input, model.every_output.output, name="after_frontend")

    @tf.function(input_signature=[WAVEFORM])
    def features(waveform: tf.Tensor) -> tf.Tensor:
        return frontend(waveform, training=False)

    @tf.function(input_signature=[WAVEFORM])
    def infer(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return after_frontend(features(waveform), training=False)

    @tf.function(input_signature=[WAVEFORM])
    def serve(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: value for name, value in infer(waveform).items() if name != EMBEDDING}

    @tf.function(input_signature=[WAVEFORM])
    def embed(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return {EMBEDDING: infer(waveform)[EMBEDDING]}

    @tf.function(input_signature=[WAVEFORM])
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


def _settle_fingerprint(path: Path) -> None:
    """Replace the random identity in a SavedModel's fingerprint by one of its checksums."""
    fingerprint = fingerprint_pb2.FingerprintDef.FromString(path.read_bytes())
    fingerprint.ClearField("uuid")
    checksums = fingerprint.SerializeToString(deterministic=True)
    fingerprint.uuid = str(uuid.uuid5(uuid.NAMESPACE_OID, checksums.hex()))
    path.write_bytes(fingerprint.SerializeToString(deterministic=True))


FORMATS.register(Format("saved_model", "a SavedModel", "", write_saved_model))
