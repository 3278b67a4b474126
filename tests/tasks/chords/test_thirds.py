"""Major or minor where chords themselves do not tell."""

import json

import numpy as np
import pytest
from fake_models import make_frame_card

from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.errors import AnnotationError, CardError
from mirzoo.tasks import decode
from mirzoo.tasks.chords import ChordDecoding, Chords
from mirzoo.tasks.chords.targets import ChordTargets, DistilledChordTargets
from mirzoo.tasks.chords.thirds import settled

LARGE = VOCABULARIES["large"]
MAJMIN = VOCABULARIES["majmin"]
CLEAR_MAJOR, CLEAR_MINOR, BARE = (0.95, 0.02, 0.03), (0.02, 0.95, 0.03), (0.05, 0.03, 0.92)


def test_a_bare_fifth_takes_the_third_of_the_song():
    labels, seconds = ["A:maj", "A:min", "E:min"], [2.0, 6.0, 4.0]
    thirds = np.array([BARE, CLEAR_MINOR, CLEAR_MINOR])
    assert settled(labels, seconds, thirds) == ["A:min", "A:min", "E:min"]
    thirds[1] = CLEAR_MAJOR
    assert settled(["A:min", "A:maj", "E:min"], seconds, thirds)[0] == "A:maj"


def test_a_bare_fifth_takes_the_third_of_the_key():
    """E over C, G and a clear F: in C major E has a minor third."""
    labels = ["E:maj", "C:maj", "F:maj", "G:maj", "D:min"]
    thirds = np.array([BARE, *[CLEAR_MAJOR] * 3, CLEAR_MINOR])
    assert settled(labels, [1.0, 8.0, 4.0, 4.0, 4.0], thirds)[0] == "E:min"


def test_a_clear_third_outvotes_the_song():
    """A major dominant of a minor key stays major."""
    labels = ["E:7", "A:min", "D:min", "E:min7"]
    thirds = np.array([CLEAR_MAJOR, CLEAR_MINOR, CLEAR_MINOR, CLEAR_MINOR])
    assert settled(labels, [2.0, 8.0, 8.0, 2.0], thirds) == labels


def test_sevenths_change_their_third_and_others_stay():
    thirds = np.array([(0.1, 0.3, 0.6), CLEAR_MINOR, BARE, BARE])
    labels = ["G:7", "G:min7", "C:sus4", "N"]
    assert settled(labels, [2.0, 6.0, 2.0, 2.0], thirds) == ["G:min7", "G:min7", "C:sus4", "N"]


def outputs_for(labels, thirds):
    """One window of which 80 frames count: each label for as long as the others."""
    long = 80 // len(labels)
    chords = np.full((1, 101, 25), 0.1 / 24)
    third = np.full((1, 101, 12, 3), 1 / 3)
    for place, (label, row) in enumerate(zip(labels, thirds, strict=True)):
        frames = slice(10 + place * long, 10 + (place + 1) * long)
        chords[0, frames, MAJMIN.index(label)] = 0.9
        third[0, frames, (MAJMIN.index(label) - 1) // 2] = row
    tuning = np.full((1, 101, 2), (0.5, 0.1))
    return {"chords": chords, "third": third.reshape(1, 101, 36), "tuning": tuning}


def card(**decoding):
    return make_frame_card(
        "chords", outputs={"chords": 25, "third": 36, "tuning": 2}, labels=MAJMIN.labels,
        decoding=ChordDecoding(change_penalty=1.0, **decoding),
    )  # fmt: skip


def test_annotations_have_settled_thirds_their_probabilities_and_the_tuning():
    outputs = outputs_for(["A:maj", "A:min"], [BARE, CLEAR_MINOR])
    found = decode(card(), outputs, np.array([-0.1]), duration_s=0.8)
    assert found.labels == ("A:min",)
    np.testing.assert_allclose(found.thirds, [np.mean([BARE, CLEAR_MINOR], axis=0)])
    assert found.tuning_cents == pytest.approx(-25)
    named = decode(card(power_chords=True), outputs, np.array([-0.1]), duration_s=0.8)
    assert named.labels == ("A:5", "A:min")


def test_neighbours_that_are_settled_alike_are_one_segment(tmp_path):
    """They are one chord to whoever reads them: one line, one note, one change. Its third and its
    confidence are the means over its time."""
    outputs = outputs_for(["A:maj"] * 3 + ["A:min"] + ["F:maj"] * 4, [BARE] * 3 + [CLEAR_MINOR] * 5)
    outputs["chords"][0, 40:50, MAJMIN.index("A:min")] = 0.5
    found = decode(card(), outputs, np.array([-0.1]), duration_s=0.8)
    assert found.segments == (
        (0.0, pytest.approx(0.395), "A:min"),
        (pytest.approx(0.395), 0.8, "F:min"),
    )
    np.testing.assert_allclose(found.thirds[0], (3 * np.array(BARE) + CLEAR_MINOR) / 4)
    assert found.confidence[0] == pytest.approx((3 * 0.9 + 0.5) / 4)
    for suffix, count in ((".lab", 2), (".csv", 3)):
        text = found.write(tmp_path / f"song{suffix}").read_text()
        assert len(text.splitlines()) == count
    five = decode(card(power_chords=True), outputs, np.array([-0.1]), duration_s=0.8)
    assert five.labels == ("A:5", "A:min", "F:min")


def test_power_chords_need_a_model_that_knows_thirds():
    plain = make_frame_card("chords", outputs={"chords": 25}, labels=MAJMIN.labels,
                            decoding=ChordDecoding(power_chords=True))  # fmt: skip
    with pytest.raises(CardError, match="fake_chords has no output 'third'"):
        decode(plain, {"chords": np.full((1, 101, 25), 0.04)}, np.array([-0.1]), duration_s=0.8)


def test_power_chords_need_the_whole_song():
    with pytest.raises(CardError, match="with a lag_s chords are decided one by one"):
        decode(card(power_chords=True, lag_s=0.2), outputs_for(["A:maj"], [BARE]),
               np.array([-0.1]), duration_s=0.8)  # fmt: skip


@pytest.mark.parametrize("suffix", [".json", ".jams"])
def test_thirds_and_tuning_are_in_files_by_name(tmp_path, suffix):
    chords = Chords([(0.0, 1.0, "A:min"), (1.0, 2.0, "N")], thirds=[BARE, None], tuning_cents=-31.8)
    path = chords.write(tmp_path / f"song{suffix}")
    again = Chords.read(path)
    assert again.thirds == chords.thirds == (BARE, None) and again.tuning_cents == -31.8
    document = json.loads(path.read_text())
    at = document if suffix == ".json" else document["annotations"][0]["sandbox"]
    assert at["thirds"] == [{"major": 0.05, "minor": 0.03, "none": 0.92}, None]
    before = Chords([(0.0, 1.0, "A:min")])
    assert Chords.read(before.write(tmp_path / f"old{suffix}")).thirds is None
    assert "thirds" not in before.to_dict() and "tuning_cents" not in before.to_dict()


@pytest.mark.parametrize("suffix", [".json", ".jams"])
def test_files_of_earlier_versions_have_thirds_without_names(tmp_path, suffix):
    chords = Chords([(0.0, 1.0, "A:min"), (1.0, 2.0, "N")], thirds=[BARE, None])
    path = chords.write(tmp_path / f"song{suffix}")
    document = json.loads(path.read_text())
    at = document if suffix == ".json" else document["annotations"][0]["sandbox"]
    at["thirds"] = [list(BARE), [0.2, 0.3, 0.5]]
    path.write_text(json.dumps(document))
    assert Chords.read(path).thirds == (BARE, None)


def test_what_has_no_root_has_no_third():
    segments = [(0.0, 1.0, "A:min"), (1.0, 2.0, "N"), (2.0, 3.0, "X")]
    chords = Chords(segments, thirds=[BARE, (0.2, 0.3, 0.5), None])
    assert chords.thirds == (BARE, None, None)
    named = {"major": 0.05, "minor": 0.03, "none": 0.92}
    assert [event["third"] for event in chords.events()] == [named, None, None]
    for wrong, told in (([None] * 3, "of A:min is None"), ([BARE], "1 thirds for 3 segments"),
                        ([(0.5, 0.5), None, None], "of A:min is")):  # fmt: skip
        with pytest.raises(AnnotationError, match=told):
            Chords(segments, thirds=wrong)


class Known:
    def __init__(self, *spans):
        from mirzoo.data.labels import ChordSpan, Labels

        self._labels = Labels(chords=tuple(ChordSpan(*span) for span in spans))

    def labels(self, index):
        return self._labels


def test_bare_fifths_teach_no_chord_but_that_there_is_no_third():
    known = Known((0.0, 1.0, "A:min(*b3)"), (1.0, 2.0, "C:7"), (2.0, 3.0, "N"))
    targets = ChordTargets(known, [np.array([0.5, 1.5, 2.5])], LARGE).read(0, 3, 1)
    assert not targets["chords"][0].any() and targets["root"][0].argmax() == 1 + 10
    assert targets["third"][0].nonzero()[0].tolist() == [3 * 10 + 2]
    assert targets["third"][1].nonzero()[0].tolist() == [3 * 1 + 0]
    assert not targets["third"][2].any()


def test_thirds_of_teachers_are_those_of_their_chords():
    row = np.zeros((1, len(LARGE)))
    row[0, [LARGE.index("C:min7"), LARGE.index("C:sus4"), 0]] = 0.5, 0.25, 0.25
    third = DistilledChordTargets(row, LARGE, 2.0).read(0, 1, 2)["third"][0]
    assert third[[3 * 2 + 1, 3 * 2 + 2]].tolist() == [1.0, 0.5] and third.sum() == 1.5


def test_an_unclear_third_is_major_rather_than_minor():
    assert settled(["A:min"], [4.0], np.array([[0.30, 0.34, 0.36]])) == ["A:maj"]
    assert settled(["A:min"], [4.0], np.array([[0.20, 0.60, 0.20]])) == ["A:min"]
