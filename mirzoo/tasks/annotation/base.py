"""What every annotation has: a source, a length, a model, and files."""

from __future__ import annotations

import copy
import io
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

import numpy as np

from mirzoo._support.files import is_utf8
from mirzoo._support.guards import DAMAGE
from mirzoo.errors import AnnotationError
from mirzoo.tasks.annotation import pictures, sound
from mirzoo.tasks.annotation.files import format_of, json_pieces, temporary, write_whole

if TYPE_CHECKING:
    import jams

    from mirzoo.tasks.annotation.midi_file import TempoMap
    from mirzoo.tasks.beats.annotation import Beats


HEIGHT = 3.6
"""Of a figure of one annotation (inches)."""

LONGEST_LINE = 1 << 16
"""Of the beginning of a ``.json`` file (characters)."""


class Annotation(ABC):
    """A result on a recording.

    A subclass names its task, what it holds (``kind``, for messages), the suffixes that it
    writes (``formats``) and those that it reads (``readable``). For each suffix ``x`` it has a
    method ``_to_x`` that gives the file's content, text that is long piece by piece, and
    ``_from_x`` that gives its own arguments.
    ``_draw`` fills the axes of `plot`.
    """

    task: ClassVar[str]
    kind: ClassVar[str]
    formats: ClassVar[tuple[str, ...]]
    readable: ClassVar[tuple[str, ...]]
    beat_formats: ClassVar[tuple[str, ...]] = ()
    """Those of the formats that only annotations on beats can be written to; see `on_beats`."""

    source: str | None
    duration_s: float
    model: str | None

    warnings: tuple[str, ...] = ()
    """What is odd about the recording, a sentence each; see `mirzoo.annotate.annotate`."""

    tempo_map: TempoMap | None = None
    """The beats of the music, which MIDI files then have as theirs; see `on_beats`."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._described()}: {'; '.join(self.summary())})"

    def with_warnings(self, warnings: Iterable[str]) -> Self:
        """Give the same annotation with these warnings."""
        changed = copy.copy(self)
        object.__setattr__(changed, "warnings", tuple(warnings))
        return changed

    def on_beats(self, beats: Beats) -> Self:
        """Give the same annotation with the music's beats.

        MIDI files then have the song's tempi and bars. Chords begin and end on beats, and can be
        written as a lead sheet.

        Parameters
        ----------
        beats : Beats
            Of the same recording.
        """
        changed = copy.copy(self)
        object.__setattr__(changed, "tempo_map", beats.tempo_map)
        return changed

    @classmethod
    def joined(cls, pieces: Iterable[Self]) -> Self:
        """Join what a stream gave piece by piece; see `mirzoo.annotate.live.Stream`.

        Parameters
        ----------
        pieces : iterable of annotations
            Of one stream, in order, none left out.

        Returns
        -------
        Annotation
            What `annotate` gives of the same samples.

        Raises
        ------
        AnnotationError
            If there is no piece.
        """
        given = list(pieces)
        if not given:
            raise AnnotationError(f"{cls.__name__}.joined was given no pieces; was nothing pushed?")
        return given[0] if len(given) == 1 else cls(**cls._joint(given))

    @classmethod
    def _joint(cls, pieces: list[Self]) -> dict[str, Any]:
        """The arguments of several pieces' join."""
        raise AnnotationError(f"{cls.kind} of this task come in one piece, and {len(pieces)} came")

    def write(self, path: str | os.PathLike) -> Path:
        """Write to a file, whole or not at all; one that is there is replaced.

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
        content = getattr(self, f"_to_{format_of(path, self.formats, self.kind)}")()
        write_whole(path, content)
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
        parse = getattr(cls, f"_from_{format_of(path, cls.readable, cls.kind)}")
        try:
            text = path.read_text(encoding="utf-8")
            found = cls(**parse(text)).with_warnings(_warnings_in(text, path.suffix.lower()))
            _require_plain(found)
            return found
        except OSError as error:
            raise AnnotationError(f"{path} cannot be read ({error.strerror}).") from error
        except DAMAGE as error:
            raise AnnotationError(
                f"{path} does not hold {cls.kind} as {cls.__name__}.write writes them "
                f"({error!r}). Was it made by another program?"
            ) from error

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it."""

    @abstractmethod
    def summary(self, top: int = 5) -> list[str]:
        """Sum the result up in a few lines for a terminal."""

    def events(self) -> Iterator[dict[str, Any]]:
        """Give what was found in the order of time, each as a flat dict of plain values.

        By default one: all of `to_dict`.
        """
        yield self.to_dict()

    def newest(self, top: int = 5) -> list[str]:
        """Tell what holds at the end, in lines for a terminal; by default the `summary`."""
        return self.summary(top)

    def plot(self, ax: Any = None, *, path: str | os.PathLike | None = None) -> Any:
        """Draw the result along time; what is drawn stands with the class.

        Where the recording can't be read any more, the background stays white.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.
        path : str or path, optional
            Picture file to save the figure to (``.png``, ``.pdf``, ``.svg``).

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        AnnotationError
            If matplotlib is not installed, or the picture cannot be written.
        """
        return self._plotted(self._draw, ax, path, HEIGHT)

    def _plotted(
        self, draw: Callable[[Any], None], ax: Any, path: str | os.PathLike | None, height: float
    ) -> Any:
        ax, own_figure = pictures.axes(ax, f"{type(self).__name__}.plot", height=height)
        draw(ax)
        pictures.show_clock(ax)
        ax.set_title(self._title(), loc="left")
        return pictures.finished(ax, own_figure, path)

    @abstractmethod
    def _draw(self, ax: Any) -> None:
        """Draw the result into axes of matplotlib, from 0 s to its end."""

    def _about(self) -> dict[str, Any]:
        """What `to_dict` begins with."""
        about = {
            "task": self.task,
            "model": self.model,
            "source": self.source,
            "duration_s": self.duration_s,
        }
        return {**about, "warnings": list(self.warnings)} if self.warnings else about

    def _document(self) -> dict[str, Any]:
        """What `to_dict` gives, long lists as `mirzoo.tasks.annotation.files.Rows`."""
        return self.to_dict()

    def json_pieces(self, **more: Any) -> Iterator[str]:
        """Give `to_dict`, and ``more``, as one line of JSON, piece by piece.

        Examples
        --------
        >>> from mirzoo.tasks.chords import Chords
        >>> "".join(Chords([(0.0, 2.0, "N")]).json_pieces(status="new"))[-43:]
        '"N"}], "confidence": null, "status": "new"}'
        """
        return json_pieces({**self._document(), **more})

    def _to_json(self) -> Iterator[str]:
        # A name that is not UTF-8 is kept in JSON's escapes of Python's surrogates.
        escaped = not is_utf8(self.source or "")
        yield from json_pieces(self._document(), indent=1, ensure_ascii=escaped)
        yield "\n"

    def _title(self) -> str:
        return Path(self.source).name if self.source else f"{self.kind} over time"

    def _described(self) -> str:
        source = f"{self.source!r}, " if self.source else ""
        return f"{source}{self.duration_s:.1f} s"


class Playable(Annotation):
    """An annotation with pitches, which can be checked by ear."""

    @abstractmethod
    def sounding(self) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Give the MIDI pitches that sound from a time (s) on, whenever they change."""

    def sonify(
        self,
        sample_rate: int = 22050,
        *,
        original: str | os.PathLike | np.ndarray | None = None,
        path: str | os.PathLike | None = None,
    ) -> np.ndarray:
        """Synthesise the pitches.

        Parameters
        ----------
        sample_rate : int
            Of the result (Hz).
        original : path, file object or array, optional
            The recording (an array at ``sample_rate``), mixed in at the same loudness.
        path : str or path, optional
            Sound file to write (``.wav``, ``.flac``, ``.ogg``).

        Returns
        -------
        np.ndarray
            float32 ``(samples,)``, its peak at 0.9.

        Raises
        ------
        AnnotationError
            If the sound file cannot be written.
        AudioError
            If the recording cannot be decoded.
        """
        if path is not None:
            format_of(path, sound.FORMATS, "sound")
        with io.BytesIO() as storage:
            blocks = self._mixed(sample_rate, original, storage)
            mixed = np.concatenate([np.zeros(0, np.float32), *blocks])
        if path is not None:
            sound.write(path, [mixed], sample_rate)
        return mixed

    def write_sound(
        self,
        path: str | os.PathLike,
        sample_rate: int = 22050,
        *,
        original: str | os.PathLike | np.ndarray | None = None,
    ) -> Path:
        """Write what `sonify` gives to a sound file, in little memory however long it is.

        A temporary file next to the result, of 8 bytes a sample, holds the sound until its
        loudness is known.

        Parameters
        ----------
        path : str or path
            The sound file (``.wav``, ``.flac``, ``.ogg``).
        sample_rate, original
            As in `sonify`.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        AnnotationError
            If the sound file cannot be written.
        AudioError
            If the recording cannot be decoded.
        """
        path = Path(path)
        format_of(path, sound.FORMATS, "sound")
        with temporary(path) as storage:
            sound.write(path, self._mixed(sample_rate, original, storage), sample_rate)
        return path

    def _mixed(
        self,
        sample_rate: int,
        original: str | os.PathLike | np.ndarray | None,
        storage: BinaryIO,
    ) -> Iterator[np.ndarray]:
        played = self._play(sample_rate, round(self.duration_s * sample_rate))
        blocks = [played] if isinstance(played, np.ndarray) else played
        return sound.mixed(blocks, sample_rate, original, storage)

    @abstractmethod
    def _play(self, sample_rate: int, n_samples: int) -> np.ndarray | Iterable[np.ndarray]:
        """The pitches synthesised, float32 ``(n_samples,)``, whole or in blocks."""


def _require_plain(annotation: Annotation) -> None:
    """Raise an AnnotationError where what a file states of the recording is of another type."""
    duration_s = annotation.duration_s
    if not (math.isfinite(duration_s) and duration_s >= 0):
        raise AnnotationError(f"the duration is {duration_s} s")
    for name, value in (("source", annotation.source), ("model", annotation.model)):
        if not isinstance(value, str | None):
            raise AnnotationError(f"'{name}' is no text")
    if not all(isinstance(warning, str) for warning in annotation.warnings):
        raise AnnotationError("a warning is no text")


def _warnings_in(text: str, suffix: str) -> list[str]:
    """The warnings in a file of an annotation; other formats than these have no place for any."""
    if suffix == ".json":
        return json.loads(text).get("warnings", [])
    return json.loads(text)["sandbox"].get("warnings", []) if suffix == ".jams" else []


def origin_of(path: Path) -> tuple[str | None, str | None] | None:
    """The model and the recording that a ``.json`` file of an annotation is of.

    The beginning of the file alone is read. None where it is none, or of another format: others
    have no place for both.
    """
    if path.suffix.lower() != ".json":
        return None
    try:
        with path.open(encoding="utf-8") as file:
            lines = "".join(file.readline(LONGEST_LINE) for _ in ("{", "task", "model", "source"))
        head = json.loads(lines.rstrip().removesuffix(",") + "}")
        model, source = head["model"], head["source"]
    except DAMAGE:
        return None
    if not (isinstance(model, str | None) and isinstance(source, str | None)):
        return None
    return model, source


def jams_pieces(annotation: Annotation, *found: dict[str, Any]) -> Iterator[str]:
    """The text of a JAMS document of the recording, piece by piece.

    Parameters
    ----------
    annotation : Annotation
    *found : dict
        The document's annotations as `jams_annotation` gives them.
    """
    document = {
        "annotations": list(found),
        "file_metadata": {
            "title": Path(annotation.source).stem if annotation.source else "",
            "artist": "",
            "release": "",
            "duration": annotation.duration_s,
            "identifiers": {},
            "jams_version": version("jams"),
        },
        "sandbox": {"warnings": list(annotation.warnings)} if annotation.warnings else {},
    }
    yield from json_pieces(document, indent=1)
    yield "\n"


def jams_annotation(
    annotation: Annotation,
    namespace: str,
    data: list | Mapping[str, list],
    sandbox: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An annotation of a JAMS document.

    Parameters
    ----------
    annotation : Annotation
    namespace : str
        What JAMS calls its kind.
    data : list of `observation`, or dict of lists
        In the order of time; a dict where the namespace is dense.
    sandbox : dict, optional
    """
    return {
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": "",
            "corpus": "",
            "annotation_tools": f"mirzoo {annotation.model}" if annotation.model else "mirzoo",
            "annotation_rules": "",
            "validation": "",
            "data_source": "program",
        },
        "namespace": namespace,
        "data": data,
        "sandbox": sandbox or {},
        "time": 0.0,
        "duration": annotation.duration_s,
    }


def observation(
    time: float, duration: float, value: Any, confidence: float | None = None
) -> dict[str, Any]:
    """What JAMS has for a span of time (s)."""
    about = {"time": float(time), "duration": float(duration)}
    return {**about, "value": value, "confidence": confidence}


def load_jams(text: str, namespace: str) -> tuple[jams.JAMS, jams.Annotation]:
    """A JAMS document and its first annotation of a namespace."""
    import jams

    try:
        document = jams.load(io.StringIO(text))
    except jams.JamsError as error:
        raise ValueError(str(error).partition("\n")[0]) from error
    return document, document.search(namespace=namespace)[0]
