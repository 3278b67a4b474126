"""Scores, against hand-computed values and against what they must not reward."""

import numpy as np
import pytest
from fake_models import make_card

from mirzoo.annotate import annotate
from mirzoo.data.folder import LabelledClips
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError, TooShortError
from mirzoo.evaluation import evaluate, linear_probe
from mirzoo.tasks.tagging.scores import agreement, tagging_scores


def test_tagging_scores_by_hand():
    truth = np.array([[1, 0], [0, 0], [1, 1], [0, 1]], bool)
    probabilities = np.array([[0.9, 0.3], [0.8, 0.1], [0.7, 0.2], [0.1, 0.9]])
    scores = tagging_scores(truth, probabilities)
    assert scores.roc_auc == pytest.approx((3 / 4 + 3 / 4) / 2)
    assert scores.pr_auc == pytest.approx(((1 + 2 / 3) / 2 + (1 + 2 / 3) / 2) / 2)
    assert scores.n_tags == 2


def test_tags_without_positives_do_not_count():
    truth = np.array([[1, 0], [0, 0]], bool)
    assert tagging_scores(truth, np.array([[0.9, 0.5], [0.1, 0.6]])).n_tags == 1


def test_one_class_cannot_be_ranked():
    with pytest.raises(DataError, match="none of the 1 tags"):
        tagging_scores(np.ones((3, 1), bool), np.zeros((3, 1)))


def test_shapes_must_agree():
    with pytest.raises(DataError, match=r"\(3, 1\).*\(3, 2\)"):
        tagging_scores(np.ones((3, 1), bool), np.zeros((3, 2)))


def test_agreement_looks_at_order_alone():
    teacher = np.random.default_rng(0).random((200, 5))
    found = agreement(teacher**3, teacher)
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.roc_auc == 1.0
    unrelated = agreement(np.random.default_rng(1).random((200, 5)), teacher)
    assert abs(unrelated.rank_correlation) < 0.1
    assert abs(unrelated.roc_auc - 0.5) < 0.1


def test_agreement_leaves_out_rare_tags():
    teacher = np.random.default_rng(0).random((200, 3))
    teacher[:, 2] *= 0.1
    assert agreement(teacher, teacher).n_tags == 2


def test_probe_finds_what_is_there():
    rng = np.random.default_rng(0)
    classes = np.repeat(["a", "b", "c"], 20)
    names = [str(i) for i in range(60)]
    telling = np.eye(3)[np.repeat(np.arange(3), 20)] + rng.normal(0, 0.1, (60, 3))
    assert linear_probe(telling, classes, names) == 1.0
    assert linear_probe(rng.normal(size=(60, 3)), classes, names) < 0.6


def test_probe_does_not_reward_recognising_groups():
    """Embeddings that name the artist alone say nothing of the genre of a new artist."""
    artists = np.repeat(np.arange(20), 6)
    classes = np.array(["a", "b"])[artists % 2]
    embeddings = np.eye(20)[artists]
    assert linear_probe(embeddings, classes, artists) < 0.7
    assert linear_probe(embeddings, classes, np.arange(120)) == 1.0


def test_probe_needs_enough_of_each_class():
    with pytest.raises(DataError, match="a class has 2 clips"):
        linear_probe(np.zeros((12, 2)), ["a"] * 10 + ["b"] * 2, range(12))


class Loudness:
    """A tagger that says 'loud' with the probability of the mean level."""

    card = make_card(
        "loudness", sample_rate=1000, min_samples=50, window_samples=500, hop_samples=500
    ).updated(labels=["loud", "quiet"], activation="softmax")

    def predict_windows(self, windows):
        level = np.abs(windows).mean(axis=1)
        return {"tags": np.stack([level, 1 - level], axis=1)}


def clip(level: float, label: str) -> Recording:
    return Recording.tagged(
        np.full(1600, level, np.float32), (label,), str(level), source_rate=1000
    )


def test_evaluate_scores_clips_by_the_mean_over_their_windows():
    clips = (clip(0.9, "loud"), clip(0.6, "quiet"), clip(0.2, "quiet"), clip(0.1, "quiet"))
    metrics = {m.metric: m for m in evaluate(Loudness(), LabelledClips(clips, ("loud", "quiet")))}
    assert metrics["accuracy"].value == 0.75
    assert metrics["ROC-AUC, mean over 2 tags"].value == 1.0
    assert {metric.n for metric in metrics.values()} == {4}


class Peak(Loudness):
    """A tagger that takes the largest sample of a window for its level."""

    def predict_windows(self, windows):
        level = np.abs(windows).max(axis=1)
        return {"tags": np.stack([level, 1 - level], axis=1)}


def levels(*pieces: tuple[float, int]) -> np.ndarray:
    """Samples of constant levels, each with its number of samples at 1 kHz."""
    return np.concatenate([np.full(count, level, np.float32) for level, count in pieces])


@pytest.mark.parametrize(
    ("waveform", "mean", "other"),
    [
        # Less than half a window is not dropped ...
        (levels((0.2, 500), (1.0, 240)), (0.2 * 0.5 + 1.0 * 0.24) / 0.74, 0.3),
        # ... and a window that is not full does not count as much as one that is.
        (levels((0.0, 500), (1.0, 300)), 1.0 * 0.3 / 0.8, 0.45),
    ],
)
def test_what_is_scored_is_what_annotate_gives(waveform, mean, other):
    tags = annotate(Peak(), waveform)
    assert tags.mean[0] == pytest.approx(mean)
    louder = mean > other
    clips = (
        Recording.tagged(waveform, ("loud" if louder else "quiet",), "a", source_rate=1000),
        clip(other, "quiet" if louder else "loud"),
    )
    metrics = {m.metric: m for m in evaluate(Peak(), LabelledClips(clips, ("loud", "quiet")))}
    assert metrics["ROC-AUC, mean over 2 tags"].value == 1.0
    assert "weighted by duration" in metrics["accuracy"].method


def test_a_clip_shorter_than_the_model_takes_is_filled_up():
    short = Recording.tagged(np.full(20, 0.9, np.float32), ("loud",), "a", source_rate=1000)
    with pytest.raises(TooShortError):
        annotate(Peak(), short.source)
    clips = LabelledClips((short, clip(0.1, "quiet")), ("loud", "quiet"))
    assert {m.metric: m.value for m in evaluate(Peak(), clips)}["accuracy"] == 1.0


def test_labels_that_the_model_lacks_are_refused():
    clips = LabelledClips((clip(0.9, "loud"), clip(0.1, "soft")), ("loud", "soft"))
    with pytest.raises(DataError, match=r"labels \['soft'\] of .* not among those of loudness"):
        evaluate(Peak(), clips)
