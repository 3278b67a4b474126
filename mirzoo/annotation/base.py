"""What every annotation has: a source, a length, a model, and files."""

from __future__ import annotations

import io
import json
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from mirzoo.errors import AnnotationError

if TYPE_CHECKING:
    import jams


class Annotation(ABC):
    """A result on a recording.

    A subclass names its task, what it holds (``kind``, for messages), the suffixes that it
    writes (``formats``) and those that it reads (``readable``). For each suffix ``x`` it has a
    method ``_to_x`` that gives the file's content, and ``_from_x`` that gives its own arguments.
    """

    task: ClassVar[str]
    kind: ClassVar[str]
    formats: ClassVar[tuple[str, ...]]
    readable: ClassVar[tuple[str, ...]]

    source: str | None
    duration_s: float
    model: str | None

    def write(self, path: str | os.PathLike) -> Path:
        """Write to a file, whole or not at all.

        Parameters
        ----------
        path : str or path
            Its suffix is the format, one of the class's ``formats``.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        AnnotationError
            If the suffix is none of these, or the file cannot be written.
        """
        path = Path(path)
        content = getattr(self, f"_to_{_format(path, self.formats, self.kind)}")()
        write_whole(path, content.encode("utf-8") if isinstance(content, str) else content)
        return path

    @classmethod
    def read(cls, path: str | os.PathLike) -> Self:
        """Read what `write` wrote.

        Raises
        ------
        AnnotationError
            If the file is missing, or not one that `write` wrote.
        """
        path = Path(path)
        parse = getattr(cls, f"_from_{_format(path, cls.readable, cls.kind)}")
        try:
            return cls(**parse(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise AnnotationError(f"{path} cannot be read ({error.strerror}).") from error
        except (ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
            raise AnnotationError(
                f"{path} does not hold {cls.kind} as {cls.__name__}.write writes them "
                f"({error!r}). Was it made by another program?"
            ) from error

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it."""

    @abstractmethod
    def summary(self, top: int = 5) -> list[str]:
        """Tell what was heard in a few lines for a terminal."""

    def _to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"

    def _title(self) -> str:
        return Path(self.source).name if self.source else f"{self.kind} over time"

    def _described(self) -> str:
        source = f"{self.source!r}, " if self.source else ""
        return f"{source}{self.duration_s:.1f} s"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, or leave what was there."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        reason = error.strerror or error
        raise AnnotationError(
            f"{path} cannot be written ({reason}). Does the folder exist?"
        ) from error


def new_jams(annotation: Annotation) -> tuple[jams.JAMS, Any]:
    """A JAMS document of the recording, and who its annotations are by."""
    import jams

    document = jams.JAMS()
    document.file_metadata.duration = annotation.duration_s
    document.file_metadata.title = Path(annotation.source).stem if annotation.source else ""
    made_by = jams.AnnotationMetadata(
        data_source="program",
        annotation_tools=f"mirzoo {annotation.model}" if annotation.model else "mirzoo",
    )
    return document, made_by


def dump_jams(document: jams.JAMS) -> str:
    """The text of a JAMS document, checked against the schemas of its namespaces."""
    document.validate(strict=True)
    return document.dumps(indent=1) + "\n"


def load_jams(text: str, namespace: str) -> tuple[jams.JAMS, jams.Annotation]:
    """A JAMS document and its first annotation of a namespace."""
    import jams

    try:
        document = jams.load(io.StringIO(text))
    except jams.JamsError as error:
        raise ValueError(str(error).partition("\n")[0]) from error
    return document, document.search(namespace=namespace)[0]


def clock(seconds: float) -> str:
    """Minutes and seconds: ``3:07``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _format(path: Path, formats: tuple[str, ...], kind: str) -> str:
    suffix = path.suffix.lower()
    if suffix not in formats:
        raise AnnotationError(
            f"{path}: the suffix {path.suffix!r} is no format for {kind}; allowed are "
            f"{', '.join(formats)}."
        )
    return suffix.removeprefix(".")
