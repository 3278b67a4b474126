"""Export every shipped model in every format and precision, and each option by itself.

``python benchmarks/exports.py`` writes `exports.json` next to it, from which the documentation's
table is made. What no rule refuses is written, and so compared with the model; what is refused has
the rule's reason. With names of models, only those are done and the others' results stay.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mirzoo import export, load
from mirzoo._support.files import write_whole
from mirzoo.errors import MirzooError
from mirzoo.export import is_recurrent
from mirzoo.export.base import FORMATS
from mirzoo.export.options import ExportOptions
from mirzoo.export.rules import Case, refusals
from mirzoo.hub import shipped_models

RESULTS = Path(__file__).with_suffix(".json")
PRECISIONS = (None, "float16", "dynamic", "int8")
ONE_OF_EACH_TASK = (
    "mel_cnn_tagger",
    "chroma_rnn_chords",
    "stft_crnn_melody",
    "cqt_cnn_key",
    "mel_cnn_beats",
)
ALONE: tuple[dict[str, Any], ...] = (
    {"outputs": "all"},
    {"window_s": 5.0},
    {"window_s": "any"},
    {"batch": 4},
    {"batch": "any"},
    {"input_rate": 44100},
    {"input_rate": 48000},
    {"input_type": "int16"},
    {"decode": True},
    {"dft": "conv"},
)


def cells(name: str, alone: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Formats with the options that are tried with them."""
    for format in FORMATS:
        for quantize in PRECISIONS:
            yield format, {} if quantize is None else {"quantize": quantize}
    if alone:
        for options in ALONE:
            yield "litert", options


def tried(model: Any, format: str, options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What became of one export: its size, or why there is none."""
    chosen = FORMATS[format]
    case = Case(chosen, model.card, ExportOptions.of(options), is_recurrent(model))
    reasons = [why for _, why in refusals(case)]
    if reasons:
        return {"refused": "; ".join(reasons)}
    path = folder / f"x{chosen.suffix}"
    begin = time.perf_counter()
    try:
        export(model, path, overwrite=True, **options)
    except MirzooError as error:
        return {"failed": str(error)}
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {
        "bytes": sum(file.stat().st_size for file in files),
        "seconds": round(time.perf_counter() - begin, 1),
    }


def main() -> None:
    """Try everything, and write the results down as they come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="names; by default all that are shipped")
    parser.add_argument("--only", choices=["formats", "options"], help="one of the two tables")
    asked = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in asked.models or shipped_models():
        model = load(name)
        ours = results.setdefault(name, {})
        for format, options in cells(name, alone=name in ONE_OF_EACH_TASK):
            is_format = set(options) <= {"quantize"}
            if asked.only and (asked.only == "formats") != is_format:
                continue
            with tempfile.TemporaryDirectory() as folder:
                result = tried(model, format, options, Path(folder))
            ours[f"{format} {json.dumps(options)}"] = result
            print(name, format, options, result, flush=True)
            write_whole(RESULTS, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
