"""A folder with a folder of clips for each class: ``clips/dog/1.wav``.

A further level, as in ``clips/dog/rex/1.wav``, names groups (the recording, artist or animal).
"""

from __future__ import annotations

from pathlib import Path

from mirzoo import audio
from mirzoo.data.readers import READERS, Reader
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError


@READERS.register
class ClassFolders(Reader):
    """Clips in a folder for each class."""

    name = "folder"
    forms = ("a folder with a folder for each class",)

    def takes(self, path: Path) -> bool:
        return path.is_dir()

    def clips(self, words: str) -> list[Recording]:
        folder = Path(words)
        classes = sorted(
            path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
        if not classes:
            raise DataError(
                f"'{folder}' has no folders in it; put the clips of each class into a "
                "folder that is called like the class"
            )
        return [clip for of_class in classes for clip in _clips_of(of_class, folder)]


def _clips_of(of_class: Path, folder: Path) -> list[Recording]:
    paths = audio.files_in(of_class)
    if not paths:
        raise DataError(f"'{of_class}' holds no audio files; every folder in '{folder}' is a class")
    clips = []
    for path in paths:
        inner, name = path.relative_to(of_class), path.relative_to(folder)
        group = inner.parts[0] if len(inner.parts) > 1 else str(name)
        clips.append(Recording.tagged(path, (of_class.name,), group, name=name.as_posix()))
    return clips
