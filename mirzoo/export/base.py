"""What a format is: the files that a model is written to, and how."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mirzoo._support.registry import Registry
from mirzoo.errors import ExportError
from mirzoo.export.options import ExportOptions

EVERY_OPTION = tuple(ExportOptions.model_fields)
VERSION_NUMBER = re.compile(r"\.v?\d[\w-]*")


@dataclass(frozen=True)
class Format:
    """A form that a model can be written in.

    Parameters
    ----------
    name : str
        ``"litert"``.
    title : str
        For messages: ``"a LiteRT model"``.
    suffix : str
        Of its files, ``".tflite"``; empty for a folder.
    write : callable
        Takes the model, the path, windows of real audio, ``(windows, window_samples)``, to compare
        on, and the ``options`` by name; writes a file that gives the numbers of the model, or
        none at all. It raises an ExportError where the model cannot be written, its numbers
        differ, or a package that it needs is not installed.
    options : tuple of str
        Those options of `mirzoo.export` that it has: ``("quantize",)``; `EVERY_OPTION` is all.
        Only those that are not at their default are handed to ``write``.
    """

    name: str
    title: str
    suffix: str
    write: Callable[..., None]
    options: tuple[str, ...] = ()


FORMATS: Registry[Format] = Registry(
    "export format", "mirzoo.export", name_of=lambda format: format.name
)
"""Every format by name."""


def format_of(path: str | os.PathLike) -> Format:
    """The format that the name of a file or folder asks for.

    A name with a dot is a folder's where it ends in a slash or what follows is a version's number
    (`tagger_1.2`, `tagger.v2`).

    Raises
    ------
    ExportError
        If it is no name, or no format has its suffix.
    """
    whole, name, suffix = os.fspath(path), Path(path).name, Path(path).suffix
    if not whole or "\0" in whole:
        raise ExportError(f"{whole!r} is no name of a file or folder")
    if name in {known.suffix for known in FORMATS.values() if known.suffix}:
        raise ExportError(f"{path} is a suffix with no name before it, as in 'model{name}'")
    if whole.endswith("/") or VERSION_NUMBER.fullmatch(suffix):
        suffix = ""
    for known in FORMATS.values():
        if known.suffix == suffix:
            return known
    allowed = [
        f"a name that ends in '{known.suffix}' for {known.title}"
        if known.suffix
        else f"a folder for {known.title}"
        for known in sorted(FORMATS.values(), key=lambda known: known.suffix, reverse=True)
    ]
    raise ExportError(
        f"{path} ends in '{suffix}'; allowed are {', '.join(allowed[:-1])} and {allowed[-1]}. For "
        "Keras, use mirzoo.save or model.save('x.keras')"
    )
