"""What a sound file states of its length, read from its own bytes before anything is decoded.

Decoders are generous: a file that was cut short, joined from two, or damaged in the middle comes
out shorter than it should be, and nothing is reported. `inspect` therefore walks through the
containers whose structure tells (RIFF, RF64, W64, AIFF, AU, CAF, MP3, FLAC, Ogg) and gives what is
stated, what is wrong, and the pieces that a decoder should be given: a chained Ogg has several, an
MP3 without a usable header gets one that counts its frames.

References
----------
ISO/IEC 11172-3 (MPEG frames); the Xing/LAME info tag as mpg123 and LAME write it; RFC 3533 (Ogg);
RFC 9639 (FLAC); EBU Tech 3306 (RF64); Apple Core Audio Format 1.0.
"""

from __future__ import annotations

import io
import mmap
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Piece = bytes | tuple[int, int]
"""Bytes, or the offset and the length of a stretch of the file."""

UNKNOWN_32 = 0xFFFFFFFF
LEAST_UNKNOWN_32 = 0x7FFFF000  # what programs write that don't know the length yet
MOST_JUNK = 1 << 16  # before the first frame of an mp3
INFO_TAGS = (b"Xing", b"Info", b"VBRI")
MPEG_IN_WAV = (b"\x50\0", b"\x55\0")  # format tags
MOST_BEHIND = 4096
"""Bytes behind the samples that may be no chunk, such as a tag: of more it is told."""


@dataclass
class Link:
    """A stretch of a file that is decoded by itself.

    ``pieces`` are None where it is the whole file as it is. ``frames`` is how many samples of a
    channel it should give, None where nothing tells, and ``slack`` by how many a right decoder may
    fall short of that (priming and padding of the codec).
    """

    pieces: Sequence[Piece] | None = None
    frames: int | None = None
    slack: int = 0


@dataclass
class Stated:
    """What a file's bytes tell before it is decoded.

    Parameters
    ----------
    links : list of Link
        At least one.
    faults : list of str
        What is damaged or missing; empty for a whole file.
    doubts : list of str
        What may be missing, and cannot be known.
    """

    links: list[Link] = field(default_factory=lambda: [Link()])
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


class Spliced(io.RawIOBase):
    """A file put together from bytes and stretches of another file, without copying it."""

    def __init__(self, path: Path, pieces: Sequence[Piece]) -> None:
        self._file = path.open("rb")
        self._pieces = [
            (piece, len(piece)) if isinstance(piece, bytes) else (piece[0], piece[1])
            for piece in pieces
        ]
        self._size = sum(length for _, length in self._pieces)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        done, start = 0, 0
        for piece, length in self._pieces:
            inside = self._position - start
            if 0 <= inside < length and done < len(view):
                count = min(length - inside, len(view) - done)
                if isinstance(piece, bytes):
                    view[done : done + count] = piece[inside : inside + count]
                else:
                    self._file.seek(piece + inside)
                    count = self._file.readinto(view[done : done + count])
                if not count:
                    break
                done += count
                self._position += count
            start += length
        return done

    def close(self) -> None:
        self._file.close()
        super().close()


def inspect(path: Path) -> Stated | None:
    """Walk through a file; None where its container is none of those that are known here."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        if size < 12:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            walk = _walker(data[:64])
            return None if walk is None else walk(data)


def _walker(start: bytes) -> Callable[[mmap.mmap], Stated | None] | None:
    for magic, walk in (
        (b"RIFF", _riff),
        (b"RF64", _riff),
        (b"BW64", _riff),
        (b"riff\x2e\x91\xcf\x11", _w64),
        (b"FORM", _aiff),
        (b".snd", _au),
        (b"caff", _caf),
        (b"fLaC", _flac),
        (b"OggS", _ogg),
        (_ASF, _asf),
        (b"TTA1", _tta),
    ):
        if start.startswith(magic):
            return walk
    is_mpeg = len(start) > 1 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0
    if start[4:8] == b"ftyp":
        return _mp4
    return _mp3 if start.startswith(b"ID3") or is_mpeg else None


# Samples in one chunk


NO_SAMPLES = "it has no chunk of samples: its header is damaged, or it ends there"


def _chunk(
    data: mmap.mmap,
    begin: int,
    stated: int | None,
    what: str,
    at: int,
    layout: str,
    extra: int = 0,
    slack: int = 0,
) -> Stated:
    """Judge a chunk of samples that begins at a byte and goes on for as many as stated.

    The field at the byte ``at``, packed as in ``layout``, states its length and ``extra`` bytes;
    decoders are given a file whose field is right. What follows the samples must be chunks.
    """
    size = len(data)
    there = size - begin
    if there < 0 or (stated is not None and stated < 0):
        return Stated(faults=[NO_SAMPLES])
    behind = None
    if stated is not None and stated <= there:
        behind = _no_chunk(data, begin + stated)
        if behind is None:
            return Stated([Link(slack=slack)])
        if data[behind : behind + 4] in _BEGINNINGS:
            first = Link([(0, behind)], slack=slack)  # libsndfile refuses the two together
            return Stated([first], [_another(behind)])
    width = struct.calcsize(layout)
    largest = 2 ** (8 * width - (layout[-1] == "q")) - 1
    right = struct.pack(layout, min(there + extra, largest))
    link = Link([(0, at), right, (at + width, size - at - width)], slack=slack)
    if behind is not None:
        doubt = (
            f"its {what} states {stated:,} bytes of samples, and {size - behind:,} follow that are "
            "no chunk: they are taken for samples"
        )
        return Stated([link], doubts=[doubt])
    if stated is None:
        return Stated([link])
    lost = f"{stated - there:,} lost"
    fault = f"its {what} states {stated:,} bytes of samples, {there:,} are there ({lost})"
    return Stated([link], [fault])


_BEGINNINGS = (b"RIFF", b"RF64", b"BW64", b"FORM", b".snd", b"caff")


def _another(at: int) -> str:
    return f"another file begins inside it, at byte {at:,}; join files with a program for sound"


def _no_chunk(data: mmap.mmap, at: int) -> int | None:
    """Where something behind the samples is no chunk, but another file or more samples."""
    kind = data[:4]
    layout, width = {b"FORM": (">I", 4), b"caff": (">q", 8)}.get(kind, ("<I", 4))
    while at + 4 + width <= len(data):
        if kind != b"caff" and at % 2 and not _is_name(data[at : at + 4]):
            at += 1
        name = data[at : at + 4]
        if name in _BEGINNINGS:
            return at
        tag = _after_tags(data, at)
        if tag > at:
            at = tag
            continue
        if not _is_name(name) or kind == b".snd":
            is_little = len(data) - at <= MOST_BEHIND
            return None if is_little or not _holds_more(data, at) else at
        length = struct.unpack(layout, data[at + 4 : at + 4 + width])[0]
        if length < 0:
            return None
        at += 4 + width + length
    return None


def _holds_more(data: mmap.mmap, at: int) -> bool:
    """Whether there is more than zeros from a byte on."""
    return any(data[a : a + MOST_JUNK].strip(b"\0") for a in range(at, len(data), MOST_JUNK))


def _is_name(name: bytes) -> bool:
    return all(32 <= byte < 127 for byte in name)


def _riff(data: mmap.mmap) -> Stated | None:
    if data[8:12] == b"AVI ":
        stated = struct.unpack("<I", data[4:8])[0]
        lost = stated + 8 - len(data) if stated < LEAST_UNKNOWN_32 else 0
        return Stated(faults=[f"{lost:,} bytes of it are missing"] if lost > 0 else [])
    if data[8:12] != b"WAVE":
        return None
    size, at, ds64, slack = len(data), 12, 0, 0
    while at + 8 <= size:
        name, length = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        if name == b"ds64" and at + 24 <= size:
            ds64 = at + 16
        if name == b"fmt " and data[at + 8 : at + 10] in MPEG_IN_WAV:
            slack = FRAME_SLACK * 1152
        if name == b"data":
            begin = at + 8
            if ds64 and length == UNKNOWN_32:
                stated = struct.unpack("<Q", data[ds64 : ds64 + 8])[0]
                known = None if stated in (0, 2**64 - 1) else stated
                return _chunk(data, begin, known, "ds64 chunk", ds64, "<Q", slack=slack)
            if length >= LEAST_UNKNOWN_32:
                return Stated([Link(slack=slack)])
            known = None if length == 0 and size > begin else length
            return _chunk(data, begin, known, "data chunk", at + 4, "<I", slack=slack)
        at += 8 + length + length % 2
    return Stated(faults=[NO_SAMPLES])


def _w64(data: mmap.mmap) -> Stated | None:
    size, at = len(data), 40
    while at + 24 <= size:
        length = struct.unpack("<Q", data[at + 16 : at + 24])[0]
        if data[at : at + 4] == b"data":
            known = None if length in (0, 2**64 - 1, 2**63 - 1) else length - 24
            return _chunk(data, at + 24, known, "data chunk", at + 16, "<Q", 24)
        if length < 24:
            break
        at += (length + 7) // 8 * 8
    return Stated(faults=[NO_SAMPLES])


def _aiff(data: mmap.mmap) -> Stated | None:
    if data[8:12] not in (b"AIFF", b"AIFC"):
        return None
    size, at = len(data), 12
    while at + 8 <= size:
        name, length = data[at : at + 4], struct.unpack(">I", data[at + 4 : at + 8])[0]
        if name == b"SSND":
            begin = at + 8
            is_unknown = length >= LEAST_UNKNOWN_32 or (length <= 8 and size > begin + 8)
            return _chunk(data, begin, None if is_unknown else length, "SSND chunk", at + 4, ">I")
        at += 8 + length + length % 2
    return Stated(faults=[NO_SAMPLES])


def _au(data: mmap.mmap) -> Stated | None:
    begin, length = struct.unpack(">II", data[4:12])
    if length in (0, UNKNOWN_32):
        return Stated()
    return _chunk(data, begin, length, "header", 8, ">I")


def _caf(data: mmap.mmap) -> Stated | None:
    size, at = len(data), 8
    while at + 12 <= size:
        name, length = data[at : at + 4], struct.unpack(">q", data[at + 4 : at + 12])[0]
        if name == b"data":
            known = None if length < 0 else length
            return _chunk(data, at + 12, known, "data chunk", at + 4, ">q")
        if length < 0:
            break
        at += 12 + length
    return Stated(faults=[NO_SAMPLES])


# Containers that ffmpeg reads: it stops where another file begins

_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")


def _asf(data: mmap.mmap) -> Stated | None:
    second = data.find(_ASF, len(_ASF))
    return Stated(faults=[_another(second)] if second > 0 else [])


def _tta(data: mmap.mmap) -> Stated | None:
    at = 0
    while (at := data.find(b"TTA1", at + 4)) > 0:
        if zlib.crc32(data[at : at + 18]) == int.from_bytes(data[at + 18 : at + 22], "little"):
            return Stated(faults=[_another(at)])
    return Stated()


def _mp4(data: mmap.mmap) -> Stated | None:
    at, n_indices, latest = 0, 0, 0
    while at + 16 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if name == b"ftyp":
            latest = at
        n_indices += name == b"moov"
        if n_indices > 1:
            return Stated(faults=[_another(latest)])
        if length < 8:
            break
        at += length
    return Stated()


# MPEG audio

_BITRATES = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}  # kbit/s, by version (2 stands for 2.5 as well) and layer
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
FRAME_SLACK = 3  # frames that decoders leave out at the beginning and at the end


@dataclass(frozen=True)
class _MpegFrame:
    length: int
    samples: int
    rate: int
    channels: int
    layer: int
    version: int


def _frame_lengths() -> dict[int, _MpegFrame]:
    """Every header's bytes 2 to 4 (without those that do not matter) to the frame it begins."""
    frames = {}
    for version, layer_bits, bitrate, rate, padding in (
        (v, layer, b, r, p)
        for v in (3, 2, 0)
        for layer in (3, 2, 1)
        for b in range(1, 15)
        for r in range(3)
        for p in (0, 1)
    ):
        layer = 4 - layer_bits
        kbps = _BITRATES[1 if version == 3 else 2, layer][bitrate]
        hz = _RATES[version][rate]
        if layer == 1:
            samples, length = 384, (12000 * kbps // hz + padding) * 4
        else:
            samples = 1152 if layer == 2 or version == 3 else 576
            length = samples // 8 * 1000 * kbps // hz + padding
        key = version << 11 | layer_bits << 9 | bitrate << 4 | rate << 2 | padding << 1
        frames[key] = _MpegFrame(length, samples, hz, 0, layer, version)
    return frames


_FRAMES = _frame_lengths()


def _frame_at(data: mmap.mmap | bytearray, at: int) -> _MpegFrame | None:
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    key = (data[at + 1] & 0x1E) << 8 | data[at + 2] & 0xFE
    return _FRAMES.get(key)


def _mp3(data: mmap.mmap) -> Stated | None:
    begin = _after_tags(data, 0)
    first = _next_frame(data, begin, None)
    kind = None if first is None else _frame_at(data, first)
    if first is None or kind is None or first - begin > MOST_JUNK:
        return None
    end = _before_tags(data, first)
    at = first
    faults: list[str] = []
    runs: list[list[int]] = [[first, first]]  # stretches of whole frames
    counts: list[tuple[bytes | None, int | None, int]] = []  # each part: header, stated, frames
    n_frames = 0
    while at < end:
        frame = _frame_at(data, at)
        if frame is None or frame.rate != kind.rate or frame.layer != kind.layer:
            resumed = _after_tags(data, at)
            if resumed == at:
                if _is_padding(data, at, end):
                    break
                following = _next_frame(data, at + 1, kind)
                lost = (end if following is None else following) - at
                faults.append(f"{lost:,} bytes at byte {at:,} are no frames of MPEG audio")
                if following is None:
                    break
                resumed = following
            at = resumed
            runs.append([at, at])
            continue
        if at + frame.length > end:
            faults.append(f"its last frame is cut short ({end - at} of {frame.length} bytes)")
            break
        info = _info_tag(data, at, frame)
        if info is not None:
            counts.append((info, _info_frames(data, at, info), 0))
            if runs[-1][0] == at:
                runs[-1] = [at + frame.length, at + frame.length]
            else:
                runs.append([at + frame.length, at + frame.length])
        else:
            if not counts:
                counts.append((None, None, 0))
            header, stated, seen = counts[-1]
            counts[-1] = (header, stated, seen + 1)
            runs[-1][1] = at + frame.length
            n_frames += 1
        at += frame.length
    if n_frames == 0:
        return None
    for _, stated, seen in counts:
        if stated is not None and seen < stated - 1:
            faults.append(f"its header states {stated:,} frames and {seen:,} are there")
    total = n_frames * kind.samples
    slack = FRAME_SLACK * kind.samples
    is_as_stated = (
        len(counts) == 1 and counts[0][1] is not None and abs(counts[0][1] - n_frames) <= 1
    )
    if is_as_stated and not faults:
        return Stated([Link(None, total, slack)])
    music: list[Piece] = [(a, b - a) for a, b in runs if b > a]
    pieces = [_info_frame(data, first, kind, n_frames, sum(b - a for a, b in runs)), *music]
    return Stated([Link(pieces, total, slack)], faults)


def _next_frame(data: mmap.mmap, at: int, like: _MpegFrame | None) -> int | None:
    """The first byte from ``at`` on at which two frames follow each other."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            return None
        frame = _frame_at(data, at)
        if frame is not None and (like is None or frame.rate == like.rate):
            following = at + frame.length
            after = _frame_at(data, following)
            if (after is not None and after.rate == frame.rate) or following == len(data):
                return at
        at += 1


def _after_tags(data: mmap.mmap, at: int) -> int:
    """Behind the ID3v2 and APE tags that begin here."""
    while True:
        head = data[at : at + 32]
        if head[:3] == b"ID3" and len(head) >= 10:
            size = 0
            for byte in head[6:10]:
                size = size << 7 | byte & 0x7F
            at += 10 + size + (10 if head[5] & 0x10 else 0)
        elif head[:8] == b"APETAGEX" and len(head) == 32:
            at += 32 + struct.unpack("<I", head[12:16])[0]
        elif head[:3] == b"TAG" and _frame_at(data, at + 128) is not None:
            at += 128
        else:
            return min(at, len(data))


def _before_tags(data: mmap.mmap, begin: int) -> int:
    """Where the ID3v1, Lyrics3 and APE tags at a file's end begin."""
    end = len(data)
    if end - begin > 128 and data[end - 128 : end - 125] == b"TAG":
        end -= 128
    if data[max(begin, end - 9) : end] == b"LYRICS200":
        end -= 15 + int(data[end - 15 : end - 9] or b"0")
    foot = data[max(begin, end - 32) : end]
    if foot[:8] == b"APETAGEX" and len(foot) == 32:
        end -= struct.unpack("<I", foot[12:16])[0]
        if data[max(begin, end - 32) : end][:8] == b"APETAGEX":
            end -= 32
    return max(begin, end)


def _is_padding(data: mmap.mmap, at: int, end: int) -> bool:
    """Whether only zeros, or a tag of an unusual kind, are left."""
    return not data[at:end].strip(b"\0") or data[at : at + 3] in (b"TAG", b"ID3")


def _side_info(frame: _MpegFrame, is_mono: bool) -> int:
    if frame.version == 3:
        return 17 if is_mono else 32
    return 9 if is_mono else 17


def _info_tag(data: mmap.mmap, at: int, frame: _MpegFrame) -> bytes | None:
    """The name of the info tag that a frame holds instead of music."""
    if frame.layer != 3:
        return None
    is_mono = data[at + 3] >> 6 == 3
    for place in (at + 4 + _side_info(frame, is_mono), at + 36):
        name = data[place : place + 4]
        if name in INFO_TAGS and (name != b"VBRI" or place == at + 36):
            return name
    return None


def _info_frames(data: mmap.mmap, at: int, name: bytes) -> int | None:
    place = data.find(name, at, at + 48)
    if name == b"VBRI":
        return struct.unpack(">I", data[place + 14 : place + 18])[0] or None
    flags, frames = struct.unpack(">II", data[place + 4 : place + 12])
    return frames if flags & 1 and frames not in (0, UNKNOWN_32) else None


def _info_frame(
    data: mmap.mmap, first: int, kind: _MpegFrame, n_frames: int, n_bytes: int
) -> bytes:
    """A frame that states how many follow, with the encoder's delay where the file's own does."""
    if kind.layer != 3:
        return b""
    own = _frame_at(data, first)
    name = None if own is None else _info_tag(data, first, own)
    if own is not None and name is not None and name in (b"Xing", b"Info"):
        frame = bytearray(data[first : first + own.length])
        place = frame.find(name)
        flags = struct.unpack(">I", frame[place + 4 : place + 8])[0]
        if flags & 1:
            frame[place + 8 : place + 12] = struct.pack(">I", n_frames)
            if flags & 2:
                frame[place + 12 : place + 16] = struct.pack(">I", own.length + n_bytes)
            return bytes(frame)
    head = bytearray(data[first : first + 4])
    head[1] |= 1  # no checksum
    place = 4 + _side_info(kind, is_mono=head[3] >> 6 == 3)
    length = 0
    for bitrate in range(1, 15):
        head[2] = bitrate << 4 | head[2] & 0x0C
        made = _frame_at(head, 0)
        length = 0 if made is None else made.length
        if length >= place + 12:
            break
    frame = bytearray(head) + bytes(length - 4)
    frame[place : place + 12] = b"Info" + struct.pack(">II", 1, n_frames)
    return bytes(frame)


# FLAC


def _flac(data: mmap.mmap) -> Stated | None:
    starts = [0]
    while (at := data.find(b"fLaC", starts[-1] + 4)) >= 0:
        if data[at + 4] & 0x7F == 0 and data[at + 5 : at + 8] == b"\0\0\x22":
            starts.append(at)
        else:
            break
    links: list[Link] = []
    faults: list[str] = []
    for start, end in zip(starts, [*starts[1:], len(data)]):
        if start + 42 > end:
            faults.append("its header is cut short")
            continue
        packed = int.from_bytes(data[start + 18 : start + 26], "big")
        total = packed & (1 << 36) - 1
        if total:
            links.append(Link(None if len(starts) == 1 else [(start, end - start)], total))
            continue
        found = _flac_total(data, start, end)
        if found is None:
            faults.append("it states no length, and its last frame cannot be found")
            links.append(Link())
            continue
        field = (packed & ~((1 << 36) - 1) | found).to_bytes(8, "big")
        pieces: list[Piece] = [(start, 18), field, (start + 26, end - start - 26)]
        links.append(Link(pieces, found))
    return Stated(links or [Link()], faults)


def _flac_total(data: mmap.mmap, start: int, end: int) -> int | None:
    """How many samples there are, by the number that the last frame carries."""
    smallest = int.from_bytes(data[start + 8 : start + 10], "big")
    at = end
    while (at := data.rfind(b"\xff", start + 42, at)) >= 0:
        if data[at + 1 : at + 2] in (b"\xf8", b"\xf9") and at + 16 < end:
            found = _flac_frame(data, at, smallest)
            if found is not None:
                return found
    return None


def _flac_frame(data: mmap.mmap, at: int, fixed_size: int) -> int | None:
    """The number of the sample behind a frame; None where no frame begins here."""
    head = data[at : at + 16]
    size_code, rate_code = head[2] >> 4, head[2] & 0x0F
    if size_code == 0 or rate_code == 15 or head[3] & 1 or head[3] >> 4 > 10:
        return None
    number, used = _utf8_number(head[4:])
    if number is None:
        return None
    at_end = 4 + used
    if size_code == 6:
        size, at_end = head[at_end] + 1, at_end + 1
    elif size_code == 7:
        size, at_end = int.from_bytes(head[at_end : at_end + 2], "big") + 1, at_end + 2
    elif size_code == 1:
        size = 192
    else:
        size = 576 << size_code - 2 if size_code <= 5 else 256 << size_code - 8
    at_end += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if at_end >= len(head) or _crc8(head[:at_end]) != head[at_end]:
        return None
    is_variable = head[1] & 1
    return number + size if is_variable else number * fixed_size + size


def _utf8_number(coded: bytes) -> tuple[int | None, int]:
    first = coded[0]
    if first < 0x80:
        return first, 1
    length = 8 - (first ^ 0xFF).bit_length()
    if not 2 <= length <= 7 or len(coded) < length:
        return None, 0
    number = first & (0x7F >> length)
    for byte in coded[1:length]:
        if byte & 0xC0 != 0x80:
            return None, 0
        number = number << 6 | byte & 0x3F
    return number, length


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


# Ogg

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _ogg_crc(page: bytes) -> int:
    """The CRC-32, from 0 and most significant bit first, of a page whose own is zeroed."""
    crc = zlib.crc32(page.translate(_REVERSED), UNKNOWN_32) ^ UNKNOWN_32
    return int.from_bytes(crc.to_bytes(4, "little").translate(_REVERSED), "big")


def _ogg(data: mmap.mmap) -> Stated | None:
    at, faults, doubts = 0, [], []
    begins = [0]  # of the links of a chain
    is_beginning, ended = True, False
    while at < len(data):
        if data[at : at + 4] != b"OggS":
            found = data.find(b"OggS", at)
            if not data[at : len(data) if found < 0 else found].strip(b"\0"):
                break
            lost = (len(data) if found < 0 else found) - at
            faults.append(f"{lost:,} bytes at byte {at:,} are no page of Ogg")
            if found < 0:
                break
            at = found
        if at + 27 > len(data) or at + 27 + data[at + 26] > len(data):
            faults.append("its last page is cut short")
            break
        segments = data[at + 26]
        length = 27 + segments + sum(data[at + 27 : at + 27 + segments])
        if at + length > len(data):
            faults.append(f"its last page is cut short ({len(data) - at} of {length} bytes)")
            break
        page = data[at : at + length]
        if _ogg_crc(page[:22] + bytes(4) + page[26:]) != int.from_bytes(page[22:26], "little"):
            faults.append(f"the page at byte {at:,} is damaged (its checksum is wrong)")
            at = (
                data.find(b"OggS", at + 4)
                if data[at + length : at + length + 4] != b"OggS"
                else (at + length)
            )
            if at < 0:
                break
            continue
        begins_stream, ended = bool(page[5] & 2), bool(page[5] & 4)
        if begins_stream and not is_beginning:
            begins.append(at)
        is_beginning = begins_stream
        at += length
    if not faults and not ended:
        doubts.append("its stream has no mark of its end: it may have been cut between two pages")
    if len(begins) == 1:
        return Stated([Link()], faults, doubts)
    ends = [*begins[1:], len(data)]
    return Stated([Link([(a, b - a)]) for a, b in zip(begins, ends)], faults, doubts)
