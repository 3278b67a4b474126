"""Checkpoints give their tensors, and nothing in them is run."""

from __future__ import annotations

import pickle
import struct
import zipfile

import numpy as np
import pytest

from mirzoo.errors import PullError
from mirzoo.ports._torch_checkpoint import read_tensors

NUMBERS = np.arange(6, dtype="<f4")


def pickled(*, rebuild="torch._utils\n_rebuild_tensor_v2", count=6, offset=0, strides=(3, 1)):
    """The pickle of ``{"w": a tensor of 2 x 3}``, as torch.save writes it, opcode by opcode."""
    return b"".join(
        [
            b"\x80\x02}X\x01\0\0\0w",
            b"c" + rebuild.encode() + b"\n(",
            b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK",
            bytes([count]),
            b"tQ",
            bytes([ord("K"), offset]),
            b"K\x02K\x03\x86",
            bytes([ord("K"), strides[0], ord("K"), strides[1]]),
            b"\x86\x89ccollections\nOrderedDict\n)RtRs.",
        ]
    )


def write(path, content, numbers=NUMBERS):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/data/0", numbers.tobytes())
    return path


def test_tensors_come_with_their_names_and_shapes(tmp_path):
    tensors = read_tensors(write(tmp_path / "w.pth", pickled()))
    assert list(tensors) == ["w"]
    np.testing.assert_array_equal(tensors["w"], NUMBERS.reshape(2, 3))


def test_strides_are_those_of_the_file(tmp_path):
    tensors = read_tensors(write(tmp_path / "w.pth", pickled(strides=(1, 2))))
    np.testing.assert_array_equal(tensors["w"], NUMBERS.reshape(3, 2).T)


@pytest.mark.parametrize("function", ["os\nsystem", "builtins\neval", "torch\nload"])
def test_no_function_but_that_of_tensors_is_called(tmp_path, function):
    named = function.replace("\n", r"\.")
    with pytest.raises(PullError, match=f"w.pth is not.*asks for {named}, which is not allowed"):
        read_tensors(write(tmp_path / "w.pth", pickled(rebuild=function)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 7}, "it has 6 numbers of 0, not 7"),
        ({"offset": 1}, "reaches outside"),
        ({"strides": (4, 1)}, "reaches outside"),
    ],
)
def test_a_tensor_stays_within_its_numbers(tmp_path, changes, message):
    with pytest.raises(PullError, match=message):
        read_tensors(write(tmp_path / "w.pth", pickled(**changes)))


@pytest.mark.parametrize("content", [b"\x80\x02K\x01.", b"\x80\x02}X\x01\0\0\0wK\x01s.", b"\x80"])
def test_what_holds_no_tensors_is_refused(tmp_path, content):
    with pytest.raises(PullError, match="w.pth"):
        read_tensors(write(tmp_path / "w.pth", content))


def test_what_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "w.pth").write_bytes(pickled())
    with pytest.raises(PullError, match="cannot be read as a PyTorch checkpoint"):
        read_tensors(tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "empty.pth", "w"):
        pass
    with pytest.raises(PullError, match="0 files called data.pkl"):
        read_tensors(tmp_path / "empty.pth")


def test_a_part_of_a_larger_checkpoint(tmp_path):
    """Numbers of NumPy next to it are skipped; asked for alone they are refused as before."""
    one = pickled()[2:-1]
    number = b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\x02\0\0\0f8\x89\x88tR"
    number += b"c_codecs\nencode\n(X\x01\0\0\0aX\x06\0\0\0latin1tRtR"
    both = b"\x80\x02}(X\x03\0\0\0net" + one + b"X\x02\0\0\0lr" + number + b"u."
    path = write(tmp_path / "w.pth", both)
    tensors = read_tensors(path, "net")
    np.testing.assert_array_equal(tensors["w"], NUMBERS.reshape(2, 3))
    with pytest.raises(PullError, match="w.pth has no part 'other'"):
        read_tensors(path, "other")
    with pytest.raises(PullError, match="asks for numpy.core.multiarray.scalar, which is not all"):
        read_tensors(path)


def stream(pickle_, numbers=NUMBERS, *, magic=0x1950A86A20F9469CFC6C, count=None, keys=("0",)):
    """What torch.save wrote before PyTorch 1.6: five pickles, then the numbers."""
    parts = [pickle.dumps(part, protocol=2) for part in (magic, 1001, {"little_endian": True})]
    count = len(numbers) if count is None else count
    behind = [pickle.dumps(list(keys), protocol=2), struct.pack("<q", count), numbers.tobytes()]
    return b"".join([*parts, pickle_, *behind])


def test_streams_are_read_too(tmp_path):
    (tmp_path / "w.pth").write_bytes(stream(pickled(strides=(1, 2))))
    tensors = read_tensors(tmp_path / "w.pth")
    np.testing.assert_array_equal(tensors["w"], NUMBERS.reshape(3, 2).T)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (stream(pickled(), magic=1), "neither a zip archive nor a stream"),
        (stream(pickled(rebuild="os\nsystem")), r"asks for os\.system, which is not allowed"),
        (stream(pickled(), count=7), "it has 7 numbers of 0, not 6"),
        (stream(pickled(count=9), count=9), "buffer is smaller than requested"),
        (stream(pickled(offset=1)), "reaches outside"),
        (stream(pickled(), keys=("1",)), "cannot be read"),
        (stream(pickled())[:60], "w.pth"),
        (b"", "neither a zip archive nor a stream"),
    ],
)
def test_a_stream_that_is_none_is_refused(tmp_path, content, message):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(PullError, match=message):
        read_tensors(tmp_path / "w.pth")
