"""Several models on one decoding, and windows in threads: each result as it is alone."""

import threading
import time
import tracemalloc

import numpy as np
import pytest
import soundfile
from fake_models import TFLITE, FakeRunner, make_card

import mirzoo
from mirzoo import audio
from mirzoo.annotate import BATCH_WINDOWS, annotate, annotate_together
from mirzoo.errors import ArtefactError, AudioError, TooShortError
from mirzoo.runtimes.litert import LiteRTModel

RATE = 16000
OTHER_RATE = 22050


class Threaded(FakeRunner):
    """Computes in threads, some windows more slowly than those after them."""

    lanes = 3
    at_once = 1

    def predict_windows(self, windows):
        time.sleep(0.002 * (round(1e6 * abs(float(windows[0, 0]))) % 3))
        return super().predict_windows(windows)


class Failing(Threaded):
    """Cannot compute windows that are loud."""

    def predict_windows(self, windows):
        if np.abs(windows).max() > 0.9:
            raise self.error
        return super().predict_windows(windows)


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mirzoo")]


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n_samples).astype(np.float32)


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    soundfile.write(path, noise(3 * 44100 * 2).reshape(-1, 2), 44100)
    return path


def assert_same(received, expected):
    assert received.to_dict() == expected.to_dict()
    np.testing.assert_array_equal(received.probabilities, expected.probabilities)
    np.testing.assert_array_equal(received.times, expected.times)


@pytest.mark.parametrize("hop", [1600, 700])
@pytest.mark.parametrize("n_samples", [160, 1600, 1600 * BATCH_WINDOWS, 1600 * 40 + 640])
def test_windows_in_threads_give_what_one_thread_gives(n_samples, hop):
    waveform = noise(n_samples)
    progress, progress_alone = [], []
    alone = annotate(FakeRunner(hop_samples=hop), waveform, progress=progress_alone.append)
    received = annotate(Threaded(hop_samples=hop), waveform, progress=progress.append)
    assert_same(received, alone)
    assert progress == progress_alone


def test_litert_computes_in_as_many_threads_as_told(song):
    one, three = (LiteRTModel(TFLITE, make_card(), threads=threads) for threads in (1, 3))
    assert (one.lanes, three.lanes) == (0, 3)
    assert_same(three.annotate(song), one.annotate(song))


def test_several_models_give_what_each_gives_alone(song, monkeypatch):
    runners = [
        FakeRunner(),
        Threaded(name="threaded", hop_samples=800),
        Threaded(name="other_rate", sample_rate=OTHER_RATE),
        LiteRTModel(TFLITE, make_card(), threads=2),
    ]
    alone = [annotate(runner, song) for runner in runners]
    opened = []
    open_source = audio.open_source
    monkeypatch.setattr(
        audio, "open_source", lambda *given: opened.append(given[0]) or open_source(*given)
    )
    progress = []
    together = annotate_together(runners, song, progress=progress.append)
    assert opened == [song]
    for received, expected in zip(together, alone, strict=True):
        assert_same(received, expected)
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(3.0, abs=1e-3)
    assert annotate_together([], song) == []


def test_an_array_has_a_rate_where_models_differ_in_theirs():
    runners = [FakeRunner(), FakeRunner(sample_rate=OTHER_RATE)]
    waveform = noise(44100)
    with pytest.raises(AudioError, match=r"16000 and 22050 Hz.*source_rate"):
        annotate_together(runners, waveform)
    together = annotate_together(runners, waveform, source_rate=44100)
    for received, runner in zip(together, runners):
        assert_same(received, annotate(runner, waveform, source_rate=44100))


def test_settings_and_models_are_as_many(song):
    with pytest.raises(ValueError, match="shorter|longer"):
        annotate_together([FakeRunner()], song, decodings=[None, None])


def loud_after(seconds):
    waveform = noise(10 * RATE)
    waveform[round(seconds * RATE) :] *= 1.99
    return waveform


@pytest.mark.parametrize("error", [ArtefactError, RuntimeError, KeyboardInterrupt])
def test_an_error_in_the_middle_is_raised_as_it_is(error):
    runner = Failing()
    runner.error = error("in the middle")
    with pytest.raises(error, match="in the middle"):
        annotate(runner, loud_after(5))


def test_an_interrupt_while_decoding_is_raised():
    def interrupt(seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate(Threaded(), noise(10 * RATE), progress=interrupt)


def test_one_model_s_error_leaves_the_others_alone():
    runner = Failing()
    runner.error = ArtefactError("in the middle")
    long = Threaded(window_samples=12 * RATE, hop_samples=12 * RATE, min_samples=11 * RATE)
    waveform = loud_after(5)
    failed, good, short = annotate_together(
        [runner, Threaded(), long], waveform, return_errors=True
    )
    assert failed is runner.error
    assert_same(good, annotate(FakeRunner(), waveform))
    assert isinstance(short, TooShortError)
    with pytest.raises(ArtefactError, match="in the middle"):
        annotate_together([runner, Threaded()], waveform)


def test_what_is_wrong_with_the_recording_is_wrong_for_every_model():
    waveform = noise(10 * RATE)
    waveform[8 * RATE] = np.nan
    errors = annotate_together([Threaded(), FakeRunner()], waveform, return_errors=True)
    assert [type(error) for error in errors] == [AudioError, AudioError]
    with pytest.raises(AudioError, match="NaN"):
        annotate(Threaded(), waveform)


def test_interrupts_are_never_kept():
    runner = Failing()
    runner.error = KeyboardInterrupt("by the user")
    with pytest.raises(KeyboardInterrupt, match="by the user"):
        annotate_together([runner, Threaded()], loud_after(5), return_errors=True)


def test_memory_is_bounded_whatever_the_models_speed(tmp_path):
    class Forgetful(Threaded):
        def predict_windows(self, windows):
            time.sleep(0.003)
            tags = np.zeros((len(windows), 2), np.float32)
            return {"tags": tags, "embedding": np.zeros((len(windows), 40000), np.float32)}

    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for minute in range(2):
            file.write(noise(60 * RATE, seed=minute))
    models = [Forgetful(window_samples=RATE, hop_samples=RATE) for _ in range(2)]
    tracemalloc.start()
    annotate_together(models, path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 2 * 60 * RATE * 4 / 2


@pytest.mark.slow
def test_shipped_models_together_give_what_each_gives_alone(demo_clip):
    names = ["mel_cnn_tagger", "cqt_crnn_chords", "stft_crnn_melody"]
    models = [mirzoo.load(name, runtime="litert") for name in names]
    for received, model in zip(annotate_together(models, demo_clip), models, strict=True):
        assert received.to_dict() == model.annotate(demo_clip).to_dict()
