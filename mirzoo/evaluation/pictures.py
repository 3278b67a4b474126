"""Pictures of evaluations and of training, drawn with matplotlib without a display."""

from __future__ import annotations

import base64
import io
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mirzoo._support.files import printable
from mirzoo.data.own import name_of
from mirzoo.errors import AnnotationError
from mirzoo.tasks.annotation.files import format_of
from mirzoo.tasks.annotation.pictures import FORMATS, save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mirzoo.evaluation.results import ClassResult, Evaluation, Evaluations
    from mirzoo.tasks.scores import Confusion, Reliability

COLOURS = ("#2563a8", "#c2571a", "#2f855a", "#8e44ad", "#b7950b", "#566573")
LONGEST_LABEL = 28
MOST_CLASSES = 40
MISSING = "pictures need matplotlib, which is not installed: pip install mirzoo[plot]"


def available() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def short(name: str) -> str:
    """A name as a picture has room for.

    Examples
    --------
    >>> short("a" * 40)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaa…'
    """
    shown = printable(name)
    return shown if len(shown) <= LONGEST_LABEL else shown[: LONGEST_LABEL - 1] + "…"


def saved(draw: Callable[[], Any], path: str | os.PathLike) -> Path:
    """Write the figure that is drawn to a file, whole or not at all.

    Raises
    ------
    AnnotationError
        If the suffix is no picture's, the file cannot be written, or matplotlib is missing.
    """
    require_picture(path)
    with _plain_text():
        save(draw(), path, dpi=150)
    return Path(path)


def require_picture(path: str | os.PathLike) -> None:
    """Raise an AnnotationError where a path is no picture's, or matplotlib is missing."""
    format_of(path, FORMATS, "a picture")
    if not available():
        raise AnnotationError(MISSING)


def embedded(draw: Callable[[], Any]) -> str | None:
    """The figure that is drawn as a ``data:`` URI; None where matplotlib is missing."""
    if not available():
        return None
    file = io.BytesIO()
    with _plain_text():
        draw().savefig(file, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


@contextmanager
def _plain_text() -> Iterator[None]:
    """Show names as they are: no formulas; a sign that the font lacks is a box."""
    import matplotlib

    settings: Any = {
        "text.parse_math": False,
        "text.usetex": False,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "mirzoo",
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph|Matplotlib currently does not support")
        yield


def figure(width: float, height: float) -> Any:
    """An empty figure (inches), which no display knows."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def overview(found: Evaluations) -> Any:
    """Scores, classes, confusion and calibration of models in one figure."""
    first = found[0]
    classes = {of_model.model: shown_classes(of_model) for of_model in found}
    rows = [("scores", 1.2 + 0.24 * len(found) * max(map(len, found)))]
    if any(classes.values()):
        most = max(len(some) for some in classes.values())
        rows.append(("classes", 1.2 + 0.2 * len(found) * most))
    if first.confusion is not None or first.reliability is not None:
        size = 0 if first.confusion is None else len(first.confusion.labels)
        rows.append(("pair", max(3.4, 1.6 + 0.2 * min(size, MOST_CLASSES))))
    whole = figure(9, sum(height for _, height in rows))
    parts = whole.subfigures(len(rows), 1, height_ratios=[height for _, height in rows])
    for (what, _), part in zip(rows, np.atleast_1d(parts)):
        if what == "scores":
            draw_scores(part.subplots(), found)
        elif what == "classes":
            draw_classes(part.subplots(), classes)
        else:
            left, right = part.subplots(1, 2)
            draw_confusion(left, first.confusion)
            draw_reliability(right, {of.model: of.reliability for of in found if of.reliability})
    whole.suptitle(f"{short(name_of(first.dataset))}, {short(first.split)}")
    return whole


def draw_scores(ax: Any, found: Sequence[Evaluation]) -> None:
    """Draw each score of each model with its interval."""
    names = list(dict.fromkeys(metric.metric for of_model in found for metric in of_model))
    for place, of_model in enumerate(found):
        offset = (place - (len(found) - 1) / 2) * 0.7 / len(found)
        for metric in of_model:
            row = names.index(metric.metric) + offset
            _interval(ax, metric.value, row, metric.interval, COLOURS[place % len(COLOURS)])
    _rows(ax, names)
    _legend(ax, [of_model.model for of_model in found])
    ax.set_xlabel("score, and its 95 % interval")


def draw_classes(ax: Any, classes: Mapping[str, Sequence[ClassResult]]) -> None:
    """Draw the first score of each class of each model, with its interval."""
    labels = list(dict.fromkeys(of.label for some in classes.values() for of in some))
    name = ""
    for place, some in enumerate(classes.values()):
        offset = (place - (len(classes) - 1) / 2) * 0.7 / len(classes)
        for of in some:
            name, value = next(iter(of.scores.items()))
            row = labels.index(of.label) + offset
            _interval(ax, value, row, of.intervals.get(name), COLOURS[place % len(COLOURS)])
    _rows(ax, labels)
    _legend(ax, list(classes))
    ax.set_xlabel(f"{name} of each class, and its 95 % interval")


def shown_classes(found: Evaluation) -> list[ClassResult]:
    """The classes that a picture has room for: those with a score, the most frequent first."""
    some = [of for of in found.per_class if of.scores]
    return sorted(some, key=lambda of: -of.support)[:MOST_CLASSES]


def draw_confusion(ax: Any, confusion: Confusion | None) -> None:
    """Draw what was taken for what; nothing where that cannot be told."""
    if confusion is None:
        ax.set_axis_off()
        return
    order = np.argsort(-confusion.counts.sum(axis=1), kind="stable")[:MOST_CLASSES]
    order = np.sort(order)
    counts = confusion.counts[np.ix_(order, order)].astype(float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    names = [short(confusion.labels[number]) for number in order]
    ax.set_xticks(range(len(names)), names, rotation=90)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("given")
    ax.set_ylabel("right")
    if len(names) <= 12:
        for row, column in np.argwhere(counts > 0):
            colour = "white" if shares[row, column] > 0.6 else "#222222"
            text = f"{counts[row, column]:g}"
            ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)


def draw_reliability(ax: Any, found: Mapping[str, Reliability]) -> None:
    """Draw how often probabilities are right; nothing where there are none."""
    if not found:
        ax.set_axis_off()
        return
    ax.plot([0, 1], [0, 1], color="#999999", linestyle=":", linewidth=1)
    for place, (model, of) in enumerate(found.items()):
        colour = COLOURS[place % len(COLOURS)]
        ax.plot(of.confidence, of.right, color=colour, linewidth=1)
        sizes = 12 + 90 * of.counts / of.counts.sum()
        label = f"{short(model)} (error {of.error:.3f})"
        ax.scatter(of.confidence, of.right, s=sizes, color=colour, label=label)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    ax.set_xlabel("probability that the model gives")
    ax.set_ylabel("share that is right")
    ax.legend(frameon=False, fontsize=8)


def draw_history(ax: Any, history: Mapping[str, Sequence[float]]) -> None:
    """Draw losses over epochs; a value before the first epoch stands at 0."""
    epochs = min((len(row) for row in history.values()), default=0)
    for place, (name, row) in enumerate(history.items()):
        before = len(row) - epochs
        ax.plot(
            np.arange(1 - before, epochs + 1),
            row,
            marker="o",
            markersize=3,
            color=COLOURS[place % len(COLOURS)],
            label=short(name),
        )
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend(frameon=False, fontsize=8)


def draw_growth(ax: Any, clips: Sequence[int], values: Sequence[float], what: str) -> None:
    """Draw a score over how many clips were learnt from."""
    ax.plot(clips, values, color=COLOURS[0], marker="o", markersize=4)
    ax.set_xlim(0, max(clips) * 1.08)
    ax.set_xticks(clips)
    ax.set_xlabel("clips learnt from")
    ax.set_ylabel(what)


def _interval(
    ax: Any, value: float, row: float, spread: tuple[float, float] | None, colour: str
) -> None:
    if spread is not None:
        ax.plot(spread, [row, row], color=colour, linewidth=1.6, solid_capstyle="butt")
    ax.plot([value], [row], marker="o", markersize=4.5, color=colour)


def _rows(ax: Any, names: Sequence[str]) -> None:
    ax.set_yticks(range(len(names)), [short(name) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, 0.0), max(high, 1.0))
    ax.grid(axis="x", color="#dddddd", linewidth=0.6)
    ax.tick_params(axis="y", length=0)


def _legend(ax: Any, models: Sequence[str]) -> None:
    if len(models) < 2:
        return
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=COLOURS[place % len(COLOURS)], marker="o", label=short(model))
        for place, model in enumerate(models)
    ]
    ax.legend(handles=lines, frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1))
