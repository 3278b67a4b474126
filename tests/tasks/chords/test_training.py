"""Chords: targets from labels and teachers; the transition penalty comes from validation items."""

from types import SimpleNamespace

import numpy as np
import pytest
from toy_teachers import bare_corpus

from mirzoo.data.corpus import Item, prepare
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.errors import UnknownNameError
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.chords import ChordDecoding, Chords, calibration
from mirzoo.tasks.chords.targets import ChordTargets, DistilledChordTargets
from mirzoo.tasks.chords.teachers import predicted_chords
from mirzoo.training import teachers
from mirzoo.training.teachers import Teachers

LARGE = VOCABULARIES["large"]
TIMES = np.arange(40) / 10
VOCABULARY = VOCABULARIES["majmin"]
C, G = VOCABULARY.index("C:maj"), VOCABULARY.index("G:maj")


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


def test_chords_move_with_the_transposition(corpus):
    targets = ChordTargets(corpus, [TIMES, TIMES], LARGE)
    rows = targets.read(0, 40, 3)
    assert LARGE.labels[rows["chords"][5].argmax()] == "N"
    assert LARGE.labels[rows["chords"][15].argmax()] == "C:min7"
    assert rows["root"][15].argmax() == 1 and rows["bass"][15].argmax() == 1 + 3
    np.testing.assert_array_equal(np.flatnonzero(rows["pitches"][15]), [0, 3, 7, 10])
    for output in ("chords", "root", "bass"):
        assert not rows[output][20:].any()
    assert (rows["pitches"][20:] == -1).all()


def test_a_bare_fifth_counts_as_major(tmp_path):
    def power(item: Item):
        return np.zeros(32000, np.float32), Labels(chords=(ChordSpan(0, 2, "A:(1,5)"),))

    corpus = prepare(
        [Item("one", "toys", "a", "", "train")],
        tmp_path / "power",
        make=power,
        min_seconds=1,
        processes=1,
    )
    rows = ChordTargets(corpus, [TIMES[:20]], LARGE).read(0, 20, 2)
    assert LARGE.labels[rows["chords"][3].argmax()] == "B:maj"
    assert np.flatnonzero(rows["pitches"][3]).tolist() == [6, 11]


def test_distilled_chords_move_too():
    probabilities = np.zeros((2, 169), np.float16)
    probabilities[0, [LARGE.index("N"), LARGE.index("B:maj")]] = 0.25, 0.75
    rows = DistilledChordTargets(probabilities, LARGE, weight=0.5).read(0, 2, 1)
    assert rows["chords"][0, LARGE.index("C:maj")] == 0.375
    assert rows["chords"][0, 0] == 0.125
    assert rows["root"][0, 1] == 0.375 and rows["root"][0, 0] == 0.125
    assert not rows["chords"][1].any() and (rows["pitches"] == -1).all()


def test_labels_beside_a_corpus_teach_where_they_say_something(tmp_path):
    corpus = bare_corpus(tmp_path)
    times = [np.arange(60) / 10] * 2
    for teacher, lines in (("one", "1.0 2.0 C:maj\n2.0 3.0 X\n"), ("other", "0.0 1.5 A:min\n")):
        folder = corpus.directory / "targets" / teacher
        folder.mkdir(parents=True)
        (folder / "00001.lab").write_text(lines)
    vocabulary = VOCABULARIES["majmin"]
    taught = predicted_chords(Teachers(corpus, ["one", "other"]), times, vocabulary)
    assert taught.shape == (120, 25)
    assert not taught[:60].any(), "item 0 has no labels"
    c_major, a_minor = vocabulary.index("C:maj"), vocabulary.index("A:min")
    at = {second: taught[60 + round(10 * second)] for second in (0.5, 1.2, 1.7, 2.5)}
    assert at[0.5][a_minor] == 1.0 and at[1.7][c_major] == 1.0
    assert at[1.2][a_minor] == at[1.2][c_major] == 0.5
    assert not at[2.5].any()


def test_a_teacher_nobody_knows_is_told_how_to_teach(tmp_path):
    corpus = bare_corpus(tmp_path)
    with pytest.raises(UnknownNameError, match=r"nobody.*holds none \(00000.lab"):
        predicted_chords(
            Teachers(corpus, ["nobody"]), [np.arange(9) / 10] * 2, VOCABULARIES["majmin"]
        )
    assert not (corpus.directory / "targets").exists()


def test_an_earlier_run_teaches_chords(tmp_path, monkeypatch):
    """Its classes are reduced to those asked for, its frames are the nearest, its answers kept."""
    corpus = bare_corpus(tmp_path)
    large, majmin = VOCABULARIES["large"], VOCABULARIES["majmin"]

    def frame_outputs(run, waveform, *, source_rate):
        chords = np.zeros((30, len(large)), np.float32)
        chords[:, large.index("C:maj7")] = 0.75
        chords[:, large.index("C:aug")] = 0.25
        return np.arange(30) / 5, {"chords": chords}

    monkeypatch.setattr(teachers, "frame_outputs", frame_outputs)
    runs = {"run": SimpleNamespace(card=SimpleNamespace(labels=large.labels))}
    times = [np.arange(60) / 10] * 2
    taught = predicted_chords(Teachers(corpus, ["run"], runs.__getitem__), times, majmin)
    assert taught.shape == (120, 25)
    np.testing.assert_allclose(taught[:, majmin.index("C:maj")], 0.75)
    np.testing.assert_allclose(taught.sum(axis=1), 0.75)  # C:aug is neither major nor minor
    monkeypatch.delattr(teachers, "frame_outputs")
    again = predicted_chords(Teachers(corpus, ["run"], runs.__getitem__), times, majmin)
    np.testing.assert_array_equal(again, taught)


@pytest.mark.parametrize("lag_s", [0.0, 0.3])
def test_a_penalty_is_chosen_for_the_lag_that_chords_are_decided_with(lag_s):
    """With no lag a penalty makes every change late, with a lag it does not."""
    chosen = np.repeat([C, G] * 10, 20)
    held = tuple(
        ChordSpan(2.0 * n, 2.0 * n + 2.0, "C:maj" if n % 2 == 0 else "G:maj") for n in range(20)
    )
    probabilities = played(chosen, np.exp(5))
    times = (np.arange(len(chosen)) + 0.5) / 10
    labelled = [(Labels(chords=held), times, {"chords": probabilities})]
    found = calibration.calibrate_chords(
        ChordDecoding(lag_s=lag_s), [labelled], VOCABULARY, frame_rate=10.0
    )
    assert found.lag_s == lag_s
    assert found.change_penalty == {0.0: 4.0, 0.3: 15.0}[lag_s]


def test_a_recipe_states_the_lag():
    for task in ("chords", "melody"):
        config = TASKS[task].config(lag_s=0.2)
        assert TASKS[task].default_decoding(config).lag_s == 0.2
        assert "lag_s" not in TASKS[task].config().model_dump()


def test_annotations_are_labels_to_train_on():
    chords = Chords([(0.0, 1.0, "C:maj"), (1.5, 2.0, "N")])
    labels = TASKS["chords"].labels_of(chords, 3.0)
    assert [span.label for span in labels.chords] == ["C:maj", "N"]


def calibrated(probabilities, spans, what="penalty"):
    times = (np.arange(len(probabilities)) + 0.5) / 10
    labelled = [(Labels(chords=spans), times, {"chords": probabilities})]
    found = calibration.calibrate_chords(ChordDecoding(), [labelled, []], VOCABULARY, 10.0)
    return found.change_penalty if what == "penalty" else found.prior


def played(chosen, sure):
    """Probabilities of frames whose likeliest class is ``sure`` times likelier than C and G."""
    rows = np.full((len(chosen), len(VOCABULARY)), 1e-9)
    rows[:, [C, G]] = 1.0
    rows[np.arange(len(chosen)), chosen] = sure
    return rows / rows.sum(axis=1, keepdims=True)


def test_changes_cost_what_flicker_costs_to_suppress_and_more_where_that_is_free():
    flickering = np.full(400, C)
    flickering[50:350:20] = G
    held = (ChordSpan(0.0, 40.0, "C:maj"),)
    assert calibrated(played(flickering, np.exp(5)), held) == calibration.CHANGE_PENALTIES[-1]


def test_quick_changes_that_are_right_stay_cheap():
    chosen = np.repeat(np.tile([C, G], 40), 5)
    spans = tuple(ChordSpan(0.5 * k, 0.5 * k + 0.5, ("C:maj", "G:maj")[k % 2]) for k in range(80))
    penalty = calibrated(played(chosen, np.exp(1)), spans)
    assert 1.0 <= penalty <= 4.0


def test_short_chords_that_are_right_are_kept():
    chosen = np.full(1000, C)
    chosen[500:504] = G
    spans = (
        ChordSpan(0.0, 50.0, "C:maj"),
        ChordSpan(50.0, 50.4, "G:maj"),
        ChordSpan(50.4, 100.0, "C:maj"),
    )
    # Four frames exp(4) times likelier pay for a change there and one back up to 8 each.
    assert calibrated(played(chosen, np.exp(4)), spans) == 6.0


def test_one_frame_in_a_thousand_does_not_make_changes_cheap():
    chosen = np.full(5000, C)
    chosen[500:504] = G
    spans = (
        ChordSpan(0.0, 50.0, "C:maj"),
        ChordSpan(50.0, 50.4, "G:maj"),
        ChordSpan(50.4, 500.0, "C:maj"),
    )
    assert calibrated(played(chosen, np.exp(4)), spans) == calibration.CHANGE_PENALTIES[-1]


def doubtful_silence(sure):
    """Frames of which the second half is ``sure`` times likelier silence than C."""
    rows = np.full((400, len(VOCABULARY)), 1e-9)
    rows[:, C] = 1.0
    rows[200:, VOCABULARY.index("N")] = sure
    return rows / rows.sum(axis=1, keepdims=True)


def test_no_chord_is_unlikely_beforehand_where_that_costs_nothing():
    prior = calibrated(doubtful_silence(1.5), (ChordSpan(0.0, 40.0, "C:maj"),), "prior")
    assert prior[VOCABULARY.index("N")] == 1.0
    assert prior[C] == prior[G] == 0.5


def test_silence_is_heard_where_labels_have_it():
    spans = (ChordSpan(0.0, 20.0, "C:maj"), ChordSpan(20.0, 40.0, "N"))
    assert calibrated(doubtful_silence(1.5), spans, "prior") is None


def music(folder, items, spans=None):
    folder.mkdir()
    if spans is not None:
        (folder / "chords.csv").touch()
    return SimpleNamespace(
        directory=folder, items=items, labels=lambda number: Labels(chords=spans)
    )


def test_qualities_rarer_in_music_than_in_labels_are_divided_by_how_much(tmp_path, monkeypatch):
    vocabulary = VOCABULARIES["large"]
    items = [SimpleNamespace(split=split, n_samples=160000) for split in ("train", "test")]
    spans = (ChordSpan(0.0, 4.0, "C:sus4"), ChordSpan(4.0, 10.0, "A:min7"))
    charts = music(tmp_path / "charts", items, spans)
    unlabelled = music(tmp_path / "music", items)

    def predict(teachers, times, vocabulary):
        rows = np.zeros((sum(map(len, times)), len(vocabulary)), np.float16)
        rows[:20, vocabulary.index("C:maj")] = 0.9
        rows[:20, vocabulary.index("D:dim")] = 0.1
        rows[20:, vocabulary.index("D:dim")] = 1.0  # held out, so it does not count
        return rows

    monkeypatch.setattr(calibration, "predicted_chords", predict)

    def prior_of(corpora, *teachers, vocabulary=vocabulary):
        return calibration.rarity_prior([Teachers(c, teachers) for c in corpora], vocabulary)

    prior = prior_of([charts, unlabelled], "crema_chords")
    shares = {vocabulary.labels[k]: prior[k] for k in range(len(prior))}
    assert shares["C:sus4"] == shares["G:aug"] == 1.0
    assert shares["C:maj"] == shares["N"] == shares["B:min7"] == pytest.approx(0.25, rel=1e-3)
    assert prior_of([charts, unlabelled]) is None
    assert prior_of([charts], "crema_chords") is None
    assert prior_of([charts, unlabelled], "crema_chords", vocabulary=VOCABULARY) is None
