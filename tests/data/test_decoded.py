"""Decoded samples: cached by content, bounded, the same with and without, and timed."""

import os
import time

import numpy as np
import pytest
from own_clips import RATE, noise, write

from mirzoo import audio
from mirzoo.data import decoded
from mirzoo.data.decoded import LIMIT, Cache, clocked, inspect, inspect_all, read, read_all
from mirzoo.errors import AudioError, DataError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MIRZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(LIMIT, "1")
    return tmp_path / "home" / "decoded"


def entries(cache, ending):
    return sorted(cache.glob(f"*/*{ending}"))


def test_samples_are_the_same_with_and_without_the_cache(tmp_path, cache):
    path = write(tmp_path / "a.wav", noise(1, 2.0))
    plain = audio.read(path, 16000)
    np.testing.assert_array_equal(read(path, 16000), plain)
    assert len(entries(cache, "-16000.f32")) == len(entries(cache, ".json")) == 1
    again = read(path, 16000)
    assert isinstance(again, np.memmap)
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again, plain)


def test_what_moves_is_found_again_and_what_changes_is_not(tmp_path, cache, monkeypatch):
    path = write(tmp_path / "a.wav", noise(1))
    read(path, RATE)
    moved = path.rename(tmp_path / "b.wav")
    monkeypatch.setattr(audio, "Reader", None)  # nothing is decoded again
    assert len(read(moved, RATE)) == RATE // 2
    monkeypatch.undo()
    monkeypatch.setenv("MIRZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(LIMIT, "1")
    write(moved, noise(2))
    os.utime(moved, ns=(1, 1))
    np.testing.assert_array_equal(read(moved, RATE), audio.read(moved, RATE))


def test_the_cache_can_be_off_and_a_wrong_limit_is_refused(tmp_path, cache, monkeypatch):
    path = write(tmp_path / "a.wav", noise(1))
    monkeypatch.setenv(LIMIT, "0")
    assert len(read(path, RATE)) == RATE // 2
    assert inspect(path).rate == RATE
    assert not cache.exists()
    monkeypatch.setenv(LIMIT, "much")
    with pytest.raises(DataError, match="MIRZOO_DECODED_GB is 'much'"):
        read(path, RATE)


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    cache = Cache(tmp_path / "cache", limit_gb=50e-6)
    paths = [write(tmp_path / f"{n}.wav", noise(n)) for n in range(4)]
    for number, path in enumerate(paths):  # 16 kB each
        assert cache.fill(path, RATE)
        os.utime(cache._entry(path, f"-{RATE}.f32"), (1000 + number, 1000 + number))
    assert cache.samples(paths[0], RATE) is not None  # is used now
    cache.trim()
    assert [cache.samples(path, RATE) is not None for path in paths] == [True, False, True, True]


def test_where_there_is_no_room_samples_are_decoded_all_the_same(
    tmp_path, cache, monkeypatch, caplog
):
    path = write(tmp_path / "a.wav", noise(1))
    cache.parent.mkdir()
    cache.write_text("a file where the folder should be")
    np.testing.assert_array_equal(read(path, RATE), audio.read(path, RATE))
    assert "cannot be cached" in caplog.text


def test_sources_are_read_in_their_order_and_errors_come_in_their_turn(tmp_path, cache):
    paths = [write(tmp_path / f"{n}.wav", np.full(100, n / 16)) for n in range(9)]
    (tmp_path / "5.wav").write_text("not audio")
    given = read_all([(path, None) for path in paths], RATE)
    for number in range(5):
        np.testing.assert_allclose(next(given), number / 16, atol=1e-4)
    with pytest.raises(AudioError, match=r"5\.wav"):
        next(given)


def test_only_a_few_sources_are_decoded_ahead(monkeypatch):
    monkeypatch.setattr(decoded, "cores", lambda: 2)
    given = iter(range(100))
    taken = read_all(((np.zeros(10), n) for n in iter(lambda: next(given) * 0 + RATE, None)), RATE)
    next(taken)
    time.sleep(0.05)
    assert next(given) <= 2 * decoded.AHEAD + 1
    taken.close()


def test_what_is_seen_of_a_recording(tmp_path, cache):
    loud = np.clip(3 * np.sin(np.arange(RATE) / 20), -1, 1)
    samples = np.round(noise(1) * 32768).astype(np.int16)
    sources = {
        "noise": (write(tmp_path / "noise.wav", samples), None),
        "flac": (write(tmp_path / "noise.flac", samples), None),
        "array": (samples, RATE),
        "loud": (write(tmp_path / "loud.wav", loud), None),
        "silent": (np.zeros(RATE), RATE),
        "peaks": (np.tile(np.eye(1, 10)[0], RATE // 10), RATE),  # none next to another
        "broken": (tmp_path / "missing.wav", None),
    }
    seen = dict(zip(sources, inspect_all(sources.values())))
    assert seen["noise"] == seen["flac"]
    assert seen["noise"].digest == seen["array"].digest
    assert seen["noise"].duration_s == 0.5
    assert seen["noise"].rate == RATE
    assert [name for name in sources if getattr(seen[name], "is_clipped", False)] == ["loud"]
    assert 0.5 < seen["loud"].clipped < 0.9
    assert [name for name in sources if getattr(seen[name], "silent", False)] == ["silent"]
    assert isinstance(seen["broken"], AudioError)
    assert inspect_all(sources.values())[0] == seen["noise"]  # from the cache


def test_clipping_of_one_channel_counts(tmp_path):
    stereo = np.stack([noise(1, 1.0), np.clip(3 * noise(2, 1.0, 1.0), -1, 1)], axis=1)
    assert inspect(write(tmp_path / "a.wav", stereo)).is_clipped


def test_the_share_of_time_spent_decoding(monkeypatch):
    monkeypatch.setattr(audio, "read", lambda *args, **options: time.sleep(0.1))
    with clocked() as clock:
        read(np.zeros(10), RATE, source_rate=RATE)
        list(read_all([(np.zeros(10), RATE)], RATE))
        time.sleep(0.2)
    share = clock.share
    assert 0.3 < share < 0.7
    time.sleep(0.05)
    assert clock.share == share
