"""The short-time Fourier transform: librosa's numbers, and back again."""

import math

import librosa
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
from frontend_checks import excerpts, noise, relative_error, run_in_litert
from tolerances import TOLERANCES

from mirzoo.dsp.windows import centered_window, periodic_window
from mirzoo.models.layers.fourier import transforms_by_matrices
from mirzoo.models.layers.stft import STFT, InverseSTFT, Spectrogram

SHAPES = [
    {"n_fft": 512, "hop_length": 256},
    {"n_fft": 2048, "hop_length": 512, "window": "hamming"},
    {"n_fft": 1024, "hop_length": 160, "win_length": 401},
    {"n_fft": 400, "hop_length": 100, "center": False},
]


def as_complex(channels) -> np.ndarray:
    channels = np.asarray(channels)
    return channels[..., 0] + 1j * channels[..., 1]


@pytest.mark.parametrize("name", ["hann", "hamming"])
@pytest.mark.parametrize("length", [2, 7, 512])
def test_windows_are_scipys(name, length):
    expected = scipy.signal.get_window(name, length)
    np.testing.assert_allclose(periodic_window(name, length), expected, atol=1e-7)


def test_short_windows_lie_in_the_middle_of_the_frame():
    expected = librosa.util.pad_center(scipy.signal.get_window("hann", 401), size=1024)
    np.testing.assert_allclose(centered_window("hann", 401, 1024), expected, atol=1e-7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: periodic_window("kaiser", 8), "unknown window 'kaiser'; allowed are"),
        (lambda: STFT(512, 256, win_length=513), "win_length 513 is longer than n_fft 512"),
        (lambda: Spectrogram(512, 256, power=3), "power is 3; allowed are 1"),
        (lambda: InverseSTFT(511, 128), "n_fft is 511; allowed are even"),
        (lambda: STFT(512, 256)(np.zeros(4096, "float32")), "expected ndim=2"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_librosa(made_up_music, shape):
    expected = librosa.stft(made_up_music, **shape).T
    spectrum = as_complex(STFT(**shape)(made_up_music[np.newaxis])[0])
    assert spectrum.shape == expected.shape
    assert relative_error(spectrum, expected) < TOLERANCES["stft"]
    for power in (1, 2):
        features = Spectrogram(**shape, power=power)(made_up_music[np.newaxis])[0, ..., 0]
        error = relative_error(features.numpy(), np.abs(expected) ** power)
        assert error < TOLERANCES["stft"]


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_librosa_on_real_music(real_music, shape):
    layer = STFT(**shape)
    for name, waveform in excerpts(real_music, 16000).items():
        expected = librosa.stft(waveform, **shape).T
        error = relative_error(as_complex(layer(waveform[np.newaxis])[0]), expected)
        assert error < TOLERANCES["stft"], name


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES[:3])
def test_there_and_back_on_real_music(real_music, shape):
    forward, back = STFT(**shape), InverseSTFT(**shape)
    for name, waveform in excerpts(real_music, 16000).items():
        returned = back(forward(waveform[np.newaxis]))[0].numpy()
        assert len(waveform) - shape["hop_length"] < len(returned) <= len(waveform)
        error = relative_error(returned, waveform[: len(returned)])
        assert error < TOLERANCES["inverse_stft"], name


@pytest.mark.parametrize("shape", SHAPES)
def test_inverse_equals_librosas(made_up_music, shape):
    spectrum = librosa.stft(made_up_music, **shape)
    spectrum *= np.linspace(1.0, 0.2, spectrum.shape[0])[:, np.newaxis]
    expected = librosa.istft(spectrum, **shape)
    channels = np.stack([spectrum.real, spectrum.imag], axis=-1).transpose(1, 0, 2)
    inverse = InverseSTFT(**shape)
    received = inverse(channels[np.newaxis])
    assert received.shape == inverse.compute_output_shape((1, *channels.shape))
    inside = slice(shape["n_fft"], -shape["n_fft"])
    error = relative_error(received[0].numpy()[inside], expected[inside])
    assert error < TOLERANCES["inverse_stft"]


@pytest.mark.filterwarnings("ignore")
def test_inverse_converts_to_builtin_litert_operators():
    shape = {"n_fft": 256, "hop_length": 64}
    spectrum = STFT(**shape)(noise(1, 4096)).numpy()
    inverse = InverseSTFT(**shape)
    received, operators = run_in_litert(inverse, spectrum)
    assert not {name for name in operators if name.startswith("Flex") or name == "CUSTOM"}
    assert relative_error(received, inverse(spectrum).numpy()) < 1e-5


def test_gradient_through_the_inverse_is_that_of_the_sum():
    shape = {"n_fft": 64, "hop_length": 16}
    spectrum = STFT(**shape)(noise(1, 512))
    with tf.GradientTape() as tape:
        tape.watch(spectrum)
        loss = tf.reduce_sum(InverseSTFT(**shape)(spectrum) ** 2)
    slope = float(tf.reduce_sum(tape.gradient(loss, spectrum) * spectrum))
    assert slope == pytest.approx(2 * float(loss), rel=1e-4)


@pytest.mark.parametrize(
    "shape",
    [
        {"n_fft": 512, "hop_length": 256},
        {"n_fft": 400, "hop_length": 100, "window": "hamming", "center": False},
        {"n_fft": 256, "hop_length": 90, "win_length": 201},
        {"n_fft": 301, "hop_length": 100},
        {"n_fft": 2, "hop_length": 1},
        {"n_fft": 2048, "hop_length": 512},
        {"n_fft": 1000, "hop_length": 250, "win_length": 800},
        {"n_fft": 1025, "hop_length": 300},
        {"n_fft": 1009, "hop_length": 300},
    ],
)
def test_by_matrices_the_numbers_are_those_of_the_fft(made_up_music, shape):
    waveform = made_up_music[np.newaxis]
    layer = STFT(**shape)
    with transforms_by_matrices(longest=math.inf):
        by_matrices = layer(waveform)
    assert relative_error(as_complex(by_matrices), as_complex(layer(waveform))) < 2e-6


@pytest.mark.slow
def test_long_transforms_by_matrices_take_little_room_and_run_in_litert():
    layer, waveform = STFT(2048, 512), noise(1, 8192)
    with transforms_by_matrices(longest=math.inf):
        in_litert, operators = run_in_litert(layer, waveform)
        graph = tf.function(layer).get_concrete_function(tf.TensorSpec((None, None))).graph
    assert not any("FFT" in operator for operator in operators)
    assert relative_error(as_complex(in_litert), as_complex(layer(waveform))) < 2e-6
    assert len(graph.as_graph_def().SerializeToString()) < 200_000


def test_short_transforms_alone_become_matrices():
    def has_fft(n_fft):
        return "RFFT2D" in run_in_litert(STFT(n_fft, 128), noise(1, 4096))[1]

    with transforms_by_matrices(longest=256):
        assert not has_fft(256)
        assert has_fft(512)
    assert has_fft(256)
