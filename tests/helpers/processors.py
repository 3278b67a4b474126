"""Processes that compute as they would on a processor without AVX-512."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

OLDER = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX",
}


def on_another_processor(
    code: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Python code where TensorFlow and NumPy use the kernels of an older processor."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **OLDER, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
