"""Heads: shapes, exact frame arithmetic and independence of clips."""

import keras
import numpy as np
import pytest

from mirzoo.dsp.framing import FrameGrid
from mirzoo.errors import ArtefactError
from mirzoo.models.heads import build_head, with_all_depths, with_temporal_depths
from mirzoo.models.heads.cnn import CNNConfig
from mirzoo.models.heads.cnn1d import CNN1DConfig
from mirzoo.models.heads.crnn import CRNNConfig
from mirzoo.models.heads.rnn import RNNConfig
from mirzoo.models.layers.pooling import AttentionPooling

HEADS = [
    CNNConfig(
        blocks=[{"filters": 4, "kernel": (5, 3), "stride": (2, 2)}],
        temporal=[{"kind": "separable", "filters": 6, "stride": 3, "repeats": 2}],
        pooling="none",
        embedding=5,
    ),
    CNN1DConfig(
        temporal=[{"kind": "residual", "filters": 6, "kernel": 4, "stride": 2}],
        pooling="none",
        embedding=5,
    ),
    RNNConfig(recurrent={"units": (4,)}, pooling="none", embedding=5),
    CRNNConfig(
        blocks=[{"kind": "residual", "filters": 4, "stride": (3, 1), "repeats": 2}],
        recurrent={"cell": "lstm", "units": (4, 4), "bidirectional": False},
        pooling="none",
        embedding=5,
    ),
]


def features(frames: int, batch: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, frames, 12, 1)).astype(np.float32)


@pytest.mark.slow(quick=["30-rnn", "30-cnn", "30-crnn", "30-cnn1d"])
@pytest.mark.parametrize("config", HEADS, ids=lambda config: config.type)
@pytest.mark.parametrize("frames", [7, 8, 9, 30])
def test_frames_are_those_of_the_grid(config, frames):
    head = build_head(config, n_bins=12, n_channels=1)
    grid = config.output_grid(FrameGrid.blocks(1000, 1))
    assert head(features(frames)).shape == (2, grid.frames(frames), 5)


@pytest.mark.parametrize("config", HEADS[:2], ids=lambda config: config.type)
def test_output_frame_hears_what_its_grid_says(config):
    """An impulse moves exactly the output frames whose reach covers it."""
    head = build_head(config, n_bins=12, n_channels=1)
    grid = config.output_grid(FrameGrid.blocks(1000, 1))
    frames, struck = 60, 31
    quiet = features(frames, batch=1)
    impulse = quiet.copy()
    impulse[:, struck] += 100.0
    change = np.abs(head(impulse) - head(quiet)).max(axis=(0, 2))
    starts = np.arange(len(change)) * grid.hop_length - grid.pad_left
    covers = (starts <= struck) & (struck < starts + grid.frame_length)
    assert covers.any() and not covers.all()
    assert (change[~covers] == 0).all()
    assert (change[covers] > 0).any()


@pytest.mark.parametrize("config", HEADS[:2], ids=lambda config: config.type)
def test_frames_do_not_move_when_the_clip_grows(config):
    head = build_head(config, n_bins=12, n_channels=1)
    grid = config.output_grid(FrameGrid.blocks(1000, 1))
    clip = features(61, batch=1)
    whole = head(clip).numpy()
    for shorter in (58, 59, 60):
        cut = head(clip[:, :shorter]).numpy()
        ends = np.arange(cut.shape[1]) * grid.hop_length - grid.pad_left + grid.frame_length
        settled = int((ends <= shorter).sum())
        assert settled > 3
        np.testing.assert_allclose(cut[:, :settled], whole[:, :settled], atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_max", "attention"])
def test_pooling_gives_one_embedding_a_clip(pooling):
    config = RNNConfig(recurrent={"units": (4,)}, pooling=pooling, embedding=5)
    assert build_head(config, 12, 1)(features(9)).shape == (2, 5)


def test_attention_is_a_weighted_mean():
    layer = AttentionPooling()
    x = np.random.default_rng(1).normal(size=(3, 6, 4)).astype(np.float32)
    pooled = layer(x).numpy()
    (kernel,) = (weight.numpy() for weight in layer.weights)
    scores = (x @ kernel)[..., 0]
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(pooled, (weights[..., None] * x).sum(axis=1), atol=1e-5)
    assert layer.compute_output_shape((None, None, 4)) == (None, 4)


def test_dropout_is_off_in_inference():
    head = build_head(RNNConfig(recurrent={"units": (4,)}, dropout=0.9), 12, 1)
    x = features(9)
    np.testing.assert_array_equal(head(x, training=False), head(x, training=False))


def test_reload_keeps_attention(tmp_path):
    head = build_head(RNNConfig(recurrent={"units": (4,)}, pooling="attention"), 12, 1)
    head.save(tmp_path / "head.keras")
    reloaded = keras.models.load_model(tmp_path / "head.keras")
    np.testing.assert_allclose(reloaded(features(9)), head(features(9)), atol=1e-6)


def small_crnn():
    config = CRNNConfig(
        blocks=[{"filters": 4, "stride": (2, 2)}], recurrent={"units": (3,)}, embedding=5
    )
    return build_head(config, 12, 1)


def test_all_depths_follow_the_embedding():
    head = small_crnn()
    whole = with_all_depths(head)
    x = features(9)
    temporal = with_temporal_depths(head)(x)
    size = temporal.shape[-1]
    assert whole.name == "head" and whole.output_shape == (None, size + 2 * 4 + 2 * 6)
    np.testing.assert_array_equal(whole(x)[:, :size], temporal)
    block = keras.Model(head.input, head.get_layer("conv0_0_relu").output)(x).numpy()
    np.testing.assert_allclose(whole(x)[:, size : size + 4], block.mean(axis=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(whole(x)[:, size + 4 : size + 8], block.std(axis=(1, 2)), atol=1e-4)
    assert with_all_depths(whole) is whole
    again = with_all_depths(with_temporal_depths(head))
    np.testing.assert_array_equal(again(x), whole(x))


def test_temporal_depths_are_means_and_maxima_of_the_blocks_over_frames():
    head = small_crnn()
    deep = with_temporal_depths(head)
    x = features(9)
    assert deep.name == "head" and deep.output_shape == (None, 5 + 2 * 6)
    np.testing.assert_array_equal(deep(x)[:, :5], head(x))
    frames = keras.Model(head.input, head.get_layer("bidirectional0").output)(x).numpy()
    np.testing.assert_allclose(deep(x)[:, 5:11], frames.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(deep(x)[:, 11:], frames.max(axis=1), atol=1e-6)
    assert with_temporal_depths(deep) is deep


@pytest.mark.parametrize(("depths", "size"), [("temporal", 5 + 2 * 8), ("all", 5 + 4 * 8)])
def test_a_recipe_can_ask_for_depths(depths, size, tmp_path):
    config = RNNConfig(recurrent={"units": (4,)}, embedding=5, depths=depths)
    head = build_head(config, 12, 1)
    assert head.output_shape == (None, size)
    head.save(tmp_path / "head.keras")
    reloaded = keras.models.load_model(tmp_path / "head.keras")
    np.testing.assert_allclose(reloaded(features(9)), head(features(9)), atol=1e-6)


def test_depths_are_of_clips():
    with pytest.raises(ValueError, match="depths 'all' describes a whole clip, but pooling 'none'"):
        RNNConfig(pooling="none", depths="all")
    with pytest.raises(ArtefactError, match="one for each frame"):
        with_all_depths(build_head(RNNConfig(pooling="none"), 12, 1))
    with pytest.raises(ValueError, match="depths 'temporal' describes a whole clip"):
        RNNConfig(pooling="none", depths="temporal")
