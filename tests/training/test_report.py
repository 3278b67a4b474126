"""The report of a fine-tuning: everything is in it, and hostile names are shown and not done."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fake_models import make_card

import mirzoo
from mirzoo.card import Card, Fitting, OwnData
from mirzoo.data.folder import LabelledClips
from mirzoo.data.recordings import Recording
from mirzoo.errors import AnnotationError
from mirzoo.evaluation import evaluate, pictures
from mirzoo.training.own_clips import Tried
from mirzoo.training.probing import CurvePoint
from mirzoo.training.report import FILES, Report

LABELS = ("<script>alert(1)</script>", "$b$ & \u202ec")


class Tagger:
    """Gives the first label to loud clips, or to all of them."""

    def __init__(self, name, always=False):
        self.always = always
        self.card = make_card(
            name, sample_rate=1000, min_samples=50, window_samples=500, hop_samples=500
        ).updated(labels=list(LABELS), activation="softmax")

    def predict_windows(self, windows):
        level = np.abs(windows).mean(axis=1)
        first = np.full(len(windows), 0.8) if self.always else np.clip(level, 0.0, 1.0)
        return {"tags": np.stack([first, 1 - first], axis=1)}


@pytest.fixture(scope="module")
def report():
    clips = tuple(
        Recording.tagged(
            np.full(1000, level, np.float32), (LABELS[int(level < 0.4)],), f"g{n}", 1000,
            name=f"<img src=x onerror=alert({n})>.wav",
        )
        for n, level in enumerate(np.linspace(0.1, 0.9, 16))
    )  # fmt: skip
    both = evaluate([Tagger("fitted"), Tagger("probe", always=True)], LabelledClips(clips, LABELS))
    card = make_card("mine").updated(
        fitting=Fitting(
            data=OwnData(
                name="clips", checksum="0" * 64, recordings=40, groups=20, labels={LABELS[0]: 40},
                held_out=16, held_out_labels={LABELS[0]: 7, LABELS[1]: 9}, split="by group",
                skipped=3,
            ),
            base="mel_cnn_tagger", base_licence="MIT", strategy="auto", chosen="a probe", epochs=2,
            settings={"seed": 0, "augmentation": {"gain_db": [-9.0, 3.0]}},
        ).model_dump()
    )  # fmt: skip
    return Report(
        strategy="auto",
        chosen="a probe, then the head trained for 2 epochs",
        tried=(Tried("a probe", 0.7), Tried("the head too", 0.5)),
        history={"loss": [0.5, 0.4], "val_loss": [0.7, 0.6]},
        trial={"loss": [0.6, 0.5], "val_loss": [0.9, 0.8, 0.7]},
        curve=(
            CurvePoint(0.25, 10, 1.2, 0.5), CurvePoint(0.5, 20, 0.9, 0.6),
            CurvePoint(1.0, 40, 0.7, 0.8),
        ),
        metrics=tuple(both[0]),
        evaluations=both,
        learnt_from=40,
        held_out=16,
        clips_of_labels={LABELS[0]: 20, LABELS[1]: 20},
        settings=card.fitting.settings,
        card=card,
        decoding_share=0.12,
    )  # fmt: skip


def test_why_nothing_was_held_out_is_printed(report):
    assert str(report).splitlines()[0].endswith("; 40 to learn from, 16 held out")
    fitting = report.card.fitting
    data = fitting.data.model_copy(update={"held_out": 0, "split": "none held out, since few"})
    card = report.card.model_copy(update={"fitting": fitting.model_copy(update={"data": data})})
    none = replace(report, held_out=0, card=card)
    assert str(none).splitlines()[0].endswith("; 40 to learn from, none held out, since few")


def test_the_page_has_everything_and_does_nothing(report, tmp_path):
    text = report.write(tmp_path / "report.html").read_text("utf-8")
    for part in (
        "40 clips, 16 held out", "Scores on what was held out", "fitted compared with probe",
        "Would more data help?", "from 20 to 40 the loss went 0.900 to 0.700", "How it learnt",
        "Each class", "What was taken for what", "Calibration", "The worst mistakes", "0" * 64,
        "left out as bad", "12% of the time was spent decoding",
        "Origin and licence", "mel_cnn_tagger", "gain_db",
    ):  # fmt: skip
        assert part in text, part
    assert "<script" not in text and "<img src=x" not in text and "\u202e" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert text.count("<img alt=") == 4 and "<audio" in text
    assert text.count('src="') == text.count('src="data:')
    plain = report.write(tmp_path / "plain.html", excerpts=False).read_text("utf-8")
    assert "<audio" not in plain
    with pytest.raises(AnnotationError, match=r"allowed are \.json, \.html"):
        report.write(tmp_path / "report.txt")


def test_the_document_has_everything(report, tmp_path):
    document = json.loads(report.write(tmp_path / "report.json").read_text("utf-8"))
    assert document == json.loads(json.dumps(report.to_dict()))
    assert document["history"] == report.history and document["trial"] == report.trial
    assert [point["clips"] for point in document["curve"]] == [10, 20, 40]
    assert document["fitting"]["data"]["checksum"] == "0" * 64
    probe, fitted = document["evaluation"]["models"]
    assert (probe["model"], fitted["model"]) == ("probe", "fitted")
    (comparison,) = document["evaluation"]["comparisons"]
    accuracy = next(d for d in comparison["differences"] if d["metric"] == "accuracy")
    assert accuracy["difference"] > 0 and accuracy["interval"][0] > -0.2
    assert document["metrics"][0]["interval"] == list(report.metrics[0].interval)


def test_what_is_not_there_is_left_out_or_told(report, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    bare = Report(strategy="probe", chosen="a probe", learnt_from=5)
    text = bare.write(tmp_path / "bare.html").read_text("utf-8")
    assert "Nothing was held out" in text and "Would more data help" not in text
    assert json.loads(bare.write(tmp_path / "bare.json").read_text())["evaluation"] is None
    without = replace(report, card=None).write(tmp_path / "x.html").read_text("utf-8")
    assert "pip install mirzoo[plot]" in without and "1.200" in without


@pytest.mark.slow
def test_a_saved_model_has_its_report_next_to_it(small_tagger, tmp_path):
    """What `mirzoo.fine_tune` saves verifies, loads, is evaluated and annotates."""
    base = small_tagger.copy()
    base.card = small_tagger.card.updated(provenance="Trained on something.")
    rng = np.random.default_rng(0)
    time_s = np.arange(16000) / 16000
    clips = LabelledClips(
        tuple(
            Recording.tagged(
                (0.3 * np.sin(2 * np.pi * hertz * rng.uniform(0.9, 1.1) * time_s)).astype("f"),
                (label,), f"{label}{n}", 16000, name=f"{label}/{n}.wav",
            )
            for n in range(25)
            for label, hertz in (("dark", 300), ("bright", 3000))
        ),
        ("bright", "dark"),
    )  # fmt: skip
    out = tmp_path / "mine"
    model = mirzoo.fine_tune(base, clips, strategy="probe", out=out, progress=False)
    mirzoo.verify(out)
    document = json.loads((out / FILES[1]).read_text("utf-8"))
    assert document["model"] == "mine"
    card = Card.load(out)
    assert document["fitting"] == card.fitting.model_dump(mode="json")
    assert card.fitting.base == "small_tagger" and card.fitting.epochs == 0
    assert card.fitting.data.labels == {"bright": 20, "dark": 20}
    for metric in card.metrics:
        assert metric.interval[0] <= metric.value <= metric.interval[1]
        assert list(metric.baseline) == ["linear probe of small_tagger"]
    held_out = next(m.value for m in card.metrics if m.metric == "accuracy")
    assert held_out == next(
        m["value"] for m in document["evaluation"]["models"][-1]["metrics"]
        if m["metric"] == "accuracy"
    )  # fmt: skip
    assert "mine" in (out / FILES[0]).read_text("utf-8")
    found = evaluate(out, clips)
    assert {result.group for result in found.worst()} <= {clip.group for clip in clips.clips}
    assert model.report.card.fitting == card.fitting
