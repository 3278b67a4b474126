"""Measure whether tags follow the music or the gain: recordings again, quieter or with an offset.

Of each recording the tags are the mean over windows side by side. Against the recording as it is,
``change`` is the mean absolute change over all tags and recordings, and ``same top`` the share of
recordings whose first tag stays. Intervals are of the bootstrap over recordings. ``silence`` is the
largest probability of a tag for music, over windows of noise at -70 dBFS and of digital silence,
and of any other tag for comparison.

    python benchmarks/levels.py [MODEL ...] --corpus emotify

The corpus is a prepared one below MIRZOO_DATA/corpus. Samples are changed in float32, as players
and mixers have them. The results go to stdout as a table, and as JSON with ``--json FILE``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import mirzoo
from mirzoo.data.corpus import Corpus
from mirzoo.data.predictions import item_waveform
from mirzoo.data.sources import data_home
from mirzoo.data.windows import cut_windows
from mirzoo.evaluation.bootstrap import interval, resampled

TAGGERS = ("mel_cnn_tagger", "mel_crnn_tagger", "leaf_cnn_tagger", "raw_cnn_tagger")
CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "-10 dB": lambda x: x * np.float32(10**-0.5),
    "-20 dB": lambda x: x * np.float32(10**-1.0),
    "-30 dB": lambda x: x * np.float32(10**-1.5),
    "offset .05": lambda x: x + np.float32(0.05),
}
BATCH = 64
RESAMPLES = 2000
NOISE_WINDOWS = 20


def tags_of(model: Any, waveform: np.ndarray) -> np.ndarray:
    """The mean tags of a recording's windows, ``(tags,)``."""
    size = model.card.input.window_samples
    windows = cut_windows(waveform, size, size)
    batches = [
        model.predict_windows(windows[i : i + BATCH])["tags"] for i in range(0, len(windows), BATCH)
    ]
    return np.concatenate(batches).mean(axis=0)


def steadiness(model: Any, corpus: Corpus, every: int = 1) -> dict[str, dict[str, Any]]:
    """How far each change of level changes tags.

    Parameters
    ----------
    model : LoadedModel
        A tagger.
    corpus : Corpus
    every : int
        Each so many recordings are taken.

    Returns
    -------
    dict of str to dict
        For each change, ``change`` and ``same_top`` with their 95 % intervals.
    """
    numbers = range(0, len(corpus.items), every)
    tags = {name: [] for name in ("as it is", *CHANGES)}
    for number in numbers:
        waveform = item_waveform(corpus, number)
        tags["as it is"].append(tags_of(model, waveform))
        for name, change in CHANGES.items():
            tags[name].append(tags_of(model, change(waveform)))
    base = np.stack(tags["as it is"])
    found = {}
    for name in CHANGES:
        changed = np.stack(tags[name])
        away = np.abs(changed - base).mean(axis=1)
        same = (changed.argmax(axis=1) == base.argmax(axis=1)).astype(float)
        values = {"change": away, "same_top": same}

        def means(weights: np.ndarray, values=values) -> dict[str, np.ndarray]:
            total = weights.sum(axis=1)
            return {key: weights @ column / total for key, column in values.items()}

        drawn = resampled(means, [str(number) for number in numbers], RESAMPLES, seed=0)
        found[name] = {"n": len(base)}
        for key, column in values.items():
            found[name][key] = float(column.mean())
            found[name][f"{key}_interval"] = interval(drawn[key])
    return found


def silence(model: Any) -> dict[str, dict[str, float]]:
    """The likeliest tags of noise at -70 dBFS and of digital silence."""
    rng = np.random.default_rng(0)
    size = model.card.input.window_samples
    noise = (10**-3.5 * rng.standard_normal((NOISE_WINDOWS, size))).astype(np.float32)
    found = {}
    for name, windows in (("noise", noise), ("silence", np.zeros((1, size), np.float32))):
        mean = model.predict_windows(windows)["tags"].mean(axis=0)
        best = np.argsort(mean)[::-1][:5]
        found[name] = {model.card.labels[i]: float(mean[i]) for i in best}
    return found


def main() -> None:
    """Measure models and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("models", nargs="*", default=TAGGERS)
    arguments.add_argument("--corpus", default="emotify")
    arguments.add_argument("--every", type=int, default=1)
    arguments.add_argument("--runtime", default="litert")
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    corpus = Corpus.load(data_home() / "corpus" / given.corpus)
    results: dict[str, Any] = {}
    for name in given.models:
        model = mirzoo.load(name, runtime=given.runtime)
        results[name] = {**steadiness(model, corpus, given.every), "quiet": silence(model)}
        for change in CHANGES:
            row = results[name][change]
            low, high = row["same_top_interval"]
            print(
                f"{name} {change}: change {row['change']:.4f}, same top {row['same_top']:.3f} "
                f"[{low:.3f}, {high:.3f}], n {row['n']}",
                flush=True,
            )
        print(name, results[name]["quiet"], flush=True)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
