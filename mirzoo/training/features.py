"""Features of prepared corpora, computed once: what a fixed front-end gives before its scaling.

A front-end without weights gives the same in every epoch, so its magnitudes are cached in
``<corpus>/features/<fingerprint>.f16``, float16 ``(frames, bins, channels)``, the items one after
the other. Levels, equalisation, noise and transposition are then changes of the magnitudes, and a
training step costs no transform.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from mirzoo._support.files import unfinished
from mirzoo.data.corpus import FULL_SCALE, Corpus
from mirzoo.errors import RecipeError
from mirzoo.models.frontends import build_frontend, split_frontend
from mirzoo.recipe import Frontend

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureStore:
    """The cached features of a corpus.

    ``starts`` has a row more than the corpus has items: item ``i`` lies in the rows
    ``starts[i]`` to ``starts[i + 1]`` of ``magnitudes``.
    """

    corpus: Corpus
    path: Path
    starts: np.ndarray
    n_bins: int
    n_channels: int

    @cached_property
    def magnitudes(self) -> np.ndarray:
        """Read-only memory map, float16 ``(frames, bins, channels)``."""
        shape = (int(self.starts[-1]), self.n_bins, self.n_channels)
        return np.memmap(self.path, np.float16, "r", shape=shape)

    def frames(self, item: int) -> int:
        """Frames of an item."""
        return int(self.starts[item + 1] - self.starts[item])


def split_scaling(
    frontend: keras.Model, config: Frontend
) -> tuple[keras.Model, list[keras.layers.Layer]]:
    """Divide a front-end into its transform and the scaling layers behind it.

    Raises
    ------
    RecipeError
        If the front-end has weights to train, so that its features cannot be cached.
    """
    if frontend.trainable_weights:
        raise RecipeError(
            "a front-end that learns cannot be trained on cached features; frame-wise models take "
            "a front-end without trainable parts, such as stft, mel, mfcc, cqt, vqt, hcqt, chroma"
        )
    return split_frontend(frontend, config)


def cached_features(corpus: Corpus, config: Frontend) -> FeatureStore:
    """Give the features of a corpus, computing them where they are not cached yet."""
    path = corpus.directory / "features" / f"{_fingerprint(corpus, config)}.f16"
    counts = [config.grid.frames(item.n_samples) for item in corpus.items]
    store = FeatureStore(
        corpus, path, np.concatenate([[0], np.cumsum(counts)]), config.n_bins, config.n_channels
    )
    if not path.exists():
        _compute(store, config)
    return store


def _fingerprint(corpus: Corpus, config: Frontend) -> str:
    settings = config.model_dump(mode="json", exclude={"scaling"})
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(str([(item.name, item.n_samples) for item in corpus.items]).encode())
    return f"{config.type}_{digest.hexdigest()[:12]}"


def _compute(store: FeatureStore, config: Frontend) -> None:
    transform, _ = split_scaling(build_frontend(config), config)
    store.path.parent.mkdir(exist_ok=True)
    gigabytes = int(store.starts[-1]) * store.n_bins * store.n_channels * 2 / 1e9
    logger.info(
        "%s: computing %s features, %.1f GB", store.corpus.directory.name, config.type, gigabytes
    )
    with unfinished(store.path) as new, new.open("wb") as file:
        for item in store.corpus.items:
            end = item.offset_samples + item.n_samples
            samples = store.corpus.audio[item.offset_samples : end]
            waveform = samples.astype(np.float32)[np.newaxis] / FULL_SCALE
            transform(waveform).numpy()[0].astype(np.float16).tofile(file)
