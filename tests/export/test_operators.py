"""Operators of LiteRT files: Fourier transforms or products of matrices, loops or none."""

from pathlib import Path

import keras
import pytest
import tensorflow as tf

from mirzoo import hub
from mirzoo.export import export
from mirzoo.export.conversion import convert
from mirzoo.export.recurrence import MOST_FRAMES_WITHOUT_LOOP, recurrence_of
from mirzoo.models.build import build_model
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.heads import ConvBlock
from mirzoo.models.heads.cnn import CNNConfig
from mirzoo.models.layers.fourier import transforms_by_matrices
from mirzoo.recipe import Recipe, Source
from mirzoo.runtimes import tflite_file
from mirzoo.tasks.tagging import TaggingConfig

HOW_TO = Path(__file__).parents[2] / "docs" / "how_to"
OF_TRANSFORMS = {"RFFT2D", "REAL", "IMAG", "COMPLEX_ABS"}


def operators_of(content, tmp_path):
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    return set(tflite_file.operators(path))


@pytest.fixture(scope="module")
def tagger_of_long_transforms():
    keras.utils.set_random_seed(0)
    recipe = Recipe(
        description="Tells three made-up tags apart.",
        frontend=MelConfig(n_mels=16, n_fft=1024, hop_length=400),
        head=CNNConfig(blocks=(ConvBlock(filters=4, stride=(4, 2)),), embedding=6),
        task=TaggingConfig(labels=("low", "middle", "high")),
        window_s=1.0,
        source=Source(paper="none"),
    )
    return build_model(recipe, "long_transforms")


@pytest.mark.slow
def test_transforms_are_products_of_matrices_where_asked(
    tagger_of_long_transforms, made_up_music, tmp_path
):
    operators = {
        dft: set(
            tflite_file.operators(
                export(
                    tagger_of_long_transforms,
                    tmp_path / f"{dft}.tflite",
                    dft=dft,
                    source=made_up_music,
                )
            )
        )
        for dft in (None, "fft", "conv")
    }
    assert operators[None] == operators["fft"]
    assert {"RFFT2D"} < operators["fft"]
    assert not operators["conv"] & OF_TRANSFORMS
    assert not [name for name in operators["conv"] if "FFT" in name]
    assert {"FULLY_CONNECTED", "BATCH_MATMUL"} & operators["conv"]


@pytest.mark.slow
def test_the_front_end_of_a_melody_model_needs_no_transform(tmp_path):
    model = hub.load("stft_crnn_melody", runtime="keras")
    spec = tf.TensorSpec((1, 2 * model.card.sample_rate), tf.float32, "waveform")

    def frontend(given):
        return {"features": model.frontend(given[0])}

    assert "RFFT2D" in operators_of(convert(frontend, [spec]), tmp_path)
    with transforms_by_matrices(float("inf")):
        operators = operators_of(convert(frontend, [spec]), tmp_path)
    assert not operators & OF_TRANSFORMS
    assert not [name for name in operators if "FFT" in name or name.startswith("CUSTOM")]


@pytest.mark.slow
@pytest.mark.parametrize("n_frames", [MOST_FRAMES_WITHOUT_LOOP, MOST_FRAMES_WITHOUT_LOOP + 1])
def test_long_sequences_get_a_loop_and_short_ones_none(n_frames, tmp_path):
    layer = keras.layers.GRU(3, return_sequences=True)
    layer(tf.zeros((1, n_frames, 4)))
    ours = recurrence_of(layer)
    content = convert(
        lambda given: {
            "all": ours.run(ours.project(given[0]) if ours.projects_first else given[0])
        },
        [tf.TensorSpec((1, n_frames, 4), tf.float32, "sequence")],
    )
    operators = operators_of(content, tmp_path)
    assert ("WHILE" in operators) == (n_frames > MOST_FRAMES_WITHOUT_LOOP)


def test_the_documentation_has_the_number_of_frames_without_a_loop():
    for page in ("phone.md", "smaller_files.md"):
        text = " ".join((HOW_TO / page).read_text(encoding="utf-8").split())
        assert f"up to {MOST_FRAMES_WITHOUT_LOOP} frames" in text, page
