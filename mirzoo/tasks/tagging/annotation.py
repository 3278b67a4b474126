"""Tags: which words fit a recording, and when."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from mirzoo._support.words import counted
from mirzoo.errors import AnnotationError
from mirzoo.tasks.annotation.base import (
    Annotation,
    jams_annotation,
    jams_pieces,
    load_jams,
    observation,
)
from mirzoo.tasks.annotation.files import NO_ROWS, Rows, csv_lines, number_rows, plain

ROUNDING = 1e-5  # a float32 softmax may end this far outside [0, 1]


@dataclass(frozen=True, eq=False, repr=False)
class Tags(Annotation):
    """The tags of a recording: one probability per tag for each window of time.

    `write` makes, by suffix:

    - ``.jams``: a ``tag_open`` annotation of the whole recording (each tag, with its probability
      as confidence) and a ``vector`` annotation with one observation per window, whose labels
      stand in its sandbox;
    - ``.json``: what `to_dict` gives;
    - ``.csv``: a row per window: ``start_s``, ``end_s`` and a column for each tag. Read again, it
      knows neither source nor model, and its windows are as long as its longest row.

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
        The model that made it.
    thresholds : sequence of float, optional
        Above which probability each tag holds, where the model's card tells.

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

    task: ClassVar[str] = "tagging"
    kind: ClassVar[str] = "tags"
    formats: ClassVar[tuple[str, ...]] = (".jams", ".json", ".csv")
    readable: ClassVar[tuple[str, ...]] = formats

    labels: tuple[str, ...]
    times: np.ndarray
    probabilities: np.ndarray
    window_s: float
    source: str | None = None
    duration_s: float = None  # type: ignore[assignment]
    model: str | None = None
    thresholds: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        labels = tuple(self.labels)
        times = np.asarray(self.times, dtype=np.float64)
        probabilities = np.asarray(self.probabilities, dtype=np.float64)
        if not all(isinstance(label, str) for label in labels):
            raise AnnotationError("Tags: a label is no text.")
        if times.ndim != 1 or not times.size:
            raise AnnotationError(
                f"Tags: times have the shape {times.shape}; one start (s) per window is needed, "
                f"for at least one window."
            )
        if probabilities.shape != (len(times), len(labels)):
            raise AnnotationError(
                f"Tags: probabilities have the shape {probabilities.shape}, but {len(times)} "
                f"times and {counted(len(labels), 'label')} make it (windows, tags) = "
                f"{(len(times), len(labels))}. Are they transposed?"
            )
        if not np.all((probabilities >= -ROUNDING) & (probabilities <= 1 + ROUNDING)):
            raise AnnotationError(
                "Tags: probabilities must be numbers in [0, 1]; "
                f"received {probabilities.min()} to {probabilities.max()}. Are they logits?"
            )
        if not np.isfinite(times).all() or np.any(np.diff(times) <= 0):
            raise AnnotationError("Tags: times must increase from window to window.")
        if self.thresholds is not None:
            if len(self.thresholds) != len(labels):
                raise AnnotationError(
                    f"Tags: {counted(len(self.thresholds), 'threshold')} for "
                    f"{counted(len(labels), 'label')}; each label "
                    "has one."
                )
            object.__setattr__(self, "thresholds", tuple(map(float, self.thresholds)))
        duration_s = times[-1] + self.window_s if self.duration_s is None else self.duration_s
        starts = np.clip(times, 0.0, duration_s)
        if not np.sum(np.clip(times + self.window_s, 0.0, duration_s) - starts) > 0:
            raise AnnotationError(
                f"Tags: windows of {self.window_s} s from {times[0]} s hold none of the "
                f"recording's {duration_s} s."
            )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "probabilities", np.clip(probabilities, 0.0, 1.0))
        object.__setattr__(self, "window_s", float(self.window_s))
        object.__setattr__(self, "duration_s", float(duration_s))

    @classmethod
    def _joint(cls, pieces: list[Tags]) -> dict[str, Any]:
        last = pieces[-1]
        return {
            **{
                field: np.concatenate([getattr(piece, field) for piece in pieces])
                for field in ("times", "probabilities")
            },
            **{field: getattr(last, field) for field in ("labels", "window_s", "source")},
            **{field: getattr(last, field) for field in ("duration_s", "model", "thresholds")},
        }

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

    def holding(self, threshold: float | None = None) -> list[tuple[str, float]]:
        """List the tags that hold for the whole recording, the likeliest first.

        Parameters
        ----------
        threshold : float, optional
            Above which probability a tag holds. By default `thresholds`, those that the model's
            card has, or 0.5 where it has none.

        Examples
        --------
        >>> tags = Tags(["guitar", "drums"], times=[0.0], probabilities=[[0.375, 0.25]],
        ...             window_s=3.0, thresholds=(0.35, 0.5))
        >>> tags.holding()
        [('guitar', 0.375)]
        >>> tags.holding(0.2)
        [('guitar', 0.375), ('drums', 0.25)]
        """
        limits = [0.5 if threshold is None else threshold] * len(self.labels)
        if threshold is None and self.thresholds is not None:
            limits = list(self.thresholds)
        needed = dict(zip(self.labels, limits, strict=True))
        listed = self.top(len(self.labels))
        return [(label, value) for label, value in listed if value > needed[label]]

    def __repr__(self) -> str:
        named = ", ".join(f"{label} {probability:.2f}" for label, probability in self.top(5))
        count = len(self.times)
        windows = f"{counted(count, 'window')} of {self.window_s:.1f} s"
        return f"Tags({self._described()}, {windows}: {named})"

    def events(self) -> Iterator[dict[str, Any]]:
        """Give each window with the probability of every tag."""
        for (start, end), row in zip(self.intervals, self.probabilities, strict=True):
            yield {
                "start_s": round(float(start), 6),
                "end_s": round(float(end), 6),
                "tags": {
                    label: round(float(p), 4) for label, p in zip(self.labels, row, strict=True)
                },
            }

    def newest(self, top: int = 5) -> list[str]:
        """List the likeliest tags of the last window."""
        last = dataclasses.replace(
            self, times=self.times[-1:], probabilities=self.probabilities[-1:]
        )
        return last.summary(top)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it.

        ``tags`` maps each label to its probability in the whole recording, the likeliest first.
        """
        return plain(self._document())

    def _document(self) -> dict[str, Any]:
        return {
            **self._about(),
            "window_s": self.window_s,
            "tags": {label: round(p, 6) for label, p in self.top(len(self.labels))},
            "labels": list(self.labels),
            **self._stated_thresholds(),
            "times": number_rows(self.times),
            "probabilities": number_rows(self.probabilities, 6),
        }

    def _stated_thresholds(self) -> dict[str, Any]:
        return {} if self.thresholds is None else {"thresholds": list(self.thresholds)}

    def summary(self, top: int = 5) -> list[str]:
        """List the likeliest tags, a line each, with a bar for the probability."""
        best = self.top(top)
        width = max(len(label) for label, _ in best)
        lines = [f"{label:{width}}  {p:.2f}  {'█' * round(30 * p)}" for label, p in best]
        return [line.rstrip() for line in lines]

    def plot(self, ax: Any = None, *, path: str | os.PathLike | None = None, n: int = 10) -> Any:
        """Draw the ``n`` likeliest tags over time as a heat map, the likeliest at the top.

        The other parameters, the result and the error are those of `Annotation.plot`.
        """
        height = 1.2 + 0.32 * len(self.top(n))
        return self._plotted(partial(self._draw, n=n), ax, path, height)

    def _draw(self, ax: Any, n: int = 10) -> None:
        shown = self.top(n)
        rows = [self.labels.index(label) for label, _ in shown]
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
        ax.figure.colorbar(mesh, ax=ax, label="probability", pad=0.015)

    def _to_csv(self) -> Iterator[str]:
        rows = zip(number_rows(self.intervals), number_rows(self.probabilities), strict=True)
        return csv_lines(
            ["start_s", "end_s", *self.labels],
            (
                [f"{start:.6f}", f"{end:.6f}", *(f"{p:.6f}" for p in probabilities)]
                for (start, end), probabilities in rows
            ),
        )

    def _to_jams(self) -> Iterator[str]:
        tags = [
            observation(0.0, self.duration_s, label, probability)
            for label, probability in self.top(len(self.labels))
        ]
        intervals, probabilities = number_rows(self.intervals), number_rows(self.probabilities, 6)
        windows = Rows(
            len(intervals),
            lambda: (
                observation(start, end - start, row)
                for (start, end), row in zip(intervals, probabilities, strict=True)
            ),
        )
        sandbox = {
            "labels": list(self.labels),
            "times": number_rows(self.times),
            "window_s": self.window_s,
            **self._stated_thresholds(),
            "model": self.model,
            "source": self.source,
        }
        return jams_pieces(
            self,
            jams_annotation(self, "tag_open", tags),
            jams_annotation(self, "vector", windows, sandbox),
        )

    @staticmethod
    def _from_json(text: str) -> dict[str, Any]:
        document = json.loads(text)
        fields = ("labels", "times", "probabilities", "window_s", "source", "duration_s", "model")
        known = {field: document[field] for field in fields}
        return {**known, "thresholds": document.get("thresholds")}

    @staticmethod
    def _from_csv(text: str) -> dict[str, Any]:
        header, *rows = csv.reader(io.StringIO(text))
        if header[:2] != ["start_s", "end_s"]:
            raise ValueError(f"the columns begin with {header[:2]}, not start_s, end_s")
        if not rows:
            raise ValueError(NO_ROWS)
        table = np.array(rows, dtype=np.float64)
        starts, ends = table[:, 0], table[:, 1]
        return {
            "labels": header[2:],
            "times": starts,
            "probabilities": table[:, 2:],
            "window_s": (ends - starts).max(),
            "duration_s": ends[-1],
        }

    @staticmethod
    def _from_jams(text: str) -> dict[str, Any]:
        document, windows = load_jams(text, "vector")
        return {
            **windows.sandbox,
            "probabilities": [observation.value for observation in windows.data],
            "duration_s": document.file_metadata.duration,
        }
