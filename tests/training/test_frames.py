"""Training frame-wise models: features are computed once, two tasks learn, faults are named."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from pydantic import TypeAdapter
from toy_music import make_recipe, play
from toy_teachers import bare_corpus, melody_teacher, toy_teachers

from mirzoo.data.corpus import Corpus, Item, prepare
from mirzoo.dsp.chord_vocabulary import parse_chord
from mirzoo.errors import DataError, RecipeError
from mirzoo.models.build import build_model
from mirzoo.recipe import FrontendConfig
from mirzoo.training import features, frames
from mirzoo.training.fitting import BEST_WEIGHTS
from mirzoo.training.frames import student_of, transposition
from mirzoo.training.runs import Run


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    items = [Item(str(i), "toys", str(i), "", "valid" if i >= 10 else "train") for i in range(12)]
    prepare(items, folder / "toys", make=play, min_seconds=1, processes=1)
    return folder


def fit(recipe, corpora, out, find=None):
    return frames.fit(Run(recipe, corpora, find), out, name="toys")


@pytest.fixture(scope="module")
def valid(corpora):
    corpus = Corpus.load(corpora / "toys")
    item = corpus.items[-1]
    samples = corpus.audio[item.offset_samples : item.offset_samples + item.n_samples]
    return samples[np.newaxis] / np.float32(32767), corpus.labels(len(corpus.items) - 1)


@pytest.mark.slow
def test_chords_are_learnt_from_the_waveform_on(corpora, valid, tmp_path):
    waveform, labels = valid
    model = fit(make_recipe("chords"), corpora, tmp_path)
    heard = model.predict_windows(waveform)
    classes = heard["chords"][0].argmax(axis=-1)
    told = [model.card.labels[classes[place]] for place in (10, 30, 50)]
    assert told == [span.label for span in labels.chords]
    roots = [parse_chord(label).root + 1 for label in told]
    assert heard["root"][0, [10, 30, 50]].argmax(axis=-1).tolist() == roots


@pytest.mark.slow
def test_classes_alone_are_learnt_too(corpora, tmp_path):
    recipe = make_recipe("chords", training={"epochs": 1, "batch_size": 4})
    classes_alone = recipe.task.model_copy(update={"structured": False})
    model = fit(recipe.model_copy(update={"task": classes_alone}), corpora, tmp_path)
    assert model.output_shape == (None, None, 25)
    assert (tmp_path / "history.csv").read_text().startswith("epoch,accuracy,loss")


@pytest.mark.slow
def test_melody_and_voicing_are_learnt(corpora, valid, tmp_path):
    model = fit(make_recipe("melody"), corpora, tmp_path)
    heard = model.predict_windows(valid[0])
    hertz = 127.82 * 2 ** (heard["salience"][0].argmax(axis=-1) / 60)
    np.testing.assert_allclose(hertz[[5, 10, 15]], 440, rtol=0.03)
    np.testing.assert_allclose(hertz[[45, 50, 55]], 660, rtol=0.03)
    assert (heard["voicing"][0, [10, 50], 0] > 0.5).all() and heard["voicing"][0, 30, 0] < 0.5


@pytest.mark.slow
def test_a_run_starts_from_the_weights_that_its_recipe_names(corpora, tmp_path):
    keras.utils.set_random_seed(7)
    first = build_model(make_recipe("melody"), "first")
    still = {"epochs": 1, "batch_size": 4, "learning_rate": 1e-9, "initial_weights": "first"}
    second = fit(make_recipe("melody", training=still), corpora, tmp_path / "second",
                 find={"first": first}.__getitem__)  # fmt: skip

    def kernel(model):
        return model.head.get_layer("conv0_0").get_weights()[0]

    np.testing.assert_allclose(kernel(second), kernel(first), atol=1e-6)


def toys_with_a_network(**training):
    voicing = {"filters": 8, "kernel": 3, "dilations": [1], "level_frames": 20}
    task = {"type": "melody", "fmin": 127.82, "n_octaves": 3, "voicing": voicing}
    settings = {"epochs": 1, "batch_size": 4, "learning_rate": 0.02, "initial_weights": "first"}
    return make_recipe("melody", task=task, training={**settings, **training})


def test_an_output_learns_alone(corpora, tmp_path):
    first = build_model(make_recipe("melody"), "first")
    recipe = toys_with_a_network(only_outputs=["voicing"])
    second = fit(recipe, corpora, tmp_path / "second", find={"first": first}.__getitem__)
    for layer in second.head.layers:
        for ours, theirs in zip(
            layer.get_weights(), first.head.get_layer(layer.name).get_weights()
        ):
            np.testing.assert_array_equal(ours, theirs)
    ours, theirs = (m.get_layer("salience_scores").get_weights() for m in (second, first))
    np.testing.assert_array_equal(ours[0], theirs[0])
    fresh = build_model(recipe, "fresh")
    assert np.ptp(second.get_layer("voicing0_norm").moving_mean) > 0
    assert not np.ptp(fresh.get_layer("voicing0_norm").moving_mean)


@pytest.mark.parametrize(
    ("only", "complaint"),
    [("chords", r"only_outputs names \['chords'\]; allowed are salience, voicing"),
     ("salience", r"only_outputs is \['salience'\], whose layers other outputs need")],
)  # fmt: skip
def test_outputs_that_cannot_learn_alone_are_named(corpora, tmp_path, only, complaint):
    first = build_model(make_recipe("melody"), "first")
    with pytest.raises(RecipeError, match=complaint):
        fit(toys_with_a_network(only_outputs=[only]), corpora, tmp_path,
            find={"first": first}.__getitem__)  # fmt: skip


def test_an_output_that_learns_alone_needs_weights_for_the_rest():
    with pytest.raises(ValueError, match="there are no initial_weights"):
        toys_with_a_network(only_outputs=["voicing"], initial_weights=None)


@pytest.mark.parametrize(
    ("key", "value"),
    [("classes", ["toys"]), ("windows_of", {"toys": 3}), ("teachers_of", {"toys": ["ear"]}),
     ("same_labels", {"ear": {"N": ["silence"]}})],
)  # fmt: skip
def test_data_settings_of_taggers_are_refused(key, value):
    data = {"collections": ["toys"], "teachers": ["ear"], key: value}
    with pytest.raises(ValueError, match=f"data.{key} is for taggers, which 'chords' is not"):
        make_recipe("chords", data=data)


@pytest.mark.slow
def test_what_learnt_in_bfloat16_computes_in_float32(corpora, valid, tmp_path):
    training = {"epochs": 25, "batch_size": 4, "learning_rate": 0.02, "precision": "bfloat16"}
    model = fit(make_recipe("melody", training=training), corpora, tmp_path)
    layers = model.head.layers
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    hertz = 127.82 * 2 ** (model.predict_windows(valid[0])["salience"][0].argmax(axis=-1) / 60)
    np.testing.assert_allclose(hertz[[5, 10, 15]], 440, rtol=0.03)


@pytest.mark.slow
def test_bfloat16_reaches_the_convolutions_and_the_outputs_stay_float32(
    corpora, tmp_path, monkeypatch
):
    seen = {}

    def look(student, settings, out, *, saved, **_):
        saved.save_weights(out / BEST_WEIGHTS)
        head = student.layers[-1].get_layer("head")
        seen["convolution"] = head.get_layer("conv0_0").compute_dtype
        seen["first"] = head.get_layer("normalise_bins").compute_dtype
        outputs = student(np.zeros((1, 5, 36, 1), np.float32))
        seen["outputs"] = {value.dtype.name for value in outputs.values()}

    monkeypatch.setattr(frames, "fit_epochs", look)
    training = {"batch_size": 4, "precision": "bfloat16"}
    fit(make_recipe("melody", training=training), corpora, tmp_path)
    assert seen == {"convolution": "bfloat16", "first": "float32", "outputs": {"float32"}}


@pytest.mark.slow
def test_excerpts_are_cut_from_the_music_to_learn_from_alone(corpora, tmp_path, monkeypatch):
    silent = {}

    def look(student, settings, out, *, training, held_out, saved, **_):
        saved.save_weights(out / BEST_WEIGHTS)
        for split, data in (("train", training), ("valid", held_out)):
            magnitudes = np.concatenate([data.batch(0, number)[0] for number in range(len(data))])
            silent[split] = float((magnitudes.max(axis=(2, 3)) == 0).mean())

    monkeypatch.setattr(frames, "fit_epochs", look)
    fit(make_recipe("chords", training={"excerpt_probability": 1.0, "batch_size": 4}), corpora,
        tmp_path)  # fmt: skip
    assert silent["valid"] == 0 and 0.3 < silent["train"] < 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("example_s", "frames_each"), [(None, 30), (1.0, 10)])
def test_examples_are_as_long_as_asked_and_else_as_a_window(
    corpora, tmp_path, monkeypatch, example_s, frames_each
):
    lengths = set()

    def look(student, settings, out, *, training, held_out, saved, **_):
        saved.save_weights(out / BEST_WEIGHTS)
        for data in (training, held_out):
            lengths.update(data.batch(0, number)[0].shape[1] for number in range(len(data)))

    monkeypatch.setattr(frames, "fit_epochs", look)
    model = fit(
        make_recipe("melody", training={"example_s": example_s, "batch_size": 4}), corpora, tmp_path
    )
    assert lengths == {frames_each}
    assert model.card.window_s == 3.0


def test_a_student_is_to_give_the_same_for_both_halves_of_a_batch():
    recipe = consistent(batch_size=2)
    model = build_model(recipe, "toys")
    rng = np.random.default_rng(0)
    one, other = rng.uniform(size=(2, 1, 30, *model.frontend.output_shape[2:])).astype("float32")

    def loss(training, *halves):
        student = student_of(model, recipe, recipe.training, steps=1)
        magnitudes = np.concatenate(halves)
        given = student(magnitudes, training=False)
        zeros = {name: np.zeros(value.shape, "float32") for name, value in given.items()}
        return float(student.compute_loss(None, zeros, given, None, training=training))

    assert loss(True, one, one) == pytest.approx(loss(False, one, one))
    pair = np.concatenate([one, other])
    given = student_of(model, recipe, recipe.training, steps=1)(pair, training=False)["chords"]
    first, second = np.maximum(given.numpy(), 1e-7)
    expected = ((first - second) * np.log(first / second)).sum(axis=-1).mean()
    assert loss(True, one, other) - loss(False, one, other) == pytest.approx(0.5 * expected, 1e-4)


@pytest.mark.parametrize("bins", [12, 24])
def test_the_same_chords_in_any_tuning_need_bins_that_tell_it(bins):
    frontend = {**make_recipe("chords").frontend.model_dump(), "bins_per_octave": bins}
    with pytest.raises(ValueError, match=f"has {bins // 12} bins a semitone; allowed are 3"):
        make_recipe("chords", frontend=frontend, training={"consistency": 0.5})
    with pytest.raises(ValueError, match="has no bins a semitone"):
        make_recipe("chords", frontend={"type": "stft", "sample_rate": 8000},
                    head={"type": "crnn", "blocks": [{"filters": 4}], "pooling": "none",
                          "recurrent": {"units": [4]}, "embedding": 4},
                    training={"consistency": 0.5})  # fmt: skip


def consistent(**training):
    frontend = {**make_recipe("chords").frontend.model_dump(), "bins_per_octave": 36}
    settings = {"batch_size": 4, "epochs": 1, "learning_rate": 0.01, "consistency": 0.5}
    return make_recipe("chords", frontend=frontend, training={**settings, **training})


@pytest.mark.slow
def test_a_model_learns_to_give_the_same_in_any_tuning(corpora, tmp_path):
    def difference(model):
        corpus = Corpus.load(corpora / "toys")
        item = corpus.items[-1]
        samples = corpus.audio[item.offset_samples : item.offset_samples + item.n_samples]
        frames = model.frontend(samples[np.newaxis] / np.float32(32767)).numpy()
        # Features are of logarithms; what a third of a semitone up is, bins are one further.
        moved = np.roll(frames, 1, axis=2)
        head = keras.Model(model.head_input, model.output["chords"])
        return float(np.abs(head(frames) - head(moved)).sum(axis=-1).mean())

    alike = fit(consistent(epochs=12, consistency=3.0), corpora, tmp_path / "alike")
    free = fit(consistent(epochs=24, consistency=0.0), corpora, tmp_path / "free")
    assert difference(alike) < 0.7 * difference(free)


def test_devices_cannot_share_the_halves_of_a_batch(corpora, tmp_path):
    two = SimpleNamespace(devices=2, require_shares=lambda size: None)
    with pytest.raises(RecipeError, match="consistency is 0.5.*train on one device"):
        frames.fit(Run(consistent(), corpora, None, two), tmp_path, name="toys")


def test_what_is_compared_must_learn():
    recipe = consistent(only_outputs=["root"], initial_weights="first")
    with pytest.raises(RecipeError, match=r"compares the output chords, which only_outputs.*root"):
        student_of(build_model(recipe, "toys"), recipe, recipe.training, steps=1, outputs=["root"])


def test_features_are_computed_once_and_are_those_of_the_front_end(corpora, monkeypatch):
    corpus = Corpus.load(corpora / "toys")
    config = make_recipe("chords").frontend
    store = features.cached_features(corpus, config)
    transform, scaling = features.split_scaling(features.build_frontend(config), config)
    item = corpus.items[3]
    samples = corpus.audio[item.offset_samples : item.offset_samples + item.n_samples]
    expected = transform(samples[np.newaxis] / np.float32(32767)).numpy()[0]
    saved = store.magnitudes[store.starts[3] : store.starts[4]]
    np.testing.assert_allclose(saved, expected, rtol=2e-3, atol=1e-6)
    assert [type(layer).__name__ for layer in scaling] == ["Logarithm"]
    monkeypatch.setattr(features, "_compute", lambda *_: pytest.fail("computed again"))
    louder = config.model_copy(update={"scaling": {"type": "log", "c": 5.0}})
    assert features.cached_features(corpus, louder).path == store.path


def test_a_stride_over_frames_is_refused(corpora, tmp_path):
    head = {**make_recipe("chords").head.model_dump(), "blocks": [{"filters": 4, "stride": (2, 1)}]}
    with pytest.raises(RecipeError, match="stride over frames"):
        fit(make_recipe("chords", head=head), corpora, tmp_path)


def transposing(frontend, semitones):
    recipe = make_recipe("chords", training={"transpose_semitones": semitones})
    known = TypeAdapter(FrontendConfig).validate_python(frontend)
    return transposition(recipe.model_copy(update={"frontend": known}))


@pytest.mark.parametrize(
    ("frontend", "place", "moved_to"),
    [({"type": "stft"}, 500, 561), ({"type": "cqt", "bins_per_octave": 36}, 50, 56),
     ({"type": "hcqt", "bins_per_octave": 12}, 50, 52),
     ({"type": "chroma", "n_chroma": 24}, 22, 2)],
)  # fmt: skip
def test_features_are_transposed_along_their_own_bins(frontend, place, moved_to):
    magnitudes = np.zeros((1, 1025, 1), np.float32)
    if frontend["type"] == "chroma":
        magnitudes = magnitudes[:, :24]
    magnitudes[0, place] = 1.0
    assert transposing(frontend, (-2, 2))(magnitudes, 2)[0, :, 0].argmax() == moved_to


@pytest.mark.parametrize(
    "frontend", [{"type": "mel", "n_mels": 64}, {"type": "cqt", "bins_per_octave": 20}]
)
def test_transposition_is_refused_where_bins_do_not_follow_semitones(frontend):
    assert transposing(frontend, (0, 0)) is None
    with pytest.raises(RecipeError, match=f"'{frontend['type']}' front-end has no bins"):
        transposing(frontend, (-2, 2))


def test_a_front_end_that_learns_is_refused(corpora, tmp_path):
    recipe = make_recipe(
        "chords",
        frontend={"type": "mel", "trainable": True, "hop_length": 1600, "n_fft": 2048},
        head={"type": "rnn", "pooling": "none"},
    )
    with pytest.raises(RecipeError, match="front-end that learns"):
        fit(recipe, corpora, tmp_path)


def test_music_without_labels_needs_a_teacher(tmp_path):
    items = [Item("a", "bare", "a", "", "train"), Item("b", "bare", "b", "", "valid")]
    prepare(
        items,
        tmp_path / "bare",
        make=lambda item: play(Item("1", "", "", "", "train"))[0],
        min_seconds=1,
        processes=1,
    )
    recipe = make_recipe("chords", data={"collections": ["bare"]})
    with pytest.raises(DataError, match="no labels of chords; name a teacher"):
        fit(recipe, tmp_path, tmp_path / "run")


def test_a_melody_without_labels_needs_a_teacher(tmp_path):
    bare_corpus(tmp_path)
    recipe = make_recipe("melody", data={"collections": ["bare"]})
    with pytest.raises(DataError, match="no labels of melody; name a teacher"):
        fit(recipe, tmp_path, tmp_path / "run")


@pytest.mark.slow
def test_a_melody_is_learnt_from_teachers_alone(tmp_path, valid, monkeypatch):
    toy_teachers(monkeypatch)
    bare_corpus(tmp_path, more=9)
    ears = {
        "ear": melody_teacher(
            lambda time: (
                (107, 1.0, 1.0) if time < 2 else (0, 0.0, 0.0) if time < 4 else (142, 1.0, 1.0)
            )
        )
    }
    recipe = make_recipe(
        "melody", data={"collections": ["bare"], "teachers": ["ear"], "windows_per_item": 2}
    )
    model = fit(recipe, tmp_path, tmp_path / "run", find=ears.__getitem__)
    heard = model.predict_windows(valid[0])
    hertz = 127.82 * 2 ** (heard["salience"][0].argmax(axis=-1) / 60)
    np.testing.assert_allclose(hertz[[5, 10, 15]], 440, rtol=0.03)
    np.testing.assert_allclose(hertz[[45, 50, 55]], 660, rtol=0.03)
    assert (heard["voicing"][0, [10, 50], 0] > 0.5).all() and heard["voicing"][0, 30, 0] < 0.5
