"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Decoded samples are cached where a test asks for it alone.
os.environ.setdefault("MIRZOO_DECODED_GB", "0")

from places import ROOT

# Numba's cache of compiled functions is not safe where two processes fill it at once: one that
# runs the other's half-known function dies. Each worker of pytest-xdist has its own. What is set
# in the process that starts them is theirs too, so nothing is set there.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = os.path.join(
        os.environ.get("NUMBA_CACHE_DIR", ROOT / ".pytest_cache" / "numba"),
        os.environ["PYTEST_XDIST_WORKER"],
    )

import numpy as np
import pytest

pytest_plugins = ("surroundings",)

SMALLEST_RECORDING = 1000
AUDIO_SUFFIXES = {".aac", ".aif", ".flac", ".m4a", ".mp3", ".ogg", ".wav"}


@pytest.fixture(scope="session")
def real_music() -> list[Path]:
    """Real recordings, which are not part of the repository."""
    given = os.environ.get("MIRZOO_TEST_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "data" / "real" / "clips"
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in AUDIO_SUFFIXES and path.stat().st_size > SMALLEST_RECORDING
    )
    if not found:
        pytest.skip("no real recordings here: set MIRZOO_TEST_DATA to a folder of some")
    return found


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    """The music clip that comes with mirzoo."""
    return ROOT / "mirzoo" / "cli" / "demo" / "clip.ogg"


@pytest.fixture(scope="session")
def made_up_music() -> np.ndarray:
    """Three seconds of chords with noise at 16 kHz, shape (samples,), the same each time."""
    rng = np.random.default_rng(0)
    time_s = np.arange(3 * 16000) / 16000
    f0 = np.repeat([[220.0], [277.2], [329.6]], 16000, axis=0)[:, 0]
    chord = sum(np.sin(2 * np.pi * f0 * k * time_s) / k for k in (1, 2, 3, 5))
    return (0.15 * chord + 0.02 * rng.standard_normal(len(time_s))).astype(np.float32)


@pytest.fixture(scope="session")
def small_tagger():
    """A mel front-end under a recurrent head with fresh weights and three labels.

    Every random weight is set, so that outputs differ from label to label and clip to clip.
    """
    import keras

    from mirzoo.models.build import build_model
    from mirzoo.models.frontends.mel import MelConfig
    from mirzoo.models.heads import ConvBlock
    from mirzoo.models.heads.crnn import CRNNConfig
    from mirzoo.recipe import Recipe, Source
    from mirzoo.tasks.tagging import TaggingConfig

    keras.utils.set_random_seed(0)
    recipe = Recipe(
        description="Tells three made-up tags apart.",
        frontend=MelConfig(n_mels=16),
        head=CRNNConfig(
            blocks=(ConvBlock(filters=4, stride=(4, 2)),),
            recurrent={"units": (4,)},
            embedding=6,
        ),
        task=TaggingConfig(labels=("low", "middle", "high")),
        window_s=1.0,
        source=Source(paper="none"),
    )
    return build_model(recipe, "small_tagger")


@pytest.fixture(scope="session")
def saved_tagger(small_tagger, tmp_path_factory) -> Path:
    """The folder of `small_tagger`, saved under the name ``saved_tagger``."""
    from mirzoo import artefact

    return artefact.save(small_tagger, tmp_path_factory.mktemp("zoo") / "saved_tagger")
