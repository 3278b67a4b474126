"""Constant-Q family: equal to librosa, exact in its arithmetic, fit for training and LiteRT."""

import math

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tolerances import TOLERANCES

from mirzoo import audio
from mirzoo.dsp.cqt import early_halvings, plan_decimator, plan_transform
from mirzoo.dsp.resampling import framed_decimator, half_band_filter
from mirzoo.dsp.wavelets import (
    constant_q_frequencies,
    erb_gamma,
    relative_bandwidth,
    wavelet_bank,
    wavelet_lengths,
)
from mirzoo.errors import RecipeError
from mirzoo.models.frontends import build_frontend
from mirzoo.models.frontends.chroma import ChromaConfig
from mirzoo.models.frontends.cqt import CQTConfig
from mirzoo.models.frontends.hcqt import HCQTConfig
from mirzoo.models.frontends.vqt import VQTConfig
from mirzoo.models.layers.cqt import CQT, HCQT, VQT
from mirzoo.recipe import NoScaling

pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning")

SAMPLE_RATE = 22050
C1_HZ = librosa.note_to_hz("C1")

UNSCALED = {"scaling": NoScaling()}
CONFIGS = {
    "cqt": CQTConfig(**UNSCALED),
    "gapless": CQTConfig(gapless=True, **UNSCALED),
    "vqt": VQTConfig(**UNSCALED),
    "hcqt": HCQTConfig(n_octaves=4, harmonics=(0.5, 1.0, 2.0, 3.0), **UNSCALED),
    "chroma_stft": ChromaConfig(source="stft", n_fft=2048),
    "chroma_cqt": ChromaConfig(source="cqt"),
    "chroma_gapless": ChromaConfig(source="cqt", gapless=True),
}


@pytest.fixture(scope="module", params=CONFIGS)
def config(request):
    return CONFIGS[request.param]


@pytest.fixture(scope="module")
def frontend(config):
    return build_frontend(config)


def noise(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.uniform(-0.3, 0.3, shape).astype(np.float32)


def plucked_chords(sample_rate: int, duration_s: float) -> np.ndarray:
    """Decaying harmonic tones from A1 to A5, three at a time, over a little noise."""
    rng = np.random.default_rng(1)
    time_s = np.arange(int(sample_rate * duration_s)) / sample_rate
    waveform = 0.001 * rng.standard_normal(time_s.size)
    for onset_s in np.arange(0, duration_s, 0.5):
        for pitch in rng.integers(33, 82, 3):
            since_s = np.maximum(time_s - onset_s, 0)
            envelope = (time_s >= onset_s) * np.exp(-3 * since_s)
            for harmonic in range(1, 6):
                frequency = harmonic * librosa.midi_to_hz(pitch)
                waveform += 0.05 / harmonic * envelope * np.sin(2 * np.pi * frequency * since_s)
    return waveform.astype(np.float32)


def relative_error(received: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(received - expected) / np.linalg.norm(expected))


def librosa_magnitude(waveform, *, sample_rate=SAMPLE_RATE, gamma=0, **arguments):
    """librosa's magnitudes, (frames, bins), for as many frames as ours.

    librosa gives a frame more where it halves an odd number of samples before the first octave.
    """
    arguments = {"sparsity": 0, **arguments}
    transform = librosa.vqt(waveform, sr=sample_rate, gamma=gamma, **arguments)
    return np.abs(transform).T[: 1 + len(waveform) // arguments.get("hop_length", 512)]


# Parity with librosa


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, id="default"),
        pytest.param({"bins_per_octave": 36, "n_bins": 216}, id="three bins a semitone"),
        pytest.param({"n_bins": 79}, id="partial octave"),
        pytest.param({"n_bins": 7, "fmin": 220.0}, id="less than an octave"),
        pytest.param({"filter_scale": 0.5}, id="short filters"),
        pytest.param({"fmin": 41.2, "n_bins": 60, "hop_length": 1024}, id="early halving"),
        pytest.param({"n_bins": 97, "fmin": 36.0}, id="close to the Nyquist frequency"),
        pytest.param({"n_bins": 36, "fmin": 110.0, "hop_length": 441}, id="odd hop"),
        pytest.param({"n_bins": 48, "fmin": 55.0, "hop_length": 500}, id="hop runs out of twos"),
        pytest.param({"gamma": 20.0}, id="variable Q"),
        pytest.param({"gamma": None}, id="variable Q by ERB"),
        pytest.param({"gamma": 5.0, "n_bins": 79}, id="variable Q, partial octave"),
    ],
)
def test_equals_librosa_on_plucked_chords(arguments):
    waveform = plucked_chords(SAMPLE_RATE, 2.0)
    layer_class = VQT if "gamma" in arguments else CQT
    layer = layer_class(sample_rate=SAMPLE_RATE, **arguments)
    received = layer(waveform[np.newaxis]).numpy()[0, :, :, 0]
    expected = librosa_magnitude(waveform, **arguments)
    assert received.shape == expected.shape
    assert relative_error(received, expected) < TOLERANCES["cqt"]


def test_equals_librosa_at_44_1_khz_with_a_long_hop():
    arguments = {"hop_length": 4096, "n_bins": 216, "bins_per_octave": 36}
    waveform = plucked_chords(44100, 2.0)
    layer = CQT(sample_rate=44100, **arguments)
    expected = librosa_magnitude(waveform, sample_rate=44100, **arguments)
    received = layer(waveform[np.newaxis]).numpy()[0, :, :, 0]
    assert relative_error(received, expected) < TOLERANCES["cqt"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"sparsity": 0.01}, id="librosa's default"),
        pytest.param({"sparsity": 0.1, "n_bins": 79}, id="sparse, partial octave"),
        pytest.param({"sparsity": 0.05, "gamma": 20.0}, id="sparse, variable Q"),
    ],
)
def test_kernels_lose_what_librosas_lose(arguments):
    waveform = plucked_chords(SAMPLE_RATE, 2.0)
    layer_class = VQT if "gamma" in arguments else CQT
    received = layer_class(sample_rate=SAMPLE_RATE, **arguments)(waveform[np.newaxis])[0, :, :, 0]
    expected = librosa_magnitude(waveform, **arguments)
    whole = librosa_magnitude(waveform, **{**arguments, "sparsity": 0})
    from_sparse = np.abs(received - expected).mean()
    assert from_sparse < 0.1 * np.abs(received - whole).mean()


@pytest.mark.parametrize("harmonics", [(0.5, 1.0, 2.0, 4.0), (1.0, 2.0, 3.0, 5.0, 6.0), (1.5,)])
def test_harmonics_are_constant_q_transforms_of_their_own(harmonics):
    waveform = plucked_chords(SAMPLE_RATE, 2.0)
    layer = HCQT(sample_rate=SAMPLE_RATE, harmonics=harmonics, n_bins=48)
    received = layer(waveform[np.newaxis]).numpy()[0]
    for channel, harmonic in enumerate(harmonics):
        expected = librosa_magnitude(waveform, fmin=C1_HZ * harmonic, n_bins=48)
        assert relative_error(received[..., channel], expected) < TOLERANCES["cqt"]


@pytest.mark.slow
@pytest.mark.parametrize("gamma", [0, None], ids=["cqt", "vqt"])
def test_equals_librosa_on_real_music(real_music, gamma):
    layer = VQT(sample_rate=SAMPLE_RATE, gamma=gamma)
    for path in (path for path in real_music if path.stat().st_size > 1000):
        waveform = audio.read(path, SAMPLE_RATE)[: 5 * SAMPLE_RATE]
        received = layer(waveform[np.newaxis]).numpy()[0, :, :, 0]
        error = relative_error(received, librosa_magnitude(waveform, gamma=gamma))
        assert error < TOLERANCES["cqt"], path.name


# Frames without gaps


@pytest.mark.parametrize(("octave", "averaged"), [(5, 32), (4, 16), (3, 8), (2, 4), (1, 2), (0, 1)])
def test_gapless_frames_are_means_of_librosas_over_the_hop(octave, averaged):
    hop, per_octave = 1600, 12
    spacing = hop // averaged
    arguments = {"hop_length": hop, "n_bins": 6 * per_octave, "bins_per_octave": per_octave}
    waveform = np.pad(plucked_chords(16000, 3.0), (8000, 8000))
    layer = CQT(sample_rate=16000, filter_scale=0.6, gapless=True, **arguments)
    bins = slice(octave * per_octave, (octave + 1) * per_octave)
    received = layer(waveform[np.newaxis]).numpy()[0, 2:-2, bins, 0]
    ahead = (averaged - 1) * spacing // 2
    expected = np.mean(
        [
            librosa_magnitude(
                np.roll(waveform, ahead - number * spacing),
                sample_rate=16000,
                filter_scale=0.6,
                **arguments,
            )[2:-2, bins]
            for number in range(averaged)
        ],
        axis=0,
    )
    assert relative_error(received, expected) < TOLERANCES["cqt"]


def test_gapless_frames_hardly_depend_on_where_the_first_begins():
    hop, filters = 1600, {"n_octaves": 7, "bins_per_octave": 36, "filter_scale": 0.6}
    waveform = noise(1, 20 * hop)

    def change(gapless: bool) -> float:
        config = CQTConfig(
            sample_rate=16000, hop_length=hop, gapless=gapless, **filters, **UNSCALED
        )
        frontend = build_frontend(config)
        here = frontend(waveform).numpy()[0, 2:-2, -36:]
        there = frontend(np.pad(waveform, [[0, 0], [160, 0]])).numpy()[0, 2:-2, -36:]
        return float(np.abs(there - here).mean() / here.mean())

    assert change(gapless=True) < 0.12
    assert change(gapless=False) > 0.4


def test_gaps_are_those_of_a_constant_q_transform():
    with pytest.raises(ValueError, match="gapless is of the source cqt"):
        ChromaConfig(source="stft", gapless=True)


@pytest.mark.parametrize("gapless", [False, True])
def test_frames_reach_no_further_than_is_planned(gapless):
    config = CQTConfig(
        sample_rate=16000, hop_length=1600, filter_scale=0.2, gapless=gapless, **UNSCALED
    )
    before, behind = config.reach
    frontend = build_frontend(config)
    waveform, centre = noise(1, 32000), 10 * 1600
    within = np.zeros_like(waveform)
    within[:, centre - before : centre + behind] = waveform[:, centre - before : centre + behind]
    expected = frontend(waveform).numpy()[0, 10]
    np.testing.assert_allclose(
        frontend(within).numpy()[0, 10], expected, atol=1e-5 * expected.max()
    )


# Kernels and filters


def test_wavelets_have_librosas_lengths_and_values():
    frequencies = constant_q_frequencies(fmin=C1_HZ, n_bins=30, bins_per_octave=12)
    np.testing.assert_allclose(frequencies, librosa.cqt_frequencies(30, fmin=C1_HZ))
    alpha = librosa.filters._relative_bandwidth(freqs=frequencies)
    np.testing.assert_allclose(relative_bandwidth(12), alpha)
    lengths = wavelet_lengths(frequencies, sample_rate=8000, bins_per_octave=12, gamma=7.0)
    expected, _ = librosa.filters.wavelet_lengths(freqs=frequencies, sr=8000, gamma=7.0)
    np.testing.assert_allclose(lengths, expected)
    kernels, centre = wavelet_bank(frequencies, lengths, sample_rate=8000)
    basis, _ = librosa.filters.wavelet(freqs=frequencies, sr=8000, gamma=7.0)
    mirrored = basis[:, ::-1]  # sample n of the mirrored basis is sample -1 - n
    first = basis.shape[1] // 2 - centre - 1
    placed = mirrored[:, first : first + len(kernels)]
    np.testing.assert_allclose(kernels, placed.T * np.sqrt(lengths), atol=1e-5)


def test_erb_gamma_is_librosas():
    frequencies = constant_q_frequencies(fmin=C1_HZ, n_bins=30, bins_per_octave=12)
    expected, _ = librosa.filters.wavelet_lengths(freqs=frequencies, sr=8000, gamma=None)
    lengths = wavelet_lengths(
        frequencies, sample_rate=8000, bins_per_octave=12, gamma=erb_gamma(12)
    )
    np.testing.assert_allclose(lengths, expected)


@pytest.mark.parametrize("pass_band", [0.2, 0.45, 0.9])
def test_half_band_filter_passes_and_stops(pass_band):
    taps = half_band_filter(pass_band)
    response = np.abs(np.fft.rfft(taps, 8192))
    of_halved_nyquist = np.linspace(0, 2, response.size)
    assert np.abs(response[of_halved_nyquist <= pass_band] - 1).max() < 2e-4
    assert response[of_halved_nyquist >= 2 - pass_band].max() < 2e-4


def test_framed_decimator_convolves_and_drops_every_other_sample():
    taps = half_band_filter(0.6)
    decimator = framed_decimator(taps, gain=3.0)
    waveform = noise(2 * decimator.hop + decimator.frame_length).astype(np.float64)
    halved = 3.0 * np.convolve(waveform, taps, mode="valid")[::2]
    first, second = (
        waveform[block * decimator.hop :][: decimator.frame_length] @ decimator.matrix
        for block in (0, 1)
    )
    expected = halved[: decimator.hop]
    np.testing.assert_allclose(np.concatenate([first, second]), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("nyquist", "cutoff", "hop_length", "n_octaves", "expected"),
    [
        (11025, 4200, 512, 7, 0),
        (22050, 4200, 512, 7, 1),
        (22050, 2200, 4096, 6, 2),
        (22050, 2200, 32, 6, 0),
        (22050, 2200, 441, 6, 0),
    ],
)
def test_early_halvings(nyquist, cutoff, hop_length, n_octaves, expected):
    received = early_halvings(
        nyquist=nyquist, cutoff=cutoff, hop_length=hop_length, n_octaves=n_octaves
    )
    assert received == expected


@pytest.mark.parametrize("bins_per_octave", [12, 36])
@pytest.mark.parametrize("gamma", [0.0, 10.0])
def test_kernels_take_less_than_a_megabyte(bins_per_octave, gamma):
    transform = plan_transform(
        sample_rate=SAMPLE_RATE,
        hop_length=512,
        fmin=C1_HZ,
        n_bins=7 * bins_per_octave,
        bins_per_octave=bins_per_octave,
        gamma=gamma,
    )
    matrices = [bank.matrix for bank in transform.banks] + [plan_decimator((transform,)).matrix]
    assert sum(matrix.nbytes for matrix in matrices) < 1_000_000


def test_bins_above_the_nyquist_frequency_are_refused():
    with pytest.raises(RecipeError, match=r"96 bins.*above half the sample rate \(4000 Hz\)"):
        CQT(sample_rate=8000, n_bins=96)(noise(1, 8000))


@pytest.mark.parametrize("harmonics", [(), (1.0, 0.0), (-1.0,)])
def test_harmonics_must_be_factors(harmonics):
    with pytest.raises(RecipeError, match="each above 0"):
        HCQT(sample_rate=SAMPLE_RATE, harmonics=harmonics)


# Arithmetic of frames


@pytest.mark.parametrize(
    "n_samples", [1, 2, 511, 512, 513, 1023, 1025, 4095, 4097, 22049, 22050, 22051]
)
def test_frames_are_those_of_the_grid(config, frontend, n_samples):
    features = frontend(noise(2, n_samples))
    expected = (2, config.grid.frames(n_samples), config.n_bins, config.n_channels)
    assert features.shape == expected
    assert expected[1] == 1 + n_samples // config.hop_length
    assert np.isfinite(features).all()


def test_shape_is_known_before_the_samples_are(config, frontend):
    assert frontend.output_shape == (None, None, config.n_bins, config.n_channels)
    for layer in frontend.layers[1:]:
        n_bins = 1025 if layer.name.startswith("stft") else CONFIGS["chroma_cqt"].n_bins
        shape = (None, 22050) if layer is frontend.layers[1] else (None, 44, n_bins, 1)
        assert layer.compute_output_shape(shape)[:2] == (None, 44)


def test_a_click_is_in_the_frame_at_its_time(config):
    """The loudest frame of a click at k hops is frame k, to within librosa's half sample."""
    if config.type == "chroma":
        pytest.skip("each frame of a chroma is scaled to 1, so no frame is the loudest")
    waveform = np.zeros((1, 20 * config.hop_length), np.float32)
    waveform[0, 10 * config.hop_length] = 1.0
    features = build_frontend(config)(waveform).numpy()[0]
    highest_octave = features[:, -12:, 0].sum(axis=1)
    assert highest_octave.argmax() == 10
    assert config.grid.times(11)[10] == 10 * config.hop_length / SAMPLE_RATE


@pytest.mark.parametrize("n_samples", [30000, 30001])
def test_a_hop_of_silence_before_shifts_by_a_frame(config, frontend, n_samples):
    waveform = noise(1, n_samples)
    waveform[:, :2048] = 0  # room for the half-band filters to ring before the music starts
    later = np.pad(waveform, [[0, 0], [config.hop_length, 0]])
    expected = frontend(waveform).numpy()
    received = frontend(later).numpy()[:, 1:]
    np.testing.assert_allclose(received, expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("bin_", [0, 7, 30, 57, 83])
def test_a_tone_is_loudest_in_its_bin(bin_):
    frequency = C1_HZ * 2 ** (bin_ / 12)
    time_s = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * frequency * time_s).astype(np.float32)
    magnitude = CQT(sample_rate=SAMPLE_RATE)(tone[np.newaxis]).numpy()[0, 60, :, 0]
    assert magnitude.argmax() == bin_
    length = SAMPLE_RATE / (relative_bandwidth(12) * frequency)
    assert math.isclose(magnitude[bin_], math.sqrt(length) / 2, rel_tol=0.01)


# Clips, silence, gradients


def test_clips_do_not_touch_each_other(frontend):
    waveform = noise(3, 22051)
    waveform[0] = np.nan
    waveform[2] *= 1e4
    together = frontend(waveform).numpy()[1]
    alone = frontend(waveform[1:2]).numpy()[0]
    np.testing.assert_allclose(together, alone, atol=1e-6 * np.abs(alone).max())


def test_silence_is_finite_and_so_is_its_gradient(frontend):
    silence = tf.zeros((1, 8192))
    with tf.GradientTape() as tape:
        tape.watch(silence)
        features = frontend(silence)
        loss = tf.reduce_sum(features)
    np.testing.assert_allclose(features, 0.0, atol=1e-6)
    gradient = tape.gradient(loss, silence)
    assert np.isfinite(gradient).all()


def test_gradient_is_that_of_the_difference_quotient():
    layer = CQT(sample_rate=SAMPLE_RATE)
    waveform = tf.constant(plucked_chords(SAMPLE_RATE, 0.5)[np.newaxis])
    direction = waveform * tf.linspace(0.0, 1.0, waveform.shape[1])
    with tf.GradientTape() as tape:
        tape.watch(waveform)
        loss = tf.reduce_sum(layer(waveform))
    slope = float(tf.reduce_sum(tape.gradient(loss, waveform) * direction))
    step = 1e-3
    ahead = tf.reduce_sum(layer(waveform + step * direction))
    behind = tf.reduce_sum(layer(waveform - step * direction))
    assert math.isclose(slope, float(ahead - behind) / (2 * step), rel_tol=0.01)


def test_features_stay_float32_under_mixed_precision(config):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        features = build_frontend(config)(noise(1, 4096))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert features.dtype == tf.float32


# Saving and exporting


def test_reloads_from_a_keras_file(frontend, tmp_path):
    frontend.save(tmp_path / "frontend.keras")
    reloaded = keras.models.load_model(tmp_path / "frontend.keras")
    waveform = noise(2, 9001)
    np.testing.assert_array_equal(reloaded(waveform), frontend(waveform))
    for layer, original in zip(reloaded.layers, frontend.layers, strict=True):
        assert layer.get_config() == original.get_config()


@pytest.mark.slow
def test_one_trace_serves_any_batch_and_length(frontend):
    traced = tf.function(frontend, input_signature=[tf.TensorSpec((None, None), tf.float32)])
    for batch, n_samples in [(1, 22050), (3, 10001), (2, 700)]:
        waveform = noise(batch, n_samples)
        np.testing.assert_allclose(traced(waveform), frontend(waveform), rtol=1e-4, atol=1e-5)
    assert traced.experimental_get_tracing_count() == 1


@pytest.mark.slow(quick=["cqt"])
@pytest.mark.filterwarnings("ignore")
def test_converts_to_builtin_litert_operators(frontend):
    waveform = plucked_chords(SAMPLE_RATE, 1.5)[np.newaxis]
    graph = tf.function(frontend).get_concrete_function(tf.TensorSpec(waveform.shape))
    frozen = convert_variables_to_constants_v2(graph)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    content = converter.convert()
    assert len(content) < 1_000_000
    interpreter = Interpreter(model_content=content, num_threads=1)
    operators = {operator["op_name"] for operator in interpreter._get_ops_details()}
    assert not {name for name in operators if name.startswith("Flex") or name == "CUSTOM"}
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], waveform)
    interpreter.invoke()
    received = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert relative_error(received, frontend(waveform).numpy()) < 1e-5
