"""What models predict for a prepared corpus: computed once and cached in its folder.

A student is trained on the same audio for many epochs, and models are compared on the same
recordings again and again, so what a teacher or a baseline predicts is cached in
``<corpus>/targets/<model>_<fingerprint>/``, a file ``00000.npz`` and so on for each part: an
item of the corpus, or a block of windows. The fingerprint is that of the audio, so other items or
other windows have predictions of their own. Each file is written whole, and an interrupted pass
goes on where it stopped. What earlier versions cached is read too.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo._support.files import unfinished
from mirzoo.data.corpus import FULL_SCALE, Corpus, Windows

logger = logging.getLogger(__name__)

BATCH_WINDOWS = 32
BATCHES_PER_PART = 16
LOG_EVERY = 20

Arrays = dict[str, np.ndarray]
Predict = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""From float32 waveforms to named arrays."""


def predictions_folder(corpus: Corpus, model: str) -> Path:
    """Where another system's labels for a corpus may lie, as ``00000.lab`` or ``.csv`` etc."""
    return corpus.directory / "targets" / model


def item_predictions(corpus: Corpus, model: str, ready: Callable[[], Predict]) -> Iterator[Arrays]:
    """Give a model's predictions for each item of a corpus, computing those not cached.

    Parameters
    ----------
    corpus : Corpus
    model : str
        The name that they are cached under.
    ready : callable
        Gives the model where it is needed: a function from float32 ``(samples,)`` at the corpus'
        rate to arrays.

    Yields
    ------
    dict of str to np.ndarray
        For each item in turn.
    """
    digest = hashlib.sha256(str([(i.name, i.n_samples) for i in corpus.items]).encode())
    folder = predictions_folder(corpus, f"{model}_{digest.hexdigest()[:12]}")

    def compute() -> Callable[[int], Mapping[str, np.ndarray]]:
        predict = ready()
        return lambda number: predict(item_waveform(corpus, number))

    yield from _parts(
        folder,
        len(corpus.items),
        compute,
        what=f"{corpus.directory.name}: items predicted by {model}",
        earlier=predictions_folder(corpus, model),
    )


def window_predictions(
    windows: Windows,
    model: str,
    ready: Callable[[], Predict],
    *,
    samples: Callable[[], int] | None = None,
) -> Arrays:
    """Give a model's predictions for windows of a corpus, computing those not cached.

    Parameters
    ----------
    windows : Windows
    model : str
        The name that they are cached under.
    ready : callable
        Gives the model where it is needed: a function from float32 ``(batch, samples)`` to arrays
        with a row a window.
    samples : callable, optional
        Gives how many samples the model takes at a time, where it is needed. If those are more
        than a window has, a window is given the predictions for the music around it; see
        `Windows.around`.

    Returns
    -------
    dict of str to np.ndarray, float16
        With a row a window.
    """
    folder = predictions_folder(windows.corpus, f"{model}_{_fingerprint(windows)}")
    joined = {path.stem: path for path in folder.glob("*.npy")}
    if joined:
        return {name: np.load(path) for name, path in joined.items()}
    step = BATCH_WINDOWS * BATCHES_PER_PART

    def compute() -> Callable[[int], Mapping[str, np.ndarray]]:
        predict = ready()
        taken = windows.window_samples if samples is None else samples()
        if taken <= windows.window_samples:
            read, batch, places = windows.read, BATCH_WINDOWS, np.arange(len(windows))
        else:
            stretches, places = windows.around(taken)
            read, batch = stretches.read, max(1, BATCH_WINDOWS * windows.window_samples // taken)

        def part(number: int) -> Arrays:
            mine, row = np.unique(places[number * step : (number + 1) * step], return_inverse=True)
            batches = [
                predict(read(rows).astype(np.float32) / FULL_SCALE)
                for rows in np.split(mine, range(batch, len(mine), batch))
            ]
            return {name: values[row] for name, values in _concatenated(batches).items()}

        return part

    parts = _parts(
        folder,
        -(-len(windows) // step),
        compute,
        what=f"{windows.corpus.directory.name}: blocks of {step} windows predicted by {model}",
    )
    return _concatenated(list(parts))


def item_waveform(corpus: Corpus, number: int) -> np.ndarray:
    """The waveform of an item, float32 ``(samples,)`` at the corpus' rate."""
    item = corpus.items[number]
    samples = corpus.audio[item.offset_samples : item.offset_samples + item.n_samples]
    return samples.astype(np.float32) / FULL_SCALE


def _fingerprint(windows: Windows) -> str:
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(windows.starts, np.int64).tobytes())
    digest.update(f"{windows.window_samples} {len(windows.corpus.audio)}".encode())
    return digest.hexdigest()[:12]


def _parts(
    folder: Path,
    count: int,
    ready: Callable[[], Callable[[int], Mapping[str, np.ndarray]]],
    *,
    what: str,
    earlier: Path | None = None,
) -> Iterator[Arrays]:
    paths = [folder / f"{number:05d}.npz" for number in range(count)]
    if earlier is not None:
        before = [earlier / path.name for path in paths]
        paths = [old if old.exists() else path for path, old in zip(paths, before, strict=True)]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    if missing:
        compute = ready()
        folder.mkdir(parents=True, exist_ok=True)
    for done, number in enumerate(missing, 1 + count - len(missing)):
        arrays: dict[str, Any] = dict(compute(number))
        with unfinished(paths[number]) as new:
            np.savez_compressed(new, **arrays)
        if done % LOG_EVERY == 0 or done == count:
            logger.info("%s: %d of %d", what, done, count)
    for path in paths:
        with np.load(path) as cached:
            yield dict(cached)


def _concatenated(parts: Sequence[Mapping[str, np.ndarray]]) -> Arrays:
    return {
        name: np.concatenate([np.asarray(part[name]) for part in parts], dtype=np.float16)
        for name in parts[0]
    }
