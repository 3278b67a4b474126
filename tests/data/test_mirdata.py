"""Data sets of mirdata in the schema of labels: every miniature data home, and one made here."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from places import ROOT

from mirzoo.data import folder
from mirzoo.data.labelled import MissingRecordings, labelled_recordings, parse_mirdata
from mirzoo.data.labels import ChordSpan, Labels, resample_f0
from mirzoo.data.readers import mirdata as mirdata_reader
from mirzoo.data.recordings import fields_of, label_kinds, labels_of
from mirzoo.errors import DataError, UnknownNameError

mirdata = pytest.importorskip("mirdata", reason="mirdata is missing: install mirzoo[mirdata]")
core = pytest.importorskip("mirdata.core")
annotations = pytest.importorskip("mirdata.annotations")

FIXTURES = ROOT.parent / "shared" / "data" / "real" / "mirdata_fixtures"
RATE = 8000
TEMPO = "giantsteps-tempo-dataset-0b7d47ba8cae59d3535a02e3db69e2cf6d0af5bb"
SECRET = "11_-_Do_You_Want_To_Know_A_Secret"
SPARKS = "10089 Jason Sparks - Close My Eyes feat. J. Little (Original Mix)"
BEATLES = "annotations/{}/The Beatles/01_-_Please_Please_Me/" + SECRET

# Of each data home: the index of one track, then the group and the labels that it has.
HOMES = {
    "ballroom": (
        "Media-105901",
        {"audio": "B_1.0/audio/Waltz/Media-105901.wav",
         "beats": "B_1.0/annotations/beats/Media-105901.beats",
         "tempo": "B_1.0/annotations/tempo/Media-105901.bpm"},
        "Media-105901", {"beats", "downbeats", "tags"},
    ),
    "beatles": (
        "0111",
        {"audio": f"audio/01_-_Please_Please_Me/{SECRET}.wav",
         "beat": BEATLES.format("beat") + ".txt", "chords": BEATLES.format("chordlab") + ".lab",
         "keys": BEATLES.format("keylab") + ".lab", "sections": BEATLES.format("seglab") + ".lab"},
        "01_-_Please_Please_Me", {"chords", "beats", "downbeats", "key"},
    ),
    "billboard": (
        "3",
        {"audio": "audio/1960s/James Brown/I Don't Mind/audio.flac",
         "salami": "McGill-Billboard/0003/salami_chords.txt",
         "lab_full": "McGill-Billboard/0003/full.lab",
         "lab_majmin7": "McGill-Billboard/0003/majmin7.lab",
         "lab_majmin7inv": "McGill-Billboard/0003/majmin7inv.lab",
         "lab_majmin": "McGill-Billboard/0003/majmin.lab",
         "lab_majmininv": "McGill-Billboard/0003/majmininv.lab",
         "bothchroma": "McGill-Billboard/0003/bothchroma.csv",
         "tuning": "McGill-Billboard/0003/tuning.csv"},
        "James Brown", {"chords"},
    ),
    "giantsteps_key": (
        "3",
        {"audio": f"audio/{SPARKS}.mp3", "key": f"keys_gs+/{SPARKS}.txt",
         "meta": f"meta/{SPARKS}.json"},
        "Jason Sparks", {"key", "tags"},
    ),
    "giantsteps_tempo": (
        "113",
        {"audio": "audio/28952.LOFI.mp3",
         "annotation_v1": f"{TEMPO}/annotations/jams/28952.LOFI.jams",
         "annotation_v2": f"{TEMPO}/annotations_v2/jams/28952.LOFI.jams"},
        "113", {"tags"},
    ),
    "gtzan_genre": (
        "country.00000",
        {"audio": "gtzan_genre/genres/country/country.00000.wav",
         "beats": "gtzan_tempo_beat-main/beats/gtzan_country_00000.beats",
         "tempo": "gtzan_tempo_beat-main/tempo/gtzan_country_00000.bpm"},
        "country.00000", {"beats", "downbeats", "tags"},
    ),
    "guitarset": (
        "03_BN3-119-G_solo",
        {"audio_hex_cln": "audio_hex-pickup_debleeded/03_BN3-119-G_solo_hex_cln.wav",
         "audio_hex": "audio_hex-pickup_original/03_BN3-119-G_solo_hex.wav",
         "audio_mic": "audio_mono-mic/03_BN3-119-G_solo_mic.wav",
         "audio_mix": "audio_mono-pickup_mix/03_BN3-119-G_solo_mix.wav",
         "jams": "annotation/03_BN3-119-G_solo.jams"},
        "03", {"chords", "beats", "downbeats", "key", "tags"},
    ),
    "hainsworth": (
        "hains001",
        {"audio": "H_1.0/audio/hains001.flac", "beats": "H_1.0/annotations/beats/hains001.beats",
         "tempo": "H_1.0/annotations/tempo/hains001.bpm"},
        "hains001", {"beats", "downbeats"},
    ),
    "medleydb_melody": (
        "MusicDelta_Beethoven",
        {"audio": "audio/MusicDelta_Beethoven_MIX.wav",
         **{f"melody{n}": f"melody{n}/MusicDelta_Beethoven_MELODY{n}.csv" for n in (1, 2, 3)}},
        "MusicDelta", {"f0", "tags"},
    ),
    "medleydb_pitch": (
        "AClassicEducation_NightOwl_STEM_08",
        {"audio": "audio/AClassicEducation_NightOwl_STEM_08.wav",
         "pitch": "pitch/AClassicEducation_NightOwl_STEM_08.csv",
         "notes_pyin": "medleydb-pitch-pyin-notes/"
         "AClassicEducation_NightOwl_STEM_08_vamp_pyin_pyin_notes.csv"},
        "AClassicEducation", {"f0", "instruments", "tags"},
    ),
    "orchset": (
        "Beethoven-S3-I-ex1",
        {"audio_mono": "audio/mono/Beethoven-S3-I-ex1.wav",
         "audio_stereo": "audio/stereo/Beethoven-S3-I-ex1.wav",
         "melody": "GT/Beethoven-S3-I-ex1.mel"},
        "Beethoven", {"f0", "instruments"},
    ),
    "vocadito": (
        "1",
        {"audio": "Audio/vocadito_1.wav", "f0": "Annotations/F0/vocadito_1_f0.csv",
         "notesA1": "Annotations/Notes/vocadito_1_notesA1.csv",
         "notesA2": "Annotations/Notes/vocadito_1_notesA2.csv",
         "lyrics": "Annotations/Lyrics/vocadito_1_lyrics.txt"},
        "S1", {"f0"},
    ),
}  # fmt: skip


def index_of(tracks):
    return {"version": "1", "tracks": {
        track: {key: [path, None] for key, path in files.items()} for track, files in tracks.items()
    }}  # fmt: skip


def make_home(name, home, more_tracks=()):
    """The miniature data home with an index of its track, which mirdata would have to fetch."""
    if not (FIXTURES / name).is_dir():
        pytest.skip("no miniature data homes of mirdata here")
    home.mkdir()
    for path in (FIXTURES / name).iterdir():
        (home / path.name).symlink_to(path)
    track, files, *_ = HOMES[name]
    tracks = {track: files, **dict(more_tracks)}
    index = Path(mirdata.initialize(name, str(home)).index_path).name
    (home / index).write_text(json.dumps(index_of(tracks)))
    return home


@pytest.mark.parametrize("name", HOMES)
def test_a_miniature_data_home_has_its_labels(tmp_path, name):
    found = mirdata_reader.load(name, make_home(name, tmp_path / name))
    track, _, group, kinds = HOMES[name]
    (recording,) = found.recordings
    assert (recording.name, recording.group, found.missing) == (track, group, ())
    assert found.licence and found.citation.startswith("@")
    assert set(label_kinds(recording.labels)) == kinds
    waveform = recording.read(16000)
    assert waveform.dtype == np.float32 and len(waveform) > 8000 and np.abs(waveform).max() > 0


@pytest.fixture
def labels_in(tmp_path):
    def read(name):
        return mirdata_reader.load(name, make_home(name, tmp_path / name)).recordings[0].labels

    return read


def test_what_the_miniature_files_say(labels_in):
    beatles = labels_in("beatles")
    assert beatles.chords[:2] == (
        ChordSpan(0.0, 0.497838, "N"), ChordSpan(4.586464, 6.98973, "E:min"),
    )  # fmt: skip
    assert beatles.key == "E:maj"
    assert beatles.downbeats[0] == 14.965 and beatles.beats[0] == 13.249
    assert labels_in("giantsteps_key").key == "D:maj"
    assert labels_in("medleydb_pitch").instruments == ("male singer",)
    orchset = labels_in("orchset").f0
    assert np.isnan(orchset[:6]).all()
    np.testing.assert_allclose(orchset[7:10], [0, 0, 622.254], rtol=1e-6)


def test_guitar_chords_come_from_the_leadsheet(labels_in):
    labels = labels_in("guitarset")
    assert labels.chords[0].start_s == 0.0
    assert labels.key == "G:maj"
    assert labels.tags == ("Bossa Nova",)


def test_recordings_that_are_not_here_are_named(tmp_path):
    home = make_home(
        "ballroom",
        tmp_path / "b",
        [("Media-2", {"audio": "B_1.0/audio/Tango/Media-2.wav", "beats": None, "tempo": None})],
    )
    with pytest.warns(MissingRecordings, match=r"1 of 2 recordings.*Media-2\.wav"):
        assert len(list(labelled_recordings(f"mirdata:ballroom@{home}"))) == 1


def test_what_is_needed_is_there_or_said_to_be_absent(tmp_path):
    home = make_home("ballroom", tmp_path / "b")
    (recording,) = labelled_recordings(f"mirdata:ballroom@{home}", need="beats")
    assert len(recording.labels.downbeats) == 1
    with pytest.raises(DataError, match="no chords: its recordings have beats, downbeats, tags"):
        list(labelled_recordings(f"mirdata:ballroom@{home}", need="chords"))


def test_a_data_set_s_tags_label_clips(tmp_path):
    home = make_home("gtzan_genre", tmp_path / "g")
    clips = folder.load(f"mirdata:gtzan_genre@{home}")
    assert clips.labels == ("country",)
    assert len(clips.windows(RATE, RATE).waveforms) >= 1
    with pytest.raises(DataError, match="no instruments"):
        folder.load(f"mirdata:gtzan_genre/instruments@{home}")
    with pytest.raises(DataError, match="asks for beats.*tags, instruments, key"):
        folder.load(f"mirdata:gtzan_genre/beats@{home}")


# ------------------------------------------------------------------------------------------
# A data set made here


class Song(core.Track):
    """A track that has some of everything."""

    def __init__(self, *args):
        super().__init__(*args)
        self.audio_path = self.get_path("audio")
        self.artist = {"a": "Ann", "b": "Bob", "c": ""}[self.track_id]

    @property
    def chords(self):
        if self.track_id != "a":
            return None
        times = np.array([[0.0, 0.5], [0.4999, 1.0], [1.0, 1.0], [1.0, 2.0]])
        return annotations.ChordData(times, "s", ["C", "D minor", "E", "A:min7/b3"], "open")

    @property
    def melody2(self):
        times = np.array([0.02, 0.04, 0.06, 0.08])
        return annotations.F0Data(
            times, "s", np.array([220.0, 440.0, 300.0, 300.0]), "hz",
            np.array([1.0, 1.0, 0.2, 0.9]), "likelihood",
        )  # fmt: skip

    @property
    def key_mode(self):
        return annotations.KeyData(
            np.array([[0.0, 1.0], [1.0, 1.5], [1.5, 3.0]]), "s",
            ["A:minor", "C", "A:minor"], "key_mode",
        )  # fmt: skip

    @property
    def beats(self):
        with open(self._data_home + "/beats.txt") as file:
            return annotations.BeatData(
                np.array([float(line) for line in file]), "ms", np.array([2, 1, 2]), "bar_index"
            )

    @property
    def instruments(self):
        return {"banjo": 0.9, "flute": 0.1}

    @property
    def genres(self):
        return {"genres": ["folk"], "moods": ["happy", "folk"]}


@pytest.fixture
def songs(tmp_path):
    files = {"a": "a.wav", "b": "b.wav", "c": "c.wav"}
    index = tmp_path / "songs_index.json"
    index.write_text(json.dumps(index_of({name: {"audio": file} for name, file in files.items()})))
    for file in ("a.wav", "c.wav"):
        soundfile.write(tmp_path / file, np.full(3 * RATE, 0.25), RATE, subtype="FLOAT")
    (tmp_path / "beats.txt").write_text("500\n1000\n1500\n")

    class Index:
        remote = None

        @staticmethod
        def get_path():
            return str(index)

    return core.Dataset(
        str(tmp_path), "1", "songs", Song, indexes={"1": Index()}, license_info="CC0 ",
        bibtex="@nobody", download_info="Ask\nAnn.",
    )  # fmt: skip


def test_labels_of_a_made_up_data_set(songs):
    found = mirdata_reader.of_dataset(songs)
    assert (found.licence, found.citation) == ("CC0", "@nobody")
    assert [Path(path).name for path in found.missing] == ["b.wav"]
    first, last = found.recordings
    assert (first.group, last.group) == ("Ann", "c")
    labels = first.labels
    assert labels.chords == (
        ChordSpan(0.0, 0.5, "C"), ChordSpan(0.5, 1.0, "X"), ChordSpan(1.0, 2.0, "A:min7/b3"),
    )  # fmt: skip
    np.testing.assert_allclose(
        labels.f0, [220, 220, 220, 220 * 2**0.5, 440, labels.f0[5], 0, labels.f0[7], 300],
        rtol=1e-6,
    )  # fmt: skip
    assert labels.f0[5] in (0, 440) and labels.f0[7] in (0, 300)
    assert labels.beats.tolist() == [0.5, 1.0, 1.5] and labels.downbeats.tolist() == [1.0]
    assert labels.key == "A:min"
    assert labels.instruments == ("banjo",)
    assert labels.tags == ("folk", "happy")
    assert last.labels.chords is None
    np.testing.assert_allclose(first.read(2 * RATE)[100:-100], 0.25, atol=1e-3)


def test_annotations_that_cannot_be_read_are_named(songs, tmp_path):
    (tmp_path / "beats.txt").unlink()
    with pytest.raises(DataError, match=r"the beats of 'a' in 'songs'.*beats\.txt.*download\(\)"):
        mirdata_reader.of_dataset(songs).recordings[0].labels  # noqa: B018


def test_without_any_audio_nothing_is_given(songs, tmp_path):
    for path in tmp_path.glob("*.wav"):
        path.unlink()
    with pytest.raises(DataError, match=r"no audio of 'songs'.*a\.wav.*mirdata says: Ask Ann\."):
        mirdata_reader.of_dataset(songs)


def test_unknown_names_and_places_are_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean guitarset"):
        mirdata_reader.load("guitar_set")
    with pytest.raises(UnknownNameError, match="there are: acoustic"):
        mirdata_reader.load("zzz")
    with pytest.raises(DataError, match="not in .*missing"):
        mirdata_reader.load("guitarset", tmp_path / "missing")
    with pytest.raises(DataError, match=r"list of the files.*\['index'\].*guitarset_index_1"):
        mirdata_reader.load("guitarset", tmp_path)
    with pytest.raises(DataError, match="no version '9'.*1.1.0"):
        mirdata_reader.load("guitarset", tmp_path, version="9")


@pytest.mark.parametrize(
    ("words", "key"),
    [("Eb major", "Eb:maj"), ("G#:minor", "G#:min"), ("E", "E:maj"), ("c minor", "C:min"),
     ("D:dorian", "D:dorian"), ("N", None), ("C major | A minor", None)],
)  # fmt: skip
def test_keys_in_the_words_of_data_sets(words, key):
    assert mirdata_reader._key(words) == key


def test_where_an_f0_annotation_has_gaps_nothing_is_known():
    times = np.array([0.0, 0.01, 0.02, 0.08, 0.09])
    f0 = resample_f0(times, np.array([100.0, 100.0, 0.0, 0.0, 200.0]))
    np.testing.assert_array_equal(np.isnan(f0), [False] * 4 + [True] * 3 + [False] * 3)
    assert len(resample_f0(np.zeros(0), np.zeros(0))) == 0


# ------------------------------------------------------------------------------------------
# Sources in general


def test_sources_taken_apart():
    assert parse_mirdata("mirdata:a/key@/x/y@z") == ("a", "key", "/x/y@z")
    assert parse_mirdata("mirdata:a@~/x")[2].startswith(str(Path.home()))


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("clips", {}, "allowed are mirdata:NAME"),
        ("mirdata:guitarset/key", {}, "'/key'"),
        ("mirdata:guitarset", {"split": "test"}, "no splits"),
        ("mirdata:guitarset", {"need": "chord"}, "need is 'chord'; allowed are chords, f0"),
    ],
)
def test_sources_that_make_no_sense(source, options, message):
    with pytest.raises(DataError, match=message):
        labelled_recordings(source, **options)


def test_labels_survive_as_plain_fields():
    labels = Labels(
        chords=(ChordSpan(0.0, 1.5, "C:9"),), f0=np.array([0, np.nan, 220], np.float32),
        beats=np.array([0.5]), downbeats=np.zeros(0), key="F#:min", instruments=("Cello",),
        tags=("slow", "sad"),
    )  # fmt: skip
    again = labels_of(fields_of(labels))
    np.testing.assert_array_equal(again.f0, labels.f0)
    np.testing.assert_array_equal(again.beats, labels.beats)
    assert again.downbeats.tolist() == []
    assert (again.chords, again.key) == (labels.chords, labels.key)
    assert (again.instruments, again.tags) == (labels.instruments, labels.tags)
    nothing = labels_of(fields_of(Labels()))
    assert label_kinds(nothing) == ()


def test_without_mirdata_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mirdata", None)
    with pytest.raises(DataError, match=r"mirzoo\[mirdata\]"):
        labelled_recordings("mirdata:guitarset")
