"""Write a model for other runtimes, compared with the Keras model before it is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mirzoo import audio
from mirzoo.card import InputContract
from mirzoo.errors import ExportError

if TYPE_CHECKING:
    from mirzoo.models.model import Model

COMPARED_WINDOWS = 3
COMPARED_S = 10


def export(
    model: Model,
    path: str | os.PathLike,
    *,
    quantize: str | None = None,
    source: audio.Source | None = None,
) -> Path:
    """Write a model as LiteRT (`x.tflite`), as ONNX (`x.onnx`) or as a SavedModel (a folder).

    What is written is compared with the Keras model on real audio first, and only a file that
    gives the same numbers takes its place.

    Parameters
    ----------
    model : mirzoo.models.model.Model
    path : str or path
        A name that ends in `.tflite` or `.onnx`, or a folder. ONNX needs the extra `onnx`.
    quantize : {None, "float16"}
        For LiteRT: store the weights in half precision, at half the size.
    source : str, path, file object or array, optional
        The audio to compare on; by default the music clip that comes with mirzoo.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    ExportError
        If the model cannot be written with builtin LiteRT or standard ONNX operators, its numbers
        differ, or the packages that ONNX needs are not installed.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> mirzoo.export(mirzoo.load("mel_cnn_tagger"), "tagger.tflite")  # doctest: +SKIP
    PosixPath('tagger.tflite')
    """
    path = Path(path)
    windows = real_windows(model.card.input, source)
    if path.suffix == ".tflite":
        from mirzoo.export.litert import write_litert

        write_litert(model, path, windows, quantize)
    elif path.suffix not in ("", ".onnx"):
        raise ExportError(
            f"{path} ends in '{path.suffix}'; allowed are a name that ends in '.tflite' (LiteRT) "
            "or '.onnx' (ONNX) and a folder (SavedModel). For Keras, use mirzoo.save or "
            "model.save('x.keras')"
        )
    elif quantize is not None:
        raise ExportError(
            f"quantize={quantize!r} is for LiteRT; {path} would be "
            f"{'an ONNX model' if path.suffix else 'a SavedModel'}, which holds float32: give a "
            "name that ends in '.tflite'"
        )
    elif path.suffix == ".onnx":
        from mirzoo.export.onnx import write_onnx

        write_onnx(model, path, windows)
    else:
        from mirzoo.export.saved_model import write_saved_model

        write_saved_model(model, path, windows)
    return path


def real_windows(contract: InputContract, source: audio.Source | None = None) -> np.ndarray:
    """Cut the first few windows out of a recording, by default the bundled clip.

    Returns
    -------
    np.ndarray, float32, shape (windows, window_samples)
        Where the model hears recordings whole: one, of the first `COMPARED_S` seconds.
    """
    source = audio.demo_clip() if source is None else source
    if contract.whole:
        return audio.read(source, contract.sample_rate)[np.newaxis][
            :, : COMPARED_S * contract.sample_rate
        ]
    stream = audio.stream(
        source,
        contract.sample_rate,
        contract.window_samples,
        contract.hop_samples,
        pad_left=contract.pad_left_samples,
    )
    windows = [window for _, (_, window) in zip(range(COMPARED_WINDOWS), stream, strict=False)]
    return np.stack(windows)
