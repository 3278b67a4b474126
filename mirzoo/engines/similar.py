"""What is alike in a collection: nearest recordings, and near-duplicates.

Vectors are compared by the cosine of their angle, of each recording the mean of its rows. Every
vector is looked at, unless an index is asked for: `faiss`_'s graph of neighbours (HNSW; Malkov and
Yashunin 2018, arXiv:1603.09320), which finds nearly all nearest ones of a million in a fraction of
the time. ``benchmarks/search.py`` measures how many.

.. _faiss: https://github.com/facebookresearch/faiss
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mirzoo._support.files import printable, sha256, unfinished
from mirzoo._support.guards import reading
from mirzoo._support.switches import require_switches
from mirzoo.engines.vectors import Block, Entry, Origin, read_blocks, read_index
from mirzoo.errors import AudioError, DataError, MirzooError

BLOCK = 2048
"""Recordings that are compared with all others at a time."""

LINKS, BUILT_WITH, SEARCHED_WITH = 32, 200, 128
"""Of the index: neighbours of each vector, candidates in building and in searching."""

DUPLICATES_NEAR = 32
"""How many nearest recordings an index is asked for, of each, to find duplicates."""


class Neighbour(NamedTuple):
    """A recording, and the cosine of the angle between its vector and the one asked for."""

    path: str
    similarity: float


class Group(NamedTuple):
    """Recordings that are alike, and the least similarity by which two of them belong together."""

    paths: list[str]
    similarity: float


class Graph:
    """An index of unit vectors: the nearest are found without looking at each.

    Parameters
    ----------
    vectors : array, float32, shape (vectors, size)
        Of length 1.

    Raises
    ------
    DataError
        If faiss is missing.

    Examples
    --------
    >>> vectors = np.eye(3, dtype=np.float32)
    >>> similarities, numbers = Graph(vectors).search(vectors[:1], 1)  # doctest: +SKIP
    >>> similarities.tolist(), numbers.tolist()  # doctest: +SKIP
    ([[1.0]], [[0]])
    """

    def __init__(self, vectors: np.ndarray) -> None:
        faiss = _faiss()
        index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = BUILT_WITH
        index.add(vectors)
        self._index = index

    @classmethod
    def load(cls, path: Path) -> Graph:
        """Read one from a file.

        Raises
        ------
        DataError
            If it is damaged, or faiss is missing.
        """
        faiss = _faiss()
        graph = cls.__new__(cls)
        with reading(printable(path), "index of faiss", DataError, "remove it"):
            graph._index = faiss.read_index(os.fspath(path))
        return graph

    def save(self, path: Path) -> None:
        """Write it whole."""
        with unfinished(path) as new:
            _faiss().write_index(self._index, os.fspath(new))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, queries: np.ndarray, count: int, *, effort: int = SEARCHED_WITH
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the vectors nearest to each query.

        Parameters
        ----------
        queries : array, float32, shape (queries, size)
            Of length 1.
        count : int
        effort : int
            How many candidates are followed: more find more, in more time.

        Returns
        -------
        similarities, numbers : array, shape (queries, count)
            The nearest first; a number is -1 where fewer were found.
        """
        self._index.hnsw.efSearch = max(effort, count)
        similarities, numbers = self._index.search(np.ascontiguousarray(queries), count)
        return similarities, numbers


@dataclass
class Collection:
    """The vectors of a file, one a recording, ready to be compared.

    Parameters
    ----------
    origin : Origin
        What made them.
    entries : list of Entry
    vectors : array, float32, shape (recordings, size)
        Of length 1, or 0 where the model gave nothing but zeros.
    graph : Graph, optional
        Their index.
    mean, spread : array, shape (size,), optional
        What each number was standardised by.
    """

    origin: Origin
    entries: list[Entry]
    vectors: np.ndarray
    graph: Graph | None = None
    mean: np.ndarray | None = None
    spread: np.ndarray | None = None

    @classmethod
    def read(
        cls, path: str | os.PathLike, *, standardise: bool = False, index: bool = False
    ) -> Collection:
        """Read a file that `mirzoo.embed` wrote, or the folder of a catalogue of embeddings.

        Parameters
        ----------
        path : path
        standardise : bool
            Whether each number of a vector is taken relative to the collection: without its mean,
            in units of its spread. Numbers that are large everywhere count no more than others.
        index : bool
            Whether an index is used. It is built on first use, which takes minutes for a million
            recordings, and kept next to the file (``music.parquet.….faiss``) until that changes.

        Raises
        ------
        DataError
            If it is no such file, it is empty or damaged, or a package is missing.
        """
        require_switches(DataError, standardise=standardise, index=index)
        if index:
            _faiss()  # before minutes of reading
        path = Path(path).absolute()  # "." has no name that the index could have
        found = read_index(path)
        entries, vectors = mean_of_rows(read_blocks(path), found.entries)
        if not entries:
            raise DataError(f"{printable(path)} has no recordings")
        mean = spread = None
        if standardise:
            mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
            spread = vectors.std(axis=0, dtype=np.float64).astype(np.float32)
            spread[spread == 0] = 1.0
        collection = cls(found.origin, entries, vectors, None, mean, spread)
        collection.vectors = collection.prepared(vectors)
        if index:
            collection.graph = _kept_graph(path, found.contents, collection.vectors, standardise)
        return collection

    def prepared(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors as they are compared: standardised where that is asked for, of length 1."""
        if self.mean is not None and self.spread is not None:
            vectors = (vectors - self.mean) / self.spread
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)

    def nearest(self, vector: np.ndarray, count: int = 10) -> list[Neighbour]:
        """List the recordings nearest to a vector.

        Parameters
        ----------
        vector : array, shape (size,)
            As the model gives it.
        count : int

        Returns
        -------
        list of Neighbour
            The nearest first.

        Raises
        ------
        DataError
            If the vector has another size.
        """
        if vector.shape != self.vectors.shape[1:]:
            raise DataError(
                f"a vector of the shape {vector.shape} was given, and those of the collection "
                f"have {self.vectors.shape[1:]}; is it of another model?"
            )
        return self._nearest(self.prepared(vector[np.newaxis]), count, frozenset())

    def nearest_to(self, content: str, count: int = 10) -> list[Neighbour]:
        """List the recordings nearest to one of the collection.

        Parameters
        ----------
        content : str
            The SHA-256 of its file. All with this content are left out.
        count : int

        Returns
        -------
        list of Neighbour
            The nearest first.

        Raises
        ------
        DataError
            If there is no such recording.
        """
        same = [number for number, one in enumerate(self.entries) if one.sha256 == content]
        if not same:
            raise DataError(f"no recording of the collection has the SHA-256 {content}")
        return self._nearest(self.vectors[same[:1]], count, frozenset(same))

    def _nearest(self, query: np.ndarray, count: int, left_out: frozenset[int]) -> list[Neighbour]:
        wanted = min(count + len(left_out), len(self.entries))
        similarities, numbers = self._search(query, wanted)
        return [
            Neighbour(self.entries[number].path, float(similarity))
            for similarity, number in zip(similarities[0], numbers[0], strict=True)
            if number >= 0 and number not in left_out
        ][:count]

    def duplicates(self, threshold: float) -> list[Group]:
        """List groups of recordings whose vectors are nearly the same.

        Every two are compared; with an index only each with its nearest ones. Copies of a file
        are always among them.

        Parameters
        ----------
        threshold : float
            From which similarity on two recordings belong together, in (0, 1].

        Returns
        -------
        list of Group
            The most alike first; recordings belong together through others, too.
        """
        groups = _Groups(len(self.entries))
        first_of: dict[str, int] = {}
        for number, entry in enumerate(self.entries):
            groups.join(first_of.setdefault(entry.sha256, number), number, 1.0)
        for first in range(0, len(self.entries), BLOCK):
            for one, other, similarity in self._alike(first, threshold):
                groups.join(one, other, similarity)
        found = [
            Group(sorted(self.entries[number].path for number in members), similarity)
            for members, similarity in groups.found()
        ]
        return sorted(found, key=lambda group: (-group.similarity, group.paths))

    def _alike(self, first: int, threshold: float) -> Iterator[tuple[int, int, float]]:
        """Pairs above a threshold, of a block of recordings with all behind them."""
        block = self.vectors[first : first + BLOCK]
        if self.graph is not None:
            wanted = min(DUPLICATES_NEAR, len(self.entries))
            similarities, numbers = self._search(block, wanted)
            for row, column in np.argwhere((similarities >= threshold) & (numbers >= 0)):
                other = int(numbers[row, column])
                if other != first + row:
                    yield first + int(row), other, float(similarities[row, column])
            return
        for behind in range(first, len(self.entries), BLOCK):
            similarities = block @ self.vectors[behind : behind + BLOCK].T
            for row, column in np.argwhere(similarities >= threshold):
                one, other = first + int(row), behind + int(column)
                if one < other:
                    yield one, other, float(similarities[row, column])

    def _search(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        if self.graph is not None:
            return self.graph.search(queries, count)
        return exact_search(self.vectors, queries, count)


def similar(
    path: str | os.PathLike,
    recording: str | os.PathLike,
    count: int = 10,
    *,
    standardise: bool = False,
    index: bool = False,
    model: str | os.PathLike | None = None,
    imports: Sequence[str] = (),
) -> list[Neighbour]:
    """List the recordings of a file that are nearest to one, which may be in it or not.

    The recording itself, and copies of its file, are left out. One that is not in the file is
    embedded first, by the model that made the file.

    Parameters
    ----------
    path : path
        A file that `mirzoo.embed` wrote, or the folder of `mirzoo catalogue embed`.
    recording : path
        An audio file.
    count : int
        How many.
    standardise, index
        As `Collection.read` takes them.
    model : name or path, optional
        Where the model is now; by default where it was.
    imports : sequence of str
        Modules that the model needs.

    Returns
    -------
    list of Neighbour
        The nearest first.

    Raises
    ------
    DataError
        If it is no such file, or the model is another than the one that made it.
    MirzooError
        If the model cannot be loaded, or the recording not be embedded.

    Examples
    --------
    >>> similar("music.parquet", "song.mp3", 1)  # doctest: +SKIP
    [Neighbour(path='/music/other.mp3', similarity=0.97)]
    """
    collection = Collection.read(path, standardise=standardise, index=index)
    try:
        content = sha256(recording)
    except OSError as error:
        raise AudioError(f"'{printable(recording)}' cannot be read ({error.strerror})") from error
    if any(entry.sha256 == content for entry in collection.entries):
        return collection.nearest_to(content, count)
    vector = _embedded(collection.origin, recording, path, model, imports)
    return collection.nearest(vector, count)


def _embedded(
    origin: Origin,
    recording: str | os.PathLike,
    path: str | os.PathLike,
    model: str | os.PathLike | None,
    imports: Sequence[str],
) -> np.ndarray:
    from mirzoo.annotate import embed_recording
    from mirzoo.engines.embedding import EmbeddingSetup, origin_of
    from mirzoo.engines.one_file import load

    setup = EmbeddingSetup(
        models=(origin.loaded_from if model is None else os.fspath(model),),
        runtime=origin.runtime,
        imports=tuple(imports),
        channel=origin.channel,  # type: ignore[arg-type]
        layers=origin.layers,
        over=origin.over,
    )
    try:
        now = origin_of(setup)
    except MirzooError as error:
        if model is not None:
            raise
        raise DataError(
            f"{error}; {printable(path)} was made by a model loaded from "
            f"'{printable(origin.loaded_from)}': state where it is now (model, --model)"
        ) from error
    origin.require_same(now, path)
    [loaded] = load(setup)
    embedded = embed_recording(
        loaded, os.fspath(recording), layers=origin.layers, over=origin.over,
        channel=setup.channel,
    )  # fmt: skip
    return embedded.vectors.mean(axis=0)


def mean_of_rows(
    blocks: Iterable[Block], entries: Sequence[Entry]
) -> tuple[list[Entry], np.ndarray]:
    """Give one vector of each recording: the mean of its rows, float32.

    Examples
    --------
    >>> entry = Entry("song.mp3", "", 1, 1, 6.0)
    >>> block = Block([entry, entry], np.array([0.0, 3.0]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> mean_of_rows([block], [entry])[1].tolist()
    [[0.5, 0.5]]
    """
    numbers = {entry: number for number, entry in enumerate(entries)}
    sums: np.ndarray | None = None
    counts = np.zeros(len(entries))
    for block in blocks:
        rows = np.array([numbers[entry] for entry in block.entries], dtype=np.int64)
        if sums is None:
            sums = np.zeros((len(entries), block.vectors.shape[1]), np.float32)
        np.add.at(sums, rows, block.vectors)
        np.add.at(counts, rows, 1)
    if sums is None:
        return [], np.zeros((0, 0), np.float32)
    sums /= np.maximum(counts, 1)[:, np.newaxis]
    return list(entries), sums


def exact_search(
    vectors: np.ndarray, queries: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the vectors nearest to each query, looking at every one.

    Parameters
    ----------
    vectors : array, float32, shape (vectors, size)
        Of length 1.
    queries : array, float32, shape (queries, size)
        Of length 1.
    count : int
        At most the number of vectors.

    Returns
    -------
    similarities, numbers : array, shape (queries, count)
        The nearest first; of those as near the first in ``vectors``.
    """
    similarities = queries @ vectors.T
    numbers = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
    nearest = np.take_along_axis(similarities, numbers, axis=1)
    order = np.lexsort((numbers, -nearest))
    return np.take_along_axis(nearest, order, 1), np.take_along_axis(numbers, order, 1)


class _Groups:
    """Sets of numbers that grow together (union-find)."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))
        self._least = [1.0] * count

    def join(self, one: int, other: int, similarity: float) -> None:
        one, other = self._top(one), self._top(other)
        least = min(self._least[one], self._least[other], similarity)
        one, other = min(one, other), max(one, other)
        self._above[other] = one
        self._least[one] = least

    def found(self) -> list[tuple[list[int], float]]:
        members: dict[int, list[int]] = {}
        for number in range(len(self._above)):
            members.setdefault(self._top(number), []).append(number)
        return [(group, self._least[top]) for top, group in members.items() if len(group) > 1]

    def _top(self, number: int) -> int:
        while self._above[number] != number:
            self._above[number] = self._above[self._above[number]]
            number = self._above[number]
        return number


def _kept_graph(path: Path, contents: str, vectors: np.ndarray, standardise: bool) -> Graph:
    """The index next to a file, built where there is none of what is in the file now."""
    about = f"{contents} {standardise} {LINKS} {BUILT_WITH}"
    mark = hashlib.sha256(about.encode()).hexdigest()[:12]
    file = path.with_name(f"{path.name}.{mark}.faiss")
    if file.exists():
        graph = Graph.load(file)
        if len(graph) == len(vectors):
            return graph
    graph = Graph(vectors)
    try:
        graph.save(file)
    except OSError as error:
        raise DataError(f"{printable(file)} cannot be written ({error.strerror})") from error
    ours = re.compile(re.escape(path.name) + r"\.[0-9a-f]{12}\.faiss")
    for former in list(path.parent.iterdir()):
        if former != file and ours.fullmatch(former.name):
            former.unlink(missing_ok=True)
    return graph


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise DataError(
            'an index needs the extra: pip install "mirzoo[search]"; without --index every '
            "recording is looked at"
        ) from error
    return faiss
