"""Training from a recipe: it learns, it resumes exactly, it stops early, it says what is wrong."""

import csv
import shutil
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from mirzoo import hub, training
from mirzoo.data.corpus import Corpus, Item, prepare
from mirzoo.errors import DataError, RecipeError, TrainingError
from mirzoo.models.build import build_model
from mirzoo.models.layers.losses import crossentropy_where_named
from mirzoo.recipe import Recipe, TrainingConfig
from mirzoo.training import clips, fitting
from mirzoo.training.provenance import distilled_from, licences_of, provenance
from mirzoo.training.runs import Run

LABELS = tuple(f"tag {i}" for i in range(3))
RATE = 16000


def tone(item: Item) -> np.ndarray:
    """A tone whose pitch is the item's group."""
    hertz = 300.0 * 2 ** int(item.group)
    rng = np.random.default_rng(int(item.name))
    t = np.arange(RATE * 4) / RATE
    return (0.3 * np.sin(2 * np.pi * hertz * t) + rng.normal(0, 0.01, len(t))).astype(np.float32)


class Ear:
    """A teacher that tells which of three tones it is."""

    card = SimpleNamespace(input=SimpleNamespace(window_samples=RATE))

    def predict_windows(self, windows):
        peak = np.abs(np.fft.rfft(windows)).argmax(axis=1) * RATE / windows.shape[1]
        heard = np.clip(np.round(np.log2(peak / 300.0)), 0, 2).astype(int)
        one_hot = np.eye(3, dtype=np.float32)[heard]
        return {"tags": one_hot, "embedding": one_hot[:, :2] + 1}


@pytest.fixture(autouse=True, scope="module")
def teachers():
    class Spec:
        labels = LABELS

    class OtherSpec:
        labels = ("other", "words", "entirely")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clips, "PORTS", {"ear": Spec, "other_ear": OtherSpec})
        yield


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    items = [
        Item(str(i), "tones", str(i % 3), "", "valid" if i >= 18 else "train") for i in range(24)
    ]
    prepare(items, folder / "tones", make=tone, min_seconds=1.0, processes=1)
    return folder


@pytest.fixture(scope="module")
def whole(corpora, tmp_path_factory):
    """A run of `make_recipe` that nothing interrupted: its model and its folder."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return run(make_recipe(), corpora, out), out


def make_recipe(**changes) -> Recipe:
    values = {
        "description": "tells tones apart",
        "frontend": {"type": "mel", "n_mels": 24, "hop_length": 512},
        "head": {
            "type": "cnn",
            "blocks": [{"filters": 8, "stride": [2, 2]}],
            "embedding": 16,
            "dropout": 0.1,
        },
        "task": {"type": "tagging", "labels": LABELS},
        "window_s": 1.0,
        "data": {
            "collections": ["tones"],
            "teachers": ["ear", "other_ear"],
            "windows_per_item": 4,
            "classes": ["tones"],
        },
        "training": {
            "epochs": 4,
            "batch_size": 8,
            "learning_rate": 0.01,
            "embedding_weight": 0.1,
            "auxiliary_weight": 0.1,
            "classes_weight": 0.1,
        },
        "source": {"paper": "none"},
    }
    return Recipe.model_validate({**values, **changes})


def opened(recipe, corpora, **models) -> Run:
    return Run(recipe, corpora, lambda name: models.get(name) or Ear())


def run(recipe, corpora, out, **models):
    return clips.fit(opened(recipe, corpora, **models), out, name="tones")


def history(out):
    with (out / fitting.HISTORY).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_it_learns(corpora, tmp_path):
    recipe = make_recipe(
        training={
            "epochs": 25,
            "batch_size": 8,
            "learning_rate": 0.02,
            "patience": 25,
            "embedding_weight": 0.1,
        }
    )
    model = run(recipe, corpora, tmp_path / "run")
    losses = [float(row["val_tags_loss"]) for row in history(tmp_path / "run")]
    assert losses[-1] < 0.5 * losses[0]
    windows = Corpus.load(corpora / "tones").windows(
        per_item=1, seed=5, window_samples=RATE, split="valid"
    )
    heard = model.predict(windows.read(np.arange(len(windows))) / np.float32(32767), verbose=0)
    assert (heard.argmax(axis=1) == windows.items % 3).all()
    assert set(model.predict_windows(np.zeros((1, RATE), np.float32))) == {"tags", "embedding"}


def test_classes_are_the_groups_of_collections_that_name_them(corpora):
    recipe = make_recipe()
    distilled = clips.DistillationSet.prepare(opened(recipe, corpora), "train")
    (windows,) = distilled.windows
    assert distilled.classes.argmax(axis=1).tolist() == [int(group) for group in windows.groups]
    assert (distilled.classes.sum(axis=1) == 1).all()
    unnamed = make_recipe(data={"collections": ["tones"], "teachers": ["ear"]})
    distilled = clips.DistillationSet.prepare(opened(unnamed, corpora), "train")
    assert distilled.classes.shape[1] == 0


def test_some_teachers_alone_may_be_asked_about_a_collection(corpora, tmp_path):
    items = [Item(str(i), "more", str(i), "", "train") for i in range(3)]
    folder = tmp_path / "corpora"
    folder.mkdir()
    (folder / "tones").symlink_to(corpora / "tones")
    prepare(items, folder / "more", make=tone, min_seconds=1.0, processes=1)
    data = {
        "collections": ["tones", "more"],
        "teachers": ["ear", "other_ear"],
        "teachers_of": {"more": ["ear"]},
        "windows_per_item": 4,
        "windows_of": {"more": 2},
    }
    recipe = make_recipe(data=data)
    training = clips.DistillationSet.prepare(opened(recipe, folder), "train")
    first, second = map(len, training.windows)
    targets = training.targets(training, "tags")
    assert (first, second) == (4 * 18, 2 * 3) and np.isfinite(targets["tags"]).all()
    for output, width in ((clips.AUXILIARY, 0), (clips.EMBEDDING, 2)):
        unknown = np.isnan(targets[output])
        assert not unknown[:first].any() and not unknown[first:, :width].any()
        assert unknown[first:, width:].all()
    model = clips.fit(opened(recipe, folder), tmp_path / "run", name="tones")
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    no_labels = {**data, "teachers_of": {"more": ["other_ear"]}}
    with pytest.raises(RecipeError, match="of which none gives the recipe's labels"):
        clips.DistillationSet.prepare(opened(make_recipe(data=no_labels), folder), "train")
    with pytest.raises(ValueError, match=r"teachers_of.more is \['nobody'\]"):
        make_recipe(data={**data, "teachers_of": {"more": ["nobody"]}})


def test_a_teacher_with_other_words_counts_for_the_labels_that_it_names(corpora):
    both = {"collections": ["tones"], "teachers": ["ear", "other_ear"], "windows_per_item": 4}
    words = {"other_ear": {"tag 2": ["words", "entirely"]}}
    alone = clips.DistillationSet.prepare(opened(make_recipe(data=both), corpora), "train")
    renamed = clips.DistillationSet.prepare(
        opened(make_recipe(data={**both, "same_labels": words}), corpora), "train"
    )
    assert alone.auxiliary.shape[1] == 3 and renamed.auxiliary.shape[1] == 0
    np.testing.assert_array_equal(renamed.tags[:, :2], alone.tags[:, :2])
    named = np.maximum(alone.auxiliary[:, 1], alone.auxiliary[:, 2])
    expected = clips.with_renamed(
        alone.tags, [np.stack([np.full_like(named, np.nan)] * 2 + [named], axis=1)]
    )
    np.testing.assert_allclose(renamed.tags, expected)
    assert np.abs(renamed.tags[:, 2] - alone.tags[:, 2]).max() > 0.005


def test_what_a_teacher_finds_alike_counts_alike():
    tags = np.array([[0.9], [0.1], [0.5], [0.2]], np.float32)
    logits = np.log(tags / (1 - tags))
    found = clips.with_renamed(tags, [np.zeros((4, 1))])
    expected = 1 / (1 + np.exp(-(logits + logits.mean()) / 2))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    unknown = clips.with_renamed(tags, [np.full((4, 1), np.nan)])
    np.testing.assert_array_equal(unknown, tags)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"other_ear": {}}, r"same_labels.other_ear is \{\}, but names nothing"),
        ({"ear": {"tag 2": ["tag 1"]}}, r"same_labels.ear is .*gives the recipe's labels as they"),
        ({"nobody": {"tag 2": ["words"]}}, r"same_labels names \['nobody'\].*'ear', 'other_ear'"),
        ({"other_ear": {"tag": ["words"]}}, r"same_labels.other_ear has 'tag': \['words'\]"),
        ({"other_ear": {"tag 2": ["tag 2"]}}, r"same_labels.other_ear has 'tag 2': \['tag 2'\]"),
        ({"other_ear": {"tag 2": []}}, r"same_labels.other_ear has 'tag 2': \[\]"),
    ],
)
def test_words_that_nobody_uses_are_named(corpora, words, complaint, monkeypatch):
    monkeypatch.setattr(clips, "_predictions", lambda *_: pytest.fail("asked before the check"))
    data = {"collections": ["tones"], "teachers": ["ear", "other_ear"], "same_labels": words}
    with pytest.raises((RecipeError, ValueError), match=complaint):
        clips.DistillationSet.prepare(opened(make_recipe(data=data), corpora), "train")


LIVE = {
    "live": True,
    "head": {
        "type": "cnn", "blocks": [{"filters": 8, "stride": [2, 2]}], "pooling": "trailing",
        "trailing_frames": 17, "embedding": 16, "dropout": 0.1,
    },
    "window_s": 1.024,
}  # fmt: skip


def test_a_live_student_is_given_music_around_the_windows_that_it_predicts(corpora):
    recipe = make_recipe(**LIVE)
    validation = clips.DistillationSet.prepare(opened(recipe, corpora), "valid")
    hop = 2 * 512
    (given,), (judged,) = validation.windows, validation.judged
    np.testing.assert_array_equal(judged.starts, given.starts + clips.CONTEXT_FRAMES * hop)
    assert judged.window_samples == 16 * hop
    assert given.window_samples == (16 + 2 * clips.CONTEXT_FRAMES) * hop
    windows = judged.read(np.arange(len(judged))) / np.float32(32767)
    np.testing.assert_array_equal(validation.tags, Ear().predict_windows(windows)["tags"])
    assert clips.frame_of_window(recipe) * hop == clips.context_samples(recipe) + 16 * hop


def test_a_live_student_learns_in_the_frame_that_a_window_ends_with():
    recipe = make_recipe(**LIVE)
    model = build_model(recipe, "live")
    student = clips._student(model, {"embedding": np.zeros((1, 2))}, recipe)
    waveform = np.random.default_rng(0).normal(0, 0.1, (2, 33 * 1024)).astype(np.float32)
    predicted = student(waveform)
    assert predicted["embedding"].shape == (2, 2)
    frames = model(waveform).numpy()
    np.testing.assert_allclose(
        predicted["tags"], frames[:, clips.frame_of_window(recipe)], atol=1e-6
    )
    assert np.abs(np.diff(frames, axis=1)).max() > 1e-5


@pytest.mark.slow
def test_a_live_tagger_learns(corpora, tmp_path):
    training = {"epochs": 25, "batch_size": 8, "learning_rate": 0.02, "patience": 25}
    recipe = make_recipe(**LIVE, training=training)
    model = run(recipe, corpora, tmp_path / "run")
    losses = [float(row["val_tags_loss"]) for row in history(tmp_path / "run")]
    assert losses[-1] < 0.5 * losses[0]
    pitch = tone(Item("99", "tones", "2", "", "valid"))
    assert model.annotate(pitch, source_rate=RATE).top(1)[0][0] == LABELS[2]


def test_windows_without_a_class_have_no_say_in_it():
    logits = tf.Variable([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    with tf.GradientTape() as tape:
        losses = crossentropy_where_named(
            tf.constant([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), tf.nn.softmax(logits)
        )
    np.testing.assert_allclose(losses, [0.0, 0.4076], atol=1e-4)
    gradient = tape.gradient(losses, logits).numpy()
    assert (gradient[0] == 0).all() and (gradient[1] != 0).all()


@pytest.mark.slow
def test_it_starts_from_another_run_where_shapes_agree(corpora, tmp_path):
    keras.utils.set_random_seed(7)
    first = build_model(make_recipe(), "first")
    head = {**make_recipe().head.model_dump(), "pooling": "mean_max"}
    settings = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-9, "initial_weights": "first"}
    recipe = make_recipe(head=head, training=settings)
    second = run(recipe, corpora, tmp_path / "second", first=first)

    def kernel(model, layer):
        return model.head.get_layer(layer).get_weights()[0]

    np.testing.assert_allclose(kernel(second, "conv0_0"), kernel(first, "conv0_0"), atol=1e-6)
    rows = {name: len(kernel(m, "embedding_dense")) for name, m in (("1", first), ("2", second))}
    assert rows["2"] == 2 * rows["1"]


def test_more_depths_leave_the_tags_as_they_were():
    head = {"type": "cnn", "blocks": [{"filters": 4}], "temporal": [{"filters": 6}]}
    head = {**head, "embedding": 5}
    recipes = [make_recipe(head={**head, "depths": d}) for d in ("last", "temporal")]
    shallow, deep = (build_model(recipe, "toy") for recipe in recipes)
    waveform = np.random.default_rng(0).normal(0, 0.1, (2, 16000)).astype(np.float32)
    wanted = shallow.predict_windows(waveform)["tags"]
    fitting.copy_weights(deep, shallow)
    assert deep.get_layer("tags").kernel.shape[0] == 5 + 2 * 6
    np.testing.assert_allclose(deep.predict_windows(waveform)["tags"], wanted, atol=1e-6)
    fresh = build_model(recipes[0], "toy")
    fitting.copy_weights(fresh, deep)
    np.testing.assert_allclose(fresh.predict_windows(waveform)["tags"], wanted, atol=1e-6)


@pytest.mark.slow
def test_tags_can_learn_alone(corpora, tmp_path):
    keras.utils.set_random_seed(7)
    base = build_model(make_recipe(), "first")
    settings = {"epochs": 2, "batch_size": 8, "learning_rate": 0.1, "initial_weights": "first"}
    recipe = make_recipe(training={**settings, "only_outputs": ["tags"]})
    model = run(recipe, corpora, tmp_path / "run", first=base)
    for mine, before in zip(model.head.get_weights(), base.head.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, before)
    assert np.abs(model.get_layer("tags").kernel - base.get_layer("tags").kernel).max() > 0.01
    with pytest.raises(RecipeError, match=r"only_outputs names \['genre'\]; allowed are tags"):
        run(
            make_recipe(training={**settings, "only_outputs": ["genre"]}),
            corpora,
            tmp_path / "other",
            first=base,
        )


def test_what_a_front_end_learnt_goes_on_being_learnt():
    raw = {"frontend": {"type": "raw", "filters": [4, 8], "kernels": [16, 8], "strides": [16, 4]}}
    raw["head"] = {"type": "cnn1d", "temporal": [{"filters": 8}], "embedding": 4}
    trained = build_model(make_recipe(**raw), "trained")
    fresh = build_model(make_recipe(**raw), "fresh")
    other = build_model(make_recipe(), "other")
    fitting.copy_weights(fresh, trained)
    fitting.copy_weights(other, trained)
    other.card = other.card.updated(recipe=None)
    fitting.copy_weights(fresh, other)
    learnt = zip(
        fresh.get_layer("frontend").get_weights(),
        trained.get_layer("frontend").get_weights(),
        strict=True,
    )
    assert all(np.array_equal(ours, theirs) for ours, theirs in learnt)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_what_goes_forwards_alone_starts_with_the_forward_half_of_what_goes_both_ways(cell):
    both = {"type": "rnn", "recurrent": {"cell": cell, "units": [4, 3]}}
    ahead = {"type": "rnn", "recurrent": {"cell": cell, "units": [4, 3], "bidirectional": False,
                                          "lookahead": 1}}  # fmt: skip
    model = build_model(make_recipe(head=ahead), "fresh")
    fresh = {layer.name: layer for layer in model.head.layers}
    before = fresh[f"{cell}1"].get_weights()
    trained = build_model(make_recipe(head=both), "trained")
    fitting.copy_weights(model, trained)
    forward = trained.head.get_layer("bidirectional0").forward_layer.get_weights()
    for ours, theirs in zip(fresh[f"{cell}0"].get_weights(), forward, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    kernel, recurrent, _ = fresh[f"{cell}1"].get_weights()  # whose input was twice as wide
    np.testing.assert_array_equal(kernel, before[0])
    second = trained.head.get_layer("bidirectional1").forward_layer.get_weights()
    np.testing.assert_array_equal(recurrent, second[1])


def test_a_card_states_the_data_and_where_the_weights_began():
    fresh = make_recipe()
    later = make_recipe(training={"initial_weights": "some_run"})
    assert provenance(fresh, 2.04, distilled_from(["ear", "other_ear"])) == (
        "Trained by mirzoo on 2.0 h of audio (tones), distilled from ear, other_ear."
    )
    assert provenance(fresh, 2.04, distilled_from([])).endswith(" (tones).")
    assert provenance(later, 2.0, "").endswith(" It started from the weights of some_run.")
    mixed = make_recipe(training={"initial_weights": "some_run", "initial_share": 0.3})
    assert provenance(mixed, 2.0, "").endswith(
        " some_run. The final weights are a weighted mean: 0.3 of some_run, 0.7 of what this run "
        "gave."
    )


def test_a_card_states_the_data_of_earlier_runs(monkeypatch):
    runs = {
        "later": make_recipe(
            data={"collections": ["esc10", "debian"]}, training={"initial_weights": "first"}
        ),
        "first": make_recipe(data={"collections": ["mir1k", "esc10"]}),
    }
    monkeypatch.setattr(hub, "load_recipe", runs.__getitem__)
    last = make_recipe(
        data={"collections": ["debian"]},
        training={"initial_weights": "later", "initial_share": 0.5},
    )
    assert provenance(last, 2.0, "") == (
        "Trained by mirzoo on 2.0 h of audio (debian). It started from the weights of later; later "
        "from those of first. The final weights are a weighted mean: 0.5 of later, 0.5 of what "
        "this run gave. Also trained on in earlier runs: esc10, mir1k."
    )
    licences = licences_of(last).data
    assert [licences.index(f"{name}: ") for name in ("debian", "esc10", "mir1k")] == sorted(
        licences.index(f"{name}: ") for name in ("debian", "esc10", "mir1k")
    )
    assert licences.count("debian: ") == 1


def test_the_learning_rate_rises_at_first_and_falls_to_nothing():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    settings = TrainingConfig(epochs=10, learning_rate=0.1, warmup_fraction=0.2)
    schedule = fitting.build_optimizer(network, settings, steps=100)._learning_rate
    rates = [float(schedule(step)) for step in range(101)]
    assert rates[0] == pytest.approx(0.001)
    assert rates[20] == pytest.approx(0.1) == max(rates)
    assert np.all(np.diff(rates[:21]) > 0) and np.all(np.diff(rates[20:]) < 0)


def test_weights_are_averaged_with_those_that_they_started_from():
    learnt, start = (build_model(make_recipe(), name) for name in ("learnt", "start"))
    before = learnt.get_weights()
    fitting.average_weights(learnt, start, 0.25)
    for now, new, old in zip(learnt.get_weights(), before, start.get_weights(), strict=True):
        np.testing.assert_allclose(now, 0.75 * new + 0.25 * old, rtol=1e-6, atol=1e-7)


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ValueError, match="initial_share is 0.3, but there are no initial_weights"):
        make_recipe(training={"initial_share": 0.3})


def test_what_training_ends_with_is_the_mean(tmp_path, monkeypatch):
    learnt, start = (build_model(make_recipe(), name) for name in ("learnt", "start"))
    before = learnt.get_weights()
    monkeypatch.setattr(training, "trained_model", lambda *_, **__: start)
    monkeypatch.setattr(training.clips, "fit", lambda *_, **__: learnt)
    monkeypatch.setattr(training.clips, "measured_card", lambda model, *_, **__: model.card)
    monkeypatch.setattr(training.hub, "save", lambda model, folder, overwrite: folder)
    recipe = make_recipe(training={"initial_weights": "some_run", "initial_share": 0.5})
    training.train(recipe, tmp_path, tmp_path, name="learnt")
    kernel = 0.5 * before[-2] + 0.5 * start.get_weights()[-2]
    np.testing.assert_allclose(learnt.get_weights()[-2], kernel, rtol=1e-6, atol=1e-7)
    assert np.abs(before[-2] - kernel).max() > 1e-3


def test_the_model_to_start_from_is_trained_first_where_it_is_missing(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(training.hub, "list_models", lambda pretrained: ["some_tagger"])
    monkeypatch.setattr(training, "train", lambda name, data, out, **_: trained.append(out))
    monkeypatch.setattr(training.hub, "load", lambda name: name)
    assert training.trained_model("some_tagger", "data", tmp_path / "x") == "some_tagger"
    assert not trained
    first = "mel_cnn_tagger@pretraining"
    found = training.trained_model(first, "data", tmp_path / "x")
    assert found == tmp_path / first / first
    assert trained == [tmp_path / first]
    former = tmp_path / "mel_cnn_pretraining" / "mel_cnn_pretraining"  # trained by version 0.1
    former.mkdir(parents=True)
    assert training.trained_model(first, "data", tmp_path / "x") == former
    assert len(trained) == 1


@pytest.mark.slow
@pytest.mark.parametrize("callback", ["_History", "_Backup"])
def test_interrupted_run_ends_where_a_whole_one_does(
    corpora, whole, tmp_path, monkeypatch, callback
):
    """Also where it is killed between the row of an epoch in the history and the backup."""
    uninterrupted, out = whole
    finish_epoch = getattr(fitting, callback).on_epoch_end

    def interrupted(self, epoch, logs=None):
        finish_epoch(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(getattr(fitting, callback), "on_epoch_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(make_recipe(), corpora, tmp_path / "parts")
    assert [row["epoch"] for row in history(tmp_path / "parts")] == ["1", "2"]
    resumed = run(make_recipe(), corpora, tmp_path / "parts")

    assert [row["epoch"] for row in history(tmp_path / "parts")] == ["1", "2", "3", "4"]
    for ours, theirs in zip(resumed.weights, uninterrupted.weights):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    for ours, theirs in zip(history(tmp_path / "parts"), history(out), strict=True):
        assert ours.keys() == theirs.keys()
        np.testing.assert_allclose(float(ours["val_loss"]), float(theirs["val_loss"]), rtol=1e-3)


@pytest.mark.slow
def test_a_backup_between_whose_two_files_a_run_was_killed_counts_its_own_epochs(
    corpora, whole, tmp_path
):
    shutil.copytree(whole[1], tmp_path / "run")
    (tmp_path / "run" / "backup" / "training_metadata.json").write_text('{"epoch": 1, "batch": 0}')
    longer = make_recipe(training={"epochs": 5, "batch_size": 8})
    run(longer, corpora, tmp_path / "run")
    assert [row["epoch"] for row in history(tmp_path / "run")] == ["1", "2", "3", "4", "5"]


@pytest.mark.slow
def test_a_run_of_an_earlier_version_is_used_where_it_is_finished(corpora, whole, tmp_path):
    """Version 0.1 had TensorFlow checkpoints, the same history and the same best weights."""
    before, out = whole
    shutil.copytree(out, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "backup")
    (tmp_path / "run" / "checkpoints").mkdir()
    after = run(make_recipe(), corpora, tmp_path / "run")
    np.testing.assert_array_equal(after.get_weights()[-2], before.get_weights()[-2])
    with pytest.raises(TrainingError, match="interrupted under an earlier version of mirzoo"):
        run(make_recipe(training={"epochs": 5, "batch_size": 8}), corpora, tmp_path / "run")


@pytest.mark.slow
def test_finished_run_is_not_repeated(corpora, whole, monkeypatch):
    _, out = whole
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("it was trained again"))
    run(make_recipe(), corpora, out)
    assert len(history(out)) == 4


@pytest.mark.slow
def test_it_stops_when_nothing_improves(corpora, tmp_path):
    recipe = make_recipe(
        training={"epochs": 60, "batch_size": 8, "learning_rate": 0.3, "patience": 2}
    )
    run(recipe, corpora, tmp_path / "run")
    losses = [float(row["val_loss"]) for row in history(tmp_path / "run")]
    assert 2 < len(losses) < 60
    assert min(losses) == losses[-3]


@pytest.mark.slow
def test_diverging_run_says_so(corpora, tmp_path):
    recipe = make_recipe(training={"epochs": 3, "batch_size": 8, "learning_rate": 1e30})
    with pytest.raises(TrainingError, match="lower training.learning_rate"):
        run(recipe, corpora, tmp_path / "run")


@pytest.mark.slow
def test_progress_is_logged_and_report_goes_on_being_served(corpora, tmp_path, monkeypatch):
    recipe = make_recipe(training={"epochs": 1, "batch_size": 8})
    monkeypatch.setattr(training.hub, "save", lambda model, folder, overwrite: folder)
    monkeypatch.setattr(training.clips, "measured_card", lambda model, *_, **__: model.card)
    monkeypatch.setattr(training, "trained_model", lambda *_, **__: Ear())
    lines = []
    with pytest.warns(DeprecationWarning, match="logged by the logger 'mirzoo'") as warned:
        training.train(
            recipe, corpora, tmp_path, name="tones", tensorboard=True, report=lines.append
        )
    (ours,) = (warning for warning in warned if "report=" in str(warning.message))
    assert Path(ours.filename) == Path(__file__)
    assert any(line.startswith("tones: epoch 1 of 1: ") for line in lines)
    assert lines[-1].startswith("tones: saved in ")
    assert list((tmp_path / "tensorboard").rglob("events.out*"))


def test_recipe_without_data_is_refused(corpora, tmp_path):
    with pytest.raises(RecipeError, match="no 'data'"):
        run(make_recipe(data=None), corpora, tmp_path / "run")


def test_missing_corpus_is_named(tmp_path):
    with pytest.raises(DataError, match="mirzoo prepare tones"):
        run(make_recipe(), tmp_path, tmp_path / "run")


def test_teachers_must_teach_the_labels(corpora, tmp_path):
    with pytest.raises(RecipeError, match="none of the teachers"):
        run(make_recipe(task={"type": "tagging", "labels": ["x", "y"]}), corpora, tmp_path / "run")


def test_corpora_at_another_rate_are_refused(corpora, tmp_path):
    recipe = make_recipe(frontend={"type": "mel", "sample_rate": 22050})
    with pytest.raises(RecipeError, match="22050 Hz.*16000 Hz"):
        run(recipe, corpora, tmp_path / "run")
