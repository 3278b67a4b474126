"""Tables of the documentation on exports: outputs of models, what was written, operators."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import models_table

from mirzoo import hub
from mirzoo.card import Card, OutputSpec
from mirzoo.runtimes.tflite_file import operators
from mirzoo.tasks.base import TASKS

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RESULTS = BENCHMARKS / "exports.json"
QUANTISED = BENCHMARKS / "quantization.json"
PRECISIONS = ("float32", "float16", "dynamic", "int8")
ON_GPUS = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "EXP",
    "FULLY_CONNECTED", "LOGICAL_AND", "LOGISTIC", "LSTM", "MAX_POOL_2D", "MAXIMUM", "MINIMUM",
    "MUL", "PAD", "PRELU", "RELU", "RELU6", "RESHAPE", "RESIZE_BILINEAR", "SOFTMAX",
    "STRIDED_SLICE", "SUB", "TRANSPOSE_CONV",
}  # fmt: skip
"""What LiteRT's GPU delegate computes, by its documentation."""


def outputs() -> str:
    """Every output tensor of every model that comes with mirzoo."""
    rows = [
        ["model", "output", "shape of a window's", "last axis", "first and last labels", "frames"]
    ]
    for card in models_table.cards():
        labels = TASKS[card.task].axis_labels(card)
        for output in card.outputs:
            rows.append([f"`{card.name}`", *_output(card, output, labels.get(output.name, []))])
        axes = "1 × frames × " if TASKS[card.task].framewise else "1 × "
        rows.append(
            [f"`{card.name}`", "`embedding`", f"{axes}{card.embedding_size}", "–", "–", "–"]
        )
    return _table(rows)


def _output(card: Card, output: OutputSpec, labels: list[str]) -> list[str]:
    frames = "–"
    shape = [1, *(axis.size for axis in output.axes)]
    if output.frame_rate is not None:
        count = round(card.input.window_samples * output.frame_rate / card.sample_rate) + 1
        shape[1] = count
        frames = f"{output.frame_rate:g} a second; {_kept(card, output)}"
    last = output.axes[-1]
    ends = f"{labels[0]} … {labels[-1]}" if len(labels) > 1 else "".join(labels) or "–"
    is_main = output == card.outputs[0]
    meaning = f"{card.activation} over {last.name}" if is_main else last.name
    return [f"`{output.name}`", " × ".join(map(str, shape)), meaning, ends, frames]


def _kept(card: Card, output: OutputSpec) -> str:
    """Which frames of a window count where windows overlap."""
    assert output.frame_rate is not None
    per_sample = output.frame_rate / card.sample_rate
    first = round(card.input.context_samples * per_sample)
    kept = round(card.input.hop_samples * per_sample)
    return f"of a window {first} to {first + kept - 1} count"


def exports() -> str:
    """What `benchmarks/exports.py` wrote of each model: sizes, or why there is none."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    rows = [["model", *(f"LiteRT {name}" for name in PRECISIONS), "ONNX", "SavedModel"]]
    for name, tried in results.items():
        litert = [tried.get(_key("litert", _quantize(p))) for p in PRECISIONS]
        others = [tried.get(_key(format, {})) for format in ("onnx", "saved_model")]
        rows.append([f"`{name}`", *map(_cell, (*litert, *others))])
    return _table(rows)


def options() -> str:
    """What became of each option by itself, in LiteRT, on a model of each task."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    alone = {
        name: {
            key.partition(" ")[2]: result
            for key, result in tried.items()
            if key.startswith("litert") and "{}" not in key and '"quantize"' not in key
        }
        for name, tried in results.items()
    }
    names = [name for name, tried in alone.items() if tried]
    rows = [["option", *(f"`{name}`" for name in names)]]
    for key in dict.fromkeys(key for name in names for key in alone[name]):
        ((option, value),) = json.loads(key).items()
        shown = f"`{option}={value!r}`"
        rows.append([shown, *(_cell(alone[name].get(key)) for name in names)])
    return _table(rows)


def quantised() -> str:
    """What `benchmarks/quantization.py` measured of each model's files."""
    measured = json.loads(QUANTISED.read_text(encoding="utf-8"))
    rows = [["model", "file", "size", "speed", "music a CPU second", "memory", "loss"]]
    for model, found in measured.items():
        losses = found.pop("losses", {})
        for name, cost in found.items():
            own = model != "others"
            rows.append(
                [
                    f"`{model}`" if own else "others",
                    f"`{name}`",
                    f"{cost['bytes'] / 1e6:.2f} MB",
                    f"{cost['times_faster']:.2f} ×" if own else "–",
                    f"{cost['audio_s_per_cpu_s']:,.0f} s",
                    f"{cost['peak_mb']:.1f} MB",
                    _losses(losses, name),
                ]
            )
    return _table(rows)


def _losses(losses: dict[str, dict[str, float]], precision: str) -> str:
    """The largest loss of a precision, and of which score."""
    if not losses or precision in ("reference", "float32"):
        return "–"
    score = max(losses, key=lambda score: losses[score][precision])
    return f"{losses[score][precision]:+.4f} ({score})"


def operators_of_files() -> str:
    """Each operator, whether GPUs have it, and the shipped files that hold it."""
    files = {name: operators(hub.shipped_folder(name) / "model.tflite") for name in hub_names()}
    rows = [["operator", "GPU delegate", "in `model.tflite` of"]]
    for operator in sorted({operator for file in files.values() for operator in file}):
        holders = [name for name, file in files.items() if operator in file]
        where = "all" if len(holders) == len(files) else ", ".join(holders)
        rows.append([f"`{operator}`", "yes" if operator in ON_GPUS else "no", where])
    return _table(rows)


def hub_names() -> list[str]:
    """The models that come with mirzoo."""
    return hub.shipped_models()


def _quantize(precision: str) -> dict[str, str]:
    return {} if precision == "float32" else {"quantize": precision}


def _key(format: str, options: dict[str, Any]) -> str:
    return f"{format} {json.dumps(options)}"


def _cell(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not run"
    if "bytes" in result:
        return f"{result['bytes'] / 1e6:.2f} MB"
    if "refused" in result:
        return f"refused: {result['refused']}"
    return f"not written: {result['failed']}"


def _table(rows: Iterable[list[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)
