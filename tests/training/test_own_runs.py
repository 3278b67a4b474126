"""Runs of fine-tuning: checked before they begin, the same twice, and going on after a kill."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from toy_tones import make_model, tone_clips

import mirzoo
from mirzoo.data.folder import LabelledClips
from mirzoo.errors import ArtefactError, DataError
from mirzoo.training import fitting
from mirzoo.training.fine_tuning import fine_tune
from mirzoo.training.own_run import RunFolder, run_folder_of

WITH_DROPOUT = {"head": {"type": "cnn", "blocks": [{"filters": 8, "stride": [2, 2]}],
                         "embedding": 16, "dropout": 0.3}}  # fmt: skip
OPTIONS = {"strategy": "full", "epochs": 5, "held_out": 0.25, "augmentation": "gain,noise,mixup"}


def trained_tagger(**changes):
    keras.utils.set_random_seed(1)
    model = make_model("mel", **changes)
    model.card = model.card.updated(provenance="Trained on something.")
    return model


def never(*_, **__):
    raise AssertionError("the data were read")


def test_where_it_cannot_be_saved_nothing_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(LabelledClips, "windows", never)
    model, clips = trained_tagger(), tone_clips(20)
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    with pytest.raises(ArtefactError, match="neither empty nor a saved model"):
        fine_tune(model, clips, out=full)
    (full / "card.json").write_text("{}")
    with pytest.raises(ArtefactError, match="holds a saved model.*overwrite=True"):
        fine_tune(model, clips, out=full)
    with pytest.raises(ArtefactError, match="is a file; choose another folder"):
        fine_tune(model, clips, out=full / "notes.txt" / "model")
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ArtefactError, match=r"needs about \d\d MB .* has 10 MB left; make room"):
        fine_tune(model, clips, out=tmp_path / "new" / "model")
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_is_told_before(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ArtefactError, match="cannot be written; choose another one"):
        fine_tune(trained_tagger(), tone_clips(20), out=tmp_path / "model")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"precision": "float16"}, "precision is 'float16'; allowed are 'float32', 'bfloat16'"),
        ({"epochs": 0}, "epochs is 0; allowed are whole numbers from 1 on"),
        ({"epochs": 1.5}, "epochs is 1.5; allowed are whole numbers from 1 on"),
        ({"batch_size": "8"}, "batch_size is '8'; allowed are whole numbers from 1 on"),
        ({"held_out": "all"}, "held_out is 'all'; allowed are shares from 0 to below 1"),
        ({"seed": -1}, "seed is -1; allowed are whole numbers from 0 to below 2"),
        ({"learning_rate": 0}, "learning_rate is 0; allowed are finite numbers above 0"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; allowed are finite numbers"),
        ({"augmentation": "echo"}, "augmentation names 'echo'; allowed are gain, noise, filter"),
        ({"augmentation": ["gain", 3]}, "allowed are names of changes, or settings"),
        ({"augmentation": "none,gain"}, "'none' goes with no other change"),
        ({"kind": "tags"}, "kind is the model's own; leave it out"),
        ({"augmentation": "transpose"}, "'transpose' is not for taggers: the pitch of"),
    ],
)
def test_what_is_not_allowed_is_told_before_anything_is_read(option, message, monkeypatch):
    monkeypatch.setattr(LabelledClips, "windows", never)
    with pytest.raises(DataError, match=message):
        fine_tune(trained_tagger(), tone_clips(20), **option)


def test_a_run_of_other_settings_starts_anew(tmp_path, caplog):
    folder = tmp_path / ".model.training"
    first = RunFolder(folder, {"seed": 0})
    assert first.array("numbers", lambda: np.arange(3)).tolist() == [0, 1, 2]
    assert first.values("words", lambda: ["a"]) == ["a"]
    again = RunFolder(folder, {"seed": 0})
    assert again.array("numbers", never).tolist() == [0, 1, 2]
    assert again.values("words", never) == ["a"]
    with caplog.at_level("WARNING", "mirzoo"):
        other = RunFolder(folder, {"seed": 1})
    assert "was of other data or settings; it starts anew" in caplog.text
    assert other.array("numbers", lambda: np.arange(2)).tolist() == [0, 1]
    other.remove()
    assert not folder.exists()


@pytest.mark.slow
def test_two_runs_from_fresh_weights_with_a_seed_are_the_same():
    recipe = mirzoo.recipe.Recipe.model_validate(make_model("mel", **WITH_DROPOUT).card.recipe)
    options = {"epochs": 2, "augmentation": "gain,shift,mask,mixup", "held_out": 0}
    first, second = (fine_tune(recipe, tone_clips(24), seed=3, **options) for _ in range(2))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert first.report.history == second.report.history
    assert first.card.fitting.base is None and first.card.fitting.epochs == 2
    assert first.card.format == 3  # so that a mirzoo that knows no `fitting` tells what is wrong
    assert first.card.provenance.startswith("Trained from fresh weights, as own_model, on 24 clips")
    assert "untrained" not in first.card.to_json()
    other = fine_tune(recipe, tone_clips(24), seed=4, **options)
    assert any(map(np.any, map(np.subtract, first.get_weights(), other.get_weights())))


KILLED = """
import importlib.util, os, signal, sys
sys.path.append(sys.argv[3])
spec = importlib.util.spec_from_file_location("test_own_runs", sys.argv[2])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
from mirzoo.training import own_clips, progress
end, fit, running = progress.ShownEpochs.on_epoch_end, own_clips.fit_stage, []

def killed(self, epoch, logs=None):
    end(self, epoch, logs)
    if "training" in running and epoch == 1:
        os.kill(os.getpid(), signal.SIGKILL)

def noted(student, batches, **options):
    running[:] = options["name"].split()
    return fit(student, batches, **options)

progress.ShownEpochs.on_epoch_end, own_clips.fit_stage = killed, noted
tests.fine_tune(
    tests.trained_tagger(**tests.WITH_DROPOUT), tests.tone_clips(48), out=sys.argv[1],
    **tests.OPTIONS,
)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_run_that_was_killed_goes_on_to_the_same_model(tmp_path, monkeypatch):
    out = tmp_path / "killed"
    helpers = Path(__file__).parents[1] / "helpers"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(out), __file__, str(helpers)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert not out.exists() and (run_folder_of(out) / "training" / "backup").is_dir()
    begun = []
    fit = keras.Model.fit

    def noted(self, *arguments, **options):
        begun.append(options["initial_epoch"])
        return fit(self, *arguments, **options)

    monkeypatch.setattr(keras.Model, "fit", noted)
    model = trained_tagger(**WITH_DROPOUT)
    resumed = fine_tune(model, tone_clips(48), out=out, **OPTIONS)
    assert begun == [1] or begun == [2]  # the trial is over, and an epoch or two of the training
    whole = fine_tune(model, tone_clips(48), **OPTIONS)
    for one, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert resumed.report.history == whole.report.history
    assert resumed.report.trial == whole.report.trial
    assert resumed.card == whole.card
    assert not run_folder_of(out).exists()
    loaded = mirzoo.load(out)
    assert loaded.card.name == "killed"
    assert loaded.card.fitting == resumed.card.fitting


@pytest.mark.slow
def test_few_clips_are_answered_as_well_as_they_were_learnt():
    """Batch normalisation has the statistics of the pretraining, in training and afterwards."""
    model, clips = trained_tagger(), tone_clips(16)
    fitted = fine_tune(
        model, clips, strategy="full", epochs=12, learning_rate=0.01, held_out=0,
        augmentation="none", batch_size=8,
    )  # fmt: skip
    given = [fitted.annotate(clip.source, source_rate=16000).mean for clip in clips.clips]
    accuracy = (np.argmax(given, axis=1) == clips.targets.argmax(axis=1)).mean()
    waveforms = np.stack([clip.source for clip in clips.clips])
    learning = fitted(waveforms, training=False).numpy()
    assert accuracy == 1.0 == (learning.argmax(axis=1) == clips.targets.argmax(axis=1)).mean()
    for statistic in ("moving_mean", "moving_variance"):
        after, before = (
            getattr(one.head.get_layer("conv0_0_norm"), statistic) for one in (fitted, model)
        )
        np.testing.assert_array_equal(after, before)
    final = fitted.report.history["loss"][-1]
    right = np.take_along_axis(learning, clips.targets.argmax(axis=1)[:, None], axis=1)
    assert -np.log(right).mean() < final + 0.1  # what was learnt is what answers


@pytest.mark.slow
def test_what_learns_in_bfloat16_is_saved_in_float32(tmp_path):
    model = trained_tagger()
    seen = []
    wrapped = fitting.fit_stage

    def noted(student, *arguments, **options):
        policies = {layer.compute_dtype for layer in student.get_layer("head").layers}
        front = {layer.compute_dtype for layer in student.get_layer("frontend").layers}
        seen.append((policies, front))
        return wrapped(student, *arguments, **options)

    from mirzoo.training import own_clips

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_clips, "fit_stage", noted)
        fitted = fine_tune(
            model, tone_clips(24), strategy="full", epochs=1, precision="bfloat16",
            out=tmp_path / "saved", tensorboard=tmp_path / "logs",
        )  # fmt: skip
    assert seen == [({"float32", "bfloat16"}, {"float32"})]
    assert {layer.compute_dtype for layer in fitted.head.layers} == {"float32"}
    assert any(map(np.any, map(np.subtract, model.get_weights()[:-2], fitted.get_weights()[:-2])))
    assert mirzoo.verify(tmp_path / "saved")
    assert list((tmp_path / "logs").rglob("events.out.tfevents*"))
    assert mirzoo.load(tmp_path / "saved").card.fitting.settings["precision"] == "bfloat16"


def test_a_model_computes_in_the_precision_chosen():
    model = trained_tagger()
    faster = model.in_precision("mixed_bfloat16")
    assert {layer.compute_dtype for layer in faster.frontend.layers} == {"float32"}
    assert faster.head.get_layer("conv0_0_norm").compute_dtype == "bfloat16"
    x = np.stack([clip.source for clip in tone_clips(2).clips])
    np.testing.assert_allclose(faster(x), model(x), atol=0.02)
    again = faster.in_precision("float32")
    np.testing.assert_array_equal(again(x), model(x))
    with pytest.raises(ArtefactError, match="precision is 'bfloat16'; allowed are 'float32'"):
        model.in_precision("bfloat16")
