"""Label files in the layouts of others, and what each is seen to hold."""

import json

import numpy as np
import pytest

from mirzoo.data.label_texts import WrongTimesError, read_label_file
from mirzoo.errors import DataError
from mirzoo.tasks.chords.annotation import Chords
from mirzoo.tasks.melody.annotation import Melody

CHORDS = [(0.0, 1.5, "C:maj"), (1.5, 2.0, "A:min7/b3")]
SUNG = [0.0, 220.0, 220.0, 0.0, 440.0]


def read(tmp_path, text, name="song.txt", **options):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_label_file(path, duration_s=lambda: 3.0, **options)


def rows(*columns, between=",", header=None):
    lines = [between.join(map(str, row)) for row in zip(*columns)]
    return "\n".join([*([header] if header else []), *lines]) + "\n"


def spans_of(found):
    labels = found.labels.chords if found.kind == "chords" else found.labels.tag_spans
    return [tuple(vars(span).values()) for span in labels]


@pytest.mark.parametrize(
    "text",
    [
        "0.0\t1.5\tC:maj\n1.5\t2.0\tA:min7/b3\n",
        "0.0 1.5 C:maj\n1.5 2.0 A:min7/b3\n",
        "# made by hand\n0.0,1.5,C:maj\n\n1.5,2.0,A:min7/b3\n",
        "start,end,label\n0.0,1.5,C:maj\n1.5,2.0,A:min7/b3\n",
        "Start Time;End Time;Chord\n0.0;1.5;C:maj\n1.5;2.0;A:min7/b3\n",
        '0.0,1.5,"C:maj"\n1.5,2.0,"A:min7/b3"\n',
        "\ufeff0.0\t1.5\tC:maj\r\n1.5\t2.0\tA:min7/b3\r\n",
    ],
)
def test_chords_with_start_and_end(tmp_path, text):
    found = read(tmp_path, text)
    assert found.kind == "chords"
    assert spans_of(found) == CHORDS


@pytest.mark.parametrize("header", [None, "time,label", "TIME,VALUE"])
def test_chords_with_their_start_alone_last_until_the_next(tmp_path, header):
    found = read(tmp_path, rows([0.0, 1.5], ["C:maj", "A:min7/b3"], header=header))
    assert found.kind == "chords"
    assert spans_of(found) == [CHORDS[0], (1.5, 3.0, "A:min7/b3")]


def test_what_mirzoo_writes_is_read(tmp_path):
    chords = Chords(CHORDS)
    times = np.arange(5) / 100
    melody = Melody(times, np.array([-220.0, 220.0, 220.0, 0.0, 440.0]), np.full(5, 0.9))
    for suffix in (".lab", ".csv", ".json", ".jams"):
        chords.write(tmp_path / f"chords{suffix}")
        found = read_label_file(tmp_path / f"chords{suffix}", duration_s=lambda: 3.0)
        assert (found.kind, spans_of(found)) == ("chords", CHORDS)
    for suffix in (".csv", ".json", ".jams"):
        melody.write(tmp_path / f"melody{suffix}")
        found = read_label_file(tmp_path / f"melody{suffix}", duration_s=lambda: 3.0)
        assert found.kind == "f0"
        np.testing.assert_allclose(found.labels.f0, SUNG)


def test_label_tracks_of_audacity_are_tags_over_time(tmp_path):
    found = read(tmp_path, "0.5\t1.5\tbird song\n1.0\t2.0\tdog\n")
    assert found.kind == "tags"
    assert spans_of(found) == [(0.5, 1.5, "bird song"), (1.0, 2.0, "dog")]
    sections = "0\t10\tA\n10\t20\tB\n20\t30\tA\n"
    assert read(tmp_path, sections).kind == "chords"
    assert read(tmp_path, sections, kind="tags").kind == "tags"


TIMES = [0.0, 0.01, 0.02, 0.03, 0.04]


@pytest.mark.parametrize(
    "text",
    [
        rows(TIMES, SUNG),
        rows(TIMES, SUNG, between="\t"),
        rows(TIMES, SUNG, between=" "),
        rows(TIMES, SUNG, between="    "),
        rows(TIMES, [-100.0, 220.0, 220.0, -3.0, 440.0]),
        rows(TIMES, SUNG, header="time,f0"),
        rows(TIMES, SUNG, header="Time (s);F0 (Hz)", between=";"),
        rows(SUNG, TIMES, header="frequency,time"),
        rows(TIMES, [90, 220, 220, 70, 440], [0.1, 0.9, 0.5, 0.49, 1.0],
             header="time,frequency,confidence"),
        rows(TIMES, [90, 220, 220, 70, 440], [0.1, 0.9, 0.5, 0.49, 1.0]),
        rows(TIMES, [90, 220, 220, 70, 440], ["False", "True", "True", "False", "True"],
             header="time,f0,voiced_flag"),
        rows(TIMES, SUNG, [0.0, 0.2, 0.0, 0.2, 0.3], header="time_s,f0_hz,confidence"),
    ],
)  # fmt: skip
def test_melodies_of_two_or_three_columns(tmp_path, text):
    found = read(tmp_path, text)
    assert found.kind == "f0"
    np.testing.assert_allclose(found.labels.f0, SUNG, rtol=1e-6)


def test_a_melody_without_unvoiced_frames_has_them_in_its_gaps(tmp_path):
    """Sonic Visualiser writes voiced frames alone, with or without names of notes."""
    times = [0.10, 0.11, 0.12, 0.20, 0.21]
    for text in (
        rows(times, [220.0] * 5),
        rows(times, [220.0] * 5, ["A3"] * 5),
    ):
        f0 = read(tmp_path, text).labels.f0
        assert np.flatnonzero(f0 > 0).tolist() == [10, 11, 12, 20, 21]
        assert not np.isnan(f0).any()


@pytest.mark.parametrize("bass", [[0, 41.2, 55, 82.4, 110], [0, 110, 110, 55, 55],
                                  [0, 98, 110, 123, 131]])  # fmt: skip
def test_a_bass_line_is_in_hertz(tmp_path, bass):
    np.testing.assert_allclose(read(tmp_path, rows(TIMES, bass)).labels.f0, bass, rtol=1e-6)


def test_the_notes_of_sonic_visualiser(tmp_path):
    f0 = read(tmp_path, "0.1,220,0.05,0.8,A3\n0.2,440,0.1,0.8,A4\n").labels.f0
    assert np.flatnonzero(f0 == 220).tolist() == [10, 11, 12, 13, 14]
    assert np.flatnonzero(f0 == 440).tolist() == list(range(20, 30))
    assert f0[:10].max() == 0


def test_times_in_milliseconds(tmp_path):
    assert spans_of(read(tmp_path, "0\t1500\tC:maj\n", scale=1e-3)) == [(0.0, 1.5, "C:maj")]
    f0 = read(tmp_path, rows([0, 10, 20], [0.0, 220.0, 220.0]), scale=1e-3).labels.f0
    assert f0.tolist() == [0.0, 220.0, 220.0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("0,220\n1e12,220\n", "song.csv"),
        ("0,220,1e12,0.8,A3\n", "song.csv"),
        (json.dumps({"times": [0, 1e12], "f0": [220, 220]}), "song.json"),
    ],
)
def test_times_far_beyond_the_recording_take_no_memory(tmp_path, text, name):
    with pytest.raises(WrongTimesError, match="far beyond") as refused:
        read(tmp_path, text, name)
    assert refused.value.last_s == pytest.approx(1e12)


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"segments": [{"start_s": 0}]},
        {"times": [0, 1], "f0": [220]},
        {"times": [1, 0], "f0": [220, 220]},
        {"times": [0, None], "f0": [220, 220]},
        {"annotations": [{"namespace": "chord", "data": [{"time": 0}]}]},
    ],
)
def test_other_documents_are_refused(tmp_path, document):
    with pytest.raises(DataError):
        read(tmp_path, json.dumps(document), "song.json")


def test_open_tags_of_jams(tmp_path):
    data = [{"time": 0.0, "duration": 2.0, "value": "verse", "confidence": None}]
    text = json.dumps({"annotations": [{"namespace": "segment_open", "data": data}]})
    found = read(tmp_path, text, "song.jams")
    assert (found.kind, spans_of(found)) == ("tags", [(0.0, 2.0, "verse")])
    with pytest.raises(DataError, match=r"has the annotations segment_open"):
        read(tmp_path, text, "song.jams", kind="f0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("time,f0\n", "it is empty"),
        ("hello\n", "its only row begins with 'hello', where a number is wanted"),
        ("0.0,1.0,C:maj\n2.0,1.5,A:min\n3.0,4.0,A:min\n4.0,5.0,A:min\n", None),
        ("0,1,C:maj\n1,x,A:min\n", None),
        ("0.0\n1.0\n", "one column"),
        ("0.1,220\n0.0,220\n", "go back"),
        ("-1.0,220\n0.0,220\n", "first time is -1"),
        ("0.0,220\nx,220\n", "'x' where a number is wanted"),
        ("0.0,1.0,\n1.0,2.0,A\n", "is empty"),
        ("tempo,f0\n0.0,220\n", "its columns are tempo, f0"),
        ("start,end,label\n1.0,0.5,C:maj\n", "from 1 to 0.5"),
        ("0.0\t2.0\tC:maj\n1.0\t3.0\tD:maj\n", "chords overlap"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_what_is_no_text_is_told_so(tmp_path):
    path = tmp_path / "song.lab"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="no text in UTF-8"):
        read_label_file(path, duration_s=lambda: 4.0)
