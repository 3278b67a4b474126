"""Melody: targets from labels and teachers; the voicing threshold comes from validation items."""

import sys

import numpy as np
import pytest
from toy_music import make_recipe
from toy_teachers import bare_corpus, melody_teacher, toy_teachers

from mirzoo.data.corpus import Item, prepare
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.errors import DataError, MirzooError, RecipeError, UnknownNameError
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.melody import Melody, MelodyConfig, MelodyDecoding
from mirzoo.tasks.melody.calibration import calibrate_melody
from mirzoo.tasks.melody.targets import DistilledMelodyTargets, MelodyTargets, PredictedMelody
from mirzoo.tasks.melody.teachers import predicted_melody
from mirzoo.training.teachers import Teachers

TIMES = np.arange(40) / 10


@pytest.fixture(autouse=True)
def teachers_are_toys(monkeypatch):
    toy_teachers(monkeypatch)


def labelled(item: Item):
    f0 = np.full(400, 220.0, np.float32)
    f0[:100], f0[300:] = 0.0, np.nan
    chords = (ChordSpan(0, 1, "N"), ChordSpan(1, 2, "A:min7/b3"), ChordSpan(2, 3, "X"))
    return np.zeros(64000, np.float32), Labels(chords=chords, f0=f0)


@pytest.fixture
def corpus(tmp_path):
    items = [Item("one", "toys", "a", "", "train"), Item("two", "toys", "b", "", "train")]
    return prepare(
        items,
        tmp_path / "toys",
        make=labelled,
        min_seconds=1,
        processes=1,
    )


def test_melody_is_a_bump_where_it_sounds(corpus):
    task = MelodyConfig(fmin=110.0, n_octaves=3)
    rows = MelodyTargets(corpus, [TIMES, TIMES], task).read(0, 40, 2)
    np.testing.assert_array_equal(rows["voicing"][[5, 15, 35], 0], [0, 1, -1])
    assert rows["salience"][15].argmax() == 60 + 2 * 5
    np.testing.assert_allclose(rows["salience"].sum(axis=1), rows["voicing"][:, 0] == 1, atol=1e-6)
    outside = MelodyTargets(corpus, [TIMES, TIMES], MelodyConfig(fmin=880.0)).read(0, 40, 0)
    assert not outside["salience"].any() and outside["voicing"][15, 0] == 1


def test_a_melody_is_what_teachers_predict_on_average(tmp_path):
    corpus = bare_corpus(tmp_path)
    ears = {
        "bold": melody_teacher(lambda time: (60, 0.9, 1.0)),
        "shy": melody_teacher(lambda time: (60 if time < 3 else 120, 0.5, 0.2)),
    }
    times = [np.arange(60) / 10, np.arange(30) / 5]
    heard = predicted_melody(Teachers(corpus, list(ears), ears.__getitem__), times)
    assert {len(row) for row in heard} == {90}
    np.testing.assert_allclose(heard.f0, 127.82 * 2, rtol=1e-5)
    np.testing.assert_allclose(heard.confidence[[0, 29, 31, 60, 89]], [0.7, 0.7, 0.45, 0.7, 0.45],
                               atol=1e-3)  # fmt: skip
    np.testing.assert_allclose(heard.voicing, 0.6, atol=1e-3)

    def deaf(name):
        raise AssertionError(f"{name} was asked again")

    again = predicted_melody(Teachers(corpus, list(ears), deaf), times)
    np.testing.assert_array_equal(again.f0, heard.f0)


@pytest.mark.parametrize(
    ("teacher", "complaint"),
    [
        (melody_teacher(None, name="coarse", bins_per_octave=36), "'coarse' has pitch bins of its"),
        (melody_teacher(None, name="mute", outputs=["salience"]), "'mute', which gives salience;"),
    ],
)
def test_teachers_that_cannot_be_averaged_are_refused(tmp_path, teacher, complaint):
    corpus = bare_corpus(tmp_path)
    ears = {"ear": melody_teacher(None), "odd": teacher}
    with pytest.raises(RecipeError, match=complaint):
        predicted_melody(Teachers(corpus, list(ears), ears.__getitem__), [np.arange(9) / 10] * 2)
    assert not list(corpus.directory.rglob("*.npz"))


def test_distilled_melodies_count_as_far_as_teachers_are_confident():
    task = make_recipe("melody").task
    low, high = 127.82 * 2, 127.82 * 2 ** (1 + 1 / 12)
    heard = PredictedMelody(
        np.array([low, low, high], np.float32),
        np.array([1.0, 0.5, 1.0], np.float16),
        np.array([1.0, 0.5, 0.0], np.float16),
    )
    told = DistilledMelodyTargets(heard, task).read(0, 3, 1)
    assert told["salience"].argmax(axis=1)[:2].tolist() == [65, 65]
    np.testing.assert_allclose(told["salience"].sum(axis=1), [1.0, 0.25, 0.0], atol=1e-5)
    np.testing.assert_allclose(told["voicing"][:, 0], [1.0, -1.0, 0.0])  # 0.5 tells nothing
    nothing = DistilledMelodyTargets(heard, task).unknown(2)
    assert not nothing["salience"].any() and (nothing["voicing"] == -1).all()


VOICE_TIMES = np.arange(20, 50) / 10


def with_voice(tmp_path, f0, *, confidence=0.9, models):
    """What models predict together with a voice found from 2 to 5 s of the first of two items."""
    corpus = bare_corpus(tmp_path)
    folder = corpus.directory / "targets" / "voice"
    folder.mkdir(parents=True)
    found = np.broadcast_to(f0, VOICE_TIMES.shape)
    Melody(VOICE_TIMES, found, np.broadcast_to(confidence, VOICE_TIMES.shape)).write(
        folder / "00000.csv"
    )
    names = [*models, "voice"]
    return predicted_melody(
        Teachers(corpus, names, models.__getitem__), [np.arange(60) / 10, np.arange(30) / 5]
    )


def test_a_voice_found_in_the_mix_counts_as_much_as_the_models(tmp_path):
    """Where they find its pitch, or none that they are confident of; it decides on the octave."""

    def unsure_from_4_s(time):
        return (60, 0.8, 0.9) if time < 4 else (90, 0.4, 0.6)

    found = with_voice(
        tmp_path,
        np.where(VOICE_TIMES < 3, 260.0, 520.0),
        models={"ear": melody_teacher(unsure_from_4_s)},
    )
    sung, higher, unsure, before, other_item = 25, 35, 45, 15, 70
    models_own = 127.82 * 2  # 256 Hz: 260 is 30 cents above it
    np.testing.assert_allclose(found.f0[[sung, higher, unsure]], [260.0, 520.0, 520.0])
    np.testing.assert_allclose(found.confidence[[sung, higher, unsure]], [0.9, 0.9, 0.5], atol=1e-3)
    np.testing.assert_allclose(found.voicing[[sung, higher, unsure]], [0.9, 0.9, 0.6], atol=1e-3)
    for alone in (before, other_item):
        np.testing.assert_allclose([row[alone] for row in found], [models_own, 0.8, 0.9], rtol=1e-3)


def test_between_the_rows_of_a_file_nothing_is_said(tmp_path, monkeypatch):
    times = np.concatenate([np.arange(0, 10), np.arange(50, 60)]) / 10
    monkeypatch.setattr(sys.modules[__name__], "VOICE_TIMES", times)
    found = with_voice(tmp_path, 260.0, models={"ear": melody_teacher(lambda time: (60, 0.8, 0.9))})
    sung = np.isclose(found.f0[:60], 260.0)
    assert sung[:10].all() and sung[50:].all() and not sung[10:50].any()


@pytest.mark.parametrize(
    ("name", "last_s", "complaint"),
    [("00000.csv", 5000.0, r"ends at 5000 s, and its item lasts 6.0 s; .*milliseconds"),
     ("7.csv", 5.0, r"holds 7.csv, which is for no item of .*00000.csv to 00001.csv")],
)  # fmt: skip
def test_files_that_are_of_something_else_are_refused(tmp_path, name, last_s, complaint):
    corpus = bare_corpus(tmp_path)
    folder = corpus.directory / "targets" / "voice"
    folder.mkdir(parents=True)
    Melody(np.array([0.0, last_s]), np.array([200.0, 200.0])).write(folder / name)
    models = {"ear": melody_teacher(None)}
    with pytest.raises(DataError, match=complaint):
        predicted_melody(
            Teachers(corpus, ["ear", "voice"], models.__getitem__), [np.arange(9) / 10] * 2
        )


def test_an_empty_file_is_named(tmp_path):
    corpus = bare_corpus(tmp_path)
    folder = corpus.directory / "targets" / "voice"
    folder.mkdir(parents=True)
    (folder / "00001.csv").write_text("\n")
    teachers = Teachers(corpus, ["ear", "voice"], {"ear": melody_teacher(None)}.__getitem__)
    with pytest.raises(DataError, match=r"00001.csv' is empty; an item in which voice finds"):
        predicted_melody(teachers, [np.arange(9) / 10] * 2)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("time_s,f0_hz,confidence\n", r"00001.csv .*there is no row below the names of"),
        ("0,60\n1,64\n2,67\n", r"00001.csv': its frequencies are whole .*MIDI numbers\?"),
    ],
)
def test_files_of_a_teacher_without_rows_or_in_midi_numbers_are_named(tmp_path, text, complaint):
    corpus = bare_corpus(tmp_path)
    folder = corpus.directory / "targets" / "voice"
    folder.mkdir(parents=True)
    (folder / "00001.csv").write_text(text)
    teachers = Teachers(corpus, ["ear", "voice"], {"ear": melody_teacher(None)}.__getitem__)
    with pytest.raises(MirzooError, match=complaint):
        predicted_melody(teachers, [np.arange(9) / 10] * 2)


def test_where_models_are_confident_of_another_pitch_than_the_voice_s_nothing_is_known(tmp_path):
    found = with_voice(tmp_path, 300.0, models={"ear": melody_teacher(lambda time: (60, 0.8, 0.9))})
    told = DistilledMelodyTargets(found, make_recipe("melody").task).read(0, 60, 0)
    assert not told["salience"][20:50].any() and (told["voicing"][20:50] == -1).all()
    assert told["salience"][:20].any(axis=1).all() and (told["voicing"][:20] > 0.8).all()


@pytest.mark.parametrize(("f0", "confidence"), [(-300.0, 0.9), (0.0, 0.9), (300.0, 0.2)])
def test_where_no_voice_is_found_the_melody_is_the_models(tmp_path, f0, confidence):
    found = with_voice(
        tmp_path,
        f0,
        confidence=confidence,
        models={"ear": melody_teacher(lambda time: (60, 0.8, 0.9))},
    )
    np.testing.assert_allclose(found.f0, 127.82 * 2, rtol=1e-5)
    np.testing.assert_allclose(found.voicing, 0.9, atol=1e-3)


def test_models_predictions_are_cached_apart_from_the_voice(tmp_path):
    models = {"ear": melody_teacher(lambda time: (60, 0.8, 0.9))}
    with_voice(tmp_path, 300.0, models=models)
    folders = sorted(path.name for path in (tmp_path / "bare" / "targets").iterdir())
    assert [name.partition("_")[0] for name in folders] == ["ear", "voice"]


def test_a_voice_is_no_teacher_by_itself(tmp_path):
    with pytest.raises(RecipeError, match="names voice and no melody model"):
        with_voice(tmp_path, 300.0, models={})


def test_a_teacher_that_is_no_model_and_has_no_melodies_is_told_how_to_teach(tmp_path):
    corpus = bare_corpus(tmp_path)
    with pytest.raises(UnknownNameError, match=r"nobody.*holds none \(00000\.csv"):
        predicted_melody(Teachers(corpus, ["nobody"]), [np.arange(9) / 10] * 2)
    assert not (corpus.directory / "targets").exists()


def test_predictions_of_an_earlier_version_are_read(tmp_path):
    """The confidence had another name."""
    corpus = bare_corpus(tmp_path)
    folder = corpus.directory / "targets" / "ear"
    folder.mkdir(parents=True)
    rows = {"times": np.arange(60) / 10, "f0": np.full(60, 220.0), "voicing": np.ones(60)}
    for number in range(2):
        np.savez(folder / f"{number:05d}.npz", sureness=np.full(60, 0.5 + number / 4), **rows)
    found = predicted_melody(Teachers(corpus, ["ear"]), [np.arange(60) / 10] * 2)
    np.testing.assert_array_equal(found.confidence[[0, 59, 60, 119]], [0.5, 0.5, 0.75, 0.75])


def test_the_pitch_beyond_a_melody_s_end_is_unknown_and_silence_within_it_is_not():
    melody = Melody(np.arange(100) / 100, np.repeat([440.0, -440.0], 50))
    f0 = TASKS["melody"].labels_of(melody, 2.0).f0
    assert len(f0) == 201
    np.testing.assert_array_equal(f0[[10, 49, 60, 99]], np.float32([440, 440, 0, 0]))
    assert np.isnan(f0[100:]).all()


def test_the_voicing_threshold_divides_what_is_voiced():
    decoding = MelodyDecoding(fmin=110.0, bins_per_octave=12, voicing_threshold=0.9)
    f0 = np.repeat([220.0, 0.0], 200).astype(np.float32)
    salience = np.zeros((400, 24), np.float32)
    salience[:, 12] = 1.0
    voicing = np.repeat([0.45, 0.22], 200)[:, np.newaxis]
    outputs = {"salience": salience, "voicing": voicing}
    times = np.arange(400) / 100
    found = calibrate_melody(decoding, [[(Labels(f0=f0), times, outputs)]], 100.0)
    assert 0.22 <= found.voicing_threshold <= 0.45


def test_voiced_frames_count_no_more_for_being_many():
    decoding = MelodyDecoding(fmin=110.0, bins_per_octave=12)
    f0 = np.repeat([220.0, 220.0, 0.0], [100, 200, 40]).astype(np.float32)
    salience = np.zeros((340, 24), np.float32)
    salience[:, 12] = 1.0
    voicing = np.repeat([0.27, 0.87, 0.52], [100, 200, 40])[:, np.newaxis]
    outputs = {"salience": salience, "voicing": voicing}
    validation = [[(Labels(f0=f0), np.arange(340) / 100, outputs)]]
    found = calibrate_melody(decoding, validation, 100.0)
    assert 0.52 <= found.voicing_threshold <= 0.87
