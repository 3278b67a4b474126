"""Files of strangers: what is wrong with them becomes one kind of error, and sizes have bounds."""

from __future__ import annotations

import csv
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from mirzoo.errors import ArtefactError, MirzooError

DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    csv.Error,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    StopIteration,
    SystemError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What libraries raise of a damaged file, each in its own way."""


@contextmanager
def reading(
    path: str | os.PathLike,
    what: str,
    kind: type[MirzooError] = ArtefactError,
    remedy: str = "get the model again, or save it anew",
) -> Iterator[None]:
    """Turn whatever a library raises while it reads a file into one kind of error.

    Parameters
    ----------
    path : str or path
        The file.
    what : str
        What it should be, for the message: "SavedModel".
    kind : class
        Of the error.
    remedy : str
        What to do then.

    Raises
    ------
    MirzooError
        Of that kind, which names the file, what is wrong and a remedy; errors of mirzoo pass as
        they are.
    """
    try:
        yield
    except MirzooError:
        raise
    except Exception as error:
        if not isinstance(error, DAMAGE) and not type(error).__module__.startswith(
            ("tensorflow", "google.protobuf", "onnxruntime", "h5py", "keras")
        ):
            raise
        reason = str(error).strip().partition("\n")[0][:300] or type(error).__name__
        raise kind(f"{path} is damaged, or no {what} ({reason}); {remedy}") from error


def inflate(packed: bytes, most: int) -> bytes:
    """Unpack zlib's bytes, of at most ``most``.

    Raises
    ------
    ValueError
        If there are more.
    zlib.error
        If they are damaged.
    """
    stream = zlib.decompressobj()
    content = stream.decompress(packed, most)
    if stream.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {most:,} bytes")
    if not stream.eof:
        raise ValueError("it is cut short")
    return content


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Read a member of a zip archive of at most ``most`` bytes.

    Raises
    ------
    KeyError
        If there is no such member.
    ValueError
        If it is larger, whatever the archive states.
    """
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} unpacks to more than {most:,} bytes")
    return content
