"""From any recording to tags: windows, time stamps, weights, memory and bad input."""

import io
import math
import tracemalloc

import numpy as np
import pytest
import soundfile
from fake_models import FakeRunner

from mirzoo.annotate import BATCH_WINDOWS, annotate
from mirzoo.errors import ArtefactError, AudioError, MirzooError
from mirzoo.tasks.tagging import Tags

RATE = 16000


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n_samples).astype(np.float32)


def tone(seconds, sample_rate, channels=1, frequency=440.0):
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    mono = (0.4 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)
    return mono if channels == 1 else np.tile(mono[:, None], (1, channels))


def expected_windows(waveform, window, hop, pad_left):
    """Windows and starts, from the definition: until one covers the last sample."""
    padded = np.concatenate([np.zeros(pad_left, np.float32), waveform])
    count = 1 + max(0, math.ceil((len(padded) - window) / hop))
    padded = np.pad(padded, (0, window + count * hop))
    starts = [k * hop for k in range(count)]
    return np.stack([padded[s : s + window] for s in starts]), np.array(starts) - pad_left


@pytest.mark.parametrize(("hop", "pad_left"), [(1600, 0), (800, 0), (1472, 256), (1000, 700)])
@pytest.mark.parametrize("n_samples", [640, 1440, 1600, 1760, 3200, 4800, 32000])
def test_windows_cover_the_recording_once_and_in_place(n_samples, hop, pad_left):
    waveform = noise(n_samples)
    runner = FakeRunner(hop_samples=hop, pad_left_samples=pad_left, min_samples=1)
    tags = annotate(runner, waveform)
    windows, starts = expected_windows(waveform, 1600, hop, pad_left)
    np.testing.assert_array_equal(runner.windows, windows)
    np.testing.assert_array_equal(np.round(tags.times * RATE), starts)
    assert tags.duration_s == n_samples / RATE
    assert tags.window_s == 0.1


@pytest.mark.parametrize("n_samples", [1, 161, 1599, 1601, 5003, 70001])
def test_the_length_is_known_to_the_sample(n_samples):
    tags = annotate(FakeRunner(min_samples=1), noise(n_samples))
    assert tags.duration_s == n_samples / RATE


def test_the_last_window_counts_by_the_music_in_it():
    waveform = np.concatenate([np.full(1600, 0.5), np.full(640, 0.1)]).astype(np.float32)
    tags = annotate(FakeRunner(), waveform)
    last = 2 * 0.1 * 640 / 1600
    np.testing.assert_allclose(tags.probabilities[:, 0], [1.0, last], rtol=1e-5)
    np.testing.assert_allclose(tags.mean[0], (1600 * 1.0 + 640 * last) / 2240, rtol=1e-5)


def test_a_rest_shorter_than_the_minimum_is_left_out():
    runner = FakeRunner(min_samples=640)
    tags = annotate(runner, noise(1600 + 480))
    assert len(tags.times) == len(runner.windows) == 1
    assert tags.duration_s == (1600 + 480) / RATE


def test_padding_before_the_recording_does_not_make_it_long_enough():
    with pytest.raises(AudioError, match="too short"):
        annotate(FakeRunner(min_samples=640, pad_left_samples=700), noise(480))


def test_a_recording_shorter_than_a_window_is_padded():
    runner = FakeRunner()
    waveform = noise(320)
    tags = annotate(runner, waveform)
    np.testing.assert_array_equal(runner.windows, [np.pad(waveform, (0, 1280))])
    assert [label for label, _ in tags.top()] == ["loud", "rising"] or len(tags.top()) == 2


def test_one_shorter_than_the_minimum_says_how_long_it_must_be(tmp_path):
    soundfile.write(tmp_path / "click.wav", noise(64), RATE)
    message = r"click\.wav is too short: it has 0\.004 s.*fake_tagger.*0\.020 s \(320 samples"
    with pytest.raises(AudioError, match=message):
        annotate(FakeRunner(min_samples=320), tmp_path / "click.wav")


def test_batches_are_small():
    runner = FakeRunner()
    annotate(runner, noise(1600 * (2 * BATCH_WINDOWS + 3)))
    assert [len(batch) for batch in runner.batches] == [BATCH_WINDOWS, BATCH_WINDOWS, 3]
    assert all(batch.dtype == np.float32 for batch in runner.batches)


def test_memory_does_not_grow_with_the_recording(tmp_path):
    class Forgetful(FakeRunner):
        def predict_windows(self, windows):
            outputs = super().predict_windows(windows)
            self.batches.clear()
            return {"tags": outputs["tags"]}

    minutes = 5
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for minute in range(minutes):
            file.write(noise(60 * RATE, seed=minute))
    tracemalloc.start()
    tags = annotate(Forgetful(window_samples=16000, hop_samples=16000), path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert tags.duration_s == minutes * 60
    whole_bytes = minutes * 60 * RATE * 4
    assert peak_bytes < whole_bytes / 2


def test_progress_ends_at_the_end():
    seen = []
    annotate(FakeRunner(), noise(1600 * 40 + 640), progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) == 3
    assert seen[-1] == (1600 * 40 + 640) / RATE


def test_a_path_a_file_object_and_an_array_say_the_same(tmp_path):
    waveform = noise(8000)
    path = tmp_path / "noise.flac"
    soundfile.write(path, waveform, RATE, subtype="PCM_24")
    from_path = annotate(FakeRunner(), path)
    from_str = annotate(FakeRunner(), str(path))
    from_file = annotate(FakeRunner(), io.BytesIO(path.read_bytes()))
    with path.open("rb") as file:
        from_open_file = annotate(FakeRunner(), file)
    from_array = annotate(FakeRunner(), waveform)
    for tags in (from_str, from_file, from_open_file):
        np.testing.assert_array_equal(tags.probabilities, from_path.probabilities)
    np.testing.assert_allclose(from_array.probabilities, from_path.probabilities, atol=1e-5)
    assert from_path.source == from_str.source == from_open_file.source == str(path)
    assert from_file.source is from_array.source is None
    assert from_path.model == "fake_tagger"


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 192000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_any_channels_give_the_same_tags(tmp_path, sample_rate, channels):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(1.0, sample_rate, channels), sample_rate)
    expected = annotate(FakeRunner(), tone(1.0, RATE))
    tags = annotate(FakeRunner(), path)
    assert len(tags.times) == len(expected.times)
    np.testing.assert_allclose(tags.mean, expected.mean, atol=0.01)
    from_array = annotate(FakeRunner(), tone(1.0, sample_rate, channels), source_rate=sample_rate)
    np.testing.assert_allclose(from_array.mean, expected.mean, atol=0.01)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8"])
def test_integer_arrays_are_scaled(dtype):
    waveform = tone(0.5, RATE)
    full_scale = {"int16": 2**15, "int32": 2**31, "uint8": 2**7}[dtype]
    offset = 128 if dtype == "uint8" else 0
    integers = np.round(waveform.astype(np.float64) * full_scale + offset).astype(dtype)
    expected = annotate(FakeRunner(), waveform).mean[0]
    assert annotate(FakeRunner(), integers).mean[0] == pytest.approx(expected, abs=0.01)


def test_silence_is_heard_as_silence():
    tags = annotate(FakeRunner(), np.zeros(RATE, np.float32))
    np.testing.assert_array_equal(tags.probabilities, 0.0)
    assert tags.duration_s == 1.0


def test_silence_at_the_end_belongs_to_the_recording():
    waveform = np.concatenate([noise(1600), np.zeros(1600, np.float32)])
    tags = annotate(FakeRunner(), waveform)
    assert tags.duration_s == 0.2
    assert len(tags.times) == 2


def _truncated_flac(path):
    soundfile.write(path, noise(RATE), RATE)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _no_samples(path):
    soundfile.write(path, np.zeros(0, np.float32), RATE)


def _not_finite(path):
    waveform = noise(RATE)
    waveform[5000] = np.nan
    soundfile.write(path, waveform, RATE, subtype="FLOAT")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("missing.wav", lambda path: None),
        ("folder.wav", lambda path: path.mkdir()),
        ("empty.wav", lambda path: path.write_bytes(b"")),
        ("truncated.flac", _truncated_flac),
        ("header_only.wav", lambda path: path.write_bytes(b"RIFF\x24\0\0\0WAVE")),
        ("notes.mp3", lambda path: path.write_text("dear diary, " * 100)),
        ("no_samples.wav", _no_samples),
        ("not_finite.wav", _not_finite),
    ],
)
def test_bad_files_are_named(tmp_path, name, make):
    make(tmp_path / name)
    with pytest.raises(AudioError, match=name):
        annotate(FakeRunner(), tmp_path / name)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(0, np.float32),
        np.zeros((2, 3, 1600), np.float32),
        np.zeros((2, RATE), np.float32),
        np.float32(0.5) * np.ones(()),
        np.full(RATE, np.nan, np.float32),
        np.full(RATE, np.inf, np.float32),
        np.zeros(RATE, complex),
        np.zeros(RATE, bool),
        np.array(["a"] * 3200),
    ],
    ids=["no samples", "batch", "transposed", "scalar", "nan", "inf", "complex", "bool", "text"],
)
def test_bad_arrays_are_refused(array):
    with pytest.raises(AudioError):
        annotate(FakeRunner(), array)


@pytest.mark.parametrize("source", [None, 3, [0.0, 0.1], {"path": "x.wav"}])
def test_what_is_no_source_at_all_is_refused(source):
    with pytest.raises(AudioError, match="not audio"):
        annotate(FakeRunner(), source)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"tags": np.full((1, 2), np.nan)}, "not finite"),
        ({"tags": np.zeros((1, 3))}, "labels"),
        ({"salience": np.zeros((1, 2))}, "salience"),
        ({"tags": np.full((1, 2), 7.5)}, "logits"),
    ],
)
def test_a_model_that_answers_nonsense_is_caught(outputs, message):
    runner = FakeRunner()
    runner.predict_windows = lambda windows: outputs
    with pytest.raises(MirzooError, match=message) as caught:
        annotate(runner, noise(1600))
    assert isinstance(caught.value, ArtefactError) or message == "logits"


def test_tags_per_frame_are_averaged_in_their_window():
    runner = FakeRunner()
    frames = np.array([[[0.2, 0.9], [0.4, 0.7]]])
    runner.predict_windows = lambda windows: {"tags": frames}
    np.testing.assert_allclose(annotate(runner, noise(1600)).probabilities, [[0.3, 0.8]])


def odd(runner=None, **options):
    rng = np.random.default_rng(0)
    left = rng.uniform(-0.3, 0.3, 16000).astype(np.float32)
    return annotate(runner or FakeRunner(), np.stack([left, -left], axis=1), **options)


def test_what_is_odd_about_a_recording_stands_on_its_annotation(tmp_path):
    (cancelled,) = odd().warnings[:1]
    assert "cancel each other" in cancelled
    assert odd(channel="left").warnings == ()
    assert "warnings" not in odd(channel="left").to_dict()
    for name in ("odd.json", "odd.jams"):
        odd().write(tmp_path / name)
        assert Tags.read(tmp_path / name).warnings == odd().warnings
    assert odd().to_dict()["warnings"] == list(odd().warnings)


def test_a_damaged_file_is_annotated_where_the_user_asks_for_it(tmp_path):
    path = tmp_path / "cut.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 160000), 16000)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match="cut short or damaged"):
        annotate(FakeRunner(), path)
    tags = annotate(FakeRunner(), path, allow_damaged=True)
    assert 3.0 < tags.duration_s < 6.0
    assert "only what could be decoded" in tags.warnings[0]
