"""Recipes trained on labels of one's own: what is handed on, what comes out, where it begins."""

import numpy as np
import pytest
import soundfile
from toy_music import RATE, make_recipe, play

import mirzoo
from mirzoo.data.corpus import Item
from mirzoo.errors import ArtefactError, DataError, RecipeError
from mirzoo.evaluation.recordings import LabelledRecording
from mirzoo.models.build import build_model
from mirzoo.recipe import Recipe, new_recipe, parse_recipe
from mirzoo.tasks.base import TASKS
from mirzoo.training import own_recipes, train
from mirzoo.training.own_recipes import are_corpora

CHORDS = TASKS["chords"]


def tagger(**changes) -> Recipe:
    """A small one with labels of its own."""
    recipe = parse_recipe(new_recipe("mel", "rnn", "tagging", labels=["a", "b", "c"]))
    head = recipe.head.model_copy(update={"embedding": 16})
    training = recipe.training.model_copy(update={"epochs": 6, "learning_rate": 0.01, **changes})
    return recipe.model_copy(update={"head": head, "window_s": 1.0, "training": training})


def tones(count: int):
    """Low and high tones with their names."""
    rng = np.random.default_rng(0)
    seconds = np.arange(RATE) / RATE
    labels = ["low" if number % 2 else "high" for number in range(count)]
    hertz = [rng.uniform(150, 300) if label == "low" else rng.uniform(2e3, 3e3) for label in labels]
    waves = [0.2 * np.sin(2 * np.pi * f * seconds) + rng.normal(0, 1e-3, RATE) for f in hertz]
    return [wave.astype(np.float32) for wave in waves], labels


@pytest.fixture
def handed_on(monkeypatch):
    """What `train` hands to `fine_tune`, which does nothing else."""
    calls = []
    monkeypatch.setattr(
        own_recipes,
        "fine_tune",
        lambda model, data, **options: calls.append((model, data, options)),
    )
    return calls


def test_the_recipe_decides_how_it_is_trained(handed_on, tmp_path):
    recipe = tagger(epochs=7, batch_size=3, learning_rate=0.02, seed=5)
    assert train(recipe, "clips", tmp_path, name="mine", held_out=0.3) == tmp_path / "mine"
    ((model, data, options),) = handed_on
    assert data == "clips"
    assert model.card.name == "mine"
    assert model.card.provenance == "Fresh weights, untrained."
    assert options == {
        "epochs": 7, "batch_size": 3, "learning_rate": 0.02, "seed": 5, "precision": "float32",
        "augmentation": recipe.training.augmentation, "held_out": 0.3, "out": tmp_path / "mine",
        "tensorboard": None,
    }  # fmt: skip


def test_weights_to_begin_with(handed_on, monkeypatch, tmp_path):
    start = build_model(tagger(), "start")
    monkeypatch.setattr(own_recipes.hub, "load", lambda name: start)
    own = tagger(initial_weights="start")
    train(own, "clips", tmp_path, name="mine")
    train(own, "clips", tmp_path, name="mine", weights="none")
    train(tagger(seed=1), "clips", tmp_path, name="mine", weights="start")
    began = [model for model, _, _ in handed_on]
    for model, same in zip(began, (True, False, True), strict=True):
        head = zip(model.head.get_weights(), start.head.get_weights(), strict=True)
        assert all(np.array_equal(mine, theirs) for mine, theirs in head) == same
        assert model.card.provenance.startswith("Weights of start" if same else "Fresh weights")
    other = build_model(make_recipe("melody"), "other")
    monkeypatch.setattr(own_recipes.hub, "load", lambda name: other)
    with pytest.raises(RecipeError, match="no layer of the recipe 'mine'"):
        train(tagger(), "clips", tmp_path, name="mine", weights="other")


def test_weights_of_a_recipe_for_collections_are_for_these(handed_on, tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.wav").touch()
    train("leaf_cnn_tagger", tmp_path / "clips", tmp_path / "run")
    assert handed_on[0][0].card.provenance.startswith("Fresh weights")


def test_corpora_are_told_from_own_data(tmp_path):
    of_collections, of_none = make_recipe("chords"), tagger()
    assert are_corpora(tmp_path, of_collections)
    assert are_corpora(tmp_path / "missing", of_collections)
    assert not are_corpora(tmp_path, of_none)
    assert not are_corpora("tfds:gtzan", of_collections)
    assert not are_corpora(tones(2), of_collections)
    (tmp_path / "dog").mkdir()
    assert not are_corpora(tmp_path, of_collections)
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian" / "items.csv").touch()
    assert are_corpora(tmp_path, of_collections)
    assert are_corpora(tmp_path, of_none)
    with pytest.raises(RecipeError, match="held_out: for labelled data of your own alone"):
        train(of_collections, tmp_path, tmp_path / "run", name="toys", held_out=0.1)


@pytest.mark.slow
def test_a_tagger_learns_the_labels_of_the_data(tmp_path):
    data = tones(60)
    place = train(
        tagger(epochs=12), data, tmp_path, name="mine", source_rate=RATE, tensorboard=True
    )
    model = mirzoo.load(place)
    assert model.card.labels == ["high", "low"]
    assert model.card.recipe["task"]["labels"] == ["high", "low"]
    assert "from fresh weights" in model.card.provenance
    assert model.card.fitting.epochs == 12
    accuracy = next(metric for metric in model.card.metrics if "accuracy" in metric.metric)
    assert accuracy.value > 0.9
    assert any((tmp_path / "tensorboard").iterdir())
    assert mirzoo.verify(place)
    with pytest.raises(ArtefactError, match="overwrite"):
        train(tagger(), data, tmp_path, name="mine", source_rate=RATE)


@pytest.mark.slow
def test_a_framewise_recipe_learns_from_files_next_to_recordings(tmp_path):
    songs = tmp_path / "songs"
    songs.mkdir()
    for number in range(4):
        waveform, labels = play(Item(str(number), "toys", str(number), "", "train"))
        soundfile.write(songs / f"{number}.wav", waveform, RATE)
        CHORDS.truth(labels).write(songs / f"{number}.lab")
    place = train(make_recipe("chords"), songs, tmp_path / "run", name="mine")
    model = mirzoo.load(place)
    waveform, labels = play(Item("77", "toys", "77", "", "test"))
    unseen = LabelledRecording(waveform, CHORDS.truth(labels), RATE)
    scores = {metric.metric: metric.value for metric in mirzoo.evaluate(model, [unseen])}
    assert scores["majmin"] > 0.5  # one of three chords at random: 0.33
    assert model.card.recipe["data"] is None


@pytest.mark.slow
def test_an_interrupted_training_goes_on(monkeypatch, tmp_path):
    from mirzoo.training import own_clips

    data = tones(20)
    through = train(tagger(), data, tmp_path / "one", name="mine", source_rate=RATE)
    fit, seen = own_clips.fit_stage, []

    def dies(student, batches, **options):
        fit(student, batches, **{**options, "epochs": 3})
        raise KeyboardInterrupt

    monkeypatch.setattr(own_clips, "fit_stage", dies)
    with pytest.raises(KeyboardInterrupt):
        train(tagger(), data, tmp_path / "two", name="mine", source_rate=RATE)

    def goes_on(student, batches, **options):
        history = fit(student, batches, **options)
        seen.append(int(student.optimizer.iterations))
        return history

    monkeypatch.setattr(own_clips, "fit_stage", goes_on)
    resumed = train(tagger(), data, tmp_path / "two", name="mine", source_rate=RATE)
    one, two = (mirzoo.load(place).get_weights() for place in (through, resumed))
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(one, two, strict=True))
    assert seen == [6 * 2]


def test_data_without_labels_for_the_task_are_refused(tmp_path):
    (tmp_path / "songs").mkdir()
    soundfile.write(tmp_path / "songs" / "one.wav", tones(1)[0][0], RATE)
    with pytest.raises(DataError, match="chords"):
        train(make_recipe("chords"), tmp_path / "songs", tmp_path / "run", name="mine")
