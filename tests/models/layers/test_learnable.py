"""Gabor filters, Gaussian pooling, sinc filters and strided convolutions: their formulas."""

import numpy as np
import pytest
import tensorflow as tf
from frontend_checks import excerpts, noise, relative_error

from mirzoo.dsp.filters import gabor_start, mel_bands, sinc_start
from mirzoo.models.frontends import build_frontend
from mirzoo.models.frontends.raw import RawConfig
from mirzoo.models.layers.leaf import GaborFilters, GaussianPooling
from mirzoo.models.layers.sinc import SincFilters

RATE = 16000


def tone(hz: float, amplitude: float = 1.0, n_samples: int = 4000) -> np.ndarray:
    clock = np.arange(n_samples) / RATE
    return (amplitude * np.sin(2 * np.pi * hz * clock))[np.newaxis].astype(np.float32)


def correlate(waveform: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Centred on each sample, zeros outside."""
    return np.convolve(waveform.astype(np.complex128), kernel[::-1], mode="same")


# Gabor


def test_gabor_filters_are_their_formula():
    layer = GaborFilters(n_filters=5, kernel_size=201, sample_rate=RATE)
    waveform = noise(1, 1000)
    received = layer(waveform)[0].numpy()
    assert received.shape == (1001, 5)
    n = np.arange(-100, 101)
    for filter_ in range(5):
        width = np.exp(float(layer.log_width[filter_]))
        center = np.exp(float(layer.log_center[filter_]))
        kernel = np.exp(1j * center * n - n**2 / (2 * width**2)) / (np.sqrt(2 * np.pi) * width)
        expected = np.abs(correlate(waveform[0], kernel)) ** 2
        assert relative_error(received[:1000, filter_], expected) < 1e-4


@pytest.mark.parametrize("layer_type", [GaborFilters, SincFilters])
@pytest.mark.parametrize("decimation", [4, 8])
def test_decimation_keeps_every_so_manieth_sample(layer_type, decimation):
    shape = {"n_filters": 5, "kernel_size": 101, "sample_rate": RATE}
    waveform = noise(2, 1003)
    every = layer_type(**shape)(waveform).numpy()
    some = layer_type(**shape, decimation=decimation)(waveform).numpy()
    assert some.shape[1] == 1 + 1003 // decimation
    np.testing.assert_allclose(some, every[:, ::decimation], rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_decimation_hardly_changes_pooled_energies(real_music):
    def pooled(waveform, decimation):
        filters = GaborFilters(
            n_filters=32, kernel_size=401, sample_rate=RATE, decimation=decimation
        )
        pooling = GaussianPooling(pool_size=2 * (200 // decimation) + 1, stride=256 // decimation)
        return pooling(filters(waveform)).numpy()

    for name, waveform in excerpts(real_music[::4], RATE).items():
        waveform = waveform[np.newaxis, :RATE]
        assert relative_error(pooled(waveform, 8), pooled(waveform, 1)) < 0.01, name


def test_a_tone_at_a_filters_centre_gives_a_quarter_of_its_square():
    layer = GaborFilters(n_filters=20, kernel_size=401, sample_rate=RATE)
    layer.build((None, None))
    hz = float(np.exp(layer.log_center[10])) * RATE / (2 * np.pi)
    responses = layer(tone(hz, amplitude=0.6))[0, 2000].numpy()
    assert responses[10] == pytest.approx(0.09, rel=0.01)
    assert np.argmax(responses) == 10


def test_gabor_filters_start_as_wide_as_mel_filters():
    n_fft = 1 << 14
    centers, widths = gabor_start(30, sample_rate=RATE, fmin=60.0)
    bands = mel_bands(30, sample_rate=RATE, fmin=60.0)
    n = np.arange(-n_fft // 2, n_fft // 2)
    for center, width, (low, _, high) in zip(centers, widths, bands, strict=True):
        response = np.abs(np.fft.fft(np.exp(1j * center * n - n**2 / (2 * width**2))))
        half_maximum_hz = (response >= response.max() / 2).sum() * RATE / n_fft
        assert half_maximum_hz == pytest.approx(0.75 * (high - low), abs=2 * RATE / n_fft)


def test_gabor_weights_stay_in_the_papers_bounds():
    layer = GaborFilters(n_filters=5, kernel_size=101, sample_rate=RATE)
    layer.build((None, None))
    for extreme in (-100.0, 100.0):
        for weight in (layer.log_center, layer.log_width):
            weight.assign(tf.fill(weight.shape, extreme))
            weight.assign(weight.constraint(weight))
        half_maximum = np.sqrt(2 * np.log(2))
        assert (np.exp(layer.log_center) <= np.pi * 1.0001).all()
        assert (np.exp(layer.log_width) >= 0.9999 * 4 * half_maximum / np.pi).all()
        assert (np.exp(layer.log_width) <= 1.0001 * 101 * half_maximum / np.pi).all()
        assert np.isfinite(layer(noise(1, 500))).all()


# Pooling


@pytest.mark.parametrize(
    ("pool_size", "stride"), [(51, 32), (33, 32), (31, 32), (63, 16), (101, 7), (1, 4)]
)
@pytest.mark.parametrize("n_samples", [1, 31, 32, 33, 200])
def test_gaussian_pooling_is_its_formula(pool_size, stride, n_samples):
    layer = GaussianPooling(pool_size=pool_size, stride=stride)
    activations = np.abs(noise(2, n_samples, 3))
    layer.build(activations.shape)
    layer.widths.assign([0.1, 0.3, 0.5])
    received = layer(activations).numpy()
    half = pool_size // 2
    n = np.arange(-half, half + 1)
    padded = np.pad(activations, [[0, 0], [half, half], [0, 0]])
    frames = 1 + (n_samples - 1) // stride
    assert received.shape == (2, frames, 3, 1)
    for bin_, width in enumerate([0.1, 0.3, 0.5]):
        window = np.exp(-0.5 * (n / (width * max(half, 1))) ** 2)
        window /= window.sum()
        for frame in range(frames):
            piece = padded[:, frame * stride : frame * stride + pool_size, bin_]
            np.testing.assert_allclose(
                received[:, frame, bin_, 0], piece @ window, rtol=1e-4, atol=1e-7
            )


@pytest.mark.parametrize(
    "make",
    [
        lambda: GaussianPooling(pool_size=50, stride=32),
        lambda: GaborFilters(n_filters=4, kernel_size=50, sample_rate=RATE),
        lambda: SincFilters(n_filters=4, kernel_size=50, sample_rate=RATE),
    ],
)
def test_even_sizes_are_refused(make):
    with pytest.raises(ValueError, match="size is 50; allowed are odd numbers"):
        make()


# Sinc


def test_sinc_filters_are_their_formula():
    layer = SincFilters(n_filters=5, kernel_size=201, sample_rate=RATE)
    waveform = noise(1, 1000)
    received = layer(waveform)[0].numpy()
    n = np.arange(-100, 101)
    for filter_ in range(5):
        low = np.exp(float(layer.log_low[filter_]))
        high = low + np.exp(float(layer.log_band[filter_]))
        kernel = 2 * high * np.sinc(2 * high * n) - 2 * low * np.sinc(2 * low * n)
        expected = np.abs(correlate(waveform[0], kernel * np.hamming(201)))
        assert relative_error(received[:1000, filter_], expected) < 1e-4


def test_sinc_filters_pass_their_band_and_stop_the_rest():
    layer = SincFilters(n_filters=20, kernel_size=251, sample_rate=RATE)
    layer.build((None, None))
    low_hz = np.exp(layer.log_low) * RATE
    high_hz = low_hz + np.exp(layer.log_band) * RATE
    response = layer(tone((low_hz[15] + high_hz[15]) / 2))[0, 1000:3000].numpy().max(axis=0)
    assert response[15] == pytest.approx(1.0, abs=0.05)
    assert response[:13].max() < 0.02
    assert response[18:].max() < 0.02


def test_sinc_filters_start_side_by_side():
    low, band = sinc_start(40, sample_rate=RATE, fmin=60.0, fmax=7000.0)
    np.testing.assert_allclose(low[1:], (low + band)[:-1])
    assert low[0] * RATE == pytest.approx(60.0)
    assert (low + band)[-1] * RATE == pytest.approx(7000.0)


def test_sinc_cut_offs_stay_below_half_the_rate():
    layer = SincFilters(n_filters=5, kernel_size=101, sample_rate=RATE)
    layer.build((None, None))
    for extreme in (-100.0, 100.0):
        for weight in (layer.log_low, layer.log_band):
            weight.assign(tf.fill(weight.shape, extreme))
            weight.assign(weight.constraint(weight))
        assert np.isfinite(layer(noise(1, 500))).all()
        assert (np.exp(layer.log_low) < 0.5).all()


# Raw


def test_frames_of_raw_lie_at_the_same_times_in_clips_of_any_length():
    config = RawConfig(filters=(4, 6), kernels=(64, 9), strides=(16, 4))
    frontend = build_frontend(config)
    waveform = noise(1, 6400)
    whole = frontend(waveform).numpy()
    assert whole.shape[1] == 6400 // 64
    for n_samples in (3200, 3201, 3263, 3264):
        part = frontend(waveform[:, :n_samples]).numpy()
        assert part.shape[1] == n_samples // 64
        np.testing.assert_allclose(part[:, :47], whole[:, :47], atol=1e-5)
