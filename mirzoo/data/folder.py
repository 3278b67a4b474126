"""Labelled clips to fine-tune on or to be measured on: a folder, a CSV file or a known data set.

- A folder has one folder for each class: ``clips/dog/1.wav``. A further level, as in
  ``clips/dog/rex/1.wav``, names groups (the recording, artist or animal), which are never divided
  between training and testing.
- A CSV file has the columns ``path,label`` and, if wanted, ``group``; several labels are
  separated by ``;`` and paths are relative to the file's folder.
- ``tfds:<name>`` is a data set of TensorFlow Datasets with the features ``audio`` and ``label``,
  all of its splits together.
- ``mirdata:<name>`` is a data set that mirdata loads, in mirdata's own folder or in another one,
  ``mirdata:<name>@<folder>``. Its labels are its tags, where it has none its instruments, and
  where it has neither its keys; ``mirdata:<name>/instruments`` chooses. Groups are artists,
  albums or players where the data set knows them.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo._support.moved import moved_names
from mirzoo._support.words import counted
from mirzoo.data import decoded
from mirzoo.data.readers import find_reader, forms_of
from mirzoo.data.recordings import Recording
from mirzoo.data.windows import cut_windows
from mirzoo.errors import DataError


@dataclass(frozen=True, eq=False)
class LabelledWindows:
    """Windows of clips, ready to fit.

    Parameters
    ----------
    waveforms : numpy.ndarray
        float32 ``(windows, samples)``.
    targets : numpy.ndarray
        float32 ``(windows, labels)``: 1 where the label holds, else 0.
    clips : numpy.ndarray
        int64 ``(windows,)``: the number of each window's clip.
    """

    waveforms: np.ndarray
    targets: np.ndarray
    clips: np.ndarray

    def of_clips(self, clips: np.ndarray) -> LabelledWindows:
        """The windows of some clips, for example of one side of a fold."""
        mine = np.isin(self.clips, clips)
        return LabelledWindows(self.waveforms[mine], self.targets[mine], self.clips[mine])


@dataclass(frozen=True, eq=False)
class LabelledClips:
    """Clips and the labels that they may have, in the order of the model's output.

    Examples
    --------
    >>> clips = load("clips/")                                      # doctest: +SKIP
    >>> windows = clips.windows(16000, window_samples=48128)        # doctest: +SKIP
    >>> train, test = next(clips.folds(5, seed=0))                  # doctest: +SKIP
    >>> fit = windows.of_clips(train)                               # doctest: +SKIP
    """

    clips: tuple[Recording, ...]
    labels: tuple[str, ...]

    @property
    def targets(self) -> np.ndarray:
        """float32 ``(clips, labels)``: 1 where the label holds, else 0."""
        return np.array(
            [[label in _tags(clip) for label in self.labels] for clip in self.clips], np.float32
        )

    def windows(
        self,
        sample_rate: int,
        window_samples: int,
        hop_samples: int | None = None,
        *,
        most: int | None = None,
        file: Path | None = None,
    ) -> LabelledWindows:
        """Cut every clip into windows ``hop_samples`` apart (by default side by side).

        A clip shorter than a window is filled up with zeros; of a longer one, a last window that
        would hold more zeros than samples is left out. With ``most``, of a clip with more windows
        so many are taken, at equal distances.

        Windows take 4 bytes a sample, 230 MB for an hour at 16 kHz: in memory, or in the ``file``,
        which is then made and mapped into memory. Clips are decoded on all cores, files through
        the cache of `mirzoo.data.decoded`.
        """
        hop_samples = hop_samples or window_samples
        counts, held = [], []
        with contextlib.ExitStack() as stack:
            out = None if file is None else stack.enter_context(file.open("wb"))
            sources = ((clip.source, clip.source_rate) for clip in self.clips)
            for samples in decoded.read_all(sources, sample_rate):
                cut = cut_windows(samples, window_samples, hop_samples)
                if most is not None and len(cut) > most:
                    cut = cut[np.linspace(0, len(cut) - 1, most).round().astype(int)]
                counts.append(len(cut))
                if out is None:
                    held.append(cut)
                else:
                    out.write(np.ascontiguousarray(cut, np.float32).tobytes())
        clips = np.repeat(np.arange(len(counts)), counts)
        waveforms = (
            np.concatenate(held)
            if file is None
            else np.memmap(file, np.float32, "r", shape=(len(clips), window_samples))
        )
        return LabelledWindows(waveforms, self.targets[clips], clips)

    def of(self, numbers: Sequence[int] | np.ndarray) -> LabelledClips:
        """Some of the clips, by their numbers, with all labels."""
        return LabelledClips(tuple(self.clips[number] for number in numbers), self.labels)

    @property
    def groups(self) -> np.ndarray:
        """int64 ``(clips,)``: the number of each clip's group."""
        return np.unique([clip.group for clip in self.clips], return_inverse=True)[1]

    @property
    def exclusive(self) -> bool:
        """Whether every clip has exactly one label."""
        return bool((self.targets.sum(axis=1) == 1).all())

    def folds(self, k: int, *, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Divide the clips ``k`` times into training and testing, each clip tested once.

        No group is on both sides, and each label is spread over the folds as evenly as whole
        groups allow: scikit-learn's `StratifiedGroupKFold`, where a clip with several labels
        counts once for each of them, and one without a label as if that were a label.

        Yields
        ------
        train, test : numpy.ndarray
            Numbers of clips, int64, ascending.

        Raises
        ------
        DataError
            If there are fewer groups than folds.
        """
        yield from stratified_folds(self.targets, self.groups, k, seed=seed)


def stratified_folds(
    targets: np.ndarray, groups: np.ndarray, k: int, *, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Divide clips ``k`` times into training and testing: see `LabelledClips.folds`.

    Parameters
    ----------
    targets : np.ndarray
        ``(clips, labels)``: 1 where the label holds, else 0.
    groups : np.ndarray
        ``(clips,)``: names or numbers.
    k, seed : int
    """
    from sklearn.model_selection import StratifiedGroupKFold

    _, group_of_clip = np.unique(groups, return_inverse=True)
    n_groups = int(group_of_clip.max()) + 1
    if not 2 <= k <= n_groups:
        raise DataError(
            f"{k} folds were asked for of {counted(n_groups, 'group')}; allowed are from "
            "2 to the number of groups"
        )
    without = ~targets.any(axis=1, keepdims=True)
    clips, labels = np.nonzero(np.concatenate([targets, without], axis=1))
    # A label of fewer clips than folds is refused: all are counted k times.
    clips, labels = np.tile(clips, k), np.tile(labels, k)
    folds = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    for _, tested in folds.split(clips, labels, group_of_clip[clips]):
        test = np.unique(clips[tested])
        yield np.setdiff1d(np.arange(len(targets)), test), test


def load(source: str | os.PathLike, labels: Sequence[str] | None = None) -> LabelledClips:
    """Find the labelled clips of a folder, a CSV file, ``tfds:<name>`` or ``mirdata:<name>``.

    Parameters
    ----------
    source : str or path
        See the module's description.
    labels : sequence of str, optional
        The labels to tell apart, in the order wanted; left out, all that occur, sorted. A clip
        with a label beyond these is an error.

    Raises
    ------
    DataError
        When the source is missing or not laid out as described, or has an unexpected label.
    """
    reader = find_reader(source, "clips")
    if reader is None:
        raise DataError(f"'{source}' is not labelled data: allowed are {forms_of('clips')}")
    clips = reader.clips(os.fspath(source))
    found = {label for clip in clips for label in _tags(clip)}
    if labels is None:
        return LabelledClips(tuple(clips), tuple(sorted(found)))
    if unexpected := sorted(found - set(labels)):
        raise DataError(
            f"'{source}' has the labels {unexpected}, which are not among the allowed "
            f"{list(labels)}"
        )
    return LabelledClips(tuple(clips), tuple(labels))


_MOVED = moved_names(__name__, {"cut_windows": "mirzoo.data.windows"})


def __getattr__(name: str) -> Any:
    if name == "Clip":
        warnings.warn(
            f"{__name__}.Clip is now mirzoo.data.recordings.Recording.tagged, whose labels are "
            "`Labels` with tags; the old name goes with the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        return Recording.tagged
    return _MOVED(name)


def _tags(clip: Recording) -> tuple[str, ...]:
    return clip.labels.tags or ()
