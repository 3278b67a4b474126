"""Write yamnet.npz: what the authors' own network gives for the music in musicnn.npz.

Run it in an environment with TensorFlow, tf_keras and ai-edge-litert, with the repository that the
port names checked out at its commit::

    TF_USE_LEGACY_KERAS=1 python make_yamnet.py SPEAKER_DETECTOR_FOLDER

The authors' code builds network and features, with the weights of ``yamnet.tflite`` as LiteRT's
interpreter gives them. Batch normalisation, which that file has inside its convolutions, changes
nothing but adds its offset. Printed is how far what the file itself gives is from that, patch by
patch: its Fourier transform and mel bands are rounded to eight bits too.
"""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

HERE = Path(__file__).parent
FOLDER = Path(sys.argv[1])
EVERY = 8
WINDOW, HOP, PATCH_FRAMES, PATCH_HOP = 15600, 7680, 96, 48

sys.path.insert(0, str(FOLDER))
import params  # noqa: E402
import yamnet  # noqa: E402


def constants(interpreter):
    """Each constant by its name, in float32; kernels have no scale of their own once it runs."""
    details = interpreter.get_tensor_details()
    scales = {one["name"]: one["quantization_parameters"]["scales"] for one in details}
    interpreter.allocate_tensors()
    found = {}
    for one in details:
        try:
            values = interpreter.get_tensor(one["index"])
        except ValueError:
            continue  # no constant
        found[one["name"]] = values * scales[one["name"]] if values.dtype == np.int8 else values
    return found


def give_weights(model, known):
    """Give the authors' network the constants of the LiteRT file."""
    for layer in model.layers:
        place, kind = f"yamnet_frames/{layer.name}", type(layer).__name__
        if kind == "BatchNormalization":
            offset = known[f"{place}/FusedBatchNormV3"]
            variance = np.full_like(offset, 1 - params.BATCHNORM_EPSILON)
            layer.set_weights([offset, np.zeros_like(offset), variance])
        elif kind == "DepthwiseConv2D":
            (name,) = (
                name
                for name in known
                if name.startswith(f"{place}/bn/FusedBatchNormV3;")
                and not name.endswith("_dequantize")
            )
            layer.set_weights([known[name][0][..., np.newaxis]])
        elif kind == "Conv2D":
            layer.set_weights([known[f"{place}/Conv2D"].transpose(1, 2, 3, 0)])
        elif kind == "Dense":
            bias = known["yamnet_frames/dense/BiasAdd/ReadVariableOp/resource"]
            layer.set_weights([known["yamnet_frames/dense/MatMul"].T, bias])


with np.load(HERE / "musicnn.npz") as arrays:
    music = arrays["waveform"].astype(np.float32) / 2**15
# Kernels stay as they are in the file without XNNPACK.
litert = Interpreter(
    str(FOLDER / "yamnet.tflite"),
    experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
)
original = yamnet.yamnet_frames_model(params)
give_weights(original, constants(litert))
tags, features = (part.numpy() for part in original(music[np.newaxis]))
rounded, differences = [], []
for number in range(len(tags)):
    litert.set_tensor(
        litert.get_input_details()[0]["index"], music[np.newaxis, number * HOP :][:, :WINDOW]
    )
    litert.invoke()
    given = [litert.get_tensor(one["index"]) for one in litert.get_output_details()]
    rounded.append(given[0][0])
    patch = features[number * PATCH_HOP :][:PATCH_FRAMES]
    differences.append(np.abs(given[1] - patch).max())
rounded = np.stack(rounded)
print(
    "LiteRT next to the authors' code: features up to",
    max(differences), "apart, tags", np.abs(rounded - tags).max(),
    "and their means", np.abs(rounded.mean(axis=0) - tags.mean(axis=0)).max(),
)  # fmt: skip
np.savez_compressed(HERE / "yamnet.npz", features=features[::EVERY], tags=tags)
