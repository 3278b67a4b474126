"""What exports are compared on: each kind of sound, and decisions as well as numbers."""

import numpy as np
import pytest
from fake_models import FakeRunner, make_card, make_frame_card

from mirzoo.errors import ArtefactError, ExportError
from mirzoo.export.checks import BOUNDS, MUSIC, Bound, probes, require_same, same_decisions
from mirzoo.tasks.base import TASKS, same_choice
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.melody import MelodyDecoding
from mirzoo.tasks.notes import NotesDecoding

CARD = make_card()
MUSIC_WINDOWS = np.random.default_rng(1).uniform(-0.3, 0.3, (3, 1600)).astype(np.float32)
KINDS = list(probes(CARD, MUSIC_WINDOWS))


def compare(received, bound=BOUNDS[None]):
    honest = FakeRunner().predict_windows
    sounds = probes(CARD, MUSIC_WINDOWS)
    require_same("x", CARD, sounds, honest, received, lambda windows: 0.0, bound)


def test_kinds_of_sound_are_what_they_are_called():
    sounds = probes(CARD, MUSIC_WINDOWS)
    levels = {kind: float(np.abs(windows).max()) for kind, windows in sounds.items()}
    assert levels["silence"] == 0
    assert levels["music at full scale"] == 1
    assert levels["music at -80 dB"] == pytest.approx(1e-4)
    half = sounds["half silence"]
    assert half[:, :800].any() and not half[:, 800:].any()
    shortest = sounds["the shortest input"]
    assert shortest.shape == (1, 1600)
    assert shortest[:, :160].any() and not shortest[:, 160:].any()
    assert probes(CARD, MUSIC_WINDOWS, any_length=True)["the shortest input"].shape == (1, 160)
    assert all(windows.dtype == np.float32 for windows in sounds.values())


def test_an_honest_file_passes():
    compare(FakeRunner().predict_windows)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_in_any_kind_of_sound_is_found(kind):
    faulty = probes(CARD, MUSIC_WINDOWS)[kind]

    def received(windows):
        outputs = FakeRunner().predict_windows(windows)
        if windows.shape == faulty.shape and np.array_equal(windows, faulty):
            outputs["tags"] = outputs["tags"] + 2e-4
        return outputs

    with pytest.raises(ExportError, match=rf"on {kind}, x differs from the Keras model by 2\.00e"):
        compare(received)


def test_a_file_that_cannot_be_run_is_no_damaged_one():
    def received(windows):
        try:
            raise RuntimeError("failed to prepare node #7")
        except RuntimeError as error:
            raise ArtefactError("/tmp/x.tflite cannot be run; is it damaged?") from error

    with pytest.raises(ExportError, match="^x was converted, but .*failed to prepare node #7"):
        compare(received)


def test_other_decisions_are_refused_though_numbers_are_near():
    def received(windows):
        outputs = FakeRunner().predict_windows(windows)
        return {**outputs, "tags": outputs["tags"][:, ::-1]}

    with pytest.raises(ExportError, match=r"decides as the Keras model does in 0\.0% of real mus"):
        compare(received, Bound(difference=1.0, decisions=0.9))
    compare(received, Bound(difference=1.0, decisions=0.0))


def test_a_bound_may_be_for_some_kinds_of_sound():
    def received(windows):
        outputs = FakeRunner().predict_windows(windows)
        return outputs if len(windows) == len(MUSIC_WINDOWS) else {"tags": outputs["tags"] + 1}

    with pytest.raises(ExportError):
        compare(received, Bound(difference=1e-4, decisions=1.0))
    sines = 3
    assert sines == len(MUSIC_WINDOWS)
    compare(received, Bound(difference=1e-4, decisions=1.0, sounds=(MUSIC,)))


def test_values_that_differ_by_next_to_nothing_are_one_choice():
    values = np.array([[0.5, 0.4995, 0.0], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    assert same_choice(values, np.array([1, 1, 2]), tie=1e-3).tolist() == [True, False, True]


def test_chords_are_compared_after_decoding():
    card = make_frame_card(
        "chords",
        outputs={"chords": 2},
        labels=["N", "C:maj"],
        decoding=ChordDecoding(change_penalty=2.0),
    )
    expected = np.array([[[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.1, 0.9]]])
    flickers = expected.copy()
    flickers[0, 1] = [0.4, 0.6]
    other = expected[:, :, ::-1]
    assert same_decisions(card, {"chords": expected}, {"chords": flickers}) == 1.0
    assert same_decisions(card, {"chords": expected}, {"chords": other}) == 0.0


def melody(*bins, voicing=0.9, sharper=0.0):
    salience = np.full((1, len(bins), 60), 1e-4)
    for frame, bin in enumerate(bins):
        salience[0, frame, bin : bin + 2] = [0.8 - sharper, 0.1 + sharper]
    return {"salience": salience, "voicing": np.full((1, len(bins), 1), voicing)}


def test_melodies_are_compared_within_25_cents_where_they_sound():
    card = make_frame_card(
        "melody",
        outputs={"salience": 60, "voicing": 1},
        decoding=MelodyDecoding(fmin=55.0, average_bins=3, method="local_average"),
    )
    task = TASKS["melody"]
    expected = melody(10, 20, 30, 40)
    for received, same in [
        (melody(10, 20, 30, 40, sharper=0.1), [True] * 4),  # 5 cents
        (melody(10, 20, 33, 41), [True, True, False, True]),  # 60 and 20 cents
        (melody(10, 20, 30, 40, voicing=0.1), [False] * 4),
    ]:
        assert task.same_decisions(card, expected, received, 1e-3)[0].tolist() == same
    silent = melody(10, 20, 30, 40, voicing=0.1)
    others = melody(50, 50, 50, 50, voicing=0.1)
    assert task.same_decisions(card, silent, others, 1e-3).all()


def test_notes_are_compared_by_the_keys_that_sound():
    card = make_frame_card(
        "notes", outputs={"note": 3, "onset": 3, "contour": 9}, decoding=NotesDecoding()
    )
    expected = {"note": np.array([[[0.9, 0.0, 0.3004], [0.9, 0.0, 0.0]]])}
    received = {"note": np.array([[[0.5, 0.0, 0.2], [0.5, 0.4, 0.0]]])}
    same = TASKS["notes"].same_decisions(card, expected, received, 1e-3)
    assert same.tolist() == [[True, False]]


def test_without_the_outputs_of_decisions_there_are_none_to_compare():
    embedding = {"embedding": np.zeros((3, 2))}
    assert same_decisions(CARD, embedding, {"embedding": np.ones((3, 2))}) == 1.0
