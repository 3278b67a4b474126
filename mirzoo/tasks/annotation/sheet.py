"""One picture of the annotations of several models of one recording."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mirzoo.errors import AnnotationError
from mirzoo.tasks.annotation import pictures
from mirzoo.tasks.annotation.base import Annotation

WIDTH, HEIGHT_EACH = 10.0, 3.2


def draw_together(annotations: Sequence[Annotation], path: str | os.PathLike) -> Path:
    """Draw annotations of one recording one above the other, with one axis of time.

    Parameters
    ----------
    annotations : sequence of Annotation
        At least one.
    path : str or path
        The picture: ``.png``, ``.pdf`` or ``.svg``.

    Returns
    -------
    pathlib.Path
        The picture.

    Raises
    ------
    AnnotationError
        If there is nothing to draw, matplotlib is not installed, or the picture cannot be
        written.

    Examples
    --------
    >>> from mirzoo.tasks.chords import Chords
    >>> draw_together([Chords([(0.0, 2.0, "C:maj")])], "chords.png")  # doctest: +SKIP
    PosixPath('chords.png')
    """
    path = Path(path)
    if not annotations:
        raise AnnotationError(f"{path}: there is nothing to draw; no model gave a result.")
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise AnnotationError(
            "a picture needs matplotlib, which is not installed: pip install mirzoo[plot]"
        ) from error
    figure, rows = plt.subplots(
        len(annotations),
        figsize=(WIDTH, HEIGHT_EACH * len(annotations)),
        layout="constrained",
        sharex=True,
        squeeze=False,
    )
    try:
        for annotation, ax in zip(annotations, rows[:, 0], strict=True):
            annotation.plot(ax)
            ax.set_title(annotation.model or annotation.task, loc="right", fontsize="small")
        pictures.save(figure, path, dpi=130)
    finally:
        plt.close(figure)
    return path
