"""The annotation `Beats`, its files and corrections, and beats decoded from outputs."""

import io
import warnings

import jams
import matplotlib.pyplot as plt
import mido
import numpy as np
import pytest
import soundfile
from fake_models import make_frame_card

from mirzoo.data.labels import Labels
from mirzoo.errors import AnnotationError, CardError
from mirzoo.tasks import decode
from mirzoo.tasks.annotation.midi_file import BentNote, midi_bytes
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.beats import Beats, BeatsDecoding, beat_scores
from mirzoo.tasks.beats.annotation import STRIP
from mirzoo.tasks.beats.config import LABELS


@pytest.fixture
def beats():
    """A pick-up of one beat, then bars of three at 120 BPM."""
    return Beats(
        0.4 + 0.5 * np.arange(13), (np.arange(13) + 2) % 3 + 1, confidence=np.full(13, 0.8),
        downbeat_confidence=np.where(np.arange(13) % 3 == 1, 0.9, 0.1),
        tempi=[(120.0, 0.7), (60.0, 0.3)], source="song.wav", duration_s=7.0,
        model="mel_cnn_beats",
    )  # fmt: skip


@pytest.mark.parametrize("suffix", Beats.readable)
def test_files_come_back(beats, tmp_path, suffix):
    read = Beats.read(beats.write(tmp_path / f"song{suffix}"))
    assert np.allclose(read.times, beats.times, atol=1e-6)
    assert read.positions.tolist() == beats.positions.tolist()
    if suffix != ".beats":
        assert np.allclose(read.downbeat_confidence, beats.downbeat_confidence)
    if suffix in (".json", ".jams"):
        assert (read.source, read.model, read.duration_s) == ("song.wav", "mel_cnn_beats", 7.0)
        assert read.tempi == beats.tempi


@pytest.mark.parametrize("suffix", Beats.readable)
def test_files_without_bars_or_beats_come_back(tmp_path, suffix):
    for times in ([], [0.5], [0.5, 1.0]):
        read = Beats.read(Beats(times, duration_s=2.0).write(tmp_path / f"song{suffix}"))
        assert read.times.tolist() == times and (read.positions is None or not times)


def test_jams_are_valid(beats, tmp_path):
    document = jams.load(str(beats.write(tmp_path / "song.jams")), strict=True)
    assert [found.namespace for found in document.annotations] == ["beat", "tempo"]
    assert [o.value for o in document.annotations[0].data][:3] == [3, 1, 2]


def moments_of(track, ticks_per_beat):
    """When each of a file's beats comes (s), and at which its time signatures are."""
    us, now, ticks, moments, signatures = 500_000, 0.0, 0, {0: 0.0}, []
    for message in track:
        for _ in range(message.time):
            now += us / 1e6 / ticks_per_beat
            ticks += 1
            if ticks % ticks_per_beat == 0:
                moments[ticks // ticks_per_beat] = now
        if message.type == "set_tempo":
            us = message.tempo
        if message.type == "time_signature":
            signatures.append((ticks // ticks_per_beat, message.numerator))
    return moments, signatures


def test_a_tempo_map_has_the_beats_at_their_times(tmp_path):
    times = np.concatenate([[0.73, 1.1], 1.6 + np.cumsum([0, 0.5, 0.45, 0.4, 0.41, 12.0, 0.5])])
    beats = Beats(times, [3, 4, 1, 2, 3, 4, 1, 2, 3], duration_s=20.0)
    file = mido.MidiFile(beats.write(tmp_path / "song.mid"))
    moments, signatures = moments_of(file.tracks[0], file.ticks_per_beat)
    # Two beats before the first; the long gap of 12 s has two of the file's beats.
    numbers = 2 + np.array([0, 1, 2, 3, 4, 5, 6, 8, 9])
    assert [moments[number] for number in numbers] == pytest.approx(times.tolist(), abs=5e-5)
    assert signatures == [(0, 4)]


def test_metres_in_a_tempo_map(beats, tmp_path):
    file = mido.MidiFile(beats.write(tmp_path / "song.mid"))
    moments, signatures = moments_of(file.tracks[0], file.ticks_per_beat)
    # The beat before the first is a bar with the pick-up; then bars of three.
    assert signatures == [(0, 2), (2, 3)] and moments[2] == pytest.approx(beats.downbeats[0])
    assert file.length == pytest.approx(beats.times[-1], abs=1e-4)


def test_midi_without_a_map_has_the_usual_tempo(tmp_path):
    file = mido.MidiFile(file=io.BytesIO(midi_bytes([BentNote(0.1, 1.0, 60)], name="x")))
    assert [m.tempo for m in file.tracks[0] if m.type == "set_tempo"] == [500_000]
    empty = mido.MidiFile(Beats([1.0]).write(tmp_path / "song.mid"))
    assert [m.tempo for m in empty.tracks[0] if m.type == "set_tempo"] == [500_000]


def test_bars_tempo_and_words(beats):
    assert beats.tempo == 120.0 and beats.metre == 3 and len(beats.bars) == 3
    assert beats.bars[0] == (pytest.approx(0.9), pytest.approx(2.4), 3)
    assert "120.0 BPM" in repr(beats) and "60.0 BPM 30%" in "\n".join(beats.summary())
    assert Beats([]).summary() == ["no beats"] and Beats([]).tempo is None
    assert Beats([1.0], [1]).summary() == ["1 beat, 1 downbeat"]
    assert Beats([1.0, 2.0]).bars == [] and Beats([1.0, 2.0]).metre is None
    assert [event["position"] for event in beats.events()][:3] == [3, 1, 2]
    assert beats.newest() == ["3", "120.0 BPM"] and Beats([]).newest() == []
    changing = Beats(np.arange(1.0, 15.0), [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 1, 2, 3])
    assert "beats a bar: 0:01 4   0:09 3" in changing.summary()


def test_half_and_double_time(beats):
    double = beats.double_time()
    assert double.tempo == 240.0 and len(double.times) == 25
    assert double.tempi == ((240.0, 0.7), (120.0, pytest.approx(0.3)))
    assert double.downbeats.tolist() == beats.downbeats.tolist() and double.metre == 6
    back = double.half_time()
    assert np.allclose(back.times, beats.times)
    assert back.positions.tolist() == beats.positions.tolist()
    half = Beats(0.5 * np.arange(16), np.arange(16) % 4 + 1).half_time()
    assert half.tempo == pytest.approx(60.0) and half.downbeats.tolist() == [0.0, 2.0, 4.0, 6.0]
    odd = beats.half_time()
    assert len(odd.times) in (6, 7) and odd.tempo == 60.0


def test_bars_that_are_given(beats):
    four = beats.with_bars(4)
    assert set(np.diff(four.downbeats).round(6)) == {2.0}
    with pytest.raises(AnnotationError, match="allowed are 1 to 16"):
        beats.with_bars(0)
    with pytest.raises(AnnotationError, match="needs bars or downbeat_confidence"):
        Beats([0.5, 1.0]).with_bars(4)


def test_one_tempo_and_offset():
    rng = np.random.default_rng(0)
    numbers = np.delete(np.arange(200), [20, 21, 90])
    times = 0.1234 + 60 / 127.3 * numbers + rng.normal(0, 0.004, len(numbers))
    steady = Beats(times, numbers % 4 + 1, duration_s=100.0).steadied()
    assert len(steady.times) == 200 and not steady.warnings
    assert steady.tempo == pytest.approx(127.3, abs=0.01)
    assert steady.times[0] == pytest.approx(0.1234, abs=0.001)
    assert steady.positions.tolist() == (np.arange(200) % 4 + 1).tolist()
    rubato = np.cumsum(0.5 + 0.1 * np.sin(np.arange(100) / 5))
    assert "not steady" in Beats(rubato).steadied().warnings[0]


def test_clicks_are_higher_on_downbeats(beats):
    sound = beats.sonify(8000)
    assert len(sound) == 56000 and np.abs(sound).max() == pytest.approx(0.9, abs=1e-3)
    at = (beats.times * 8000).astype(int)
    power = [float(np.square(sound[start : start + 300]).sum()) for start in at]
    between = float(np.square(sound[at[0] + 1500 : at[1] - 100]).sum())
    assert min(power) > 100 * max(between, 1e-9)
    pitches = [pitches for _, pitches in beats.sounding()]
    assert pitches[0] != pitches[2] and pitches[1] == ()


@pytest.mark.slow
def test_lines_of_many_beats_leave_the_onset_strength_free(tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "long.wav", rng.uniform(-0.1, 0.1, 200 * 8000), 8000)
    for lasts, foot in ((20.0, 0.0), (200.0, STRIP)):
        times = np.arange(0, lasts, 0.5)
        long = Beats(times, np.arange(len(times)) % 4 + 1, source=str(tmp_path / "long.wav"),
                     duration_s=lasts)  # fmt: skip
        strength, *lines = long.plot().collections
        lowest = min(path.vertices[:, 1].min() for one in lines for path in one.get_paths())
        assert lowest == foot
        highest = max(path.vertices[:, 1].max() for path in strength.get_paths())
        assert highest <= (foot or 1.0) + 1e-6
        plt.close("all")


def test_a_picture(beats, tmp_path):
    beats.plot(path=tmp_path / "song.png")
    assert (tmp_path / "song.png").stat().st_size > 1000
    Beats([], duration_s=3.0).plot(path=tmp_path / "none.png")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (([1.0, 1.0],), "must ascend"),
        (([[1.0, 1]],), "Do they hold positions as well"),
        (([-1.0],), "not negative"),
        (([1.0, 2.0], [0, 1]), "counted from 0"),
        (([1.0, 2.0], [1]), "whole number for each"),
        (([1.0], [1], [3.0]), "logits"),
        (([1.0], [1], [0.5, 0.5]), "one for each"),
        (([1.0], [1], None, None, [(-3.0, 1.0)]), "beats a minute"),
    ],
)
def test_what_is_no_beats_is_told(wrong, message):
    with pytest.raises(AnnotationError, match=message):
        Beats(*wrong)


# From outputs


def card(**decoding):
    return make_frame_card(
        "beats", outputs={"beats": 2}, labels=list(LABELS), decoding=BeatsDecoding(**decoding),
        window_samples=8000, hop_samples=8000, pad_left_samples=0,
    )  # fmt: skip


def outputs(shift=0):
    """8 s of 100 frames a second: 120 BPM in bars of three, whose first beat ends a bar."""
    values = np.full((1, 801, 2), 0.01)
    values[0, 10 + shift :: 50, 0] = 0.9
    values[0, 60 + shift :: 150, 1] = 0.8
    return {"beats": values}


def found_by(**decoding):
    return decode(card(**decoding), outputs(), np.zeros(1), duration_s=8.0, source="x.wav")


def test_beats_of_outputs():
    found = found_by()
    assert len(found.times) == 16 and found.tempo == pytest.approx(120.0)
    assert found.metre == 3 and found.positions[:3].tolist() == [3, 1, 2]
    assert (found.source, found.model) == ("x.wav", "fake_beats")
    assert found.times == pytest.approx(0.1 + 0.5 * np.arange(16), abs=1e-6)
    nothing = decode(card(), {"beats": np.full((1, 801, 2), 0.01)}, np.zeros(1), duration_s=8.0)
    assert not len(nothing.times) and nothing.summary() == ["no beats"]


def test_what_users_correct():
    assert found_by(tempo_near=60.0).tempo == pytest.approx(60.0)
    assert found_by(tempo_near=230.0).tempo == pytest.approx(240.0, rel=0.02)
    assert found_by(beats_per_bar=4).metre == 4
    assert found_by(steady=True).tempo == pytest.approx(120.0, abs=0.01)
    assert found_by(method="peaks").times.tolist() == pytest.approx(found_by().times.tolist())
    for wrong in ({"tempo_near": 5.0}, {"beats_per_bar": 0}, {"min_bpm": 100, "max_bpm": 120}):
        with pytest.raises(CardError):
            card().decoded_with(wrong)


def test_windows_decide_the_same_within_ties():
    made, task = card(), TASKS["beats"]
    assert task.same_decisions(made, outputs(), outputs(), 1e-3).all()
    assert not task.same_decisions(made, outputs(), outputs(20), 1e-3).all()
    nothing = {"beats": np.full((1, 801, 2), 0.01)}
    assert not task.same_decisions(made, outputs(), nothing, 1e-3).all()
    flat = {"beats": np.full((1, 801, 2), 0.5)}
    nearly = {"beats": flat["beats"] + 1e-7 * np.random.default_rng(0).random(flat["beats"].shape)}
    assert task.same_decisions(made, flat, nearly, 1e-3).all()


def test_a_card_names_both_columns():
    with pytest.raises(CardError, match="those of 'beats' are"):
        card().updated(labels=["downbeat", "beat"])


# Labels and scores


def test_labels_become_beats_and_back():
    task = TASKS["beats"]
    labels = Labels(beats=np.arange(1.0, 9.0), downbeats=np.array([2.0, 6.0]))
    truth = task.truth(labels, 10.0)
    assert truth.positions.tolist() == [4, 1, 2, 3, 4, 1, 2, 3] and truth.duration_s == 10.0
    again = task.labels_of(truth, 10.0)
    assert again.beats.tolist() == labels.beats.tolist()
    assert again.downbeats.tolist() == labels.downbeats.tolist()
    assert task.truth(Labels()) is None
    assert task.truth(Labels(beats=np.arange(3.0), downbeats=np.zeros(0))).positions is None


def test_scores():
    truth = Beats(np.arange(0.25, 30.0, 0.5), np.arange(60) % 4 + 1, duration_s=30.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        perfect = beat_scores(truth, truth)
        none = beat_scores(truth, Beats([], duration_s=30.0))
        double = beat_scores(truth, truth.double_time())
    assert {score.value for score in perfect.values()} == {1.0}
    assert {score.value for score in none.values()} == {0.0}
    assert double["CMLt"].value == 0.0 and double["AMLt"].value > 0.95
    assert (double["tempo acc1"].value, double["tempo acc2"].value) == (0.0, 1.0)
    assert double["beat F"].value == pytest.approx(2 / 3, abs=0.01)
    moved = Beats(truth.times + 0.1, truth.positions, duration_s=30.0)
    assert beat_scores(truth, moved)["beat F"].value == 0.0
    short = beat_scores(Beats([1.0, 2.0]), Beats([1.0, 2.0]))
    assert short["beat F"].seconds == 0.0 and short["tempo acc1"].value == 1.0
    assert beat_scores(Beats(truth.times), truth)["downbeat F"].seconds == 0.0


def test_recordings_count_alike():
    scorer = TASKS["beats"].scorer(card())
    short = Beats(np.arange(0.0, 10.0, 0.5), duration_s=10.0)
    long = Beats(np.arange(0.0, 40.0, 0.5), duration_s=40.0)
    scorer.add(short, short)
    scorer.add(long, Beats([], duration_s=40.0))
    assert scorer.overall()["beat F"].value == pytest.approx(0.5)
