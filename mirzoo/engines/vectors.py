"""Files of embeddings: what is in them, what made them, read and written whole.

A file has a row for each recording, or for each stretch of one, and states in its metadata which
model made it (`Origin`). Parquet files need the extra ``catalogue``, and are read and written
block by block; ``.npz`` files need NumPy alone, and are held in memory.

Columns: ``path`` (absolute; odd bytes of a name that is not UTF-8 as ``\\udcff``), ``start_s`` and
``duration_s`` (of the stretch, and of the recording), ``sha256``, ``size_bytes`` and
``modified_ns`` of the recording's file, ``embedding``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from mirzoo._support.files import printable, unfinished
from mirzoo._support.guards import reading
from mirzoo.errors import DataError

if TYPE_CHECKING:
    import pyarrow

KEY = "mirzoo"
FORMAT = 1
BLOCK_ROWS = 16384
OUTPUT = "output"
"""The folder in that of a catalogue which has its results."""

_ESCAPED = re.compile(r"\\u(dc[89a-f][0-9a-f]|dc5c)")
_UNESCAPED = {"dc5c": "\\"}
_REMEDY = "take another file, or replace this one with `mirzoo embed --overwrite`"
_REMEDY_IN_CATALOGUE = "remove it, and `mirzoo catalogue embed` makes what was in it again"


@dataclass(frozen=True)
class Origin:
    """What made the vectors of a file; two files can be compared only where it is the same.

    Parameters
    ----------
    model : str
        Name on the card.
    model_sha256 : str
        Of the file that computed.
    layers : {"last", "all"}
        As `mirzoo.annotate.ModelMethods.embed` takes it.
    over : {"clip", "time"}
        As `mirzoo.annotate.embed_recording` takes it.
    channel : str
        As `mirzoo.annotate.annotate` takes it.
    loaded_from : str
        The name, folder or file that the model was loaded from.
    runtime : str
        What computed it.
    mirzoo_version : str
        The version that began the file.
    """

    model: str
    model_sha256: str
    layers: Literal["last", "all"]
    over: Literal["clip", "time"]
    channel: str
    loaded_from: str
    runtime: str
    mirzoo_version: str

    def require_same(self, other: Origin, path: str | os.PathLike) -> None:
        """Raise a DataError where vectors of ``other`` do not belong into the file of this."""
        for name in ("model", "layers", "over", "channel", "model_sha256"):
            there, now = getattr(self, name), getattr(other, name)
            if there == now:
                continue
            hint = ""
            if name == "model_sha256":
                hint = ", of another version of the model"
                if self.runtime != other.runtime:
                    hint = f", as the runtime was '{self.runtime}' and is '{other.runtime}' now"
            raise DataError(
                f"{printable(path)} has embeddings with {name} {there!r}, and these would have "
                f"{now!r}{hint}: they are never mixed, as they cannot be compared; take another "
                "file, or make it anew with --overwrite"
            )


class Entry(NamedTuple):
    """A recording of a file, without its vectors."""

    path: str
    sha256: str
    size_bytes: int
    modified_ns: int
    duration_s: float


@dataclass
class Block:
    """Rows: a recording each, where it starts (s), and its vector.

    Parameters
    ----------
    entries : list of Entry
        Of each row.
    starts_s : array, float64, shape (rows,)
    vectors : array, float32, shape (rows, size)
    """

    entries: list[Entry]
    starts_s: np.ndarray
    vectors: np.ndarray

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> Block:
        """Put blocks together; there must be one."""
        return cls(
            [entry for block in blocks for entry in block.entries],
            np.concatenate([block.starts_s for block in blocks]),
            np.concatenate([block.vectors for block in blocks]),
        )

    def take(self, rows: Sequence[int], entries: list[Entry]) -> Block:
        """Take rows, with the entries that they have from now on."""
        return Block(entries, self.starts_s[rows], self.vectors[rows])

    def __len__(self) -> int:
        return len(self.entries)


class Index(NamedTuple):
    """A file without its vectors.

    ``contents`` is a hash of what is in it: the origin, and the path and content of every
    recording.
    """

    origin: Origin
    contents: str
    entries: list[Entry]


@dataclass(frozen=True)
class Format:
    """How files of a suffix are read and written.

    Parameters
    ----------
    read : callable
        Gives the metadata, and the entry of each row.
    blocks : callable
        Gives the rows block by block.
    write : callable
        Takes a path, the metadata as text, the size of vectors, and blocks.
    require : callable
        Raises where a package is missing.
    """

    read: Callable[[Path], tuple[str | None, list[Entry]]]
    blocks: Callable[[Path], Iterator[Block]]
    write: Callable[[Path, str, int, Iterator[Block]], None]
    require: Callable[[], object]


def format_of(path: str | os.PathLike) -> Format:
    """The format of a file, by its suffix.

    Raises
    ------
    DataError
        If there is none of that suffix, or a package is missing.

    Examples
    --------
    >>> format_of("music.csv")
    Traceback (most recent call last):
    mirzoo.errors.DataError: 'music.csv' is no file of embeddings; allowed are .parquet, .npz
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise DataError(
            f"'{printable(path)}' is no file of embeddings; allowed are {', '.join(FORMATS)}"
        )
    FORMATS[suffix].require()
    return FORMATS[suffix]


def read_index(path: str | os.PathLike) -> Index:
    """Read what made a file, and its recordings, each once.

    Parameters
    ----------
    path : path
        A file, or the folder of a catalogue of embeddings, whose files count as one.

    Raises
    ------
    DataError
        If there is no such file, it is damaged, or none of embeddings.
    """
    found = [_index_of(file) for file in _files(Path(path))]
    origin = found[0].origin
    if len(found) == 1:
        return found[0]
    for other in found[1:]:
        origin.require_same(other.origin, path)
    entries = list(dict.fromkeys(entry for index in found for entry in index.entries))
    return Index(origin, _contents(origin, entries), entries)


def _index_of(path: Path) -> Index:
    form = format_of(path)
    if not path.exists():
        raise DataError(f"{printable(path)} does not exist; `mirzoo embed` writes such files")
    with _reading(path):
        text, entries = form.read(path)
        if text is None:
            raise ValueError("its metadata do not name a model of mirzoo")
        stated = json.loads(text)
        if stated["format"] > FORMAT:
            raise DataError(
                f"{printable(path)} was written by a newer version of mirzoo (format "
                f"{stated['format']}; this one reads {FORMAT})"
            )
        origin = Origin(**{field.name: stated[field.name] for field in fields(Origin)})
        return Index(origin, stated["contents"], list(dict.fromkeys(entries)))


def _reading(path: Path) -> AbstractContextManager[None]:
    in_catalogue = path.parent.name == OUTPUT and (path.parents[1] / "catalogue.json").exists()
    remedy = _REMEDY_IN_CATALOGUE if in_catalogue else _REMEDY
    return reading(printable(path), "file of embeddings", DataError, remedy)


def _files(path: Path) -> list[Path]:
    """A file itself, and those of a folder of a catalogue."""
    if not path.is_dir():
        return [path]
    files = sorted((path / OUTPUT).glob("[!.]*.parquet"))
    if not files:
        raise DataError(
            f"the folder {printable(path)} has no {OUTPUT}/*.parquet; `mirzoo catalogue embed` "
            "writes such folders, and `mirzoo embed` files"
        )
    return files


def read_blocks(path: str | os.PathLike) -> Generator[Block, None, None]:
    """Read the rows of a file, or of a catalogue's files, block by block.

    Raises
    ------
    DataError
        If it is damaged.
    """
    for file in _files(Path(path)):
        with _reading(file):
            yield from format_of(file).blocks(file)


def write(
    path: str | os.PathLike,
    origin: Origin,
    entries: Iterable[Entry],
    size: int,
    blocks: Iterator[Block],
) -> None:
    """Write a file, or leave what was there.

    Parameters
    ----------
    path : path
        A ``.parquet`` or ``.npz`` file.
    origin : Origin
    entries : iterable of Entry
        Of the recordings that ``blocks`` have.
    size : int
        Of the vectors.
    blocks : iterator of Block

    Raises
    ------
    DataError
        If it cannot be written.
    """
    form = format_of(path)
    said = {"format": FORMAT, "contents": _contents(origin, entries), **asdict(origin)}
    try:
        with unfinished(path) as new:
            form.write(new, json.dumps(said), size, blocks)
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be written ({error})") from error


def _contents(origin: Origin, entries: Iterable[Entry]) -> str:
    digest = hashlib.sha256(json.dumps(asdict(origin), sort_keys=True).encode())
    for line in sorted(f"{entry.sha256} {escaped(entry.path)}\n" for entry in entries):
        digest.update(line.encode())
    return digest.hexdigest()


def escaped(path: str) -> str:
    """A path as UTF-8 can have it.

    A name that has such an escape in letters gets ``\\udc5c`` in the place of its backslash.

    Examples
    --------
    >>> escaped(os.fsdecode(b"F\\xfcr Elise"))
    'F\\\\udcfcr Elise'
    >>> unescaped(escaped(os.fsdecode(b"F\\xfcr Elise"))) == os.fsdecode(b"F\\xfcr Elise")
    True
    """
    path = _ESCAPED.sub(r"\\udc5cu\1", path)
    return path.encode("utf-8", "backslashreplace").decode()


def unescaped(path: str) -> str:
    """The path that `escaped` was given."""
    return _ESCAPED.sub(lambda found: _UNESCAPED.get(found[1]) or chr(int(found[1], 16)), path)


def require_pyarrow() -> None:
    """Raise a DataError where pyarrow is missing."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise DataError(
            'Parquet files need the extra: pip install "mirzoo[catalogue]"; or take a .npz file'
        ) from error


def _read_parquet(path: Path) -> tuple[str | None, list[Entry]]:
    from pyarrow import parquet

    with parquet.ParquetFile(path, page_checksum_verification=True) as file:
        text = (file.schema_arrow.metadata or {}).get(KEY.encode())
        if text is None:
            return None, []
        found: dict[Entry, None] = {}
        for batch in file.iter_batches(BLOCK_ROWS, columns=list(_COLUMNS)):
            found.update(dict.fromkeys(_entries(batch)))
        return text.decode(), list(found)


def _parquet_blocks(path: Path) -> Iterator[Block]:
    from pyarrow import parquet

    with parquet.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(BLOCK_ROWS):
            column = batch.column("embedding")
            vectors = column.flatten().to_numpy(zero_copy_only=False)
            yield Block(
                _entries(batch),
                batch.column("start_s").to_numpy(zero_copy_only=False),
                vectors.reshape(len(column), column.type.list_size),
            )


def _entries(batch: pyarrow.RecordBatch) -> list[Entry]:
    columns = [batch.column(name).to_pylist() for name in _COLUMNS]
    return [Entry(unescaped(path), *rest) for path, *rest in zip(*columns, strict=True)]


def _write_parquet(path: Path, said: str, size: int, blocks: Iterator[Block]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types = {
        "path": pa.string(),
        "start_s": pa.float64(),
        "duration_s": pa.float64(),
        "sha256": pa.string(),
        "size_bytes": pa.int64(),
        "modified_ns": pa.int64(),
        "embedding": pa.list_(pa.float32(), size),
    }
    schema = pa.schema(types.items(), metadata={KEY: said})
    # Dictionaries make the repeated columns small, and vectors only larger.
    of_words = ["path", "sha256", "duration_s", "size_bytes", "modified_ns"]
    with parquet.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=of_words, write_page_checksum=True
    ) as file:
        for block in _gathered(blocks):
            flat = pa.array(np.ascontiguousarray(block.vectors).reshape(-1), pa.float32())
            columns: dict[str, Any] = {
                "start_s": block.starts_s,
                "embedding": pa.FixedSizeListArray.from_arrays(flat, size),
                "path": [escaped(entry.path) for entry in block.entries],
            }
            for name in _COLUMNS[1:]:
                columns[name] = [getattr(entry, name) for entry in block.entries]
            file.write_table(pa.table([columns[name] for name in types], schema=schema))


def _gathered(blocks: Iterator[Block]) -> Iterator[Block]:
    """Blocks of some rows, out of many small ones."""
    waiting: list[Block] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) >= BLOCK_ROWS:
            yield Block.of(waiting)
            waiting = []
    if waiting:
        yield Block.of(waiting)


def _read_npz(path: Path) -> tuple[str | None, list[Entry]]:
    if not zipfile.is_zipfile(path):  # NumPy would take it for a pickle
        raise ValueError("it is no archive of arrays, or not whole")
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        if KEY not in file:
            return None, []
        columns = [file[name].tolist() for name in _COLUMNS]
        entries = [Entry(unescaped(path), *rest) for path, *rest in zip(*columns, strict=True)]
        return str(file[KEY]), entries


def _npz_blocks(path: Path) -> Iterator[Block]:
    entries = _read_npz(path)[1]
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        block = Block(entries, file["start_s"], file["embedding"])
    if not len(block.entries) == len(block.starts_s) == len(block.vectors):
        raise ValueError("its columns differ in length")
    yield block


def _write_npz(path: Path, said: str, size: int, blocks: Iterator[Block]) -> None:
    given = list(blocks)
    empty = Block([], np.zeros(0), np.zeros((0, size), np.float32))
    block = Block.of(given) if given else empty
    columns = {name: [getattr(entry, name) for entry in block.entries] for name in _COLUMNS}
    columns["path"] = [escaped(path) for path in columns["path"]]
    arrays: dict[str, Any] = {
        name: np.array(values, _NPZ_TYPES[name]) for name, values in columns.items()
    }
    arrays |= {"start_s": block.starts_s, "embedding": block.vectors, KEY: np.array(said)}
    with path.open("wb") as file:
        np.savez(file, **arrays)


_COLUMNS = Entry._fields
_NPZ_TYPES: dict[str, Any] = dict(
    zip(_COLUMNS, (str, str, np.int64, np.int64, np.float64), strict=True)
)

FORMATS = {
    ".parquet": Format(_read_parquet, _parquet_blocks, _write_parquet, require_pyarrow),
    ".npz": Format(_read_npz, _npz_blocks, _write_npz, lambda: None),
}
