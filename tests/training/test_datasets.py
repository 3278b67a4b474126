"""Labelled recordings as tf.data: whole, and as windows with targets at the right frames."""

import keras
import numpy as np
import pytest

from mirzoo.data import corpus
from mirzoo.data.corpus import Item
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.data.recordings import Recording
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.errors import DataError
from mirzoo.models.build import build_model
from mirzoo.recipe import Recipe
from mirzoo.training import datasets as pipelines

RATE = 16000
MAJMIN = VOCABULARIES["majmin"]
LABELS = Labels(
    chords=(ChordSpan(0.0, 1.0, "C:maj"), ChordSpan(1.0, 2.0, "X"), ChordSpan(2.0, 2.5, "N")),
    f0=np.repeat([440.0, 0.0, np.nan], 80).astype(np.float32),
    beats=np.array([0.5, 1.0]), downbeats=np.array([1.0]), key="C:maj", tags=("slow",),
    instruments=("Flute",),
)  # fmt: skip
TASKS = {
    "chords": {"type": "chords", "vocabulary": "majmin"},
    "plain_chords": {"type": "chords", "vocabulary": "majmin", "structured": False},
    "melody": {"type": "melody", "fmin": 110.0, "n_octaves": 4},
    "tagging": {"type": "tagging", "labels": ["Flute", "fast", "slow"]},
}


def make_recipe(task):
    pooling = "mean" if task == "tagging" else "none"
    return Recipe.model_validate({
        "description": "learns from toys",
        "frontend": {"type": "mel", "n_mels": 16, "hop_length": 800},
        "head": {"type": "rnn", "recurrent": {"units": [4]}, "embedding": 8, "pooling": pooling},
        "task": TASKS[task],
        "window_s": 1.0,
        "source": {"paper": "none"},
    })  # fmt: skip


@pytest.fixture
def tone():
    """2.6 s at 8 kHz, so that a window at 16 kHz holds 16,000 samples."""
    waveform = 0.5 * np.sin(2 * np.pi * 440 * np.arange(20800) / 8000)
    return [
        Recording("a", "ann", waveform, lambda: LABELS, source_rate=8000),
        Recording("b", "bob", waveform, Labels, source_rate=8000),
    ]


def test_whole_recordings_have_all_fields(tone):
    first, last = pipelines.recordings(tone, RATE)
    assert first["name"] == b"a" and first["group"] == b"ann"
    assert first["audio"].shape == (41600,)
    assert first["chords"]["label"].numpy().tolist() == [b"C:maj", b"X", b"N"]
    np.testing.assert_array_equal(first["f0"], LABELS.f0)
    assert first["downbeats"].numpy().tolist() == [1.0]
    assert first["key"] == b"C:maj" and first["tags"].numpy().tolist() == [b"slow"]
    assert last["chords"]["label"].shape == (0,) and last["key"] == b""


def test_chords_stand_at_their_frames_and_unknown_ones_weigh_nothing(tone):
    found = list(pipelines.windows(tone, make_recipe("chords")))
    assert len(found) == 3
    (waveform, targets, weights), second, third = found
    assert waveform.shape == (16000,) and np.abs(waveform).max() > 0.4
    assert set(targets) == {"chords", "root", "bass", "pitches"}
    frames = targets["chords"].shape[0]
    assert frames == 21
    classes = targets["chords"].numpy().argmax(axis=1)
    assert (classes[:20] == MAJMIN.index("C:maj")).all()
    assert weights["chords"].numpy().tolist() == [1.0] * 20 + [0.0]
    for output in weights:
        assert not second[2][output].numpy()[:20].any(), output
        assert third[2][output].numpy().tolist() == [1.0] * 10 + [0.0] * 11
        assert (third[1][output].numpy() >= 0).all()
    assert third[1]["root"].numpy()[:10].argmax(axis=1).tolist() == [0] * 10
    assert not np.abs(third[0].numpy()[10000:]).max() > 1e-3


def test_windows_may_overlap(tone):
    found = list(pipelines.windows(tone, make_recipe("plain_chords"), hop_s=0.5))
    assert len(found) == 5
    assert set(found[0][1]) == {"chords"}
    assert found[1][2]["chords"].numpy().tolist() == [1.0] * 10 + [0.0] * 11
    with pytest.raises(DataError, match="at least one sample"):
        pipelines.windows(tone, make_recipe("chords"), hop_s=0.0)


def test_the_melody_is_known_where_f0_is(tone):
    (_, targets, weights), second, third = pipelines.windows(tone, make_recipe("melody"))
    voicing = targets["voicing"].numpy()[:, 0]
    assert voicing.tolist() == [1.0] * 16 + [0.0] * 5
    assert weights["voicing"].numpy().tolist() == [1.0] * 21
    assert weights["salience"].numpy().tolist() == [1.0] * 16 + [0.0] * 5
    assert (targets["salience"].numpy()[:16].argmax(axis=1) == 120).all()
    assert second[2]["voicing"].numpy().tolist() == [1.0] * 12 + [0.0] * 9
    assert not third[2]["voicing"].numpy().any()


def test_tags_of_every_kind_label_windows(tone):
    found = list(pipelines.windows(tone, make_recipe("tagging")))
    assert [target.numpy().tolist() for _, target, _ in found] == 3 * [[1, 0, 1]] + 3 * [[0, 0, 0]]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize(
    ("task", "losses"),
    [
        pytest.param(
            "melody",
            {"salience": "categorical_crossentropy", "voicing": "binary_crossentropy"},
            marks=pytest.mark.slow,
        ),
        ("tagging", "binary_crossentropy"),
    ],
)
def test_models_fit_windows(tone, task, losses):
    keras.utils.set_random_seed(0)
    recipe = make_recipe(task)
    model = build_model(recipe, "toy")
    model.compile(keras.optimizers.Adam(0.01), losses)
    history = model.fit(pipelines.windows(tone, recipe).batch(3), epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_a_corpus_is_a_source(tmp_path):
    items = [Item("a", "toys", "a", "", "train"), Item("b", "toys", "b", "", "test")]
    corpus.prepare(
        items, tmp_path, make=lambda item: (np.zeros(2 * RATE, np.float32), Labels(key="C:maj")),
        min_seconds=1, processes=1,
    )  # fmt: skip
    (only,) = pipelines.recordings(tmp_path, RATE, split="test")
    assert only["name"] == b"b" and only["audio"].shape == (2 * RATE,)
    with pytest.raises(DataError, match="no split 'valid'"):
        pipelines.recordings(tmp_path, RATE, split="valid")
