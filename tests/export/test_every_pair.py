"""Every two options, formats and models meet in one export that is written, or a rule tells why."""

import keras
import numpy as np
import pytest
from covering import covering_rows

from mirzoo import load
from mirzoo.export import export, is_recurrent
from mirzoo.export.base import FORMATS
from mirzoo.export.options import ExportOptions
from mirzoo.export.rules import Case, refusals
from mirzoo.models.build import build_model
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.heads import ConvBlock
from mirzoo.models.heads.cnn import CNNConfig
from mirzoo.models.heads.crnn import CRNNConfig
from mirzoo.recipe import Recipe, Source
from mirzoo.tasks.chords import ChordsConfig
from mirzoo.tasks.melody import MelodyConfig
from mirzoo.tasks.tagging import TaggingConfig

SEED = 0
FACTORS = {
    "model": ["cnn_tagger", "crnn_chords", "cnn_melody"],
    "format": ["litert", "onnx", "saved_model"],
    "quantize": [None, "float16", "dynamic", "int8"],
    "outputs": [None, "all"],
    "window_s": [None, 0.8, "any"],
    "batch": [None, 2, "any"],
    "input_rate": [None, 44100],
    "input_type": ["float32", "int16"],
    "decode": [False, True],
    "dft": [None, "conv"],
}
BLOCKS = (ConvBlock(filters=4, stride=(2, 2)),)
HEADS = {
    "cnn": CNNConfig(blocks=BLOCKS, embedding=6),
    "crnn": CRNNConfig(blocks=BLOCKS, recurrent={"units": (4,)}, embedding=6),
}
TASKS = {
    "tagger": TaggingConfig(labels=("low", "middle", "high")),
    "chords": ChordsConfig(vocabulary="majmin"),
    "melody": MelodyConfig(n_octaves=2, bins_per_octave=12, fmin=110.0),
}


@pytest.fixture(scope="module")
def models():
    return {name: build(name) for name in FACTORS["model"]}


def build(name):
    head, task = name.split("_")
    per_frame = {} if task == "tagger" else {"pooling": "none"}
    keras.utils.set_random_seed(0)
    recipe = Recipe(
        description="Answers at random.",
        frontend=MelConfig(n_mels=16, hop_length=400, n_fft=1024),
        head=HEADS[head].model_copy(update=per_frame),
        task=TASKS[task],
        window_s=1.2,
        context_s=0.0 if task == "tagger" else 0.2,
        source=Source(paper="none"),
    )
    return build_model(recipe, name)


def case(models, row):
    options = {name: value for name, value in row.items() if name not in ("model", "format")}
    model = models[row["model"]]
    return Case(FORMATS[row["format"]], model.card, ExportOptions.of(options), is_recurrent(model))


@pytest.fixture(scope="module")
def array(models):
    return covering_rows(FACTORS, lambda row: not list(refusals(case(models, row))), SEED)


@pytest.mark.slow
def test_pairs_that_never_meet_are_refused_by_a_rule(models, array):
    rows, never = array
    assert 12 < len(rows) < 40
    default = {name: values[0] for name, values in FACTORS.items()}
    for pair in never:
        assert list(refusals(case(models, {**default, **dict(pair)}))), pair


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTORS["model"])
def test_every_pair_is_written_and_annotates(models, array, made_up_music, tmp_path, name):
    for number, row in enumerate(row for row in array[0] if row["model"] == name):
        asked = case(models, row)
        path = tmp_path / f"{number}{asked.format.suffix}"
        export(models[name], path, source=made_up_music, **asked.options.given())
        if not asked.format.suffix:
            continue
        annotation = load(path).annotate(made_up_music, source_rate=16000)
        assert abs(annotation.duration_s - 3.0) < 0.1, row
        assert np.isfinite(annotation.duration_s)
