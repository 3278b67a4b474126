"""Streams of audio: what they give, joined, is what annotate gives, whatever the blocks."""

import itertools
import threading

import numpy as np
import pytest
from fake_models import FakeRunner
from live_models import DECODING, QUICK, live_model, music

import mirzoo
from mirzoo.annotate import annotate
from mirzoo.annotate.live import Latency
from mirzoo.errors import AudioError, CardError, TooShortError
from mirzoo.tasks.base import TASKS

RATE = 48000


@pytest.fixture(scope="module")
def recording():
    return music(6.0, RATE, channels=2)


@pytest.fixture(scope="module", params=QUICK)
def annotated(request, recording):
    model, decoding = live_model(request.param), DECODING[request.param]
    return model, decoding, model.annotate(recording, source_rate=RATE, decoding=decoding)


def pieces(stream, waveform, sizes):
    """What a stream gives of a waveform in blocks of these sizes."""
    given, first = [], 0
    for size in itertools.cycle(sizes):
        if first >= len(waveform):
            break
        given.append(stream.push(waveform[first : first + size]))
        first += size
    return [piece for piece in [*given, stream.flush()] if piece is not None]


def assert_same(joined, expected):
    assert type(joined) is type(expected)
    assert joined.duration_s == pytest.approx(expected.duration_s, abs=1e-9)
    if isinstance(expected, mirzoo.Melody):
        np.testing.assert_allclose(joined.times, expected.times, atol=1e-9)
        np.testing.assert_allclose(joined.f0, expected.f0, rtol=1e-4)
        np.testing.assert_allclose(joined.confidence, expected.confidence, atol=1e-4)
    elif isinstance(expected, mirzoo.Chords):
        assert joined.labels == expected.labels
        np.testing.assert_allclose(joined.intervals, expected.intervals, atol=1e-9)
        np.testing.assert_allclose(joined.confidence, expected.confidence, atol=1e-4)
    elif isinstance(expected, mirzoo.Beats):
        np.testing.assert_allclose(joined.times, expected.times, atol=1e-3)
        np.testing.assert_array_equal(joined.positions, expected.positions)
        np.testing.assert_allclose(joined.confidence, expected.confidence, atol=1e-4)
    else:
        np.testing.assert_allclose(joined.times, expected.times, atol=1e-9)
        np.testing.assert_allclose(joined.probabilities, expected.probabilities, atol=1e-4)


def test_there_is_something_to_compare(annotated):
    _, _, result = annotated
    if isinstance(result, mirzoo.Melody):
        assert 0.1 < result.voiced.mean() < 0.9
        assert len(set(np.round(np.abs(result.f0)))) > 5
    elif isinstance(result, mirzoo.Chords):
        assert len(set(result.labels)) > 3
        assert any("/" in label for label in result.labels)
    elif isinstance(result, mirzoo.Beats):
        assert len(result.times) > 4 and len(set(result.positions)) > 1
        assert len(set(np.round(np.diff(result.times), 2))) > 1
    else:
        assert np.ptp(result.probabilities, axis=0).max() > 0.05


@pytest.mark.parametrize("sizes", [(1000,), (RATE,), (1, 7, 4096, 130), (100_000_000,)])
def test_a_stream_joined_is_the_annotation(annotated, recording, sizes):
    model, decoding, expected = annotated
    stream = mirzoo.stream(model, source_rate=RATE, channels=2, decoding=decoding)
    given = pieces(stream, recording, sizes)
    assert_same(type(given[0]).joined(given), expected)


def test_blocks_of_one_sample(annotated):
    model, decoding, _ = annotated
    waveform = music(0.5)[:, 0]
    stream = mirzoo.stream(model, source_rate=16000, decoding=decoding)
    given = pieces(stream, waveform, (1,))
    assert_same(type(given[0]).joined(given), model.annotate(waveform, decoding=decoding))


def test_integers_are_scaled_as_in_a_recording(annotated, recording):
    model, decoding, _ = annotated
    pcm = np.round(recording * 32767).astype(np.int16)
    stream = mirzoo.stream(model, source_rate=RATE, channels=2, decoding=decoding)
    given = pieces(stream, pcm, (5000,))
    expected = model.annotate(pcm, source_rate=RATE, decoding=decoding)
    assert_same(type(given[0]).joined(given), expected)


def test_a_generator_of_blocks_is_annotated(annotated, recording):
    model, decoding, expected = annotated
    blocks = (recording[first : first + 999] for first in range(0, len(recording), 999))
    assert_same(model.annotate(blocks, source_rate=RATE, decoding=decoding), expected)
    with pytest.raises(AudioError, match="generator of blocks states no rate: give source_rate"):
        model.annotate(block for block in [recording])
    mixed = iter([recording, recording[:, :1]])
    with pytest.raises(AudioError, match="a block of 1 channel behind blocks of 2"):
        model.annotate(mixed, source_rate=RATE)


def test_results_come_within_the_latency(annotated, recording):
    """Every result is there before its end is `latency_s` old, and not much earlier either."""
    model, decoding, _ = annotated
    block_s = 0.064
    stream = mirzoo.stream(model, source_rate=RATE, channels=2, decoding=decoding, block_s=block_s)
    size, decided_s, most = round(block_s * RATE), 0.0, 0.0
    every_s = (
        0.25
        if isinstance(stream.card.outputs[0].name, str) and model.card.task == "tagging"
        else 0.0
    )
    for first in range(0, len(recording), size):
        piece = stream.push(recording[first : first + size])
        if piece is not None:
            decided_s = piece.duration_s
        pushed_s = (first + size) / RATE
        if isinstance(piece, mirzoo.Beats):
            most = max(most, pushed_s - piece.times[0])
        elif decided_s and model.card.task != "beats":
            most = max(most, pushed_s - decided_s)
    assert most <= stream.latency_s + every_s
    assert most >= stream.latency_s - 3 * block_s
    parts = stream.latency
    assert parts.decoder_s == pytest.approx(decoding.get("lag_s", 0.0), abs=0.03)
    assert stream.latency_s == pytest.approx(
        parts.resampling_s + parts.analysis_s + parts.network_s + parts.decoder_s + parts.block_s
    )


def test_latency_is_told_by_part():
    latency = Latency(0.01, 0.05, 0.1, 0.2, 0.064)
    assert str(latency) == (
        "0.424 s (resampling 0.010, analysis 0.050, network 0.100, decoder 0.200, block 0.064)"
    )


def test_reset_begins_another_stream(annotated, recording):
    model, decoding, expected = annotated
    stream = mirzoo.stream(model, source_rate=RATE, channels=2, decoding=decoding)
    stream.push(recording[::-1][:RATE])
    stream.reset()
    given = pieces(stream, recording, (8000,))
    assert_same(type(given[0]).joined(given), expected)
    assert stream.flush() is None
    with pytest.raises(AudioError, match=r"it was flushed; reset\(\) begins another"):
        stream.push(recording)


def test_two_streams_of_a_model_do_not_meet(annotated, recording):
    model, decoding, expected = annotated
    one, other = (
        mirzoo.stream(model, source_rate=RATE, channels=2, decoding=decoding) for _ in range(2)
    )
    given = []
    for first in range(0, len(recording), 4800):
        given.append(one.push(recording[first : first + 4800]))
        other.push(0.1 * recording[::-1][first : first + 4800])
    given = [piece for piece in [*given, one.flush()] if piece is not None]
    assert_same(type(given[0]).joined(given), expected)


def test_wrong_blocks_are_refused():
    stream = mirzoo.stream(live_model("tagger"), source_rate=16000, channels=2)
    with pytest.raises(AudioError, match=r"shape \(100,\).*blocks are \(samples, 2\)"):
        stream.push(np.zeros(100, np.float32))
    with pytest.raises(AudioError, match="NaN or infinite"):
        stream.push(np.full((100, 2), np.nan, np.float32))
    with pytest.raises(AudioError, match="3 axes"):
        stream.push(np.zeros((1, 100, 2), np.float32))
    assert stream.push(np.zeros((0, 2), np.float32)) is None
    stream.push(np.zeros((100, 2), np.float32))
    with pytest.raises(TooShortError, match="the stream is too short: it has 0.006 s"):
        stream.flush()


def test_a_refused_block_changes_nothing():
    stream = mirzoo.stream(live_model("tagger"), source_rate=48000)
    waveform = music(1.0, 48000)[:, 0]
    expected = pieces(stream, waveform, (4800,))
    stream.reset()
    bad = waveform[:4800].astype(np.float64)
    bad[7] = 1e200  # infinite in float32
    given = [stream.push(waveform[:4800])]
    for wrong in (bad, np.full(10, 1e30), np.full(10, 5000.0), "noise", np.zeros(9, np.int64)):
        with pytest.raises(AudioError):
            stream.push(wrong)
    given += pieces(stream, waveform[4800:], (4800,))
    given = [piece for piece in given if piece is not None]
    assert_same(type(given[0]).joined(given), type(expected[0]).joined(expected))
    with pytest.raises(AudioError, match="of the type int64: allowed are floats"):
        mirzoo.stream(live_model("tagger"), source_rate=48000).push(np.zeros(9, np.int64))


def test_two_threads_at_once_are_refused():
    runner, at_work, go_on = FakeRunner(), threading.Event(), threading.Event()
    predict = runner.predict_windows

    def slow(windows):
        at_work.set()
        assert go_on.wait(30)
        return predict(windows)

    runner.predict_windows = slow
    stream = mirzoo.stream(runner, source_rate=16000)
    thread = threading.Thread(target=stream.push, args=(np.zeros(3200, np.float32),))
    thread.start()
    assert at_work.wait(30)
    for call in (lambda: stream.push(np.zeros(9, np.float32)), stream.flush, stream.reset):
        with pytest.raises(AudioError, match="while another thread is at this stream"):
            call()
    go_on.set()
    thread.join()
    assert stream.duration_s == pytest.approx(0.2)


def test_rates_may_be_floats():
    model, waveform = live_model("tagger"), music(1.0, 48000)[:, 0]
    stream = mirzoo.stream(model, source_rate=48000.0)
    given = pieces(stream, waveform, (4800,))
    assert_same(type(given[0]).joined(given), model.annotate(waveform, source_rate=48000))
    assert stream.latency == mirzoo.stream(model, source_rate=48000).latency


def test_wrong_settings_are_refused():
    model = live_model("tagger")
    for block_s in (-1, float("nan"), float("inf"), "64 ms", None, True):
        with pytest.raises(AudioError, match="block_s is .*; allowed are numbers of seconds"):
            mirzoo.stream(model, source_rate=16000, block_s=block_s)
    with pytest.raises(AudioError, match="channels is 2.0"):
        mirzoo.stream(model, source_rate=16000, channels=2.0)
    with pytest.raises(AudioError, match="source_rate is 0"):
        mirzoo.stream(model, source_rate=0)
    with pytest.raises(AudioError, match="channels is 0"):
        mirzoo.stream(model, source_rate=16000, channels=0)
    with pytest.raises(AudioError, match="channel is 'middle'"):
        mirzoo.stream(model, source_rate=16000, channel="middle")
    with pytest.raises(CardError, match="no setting 'lag_s'"):
        mirzoo.stream(model, source_rate=16000, decoding={"lag_s": 1.0})
    with pytest.raises(CardError, match="lag_s"):
        mirzoo.stream(live_model("melody"), source_rate=16000, decoding={"lag_s": -1.0})
    with pytest.raises(mirzoo.MirzooError, match="the model is loaded already"):
        mirzoo.stream(model, source_rate=16000, runtime="litert")


def test_a_model_of_windows_streams_window_by_window():
    runner = FakeRunner()
    waveform = music(1.03)[:, 0]
    stream = mirzoo.stream(runner, source_rate=16000)
    given = pieces(stream, waveform, (700,))
    assert len(given) > 5
    expected = annotate(FakeRunner(), waveform)
    assert_same(mirzoo.Tags.joined(given), expected)
    assert stream.latency.analysis_s == pytest.approx(0.05)
    assert stream.latency_s == pytest.approx(0.1 + 0.064)


@pytest.mark.parametrize(
    ("name", "decoding"),
    [
        ("chroma_rnn_chords", {"lag_s": 0.5}),
        ("chroma_rnn_chords", {}),
        ("mel_cnn_tagger", {}),
        ("stft_crnn_melody", {"lag_s": 0.2}),
    ],
)
def test_trained_models_stream_as_they_annotate(name, decoding, demo_clip):
    from mirzoo import audio

    model = mirzoo.load(name, runtime="litert")
    waveform = audio.read(demo_clip, model.card.sample_rate)
    expected = model.annotate(waveform, decoding=decoding)
    stream = mirzoo.stream(model, source_rate=model.card.sample_rate, decoding=decoding)
    given = pieces(stream, waveform, (3000,))
    assert_same(type(given[0]).joined(given), expected)
    if decoding or expected.task == "tagging":
        assert len(given) > 1
        assert stream.latency_s < 60
    else:
        assert len(given) == 1
        assert stream.latency_s == float("inf")


def test_memory_is_that_of_a_short_stream(annotated):
    """Nothing that a stream holds grows: what is decided and taken is forgotten."""
    import pickle

    model, decoding, _ = annotated
    stream = mirzoo.stream(model, source_rate=16000, decoding=decoding)
    block = music(1.0)[:, 0]
    sizes = []
    for _ in range(12):
        stream.push(block)
        sizes.append(len(pickle.dumps(vars(stream._decoder))))
    assert max(sizes[6:]) <= 1.2 * max(sizes[2:6])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["tflite", "onnx"])
@pytest.mark.parametrize("name", ["chords", "melody"])
def test_files_that_take_windows_annotate_as_the_steps_do(name, suffix, tmp_path):
    """Where a window begins the past is forgotten but for the context."""
    if suffix == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("tf2onnx")
    model, recording = live_model(name), music(25.0)
    file = mirzoo.load(mirzoo.export(model, tmp_path / f"{name}.{suffix}"))
    asked = {"source_rate": 16000, "decoding": DECODING[name]}
    expected, found = (each.annotate(recording, **asked) for each in (model, file))
    assert found.duration_s == expected.duration_s
    scores = TASKS[expected.task].scores(expected, found)
    assert scores[{"chords": "root", "melody": "overall accuracy"}[name]].value > 0.97
