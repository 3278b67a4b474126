"""From a chord model's outputs to chords."""

import numpy as np
import pytest
from fake_models import FakeFrameRunner, make_frame_card

from mirzoo.annotate import annotate
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.errors import ArtefactError
from mirzoo.tasks import decode
from mirzoo.tasks.chords import ChordDecoder, ChordDecoding, likeliest_classes

LABELS = list(VOCABULARIES["majmin"].labels)
WINDOW = np.array([-0.1])


def card(outputs=("chords",), **decoding):
    sizes = {"chords": 25, "root": 13, "bass": 13, "pitches": 12}
    return make_frame_card(
        "chords", outputs={name: sizes[name] for name in outputs}, labels=LABELS,
        decoding=ChordDecoding(**decoding),
    )  # fmt: skip


def outputs_for(labels, sure=0.9):
    """One window whose kept 80 frames say each label for as long as the others."""
    classes = np.repeat([LABELS.index(label) for label in labels], 80 // len(labels))
    chords = np.full((1, 101, 25), (1 - sure) / 24)
    chords[0, 10 + np.arange(len(classes)), classes] = sure
    return chords


def test_frames_become_segments_that_meet_midway():
    found = decode(
        card(), {"chords": outputs_for(["C:maj", "A:min"])}, WINDOW, duration_s=0.8, source="x"
    )
    assert found.segments == ((0.0, pytest.approx(0.395), "C:maj"),
                              (pytest.approx(0.395), 0.8, "A:min"))  # fmt: skip
    assert found.confidence == pytest.approx((0.9, 0.9))
    assert (found.source, found.model, found.duration_s) == ("x", "fake_chords", 0.8)


def test_a_flicker_is_not_a_chord():
    chords = outputs_for(["C:maj"])
    chords[0, 50] = 0.4 / 24
    chords[0, 50, 2] = 0.6
    for penalty, expected in ((0.0, 3), (10.0, 1)):
        found = decode(card(change_penalty=penalty), {"chords": chords}, WINDOW, duration_s=0.8)
        assert len(found.segments) == expected


def test_what_lies_beyond_the_end_is_not_heard():
    outputs = {"chords": outputs_for(["C:maj", "A:min"])}
    assert decode(card(), outputs, WINDOW, duration_s=0.4).labels == ("C:maj",)
    assert decode(card(), outputs, WINDOW, duration_s=0.41).segments[-1][1] == 0.41


def test_windows_that_come_one_by_one_give_the_same():
    rng = np.random.default_rng(0)
    windows = 30
    outputs = {
        name: rng.dirichlet(np.full(size, 0.3), (windows, 101)).astype(np.float32)
        for name, size in (("chords", 25), ("bass", 13))
    }
    starts = np.arange(windows) * 0.8 - 0.1
    about = card(("chords", "bass"), change_penalty=1.0, bass_threshold=0.4)
    duration_s = 0.8 * windows - 0.37
    at_once = decode(about, outputs, starts, duration_s=duration_s)
    decoder = ChordDecoder(about)
    for number in range(windows):
        one = slice(number, number + 1)
        decoder.add({name: values[one] for name, values in outputs.items()}, starts[one])
    assert decoder.finish(duration_s=duration_s).to_dict() == at_once.to_dict()
    assert len(at_once.segments) > 10
    assert any("/" in label for label in at_once.labels)


def test_more_than_the_recording_has_is_refused():
    decoder = ChordDecoder(card())
    for start in (-0.1, 0.7, 1.5, 2.3):
        decoder.add({"chords": outputs_for(["C:maj"])}, np.array([start]))
    with pytest.raises(ArtefactError, match="160 frames.*0.500 s, which has 50"):
        decoder.finish(duration_s=0.5)


def test_transitions_can_be_learnt():
    probabilities = np.array([[0.8, 0.2], [0.45, 0.55], [0.8, 0.2]])
    stays = ChordDecoding(transition=[[0.99, 0.01], [0.01, 0.99]])
    moves = ChordDecoding(transition=[[0.01, 0.99], [0.99, 0.01]])
    assert likeliest_classes(probabilities, stays).tolist() == [0, 0, 0]
    assert likeliest_classes(probabilities, moves).tolist() == [0, 1, 0]


def test_a_class_met_often_needs_more_evidence():
    probabilities = np.array([[0.6, 0.4]])
    decoding = ChordDecoding(prior=[0.9, 0.1])
    assert likeliest_classes(probabilities, ChordDecoding()).tolist() == [0]
    assert likeliest_classes(probabilities, decoding).tolist() == [1]
    assert likeliest_classes(probabilities, ChordDecoding(initial=[0.1, 0.9])).tolist() == [1]


@pytest.mark.parametrize(
    ("bass", "sure", "threshold", "expected"),
    [
        (1 + 4, 0.8, 0.5, "C:maj/3"),
        (1 + 7, 0.8, 0.5, "C:maj/5"),
        (1 + 0, 0.8, 0.5, "C:maj"),
        (1 + 2, 0.8, 0.5, "C:maj"),
        (0, 0.8, 0.5, "C:maj"),
        (1 + 4, 0.4, 0.5, "C:maj"),
        (1 + 4, 0.8, None, "C:maj"),
    ],
)
def test_a_sure_bass_of_the_chord_names_the_inversion(bass, sure, threshold, expected):
    basses = np.full((1, 101, 13), (1 - sure) / 12)
    basses[..., bass] = sure
    outputs = {"chords": outputs_for(["C:maj"]), "bass": basses}
    found = decode(
        card(("chords", "bass"), bass_threshold=threshold), outputs, WINDOW, duration_s=0.8
    )
    assert found.labels == (expected,)


def test_a_probability_of_zero_is_not_the_end():
    chords = np.zeros((1, 101, 25))
    chords[..., 3] = 1.0
    chords[0, 40] = np.eye(25)[5]
    found = decode(card(change_penalty=0.0), {"chords": chords}, WINDOW, duration_s=0.8)
    assert len(found.segments) == 3


def test_a_recording_is_followed_across_windows():
    waveform = np.repeat([1, 2, 24, 0], 5000).astype(np.float32)
    found = annotate(FakeFrameRunner(card()), waveform)
    assert found.labels == ("C:maj", "C:min", "B:min", "N")
    np.testing.assert_allclose(found.intervals[:, 0], [0.0, 4.995, 9.995, 14.995], atol=1e-9)
