"""What a model hears in a recording, aligned with time, and the files it is kept in.

NumPy alone: neither TensorFlow nor the runtime that made the result is needed to read, write or
plot it.
"""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo.errors import AnnotationError

FORMATS = (".jams", ".json", ".csv")
ROUNDING = 1e-5  # a float32 softmax may end this far outside [0, 1]


@dataclass(frozen=True, eq=False, repr=False)
class Tags:
    """The tags of a recording: one probability per tag for each window of time.

    Parameters
    ----------
    labels : sequence of str
        The tags, in the model's order.
    times : array, shape (windows,)
        Where each window starts (s). A model that wants zeros before the recording has a first
        start below 0.
    probabilities : array, shape (windows, tags)
        Probability of each tag in each window, in [0, 1].
    window_s : float
        Length of a window (s).
    source : str, optional
        The recording's file name.
    duration_s : float, optional
        Length of the recording (s); by default the end of the last window.
    model : str, optional
        The model that heard it.

    Raises
    ------
    AnnotationError
        If shapes disagree, or a probability is not a number in [0, 1].

    Examples
    --------
    >>> tags = Tags(["guitar", "drums"], times=[0.0, 3.0],
    ...             probabilities=[[0.75, 0.125], [0.5, 0.25]], window_s=3.0)
    >>> tags.top(1)
    [('guitar', 0.625)]
    >>> tags
    Tags(6.0 s, 2 windows of 3.0 s: guitar 0.62, drums 0.19)
    """

    labels: tuple[str, ...]
    times: np.ndarray
    probabilities: np.ndarray
    window_s: float
    source: str | None = None
    duration_s: float | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        labels = tuple(self.labels)
        times = np.asarray(self.times, dtype=np.float64)
        probabilities = np.asarray(self.probabilities, dtype=np.float64)
        if times.ndim != 1 or not times.size:
            raise AnnotationError(
                f"Tags: times have the shape {times.shape}; one start (s) per window is needed, "
                f"for at least one window."
            )
        if probabilities.shape != (len(times), len(labels)):
            raise AnnotationError(
                f"Tags: probabilities have the shape {probabilities.shape}, but {len(times)} "
                f"times and {len(labels)} labels make it (windows, tags) = "
                f"{(len(times), len(labels))}. Are they transposed?"
            )
        if not np.all((probabilities >= -ROUNDING) & (probabilities <= 1 + ROUNDING)):
            raise AnnotationError(
                "Tags: probabilities must be numbers in [0, 1]; "
                f"received {probabilities.min()} to {probabilities.max()}. Are they logits?"
            )
        if np.any(np.diff(times) <= 0):
            raise AnnotationError("Tags: times must increase from window to window.")
        duration_s = times[-1] + self.window_s if self.duration_s is None else self.duration_s
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "probabilities", np.clip(probabilities, 0.0, 1.0))
        object.__setattr__(self, "window_s", float(self.window_s))
        object.__setattr__(self, "duration_s", float(duration_s))

    @property
    def intervals(self) -> np.ndarray:
        """Start and end of the music in each window (s), shape ``(windows, 2)``."""
        edges = np.stack([self.times, self.times + self.window_s], axis=1)
        return np.clip(edges, 0.0, self.duration_s)

    @property
    def mean(self) -> np.ndarray:
        """Probability of each tag in the whole recording, shape ``(tags,)``.

        The mean over windows, each weighted by the seconds of music in it: a last window that
        is mostly padding counts little.
        """
        starts, ends = self.intervals.T
        return np.average(self.probabilities, axis=0, weights=ends - starts)

    def top(self, n: int = 5) -> list[tuple[str, float]]:
        """List the ``n`` likeliest tags of the whole recording as ``(label, probability)``."""
        mean = self.mean
        order = np.argsort(-mean, kind="stable")[:n]
        return [(self.labels[tag], float(mean[tag])) for tag in order]

    def __repr__(self) -> str:
        named = ", ".join(f"{label} {probability:.2f}" for label, probability in self.top(5))
        source = f"{self.source!r}, " if self.source else ""
        count = len(self.times)
        windows = f"{count} window{'s' if count > 1 else ''} of {self.window_s:.1f} s"
        return f"Tags({source}{self.duration_s:.1f} s, {windows}: {named})"

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it.

        ``tags`` maps each label to its probability in the whole recording, the likeliest first.
        """
        return {
            "task": "tagging",
            "model": self.model,
            "source": self.source,
            "duration_s": self.duration_s,
            "window_s": self.window_s,
            "tags": {label: round(p, 6) for label, p in self.top(len(self.labels))},
            "labels": list(self.labels),
            "times": self.times.tolist(),
            "probabilities": self.probabilities.round(6).tolist(),
        }

    def write(self, path: str | os.PathLike) -> Path:
        """Write the tags to a file, whole or not at all.

        Parameters
        ----------
        path : str or path
            Its suffix is the format.

            - ``.jams``: a ``tag_open`` annotation of the whole recording (each tag, with its
              probability as confidence) and a ``vector`` annotation with one observation per
              window, whose labels stand in its sandbox.
            - ``.json``: what `to_dict` gives.
            - ``.csv``: a row per window: ``start_s``, ``end_s`` and a column for each tag.

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
        text = _pick({".jams": self._jams, ".json": self._json, ".csv": self._csv}, path)()
        _write_whole(path, text)
        return path

    @classmethod
    def read(cls, path: str | os.PathLike) -> Tags:
        """Read tags that `write` wrote.

        A ``.csv`` file knows neither source nor model, and its windows are as long as its
        longest row.

        Raises
        ------
        AnnotationError
            If the file is missing, or not one that `write` wrote.
        """
        path = Path(path)
        parse = _pick({".jams": _from_jams, ".json": _from_json, ".csv": _from_csv}, path)
        try:
            return cls(**parse(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise AnnotationError(f"{path} cannot be read ({error.strerror}).") from error
        except (ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
            raise AnnotationError(
                f"{path} does not hold tags as Tags.write writes them ({error!r}). "
                "Was it made by another program?"
            ) from error

    def plot(self, ax: Any = None, *, path: str | os.PathLike | None = None, n: int = 10) -> Any:
        """Draw the likeliest tags over time as a heat map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.
        path : str or path, optional
            Picture file to save the figure to (``.png``, ``.pdf``, ``.svg``).
        n : int
            How many tags to show, the likeliest at the top.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        AnnotationError
            If matplotlib is not installed.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise AnnotationError(
                "Tags.plot needs matplotlib, which is not installed: pip install mirzoo[plot]"
            ) from error
        shown = self.top(n)
        rows = [self.labels.index(label) for label, _ in shown]
        own_figure = ax is None
        if own_figure:
            _, ax = plt.subplots(figsize=(9, 1.2 + 0.32 * len(shown)), layout="constrained")
        edges = np.append(self.intervals[:, 0], self.intervals[-1, 1])
        heat = self.probabilities[:, rows].T
        mesh = ax.pcolormesh(
            edges, np.arange(len(shown) + 1), heat, cmap="magma_r", vmin=0.0, vmax=1.0
        )
        ax.set_yticks(
            np.arange(len(shown)) + 0.5, [f"{label}  {mean:.2f}" for label, mean in shown]
        )
        ax.tick_params(axis="y", length=0)
        ax.invert_yaxis()
        ax.xaxis.set_major_locator(
            plt.MaxNLocator(steps=[1, 1.5, 3, 6, 10], integer=True, min_n_ticks=1)
        )
        ax.xaxis.set_major_formatter(lambda seconds, _: _clock(seconds))
        ax.set_xlabel("time (min:s)")
        ax.set_title(Path(self.source).name if self.source else "tags over time", loc="left")
        ax.figure.colorbar(mesh, ax=ax, label="probability", pad=0.015)
        if path is not None:
            ax.figure.savefig(path, dpi=150)
            if own_figure:
                plt.close(ax.figure)
        return ax

    def _json(self) -> str:
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"

    def _csv(self) -> str:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["start_s", "end_s", *self.labels])
        for (start, end), probabilities in zip(self.intervals, self.probabilities, strict=True):
            rows.writerow([f"{start:.6f}", f"{end:.6f}", *(f"{p:.6f}" for p in probabilities)])
        return text.getvalue()

    def _jams(self) -> str:
        import jams

        document = jams.JAMS()
        document.file_metadata.duration = self.duration_s
        document.file_metadata.title = Path(self.source).stem if self.source else ""
        made_by = jams.AnnotationMetadata(
            data_source="program",
            annotation_tools=f"mirzoo {self.model}" if self.model else "mirzoo",
        )
        recording = {"time": 0.0, "duration": self.duration_s}
        whole = jams.Annotation("tag_open", annotation_metadata=made_by, **recording)
        for label, probability in self.top(len(self.labels)):
            whole.append(value=label, confidence=probability, **recording)
        windows = jams.Annotation(
            "vector",
            annotation_metadata=made_by,
            sandbox={
                "labels": list(self.labels),
                "times": self.times.tolist(),
                "window_s": self.window_s,
                "model": self.model,
                "source": self.source,
            },
            **recording,
        )
        rows = self.probabilities.round(6).tolist()
        for (start, end), row in zip(self.intervals.tolist(), rows, strict=True):
            windows.append(time=start, duration=end - start, value=row)
        document.annotations.extend([whole, windows])
        return document.dumps(indent=1) + "\n"


def _from_json(text: str) -> dict[str, Any]:
    document = json.loads(text)
    fields = ("labels", "times", "probabilities", "window_s", "source", "duration_s", "model")
    return {field: document[field] for field in fields}


def _from_csv(text: str) -> dict[str, Any]:
    header, *rows = csv.reader(io.StringIO(text))
    if header[:2] != ["start_s", "end_s"]:
        raise ValueError(f"the columns begin with {header[:2]}, not start_s, end_s")
    table = np.array(rows, dtype=np.float64)
    starts, ends = table[:, 0], table[:, 1]
    return {
        "labels": header[2:],
        "times": starts,
        "probabilities": table[:, 2:],
        "window_s": (ends - starts).max(),
        "duration_s": ends[-1],
    }


def _from_jams(text: str) -> dict[str, Any]:
    import jams

    try:
        document = jams.load(io.StringIO(text))
    except jams.JamsError as error:
        raise ValueError(str(error).partition("\n")[0]) from error
    windows = document.search(namespace="vector")[0]
    return {
        **windows.sandbox,
        "probabilities": [observation.value for observation in windows.data],
        "duration_s": document.file_metadata.duration,
    }


def _pick(by_suffix: dict[str, Any], path: Path) -> Any:
    try:
        return by_suffix[path.suffix.lower()]
    except KeyError:
        raise AnnotationError(
            f"{path}: the suffix {path.suffix!r} is no format for tags; allowed are "
            f"{', '.join(by_suffix)}."
        ) from None


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        reason = error.strerror or error
        raise AnnotationError(
            f"{path} cannot be written ({reason}). Does the folder exist?"
        ) from error


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
