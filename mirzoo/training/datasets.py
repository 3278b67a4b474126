"""Labelled recordings as ``tf.data``: whole, or cut into windows with a model's targets.

Sources are those of `mirzoo.data.labelled`: mirdata, TensorFlow Datasets, a prepared corpus. All
of them give the same elements.

What is not known must not be learnt: with the targets come weights, 0 for each frame of an
output whose target is not known, as Keras' `fit` takes them. No chord is known where no label
stands or the label is ``X``; no pitch where nothing sounds, but then it is known that nothing does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mirzoo.data.labelled import labelled_recordings
from mirzoo.data.labels import Labels
from mirzoo.data.recordings import Recording, fields_of
from mirzoo.data.windows import cut_windows
from mirzoo.errors import DataError
from mirzoo.models.build import describe_outputs
from mirzoo.recipe import Recipe
from mirzoo.tasks.base import TASKS, FramewiseTask, Task

Source = str | os.PathLike | Sequence[Recording]


def recordings(source: Source, sample_rate: int, *, split: str | None = None) -> tf.data.Dataset:
    """Whole recordings with all that is known of them.

    Parameters
    ----------
    source : str, path or sequence of Recording
        As `mirzoo.data.labelled.labelled_recordings` takes it.
    sample_rate : int
        To which audio is brought (Hz).
    split : str, optional
        Only this one, where the source has splits.

    Returns
    -------
    tf.data.Dataset
        Dictionaries with the fields of `mirzoo.data.recordings`; ``audio`` is float32
        ``(samples,)``. What is not known is empty.

    Raises
    ------
    UnknownNameError, DataError
        As `labelled_recordings`.

    Examples
    --------
    >>> clip = Recording("a", "a", np.zeros(8000), lambda: Labels(key="C:maj"), source_rate=8000)
    >>> next(iter(recordings([clip], 16000)))["key"].numpy()
    b'C:maj'
    """
    _open(source, None, split)

    def generate() -> Iterator[dict]:
        for recording in _open(source, None, split):
            yield {
                "name": recording.name,
                "group": recording.group,
                "audio": recording.read(sample_rate),
                **fields_of(recording.labels),
            }

    def many(kind: tf.DType) -> tf.TensorSpec:
        return tf.TensorSpec((None,), kind)

    word = tf.TensorSpec((), tf.string)
    signature = {
        "name": word, "group": word, "audio": many(tf.float32),
        "chords": {
            "start_s": many(tf.float64), "end_s": many(tf.float64), "label": many(tf.string),
        },
        "f0": many(tf.float32), "beats": many(tf.float64), "downbeats": many(tf.float64),
        "key": word, "instruments": many(tf.string), "tags": many(tf.string),
    }  # fmt: skip
    return tf.data.Dataset.from_generator(generate, output_signature=signature)


def windows(
    source: Source, recipe: Recipe, *, split: str | None = None, hop_s: float | None = None
) -> tf.data.Dataset:
    """Windows of recordings with the targets of a recipe's model.

    Parameters
    ----------
    source, split
        As in `recordings`; recordings without labels for the task are left out.
    recipe : Recipe
        Its front-end gives the rate, ``window_s`` the length, its task and head the targets.
    hop_s : float, optional
        From one window to the next (s); by default windows lie side by side.

    Returns
    -------
    tf.data.Dataset
        ``(waveform, targets, weights)`` of single windows, ready for ``.shuffle``, ``.batch`` and
        ``model.fit``: float32 ``(samples,)``; for each output of a model for chords or melody
        float32 ``(frames, size)``, and ``(frames,)``. A tagger's targets are float32
        ``(labels,)``, 1 for those of its labels that are among the tags, instruments and key of
        the recording, and its weight is 1. Of a recording's end, a window that would hold more
        zeros than samples is left out. How many windows there are isn't known before all are
        read, so Keras remarks at the end of the first epoch that its input ran out.

    Raises
    ------
    UnknownNameError, DataError
        As `labelled_recordings`, or if ``hop_s`` is less than a sample.

    Examples
    --------
    >>> from mirzoo.models.build import build_model                            # doctest: +SKIP
    >>> model = build_model(recipe, "my_chords")                        # doctest: +SKIP
    >>> model.compile("adam", {"chords": "categorical_crossentropy"})   # doctest: +SKIP
    >>> model.fit(windows("mirdata:guitarset", recipe).batch(8))        # doctest: +SKIP
    """
    rate = recipe.frontend.sample_rate
    hop_s = recipe.window_s if hop_s is None else hop_s
    cutting = _Cutting(recipe, round(recipe.window_s * rate), round(hop_s * rate))
    if cutting.hop_samples < 1:
        raise DataError(f"hop_s is {hop_s}; it must be at least one sample, {1 / rate:g} s")
    need = TASKS[recipe.task.type].label_kind
    _open(source, need, split)

    def generate() -> Iterator[tuple]:
        for recording in _open(source, need, split):
            yield from cutting.cut(recording)

    return tf.data.Dataset.from_generator(generate, output_signature=cutting.signature)


def _open(source: Source, need: str | None, split: str | None) -> Iterator[Recording]:
    if isinstance(source, str | os.PathLike):
        return labelled_recordings(source, need, split)
    return (r for r in source if need is None or getattr(r.labels, need) is not None)


@dataclass(frozen=True)
class _Always:
    """Stands for a corpus whose every item has the same labels: the windows of one recording."""

    known: Labels

    def labels(self, index: int) -> Labels:
        return self.known


@dataclass(frozen=True)
class _Cutting:
    """How recordings become windows for a recipe's model."""

    recipe: Recipe
    window_samples: int
    hop_samples: int

    @property
    def frame_times(self) -> np.ndarray:
        """The middles of a window's frames (s)."""
        grid = self.recipe.head.output_grid(self.recipe.frontend.grid)
        return grid.times(grid.frames(self.window_samples))

    @property
    def sizes(self) -> dict[str, int]:
        """The last axis of each output of the model."""
        sizes = {
            output.name: output.axes[-1].size for output in describe_outputs(self.recipe, None)
        }
        return {name: size for name, size in sizes.items() if size is not None}

    @property
    def task(self) -> Task:
        """The recipe's."""
        return TASKS[self.recipe.task.type]

    @property
    def signature(self) -> tuple:
        waveform = tf.TensorSpec((self.window_samples,), tf.float32)
        if not isinstance(self.task, FramewiseTask):
            (size,) = self.sizes.values()
            return waveform, tf.TensorSpec((size,), tf.float32), tf.TensorSpec((), tf.float32)
        frames = len(self.frame_times)
        return (
            waveform,
            {name: tf.TensorSpec((frames, size), tf.float32) for name, size in self.sizes.items()},
            {name: tf.TensorSpec((frames,), tf.float32) for name in self.sizes},
        )

    def cut(self, recording: Recording) -> Iterator[tuple]:
        task, rate = self.task, self.recipe.frontend.sample_rate
        pieces = cut_windows(recording.read(rate), self.window_samples, self.hop_samples)
        if not isinstance(task, FramewiseTask):
            target = task.clip_target(self.recipe.task, recording.labels)
            for piece in pieces:
                yield piece, target, np.float32(1.0)
            return
        starts_s = np.arange(len(pieces)) * self.hop_samples / rate
        times = [start_s + self.frame_times for start_s in starts_s]
        labels = recording.labels.lengthened(times[-1][-1])
        targets = task.targets(self.recipe.task, _Always(labels), times)
        unknown = targets.unknown(1)
        frames = len(self.frame_times)
        for number, piece in enumerate(pieces):
            rows = targets.read(number * frames, (number + 1) * frames, 0)
            known = {name: (rows[name] != unknown[name]).any(axis=1) for name in self.sizes}
            yield (
                piece,
                {
                    name: np.where(known[name][:, np.newaxis], rows[name], 0.0).astype(np.float32)
                    for name in self.sizes
                },
                {name: known[name].astype(np.float32) for name in self.sizes},
            )
