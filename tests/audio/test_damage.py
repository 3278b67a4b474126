"""What was decoded is what the file holds, or there is an error, or a warning."""

import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile

from mirzoo import audio
from mirzoo.audio import Reader
from mirzoo.errors import AudioError

RATE = 44100
SECONDS = 6.0

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def thorough(test):
    """Of every container there is: in the slow tier, and where ffmpeg can write them."""
    return pytest.mark.slow(needs_ffmpeg(test))


# Suffix -> what ffmpeg is told besides. These are written to files, which it can go back in.
SEEKABLE = {
    ".wav": (),
    ".rf64.wav": ("-rf64", "always"),
    ".w64": (),
    ".aiff": (),
    ".au": (),
    ".caf": (),
    ".flac": (),
    ".ogg": ("-c:a", "libvorbis"),
    ".opus": ("-c:a", "libopus"),
    ".oga": ("-c:a", "flac"),
    ".mp3": ("-b:a", "128k"),
    ".vbr.mp3": ("-q:a", "2"),
    ".m4a": ("-c:a", "aac"),
    ".alac.m4a": ("-c:a", "alac"),
    ".aac": (),
    ".wma": (),
    ".wv": (),
    ".mka": ("-c:a", "libvorbis"),
    ".webm": ("-c:a", "libopus"),
    ".avi": ("-c:a", "mp3"),
}
# Suffix -> the container that ffmpeg writes to a pipe, where it cannot go back to state a length.
PIPED = {
    ".mp3": ("-f", "mp3", "-q:a", "2"),
    ".bare.mp3": ("-f", "mp3", "-q:a", "2", "-write_xing", "0"),
    ".flac": ("-f", "flac"),
    ".wav": ("-f", "wav"),
    ".w64": ("-f", "w64"),
    ".au": ("-f", "au"),
    ".caf": ("-f", "caf"),
    ".ogg": ("-f", "ogg", "-c:a", "libvorbis"),
    ".mka": ("-f", "matroska", "-c:a", "libvorbis"),
    ".webm": ("-f", "webm", "-c:a", "libopus"),
    ".aac": ("-f", "adts"),
    ".wv": ("-f", "wv"),
}
BARE_SAMPLES = {".wav", ".rf64.wav", ".w64", ".aiff", ".au", ".caf"}
JOINABLE = (".mp3", ".vbr.mp3", ".ogg", ".opus", ".flac")


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Six seconds of stereo whose second half is busier, so that VBR files have no even rate."""
    rng = np.random.default_rng(0)
    time_s = np.arange(int(SECONDS * RATE)) / RATE
    left = 0.3 * np.sin(2 * np.pi * 220 * time_s) + 0.05 * rng.standard_normal(len(time_s))
    right = 0.2 * np.sin(2 * np.pi * 331 * time_s)
    right += 0.1 * rng.standard_normal(len(time_s)) * (time_s > SECONDS / 2)
    path = tmp_path_factory.mktemp("song") / "song.wav"
    soundfile.write(path, np.stack([left, right], 1), RATE)
    return path


@pytest.fixture(scope="module")
def files(song):
    written = {}
    for suffix, options in SEEKABLE.items():
        path = song.with_name(f"seekable{suffix}")
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", song, *options, path], check=True)
        written[suffix] = path
    return written


def piped(song, suffix):
    path = song.with_name(f"piped{suffix}")
    command = ["ffmpeg", "-v", "error", "-i", str(song), *PIPED[suffix], "-"]
    path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return path


def broken(path, tmp_path, change):
    other = tmp_path / path.name
    other.write_bytes(change(path.read_bytes()))
    return other


def assert_whole(path, seconds=SECONDS):
    assert len(audio.read(path, 16000)) / 16000 == pytest.approx(seconds, abs=0.08)


def assert_damaged(path, *, least_s=0.5):
    with pytest.raises(AudioError, match="cut short or damaged|or is cut short"):
        audio.read(path, 16000)
    reader = Reader(path, 16000, allow_damaged=True)
    seconds = sum(map(len, reader)) / 16000
    assert least_s <= seconds
    assert len(reader.damage) >= 1
    assert "only what could be decoded" in reader.damage[0]
    assert reader.warnings[0] == reader.damage[0]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".aiff"])
def test_whole_joined_truncated_and_damaged_files(suffix, tmp_path):
    """Each kind of fault on short files; every container is in the slow tier."""
    path = tmp_path / f"short{suffix}"
    noise = 0.1 * np.random.default_rng(0).standard_normal((RATE, 2))
    soundfile.write(path, noise, RATE)
    assert_whole(path, 1.0)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    assert_damaged(path, least_s=0.2)
    if suffix in (".flac", ".ogg", ".mp3"):
        path.write_bytes(data * 2)
        assert_whole(path, 2.0)
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes(600) + data[middle + 600 :])
        assert_damaged(path, least_s=0.1)


@thorough
@pytest.mark.parametrize("suffix", SEEKABLE)
def test_a_whole_file_is_read_whole(files, suffix):
    assert_whole(files[suffix])


@thorough
@pytest.mark.parametrize("suffix", PIPED)
def test_a_file_that_states_no_length_is_read_whole(song, suffix):
    assert_whole(piped(song, suffix))


@thorough
@pytest.mark.parametrize("suffix", JOINABLE)
def test_joined_files_are_read_to_the_end(files, suffix, tmp_path):
    assert_whole(broken(files[suffix], tmp_path, lambda data: data * 3), 3 * SECONDS)


@thorough
@pytest.mark.parametrize("suffix", SEEKABLE)
def test_a_truncated_file_is_an_error(files, suffix, tmp_path):
    path = broken(files[suffix], tmp_path, lambda data: data[: len(data) * 6 // 10])
    if suffix in (".m4a", ".alac.m4a"):  # the index stands at the end: nothing can be decoded
        with pytest.raises(AudioError, match="cut short"):
            audio.read(path, 16000)
    else:
        assert_damaged(path)


@thorough
@pytest.mark.parametrize("suffix", SEEKABLE)
@pytest.mark.parametrize("fault", ["zeros", "noise", "gap"])
def test_a_damaged_block_is_an_error_wherever_it_can_be_known(files, suffix, fault, tmp_path):
    noise = np.random.default_rng(1).bytes(4096)

    def change(data):
        middle = len(data) // 2
        filling = {"zeros": bytes(4096), "noise": noise, "gap": b""}[fault]
        return data[:middle] + filling + data[middle + 4096 :]

    path = broken(files[suffix], tmp_path, change)
    if suffix in BARE_SAMPLES and fault != "gap":
        assert_whole(path)  # samples are not protected: zeros and noise are sounds too
    elif suffix in (".m4a", ".alac.m4a") and fault == "gap":
        with pytest.raises(AudioError, match="cut short"):
            audio.read(path, 16000)
    else:
        assert_damaged(path)


@thorough
def test_an_ogg_cut_between_two_pages_is_doubted(files, tmp_path):
    data = files[".ogg"].read_bytes()
    last = data.rfind(b"OggS")
    reader = Reader(broken(files[".ogg"], tmp_path, lambda _: data[:last]), 16000)
    assert sum(map(len, reader)) > 0
    assert any("no mark of its end" in warning for warning in reader.warnings)


def test_a_wav_whose_header_states_no_samples_is_read(song, tmp_path):
    def change(data):
        at = data.index(b"data") + 4
        return data[:at] + bytes(4) + data[at + 4 :]

    assert_whole(broken(song, tmp_path, change))


WRITTEN = {".wav": "WAV", ".aiff": "AIFF", ".au": "AU", ".caf": "CAF"}
LENGTHS = {".wav": (b"data", 4, "<I"), ".aiff": (b"SSND", 4, ">I"), ".au": (b".snd", 8, ">I")}


def written(song, suffix, tmp_path):
    path = tmp_path / f"song{suffix}"
    samples, rate = soundfile.read(song)
    soundfile.write(path, samples, rate, "PCM_16", format=WRITTEN[suffix])
    return path


@pytest.mark.parametrize("suffix", list(LENGTHS))
def test_samples_behind_the_stated_ones_are_read_with_a_warning(song, suffix, tmp_path):
    name, offset, layout = LENGTHS[suffix]
    path = written(song, suffix, tmp_path)
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, data.index(name) + offset, 200_000)
    path.write_bytes(data)
    reader = Reader(path, 16000)
    assert sum(map(len, reader)) / 16000 == pytest.approx(SECONDS, abs=0.08)
    assert "are taken for samples" in reader.warnings[0]


@pytest.mark.parametrize("suffix", list(WRITTEN))
def test_a_second_file_behind_the_samples_is_an_error(song, suffix, tmp_path):
    path = written(song, suffix, tmp_path)
    assert_damaged(broken(path, tmp_path, lambda data: data + data))


@thorough
@pytest.mark.parametrize("suffix", [".m4a", ".alac.m4a", ".wma"])
def test_a_second_file_that_ffmpeg_would_not_read_is_an_error(files, suffix, tmp_path):
    assert_damaged(broken(files[suffix], tmp_path, lambda data: data + data))


@pytest.mark.parametrize(
    "behind",
    [b"LIST\4\0\0\0abcd", b"LIST\3\0\0\0abcid3 \1\0\0\0x", b"TAG" + bytes(125), bytes(9000),
     b"ID3\x04\0\0\0\0\x4e\0" + b"\xff" * 9984, b"\xff" * 300],
)  # fmt: skip
def test_chunks_tags_and_padding_behind_the_samples_are_no_samples(song, behind, tmp_path):
    reader = Reader(broken(song, tmp_path, lambda data: data + behind), 16000)
    assert sum(map(len, reader)) == pytest.approx(SECONDS * 16000, abs=2)
    assert reader.warnings == []


@needs_ffmpeg
def test_an_mp3_in_a_wav_is_whole(song, tmp_path):
    path = tmp_path / "mp3.wav"
    options = ["-ar", "22050", "-ac", "1", "-c:a", "libmp3lame"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", song, *options, path], check=True)
    assert_whole(path)


@thorough
def test_an_mp3_between_tags_is_whole(files, tmp_path):
    before = b"ID3\x04\0\0" + bytes([0, 0, 2, 0]) + bytes(256)
    after = b"TAG" + bytes(125)
    assert_whole(broken(files[".mp3"], tmp_path, lambda data: before + data + after))


def test_a_chain_may_change_its_rate(song, tmp_path):
    parts = []
    for number, rate in enumerate((44100, 22050)):
        path = tmp_path / f"{number}.ogg"
        soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(2 * rate), rate)
        parts.append(path.read_bytes())
    chain = tmp_path / "chain.ogg"
    chain.write_bytes(b"".join(parts))
    assert_whole(chain, 4.0)


@pytest.mark.parametrize("name", ["noise.au", "noise.wav", "noise.mp3", "noise.aac", "noise.amr"])
def test_random_bytes_are_no_sound(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(np.random.default_rng(3).bytes(200_000))
    with pytest.raises(AudioError):
        audio.read(path, 16000)


def test_a_wav_without_its_header_is_no_sound(song, tmp_path):
    with pytest.raises(AudioError):
        audio.read(broken(song, tmp_path, lambda data: data[44:]), 16000)


@needs_ffmpeg
def test_a_playlist_named_like_a_song_opens_nothing(song, tmp_path):
    playlist = tmp_path / "song.m4a"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:6,\n{song}\n#EXT-X-ENDLIST\n")
    with pytest.raises(AudioError, match="not audio"):
        audio.read(playlist, 16000)
    concat = tmp_path / "song.mp3"
    concat.write_text(f"ffconcat version 1.0\nfile '{song}'\n")
    with pytest.raises(AudioError, match="not audio"):
        audio.read(concat, 16000)


def test_a_header_of_1_hz_is_refused_before_any_work(tmp_path):
    path = tmp_path / "slow.wav"
    samples = bytes(140_000)
    header = struct.pack("<IHHIIHH", 16, 1, 1, 1, 2, 2, 16)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + header
        + b"data" + struct.pack("<I", len(samples)) + samples
    )  # fmt: skip
    with pytest.raises(AudioError, match="sample rate of 1 Hz"):
        audio.read(path, 16000)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.au", b".snd" + struct.pack(">5I", 2**31, 100, 3, RATE, 1) + bytes(500)),
        ("x.au", b".snd" + struct.pack(">5I", 2**32 - 1, 2**32 - 2, 3, RATE, 1) + bytes(500)),
        (
            "x.w64",
            b"riff\x2e\x91\xcf\x11" + bytes(32) + b"data" + bytes(12) + bytes([9]) + bytes(99),
        ),
    ],
    ids=["far", "farthest", "short"],
)
def test_samples_that_begin_outside_the_file_are_an_error(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioError, match=name):
        audio.read(tmp_path / name, 16000)
