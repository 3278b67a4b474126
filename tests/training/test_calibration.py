"""The price of a change and the voicing threshold come from the validation split."""

from types import SimpleNamespace

import numpy as np
import pytest

from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.melody import MelodyDecoding
from mirzoo.training import calibration
from mirzoo.training.teachers import Teachers

VOCABULARY = VOCABULARIES["majmin"]
C, G = VOCABULARY.index("C:maj"), VOCABULARY.index("G:maj")


def model(decoding, frame_rate=10.0):
    card = SimpleNamespace(decoding=decoding, outputs=[SimpleNamespace(frame_rate=frame_rate)])
    return SimpleNamespace(card=card)


def played(chosen, sure):
    """Probabilities of frames whose likeliest class is ``sure`` times likelier than C and G."""
    rows = np.full((len(chosen), len(VOCABULARY)), 1e-9)
    rows[:, [C, G]] = 1.0
    rows[np.arange(len(chosen)), chosen] = sure
    return rows / rows.sum(axis=1, keepdims=True)


@pytest.fixture
def calibrated(monkeypatch):
    def run(probabilities, spans, what="penalty"):
        labels = Labels(chords=spans)
        times = (np.arange(len(probabilities)) + 0.5) / 10

        def validation(model, corpus, kind):
            if corpus == "labelled":
                yield labels, times, {"chords": probabilities}

        monkeypatch.setattr(calibration, "_validation", validation)
        found = calibration.calibrate_chords(
            model(ChordDecoding()), ["labelled", "unlabelled"], VOCABULARY
        )
        return found.change_penalty if what == "penalty" else found.prior

    return run


def test_changes_cost_what_flicker_costs_to_suppress_and_more_where_that_is_free(calibrated):
    flickering = np.full(400, C)
    flickering[50:350:20] = G
    held = (ChordSpan(0.0, 40.0, "C:maj"),)
    assert calibrated(played(flickering, np.exp(5)), held) == calibration.CHANGE_PENALTIES[-1]


def test_quick_changes_that_are_right_stay_cheap(calibrated):
    chosen = np.repeat(np.tile([C, G], 40), 5)
    spans = tuple(ChordSpan(0.5 * k, 0.5 * k + 0.5, ("C:maj", "G:maj")[k % 2]) for k in range(80))
    penalty = calibrated(played(chosen, np.exp(1)), spans)
    assert 1.0 <= penalty <= 4.0


def test_short_chords_that_are_right_are_kept(calibrated):
    chosen = np.full(1000, C)
    chosen[500:504] = G
    spans = (
        ChordSpan(0.0, 50.0, "C:maj"),
        ChordSpan(50.0, 50.4, "G:maj"),
        ChordSpan(50.4, 100.0, "C:maj"),
    )
    # Four frames exp(4) times likelier pay for a change there and one back up to 8 each.
    assert calibrated(played(chosen, np.exp(4)), spans) == 6.0


def test_one_frame_in_a_thousand_does_not_make_changes_cheap(calibrated):
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


def test_no_chord_is_unlikely_beforehand_where_that_costs_nothing(calibrated):
    prior = calibrated(doubtful_silence(1.5), (ChordSpan(0.0, 40.0, "C:maj"),), "prior")
    assert prior[VOCABULARY.index("N")] == 1.0
    assert prior[C] == prior[G] == 0.5


def test_silence_is_heard_where_labels_have_it(calibrated):
    spans = (ChordSpan(0.0, 20.0, "C:maj"), ChordSpan(20.0, 40.0, "N"))
    assert calibrated(doubtful_silence(1.5), spans, "prior") is None


def test_the_voicing_threshold_divides_what_is_voiced(monkeypatch):
    decoding = MelodyDecoding(fmin=110.0, bins_per_octave=12, voicing_threshold=0.9)
    f0 = np.repeat([220.0, 0.0], 200).astype(np.float32)
    salience = np.zeros((400, 24), np.float32)
    salience[:, 12] = 1.0
    voicing = np.repeat([0.45, 0.22], 200)[:, np.newaxis]
    outputs = {"salience": salience, "voicing": voicing}
    times = np.arange(400) / 100
    monkeypatch.setattr(calibration, "_validation", lambda *_: [(Labels(f0=f0), times, outputs)])
    found = calibration.calibrate_melody(model(decoding, frame_rate=100.0), ["a"])
    assert 0.22 <= found.voicing_threshold <= 0.45


def test_voiced_frames_count_no_more_for_being_many(monkeypatch):
    decoding = MelodyDecoding(fmin=110.0, bins_per_octave=12)
    f0 = np.repeat([220.0, 220.0, 0.0], [100, 200, 40]).astype(np.float32)
    salience = np.zeros((340, 24), np.float32)
    salience[:, 12] = 1.0
    voicing = np.repeat([0.27, 0.87, 0.52], [100, 200, 40])[:, np.newaxis]
    outputs = {"salience": salience, "voicing": voicing}
    heard = [(Labels(f0=f0), np.arange(340) / 100, outputs)]
    monkeypatch.setattr(calibration, "_validation", lambda *_: heard)
    found = calibration.calibrate_melody(model(decoding, frame_rate=100.0), ["a"])
    assert 0.52 <= found.voicing_threshold <= 0.87


def corpus(folder, items, spans=None):
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
    charts = corpus(tmp_path / "charts", items, spans)
    music = corpus(tmp_path / "music", items)

    def predict(teachers, times, vocabulary):
        rows = np.zeros((sum(map(len, times)), len(vocabulary)), np.float16)
        rows[:20, vocabulary.index("C:maj")] = 0.9
        rows[:20, vocabulary.index("D:dim")] = 0.1
        rows[20:, vocabulary.index("D:dim")] = 1.0  # held out, so it does not count
        return rows

    monkeypatch.setattr(calibration, "predicted_chords", predict)

    def prior_of(corpora, *teachers, vocabulary=vocabulary):
        return calibration.rarity_prior([Teachers(c, teachers) for c in corpora], vocabulary)

    prior = prior_of([charts, music], "crema_chords")
    shares = {vocabulary.labels[k]: prior[k] for k in range(len(prior))}
    assert shares["C:sus4"] == shares["G:aug"] == 1.0
    assert shares["C:maj"] == shares["N"] == shares["B:min7"] == pytest.approx(0.25, rel=1e-3)
    assert prior_of([charts, music]) is None
    assert prior_of([charts], "crema_chords") is None
    assert prior_of([charts, music], "crema_chords", vocabulary=VOCABULARY) is None
