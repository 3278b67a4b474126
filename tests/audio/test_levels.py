"""Input that cannot be meant is named; unusual music passes without a word."""

import os
import re
import threading

import numpy as np
import pytest
import soundfile

from mirzoo import audio
from mirzoo.audio import Reader
from mirzoo.errors import AudioError

RATE = 16000


def music(seconds=2.0, seed=0):
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * RATE)) / RATE
    return (
        0.3 * np.sin(2 * np.pi * 220 * time_s) + 0.05 * rng.standard_normal(len(time_s))
    ).astype(np.float32)


def warnings_of(samples, **options):
    reader = Reader(samples, RATE, **options)
    assert sum(map(len, reader)) > 0
    return reader.warnings


@pytest.mark.parametrize(
    "samples",
    [
        music() * (1.5 / 0.5),  # an mp3 that peaks at 1.5
        music() * 4.0,  # a float mix at +12 dB
        np.stack([music(), 0.9 * music() + 0.01 * music(seed=1)], 1),  # nearly mono
        np.stack([music(seed=1), music(seed=2)], 1),
        music() + 0.001,  # an offset of -60 dB
        music() * 0.01,  # quiet, but music
    ],
    ids=["mp3", "mix", "near mono", "wide", "small offset", "quiet"],
)
def test_unusual_music_passes_without_a_word(samples):
    assert warnings_of(samples.astype(np.float32)) == []


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (music() * 30.0, r"reach \d+\.\d \(\+\d+ dBFS\)"),
        (music() + 0.05, r"constant offset of \+0\.050"),
        (music() - 0.02, r"constant offset of -0\.020"),
        (np.stack([music(), -music()], 1), "cancel each other"),
        (np.stack([music(), -0.9 * music()], 1), "cancel each other"),
        (np.zeros(RATE, np.float32), "digital silence"),
        (music() * 1e-4, "it is silent"),
    ],
    ids=["loud", "offset", "negative offset", "anti-phase", "nearly", "silence", "nearly silent"],
)
def test_what_cannot_be_meant_is_named(samples, message):
    found = warnings_of(samples)
    assert len(found) in (1, 2)
    assert re.search(message, found[0])


def test_a_channel_of_one_s_choice():
    left, right = music(seed=1), music(seed=2)
    both = np.stack([left, right], 1)
    np.testing.assert_array_equal(audio.read(both, RATE, channel="left"), left)
    np.testing.assert_array_equal(audio.read(both, RATE, channel="right"), right)
    np.testing.assert_array_equal(audio.read(both, RATE, channel="mid"), audio.read(both, RATE))
    np.testing.assert_array_equal(audio.read(left, RATE, channel="right"), left)
    assert warnings_of(np.stack([left, -left], 1), channel="left") == []
    with pytest.raises(AudioError, match="channel is 'middle'; allowed are 'mean'"):
        audio.read(both, RATE, channel="middle")


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_the_mean_of_the_channels_is_exact(count):
    many = np.random.default_rng(0).standard_normal((1000, count)).astype(np.float32)
    np.testing.assert_array_equal(audio.read(many, RATE), many.mean(axis=1, dtype=np.float32))


@pytest.mark.parametrize("scale", [32767.0, 300.0])
def test_integers_in_the_guise_of_floats_are_an_error(scale, tmp_path):
    with pytest.raises(AudioError, match="16-bit integers"):
        audio.read(music() * scale, RATE)
    path = tmp_path / "song.wav"
    soundfile.write(path, music() * scale, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="16-bit integers"):
        audio.read(path, RATE)


def test_a_masked_array_is_an_error():
    samples = np.ma.masked_greater(music(), 0.2)
    with pytest.raises(AudioError, match="masked at [0-9,]+ samples"):
        audio.read(samples, RATE)
    np.testing.assert_array_equal(audio.read(np.ma.array(music()), RATE), music())


class Tensor:
    """As TensorFlow, PyTorch and JAX have it."""

    def __array__(self, dtype=None, copy=None):
        return music()


def test_tensors_are_arrays():
    np.testing.assert_array_equal(audio.read(Tensor(), RATE), music())


@pytest.mark.parametrize("rate", [float("inf"), float("nan"), 1e12, -5, 10**400, "44100", True])
def test_rates_that_cannot_be_are_refused_at_once(rate):
    with pytest.raises(AudioError, match="source_rate is"):
        audio.read(music(), RATE, source_rate=rate)


def test_a_pipe_without_a_writer_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("mirzoo.audio._decoders.PIPE_WAIT_S", 0.3)
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioError, match="is a pipe that gave nothing"):
        audio.read(tmp_path / "pipe.wav", RATE)


def test_a_pipe_with_a_writer_is_read(tmp_path):
    soundfile.write(tmp_path / "song.flac", music(), RATE)
    os.mkfifo(tmp_path / "pipe.flac")

    def write():
        (tmp_path / "pipe.flac").write_bytes((tmp_path / "song.flac").read_bytes())

    writer = threading.Thread(target=write)
    writer.start()
    received = audio.read(tmp_path / "pipe.flac", RATE)
    writer.join()
    np.testing.assert_array_equal(received, audio.read(tmp_path / "song.flac", RATE))
