"""Any audio in, the same waveform out; whatever is not audio is refused by name."""

import io
import shutil
import subprocess
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from mirzoo import audio
from mirzoo.audio import _decoders
from mirzoo.errors import AudioError

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def tone(seconds=2.0, rate=44100, channels=2, hz=440.0):
    """A tone that is loudest in the first channel and silent in the last of several."""
    wave = 0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)
    return wave[:, None] * np.linspace(1, 0 if channels > 1 else 1, channels)


@pytest.fixture
def tone_file(tmp_path):
    def write(suffix, rate=44100, channels=2, seconds=2.0, **options):
        path = tmp_path / f"tone{suffix}"
        soundfile.write(path, tone(seconds, rate, channels), rate, **options)
        return path

    return write


def assert_is_tone(waveform, rate, hz=440.0, amplitude=0.25, tolerance=0.01):
    n = np.arange(len(waveform))
    middle = slice(len(n) // 4, 3 * len(n) // 4)
    basis = np.exp(-2j * np.pi * hz * n[middle] / rate)
    found = 2 * np.abs(np.mean(waveform[middle] * basis * np.hanning(len(basis)) * 2))
    assert found == pytest.approx(amplitude, abs=tolerance)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".aiff"])
def test_every_codec_gives_the_mono_mean_at_the_rate_asked_for(tone_file, suffix):
    waveform = audio.read(tone_file(suffix), 16000)
    assert waveform.dtype == np.float32
    assert waveform.ndim == 1
    assert len(waveform) == pytest.approx(32000, abs=1)
    assert_is_tone(waveform, 16000)


@needs_ffmpeg
def test_m4a_is_decoded_by_ffmpeg_from_a_path_and_from_a_file_object(tone_file, tmp_path):
    m4a = tmp_path / "tone.m4a"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tone_file(".wav"), m4a], check=True)
    waveform = audio.read(m4a, 16000)
    assert_is_tone(waveform, 16000)
    with m4a.open("rb") as file:
        np.testing.assert_array_equal(audio.read(file, 16000), waveform)


def test_without_ffmpeg_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    path = tmp_path / "song.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    with pytest.raises(AudioError, match="ffmpeg"):
        audio.read(path, 16000)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (192000, 2), (48000, 6), (16000, 1)])
def test_rates_and_channel_counts(tone_file, rate, channels):
    waveform = audio.read(tone_file(".wav", rate, channels), 16000)
    assert len(waveform) == 32000
    assert_is_tone(waveform, 16000, amplitude=0.5 if channels == 1 else 0.25)


def test_what_is_above_the_new_nyquist_frequency_is_gone_not_folded():
    high = tone(1.0, 44100, 1, hz=12000.0)
    assert np.abs(audio.read(high, 16000, source_rate=44100)[500:-500]).max() < 1e-3


def test_an_array_is_at_the_asked_rate_unless_it_says_otherwise():
    wave = tone(1.0, 16000, 1)
    np.testing.assert_array_equal(audio.read(wave, 16000), wave[:, 0].astype(np.float32))
    assert len(audio.read(wave, 8000, source_rate=16000)) == 8000


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([-(2**15), 0, 2**14], np.int16), [-1, 0, 0.5]),
        (np.array([-(2**31), 0, 2**30], np.int32), [-1, 0, 0.5]),
        (np.array([-128, 0, 64], np.int8), [-1, 0, 0.5]),
        (np.array([0, 128, 192], np.uint8), [-1, 0, 0.5]),
        (np.array([-1, 0, 0.5], np.float64), [-1, 0, 0.5]),
        (np.array([[1, 0], [0.5, -0.5], [0, 0]], np.float16), [0.5, 0, 0]),
        (np.array([3.0, -7.0]), [3.0, -7.0]),
        (np.zeros(5), [0] * 5),
    ],
)
def test_arrays_are_scaled_by_their_type_and_never_clipped(array, expected):
    np.testing.assert_allclose(audio.read(array, 16000), expected, atol=1e-7)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(0), "holds no samples"),
        (np.zeros((0, 2)), "holds no samples"),
        (np.array(0.5), "0 axes"),
        (np.zeros((1, 2, 3)), "3 axes"),
        (np.zeros((2, 44100)), "transposed"),
        (np.zeros(4, np.int64), "int64"),
        (np.zeros(4, bool), "bool"),
        (np.zeros(4, complex), "complex128"),
        (np.array(["a"]), "not a waveform"),
        (np.array([0.0, np.nan]), "NaN or infinite"),
        (np.array([0.0, -np.inf]), "NaN or infinite"),
        (np.array([1e300]), "NaN or infinite"),
        ([0.1, 0.2], "list"),
        (None, "NoneType"),
        (b"RIFF", "bytes"),
    ],
)
def test_what_is_not_a_waveform_is_refused(array, message):
    with pytest.raises(AudioError, match=message):
        audio.read(array, 16000)


def test_a_rate_does_not_make_a_list_a_file():
    for source in ([0.1, 0.2], b"RIFF"):
        with pytest.raises(AudioError, match="is not audio; allowed are"):
            audio.read(source, 16000, source_rate=16000)


def test_files_that_hold_no_audio_are_refused(tmp_path):
    empty = tmp_path / "empty.wav"
    empty.touch()
    text = tmp_path / "notes.mp3"
    text.write_text("these are not sounds\n" * 500)
    headed = tmp_path / "headed.wav"
    soundfile.write(headed, np.zeros((0, 1)), 16000)
    for path, message in (
        (tmp_path / "missing.wav", "does not exist"),
        (tmp_path, "is a folder"),
        (empty, "0 bytes"),
        (text, "is not audio|ffmpeg"),
        (headed, "holds no samples"),
    ):
        with pytest.raises(AudioError, match=message) as caught:
            audio.read(path, 16000)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".aiff"])
def test_a_cut_file_is_refused_where_it_states_its_length(tone_file, suffix):
    path = tone_file(suffix)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(AudioError, match="cut short"):
        audio.read(path, 16000)


def test_a_cut_ogg_gives_what_is_there_where_damage_is_allowed(tone_file):
    path = tone_file(".ogg", seconds=10.0)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 8 // 10])
    with pytest.raises(AudioError, match="last page is cut short"):
        audio.read(path, 16000)
    with pytest.warns(UserWarning, match="last page is cut short"):
        waveform = audio.read(path, 16000, allow_damaged=True)
    assert 16000 < len(waveform) < 160000
    assert_is_tone(waveform, 16000)


@needs_ffmpeg
@pytest.mark.parametrize("options", [(), ("-movflags", "faststart")])
def test_a_cut_m4a_is_refused(tone_file, tmp_path, options):
    m4a = tmp_path / "tone.m4a"
    source = tone_file(".wav", seconds=10.0)
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, *options, m4a], check=True)
    data = m4a.read_bytes()
    m4a.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(AudioError, match="cut short"):
        audio.read(m4a, 16000)


def test_a_wav_from_a_pipe_states_no_length_and_is_read_to_its_end(tone_file):
    path = tone_file(".wav", subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(audio.read(path, 16000)) == 32000


def test_nan_in_a_float_file_is_refused(tmp_path):
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.array([0.0, np.nan]), 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match="NaN"):
        audio.read(path, 16000)


def test_file_objects(tone_file):
    path = tone_file(".flac")
    with path.open("rb") as file:
        np.testing.assert_array_equal(audio.read(file, 16000), audio.read(path, 16000))
        with pytest.raises(AudioError, match="read to its end"):
            audio.read(file, 16000)
    with pytest.raises(AudioError, match="binary mode"):
        audio.read(io.StringIO("text"), 16000)


def test_a_rate_is_refused_where_the_file_states_one(tone_file):
    with pytest.raises(AudioError, match="source_rate=8000"):
        audio.read(tone_file(".wav"), 16000, source_rate=8000)


@pytest.mark.parametrize("rate", [0, -16000])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(AudioError, match="source_rate"):
        audio.read(np.zeros(100), 16000, source_rate=rate)
    with pytest.raises(AudioError, match="sample_rate"):
        audio.read(np.zeros(10), rate)


@pytest.mark.parametrize("hop", [5, 10, 20, 27])
@pytest.mark.parametrize("pad", [0, 7])
@pytest.mark.parametrize("n", [1, 5, 13, 20, 21, 40, 41, 300])
@pytest.mark.parametrize("block", [3, 1000])
def test_windows_are_where_they_say(n, hop, pad, block, monkeypatch):
    monkeypatch.setattr(_decoders, "BLOCK_FRAMES", block)
    samples = np.arange(1, n + 1, dtype=np.float32) / 1024  # exact, and a waveform
    padded = np.concatenate([np.zeros(pad, np.float32), samples])
    windows = list(audio.stream(samples, 10, window_samples=20, hop_samples=hop, pad_left=pad))
    for k, (start_s, window) in enumerate(windows):
        expected = padded[k * hop : k * hop + 20]
        np.testing.assert_array_equal(window[: len(expected)], expected)
        assert not window[len(expected) :].any()
        assert start_s == (k * hop - pad) / 10
    starts = range(0, len(padded), hop)
    covering = [start for start in starts if start == 0 or start + 20 - hop < len(padded)]
    assert len(windows) == len(covering)


def test_stream_and_read_hear_the_same(tone_file):
    path = tone_file(".ogg", seconds=5.0)
    joined = np.concatenate([window for _, window in audio.stream(path, 16000, 7001, 7001)])
    whole = audio.read(path, 16000)
    np.testing.assert_array_equal(joined[: len(whole)], whole)
    assert not joined[len(whole) :].any()


def test_windows_do_not_share_memory():
    windows = [window for _, window in audio.stream(np.ones(100), 10, 20, 10)]
    windows[0][:] = 7
    assert all((window == 1).all() for window in windows[1:])
    assert not any(np.shares_memory(a, b) for a, b in pairwise(windows))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path):
    peaks = []
    for minutes in (1, 8):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 44100, 2) as file:
            for _ in range(minutes):
                file.write(np.zeros((44100 * 60, 2), np.int16))
        tracemalloc.start()
        count = sum(1 for _ in audio.stream(path, 16000, 48128, 48128))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == -(-minutes * 60 * 16000 // 48128)
    assert peaks[1] < 1.2 * peaks[0] < 20e6


@pytest.mark.parametrize(("window", "hop"), [(0, 10), (10, 0), (-1, 10)])
def test_windows_of_no_length_are_refused(window, hop):
    with pytest.raises(AudioError, match="at least 1 sample"):
        next(audio.stream(np.ones(10), 10, window, hop))


@pytest.mark.slow
def test_real_recordings_are_read(real_music):
    for path in real_music:
        waveform = audio.read(path, 16000)
        info = soundfile.info(path)
        assert len(waveform) == pytest.approx(info.frames * 16000 / info.samplerate, abs=2)
        assert np.isfinite(waveform).all()
        assert np.abs(waveform).max() > 0.01


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_samples_are_those_that_libsndfile_converts(tmp_path, suffix, subtype):
    if not soundfile.check_format(suffix.upper(), subtype):
        pytest.skip(f"{suffix} has no {subtype}")
    samples = np.random.default_rng(0).uniform(-1, 1, (5000, 1))
    samples[:3, 0] = [-1.0, 1.0, 2.0**-31]
    path = tmp_path / f"noise.{suffix}"
    soundfile.write(path, samples, 16000, subtype=subtype)
    expected, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(audio.read(path, 16000), expected)
