"""A trained model's folder on disk: written whole, its hashes, and whether it is as it claims.

A model is a folder: `card.json`, `model.keras` (fine-tuning), `model.tflite` (LiteRT),
`saved_model.pb` with `variables/` (TensorFlow) and `golden.npz` (an input and its outputs). That
of a live model has `streaming.tflite` too, its steps.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from mirzoo._support.files import scratch_folder, sha256
from mirzoo._support.guards import reading
from mirzoo._support.switches import require_switches
from mirzoo.card import CARD_FILE, Card, Contract
from mirzoo.errors import ArtefactError, CardError
from mirzoo.runtimes.base import RUNTIMES
from mirzoo.tasks.base import TASKS

if TYPE_CHECKING:
    import numpy as np

    from mirzoo.models.model import Model

KERAS_FILE = "model.keras"
LITERT_FILE = "model.tflite"
SAVED_MODEL_FILE = "saved_model.pb"
STREAMING_FILE = "streaming.tflite"
GOLDEN_FILE = "golden.npz"
REQUIRED_FILES = (KERAS_FILE, LITERT_FILE, SAVED_MODEL_FILE, GOLDEN_FILE)
RECORDED_VERSIONS = ("mirzoo", "tensorflow", "keras", "kapre", "ai-edge-litert", "numpy")

KERAS_CONFIG = "config.json"
KERAS_METADATA = "metadata.json"
SHARED_OBJECT = "shared_object_id"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

INT16_SCALE = 32767.0
GOLDEN_DECIMALS = 6
TOLERANCE = 1e-4
HALF_PRECISION_TOLERANCE = 5e-3


def save(
    model: Model,
    folder: str | os.PathLike,
    *,
    quantize: Literal["float16"] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a model as a folder that `load` takes; whole or not at all.

    Every form is compared with the model on real audio before the folder takes its place. All
    files but `card.json` depend on weights and contract alone: other words on the card, or another
    day, give the same bytes (of `saved_model.pb`, whose functions TensorFlow numbers, in a process
    that has done the same before).

    Parameters
    ----------
    model : mirzoo.models.model.Model
        Its card is completed with the folder's name, hashes, versions and parameter count. What
        is written computes in float32, also where the model was trained in another precision.
    folder : str or path
        A new folder.
    quantize : {None, "float16"}
        Precision of the weights in `model.tflite`.
    overwrite : bool
        Whether a saved model in the folder is replaced; anything else there never is.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ArtefactError
        If there is something in the folder, other than a saved model to ``overwrite``.
    ExportError
        If a form of the model cannot be written, or gives other numbers.
    """
    from importlib import metadata

    from mirzoo.export import export, real_windows

    folder = Path(folder).absolute()
    require_free(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(folder.parent, folder.name) as temporary:
        unfinished = temporary / folder.name
        unfinished.mkdir()
        bare = model.in_precision("float32")
        bare.card = model.card.updated(
            name=folder.name,
            parameters=model.count_params(),
            versions={library: metadata.version(library) for library in RECORDED_VERSIONS},
            files={},
        )
        bare.save(unfinished / KERAS_FILE)
        _pack(unfinished / KERAS_FILE)
        export(bare, unfinished)
        whole, bare.card = bare.card, bare.card.without_words()
        export(bare, unfinished / LITERT_FILE, quantize=quantize, outputs="all")
        if bare.card.live:
            export(bare, unfinished / STREAMING_FILE, streaming=True)
        bare.card = whole
        _write_golden(bare, unfinished / GOLDEN_FILE, real_windows(bare.card.input)[-1:])
        bare.card.updated(files=_hashes(unfinished)).save(unfinished / CARD_FILE)
        _swap(unfinished, folder, temporary / "replaced")
    return folder


def require_free(folder: str | os.PathLike, *, overwrite: bool) -> None:
    """Raise an ArtefactError where a model cannot be saved in a folder for what is there."""
    require_switches(ArtefactError, overwrite=overwrite)
    folder = Path(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ArtefactError(f"{folder} is a file; a model is saved as a folder: choose a new one")
    if (folder / CARD_FILE).exists():
        if not overwrite:
            raise ArtefactError(
                f"{folder} holds a saved model; nothing was written: choose another folder, or "
                "replace it with overwrite=True (--overwrite)"
            )
    elif any(folder.iterdir()):
        raise ArtefactError(
            f"{folder} is neither empty nor a saved model (it has no {CARD_FILE}); nothing was "
            "written: choose another folder"
        )


def verify(folder: str | os.PathLike) -> dict[str, float]:
    """Recompute everything that a saved model claims.

    Checked are the hash of each file, the golden outputs in Keras, SavedModel and LiteRT, that
    LiteRT has builtin operators only, the number of parameters, and that the contract inside each
    file is that of the card.

    Parameters
    ----------
    folder : str or path
        The folder of a saved model; `mirzoo.verify` takes names too.

    Returns
    -------
    dict of str to float
        Largest difference from the golden outputs, for each form.

    Raises
    ------
    ArtefactError
        Which names everything in which the folder differs from its card.
    """
    with reading(folder, "saved model"):
        return _verified(Path(folder))


def _verified(folder: Path) -> dict[str, float]:
    from mirzoo.export.parity import excess, largest_difference, rounding_sensitivity
    from mirzoo.export.saved_model import run_saved_model
    from mirzoo.runtimes.saved_model_file import require_pure
    from mirzoo.runtimes.tflite_file import custom_operators, operators, read_labels

    card = Card.load(folder)
    for file in (*REQUIRED_FILES, *card.files):
        require_unaltered(folder, card, file)
    require_pure(folder)
    waveform, golden = _read_golden(folder / GOLDEN_FILE)
    keras, litert = RUNTIMES["keras"], RUNTIMES["litert"]
    model = cast("Model", keras.load(folder / KERAS_FILE, card))
    received = {
        "keras": model.predict_windows(waveform),
        "saved_model": run_saved_model(folder, waveform),
        "litert": litert.load(folder / LITERT_FILE, card).predict_windows(waveform),
    }
    differences = {form: largest_difference(golden, of) for form, of in received.items()}
    has_half_precision = "DEQUANTIZE" in operators(folder / LITERT_FILE)
    tolerances = {
        "keras": TOLERANCE,
        "saved_model": TOLERANCE,
        "litert": HALF_PRECISION_TOLERANCE if has_half_precision else TOLERANCE,
    }
    rounding = cache(partial(rounding_sensitivity, model.predict_windows, waveform))
    excesses = {
        form: excess(golden, of, tolerances[form], rounding) for form, of in received.items()
    }
    problems = [
        f"{form} differs from {GOLDEN_FILE} {problem}"
        for form, problem in excesses.items()
        if problem
    ]
    foreign = custom_operators(folder / LITERT_FILE)
    if foreign:
        problems.append(f"{LITERT_FILE} needs {', '.join(foreign)}, allowed are builtins only")
    if card.live:
        problems += _streaming_problems(folder, card, model, waveform)
    if model.count_params() != card.parameters:
        problems.append(
            f"{KERAS_FILE} has {model.count_params()} parameters, the card states {card.parameters}"
        )
    labels = TASKS[card.task].axis_labels(card).get(card.outputs[0].name, [])
    if read_labels(folder / LITERT_FILE) not in (labels, card.labels):  # of frequencies since 0.3
        problems.append(f"the labels of labels.txt in {LITERT_FILE} are not those of the card")
    for runtime in (keras, litert):
        problems += _differences(card, runtime.read_card(folder / runtime.file), runtime.file)
    if problems:
        raise ArtefactError(f"{folder} is not as its card states: {'; '.join(problems)}")
    return differences


def _streaming_problems(
    folder: Path, card: Card, model: Model, waveform: np.ndarray
) -> Iterator[str]:
    """What is wrong with the file of a live model's steps."""
    from mirzoo.export.streaming import step_difference
    from mirzoo.models.steps import KerasSteps, StepGraph
    from mirzoo.runtimes.litert_steps import LiteRTStepModel
    from mirzoo.runtimes.tflite_file import custom_operators

    require_unaltered(folder, card, STREAMING_FILE)
    steps = LiteRTStepModel(folder / STREAMING_FILE)
    difference = step_difference(KerasSteps(StepGraph(model)), steps.steps(), waveform)
    if difference > TOLERANCE:
        yield f"{STREAMING_FILE} differs from the steps of {KERAS_FILE} by {difference:.2e}"
    if custom_operators(folder / STREAMING_FILE):
        yield f"{STREAMING_FILE} needs other operators than builtins"
    ours = card.contract.model_copy(update={"exported": None, "format": 0})
    theirs = steps.card.contract.model_copy(update={"exported": None, "format": 0})
    if ours != theirs:
        yield f"the contract of {STREAMING_FILE} is not that of the card"


def damage(folder: str | os.PathLike) -> str | None:
    """Tell what is wrong with a saved model's files, by their hashes alone; None where nothing is.

    Examples
    --------
    >>> from mirzoo import hub
    >>> damage(hub.shipped_folder("chroma_rnn_chords")) is None
    True
    """
    folder = Path(folder)
    try:
        with reading(folder, "saved model"):
            card = Card.load(folder)
            for file in (*REQUIRED_FILES, *card.files):
                require_unaltered(folder, card, file)
    except (ArtefactError, CardError) as error:
        return str(error)
    return None


def _differences(card: Card, embedded: Card, file: str) -> list[str]:
    ours, theirs = card.contract, embedded.contract
    return [
        f"the {field} of {file} are not those of the card"
        for field in Contract.model_fields
        if getattr(ours, field) != getattr(theirs, field)
    ]


def require_unaltered(folder: Path, card: Card, file: str) -> None:
    """Raise an ArtefactError where a file is missing or its SHA-256 is not that of the card."""
    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ArtefactError(f"{path} lies outside the model's folder; it was not read")
    if not path.is_file():
        raise ArtefactError(f"{path} is missing; get the model again, or save it anew")
    expected = card.files.get(file)
    received = sha256(path)
    if received != expected:
        raise ArtefactError(
            f"{path} has SHA-256 {received}, the card states {expected}; the file was altered or "
            "not copied whole"
        )


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def _write_golden(model: Model, path: Path, windows: np.ndarray) -> None:
    import numpy as np

    from mirzoo.annotate import EMBEDDING

    pcm = np.round(np.clip(windows, -1.0, 1.0) * INT16_SCALE).astype(np.int16)
    outputs: dict[str, Any] = {
        name: np.round(values, GOLDEN_DECIMALS)
        for name, values in model.predict_windows(_from_pcm(pcm)).items()
    }
    if TASKS[model.card.task].framewise:
        # One embedding a frame would be most of the file, and every output depends on it.
        del outputs[EMBEDDING]
    np.savez_compressed(path, waveform=pcm, **outputs)


def _pack(path: Path) -> None:
    """Rewrite a `.keras` file compressed, and the same whenever and wherever it was saved.

    Keras writes it uncompressed, with the time, and numbers objects that are shared by where they
    lie in memory.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    saved_with = json.loads(members[KERAS_METADATA])
    saved_with["date_saved"] = "{}-{:02}-{:02}@{:02}:{:02}:{:02}".format(*ZIP_EPOCH)
    members[KERAS_METADATA] = json.dumps(saved_with).encode()
    numbers: dict[int, int] = {}

    def numbered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if SHARED_OBJECT in fields:
            known = fields[SHARED_OBJECT]
            fields[SHARED_OBJECT] = numbers.setdefault(known, len(numbers))
        return fields

    config = json.loads(members[KERAS_CONFIG], object_pairs_hook=numbered)
    members[KERAS_CONFIG] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, ZIP_EPOCH)
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)


def _read_golden(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    import numpy as np

    with reading(path, "file of golden outputs"), path.open("rb") as file:
        arrays = dict(np.load(file, allow_pickle=False))
        return _from_pcm(arrays.pop("waveform")), arrays


def _from_pcm(pcm: np.ndarray) -> np.ndarray:
    import numpy as np

    return (pcm / INT16_SCALE).astype(np.float32)


def _swap(new: Path, folder: Path, replaced: Path) -> None:
    if folder.exists():
        folder.rename(replaced)
    try:
        new.rename(folder)
    except OSError:
        if replaced.exists():
            replaced.rename(folder)
        raise
    shutil.rmtree(replaced, ignore_errors=True)
