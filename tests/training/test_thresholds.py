"""Tags of which any number holds: a threshold for each, chosen on clips left out, on the card."""

import numpy as np
import pytest
from toy_tones import make_model, tones

import mirzoo
from mirzoo.card import Card
from mirzoo.data.folder import LabelledClips
from mirzoo.data.recordings import Recording
from mirzoo.errors import AnnotationError, CardError
from mirzoo.models.build import with_new_labels
from mirzoo.tasks.tagging import Tags
from mirzoo.training.fine_tuning import fine_tune
from mirzoo.training.probing import best_thresholds


def several_tags(count: int) -> LabelledClips:
    """High and low tones, of which some are loud and some are a sign of nothing."""
    data = tones(count)
    clips = []
    for number, (waveform, target) in enumerate(zip(data.waveforms, data.targets)):
        tags = [["high", "low"][int(target.argmax())]]
        if number % 5 < 2:
            tags.append("loud")
            waveform = 2 * waveform
        name = str(number)
        clips.append(Recording.tagged(waveform, tags, name, 16000, name=name))
    return LabelledClips(tuple(clips), ("high", "loud", "low"))


@pytest.fixture(scope="module")
def fitted():
    base = make_model("mel")
    base.card = base.card.updated(provenance="Trained on something.")
    return fine_tune(base, several_tags(40), strategy="probe")


def test_the_card_has_a_threshold_for_each_tag(fitted):
    card = fitted.card
    assert card.activation == "sigmoid" and card.format == 3
    assert len(card.decoding.thresholds) == 3
    assert all(0 < threshold < 1 for threshold in card.decoding.thresholds)
    assert Card.parse(card.to_json()) == card
    assert fitted.report.settings["exclusive"] is False
    waveform = several_tags(2).clips[1].source
    tags = fitted.annotate(waveform, source_rate=16000)
    assert tags.thresholds == tuple(card.decoding.thresholds)
    low = dict(tags.holding())
    assert "low" in low and "high" not in low
    other = fitted.annotate(waveform, source_rate=16000, decoding={"thresholds": [1.0, 1.0, 1.0]})
    assert other.holding() == []


def test_thresholds_are_in_the_files_of_tags(fitted, tmp_path):
    tags = fitted.annotate(several_tags(1).clips[0].source, source_rate=16000)
    for suffix in (".json", ".jams"):
        read = Tags.read(tags.write(tmp_path / f"tags{suffix}"))
        assert read.thresholds == tags.thresholds
        assert [label for label, _ in read.holding()] == [label for label, _ in tags.holding()]
    without = Tags(["a"], [0.0], [[0.7]], window_s=1.0)
    assert "thresholds" not in without.to_dict() and without.holding() == [("a", 0.7)]
    with pytest.raises(AnnotationError, match="2 thresholds for 1 label; each label has one"):
        Tags(["a"], [0.0], [[0.7]], window_s=1.0, thresholds=(0.1, 0.2))


def test_a_card_with_other_thresholds_than_labels_is_refused(fitted):
    with pytest.raises(CardError, match="2 thresholds for 3 labels; each label has one"):
        fitted.card.updated(decoding={"type": "tagging", "thresholds": [0.1, 0.2]})


@pytest.mark.slow
def test_new_labels_need_new_thresholds(fitted):
    assert with_new_labels(fitted.copy(), ["a", "b"], "softmax").card.decoding is None
    extended = fine_tune(
        with_new_labels(fitted.copy(), ["dark", "bright"], "sigmoid"),
        several_tags(40),
        extend=True,
    )
    assert extended.card.decoding.thresholds[:2] == [0.5, 0.5]
    assert len(extended.card.decoding.thresholds) == 5


@pytest.mark.slow
def test_where_one_label_holds_there_are_no_thresholds(fitted):
    from toy_tones import tone_clips

    assert fine_tune(fitted, tone_clips(20), strategy="probe").card.decoding is None


@pytest.mark.slow
def test_thresholds_are_saved_and_exported(fitted, tmp_path):
    folder = mirzoo.save(fitted, tmp_path / "tones")
    for runtime in ("keras", "litert"):
        model = mirzoo.load(folder, runtime)
        tags = model.annotate(several_tags(1).clips[0].source, source_rate=16000)
        assert tags.thresholds == tuple(fitted.card.decoding.thresholds)
    lone = mirzoo.load(folder / "model.tflite")
    assert lone.card.decoding == fitted.card.decoding


def test_a_threshold_is_where_f1_is_highest():
    rng = np.random.default_rng(0)
    targets = (rng.random((60, 2)) < 0.3).astype(int)
    estimates = np.clip(0.2 * targets + 0.3 * rng.random((60, 2)), 0, 1)
    estimates[3] = np.nan  # never held out
    found = best_thresholds(targets, estimates)

    def f1(label, threshold):
        known = np.isfinite(estimates[:, label])
        given, holds = estimates[known, label] > threshold, targets[known, label] > 0
        return 2 * (given & holds).sum() / (given.sum() + holds.sum())

    for label, threshold in enumerate(found):
        assert all(f1(label, threshold) >= f1(label, other) for other in np.linspace(0, 1, 101))
    assert best_thresholds(np.ones((3, 1)), np.full((3, 1), 0.2)).tolist() == [0.5]
