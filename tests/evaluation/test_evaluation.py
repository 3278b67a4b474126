"""What evaluate scores is what annotate gives."""

import numpy as np
import pytest
from fake_models import make_card

from mirzoo.annotate import annotate
from mirzoo.data.folder import LabelledClips
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError, TooShortError
from mirzoo.evaluation import evaluate


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
