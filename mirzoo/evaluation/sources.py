"""What can be evaluated on: every source of `mirzoo.data.load`, and recordings with their truth."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mirzoo.annotate import LoadedModel
from mirzoo.card import Contract
from mirzoo.data import folder, labelled, own
from mirzoo.data.findings import Findings
from mirzoo.data.folder import LabelledClips
from mirzoo.data.own import DataWarning, OwnData
from mirzoo.data.readers import KINDS
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError
from mirzoo.evaluation.recordings import (
    Items,
    LabelledRecording,
    Unlabelled,
    labelled_in,
    open_recordings,
    recordings_of,
    recordings_of_clips,
)
from mirzoo.evaluation.results import Failure
from mirzoo.tasks.base import TASKS, Task


class Opened(NamedTuple):
    """Recordings to evaluate on, and what a metric states of where they are from."""

    items: Items
    dataset: str
    split: str


def opened(
    runners: Sequence[LoadedModel], data: Any, split: str | None, options: Mapping[str, Any]
) -> Opened:
    """Open the recordings of a source for models of one task: see `mirzoo.evaluate`.

    Nothing is decoded yet, unless bad recordings are to be left out: what cannot be decoded fails
    when it is its turn.

    Parameters
    ----------
    runners : sequence of LoadedModel
        The labels of a tagger's data are among those of the first.
    data
        As `mirzoo.evaluate` takes it.
    split : str or None
        The only one; by default "test" where the source has it.
    options : mapping
        Of `mirzoo.data.load`.
    """
    task = TASKS[runners[0].card.task]
    is_path = isinstance(data, str | os.PathLike)
    if isinstance(data, LabelledClips) and not options:
        if not task.free_labels:
            raise DataError(
                f"clips with words as labels cannot score {runners[0].card.name}, a model for "
                f"{task.name}"
            )
        _require_no(split, "clips that are loaded already")
        return Opened(recordings_of_clips(data, task.name), "clips", "all clips")
    if _is_of_items(data):
        _require_no(split, "recordings with their truth")
        if options:
            raise DataError(
                f"{', '.join(options)} is for sources that are read; leave it out with recordings"
            )
        dataset, every = ("clips", "clips") if task.free_labels else ("recordings", "recordings")
        return Opened(data, dataset, f"all {every}")
    if is_path and not options:
        found = _as_before(runners[0], data, task, split)
        if found is not None:
            return found
    return _of_own(_own(runners[0], data, task, options), data, task, split)


def _require_no(split: str | None, what: str) -> None:
    if split is not None:
        raise DataError(f"split is {split!r}, but {what} have no splits; leave it out")


def _is_of_items(data: Any) -> bool:
    """Whether these are recordings with their truth, and not a source that is to be read."""
    if isinstance(data, str | os.PathLike | OwnData | LabelledClips | Mapping):
        return False
    if hasattr(data, "element_spec"):  # tf.data
        return False
    if isinstance(data, Sequence):
        return all(isinstance(one, LabelledRecording | Failure) for one in data)
    return not hasattr(data, "__array__")  # an iterator


def _as_before(
    runner: LoadedModel, data: str | os.PathLike, task: Task, split: str | None
) -> Opened | None:
    """Data sets by name, and labels that annotations write; None where it is something else."""
    if labelled.is_known(data):
        if task.free_labels:
            if split is not None:
                return None
            clips = folder.load(data, labels=runner.card.labels)
            return Opened(recordings_of_clips(clips, task.name), os.fspath(data), "all clips")
        split = split or labelled.held_out_split(data)
        return Opened(
            open_recordings(data, task.name, split), os.fspath(data), split or "all recordings"
        )
    if task.free_labels or split is not None:
        return None
    try:
        items = labelled_in(data, task.name)
    except Unlabelled:
        if _kind(task) is None:
            raise
        return None
    if _kind(task) is not None and all(isinstance(item, Failure) for item in items):
        return None
    return Opened(items, os.fspath(data), "all recordings")


def _own(runner: LoadedModel, data: Any, task: Task, options: Mapping[str, Any]) -> OwnData:
    if isinstance(data, OwnData):
        if options:
            raise DataError(f"the data are read already; leave {', '.join(options)} out")
        return data
    asked = {**wanted_of(runner.card), **options}
    if options.get("skip_bad"):
        return own.load(data, **asked)
    return own.examine(data, **asked, check=False)


def wanted_of(card: Contract) -> dict[str, Any]:
    """What a model needs of data to be evaluated on, as parameters of `mirzoo.data.load`.

    Raises
    ------
    DataError
        If there are no data for its task.
    """
    task = TASKS[card.task]
    kind = _kind(task)
    if kind is None:
        raise DataError(
            f"there are no data with {task.annotation.kind} to be read; give recordings with their "
            "truth (`mirzoo.evaluation.LabelledRecording`)"
        )
    return {
        "kind": kind,
        "labels": card.labels if task.free_labels else None,
        "purpose": "evaluate",
        "sample_rate": card.sample_rate,
    }


def _kind(task: Task) -> str | None:
    """The kind of a task's labels, where `mirzoo.data.load` reads it; others the task reads."""
    kind = "tags" if task.free_labels else task.label_kind
    return kind if kind in KINDS else None


def _of_own(found: OwnData, data: Any, task: Task, split: str | None) -> Opened:
    wanted = _kind(task)
    if found.kind != wanted:
        raise DataError(f"{found.name} has {found.kind}; a model for {task.name} needs {wanted}")
    failed = _failures(found)
    if split is None and "test" in found.splits:
        split = "test"
    if split is not None:
        found = found.of(split)
    recordings: Sequence[Recording] = found.clips.clips if task.free_labels else found.recordings
    items: list[LabelledRecording | Failure] = [*recordings_of(recordings, task.name), *failed]
    name = os.fspath(data) if isinstance(data, str | os.PathLike) else found.name
    every = "all clips" if task.free_labels else "all recordings"
    return Opened(items, name, split or every)


def _failures(found: OwnData) -> list[Failure]:
    """Recordings whose labels cannot be read; other errors are raised, warnings warned of."""
    own_errors = [finding for finding in found.findings.errors if finding.kind == UNREADABLE]
    others = [finding for finding in found.findings if finding not in own_errors]
    Findings(others).raise_errors(found.name)
    if others:
        warnings.warn(f"{found.name}:\n{Findings(others)}", DataWarning, stacklevel=5)
    return [Failure(name, finding.what) for finding in own_errors for name in finding.bad]


UNREADABLE = "unreadable labels"
"""What readers call labels of single recordings that they cannot read."""
