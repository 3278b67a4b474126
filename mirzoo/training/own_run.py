"""The folder that a fine-tuning has while it runs, so that it can go on after it was killed.

It lies next to the folder of the new model, ``.<name>.training``, and goes when that is saved. It
holds what is costly: embeddings, and for each training by gradient a backup after every epoch. What
is in it counts only for the same model, data and settings.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo._support.files import unfinished, write_whole
from mirzoo.artefact import require_free
from mirzoo.errors import ArtefactError

logger = logging.getLogger(__name__)

ENDING = ".training"
WHAT_FOR = "run.json"
BYTES_A_PARAMETER = 4
COPIES = 3 + 2 * 3
"""Of the weights: Keras, TensorFlow and LiteRT, and two backups with what an optimizer holds."""

BYTES_BESIDES = 20_000_000
"""Graphs, examples of input and output, tables."""


class RunFolder:
    """What was computed already, by name.

    Parameters
    ----------
    folder : Path or None
        Where; None to hold nothing.
    about : dict
        What decides on the results, as JSON has it. What another one left is removed.
    """

    def __init__(self, folder: Path | None, about: dict[str, Any]) -> None:
        self.folder = folder
        if folder is None:
            return
        text = json.dumps(about, indent=1, sort_keys=True) + "\n"
        marker = folder / WHAT_FOR
        if folder.exists():
            if marker.exists() and marker.read_text(encoding="utf-8") == text:
                logger.info("going on with the run in %s", folder)
                return
            logger.warning("the run in %s was of other data or settings; it starts anew", folder)
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        write_whole(marker, text)

    def array(self, name: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """An array that was computed before, or is now."""
        if self.folder is None:
            return compute()
        path = self.folder / f"{name}.npy"
        if path.exists():
            return np.load(path, allow_pickle=False)
        values = compute()
        with unfinished(path) as new, new.open("wb") as file:
            np.save(file, values, allow_pickle=False)
        return values

    def values(self, name: str, compute: Callable[[], Any]) -> Any:
        """What JSON can hold, computed before or now."""
        if self.folder is None:
            return compute()
        path = self.folder / f"{name}.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
        values = compute()
        write_whole(path, json.dumps(values))
        return values

    def stage(self, name: str) -> Path | None:
        """The folder of a training by gradient."""
        return None if self.folder is None else self.folder / name

    def remove(self) -> None:
        """Remove all of it."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def run_folder_of(out: str | os.PathLike) -> Path:
    """The folder of the run whose model is saved in ``out``."""
    out = Path(out).absolute()
    return out.with_name(f".{out.name}{ENDING}")


def require_room(out: str | os.PathLike, *, overwrite: bool, parameters: int) -> None:
    """Raise where a model of so many weights cannot be saved in a folder, before it is fitted.

    Raises
    ------
    ArtefactError
        If something is there that is not to be replaced, the place cannot be written, or the disk
        is too full.
    """
    require_free(out, overwrite=overwrite)
    place = Path(out).absolute().parent
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise ArtefactError(f"{out} cannot be made: {place} is a file; choose another folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise ArtefactError(f"{out} cannot be made: {place} cannot be written; choose another one")
    needed = BYTES_BESIDES + COPIES * BYTES_A_PARAMETER * parameters
    free = shutil.disk_usage(place).free
    if free < needed:
        raise ArtefactError(
            f"{out} needs about {needed / 1e6:.0f} MB while it is made, and {place} has "
            f"{free / 1e6:.0f} MB left; make room, or choose a folder on another disk"
        )


def fingerprint(arrays: list[np.ndarray]) -> str:
    """A hash of arrays: of a model's weights, for example."""
    digest = hashlib.sha256()
    for values in arrays:
        digest.update(str((values.dtype, values.shape)).encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]


def fingerprint_of_source(source: Any) -> str:
    """A hash of a recording: of its samples, or of its file's place, size and time."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        state = path.stat() if path.exists() else None
        known = (str(path.absolute()), state and (state.st_size, state.st_mtime_ns))
        return hashlib.sha256(repr(known).encode()).hexdigest()[:16]
    if callable(source):
        return "computed"
    return fingerprint([np.asarray(source)])
