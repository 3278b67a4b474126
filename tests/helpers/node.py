"""ONNX files in node, by the example that comes with mirzoo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from places import ROOT

PREDICT = ROOT / "examples" / "node" / "predict.js"


def predict_in_node(model: Path, windows: np.ndarray, folder: Path) -> dict[str, np.ndarray]:
    """Every output of a `.onnx` file for windows; skips the test where node cannot run it."""
    _require_runtime()
    samples = folder / "samples.f32"
    windows.astype("<f4").tofile(samples)
    run = _node(str(PREDICT), str(model), str(samples), str(len(windows)))
    assert run.returncode == 0, run.stderr[-2000:]
    return {
        name: np.float32(output["values"]).reshape(output["shape"])
        for name, output in json.loads(run.stdout).items()
    }


def node_runs_onnx() -> bool:
    """Whether node is installed, and finds onnxruntime-node."""
    return shutil.which("node") is not None and _has_runtime()


def _require_runtime() -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not node_runs_onnx():
        pytest.skip(
            "node finds no onnxruntime-node: npm install --ignore-scripts onnxruntime-node, and "
            "set NODE_PATH to its node_modules"
        )


@cache
def _has_runtime() -> bool:
    return _node("-e", 'require("onnxruntime-node")').returncode == 0


def _node(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", *arguments], env={**os.environ}, capture_output=True, text=True, check=False
    )
