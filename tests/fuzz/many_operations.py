"""Write a LiteRT model of as many operations as can be: ``many_operations.py many.tflite``.

It takes and gives what ``fake_tagger.tflite`` does.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf


def results(waveform: tf.Tensor) -> list[tf.Tensor]:
    """A result of each operation, of images, matrices and whole numbers made of a waveform."""
    x = tf.reshape(waveform, (1, 16, 10, 10))
    v = tf.reshape(waveform, (40, 40))
    i = tf.cast(tf.clip_by_value(v * 10 + 5, 0, 9), tf.int32)
    kernel = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 10, 4)), tf.float32)
    c = tf.nn.conv2d(x, kernel, 2, "SAME")
    cubes = tf.reshape(waveform, (4, 20, 20))
    return [
        c,
        tf.nn.depthwise_conv2d(x, tf.ones((3, 3, 10, 2)), (1, 1, 1, 1), "SAME"),
        tf.nn.conv2d_transpose(c, tf.ones((3, 3, 6, 4)), (1, 16, 10, 6), 2, "SAME"),
        tf.nn.conv3d(
            tf.reshape(x, (1, 4, 4, 10, 10)), tf.ones((2, 2, 2, 10, 3)), (1, 1, 1, 1, 1), "SAME"
        ),
        *(tf.nn.avg_pool2d(x, 2, 2, "SAME"), tf.nn.max_pool2d(x, 3, 2, "VALID")),
        *(tf.nn.space_to_depth(x, 2), tf.nn.depth_to_space(tf.reshape(x, (1, 10, 10, 16)), 2)),
        tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]),
        tf.batch_to_space(tf.reshape(x, (4, 4, 10, 10)), [2, 2], [[0, 0], [0, 0]]),
        *(tf.image.resize(x, (8, 5), method=method) for method in ("bilinear", "nearest")),
        tf.nn.local_response_normalization(x),
        *(tf.gather(v, i[0], axis=0), tf.gather_nd(v, tf.stack([i[0], i[1]], -1))),
        *(tf.math.top_k(v, 3).values, tf.argmax(v, 1), tf.argmin(v, 1), tf.one_hot(i[0], 10)),
        *(tf.cumsum(v, 1), tf.tile(v, (2, 3)), tf.transpose(x, (0, 3, 1, 2))),
        *(tf.pad(v, [[1, 2], [3, 4]], mode=mode) for mode in ("CONSTANT", "REFLECT")),
        tf.pad(v, [[1, 2], [3, 4]], constant_values=2.0),
        *(tf.split(v, 4, 0)[1], tf.split(v, [10, 20, 10], 1)[1], tf.unstack(v)[3]),
        *(tf.stack([v, v], 1), tf.slice(v, i[0, :2], (3, 3)), v[1:-1:2, ::-1], tf.reverse(v, [1])),
        tf.reverse_sequence(v, tf.minimum(i[:, 0], 9) + 1, 1, 0),
        tf.scatter_nd(tf.reshape(i[0], (40, 1)), v[0], (50,)),
        tf.tensor_scatter_nd_update(v, [[0]], v[:1]),
        *(tf.math.unsorted_segment_sum(v, i[0], 10), tf.math.unsorted_segment_max(v, i[0], 10)),
        *(tf.where(v > 0, v, v * 2), tf.shape(tf.where(v > 0))),
        *(tf.linalg.matmul(v, v), tf.matmul(cubes, cubes, transpose_b=True)),
        *(tf.nn.softmax(v), tf.nn.log_softmax(v), tf.nn.leaky_relu(v), tf.nn.elu(v)),
        *(tf.nn.relu6(v), tf.nn.gelu(v), tf.math.l2_normalize(v, 1)),
        *(tf.abs(tf.signal.rfft(v, [64])), tf.linalg.diag(v[0]), tf.linalg.set_diag(v, v[0])),
        *(
            tf.fill((3, 4), v[0, 0]),
            tf.range(0.0, 10.0) * v[0, 0],
            tf.broadcast_to(v[:1], (40, 40)),
        ),
        *(i // 3, tf.math.floormod(i, 3), tf.math.floormod(v, 0.3)),
        *(tf.bitwise.bitwise_xor(i, 3), tf.bitwise.right_shift(i, 1)),
        *(tf.reduce_prod(v, 1), tf.reduce_min(v, 1), tf.reduce_any(v > 0, 1), tf.reduce_all(v > 0)),
        *(tf.squeeze(x, 0), tf.expand_dims(v, 1), tf.zeros_like(v) + v),
        *(tf.sign(v), tf.round(v), tf.math.rsqrt(v + 3), tf.atan2(v, v + 3)),
        tf.math.squared_difference(v, 1.0),
        tf.quantization.fake_quant_with_min_max_args(v, -1, 1),
        tf.cond(v[0, 0] > 0, lambda: v, lambda: v * 2),
        tf.while_loop(lambda n, a: n < 5, lambda n, a: (n + 1, a * 0.9), (0, v))[1],
    ]


@tf.function(input_signature=[tf.TensorSpec((1, 1600), tf.float32, name="waveform")])
def tagger(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
    means = [tf.reduce_mean(tf.cast(result, tf.float32)) for result in results(waveform)]
    embedding = tf.reshape(tf.stack(means), (1, -1))
    return {"tags": tf.sigmoid(embedding[:, :2]), "embedding": embedding[:, :2]}


def main(path: str) -> None:
    module = tf.Module()
    module.tagger = tagger
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": tagger})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        Path(path).write_bytes(converter.convert())


if __name__ == "__main__":
    main(sys.argv[1])
