"""Time the search for similar recordings, exact and by an index, and measure what the index finds.

Vectors are made up: points around centres in a space of fewer dimensions than they have numbers,
as embeddings are. Recall is the share of the exact nearest that the index finds; the queries are
other points of the same space. Times of queries are of processors, all threads together, which what
else runs hardly changes; the index answers a single query in one thread.

    python benchmarks/search.py [--vectors 1000000] [--size 256] [--queries 1000] [--graph FILE]
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from mirzoo.engines.similar import BUILT_WITH, LINKS, Graph, exact_search

CENTRES, DIMENSIONS = 1000, 24
EFFORTS = (32, 64, 128, 256)
BLOCK = 65536


def made_up(count: int, size: int, seed: int) -> np.ndarray:
    """Unit vectors, float32, shape (count, size)."""
    shape = np.random.default_rng(0)
    middles = shape.normal(size=(CENTRES, DIMENSIONS)).astype(np.float32)
    spread_out = shape.normal(size=(DIMENSIONS, size)).astype(np.float32)
    rng = np.random.default_rng(seed)
    vectors = np.empty((count, size), np.float32)
    for first in range(0, count, BLOCK):
        rows = len(vectors[first : first + BLOCK])
        points = middles[rng.integers(CENTRES, size=rows)]
        points = points + 0.5 * rng.standard_normal((rows, DIMENSIONS), np.float32)
        block = np.maximum(points @ spread_out, 0.0)  # as what rectified layers give
        vectors[first : first + BLOCK] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--count", type=int, default=10, help="how many nearest are looked for")
    parser.add_argument(
        "--graph", type=Path, help="file of the index: read if it exists, else written"
    )
    options = parser.parse_args()
    known = made_up(options.vectors, options.size, seed=1)
    queries = made_up(options.queries, options.size, seed=2)

    began = time.process_time()
    exact = np.concatenate(
        [exact_search(known, query[np.newaxis], options.count)[1] for query in queries]
    )
    each_ms = 1000 * (time.process_time() - began) / len(queries)
    print(f"{options.vectors:,} vectors of {options.size}, the nearest {options.count}")
    print(f"exact: {each_ms:.2f} ms a query")

    if options.graph is not None and options.graph.exists():
        graph = Graph.load(options.graph)
        if len(graph) != options.vectors:
            parser.error(f"{options.graph} is of {len(graph):,} vectors; remove it")
        print(f"index: read from {options.graph}")
    else:
        began, began_cpu = time.perf_counter(), time.process_time()
        graph = Graph(known)
        built_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
        print(
            f"index: {LINKS} links, built with {BUILT_WITH} candidates in {built_s:.0f} s "
            f"({cpu_s:.0f} s of processors)"
        )
        if options.graph is not None:
            graph.save(options.graph)
    print(f"{'candidates':>12}{'recall':>10}{'ms a query':>12}")
    for effort in EFFORTS:
        began = time.process_time()
        found = np.concatenate(
            [graph.search(query[np.newaxis], options.count, effort=effort)[1] for query in queries]
        )
        each_ms = 1000 * (time.process_time() - began) / len(queries)
        hits = [len(set(a) & set(b)) for a, b in zip(found, exact, strict=True)]
        print(f"{effort:>12}{np.sum(hits) / exact.size:>10.4f}{each_ms:>12.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
