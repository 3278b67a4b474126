"""Pitch and pitch-class heads: rotation of chords, independence of clips, exact shapes."""

import keras
import numpy as np
import pytest

import mirzoo
from mirzoo.errors import RecipeError
from mirzoo.export import export
from mirzoo.models.build import build_model
from mirzoo.models.heads import build_head
from mirzoo.models.heads.pitch_class_cnn import PitchClassCNNConfig
from mirzoo.models.heads.pitch_class_crnn import PitchClassCRNNConfig
from mirzoo.models.heads.pitch_cnn import PitchCNNConfig
from mirzoo.models.layers import (
    BatchAsGroups,
    FoldOctaves,
    GroupsAsBatch,
    PitchClassLogits,
    WrapPitchClasses,
)
from mirzoo.recipe import Recipe
from mirzoo.tasks.tuning import tuning_of
from mirzoo.training.fitting import copy_weights
from mirzoo.training.frames import learnt_outputs, student_of

CHORDS = PitchClassCRNNConfig(
    blocks=[{"filters": 4, "kernel": (3, 7), "stride": (1, 3)}],
    filters=8,
    recurrent={"units": [4]},
    embedding=6,
)
KEYS = PitchClassCNNConfig(
    blocks=[{"filters": 4, "kernel": (3, 7), "stride": (1, 3)}],
    filters=8,
    spans=(3, 9),
    embedding=6,
)
MELODY = PitchCNNConfig(
    blocks=[{"filters": 4, "kernel": (3, 7), "stride": (1, 3)}],
    context={"squeeze": 2, "units": 8, "dilations": [1, 2]},
    pitch_blocks=[{"kind": "residual", "filters": 4}],
    embedding=5,
)


@pytest.fixture(autouse=True)
def same_weights_each_time():
    keras.utils.set_random_seed(0)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)


def recipe(head, task, frontend=None) -> Recipe:
    return Recipe.model_validate(
        {
            "description": "made for a test",
            "frontend": frontend
            or {
                "type": "cqt",
                "sample_rate": 16000,
                "hop_length": 1600,
                "bins_per_octave": 36,
                "n_octaves": 3,
                "fmin": 110.0,
                "scaling": {"type": "log", "c": 100.0},
            },
            "head": head.model_dump(),
            "task": task,
            "window_s": 2.0,
            "context_s": 0.4,
            "source": {"paper": "none"},
        }
    )


def test_octaves_become_channels_of_their_pitch_class():
    spectrum = np.arange(24, dtype=np.float32).reshape(1, 1, 24, 1)
    folded = FoldOctaves()(spectrum).numpy()
    assert folded.shape == (1, 1, 12, 2)
    np.testing.assert_array_equal(folded[0, 0, 3], [3, 15])


def test_the_circle_is_closed():
    wrapped = WrapPitchClasses()(noise(1, 2, 12, 3)).numpy()
    np.testing.assert_array_equal(wrapped[:, :, 12:], wrapped[:, :, :11])


def test_groups_go_to_the_batch_and_come_back():
    x = noise(2, 5, 12, 3)
    sequences = GroupsAsBatch()(x).numpy()
    np.testing.assert_array_equal(sequences[12 + 4], x[1, :, 4])
    np.testing.assert_array_equal(BatchAsGroups(12)(sequences), x)


def test_scores_rotate_with_the_pitch_classes():
    layer = PitchClassLogits(units=3, with_none=True)
    x = noise(1, 4, 12, 5)
    scores = layer(x.reshape(1, 4, 60)).numpy()
    rotated = layer(np.roll(x, 2, axis=2).reshape(1, 4, 60)).numpy()
    np.testing.assert_allclose(rotated[..., 0], scores[..., 0], atol=1e-6)
    np.testing.assert_allclose(rotated[..., 1:], np.roll(scores[..., 1:], 6, axis=2), atol=1e-6)


@pytest.mark.parametrize("config", [CHORDS, KEYS], ids=lambda config: config.type)
def test_everything_after_the_folding_rotates(config):
    """Rotate each octave alike: only the embedding's order of pitch classes changes."""
    config = config.model_copy(update={"blocks": ()})
    features = noise(1, 6, 36, 1)
    head = build_head(config, n_bins=36, n_channels=1)
    rotated = np.roll(features.reshape(1, 6, 3, 12, 1), 5, axis=3).reshape(features.shape)
    embedded = head(features).numpy().reshape(1, 6, 12, 6)
    np.testing.assert_allclose(
        head(rotated).numpy().reshape(1, 6, 12, 6), np.roll(embedded, 5, axis=2), atol=1e-5
    )


@pytest.mark.parametrize("config", [CHORDS, KEYS, MELODY], ids=lambda config: config.type)
def test_clips_do_not_hear_each_other(config):
    head = build_head(config, n_bins=108, n_channels=2)
    features = noise(3, 7, 108, 2)
    together = head(features).numpy()
    np.testing.assert_allclose(head(features[1:2]).numpy()[0], together[1], atol=1e-5)
    pitches = 36 if config.pitch_layout == "pitches" else 12
    assert config.embedded_pitches(head.output_shape[-1]) == pitches
    assert together.shape == (3, 7, pitches * config.embedding)


@pytest.mark.slow
def test_a_chord_model_says_what_its_card_says():
    model = build_model(recipe(CHORDS, {"type": "chords"}), "toy_chords")
    outputs = model.predict_windows(noise(2, 16000))
    assert {name: value.shape[1:] for name, value in outputs.items()} == {
        "chords": (11, 169),
        "root": (11, 13),
        "bass": (11, 13),
        "pitches": (11, 12),
        "embedding": (11, 72),
    }
    np.testing.assert_allclose(outputs["chords"].sum(axis=-1), 1, atol=1e-5)
    assert model.card.labels[1:3] == ["C:maj", "C:min"]
    assert model.card.input.hop_samples == 19200 and model.card.input.pad_left_samples == 6400
    assert [output.frame_rate for output in model.card.outputs] == [10.0] * 4


@pytest.mark.slow
def test_a_melody_model_says_what_its_card_says():
    task = {"type": "melody", "fmin": 110.0, "n_octaves": 3}
    model = build_model(recipe(MELODY, task), "toy_melody")
    outputs = model.predict_windows(noise(1, 16000))
    assert outputs["salience"].shape == (1, 11, 180) and outputs["voicing"].shape == (1, 11, 1)
    assert model.card.decoding.fmin == 110.0


def test_bins_that_are_no_semitones_are_refused():
    head = PitchClassCRNNConfig(
        **{**CHORDS.model_dump(), "blocks": [{"filters": 4, "stride": (1, 5)}]}
    )
    with pytest.raises(RecipeError, match="a bin of each semitone"):
        build_model(recipe(head, {"type": "chords"}), "toy")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"context_s": 0.03}, "no whole number of frames"),
        ({"context_s": 1.0}, "leaves nothing"),
        ({"task": {"type": "melody"}}, "made for chords"),
    ],
)
def test_what_does_not_fit_together_is_refused(change, message):
    values = {**recipe(CHORDS, {"type": "chords"}).model_dump(), **change}
    with pytest.raises(ValueError, match=message):
        Recipe.model_validate(values)


def test_spans_are_centred():
    for spans in ((4,), ()):
        with pytest.raises(ValueError, match="odd numbers of frames, at least one"):
            PitchClassCNNConfig(blocks=KEYS.blocks, spans=spans)
    config = KEYS.model_copy(update={"tuning": True})
    head = build_head(config, n_bins=108, n_channels=1)
    assert config.embedded_pitches(head.output_shape[-1]) == 12
    assert head.output_shape[-1] == 12 * (config.embedding + 2)


@pytest.mark.slow
def test_a_key_model_says_what_its_card_says():
    tuned = KEYS.model_copy(update={"tuning": True})
    model = build_model(recipe(tuned, {"type": "key", "tuning": True}), "toy_key")
    outputs = model.predict_windows(noise(2, 16000))
    assert {name: value.shape[1:] for name, value in outputs.items()} == {
        "keys": (11, 24),
        "tuning": (11, 2),
        "embedding": (11, 96),
    }
    np.testing.assert_allclose(outputs["keys"].sum(axis=-1), 1, atol=1e-5)
    assert model.card.labels[:3] == ["C:maj", "C:min", "Db:maj"]
    assert model.card.decoding.type == "key"
    alone = build_model(recipe(KEYS, {"type": "key"}), "toy_key")
    assert alone.predict_windows(noise(1, 16000))["keys"].shape == (1, 11, 24)


def test_tuning_needs_a_head_and_bins_that_tell_it():
    tuned = KEYS.model_copy(update={"tuning": True})
    with pytest.raises(ValueError, match="does not measure the tuning"):
        recipe(KEYS, {"type": "key", "tuning": True})
    with pytest.raises(ValueError, match="measures the tuning; the two must agree"):
        recipe(tuned, {"type": "key"})
    cqt = {"type": "cqt", "sample_rate": 16000, "hop_length": 1600, "n_octaves": 3, "fmin": 110.0}
    with pytest.raises(ValueError, match="three bins a semitone, and the front-end has 1"):
        recipe(tuned, {"type": "key", "tuning": True}, frontend=cqt)
    with pytest.raises(ValueError, match="scaling of type log"):
        recipe(tuned, {"type": "key", "tuning": True},
               frontend={**cqt, "bins_per_octave": 36, "scaling": {"type": "none"}})  # fmt: skip


@pytest.mark.slow
def test_outputs_that_are_measured_are_not_trained():
    tuned = KEYS.model_copy(update={"tuning": True})
    made = recipe(tuned, {"type": "key", "tuning": True})
    model = build_model(made, "toy_key")
    student = student_of(model, made, made.training, steps=1)
    assert learnt_outputs(model, made) == list(student.output) == ["keys"]
    before = model.predict_windows(noise(1, 16000))
    targets = np.eye(24, dtype=np.float32)[np.zeros((1, 11), int)]
    losses = [student.train_on_batch(noise(1, 11, 108, 1), {"keys": targets})[0] for _ in range(6)]
    assert losses[-1] < losses[0]
    after = model.predict_windows(noise(1, 16000))
    np.testing.assert_array_equal(before["tuning"], after["tuning"])
    assert np.abs(before["keys"] - after["keys"]).max() > 1e-3


TUNED_CHORDS = {"type": "chords", "tuning": True, "third": True}


def test_chords_in_any_tuning_need_a_head_that_measures_it():
    tuned = CHORDS.model_copy(update={"tuning": True})
    with pytest.raises(ValueError, match="head 'pitch_class_crnn' with tuning: true measures it"):
        recipe(CHORDS, TUNED_CHORDS)
    values = recipe(tuned, TUNED_CHORDS).model_dump(mode="json")
    assert values["head"]["tuning"] and values["task"]["third"]
    before = recipe(CHORDS, {"type": "chords"}).model_dump(mode="json")
    assert "tuning" not in before["head"] and not {"tuning", "third"} & before["task"].keys()


@pytest.mark.slow
def test_a_chord_model_tells_thirds_and_tuning_and_takes_the_weights_of_one_that_does_not(
    tmp_path,
):
    made = recipe(CHORDS.model_copy(update={"tuning": True}), TUNED_CHORDS)
    model = build_model(made, "tuned_chords")
    plain = build_model(recipe(CHORDS, {"type": "chords"}), "plain_chords")
    copy_weights(model, plain)
    time = np.arange(16000) / 16000
    chord = sum(np.sin(2 * np.pi * 440 * 2 ** (tone / 12) * time) for tone in (-12, -8, -5))
    waveform = np.float32(0.1 * chord)[np.newaxis]
    outputs, alone = (each.predict_windows(waveform) for each in (model, plain))
    assert outputs["third"].shape[-1] == 36 and outputs["tuning"].shape[-1] == 2
    of_roots = outputs["third"].reshape(*outputs["third"].shape[:2], 12, 3)
    np.testing.assert_allclose(of_roots.sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(outputs["chords"], alone["chords"], atol=0.02)  # it is in tune
    np.testing.assert_allclose(tuning_of(outputs["tuning"][0]), 0.0, atol=3.0)
    learnt = learnt_outputs(model, made)
    assert learnt == ["chords", "root", "bass", "pitches", "third"]
    path = export(model, tmp_path / "tuned.tflite")
    light = mirzoo.load(path, runtime="litert").predict_windows(
        noise(1, model.card.input.window_samples)
    )
    heavy = model.predict_windows(noise(1, model.card.input.window_samples))
    for name in ("chords", "third", "tuning"):
        np.testing.assert_allclose(light[name], heavy[name], atol=1e-4)
