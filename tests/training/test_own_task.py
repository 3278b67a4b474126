"""A frame-wise task of somebody's own is trained as those of mirzoo are."""

from typing import Any, Literal

import keras
import numpy as np
import pytest
from toy_music import RATE, make_recipe, play

from mirzoo.card import Axis
from mirzoo.data.corpus import Item, prepare
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.data.recordings import Recording
from mirzoo.evaluation.recordings import LabelledRecording
from mirzoo.models.build import build_model
from mirzoo.recipe import Recipe
from mirzoo.recipe.tasks import TaskConfig
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS, FramewiseTask, Score
from mirzoo.tasks.frames import FrameJoiner
from mirzoo.training import frames
from mirzoo.training.datasets import windows
from mirzoo.training.fine_tuning import fine_tune
from mirzoo.training.runs import Run

pytestmark = pytest.mark.slow


class Sounding(Annotation):
    """Whether something sounds in each frame."""

    task = "sounding"
    kind = "whether something sounds"
    formats = (".json",)
    readable = ()

    def __init__(self, times, sounding, duration_s=0.0, source=None, model=None):
        self.times, self.sounding = np.asarray(times), np.asarray(sounding, bool)
        self.duration_s, self.source, self.model = duration_s, source, model

    def to_dict(self) -> dict[str, Any]:
        return {"times": self.times.tolist(), "sounding": self.sounding.tolist()}

    def summary(self, top: int = 5) -> list[str]:
        return [f"sounds {self.sounding.mean():.0%} of the time"]

    def _draw(self, ax):
        ax.plot(self.times, self.sounding)


class SoundingConfig(TaskConfig):
    """Its section of a recipe."""

    type: Literal["sounding"] = "sounding"


class SoundingDecoder:
    """Takes frames at least as probable as not."""

    def __init__(self, card):
        self._joiner, self._parts = FrameJoiner(card), []

    def add(self, outputs, starts):
        self._parts.append(self._joiner.join(outputs, starts)["sounding"])

    def finish(self, *, duration_s, source=None):
        rows = np.concatenate(self._parts)[: self._joiner.count(duration_s), 0]
        return Sounding(self._joiner.times(len(rows)), rows > 0.5, duration_s, source)


class SoundingTargets:
    """1 where f0 is positive, 0 where it is not, -1 where it is unknown."""

    def __init__(self, known, frame_times):
        rows = []
        for index, times in enumerate(frame_times):
            f0 = known.labels(index).f0
            f0 = f0[np.minimum(np.round(times * F0_RATE).astype(int), len(f0) - 1)]
            rows.append(np.where(np.isnan(f0), -1.0, f0 > 0))
        self._rows = np.concatenate(rows).astype(np.float32)[:, np.newaxis]

    def read(self, start, stop, semitones):
        return {"sounding": self._rows[start:stop]}

    def unknown(self, count):
        return {"sounding": np.full((count, 1), -1.0, np.float32)}


class SoundingTask(FramewiseTask):
    """Whether something sounds."""

    name = "sounding"
    annotation = Sounding
    config = SoundingConfig
    label_kind = "f0"
    headline = ("accuracy",)
    scoring = "share of frames"

    def output_axes(self, config):
        return {"sounding": Axis(name="sounding", size=1, unit="probability")}

    def build_outputs(self, config, embedding, pitches):
        return {"sounding": keras.layers.Dense(1, "sigmoid", name="sounding")(embedding)}

    def activation(self, config):
        return "sigmoid"

    def decoder(self, card):
        return SoundingDecoder(card)

    def truth(self, labels, duration_s=None):
        return Sounding(np.arange(len(labels.f0)) / F0_RATE, labels.f0 > 0)

    def labels_of(self, annotation, duration_s):
        return Labels(f0=np.where(annotation.sounding, 100.0, 0.0).astype(np.float32))

    def targets(self, config, known, frame_times):
        return SoundingTargets(known, frame_times)

    def losses(self, config):
        from mirzoo.models.layers.losses import crossentropy_where_known

        return {"sounding": (crossentropy_where_known, 1.0)}

    def scores(self, truth, estimate):
        at = np.searchsorted(truth.times, estimate.times).clip(0, len(truth.times) - 1)
        right = truth.sounding[at] == estimate.sounding
        return {"accuracy": Score(float(right.mean()), float(truth.times[-1]))}


@pytest.fixture(autouse=True)
def task():
    TASKS.register(SoundingTask)
    yield TASKS["sounding"]
    del TASKS._things["sounding"]


@pytest.fixture
def recipe():
    keras.utils.set_random_seed(0)
    changes = {
        "task": {"type": "sounding"},
        "head": {"type": "rnn", "recurrent": {"units": [4]}, "embedding": 4, "pooling": "none"},
        "data": {"collections": ["esc10"], "windows_per_item": 2},
        "training": {"epochs": 1, "batch_size": 2, "transpose_semitones": [-1, 1]},
    }
    return Recipe.model_validate({**make_recipe("chords").model_dump(mode="json"), **changes})


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_it_is_fitted_on_windows(recipe):
    waveform, labels = play(Item("1", "toys", "1", "", "train"))
    recording = Recording("a", "a", waveform, lambda: labels, source_rate=RATE)
    model = build_model(recipe, "sounding")
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    examples = windows([recording], recipe)
    _, targets, weights = next(iter(examples))
    assert set(targets) == set(weights) == {"sounding"}
    assert targets["sounding"].shape == (31, 1) and weights["sounding"].numpy().all()
    data = examples.map(lambda x, y, w: (x, y["sounding"], w["sounding"])).batch(2).cache()
    losses = model.fit(data, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_it_is_fine_tuned_on_recordings(recipe, task):
    made = [play(Item(str(number), "toys", "a", "", "train")) for number in range(2)]
    recordings = [LabelledRecording(w, task.truth(labels), RATE) for w, labels in made]
    model = build_model(recipe, "sounding")
    model = fine_tune(model, recordings, epochs=5, learning_rate=0.02)
    losses = model.report.history["loss"]
    assert losses[-1] < losses[0]
    assert "on 2 recordings" in model.card.provenance


def test_it_is_trained_and_measured_from_a_recipe(recipe, tmp_path):
    splits = ("train", "train", "valid", "test")
    items = [Item(str(i), "esc10", str(i), "", split) for i, split in enumerate(splits)]
    prepare(items, tmp_path / "esc10", make=play, min_seconds=1, processes=1)
    run = Run(recipe, tmp_path)
    model = frames.fit(run, tmp_path / "run", name="sounding")
    card = frames.measured_card(model, run)
    (metric,) = card.metrics
    assert (metric.metric, metric.n) == ("accuracy", 1)
    assert 0 <= metric.value <= 1 and card.decoding is None
