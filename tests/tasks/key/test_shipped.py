"""The key model that comes with mirzoo."""

import numpy as np
import pytest

import mirzoo
from mirzoo import hub
from mirzoo.audio import demo_clip
from mirzoo.tasks.key import Key
from mirzoo.tasks.key.names import LABELS, parse_key

NAME = "cqt_cnn_key"
RATE = 16000
MAJOR = [
    (0, 4, 7),
    (5, 9, 12),
    (7, 11, 14),
    (0, 4, 7),
    (9, 12, 16),
    (2, 5, 9),
    (7, 11, 14),
    (0, 4, 7),
]
MINOR = [
    (0, 3, 7),
    (5, 8, 12),
    (7, 11, 14),
    (0, 3, 7),
    (8, 12, 15),
    (5, 8, 12),
    (7, 11, 14),
    (0, 3, 7),
]
HARMONICS = 6

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    return mirzoo.load(NAME, runtime="litert")


def cadence(label, cents=0.0):
    """Half a minute of chords over their roots, each of 1.9 s, as sums of harmonics."""
    key = parse_key(label)
    times = np.arange(round(1.9 * RATE)) / RATE
    decay = np.exp(-1.2 * times)
    chords = []
    for chord in 2 * (MAJOR if key.mode == "maj" else MINOR):
        midi = [36 + key.tonic + chord[0] % 12, *(60 + (key.tonic + step) % 12 for step in chord)]
        frequencies = [440 * 2 ** ((note - 69 + cents / 100) / 12) for note in midi]
        chords.append(sum(
            np.sin(2 * np.pi * n * frequency * times) / n
            for frequency in frequencies for n in range(1, HARMONICS + 1)
        ) * decay)  # fmt: skip
    waveform = np.concatenate(chords)
    return (0.5 * waveform / np.abs(waveform).max()).astype(np.float32)


def test_cadences_in_every_key(model):
    found = {label: model.annotate(cadence(label), source_rate=RATE).key for label in LABELS}
    assert found == {label: label for label in LABELS}


@pytest.mark.parametrize("hz", [432.0, 440.0, 446.0])
def test_the_tuning_of_what_is_between_keys(model, hz):
    found = model.annotate(cadence("D:min", 1200 * np.log2(hz / 440)), source_rate=RATE)
    assert (found.key, found.a4_hz) == ("D:min", pytest.approx(hz, abs=0.5))


def test_a_modulation(model):
    both = np.concatenate([cadence("C:maj"), cadence("C:maj"), cadence("E:maj"), cadence("E:maj")])
    found = model.annotate(both, source_rate=RATE)
    assert [key for _, _, key in found.segments] == ["C:maj", "E:maj"]
    assert found.segments[0][1] == pytest.approx(len(both) / RATE / 2, abs=6.0)


def test_the_clip_that_comes_with_mirzoo(model):
    assert model.annotate(demo_clip()).key == "A:min"


def test_a_stream_is_decided_as_a_recording_with_a_lag(model):
    waveform = np.concatenate([cadence("G:min")] * 4 + [cadence("Bb:maj")] * 3)
    stream = mirzoo.stream(model, source_rate=RATE, decoding={"lag_s": 5.0})
    pieces = [stream.push(waveform[at : at + 8000]) for at in range(0, len(waveform), 8000)]
    given = [piece for piece in [*pieces, stream.flush()] if piece is not None]
    expected = model.annotate(waveform, source_rate=RATE, decoding={"lag_s": 5.0})
    joined = Key.joined(given)
    assert len(given) > 3 and stream.latency_s < 60
    assert joined.segments == expected.segments and joined.key == expected.key == "G:min"
    assert joined.probabilities == pytest.approx(expected.probabilities)
    assert {piece.key for piece in given[:2]} == {"G:min"}


def test_eight_bits_leave_the_tuning_as_it_is(model, tmp_path):
    assert model.card.name == NAME
    mirzoo.export(mirzoo.load(NAME), tmp_path / "key.tflite", quantize="int8")
    small = mirzoo.load(tmp_path / "key.tflite")
    waveform = cadence("F#:min", 20.0)
    found, expected = (one.annotate(waveform, source_rate=RATE) for one in (small, model))
    assert (found.key, expected.key) == ("F#:min", "F#:min")
    assert found.tuning_cents == pytest.approx(expected.tuning_cents, abs=1.0)
    assert (tmp_path / "key.tflite").stat().st_size < 300_000


def test_its_file_is_small_and_its_card_says_what_it_was_measured_on():
    folder = hub.shipped_folder(NAME)
    assert (folder / "model.tflite").stat().st_size < 1_000_000
    scores = {(m.dataset, m.metric): m for m in hub.card(NAME).metrics}
    real = scores["emotify_keys", "weighted"]
    assert real.value > 0.72 and real.n == 31
