"""Taggers with known answers, for tests of everything that uses a model.

Their tags are "loud" (twice the mean magnitude, at most 1) and "rising" (the share of samples
above the one before).
"""

import numpy as np

from mirzoo.card import Axis, Card, InputContract, Licences, OutputSpec

LABELS = ["loud", "rising"]


def make_card(name="fake_tagger", **contract):
    lengths = {"min_samples": 160, "window_samples": 1600, "hop_samples": 1600}
    return Card(
        name=name,
        task="tagging",
        description="Tells loud from rising.",
        recipe=None,
        input=InputContract(sample_rate=16000, **{**lengths, **contract}),
        labels=LABELS,
        activation="sigmoid",
        outputs=[OutputSpec(name="tags", axes=[Axis(name="tag", size=2, unit="probability")])],
        embedding_size=2,
        parameters=1,
        licences=Licences(code="MIT", weights="MIT", data="none"),
        citation="none",
        provenance="written by hand",
    )


class FakeRunner:
    """Computes the tags in NumPy and remembers the windows it was given."""

    def __init__(self, **contract):
        self.card = make_card(**contract)
        self.batches = []

    @property
    def windows(self):
        return np.concatenate(self.batches)

    def predict_windows(self, windows):
        self.batches.append(windows)
        loud = np.minimum(1.0, 2 * np.abs(windows).mean(axis=1))
        rising = (np.diff(windows, axis=1) > 0).mean(axis=1)
        return {
            "tags": np.stack([loud, rising], axis=1).astype(np.float32),
            "embedding": np.stack([windows.mean(axis=1), windows.std(axis=1)], axis=1),
        }


def write_tflite(path, window_samples=1600, *, embedding=True):
    """Write the same tagger as a LiteRT model."""
    import tensorflow as tf

    def answer(waveform):
        loud = tf.minimum(1.0, 2 * tf.reduce_mean(tf.abs(waveform), axis=1))
        steps = waveform[:, 1:] - waveform[:, :-1]
        rising = tf.reduce_mean(tf.cast(steps > 0, tf.float32), axis=1)
        outputs = {"tags": tf.stack([loud, rising], axis=1)}
        if embedding:
            mean = tf.reduce_mean(waveform, axis=1)
            std = tf.sqrt(tf.reduce_mean((waveform - mean[:, None]) ** 2, axis=1))
            outputs["embedding"] = tf.stack([mean, std], axis=1)
        return outputs

    module = tf.Module()
    module.answer = tf.function(answer)
    spec = tf.TensorSpec((1, window_samples), tf.float32, name="waveform")
    concrete = module.answer.get_concrete_function(spec)
    saved = path.with_suffix(".saved_model")
    tf.saved_model.save(module, str(saved), signatures={"serving_default": concrete})
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(saved)).convert())
    return path
