"""A folder with a folder of clips for each class: ``clips/dog/1.wav``.

A further level, as in ``clips/dog/rex/1.wav``, names groups (the recording, artist or animal).
Where all of the folder's folders are called like splits, as in ``clips/train/dog/1.wav`` and
``clips/test/dog/2.wav``, `mirzoo.data.load` takes them for those.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from mirzoo import audio
from mirzoo.data.findings import Finding
from mirzoo.data.readers import READERS, SPLITS, Found, Reader, SourceOptions
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError


@READERS.register
class ClassFolders(Reader):
    """Clips in a folder for each class."""

    name = "folder"
    forms = ("a folder with a folder for each class",)

    def takes(self, path: Path) -> bool:
        return path.is_dir()

    def finds(self, path: Path, options: SourceOptions) -> bool:
        return path.is_dir() and options.kind in (None, "tags")

    def clips(self, words: str) -> list[Recording]:
        folder = Path(words)
        clips = []
        for of_class in _classes(folder):
            paths = audio.files_in(of_class)
            if not paths:
                raise DataError(
                    f"'{of_class}' holds no audio files; every folder in '{folder}' is a class"
                )
            clips += [_clip(path, of_class, folder) for path in paths]
        return clips

    def find(self, words: str, options: SourceOptions) -> Found:
        folder = Path(words)
        clips, findings = [], hidden_findings(folder)
        labels: dict[str, None] = {}
        unreadable: list[OSError] = []
        for split, place in _splits(folder):
            for of_class in _classes(place):
                labels[of_class.name] = None
                for path in audio.files_in(of_class, unreadable.append):
                    if not is_hidden(path.relative_to(folder)):
                        clips.append(replace(_clip(path, of_class, folder), split=split))
        if unreadable:
            names = tuple(os.path.relpath(error.filename, folder) for error in unreadable)
            what = f"these folders cannot be read: {unreadable[0].strerror}"
            findings.append(Finding("unreadable", "error", what, names))
        if names := tuple(sorted(path.name for path in folder.iterdir() if _is_audio(path))):
            what = "these files are in no folder of a class, and left out"
            findings.append(Finding("without a label", "warning", what, names))
        return Found(tuple(clips), tuple(findings), tuple(labels))


def _splits(folder: Path) -> list[tuple[str | None, Path]]:
    """The splits of a folder and theirs: those of ``train/dog/1.wav`` and ``test/dog/2.wav``."""
    inner = _classes(folder)
    splits = [(SPLITS.get(path.name.casefold()), path) for path in inner]
    if all(name and any(map(Path.is_dir, path.iterdir())) for name, path in splits):
        return [(name, path) for name, path in splits]
    return [(None, folder)]


def _classes(folder: Path) -> list[Path]:
    classes = sorted(
        path for path in folder.iterdir() if path.is_dir() and not is_hidden(Path(path.name))
    )
    if not classes:
        tables = sorted(path for path in folder.iterdir() if path.suffix.lower() in TABLES)
        hint = f"; or name the table in it, '{tables[0]}'" if tables else ""
        raise DataError(
            f"'{folder}' has no folders in it; put the clips of each class into a "
            f"folder that is called like the class{hint}"
        )
    return classes


def _clip(path: Path, of_class: Path, folder: Path) -> Recording:
    inner, name = path.relative_to(of_class), path.relative_to(folder)
    group = inner.parts[0] if len(inner.parts) > 1 else str(name)
    return Recording.tagged(path, (of_class.name,), group, name=name.as_posix())


TABLES = (".csv", ".tsv", ".jsonl")
ARCHIVERS = "__MACOSX"
"""A folder that a Mac's archives have beside their content."""


def is_hidden(path: Path) -> bool:
    """Whether a path, from the source's folder on, has a hidden part."""
    return any(part.startswith(".") or part == ARCHIVERS for part in path.parts)


def _is_audio(path: Path) -> bool:
    known = path.name.lower().endswith(audio.SUFFIXES)
    return known and not is_hidden(Path(path.name)) and path.is_file()


def hidden_findings(folder: Path) -> list[Finding]:
    """Folders and files of audio that are hidden, and so left out."""
    found: list[str] = []
    for parent, folders, files in os.walk(folder):
        inner = Path(parent).relative_to(folder)
        if is_hidden(inner):
            continue
        for name in sorted(folders):
            if is_hidden(Path(name)):
                found.append((inner / name).as_posix() + "/")
        found += [
            (inner / name).as_posix()
            for name in sorted(files)
            if name.startswith(".") and name.lower().endswith(audio.SUFFIXES)
        ]
    what = "left out, since hidden; rename what is meant to be learnt from"
    return [Finding("hidden", "warning", what, tuple(found))] if found else []
