"""Fine-tuning on one's own labels: it learns, it leaves alone what is frozen, it beats scratch."""

import os

import keras
import numpy as np
import pytest
import soundfile
from places import ROOT
from toy_tones import FRONTENDS, make_model, tone_clips, tones

import mirzoo
from mirzoo import hub
from mirzoo.data.folder import LabelledClips
from mirzoo.data.folder import load as load_clips
from mirzoo.errors import ArtefactError, DataError
from mirzoo.models.build import build_model, with_new_labels
from mirzoo.recipe import Recipe
from mirzoo.training.fine_tuning import _divided, fine_tune
from mirzoo.training.own_clips import Settings, fit_clips, is_clearly_worse
from mirzoo.training.probing import Probe

METRIC = {
    "dataset": "other", "split": "test", "metric": "ROC-AUC", "value": 0.5, "n": 1,
    "method": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def base():
    """A tagger of other labels whose card states that it was trained."""
    model = make_model("mel")
    model.card = model.card.updated(provenance="Trained on something.")
    return model


@pytest.fixture(scope="module")
def probed(base):
    return fine_tune(base, tone_clips(60))


def test_a_probe_becomes_the_output_layer_of_a_new_model(base, probed):
    assert probed is not base and base.card.provenance == "Trained on something."
    clips = tone_clips(60)
    answers = [probed.annotate(clip.source, source_rate=16000).mean for clip in clips.clips]
    right = np.argmax(answers, axis=1) == clips.targets.argmax(axis=1)
    assert right.mean() > 0.9
    report = probed.report
    assert (report.learnt_from, report.held_out) == (48, 12)
    assert 0 < report.decoding_share < 1
    assert str(report).endswith("% of the time was spent decoding")
    assert [tried.name for tried in report.tried] == [
        "a probe of the embedding",
        "a probe of all depths",
    ]
    assert report.chosen == "a probe of all depths"  # unless it were clearly worse


def test_the_card_of_a_fine_tuned_tagger_is_true(base, probed):
    card = probed.card
    assert "48 clips in 48 groups" in card.provenance and "12 clips held out" in card.provenance
    assert "high 24, low 24" in card.provenance and "Trained on something." in card.provenance
    assert card.licences.weights.endswith("what the data they were fine-tuned on allow")
    assert {metric.metric for metric in card.metrics} >= {"accuracy"}
    assert all("linear probe of tones" in metric.baseline for metric in card.metrics)
    assert card.embedding_size == probed.head.output_shape[-1]
    rebuilt = build_model(Recipe.model_validate(card.recipe), "again")
    rebuilt.set_weights(probed.get_weights())
    x = tones(2).waveforms
    np.testing.assert_allclose(rebuilt(x), probed(x), atol=1e-6)


def test_two_runs_with_a_seed_are_the_same(base):
    first, second = (fine_tune(base, tone_clips(20), strategy="probe", seed=3) for _ in range(2))
    for one, other in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_extended_taggers_keep_their_own_outputs(base):
    tagger = with_new_labels(base.copy(), ["dark", "bright"], "sigmoid")
    tagger.card = tagger.card.updated(provenance="Trained.")
    extended = fine_tune(tagger, tone_clips(40), extend=True)
    assert extended.card.labels == ["dark", "bright", "high", "low"]
    x = tones(4).waveforms
    np.testing.assert_allclose(extended(x)[:, :2], tagger(x), atol=1e-6)
    assert (np.argmax(extended(x)[:, 2:], axis=1) == tones(4).targets.argmax(axis=1)).all()
    with pytest.raises(DataError, match="has the labels \\['high', 'low'\\] already"):
        fine_tune(extended, tone_clips(40), extend=True)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["head", "full"])
def test_head_and_front_end_learn_when_asked_to(strategy):
    leaf = make_model("leaf")
    leaf.card = leaf.card.updated(provenance="Trained.")
    model = fine_tune(leaf, tone_clips(24), strategy=strategy, epochs=2)
    moved = [
        not all(np.array_equal(a, b) for a, b in zip(old.get_weights(), new.get_weights()))
        for old, new in ((leaf.frontend, model.frontend), (leaf.head, model.head))
    ]
    assert moved == [strategy == "full", True]
    norm = model.head.get_layer("conv0_0_norm")
    np.testing.assert_array_equal(norm.moving_mean, leaf.head.get_layer("conv0_0_norm").moving_mean)
    assert len(model.report.history["loss"]) == 2


LIVE = {
    "live": True,
    "window_s": 0.512,
    "head": {
        "type": "cnn", "blocks": [{"filters": 8, "stride": [2, 2]}], "pooling": "trailing",
        "trailing_frames": 8, "embedding": 16, "dropout": 0.0,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("strategy", "before"),
    [
        ("probe", "Trained."),
        pytest.param("auto", "Trained.", marks=pytest.mark.slow),
        pytest.param("full", "Trained.", marks=pytest.mark.slow),
        pytest.param("auto", None, marks=pytest.mark.slow),
    ],
)
def test_live_taggers_learn_in_the_last_frame_of_windows(strategy, before):
    keras.utils.set_random_seed(0)
    base = make_model("mel", **LIVE)
    base.card = base.card.updated(provenance=before or base.card.provenance)
    model = fine_tune(base, tone_clips(48), strategy=strategy, epochs=4 if before else 12)
    assert model.card.live and model.output_shape == (None, None, 2)
    windows = tones(24)
    answers = model.predict_windows(windows.waveforms)["tags"][:, -1]
    assert (answers.argmax(axis=1) == windows.targets.argmax(axis=1)).mean() > 0.9
    assert model.annotate(windows.waveforms[0], source_rate=16000).labels == ("high", "low")


@pytest.mark.slow
def test_fresh_weights_learn_from_scratch():
    model = fine_tune(make_model("mel"), tone_clips(48), epochs=8)
    assert model.report.chosen == "trained from fresh weights for 8 epochs"
    assert model.report.history["loss"][-1] < 0.5 * model.report.history["loss"][0]
    with pytest.raises(ArtefactError, match="fresh weights, so there is no embedding"):
        fine_tune(make_model("mel"), tone_clips(48), strategy="probe")


def test_what_cannot_be_learnt_is_told(base):
    one = tone_clips(20)
    high = LabelledClips(
        tuple(clip for clip in one.clips if clip.labels.tags == ("high",)), ("high",)
    )
    with pytest.raises(DataError, match="the clips have 1 label; a classifier needs two"):
        fine_tune(base, high)
    with pytest.raises(DataError, match="all clips are of one group"):
        fine_tune(base, tone_clips(20, groups=1))
    with pytest.raises(DataError, match="strategy is 'most'; allowed are 'auto', 'probe'"):
        fine_tune(base, one, strategy="most")
    with pytest.raises(DataError, match="held_out is 1"):
        fine_tune(base, one, held_out=1)


@pytest.mark.parametrize(
    ("clips", "share", "why"),
    [
        (tone_clips(60), 0, ""),
        (tone_clips(20), 0.2, ", since 0.2 of 20 clips is fewer than 10"),
        (tone_clips(60, groups=1), 0.2, ", since all clips are of one group"),
    ],
)
def test_why_nothing_is_held_out_is_told(clips, share, why):
    train, test, how = _divided(clips, share, seed=0)
    assert (len(train), len(test), how) == (len(clips.clips), 0, f"none held out{why}")


def in_place(model, data, **options):
    """Use `fine_tune` as version 0.1 had it."""
    with pytest.warns(DeprecationWarning, match="fine_tune returns the fitted model"):
        return fine_tune(model, data, **options)


@pytest.mark.slow
def test_a_model_from_create_is_trained_in_place_with_a_warning(base, tmp_path):
    for number, (waveform, target) in enumerate(zip(tones(4).waveforms, tones(4).targets)):
        path = tmp_path / ["high", "low"][target.argmax()] / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, waveform, 16000)
    created = with_new_labels(base.copy(), ["high", "low"], "softmax")
    before = created.get_weights()
    assert in_place(created, tmp_path, epochs=1)["loss"]
    assert not all(map(np.array_equal, before, created.get_weights()))


@pytest.mark.slow
@pytest.mark.parametrize("frontend", FRONTENDS)
def test_everything_learns(frontend):
    model = make_model(frontend)
    before = [weight.numpy().copy() for weight in model.trainable_weights]
    history = in_place(model, tones(32), epochs=8, batch_size=8, learning_rate=0.02)
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert all(not np.array_equal(old, new) for old, new in zip(before, model.trainable_weights))


@pytest.mark.slow
def test_frozen_head_stays():
    model = make_model("leaf")
    parts = [model.get_layer(name) for name in ("frontend", "head")]
    before = [weight.numpy().copy() for part in parts for weight in part.weights]
    tags = model.get_layer("tags").get_weights()[0]
    in_place(model, tones(16), epochs=1, train_head=False)
    after = [weight.numpy() for part in parts for weight in part.weights]
    for old, new in zip(before, after):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(tags, model.get_layer("tags").get_weights()[0])


@pytest.mark.slow
def test_train_trunk_is_the_former_name():
    model = make_model("leaf")
    with pytest.warns(DeprecationWarning, match="train_trunk=True is now strategy='full'"):
        fine_tune(model, tones(16), epochs=1, train_trunk=False)
    assert not model.head.trainable


@pytest.mark.slow
def test_the_card_of_a_tagger_states_the_fine_tuning_and_no_scores_of_other_weights():
    model = make_model("mel")
    model.card = model.card.updated(metrics=[METRIC])
    in_place(model, tones(16), epochs=1, train_head=False)
    assert model.card.metrics == [] and model.card.description.endswith("Fine-tuned.")
    assert model.card.provenance == (
        "Fine-tuned for 1 epoch on 16 clips of somebody's own, the output layers alone, from "
        "tones. Fresh weights, untrained."
    )


def test_labels_must_be_those_of_a_model_that_is_trained_in_place(tmp_path):
    (tmp_path / "medium").mkdir()
    (tmp_path / "medium" / "x.wav").write_bytes(b"")
    with pytest.raises(DataError, match="medium"):
        in_place(make_model("mel"), tmp_path, train_head=True)


@pytest.mark.slow
def test_pretrained_beats_fresh_weights_on_real_instruments():
    folder = os.environ.get(
        "MIRZOO_INSTRUMENTS", ROOT.parent / "shared" / "data" / "real" / "instruments"
    )
    if not os.path.isdir(folder):
        pytest.skip("no instrument clips here: set MIRZOO_INSTRUMENTS to a folder per class")
    clips = load_clips(folder)
    train, test = next(clips.folds(3, seed=0))
    truth = clips.targets[test].argmax(axis=1)

    def accuracy(base, **settings):
        model = fit_clips(base, clips.of(train), Settings(exclusive=True, **settings)).model
        found = [model.annotate(clips.clips[number].source).mean.argmax() for number in test]
        return (np.array(found) == truth).mean()

    pretrained = accuracy(mirzoo.load("mel_cnn_tagger"))
    keras.utils.set_random_seed(0)
    fresh = accuracy(build_model(hub.load_recipe("mel_cnn_tagger"), "fresh"), epochs=4)
    assert len(clips.clips) >= 100
    assert pretrained > 0.7 and pretrained > fresh + 0.2


def test_all_depths_are_taken_unless_they_are_clearly_worse():
    targets = np.eye(2)[np.arange(40) % 2]

    def probe(confidence: np.ndarray) -> Probe:
        right = confidence[:, None]
        unseen = targets * right + (1 - targets) * (1 - right)
        return Probe(np.zeros((1, 2)), np.zeros(2), True, 1.0, 0.0, unseen)

    rng = np.random.default_rng(0)
    plain = rng.uniform(0.5, 0.9, 40)
    by_chance = np.clip(plain + rng.normal(-0.005, 0.2, 40), 0.05, 0.95)
    assert not is_clearly_worse(probe(plain + 0.05), probe(plain), targets)
    assert not is_clearly_worse(probe(by_chance), probe(by_chance[::-1]), targets)
    assert is_clearly_worse(probe(plain - 0.05), probe(plain), targets)
