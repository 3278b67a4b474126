"""Pictures of the documentation: one bar of music through each front-end, a clip through models.

A picture is drawn again only where it is older than what it shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np

import mirzoo
from mirzoo import audio, hub
from mirzoo.artefact import LITERT_FILE
from mirzoo.dsp.mel import mel_frequencies

RELIABILITY = Path(__file__).parent.parent / "benchmarks" / "reliability.json"
BEAT_S = 60 / 104
BAR = 4
"""The fifth bar of the clip: A minor, and a flute that climbs from E5 to E6."""
START_S, BAR_S = BAR * 4 * BEAT_S, 4 * BEAT_S
SIZE = (8.0, 2.7)
NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


class Shown(NamedTuple):
    """What a picture of a front-end shows."""

    recipe: str
    trained: bool
    title: str
    ticks: Callable[[Any, Any], tuple[list[float], list[str], str]]


def frontends(folder: Path) -> None:
    """Draw the bar as waveform and through each front-end."""
    drawn = {"waveform", *SHOWN}
    if all(_is_fresh(folder / f"frontend_{name}.png", Path(__file__)) for name in drawn):
        return
    _waveform(folder / "frontend_waveform.png")
    for name, shown in SHOWN.items():
        if shown.trained:
            frontend = mirzoo.load(shown.recipe).frontend
            config = hub.load_recipe(shown.recipe).frontend
        else:
            from mirzoo.models.frontends import build_frontend

            config = hub.load_recipe(shown.recipe).frontend
            frontend = build_frontend(config)
        features = frontend(_bar(config.sample_rate)[np.newaxis]).numpy()[0]
        _features(folder / f"frontend_{name}.png", features, shown, config, frontend)


def annotation(name: str, folder: Path) -> None:
    """Draw a model's annotation of the bundled clip."""
    path = folder / f"{name}.png"
    model = hub.shipped_folder(name) / LITERT_FILE
    if not _is_fresh(path, model, Path(__file__)):
        mirzoo.load(name, runtime="litert").annotate(audio.demo_clip()).plot(path=path)


def reliability(name: str, folder: Path) -> str | None:
    """Draw how often a melody model is right about the voicing, by its confidence.

    Gives what is to be read below the picture, or None where nothing was measured.
    """
    measured = json.loads(RELIABILITY.read_text(encoding="utf-8")).get(name)
    if measured is None:
        return None
    path = folder / f"{name}_reliability.png"
    if not _is_fresh(path, RELIABILITY, Path(__file__)):
        figure, ax = plt.subplots(figsize=(4.6, 3.6), layout="constrained")
        ax.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for corpus, found in measured.items():
            confidence, voiced, _ = zip(*found["confidence, voiced, share of frames"])
            ax.plot(confidence, voiced, marker="o", markersize=4, label=corpus)
        ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share of frames voiced")
        ax.legend(frameon=False, fontsize=8)
        _save(figure, path)
    errors = ", ".join(
        f"{corpus} {found['error']:.3f} ({found['recordings']} recordings)"
        for corpus, found in measured.items()
    )
    return f"Expected calibration error: {errors} (`benchmarks/voicing.py --reliability`)."


def _bar(sample_rate: int) -> np.ndarray:
    waveform = audio.read(audio.demo_clip(), sample_rate)
    return waveform[round(START_S * sample_rate) : round((START_S + BAR_S) * sample_rate)]


def _waveform(path: Path) -> None:
    waveform = _bar(16000)
    figure, ax = plt.subplots(figsize=SIZE, layout="constrained")
    ax.plot(np.arange(len(waveform)) / 16000, waveform, linewidth=0.4, color="#4b2a7a")
    ax.set(xlim=(0, BAR_S), ylim=(-1, 1), xlabel="time (s)", ylabel="amplitude")
    ax.set_title(f"waveform: {len(waveform):,} samples", loc="left")
    _save(figure, path)


def _features(path: Path, features: np.ndarray, shown: Shown, config, frontend) -> None:
    frames, bins, channels = features.shape
    size = SIZE if channels == 1 else (SIZE[0], 2.9)
    figure, axes = plt.subplots(
        1, channels, figsize=size, layout="constrained", sharey=True, squeeze=False
    )
    if config.type == "mfcc":  # the first coefficients, loudness and tilt, outweigh the rest
        features = (features - features.mean(axis=0)) / features.std(axis=0)
    order = _order(shown, features, frontend)
    places, names, label = shown.ticks(config, frontend)
    for channel, ax in enumerate(axes[0]):
        ax.imshow(
            features[:, order, channel].T, origin="lower", aspect="auto", cmap="magma",
            extent=(0, BAR_S, -0.5, bins - 0.5), interpolation="nearest",
            vmin=np.percentile(features, 2), vmax=np.percentile(features, 99.7),
        )  # fmt: skip
        ax.set_xlabel("time (s)" if channels == 1 else f"× {config.harmonics[channel]:g}")
    axes[0, 0].set_yticks(places, names)
    axes[0, 0].set_ylabel(label)
    depth = f" × {channels}" if channels > 1 else ""
    axes[0, 0].set_title(f"{shown.title}: {frames} frames × {bins}{depth}", loc="left")
    _save(figure, path)


def _order(shown: Shown, features: np.ndarray, frontend) -> np.ndarray:
    """Learnt filters have no order of their own: the busiest first, or by centre frequency."""
    if shown.recipe == "raw_cnn_tagger":
        return np.argsort(-features[..., 0].mean(axis=0))
    if shown.recipe == "leaf_cnn_tagger":
        return np.argsort(_leaf_centres(frontend))
    return np.arange(features.shape[1])


def _leaf_centres(frontend) -> np.ndarray:
    """Centre frequencies of learnt Gabor filters (radians a sample)."""
    (centres,) = (
        weight for weight in frontend.weights if weight.path.split("/")[-1] == "log_center"
    )
    return np.exp(np.asarray(centres))


def _linear_hz(config, frontend):
    hz = np.array([0, 2000, 4000, 6000, 8000])
    return list(hz * config.n_fft / config.sample_rate), [f"{f / 1000:g}" for f in hz], "kHz"


def _of_centres(centres: np.ndarray):
    hz = np.array([500, 1000, 2000, 4000])
    hz = hz[(hz > centres[0]) & (hz < centres[-1])]
    places = np.interp(hz, centres, np.arange(len(centres)))
    return list(places), [f"{f / 1000:g}" for f in hz], "kHz"


def _mel_hz(config, frontend):
    top = config.fmax or config.sample_rate / 2
    edges = mel_frequencies(config.n_mels + 2, fmin=config.fmin, fmax=top, htk=config.htk)
    return _of_centres(edges[1:-1])


def _leaf_hz(config, frontend):
    return _of_centres(np.sort(_leaf_centres(frontend)) * config.sample_rate / (2 * np.pi))


def _octaves(config, frontend):
    places = [octave * config.bins_per_octave for octave in range(config.n_octaves)]
    return places, [f"C{octave + 1}" for octave in range(config.n_octaves)], "pitch"


def _pitch_classes(config, frontend):
    return list(range(12)), list(NOTE_NAMES), "pitch class"


def _coefficients(config, frontend):
    return _numbered(config.n_mfcc, 5, "coefficient")


def _filters(config, frontend):
    return _numbered(config.n_bins, 32, "filter")


def _numbered(count: int, step: int, label: str):
    numbers = range(0, count, step)
    return list(numbers), [str(number) for number in numbers], label


SHOWN = {
    "stft": Shown("stft_cnn_tagger", False, "STFT, logarithm of the magnitude", _linear_hz),
    "mel": Shown("mel_cnn_tagger", False, "log-mel", _mel_hz),
    "mfcc": Shown("mfcc_rnn_tagger", False, "MFCC, each standardised", _coefficients),
    "cqt": Shown("cqt_cnn_tagger", False, "CQT", _octaves),
    "vqt": Shown("vqt_cnn_tagger", False, "VQT", _octaves),
    "hcqt": Shown("hcqt_cnn_tagger", False, "HCQT", _octaves),
    "chroma": Shown("chroma_rnn_tagger", False, "chroma", _pitch_classes),
    "raw": Shown("raw_cnn_tagger", True, "raw convolutions, trained", _filters),
    "leaf": Shown("leaf_cnn_tagger", True, "LEAF, trained", _leaf_hz),
}


def _is_fresh(path: Path, *made_of: Path) -> bool:
    return path.exists() and all(
        path.stat().st_mtime > source.stat().st_mtime for source in made_of
    )


def _save(figure, path: Path) -> None:
    figure.savefig(path, dpi=130)
    plt.close(figure)
