"""Batches of training waveforms: windows of prepared corpora, shuffled and altered at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirzoo._support.words import counted
from mirzoo.data.corpus import FULL_SCALE, Windows
from mirzoo.errors import DataError
from mirzoo.recipe import Augmentation
from mirzoo.training.alterations import STRONGEST_TILT, alter, fall_silent, mix_up

__all__ = ["STRONGEST_TILT", "Batches", "alter"]

UNALTERED = Augmentation()


class Batches:
    """Windows of several corpora with their targets, an epoch at a time.

    The order and the alterations of epoch ``e`` depend on the seed and ``e`` alone, so an
    interrupted training goes on as if it had not been. The last, partial batch of a training
    epoch is left out; without ``shuffle`` every window comes once, unaltered and in order.

    Parameters
    ----------
    windows : sequence of Windows
        One for each corpus, all of the same length.
    targets : dict of str to np.ndarray
        For each output an array with a row for each window, in the order of ``windows``.
    batch_size : int
    augmentation : Augmentation
        What may be altered (with ``shuffle`` only).
    shuffle : bool
        Whether this is for training.
    seed : int
    """

    def __init__(
        self,
        windows: Sequence[Windows],
        targets: dict[str, np.ndarray],
        *,
        batch_size: int,
        augmentation: Augmentation = UNALTERED,
        shuffle: bool = True,
        seed: int = 0,
    ):
        self.windows = tuple(windows)
        self.targets = targets
        self.batch_size = batch_size
        self.augmentation = augmentation
        self.shuffle = shuffle
        self.seed = seed
        self.corpus_of = np.repeat(np.arange(len(windows)), [len(w) for w in windows])
        self.row_of = np.concatenate([np.arange(len(w)) for w in windows])
        for output, rows in targets.items():
            if len(rows) != len(self.row_of):
                raise DataError(
                    f"the targets '{output}' have {counted(len(rows), 'row')} for "
                    f"{counted(len(self.row_of), 'window')}"
                )
        if len(self) == 0:
            raise DataError(
                f"{counted(len(self.row_of), 'window')} cannot fill one batch of {batch_size}; "
                "prepare more "
                "audio or take a smaller batch_size"
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        if self.shuffle:
            return len(self.row_of) // self.batch_size
        return -(-len(self.row_of) // self.batch_size)

    def batch(self, epoch: int, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Batch ``number`` of an epoch: float32 ``(batch, samples)``, and a target per output."""
        order = self._order(epoch)
        rows = order[number * self.batch_size : (number + 1) * self.batch_size]
        waveforms = self._read(rows).astype(np.float32) / FULL_SCALE
        targets = {
            output: values[rows].astype(np.float32) for output, values in self.targets.items()
        }
        if not self.shuffle:
            return waveforms, targets
        rng = np.random.default_rng([self.seed, epoch, number])
        mixed = mix_up(alter(waveforms, self.augmentation, rng), targets, self.augmentation, rng)
        return fall_silent(*mixed, self.augmentation, rng)

    def _order(self, epoch: int) -> np.ndarray:
        if not self.shuffle:
            return np.arange(len(self.row_of))
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.row_of))

    def _read(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), self.windows[0].window_samples), np.int16)
        for corpus in np.unique(self.corpus_of[rows]):
            mine = self.corpus_of[rows] == corpus
            out[mine] = self.windows[corpus].read(self.row_of[rows[mine]])
        return out
