"""Write the LiteRT models that tests of the runtime use: `python make_fake_taggers.py`.

They compute what `FakeRunner` in tests/fake_models.py computes in NumPy.
"""

import tempfile
from pathlib import Path

import tensorflow as tf

WINDOW_SAMPLES = 1600


def write_tagger(path, *, embedding):
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
    spec = tf.TensorSpec((1, WINDOW_SAMPLES), tf.float32, name="waveform")
    signatures = {"serving_default": module.answer.get_concrete_function(spec)}
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=signatures)
        path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())


if __name__ == "__main__":
    here = Path(__file__).parent
    write_tagger(here / "fake_tagger.tflite", embedding=True)
    write_tagger(here / "fake_tagger_tags_only.tflite", embedding=False)
