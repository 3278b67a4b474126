"""Run a model's `.keras` file with Keras: the only runtime that trains."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirzoo._support.guards import DAMAGE, read_member, reading
from mirzoo._support.registry import PLUGINS, load_plugins
from mirzoo.card import Card
from mirzoo.errors import ArtefactError
from mirzoo.recipe import FRONTENDS, HEADS, TASKS
from mirzoo.runtimes.base import RUNTIMES, Runtime

if TYPE_CHECKING:
    from mirzoo.models.model import Model

CONFIG = "config.json"
UNKNOWN_CLASS = "Could not locate class"
LARGEST_CONFIG_BYTES = 1 << 24
LARGEST_MEMBER_BYTES = 1 << 31


def load(path: Path, card: Card | None = None) -> Model:
    """Load a `.keras` file.

    Parameters
    ----------
    path : Path
    card : Card, optional
        By default the one inside the file.

    Raises
    ------
    ArtefactError
        If the file is missing, Keras cannot load it, or it is no model of mirzoo.
    CardError
        If the card inside it is not valid.
    """
    import keras

    from mirzoo.models.model import Model

    load_plugins()
    for registry in (FRONTENDS, HEADS, TASKS):
        for known in registry.registered():
            known.import_layers()
    if card is None:
        card = read_card(path)
    else:
        _read_config(path)  # its bounds hold before Keras reads it
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except DAMAGE as error:
        remedy = (
            "; a layer of your own is known once its module is imported (--import, or an entry "
            f"point in '{PLUGINS}')"
            if UNKNOWN_CLASS in str(error)
            else ""
        )
        raise ArtefactError(
            f"{path} cannot be loaded by Keras {keras.__version__}: {error}{remedy}"
        ) from error
    if not isinstance(model, Model):
        raise ArtefactError(f"{path} holds a {type(model).__name__} of Keras, not a mirzoo model")
    model.card = card
    return model


def read_card(path: Path) -> Card:
    """Read the card out of a `.keras` file, without Keras.

    Raises
    ------
    ArtefactError
        If the file is missing, no `.keras` file, or carries no card.
    CardError
        If the card is not valid.
    """
    if not path.is_file():
        raise ArtefactError(f"{path} does not exist; a Keras model is a .keras file.")
    config = _read_config(path)
    if config.get("registered_name") != "mirzoo>Model":
        kind = config.get("class_name")
        raise ArtefactError(f"{path} holds a {kind} of Keras, not a mirzoo model")
    with reading(path, ".keras file"):
        card = config["config"].get("card")
    if card is None:
        raise ArtefactError(f"{path} carries no card; was it written by mirzoo.save?")
    return Card.of_binary(card, source=f"{path} ({CONFIG})")


def _read_config(path: Path) -> dict[str, Any]:
    """The configuration in a `.keras` file, whose members are of bounded size."""
    with reading(path, ".keras file"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > LARGEST_MEMBER_BYTES:
                raise ValueError(
                    f"its member {member.filename} unpacks to {member.file_size:,} bytes, more "
                    f"than {LARGEST_MEMBER_BYTES:,}"
                )
        config = json.loads(read_member(archive, CONFIG, LARGEST_CONFIG_BYTES))
        if not isinstance(config, dict):
            raise ValueError(f"{CONFIG} holds a {type(config).__name__}")
        return config


RUNTIMES.register(Runtime("keras", ".keras", load, read_card))
