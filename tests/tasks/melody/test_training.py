"""Melody: targets from labels and teachers; the voicing threshold comes from validation items."""

import numpy as np
import pytest
from toy_music import make_recipe
from toy_teachers import bare_corpus, melody_teacher, toy_teachers

from mirzoo.data.corpus import Item, prepare
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.errors import RecipeError
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
