"""What every STFT-based and every learnable front-end must do, whatever it computes."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from frontend_checks import noise, relative_error, run_in_litert

from mirzoo.errors import RecipeError
from mirzoo.models.frontends import build_frontend, split_frontend
from mirzoo.models.frontends.chroma import ChromaConfig
from mirzoo.models.frontends.cqt import CQTConfig
from mirzoo.models.frontends.hcqt import HCQTConfig
from mirzoo.models.frontends.leaf import LEAFConfig
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.frontends.mfcc import MFCCConfig
from mirzoo.models.frontends.raw import RawConfig
from mirzoo.models.frontends.sinc import SincConfig
from mirzoo.models.frontends.stft import STFTConfig
from mirzoo.recipe import DecibelScaling, PCENScaling

CONFIGS = {
    "stft": STFTConfig(n_fft=256, hop_length=100),
    "stft_power": STFTConfig(n_fft=256, hop_length=64, win_length=200, center=False, power=2),
    "mel": MelConfig(n_mels=40),
    "mel_decibel": MelConfig(n_mels=40, power=2, scaling=DecibelScaling()),
    "mel_trainable": MelConfig(n_mels=40, trainable=True),
    "mel_pcen": MelConfig(n_mels=40, scaling=PCENScaling(trainable=True)),
    "mfcc": MFCCConfig(n_mels=40, n_mfcc=13),
    "raw": RawConfig(filters=(8, 12), kernels=(64, 9), strides=(16, 4)),
    "sinc": SincConfig(n_filters=12, kernel_size=101, fmax=7000.0),
    "leaf": LEAFConfig(n_filters=12, kernel_size=201, pooling_size=201, decimation=8),
}
LEARNABLE = ["mel_trainable", "mel_pcen", "raw", "sinc", "leaf"]
# PCEN hears the past: silence before a clip changes it on purpose.
WITHOUT_PAST = [kind for kind in CONFIGS if kind not in ("mel_pcen", "leaf")]


@pytest.fixture(scope="module", params=CONFIGS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def config(kind):
    return CONFIGS[kind]


@pytest.fixture(scope="module")
def frontend(config):
    keras.utils.set_random_seed(0)
    return build_frontend(config)


def test_unknown_types_are_refused():
    class Wavelets:
        type = "wavelets"

    with pytest.raises(RecipeError, match="'wavelets'; allowed are chroma, cqt"):
        build_frontend(Wavelets())


# What training asks of a front-end


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_bin_has_a_frequency(config):
    frequencies = config.bin_frequencies()
    assert frequencies.shape == (config.n_bins, config.n_channels)
    assert (frequencies > 0).all() and (np.diff(frequencies, axis=0) >= 0).all()


def test_frequencies_are_those_of_the_transform():
    np.testing.assert_allclose(
        STFTConfig(n_fft=256).bin_frequencies()[1:, 0], np.arange(1, 129) * 16000 / 256
    )
    hcqt = HCQTConfig(fmin=55.0, n_octaves=2, harmonics=(0.5, 2.0))
    np.testing.assert_allclose(hcqt.bin_frequencies()[12], [55.0, 220.0])


def test_features_move_by_semitones_where_bins_lie_along_them():
    spectrum = np.eye(36, dtype=np.float32)[:1, :, np.newaxis]
    for config, circular in (
        (CQTConfig(n_octaves=3), False),
        (HCQTConfig(n_octaves=3), False),
        (ChromaConfig(n_chroma=36), True),
    ):
        bins = getattr(config, "n_chroma", config.bins_per_octave) // 12
        move = config.transposition()
        assert np.argmax(move(spectrum, 2)) == 2 * bins
        assert move(spectrum, -2).sum() == (1.0 if circular else 0.0)
    assert STFTConfig().transposition() is not None
    for config in (MelConfig(), MFCCConfig(), RawConfig(), CQTConfig(bins_per_octave=10)):
        assert config.transposition() is None


@pytest.mark.parametrize(
    ("kind", "scaling"),
    [("stft", []), ("mel", ["Logarithm"]), ("mel_decibel", ["Decibel"]), ("mfcc", [])],
    indirect=["kind"],
)
def test_scaling_is_split_off(config, scaling, frontend):
    transform, layers = split_frontend(frontend, config)
    assert [type(layer).__name__ for layer in layers] == scaling
    waveform = noise(1, 4096)
    features = transform(waveform)
    for layer in layers:
        features = layer(features)
    np.testing.assert_array_equal(features, frontend(waveform))


# Frames


@pytest.mark.parametrize("offset", [0, 1, 63, 64, 99, 100, 255, 256, 257, 512, 4001])
def test_frames_are_those_of_the_grid(config, frontend, offset):
    n_samples = config.grid.min_samples + offset
    features = frontend(noise(2, n_samples))
    assert features.shape == (2, config.grid.frames(n_samples), config.n_bins, config.n_channels)
    assert frontend.compute_output_shape((2, n_samples)) == features.shape


def test_shape_is_known_before_the_samples_are(config, frontend):
    assert frontend.output_shape == (None, None, config.n_bins, config.n_channels)


def test_a_burst_is_in_the_frame_at_its_time(config, frontend):
    hop = config.grid.hop_length
    n_samples = 40 * hop
    times = config.grid.times(config.grid.frames(n_samples))
    burst_s = times[20]
    clock = np.arange(n_samples) / config.sample_rate
    envelope = np.exp(-(((clock - burst_s) * config.sample_rate / hop * 2) ** 2))
    waveform = (noise(1, n_samples) * envelope).astype(np.float32)
    silence = np.zeros_like(waveform)
    change = np.abs(frontend(waveform) - frontend(silence)).sum(axis=(0, 2, 3))
    if config.type == "raw":  # its convolutions are random: only where they react is known
        centre_s = float((change * times).sum() / change.sum())
        assert abs(centre_s - burst_s) < 1.0 / config.grid.frame_rate
    else:
        assert abs(int(np.argmax(change)) - 20) <= (1 if "PCEN" in str(config) else 0)


@pytest.mark.parametrize("kind", WITHOUT_PAST, indirect=True)
def test_a_hop_of_silence_before_shifts_by_a_frame(config, frontend):
    hop = config.grid.hop_length
    waveform = noise(1, 30 * hop)
    later = np.pad(waveform, [[0, 0], [4 * hop, 0]])
    frames = slice(12, 22)
    shifted = frontend(later).numpy()[:, frames.start + 4 : frames.stop + 4]
    unshifted = frontend(waveform).numpy()[:, frames]
    np.testing.assert_allclose(shifted, unshifted, atol=1e-5 * np.abs(unshifted).max())


# Numbers


def test_clips_do_not_touch_each_other(frontend):
    waveform = noise(3, 9001)
    waveform[2] *= 1e3
    together = frontend(waveform).numpy()[1]
    alone = frontend(waveform[1:2]).numpy()[0]
    np.testing.assert_allclose(together, alone, atol=1e-5 * np.abs(alone).max())


def test_silence_is_finite_and_so_are_its_gradients(frontend):
    silence = tf.zeros((1, 8192))
    with tf.GradientTape() as tape:
        tape.watch(silence)
        features = frontend(silence)
        loss = tf.reduce_sum(features)
    assert np.isfinite(features).all()
    weights = [weight.value for weight in frontend.trainable_weights]
    for gradient in tape.gradient(loss, [silence, *weights]):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("kind", LEARNABLE, indirect=True)
def test_every_learnable_number_has_a_gradient(kind, frontend):
    assert frontend.trainable_weights
    target = noise(1, 1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(frontend(noise(4, 16000), training=True) - target))
    weights = frontend.trainable_weights
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        reached = np.asarray(gradient) != 0.0
        if kind == "mel_trainable":
            assert reached.mean() > 0.99
        else:
            assert reached.all(), weight.path


@pytest.mark.slow(quick=["mel_pcen"])
@pytest.mark.parametrize("kind", LEARNABLE, indirect=True)
def test_gradients_are_those_of_difference_quotients(kind, frontend):
    assert frontend.trainable_weights
    waveform = tf.constant(noise(2, 6000))

    def loss():
        return tf.reduce_mean(tf.square(tf.cast(frontend(waveform), tf.float64)))

    for weight in frontend.trainable_weights:
        with tf.GradientTape() as tape:
            value = loss()
        gradient = tape.gradient(value, weight)
        direction = tf.sign(gradient)
        slope = float(tf.reduce_sum(tf.cast(gradient * direction, tf.float64)))
        step = 2e-5 if kind == "mel_trainable" else 2e-3
        start = weight.numpy()
        weight.assign(start + step * direction)
        ahead = float(loss())
        weight.assign(start - step * direction)
        behind = float(loss())
        weight.assign(start)
        assert (ahead - behind) / (2 * step) == pytest.approx(slope, rel=0.05), weight.path


@pytest.mark.slow(quick=["raw"])
@pytest.mark.parametrize("kind", LEARNABLE, indirect=True)
def test_training_changes_every_weight_and_lowers_the_loss(kind, frontend):
    learner = keras.models.clone_model(frontend)
    weights = learner.trainable_weights
    before = [weight.numpy().copy() for weight in weights]
    waveform = noise(4, 6000)
    target = 0.8 * frontend(waveform).numpy()
    optimizer = keras.optimizers.Adam(1e-3)
    losses = []
    for _ in range(6):
        with tf.GradientTape() as tape:
            losses.append(tf.reduce_mean(tf.square(learner(waveform, training=True) - target)))
        optimizer.apply(tape.gradient(losses[-1], weights), weights)
    assert losses[-1] < losses[0]
    for old, weight in zip(before, weights, strict=True):
        assert np.abs(weight.numpy() - old).max() > 1e-4, weight.path


def test_features_stay_float32_under_mixed_precision(config):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        features = build_frontend(config)(noise(1, 4096))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert features.dtype == tf.float32


# Saving and exporting


@pytest.mark.slow(quick=["mel"])
def test_one_trace_serves_any_batch_and_length(frontend):
    traced = tf.function(frontend, input_signature=[tf.TensorSpec((None, None), tf.float32)])
    for batch, n_samples in [(1, 22050), (3, 10001), (2, 700)]:
        waveform = noise(batch, n_samples)
        expected = frontend(waveform).numpy()
        assert relative_error(traced(waveform).numpy(), expected) < 1e-5
    assert traced.experimental_get_tracing_count() == 1


@pytest.mark.slow(quick=["mel", "leaf"])
@pytest.mark.filterwarnings("ignore")
def test_converts_to_builtin_litert_operators(frontend):
    waveform = noise(1, 8000)
    received, operators = run_in_litert(frontend, waveform)
    assert not {name for name in operators if name.startswith("Flex") or name == "CUSTOM"}
    assert relative_error(received, frontend(waveform).numpy()) < 1e-5


@pytest.fixture(scope="module")
def reloaded_elsewhere(tmp_path_factory):
    """Features of each front-end, computed from its file by another process."""
    folder = tmp_path_factory.mktemp("frontends")
    waveform = noise(2, 9001)
    np.save(folder / "waveform.npy", waveform)
    expected = {}
    for kind, config in CONFIGS.items():
        model = build_frontend(config)
        for weight in model.weights:
            weight.assign(weight * 1.01)
        model.save(folder / f"{kind}.keras")
        expected[kind] = model(waveform).numpy()
    program = (
        "import sys, pathlib, keras, numpy, mirzoo.models.layers\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "waveform = numpy.load(folder / 'waveform.npy')\n"
        "for path in folder.glob('*.keras'):\n"
        "    features = keras.models.load_model(path)(waveform).numpy()\n"
        "    numpy.save(path.with_suffix('.features.npy'), features)\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(folder)], check=True)
    return {
        kind: (np.load(folder / f"{kind}.features.npy"), features)
        for kind, features in expected.items()
    }


@pytest.mark.slow
def test_reloads_in_a_fresh_process(kind, reloaded_elsewhere):
    received, expected = reloaded_elsewhere[kind]
    np.testing.assert_array_equal(received, expected)


def test_configs_of_layers_are_complete(frontend):
    for layer in frontend.layers[1:]:
        rebuilt = type(layer).from_config(layer.get_config())
        assert rebuilt.get_config() == layer.get_config()
