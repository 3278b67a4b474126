"""Write a model for other runtimes, compared with the Keras model before it is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mirzoo import audio
from mirzoo.card import InputContract
from mirzoo.errors import ExportError
from mirzoo.export.base import FORMATS, format_of

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
        If no format has the suffix, the model cannot be written with builtin LiteRT or standard
        ONNX operators, its numbers differ, or the packages that ONNX needs are not installed.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> mirzoo.export(mirzoo.load("mel_cnn_tagger"), "tagger.tflite")  # doctest: +SKIP
    PosixPath('tagger.tflite')
    """
    path = Path(path)
    chosen = format_of(path)
    options = {} if quantize is None else {"quantize": quantize}
    for option, value in options.items():
        if option not in chosen.options:
            able = [known for known in FORMATS.values() if option in known.options]
            raise ExportError(
                f"{option}={value!r} is for {' and '.join(known.title for known in able)}; {path} "
                f"would be {chosen.title}, which has no such option: give a name that ends in "
                f"{' or '.join(repr(known.suffix) for known in able)}"
            )
    if not path.parent.is_dir() and chosen.suffix:
        raise ExportError(f"there is no folder {path.parent} to write {path.name} into; make it")
    chosen.write(model, path, real_windows(model.card.input, source), **options)
    return path


def real_windows(contract: InputContract, source: audio.Source | None = None) -> np.ndarray:
    """Cut the first few windows out of a recording, by default the bundled clip.

    Returns
    -------
    np.ndarray, float32, shape (windows, window_samples)
        Where the model takes recordings whole: one, of the first `COMPARED_S` seconds.
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
