"""Chord and melody models fitted to one's own recordings: they learn, and forget nothing else."""

import keras
import numpy as np
import pytest
import soundfile
from toy_music import RATE, make_recipe, play

from mirzoo import hub
from mirzoo.data.corpus import Item, prepare
from mirzoo.errors import DataError, RecipeError
from mirzoo.evaluation.recordings import LabelledRecording
from mirzoo.models.build import build_model
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.chords import Chords
from mirzoo.training import fine_tuning, own_recordings, progress
from mirzoo.training.fine_tuning import _divided_recordings, _name_of, fine_tune
from mirzoo.training.own_recordings import FittedRecordings

LEARNS = {"epochs": 25, "batch_size": 4, "learning_rate": 0.02}


@pytest.fixture(autouse=True)
def same_weights_each_time():
    keras.utils.set_random_seed(0)


def recorded(task: str, numbers) -> list[LabelledRecording]:
    made = [play(Item(str(number), "toys", str(number), "", "train")) for number in numbers]
    return [
        LabelledRecording(waveform, TASKS[task].truth(labels), RATE) for waveform, labels in made
    ]


def make_model(name: str, **changes):
    model = build_model(make_recipe(name, **changes), "toys")
    model.card = model.card.updated(
        provenance="Trained on toys.",
        metrics=[
            {
                "dataset": "other",
                "split": "test",
                "metric": "majmin",
                "value": 0.5,
                "n": 1,
                "method": "mir_eval",
            }
        ],
    )
    return model


@pytest.fixture
def untrained(monkeypatch):
    """Let fine-tuning end before it begins: what is tested is what comes before and after it."""
    monkeypatch.setattr(
        fine_tuning, "fit_recordings", lambda *_, **__: FittedRecordings({"loss": [1.0]}, 1)
    )


def statistics_of(model) -> list[np.ndarray]:
    weights = [*model.head.non_trainable_weights, *model.non_trainable_weights]
    return [weight.numpy().copy() for weight in weights]


@pytest.mark.slow
def test_chords_are_learnt_from_few_recordings():
    model = make_model("chords")
    before = statistics_of(model)
    learnt = fine_tune(model, recorded("chords", range(8)), **LEARNS)
    for old, new in zip(before, statistics_of(model), strict=True):
        np.testing.assert_array_equal(old, new)
    model, history = learnt, learnt.report.history
    assert len(history["loss"]) == 25 and history["loss"][-1] < 0.5 * history["loss"][0]
    waveform, labels = play(Item("99", "toys", "99", "", "valid"))
    classes = model.predict_windows(waveform[np.newaxis])["chords"][0].argmax(axis=-1)
    told = [model.card.labels[classes[place]] for place in (10, 30, 50)]
    assert told == [span.label for span in labels.chords]
    for old, new in zip(before, statistics_of(model), strict=True):
        np.testing.assert_array_equal(old, new)
    assert all(layer.trainable for layer in model.head.layers)


@pytest.mark.slow
def test_a_melody_is_learnt_from_few_recordings():
    model = make_model("melody")
    model = fine_tune(model, recorded("melody", range(8)), **LEARNS)
    waveform, _ = play(Item("99", "toys", "99", "", "valid"))
    heard = model.predict_windows(waveform[np.newaxis])
    hertz = 127.82 * 2 ** (heard["salience"][0].argmax(axis=-1) / 60)
    np.testing.assert_allclose(hertz[[5, 10, 15]], 440, rtol=0.03)
    assert heard["voicing"][0, 10, 0] > 0.5 > heard["voicing"][0, 30, 0]


@pytest.mark.slow
def test_the_statistics_of_a_network_for_the_voicing_stay_too():
    net = {"filters": 8, "kernel": 3, "dilations": [1, 2], "level_frames": 20}
    model = make_model(
        "melody", task={"type": "melody", "fmin": 127.82, "n_octaves": 3, "voicing": net}
    )
    learnt = fine_tune(model, recorded("melody", range(2)), epochs=2, strategy="full")
    names = [layer.name for layer in learnt.layers if "moving_mean" in str(layer.weights)]
    assert "voicing0_norm" in names
    for old, new in zip(statistics_of(model), statistics_of(learnt), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(
        *(each.get_layer("voicing0").get_weights()[0] for each in (model, learnt))
    )
    assert all(layer.trainable for layer in learnt.layers)


@pytest.mark.slow
def test_a_frozen_head_stays():
    model = make_model("chords")
    learnt = fine_tune(model, recorded("chords", range(2)), epochs=1, strategy="probe")
    assert learnt.head.trainable
    for old, new in zip(model.head.weights, learnt.head.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    assert any(
        not np.array_equal(old, new)
        for old, new in zip(model.trainable_weights, learnt.trainable_weights, strict=True)
    )


@pytest.mark.slow
def test_train_head_trains_in_place_with_a_warning():
    model = make_model("chords")
    before = model.get_weights()
    with pytest.warns(DeprecationWarning, match="strategy='probe'"):
        history = fine_tune(model, recorded("chords", range(2)), epochs=1, train_head=False)
    assert history["loss"] and not all(map(np.array_equal, before, model.get_weights()))


def test_the_card_tells_what_was_done_and_keeps_no_scores_of_other_weights(untrained):
    model = fine_tune(make_model("chords"), recorded("chords", range(2)), epochs=1)
    assert model.card.metrics == [] and model.card.description.endswith("Fine-tuned.")
    assert model.card.provenance == (
        "Fine-tuned from toys for 1 epoch on 2 recordings of somebody's own, the whole model; "
        "seed 0. toys: Trained on toys."
    )
    assert model.report.chosen == "the whole model trained for 1 epoch"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("mirdata:orchset@/home/me/orchset", "mirdata:orchset"),
        ("/home/me@work/songs/", "songs"),
        ("tfds:mirzoo/charts_mma", "charts_mma"),
        ([], "somebody's own"),
    ],
)
def test_a_card_names_data_but_no_place_on_a_machine(data, name):
    assert _name_of(data) == name


def test_labels_lie_beside_recordings_of_a_folder(untrained, tmp_path):
    folder = tmp_path / "songs"
    folder.mkdir()
    for number in range(2):
        waveform, labels = play(Item(str(number), "toys", str(number), "", "train"))
        soundfile.write(folder / f"{number}.wav", waveform, RATE)
        TASKS["chords"].truth(labels).write(folder / f"{number}.lab")
    model = fine_tune(make_model("chords"), folder, epochs=1)
    assert "on 2 recordings of songs" in model.card.provenance
    with pytest.raises(DataError, match="has f0 next to it"):
        fine_tune(make_model("melody"), folder, epochs=1)


def test_of_a_corpus_the_training_split_is_learnt(untrained, tmp_path):
    items = [
        Item(str(i), "toys", str(i), "", split)
        for i, split in enumerate(("train", "train", "train", "valid", "test"))
    ]
    prepare(items, tmp_path / "toys", make=play, min_seconds=1, processes=1)
    model = fine_tune(make_model("melody"), tmp_path / "toys", epochs=1)
    assert "on 3 recordings of toys" in model.card.provenance


def test_what_cannot_be_learnt_is_refused():
    model = make_model("chords")
    with pytest.raises(DataError, match="labels are a melody, but toys is a model for chords"):
        fine_tune(model, recorded("melody", range(1)))
    with pytest.raises(DataError, match="no recording to learn from"):
        fine_tune(model, [])
    model.card = model.card.updated(recipe=None)
    with pytest.raises(RecipeError, match="converted from its own package"):
        fine_tune(model, recorded("chords", range(1)))


@pytest.mark.parametrize(("task", "output"), [("chords", "chords"), ("melody", "salience")])
def test_long_recordings_are_heard_in_pieces_with_their_own_labels(task, output, monkeypatch):
    model = make_model(task)
    [recording] = recorded(task, [3])
    whole = own_recordings._track(model, make_recipe(task), recording)
    monkeypatch.setattr(own_recordings, "PIECE_S", 2)
    pieces = own_recordings._track(model, make_recipe(task), recording)
    assert len(whole.starts) == 1 and len(pieces.starts) == 3
    rows = pieces.stops - pieces.starts
    said = whole.targets.read(0, int(whole.stops[0]), 0)[output].argmax(axis=1)
    for number, (start, stop) in enumerate(zip(pieces.starts, pieces.stops, strict=True)):
        of_piece = pieces.targets.read(int(start), int(stop), 0)[output].argmax(axis=1)
        at = 20 * number
        np.testing.assert_array_equal(of_piece[1:-1], said[at + 1 : at + rows[number] - 1])


@pytest.mark.slow
def test_short_clips_are_learnt_from_too(monkeypatch):
    model = make_model("chords")
    seen = []
    fit = own_recordings.fit_stage

    def noted(student, batches, **options):
        seen.append((len(batches), batches.batch_size, batches.length))
        return fit(student, batches, **options)

    monkeypatch.setattr(own_recordings, "fit_stage", noted)
    clip = LabelledRecording(np.full(800, 0.1, np.float32), Chords([(0.0, 0.05, "N")]), RATE)
    fine_tune(model, [clip, clip], epochs=1)
    assert seen == [(1, 2, 30)]


def in_groups(task: str, numbers, groups: int) -> list[LabelledRecording]:
    return [
        one._replace(name=str(number), group=f"album {number % groups}")
        for number, one in enumerate(recorded(task, numbers))
    ]


@pytest.mark.slow
def test_what_is_held_out_measures_and_what_is_left_out_chooses():
    model = make_model("chords")
    options = {**LEARNS, "epochs": 6, "held_out": 0.2}
    fitted = fine_tune(model, in_groups("chords", range(16), 16), **options)
    report = fitted.report
    assert (report.learnt_from, report.held_out) == (13, 3)
    trial, history = report.trial["val_loss"], report.history
    best = int(np.argmin(trial))
    assert len(history["loss"]) == len(history["val_loss"]) == best > 0
    assert [tried.loss for tried in report.tried] == [trial[0], min(trial[1:])]
    assert report.chosen == f"the whole model trained for {best} epochs"
    after, before = report.evaluations
    assert len(after.per_file) == 3 and before.model == "toys"
    scores = {metric.metric: metric for metric in fitted.card.metrics}
    assert scores["majmin"].value > scores["majmin"].baseline["toys"]
    assert fitted.card.fitting.data.held_out == 3 and fitted.card.fitting.epochs == best


def test_groups_are_not_divided():
    recordings = in_groups("chords", range(15), 5)
    splits = (None,) * len(recordings)
    train, test, how = _divided_recordings(recordings, splits, 0.2, seed=0)
    assert len(test) == 3 and len({recordings[number].group for number in test}) == 1
    assert sorted([*train, *test]) == list(range(15)) and "whole groups, by seed 0" in how
    named = ("train",) * 9 + ("validation",) * 2 + ("test",) * 3 + (None,)
    train, test, how = _divided_recordings(recordings, named, 0.2, seed=0)
    assert train.tolist() == list(range(11)) and test.tolist() == [11, 12, 13]
    assert how == "as the data name them"
    train, test, how = _divided_recordings(recordings, named, 0, seed=0)
    assert train.tolist() == list(range(11)) and test.tolist() == []
    assert how == "none held out; what the data call test was left out"
    for count, share, why in (
        (14, 0, "none held out"),
        (9, 0.2, "none held out, since 0.2 of 9 recordings is fewer than 3"),
    ):
        some = recordings[:count], (None,) * count
        train, test, how = _divided_recordings(*some, share, seed=0)
        assert (len(train), len(test), how) == (count, 0, why)


@pytest.mark.slow
def test_a_model_that_training_makes_worse_stays():
    model = make_model("chords")
    wild = {"epochs": 2, "batch_size": 4, "learning_rate": 1000.0, "held_out": 0}
    fitted = fine_tune(model, in_groups("chords", range(12), 12), **wild)
    assert fitted.report.chosen.startswith("the model as it was")
    for old, new in zip(model.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert fitted.card.fitting.epochs == 0


@pytest.mark.slow
def test_a_recipe_of_chords_learns_from_fresh_weights_with_its_statistics(monkeypatch):
    recipe = make_recipe("chords")
    seen = []
    fit = own_recordings.fit_stage

    def noted(student, batches, **options):
        seen.append((batches.augmentation, batches.transpose_semitones))
        return fit(student, batches, **options)

    monkeypatch.setattr(own_recordings, "fit_stage", noted)
    options = {**LEARNS, "learning_rate": None, "epochs": 3, "seed": 1}
    model = fine_tune(
        recipe, recorded("chords", range(4)), augmentation="gain,mask,transpose", **options
    )
    assert seen[0][1] == (-5, 6) and seen[0][0].mask_frames == 0.15
    fresh = build_model(recipe, "fresh")
    assert any(map(np.any, map(np.subtract, statistics_of(model), statistics_of(fresh))))
    assert model.card.provenance.startswith("Trained from fresh weights, as own_model, for 3")
    assert "untrained" not in model.card.to_json()
    with pytest.raises(DataError, match="fresh weights, all of which must learn"):
        fine_tune(recipe, recorded("chords", range(2)), strategy="head")


@pytest.mark.slow
def test_training_on_recordings_goes_on_where_it_was(tmp_path, monkeypatch):
    """In bfloat16 too, of which float32 weights are left."""
    model = make_model("chords", head={**make_recipe("chords").head.model_dump(), "dropout": 0.3})

    def save(model, out, overwrite):
        out.mkdir()
        model.card.save(out)

    monkeypatch.setattr(hub, "save", save)
    options = {**LEARNS, "epochs": 3, "precision": "bfloat16", "out": tmp_path / "mine"}
    end = progress.ShownEpochs.on_epoch_end

    def interrupted(self, epoch, logs=None):
        end(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(progress.ShownEpochs, "on_epoch_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fine_tune(model, recorded("chords", range(4)), **options)
    assert (tmp_path / ".mine.training" / "training" / "history.csv").exists()
    resumed = fine_tune(model, recorded("chords", range(4)), **options)
    whole = fine_tune(model, recorded("chords", range(4)), **{**options, "out": None})
    assert len(resumed.report.history["loss"]) == 3
    assert resumed.report.history == whole.report.history
    for one, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert {layer.compute_dtype for layer in resumed.head.layers} == {"float32"}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"balanced": True}, "balanced is for taggers; how often chords occur"),
        ({"exclusive": True}, "exclusive is for taggers; what chords are is fixed"),
        ({"augmentation": "mixup"}, "the change 'mixup' is not for chords and melodies"),
    ],
)
def test_options_of_taggers_are_refused(option, message):
    with pytest.raises(DataError, match=message):
        fine_tune(make_model("chords"), recorded("chords", range(1)), **option)
