"""Write a model for other runtimes, compared with the Keras model before it is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mirzoo import audio
from mirzoo._support.files import is_utf8, printable
from mirzoo._support.switches import require_switches
from mirzoo.card import InputContract
from mirzoo.errors import ExportError
from mirzoo.export.base import Format, format_of
from mirzoo.export.contract import file_contract
from mirzoo.export.options import ExportOptions
from mirzoo.export.rules import Case, require_allowed
from mirzoo.runtimes.saved_model_file import SAVED_MODEL_FILE

if TYPE_CHECKING:
    from mirzoo.models.model import Model

__all__ = ["ExportOptions", "export", "real_windows"]

COMPARED_WINDOWS = 3
COMPARED_S = 10


def export(
    model: Model,
    path: str | os.PathLike,
    *,
    quantize: Literal["float16", "dynamic", "int8"] | str | None = None,
    calibration: audio.Source | Sequence[audio.Source] | None = None,
    outputs: Sequence[str] | Literal["all"] | None = None,
    window_s: float | Literal["any"] | None = None,
    batch: int | Literal["any"] | None = None,
    input_rate: int | None = None,
    input_type: Literal["float32", "int16"] | str = "float32",
    decode: bool = False,
    dft: Literal["fft", "conv"] | str | None = None,
    streaming: bool = False,
    source: audio.Source | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a model as LiteRT (`x.tflite`), as ONNX (`x.onnx`) or as a SavedModel (a folder).

    What is written is compared with the Keras model first, and only a file that gives the same
    numbers takes its place. Options that do not go together, or not with the format or the model,
    are refused with the reason (`mirzoo.export.rules`).

    Parameters
    ----------
    model : mirzoo.models.model.Model
    path : str or path
        A name that ends in `.tflite` or `.onnx`, or a folder. ONNX needs the extra `onnx`.
    quantize : {None, "float16", "dynamic", "int8"}
        For LiteRT: how the weights of the network are stored, and with ``"dynamic"`` and
        ``"int8"`` what it computes with. The front-end computes in float32 all the same.
    calibration : audio source or sequence of them, optional
        Recordings that int8 is fitted to; by default the music clip that comes with mirzoo.
    outputs : sequence of str, or "all", optional
        Which outputs of the card to keep, ``"embedding"`` among them. By default all of the card
        without the embedding; ``"all"`` with it. Their order is the card's, the embedding last.
    window_s : float or "any", optional
        Length of a window (s); by default the card's, and any length in a SavedModel.
    batch : int or "any", optional
        How many windows go in at once; by default one in LiteRT, and any number elsewhere.
    input_rate : int, optional
        Sample rate of what goes in (Hz), which is resampled inside; by default the model's own.
    input_type : {"float32", "int16"}
        Samples in [-1, 1], or integers in [-32768, 32767].
    decode : bool
        Whether the file gives decisions in the place of probabilities.
    dft : {None, "fft", "conv"}
        ``"conv"`` computes spectra by products of matrices, for accelerators that have no Fourier
        transform. By default ``"fft"``, in ONNX ``"conv"``.
    streaming : bool
        Whether a `.tflite` file of a live model goes through a stream step by step, its states
        inputs and outputs: see `mirzoo.export.streaming`.
    source : str, path, file object or array, optional
        The audio to compare on; by default the music clip that comes with mirzoo.
    overwrite : bool
        Whether what is at ``path`` is replaced; by default it is an error.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    ExportError
        If no format has the suffix, options are refused, something is at ``path`` already, the
        folder to write into is missing, the disk refuses the file, the model cannot be written
        with builtin LiteRT or standard ONNX operators, its numbers differ, or the packages that
        ONNX needs are not installed.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> mirzoo.export(mirzoo.load("mel_cnn_tagger"), "tagger.tflite")  # doctest: +SKIP
    PosixPath('tagger.tflite')
    """
    require_switches(ExportError, decode=decode, streaming=streaming, overwrite=overwrite)
    chosen = format_of(path)
    path = Path(path)
    options = ExportOptions.of(
        {
            "quantize": quantize,
            "calibration": calibration,
            "outputs": outputs,
            "window_s": window_s,
            "batch": batch,
            "input_rate": input_rate,
            "input_type": input_type,
            "decode": decode,
            "dft": dft,
            "streaming": streaming,
        }
    )
    require_allowed(Case(chosen, model.card, options, recurrent=is_recurrent(model)))
    contract = model.card.contract
    if not streaming:
        contract = file_contract(contract, options, usual_batch=None)
    try:
        _require_free(path, chosen, overwrite)
        windows = real_windows(contract.input, source)
        chosen.write(model, path, windows, **options.given())
    except OSError as error:
        reason = error.strerror or error
        raise ExportError(f"{printable(path)} cannot be written ({reason})") from error
    return path


def is_recurrent(model: Any) -> bool:
    """Whether a model has recurrent layers."""
    import keras

    return any(isinstance(layer, keras.layers.RNN) for layer in model._flatten_layers())


def _require_free(path: Path, format: Format, overwrite: bool) -> None:
    """Raise an ExportError where nothing can or may be written."""
    if not path.absolute().parent.is_dir():
        raise ExportError(f"there is no folder {path.parent} to write {path.name} into; make it")
    if format.suffix and path.is_dir():
        raise ExportError(f"{path} is a folder; {format.title} is a file: give another name")
    if not format.suffix and path.exists() and not path.is_dir():
        raise ExportError(f"{path} is a file; {format.title} is a folder: give another name")
    if not format.suffix and not is_utf8(str(path.absolute())):
        raise ExportError(
            f"{printable(path)} is not UTF-8, and TensorFlow writes to no other names: give one "
            "that is"
        )
    there = path if format.suffix else path / SAVED_MODEL_FILE
    if os.path.lexists(there) and not overwrite:
        raise ExportError(
            f"{there} exists; nothing was written: give another name, or overwrite=True "
            "(--overwrite)"
        )


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
