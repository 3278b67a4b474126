"""What an evaluation knows: recordings, classes, failures, and which of two models is better."""

import json

import numpy as np
import pytest
from fake_models import FakeFrameRunner, FakeRunner, make_card, make_frame_card
from scipy.stats import binomtest, wilcoxon

import mirzoo
from mirzoo.annotate import annotate
from mirzoo.data import own
from mirzoo.data.folder import LabelledClips
from mirzoo.data.recordings import Recording
from mirzoo.errors import AnnotationError, DataError
from mirzoo.evaluation import Evaluation, EvaluationWarning, LabelledRecording, evaluate
from mirzoo.tasks.chords import ChordDecoding, Chords

LABELS = ("loud", "quiet")


class Loudness:
    """A tagger that gives "loud" the mean level of a window, to the power of its bias."""

    def __init__(self, name="loudness", bias=1.0):
        self.bias = bias
        self.card = make_card(
            name, sample_rate=1000, min_samples=50, window_samples=500, hop_samples=500
        ).updated(labels=LABELS, activation="softmax")

    def predict_windows(self, windows):
        level = np.abs(windows).mean(axis=1) ** self.bias
        return {"tags": np.stack([level, 1 - level], axis=1)}


def clip(level, label, number, group=None):
    waveform = np.full(1000, level, np.float32)
    return Recording.tagged(waveform, (label,), group or f"g{number}", 1000, name=f"{number}.wav")


@pytest.fixture
def clips():
    """Thirty clips, of which those between 0.5 and 0.64 are called quiet."""
    levels = np.linspace(0.05, 0.95, 30)
    return LabelledClips(
        tuple(clip(v, "loud" if v > 0.64 else "quiet", n) for n, v in enumerate(levels)), LABELS
    )


def test_it_is_the_list_of_its_metrics(clips):
    found = evaluate(Loudness(), clips)
    assert isinstance(found, list) and found == found.metrics
    by_name = {metric.metric: metric for metric in found}
    assert list(by_name) == [
        "ROC-AUC, mean over 2 tags", "PR-AUC, mean over 2 tags", "accuracy", "F1, mean over 2 tags",
    ]  # fmt: skip
    accuracy = by_name["accuracy"]
    assert accuracy.value == pytest.approx(25 / 30)
    low, high = accuracy.interval
    assert 0.6 < low < 25 / 30 < high < 1.0
    assert by_name["ROC-AUC, mean over 2 tags"].interval == (1.0, 1.0)
    assert evaluate(Loudness(), clips) == found  # seeded
    assert evaluate(Loudness(), clips, resamples=0)[0].interval is None


def test_each_recording_and_class_is_told(clips):
    found = evaluate(Loudness(), clips)
    wrong = [result.name for result in found.per_file if not result.right]
    assert len(wrong) == 5 and found.worst(1)[0].name == max(wrong, key=lambda n: int(n[:-4]))
    worst = found.worst(1)[0]
    assert (worst.truth, worst.given) == (("quiet",), ("loud",))
    loud, quiet = found.per_class
    assert (loud.label, loud.support, loud.unit) == ("loud", 10, "clips")
    assert loud.scores["precision"] == pytest.approx(10 / 15) and loud.scores["recall"] == 1.0
    assert quiet.intervals["recall"][0] < quiet.scores["recall"] < 1.0
    assert found.confusion.counts.tolist() == [[10, 0], [5, 15]]
    assert found.reliability.counts.sum() == 30


def test_recordings_of_a_group_count_together(clips):
    """Ten groups of three resemble each other, so the interval is wider."""
    together = LabelledClips(
        tuple(clip(np.abs(c.source[0]), c.labels.tags[0], n, f"g{n // 6}")
              for n, c in enumerate(clips.clips)), LABELS,
    )  # fmt: skip

    def width(data):
        low, high = next(m.interval for m in evaluate(Loudness(), data) if m.metric == "accuracy")
        return high - low

    assert width(together) > 1.3 * width(clips)
    found = evaluate(Loudness(), together)
    assert found.sized == (30, 5) and "in 5 groups" in found[0].method
    assert found.notes == ("intervals of 5 groups are rough",)


def test_one_class_gives_what_can_be_given():
    ones = LabelledClips(tuple(clip(v, "loud", n) for n, v in enumerate((0.9, 0.8, 0.2))), LABELS)
    found = evaluate(Loudness(), ones)
    assert {m.metric: round(m.value, 3) for m in found} == {
        "accuracy": 0.667, "F1, mean over 1 tag": 0.8,
    }  # fmt: skip
    assert found.notes[0] == (
        "ROC-AUC and PR-AUC are not given: every recording has the same labels (loud), nothing "
        "can be ranked"
    )
    assert [of.label for of in found.per_class] == ["loud", "quiet"]
    assert "ROC-AUC" not in found.per_class[0].scores
    one = evaluate(Loudness(), LabelledClips(ones.clips[:1], LABELS))
    assert "there are no intervals: all recordings are of one group" in one.notes
    json.dumps(one.to_dict(), allow_nan=False)


def test_bad_files_do_not_lose_the_others(clips, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF and no more")
    broken = Recording.tagged(bad, ("loud",), "bad", name="bad.wav")
    data = LabelledClips((clips.clips[0], broken, *clips.clips[1:]), LABELS)
    with pytest.warns(EvaluationWarning, match=r"1 of 31 recordings .* for one bad.wav: "):
        found = evaluate(Loudness(), data)
    assert [failure.name for failure in found.failed] == ["bad.wav"]
    assert found.metrics == evaluate(Loudness(), clips).metrics
    with pytest.raises(mirzoo.MirzooError, match=r"bad\.wav"):
        evaluate(Loudness(), LabelledClips((broken,), LABELS))


def test_labels_that_cannot_be_read_do_not_lose_the_others(tmp_path):
    import soundfile

    for name, label in (("a", "0.0\t1.6\tC:maj\n"), ("b", "no chords\n"), ("c", "0 1.6 C:maj\n")):
        soundfile.write(tmp_path / f"{name}.wav", np.full(1600, 0.25), 1000)
        (tmp_path / f"{name}.lab").write_text(label)
    with pytest.warns(EvaluationWarning, match=r"b\.wav"):
        found = evaluate(chord_model(), tmp_path)
    assert [result.name for result in found.per_file] == ["a.wav", "c.wav"]
    assert [failure.name for failure in found.failed] == ["b.wav"]


def chord_model(name="fake_chords", shift=0):
    class Shifted(FakeFrameRunner):
        def predict_windows(self, windows):
            return super().predict_windows(np.round(windows) + shift)

    return Shifted(make_frame_card(
        "chords", outputs={"chords": 4}, labels=["N", "C:maj", "D:maj", "X"],
        decoding=ChordDecoding(change_penalty=0.0), name=name,
    ))  # fmt: skip


def songs(count=12):
    rng = np.random.default_rng(0)
    return [
        LabelledRecording(
            np.repeat(rng.integers(1, 3, 4), 800).astype(np.float32),
            Chords([(0.0, 3.2, "C:maj")]),
            name=f"{number}.wav",
        )
        for number in range(count)
    ]


def test_chords_are_told_of_each_song():
    found = evaluate(chord_model(), songs())
    shares = [result.scores["majmin"].value for result in found.per_file]
    metric = next(metric for metric in found if metric.metric == "majmin")
    assert metric.value == pytest.approx(np.mean(shares), abs=0.01)
    assert metric.interval[0] < metric.value < metric.interval[1]
    assert found.worst(1)[0].scores["root"].value == min(
        r.scores["root"].value for r in found.per_file
    )
    assert found.confusion.labels == ("maj", "another root") and found.reliability is None


def test_models_are_compared_on_the_same_draws(clips):
    same, biased = Loudness("same"), Loudness("biased", bias=1.6)
    both = evaluate([Loudness(), same, biased], clips)
    assert [found.model for found in both] == ["loudness", "same", "biased"]
    equal, better = both.comparisons
    for each in equal.differences:
        assert (each.difference, each.interval, each.p) == (0.0, (0.0, 0.0), 1.0)
    assert (equal.test.p, equal.test.n) == (1.0, 0)
    accuracy = next(each for each in better.differences if each.metric == "accuracy")
    assert accuracy.difference == pytest.approx(5 / 30)
    low, high = accuracy.interval
    assert 0.0 < low < 5 / 30 < high and accuracy.p < 0.05
    # The interval of the difference is narrower than those of the models themselves.
    assert high - low < sum(np.ptp(m.interval) for found in (both[0], both[2])
                            for m in found if m.metric == "accuracy")  # fmt: skip
    assert better.test.name == "McNemar's exact test"
    assert better.test.p == pytest.approx(binomtest(5, 5).pvalue)


def test_songs_are_compared_by_wilcoxons_test():
    both = evaluate([chord_model("first"), chord_model("second", shift=1)], songs())
    (comparison,) = both.comparisons
    first, second = (np.array([r.scores["root"].value for r in found.per_file]) for found in both)
    assert comparison.test.name == "Wilcoxon's signed-rank test"
    assert comparison.test.p == pytest.approx(wilcoxon((second - first)[second != first]).pvalue)
    assert comparison.test.of == "root"


def test_clips_of_groups_are_compared_by_groups(clips):
    grouped = LabelledClips(
        tuple(clip(np.abs(c.source[0]), c.labels.tags[0], n, f"g{n // 3}")
              for n, c in enumerate(clips.clips)), LABELS,
    )  # fmt: skip
    (comparison,) = evaluate([Loudness(), Loudness("other", bias=1.6)], grouped).comparisons
    assert comparison.test.name.startswith("Wilcoxon")
    assert comparison.test.of == "right, mean of each group"
    assert (comparison.n, comparison.groups) == (30, 10)


def test_a_recording_that_one_model_cannot_take_is_not_compared(clips):
    class Deaf(Loudness):
        def predict_windows(self, windows):
            level = np.abs(windows).mean(axis=1)
            found = super().predict_windows(windows)["tags"]
            return {"tags": np.where(level[:, None] > 0.9, np.nan, found)}

    with pytest.warns(EvaluationWarning, match=r"2 of 30 .* deaf"):
        both = evaluate([Loudness(), Deaf("deaf")], clips)
    assert [found.sized[0] for found in both] == [30, 28]
    (comparison,) = both.comparisons
    assert comparison.n == 28
    assert {each.difference for each in comparison.differences} == {0.0}


def test_what_cannot_be_compared_says_why(clips):
    with pytest.raises(DataError, match="no model was given"):
        evaluate([], clips)
    with pytest.raises(
        DataError, match="fake_chords is a model for chords, others are for tagging"
    ):
        evaluate([chord_model(), Loudness()], songs())
    one = evaluate(Loudness(), clips)
    other = evaluate(Loudness(), LabelledClips(clips.clips[:9], LABELS))
    with pytest.raises(DataError, match="not evaluated on the same recordings"):
        one.compare(other)


def test_two_models_of_one_name_are_told_apart(clips):
    both = evaluate([Loudness(), Loudness()], clips)
    assert [found.model for found in both] == ["loudness", "loudness (2)"]


def test_any_number_of_tags(clips):
    def tagged(number, level):
        tags = ("loud",) if level > 0.3 else ("rising",)
        noise = np.random.default_rng(number).normal(0, level, 3000).astype(np.float32)
        return Recording.tagged(noise, tags, str(number), 16000)

    levels = np.linspace(0.05, 0.6, 12)
    runner = FakeRunner()
    data = LabelledClips(tuple(tagged(*each) for each in enumerate(levels)), ("loud", "rising"))
    found = evaluate(runner, data)
    assert [metric.metric.split(",")[0] for metric in found] == ["ROC-AUC", "PR-AUC", "F1"]
    assert found.confusion is None
    assert next(iter(found.per_class[0].scores)) == "ROC-AUC"
    assert set(found.per_file[-1].given) == {"loud", "rising"} - (
        set() if annotate(runner, data.clips[-1].source).mean[1] > 0.5 else {"rising"}
    )


def test_the_document_is_whole_and_names_no_folder(clips, tmp_path):
    odd = Recording.tagged(clips.clips[0].source, ("quiet",), "g\udcff", 1000, name="caf\udce9.wav")
    data = LabelledClips((*clips.clips[1:], odd), LABELS)
    found = evaluate([Loudness(), Loudness("other", bias=1.6)], data)
    path = found.write(tmp_path / "found.json")
    document = json.loads(path.read_text("utf-8"))
    assert document == json.loads(json.dumps(found.to_dict()))
    first, _ = document["models"]
    assert first["per_file"][-1]["name"] == "caf\\udce9.wav"
    assert first["metrics"][2]["interval"] == list(found[0][2].interval)
    assert first["calibration"]["error"] == pytest.approx(found[0].reliability.error)
    assert document["comparisons"][0]["test"]["n"] == found.comparisons[0].test.n
    with pytest.raises(AnnotationError, match=r"found\.txt.*\.json, \.html"):
        found.write(tmp_path / "found.txt")
    of_folder = Evaluation(
        found[0].scorer, model="m", task="tagging", dataset="/home/me/clips", split="all",
        per_file=found[0].per_file, resamples=0,
    )  # fmt: skip
    assert "/home/me" not in json.dumps(of_folder.to_dict())


def test_qualities_of_chords_are_told():
    def song(number, *chords):
        spans = [(at, at + 1.0, label) for at, label in enumerate(chords)]
        waveform = np.repeat([1, 1, 2, 0], 1000).astype(np.float32)  # C C D N
        return LabelledRecording(waveform, Chords(spans), name=f"{number}.wav")

    data = [song(0, "C:maj", "C:min7/b3", "D:maj9", "X"), song(1, "C:maj", "G:maj", "X", "N")]
    found = evaluate(chord_model(), data)
    by_label = {of.label: of for of in found.per_class}
    assert set(by_label) == {"maj", "min7", "maj7", "N"}
    assert by_label["maj"].support == pytest.approx(3.0, abs=0.05)
    assert by_label["maj"].scores["root"] == pytest.approx(2 / 3, abs=0.02)
    assert by_label["min7"].scores["root"] == pytest.approx(1.0, abs=0.02)
    assert by_label["min7"].scores["tetrads"] == 0.0
    labels, counts = found.confusion.labels, found.confusion.counts
    assert labels[-1] == "another root"
    assert counts[labels.index("maj"), labels.index("another root")] == pytest.approx(1, abs=0.05)
    assert counts[labels.index("min7"), labels.index("maj")] == pytest.approx(1, abs=0.05)
    # All classes together are the score of the whole.
    root = next(metric.value for metric in found if metric.metric == "root")
    support = {label: of.support for label, of in by_label.items()}
    of_classes = sum(by_label[label].scores["root"] * s for label, s in support.items())
    assert of_classes / sum(support.values()) == pytest.approx(root)
    assert found.per_file[1].at_s == pytest.approx(1.0, abs=0.05)


def test_octaves_of_melodies_are_told():
    from mirzoo.tasks.melody import Melody, MelodyDecoding

    runner = FakeFrameRunner(make_frame_card(
        "melody", outputs={"salience": 61}, decoding=MelodyDecoding(fmin=220.0)
    ))  # fmt: skip
    waveform = np.repeat([12, 24, 48], 800).astype(np.float32)
    times = np.arange(240) / 100
    right = 220 * 2 ** (np.repeat([12, 24, 48], 80) / 60)
    truth = np.where(times < 0.8, right, np.where(times < 1.6, 2 * right, 1.5 * right))
    found = evaluate(runner, [LabelledRecording(waveform, Melody(times, truth), name="a.wav")])
    by_label = {of.label: of for of in found.per_class}
    assert list(by_label) == ["C3 to B3", "C5 to B5"]  # 253 Hz, then 581 and 575
    low, high = (of.scores for of in by_label.values())
    shares = {metric.metric: metric.value for metric in found}
    support = [of.support for of in by_label.values()]
    for name in ("raw pitch accuracy", "raw chroma accuracy"):
        assert np.average([low[name], high[name]], weights=support) == pytest.approx(shares[name])
    assert found.per_file[0].at_s == pytest.approx(0.8, abs=0.03)


def test_a_table_of_any_columns_is_a_source(clips, tmp_path):
    import soundfile

    rows = ["file;what;artist;part"]
    for n, c in enumerate(clips.clips):
        soundfile.write(tmp_path / f"{n}.wav", c.source, 1000)
        rows.append(f"{n}.wav;{c.labels.tags[0]};g{n // 3};{'test' if n % 2 else 'train'}")
    table = tmp_path / "clips.csv"
    table.write_text("\n".join(rows))
    columns = {"label_column": "what", "group_column": "artist", "path_column": "file"}
    found = evaluate(Loudness(), table, **columns)
    assert (found.sized, found.split) == ((30, 10), "all clips")
    assert found[2].value == pytest.approx(25 / 30)
    divided = tmp_path / "divided.csv"
    divided.write_text(
        "path,label,split\n"
        + "".join(f"{n}.wav,{c.labels.tags[0]},{'test' if n % 2 else 'train'}\n"
                  for n, c in enumerate(clips.clips))
    )  # fmt: skip
    for split, given in (("test", {}), ("train", {"split": "train"})):
        found = evaluate(Loudness(), divided, **given)
        assert (found.sized[0], found.split) == (15, split)
    with pytest.raises(DataError, match="no split 'valid'"):
        evaluate(Loudness(), divided, split="valid")
    with pytest.raises(DataError, match="clips that are loaded already have no splits"):
        evaluate(Loudness(), clips, split="test")


def test_arrays_and_loaded_data_are_sources(clips):
    waveforms = [clip.source for clip in clips.clips]
    words = [clip.labels.tags[0] for clip in clips.clips]
    found = evaluate(Loudness(), (waveforms, words), source_rate=1000)
    expected = evaluate(Loudness(), clips)
    assert [m.value for m in found] == [m.value for m in expected]
    loaded = own.examine((waveforms, words), source_rate=1000, check=False)
    assert [m.value for m in evaluate(Loudness(), loaded)] == [m.value for m in expected]
    with pytest.raises(DataError, match="labels beyond those that are allowed: loud, quiet"):
        evaluate(Loudness(), (waveforms[:2], ["loud", "soft"]), source_rate=1000)
    with pytest.raises(DataError, match="has tags; a model for chords needs chords"):
        evaluate(chord_model(), loaded)


def test_bad_recordings_are_left_out_where_asked(clips, tmp_path):
    import soundfile

    for n, c in enumerate(clips.clips):
        (tmp_path / c.labels.tags[0]).mkdir(exist_ok=True)
        noise = np.random.default_rng(n).choice([-1, 1], 4000) * c.source[0]
        soundfile.write(tmp_path / c.labels.tags[0] / f"{n}.wav", noise, 1000)
    (tmp_path / "loud" / "bad.wav").write_bytes(b"no sound")
    with pytest.warns(EvaluationWarning, match=r"loud/bad\.wav"):
        found = evaluate(Loudness(), tmp_path)
    with pytest.warns(own.DataWarning, match="1 bad recording left out"):
        skipped = evaluate(Loudness(), tmp_path, skip_bad=True)
    assert skipped.metrics == found.metrics and not skipped.failed


def test_melodies_in_others_layouts_are_sources(tmp_path):
    """CREPE's columns, which are no file that `Melody.write` writes."""
    import soundfile

    from mirzoo.tasks.melody import MelodyDecoding

    runner = FakeFrameRunner(make_frame_card(
        "melody", outputs={"salience": 61}, decoding=MelodyDecoding(fmin=220.0)
    ))  # fmt: skip
    soundfile.write(tmp_path / "a.wav", np.repeat([12.0, 24.0], 1000), 1000, subtype="FLOAT")
    lines = [f"{t / 100:.2f},{220 * 2 ** (12 / 60):.3f},0.9" for t in range(200)]
    (tmp_path / "a.f0.csv").write_text("\n".join(["time,frequency,confidence", *lines]))
    found = {metric.metric: metric.value for metric in evaluate(runner, tmp_path)}
    assert found["raw pitch accuracy"] == pytest.approx(0.5, abs=0.02)
