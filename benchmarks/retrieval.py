"""Measure what embeddings find: songs of the same artist, and of the same genre by other artists.

Each recording is a query once, and all others that may be found are ranked by the cosine of their
vectors. Precision at 10 is the share of right ones among the first ten; where there are fewer than
ten right ones it cannot reach 1, so that the best possible and what chance gives are measured too.
Never found are the query itself, other copies and versions of it (by Chromaprint, and by artist and
title), and what is on its album; with genres, nothing by its artists.

- ``emotify``: 400 recordings of Magnatune. ``artist``, ``genre``.
- ``debian``: music of games. ``artist``: few artists have two albums. ``game``: which recordings
  of one game are by the same artist; the game's music as a whole is what is searched. ``genre``:
  metal among all else.

Systems: taggers' embeddings, alone and with what their blocks give (``--layers all``), musicnn's,
20 MFCC and their deltas (mean and spread over the recording), and numbers at random. Each as it is
and standardised over the collection (as ``mirzoo similar --standardise``). Intervals are of the
bootstrap by the query's artist; differences to the MFCC are of the same draws.

    python benchmarks/retrieval.py [emotify] [debian] --work FOLDER

Sources are those of ``mirzoo prepare``, below MIRZOO_DATA/src. Files a little shorter than they
state are used as far as they go. Vectors and fingerprints are cached
under ``--work``; musicnn's models have to be pulled. The results go into ``retrieval.json`` next to
this file, of which the documentation makes a table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from retrieval_songs import COLLECTIONS, Song, fingerprint, known, same_recording

import mirzoo
from mirzoo import audio
from mirzoo._support.files import write_whole
from mirzoo.data.sources import data_home
from mirzoo.engines.similar import mean_of_rows
from mirzoo.engines.vectors import read_blocks, read_index
from mirzoo.evaluation.bootstrap import interval, resampled

RESULTS = Path(__file__).with_suffix(".json")
TAGGERS = ("mel_cnn_tagger", "mel_crnn_tagger", "raw_cnn_tagger", "leaf_cnn_tagger")
PORTS = ("musicnn_mtt", "musicnn_msd")
BASELINE = "20 MFCC, standardised"
AT = 10
RESAMPLES = 2000
MFCC_RATE, MFCC_COUNT = 22050, 20


class Task(NamedTuple):
    """What may be found for each query, and what is right; bool, shape (queries, songs)."""

    queries: np.ndarray
    allowed: np.ndarray
    right: np.ndarray


def tasks(name: str, songs: Sequence[Song], same: np.ndarray) -> dict[str, Task]:
    """The tasks of a collection; queries without a right answer, or a wrong one, are none."""
    count = len(songs)
    shares = np.array([[bool(a.artists & b.artists) for b in songs] for a in songs])
    album = np.array([[a.album == b.album for b in songs] for a in songs])
    genre = np.array([[a.genre is not None and a.genre == b.genre for b in songs] for a in songs])
    known_artist = np.array([bool(song.artists) for song in songs])
    both_known = known_artist[:, np.newaxis] & known_artist
    other = ~same & ~album
    found = {
        "artist": (other & both_known, shares),
        "genre": (other & ~shares, genre),
    }
    if name == "debian":
        found["game"] = (album & ~same & both_known, shares)
    has_genre = np.array([song.genre is not None for song in songs])
    chosen = {}
    for task, (allowed, right) in found.items():
        right = right & allowed
        asked = right.any(axis=1) & (allowed & ~right).any(axis=1)
        if task == "genre":
            asked &= has_genre
        queries = np.arange(count)[asked]
        chosen[task] = Task(queries, allowed[queries], right[queries])
    return chosen


def precision(similarities: np.ndarray, task: Task, at: int = AT) -> tuple[np.ndarray, np.ndarray]:
    """Precision of each query among the first ``at``, and among as many as there are right ones.

    Parameters
    ----------
    similarities : array, shape (songs, songs)
    task : Task

    Returns
    -------
    precision, r_precision : array, shape (queries,)
    """
    ranked = np.where(task.allowed, similarities[task.queries], -np.inf)
    order = np.argsort(-ranked, axis=1, kind="stable")
    right = np.take_along_axis(task.right, order, axis=1)
    wanted = task.right.sum(axis=1)
    first = [row[:many].mean() for row, many in zip(right, wanted, strict=True)]
    return right[:, :at].sum(axis=1) / at, np.array(first)


def best_and_chance(task: Task, at: int = AT) -> tuple[float, float]:
    """The best precision that is possible, and the one expected of any order."""
    right, allowed = task.right.sum(axis=1), task.allowed.sum(axis=1)
    found = right / allowed * np.minimum(at, allowed)
    return float(np.minimum(right, at).mean() / at), float(found.mean() / at)


def cosines(vectors: np.ndarray, *, standardise: bool = False) -> np.ndarray:
    """The similarity of every two, as `mirzoo.engines.similar.Collection` computes it."""
    vectors = vectors.astype(np.float64)
    if standardise:
        spread = vectors.std(axis=0)
        vectors = (vectors - vectors.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(lengths > 0, lengths, 1.0)
    return vectors @ vectors.T


def scores(
    task: Task, groups: Sequence[str], systems: dict[str, np.ndarray], baseline: str
) -> dict[str, dict]:
    """The scores of systems, with their intervals and differences to one of them.

    Parameters
    ----------
    task : Task
    groups : sequence of str
        The artist of each song.
    systems : dict of array, shape (songs, songs)
        Similarities.
    baseline : str
        The system that the others are compared with.
    """
    each = {name: precision(found, task) for name, found in systems.items()}
    at_ten = np.stack([values for values, _ in each.values()])
    by_artist = [groups[query] for query in task.queries]

    def mean(weights: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": weights @ at_ten.T / weights.sum(axis=1, keepdims=True)}

    drawn = resampled(mean, by_artist, RESAMPLES, seed=0)["mean"]
    reference = list(each).index(baseline)
    result = {}
    for number, (name, (values, of_right)) in enumerate(each.items()):
        apart = drawn[:, number] - drawn[:, reference]
        result[name] = {
            "precision": round(float(values.mean()), 4),
            "interval": _rounded(interval(drawn[:, number])),
            "r_precision": round(float(of_right.mean()), 4),
            "over_mfcc": round(float(values.mean() - at_ten[reference].mean()), 4),
            "over_mfcc_interval": _rounded(interval(apart)),
        }
    return result


def _rounded(ends: tuple[float, float] | None) -> list[float] | None:
    return None if ends is None else [round(end, 4) for end in ends]


def embedded(
    model: str, songs: Sequence[Song], file: Path, layers: str, workers: int
) -> np.ndarray:
    """The vectors of songs, by `mirzoo.embed` into a file that is kept in step."""
    paths = [song.path for song in songs]
    done = mirzoo.embed(
        model,
        paths,
        file,
        layers=layers,
        workers=workers,
        allow_damaged=True,  # type: ignore[arg-type]
    )
    print(f"  {done}", flush=True)
    if done.failures:
        raise SystemExit(f"{done.failures[0].failures[0].message}")
    entries, vectors = mean_of_rows(read_blocks(file), read_index(file).entries)
    row = {Path(entry.path): number for number, entry in enumerate(entries)}
    return vectors[[row[path.absolute()] for path in paths]]


def mfcc(path: Path) -> np.ndarray:
    """Mean and spread of 20 MFCC and their deltas, as librosa computes them."""
    import librosa

    waveform = audio.read(path, MFCC_RATE, allow_damaged=True)
    found = librosa.feature.mfcc(y=waveform, sr=MFCC_RATE, n_mfcc=MFCC_COUNT)
    both = np.concatenate([found, librosa.feature.delta(found)])
    return np.concatenate([both.mean(axis=1), both.std(axis=1)])


def cached(function: Callable[[Path], np.ndarray], path: Path, folder: Path) -> np.ndarray:
    """What a function gives of a file, computed once."""
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    file = folder / function.__name__ / f"{name}.npy"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".new.npy")
        np.save(unfinished, function(path))
        unfinished.rename(file)
    return np.load(file)


def of_all(
    function: Callable[[Path], np.ndarray], songs: Sequence[Song], folder: Path, workers: int
) -> list[np.ndarray]:
    """What a function gives of each song, in worker processes."""
    with ProcessPoolExecutor(max(1, workers)) as pool:
        jobs = [pool.submit(cached, function, song.path, folder) for song in songs]
        return [job.result() for job in jobs]


def depths(model: str) -> dict[str, slice]:
    """Where the embedding and the pooled features of each block lie, of all layers' vectors."""
    from mirzoo.models.heads import with_all_depths

    loaded = mirzoo.load(model, runtime="keras")
    pooled, *blocks = with_all_depths(loaded.head).layers[-1].input
    found, end = {"embedding": slice(loaded.head.output_shape[-1])}, pooled.shape[-1]
    for number, part in enumerate(blocks, 1):
        start, end = end, end + part.shape[-1]
        found[f"block {number}"] = slice(start, end)
    return found


def systems_of(
    name: str, songs: Sequence[Song], options: argparse.Namespace
) -> dict[str, np.ndarray]:
    """The vectors of each system."""
    found = {}
    for model in options.taggers:
        file = options.work / f"{name}-{model}-all.npz"
        vectors = embedded(model, songs, file, "all", options.workers)
        parts = depths(model)
        found[model] = vectors[:, parts["embedding"]]
        found[f"{model}, all depths"] = vectors
        if model == options.taggers[0]:
            for part, where in list(parts.items())[1:]:
                found[f"{model}, {part}"] = vectors[:, where]
    for model in options.ports:
        file = options.work / f"{name}-{model}-last.npz"
        found[model] = embedded(model, songs, file, "last", options.workers)
    found["20 MFCC"] = np.stack(of_all(mfcc, songs, options.work, options.workers))
    found["random"] = np.random.default_rng(0).normal(size=(len(songs), 128))
    return found


def measure(name: str, options: argparse.Namespace) -> dict:
    """Everything about a collection."""
    folder = data_home() / "src" / name
    songs = COLLECTIONS[name](folder)
    print(f"{name}: {known(songs)}", flush=True)
    prints = of_all(fingerprint, songs, options.work, options.workers)
    same = same_recording(songs, prints)
    print(f"  {(same.sum() - len(songs)) // 2} pairs of the same recording", flush=True)
    vectors = systems_of(name, songs, options)
    ranked = {system: cosines(values) for system, values in vectors.items()}
    for system, values in vectors.items():
        if system != "random":
            ranked[f"{system}, standardised"] = cosines(values, standardise=True)
    groups = [min(song.artists, default="") for song in songs]
    result = {
        "recordings": len(songs),
        "artists": len({artist for song in songs for artist in song.artists}),
        "same_recording_pairs": int(same.sum() - len(songs)) // 2,
        "tasks": {},
    }
    for task_name, task in tasks(name, songs, same).items():
        best, chance = best_and_chance(task)
        result["tasks"][task_name] = {
            "queries": len(task.queries),
            "artists": len({groups[query] for query in task.queries}),
            "best_possible": round(best, 4),
            "chance": round(chance, 4),
            "systems": scores(task, groups, ranked, BASELINE),
        }
        show(task_name, result["tasks"][task_name])
    return result


def show(name: str, task: dict) -> None:
    """Print a task's table."""
    print(
        f"\n{name}: {task['queries']} queries of {task['artists']} artists, best possible "
        f"{task['best_possible']:.3f}, chance {task['chance']:.3f}"
    )
    by_score = sorted(task["systems"].items(), key=lambda one: -one[1]["precision"])
    for system, found in by_score:
        low, high = found["interval"]
        least, most = found["over_mfcc_interval"]
        print(
            f"  {system:44} {found['precision']:.3f} [{low:.3f}, {high:.3f}]  R "
            f"{found['r_precision']:.3f}  {found['over_mfcc']:+.3f} [{least:+.3f}, {most:+.3f}]"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collections", nargs="*", help="emotify, debian; by default both")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--taggers", nargs="*", default=list(TAGGERS))
    parser.add_argument("--ports", nargs="*", default=list(PORTS))
    parser.add_argument("--workers", type=int, default=2, help="0: all in this process, mostly")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    there = json.loads(options.results.read_text()) if options.results.exists() else {}
    for name in options.collections or COLLECTIONS:
        if name not in COLLECTIONS:
            parser.error(f"there is no collection {name!r}; allowed are {', '.join(COLLECTIONS)}")
        there[name] = measure(name, options)
        write_whole(options.results, json.dumps(there, indent=1) + "\n")


if __name__ == "__main__":
    main()
