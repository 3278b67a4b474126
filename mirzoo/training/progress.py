"""What is shown while a model is fitted: a line for each stage, on a terminal's standard error.

Where nothing is shown, the logger ``mirzoo`` gets a line for each stage and each epoch.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger(__name__)

Advance = Callable[[str], None]

_SHOWN: ContextVar[Progress | None] = ContextVar("mirzoo_progress", default=None)


@contextmanager
def shown(progress: bool | None) -> Iterator[None]:
    """Show the stages that begin inside; by default where the standard error is a terminal."""
    if not (sys.stderr.isatty() if progress is None else progress):
        yield
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        token = _SHOWN.set(bars)
        try:
            yield
        finally:
            _SHOWN.reset(token)


@contextmanager
def stage(doing: str, steps: int | None = None, done: int = 0) -> Iterator[Advance]:
    """Begin a stage.

    Parameters
    ----------
    doing : str
        What is done.
    steps : int, optional
        How many steps it has, where that is known.
    done : int
        How many of them were done before.

    Yields
    ------
    callable
        To be called after each step, with a note on what came of it.
    """
    bars = _SHOWN.get()
    if bars is None:
        logger.info("%s", doing)
        yield lambda note: logger.info("%s: %s", doing, note) if note else None
        return
    task = bars.add_task(doing, total=steps, completed=done, note="")
    yield lambda note: bars.update(task, advance=1, note=note)
    if steps is None:
        bars.update(task, total=1, completed=1)


class ShownEpochs(keras.callbacks.Callback):
    """A step of a stage for each epoch, with its losses."""

    def __init__(self, advance: Advance, epochs: int) -> None:
        super().__init__()
        self._advance = advance
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell the losses and scores of an epoch."""
        values = (f"{name} {value:.4f}" for name, value in sorted((logs or {}).items()))
        self._advance(f"epoch {epoch + 1} of {self._epochs}: {', '.join(values)}")
