"""The settings of the front-ends: which numbers a frame of the waveform becomes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.recipe.base import Config
from mirzoo.recipe.scalings import LogScaling, NoScaling, PCENScaling, Scaling


class Frontend(Config):
    """What every front-end states: its rate, its grid of frames and the size of a frame."""

    sample_rate: PositiveInt

    @property
    def grid(self) -> FrameGrid:
        """Where the frames lie."""
        raise TypeError(f"{type(self).__name__} defines no frame grid")

    @property
    def n_bins(self) -> int:
        """Bins in a frame."""
        raise TypeError(f"{type(self).__name__} defines no number of bins")

    @property
    def n_channels(self) -> int:
        """Channels in a bin."""
        return 1


class Spectral(Frontend):
    """Front-ends that start with a short-time Fourier transform."""

    sample_rate: PositiveInt = 16000
    n_fft: PositiveInt = 512
    hop_length: PositiveInt = 256
    win_length: PositiveInt | None = None
    window: Literal["hann", "hamming"] = "hann"
    center: bool = True
    power: Literal[1, 2] = 1

    @model_validator(mode="after")
    def _window_fits(self):
        if self.win_length is not None and self.win_length > self.n_fft:
            raise ValueError(
                f"win_length {self.win_length} is longer than n_fft {self.n_fft}; "
                "allowed is win_length <= n_fft"
            )
        return self

    @property
    def grid(self) -> FrameGrid:
        if self.center:
            return FrameGrid.centered(self.sample_rate, self.hop_length, self.n_fft)
        return FrameGrid(self.sample_rate, self.hop_length, self.n_fft)


class STFTConfig(Spectral):
    """Magnitude (``power: 1``) or power (``power: 2``) of the short-time Fourier transform."""

    type: Literal["stft"] = "stft"
    scaling: Scaling = NoScaling()

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1


class MelBank(Spectral):
    """What the mel spectrogram and the MFCC share."""

    n_mels: PositiveInt = 96
    fmin: NonNegativeFloat = 0.0
    fmax: PositiveFloat | None = None
    htk: bool = False
    norm: Literal["slaney", "none"] = "slaney"

    @model_validator(mode="after")
    def _band_fits(self):
        nyquist = self.sample_rate / 2
        top = nyquist if self.fmax is None else self.fmax
        if not self.fmin < top <= nyquist:
            raise ValueError(
                f"fmin {self.fmin} Hz and fmax {top} Hz do not bound a band below half the "
                f"sample rate; allowed is fmin < fmax <= {nyquist}"
            )
        return self


class MelConfig(MelBank):
    """Mel spectrogram; with ``trainable`` the filterbank itself is learnt."""

    type: Literal["mel"] = "mel"
    trainable: bool = False
    scaling: Scaling = LogScaling()

    @property
    def n_bins(self) -> int:
        return self.n_mels


class MFCCConfig(MelBank):
    """Mel-frequency cepstral coefficients: orthonormal DCT-II of the mel power in decibels."""

    type: Literal["mfcc"] = "mfcc"
    power: Literal[1, 2] = 2
    n_mfcc: PositiveInt = 20
    floor_db: Annotated[float, Field(lt=0.0)] = -80.0

    @model_validator(mode="after")
    def _coefficients_fit(self):
        if self.n_mfcc > self.n_mels:
            raise ValueError(
                f"n_mfcc {self.n_mfcc} is more than n_mels {self.n_mels}; "
                "allowed is n_mfcc <= n_mels"
            )
        return self

    @property
    def n_bins(self) -> int:
        return self.n_mfcc


class ConstantQ(Frontend):
    """What the constant-Q family shares: geometrically spaced bins from ``fmin`` up."""

    sample_rate: PositiveInt = 22050
    hop_length: PositiveInt = 512
    fmin: PositiveFloat = 32.70319566257483
    n_octaves: PositiveInt = 7
    bins_per_octave: PositiveInt = 12
    filter_scale: PositiveFloat = 1.0

    @property
    def grid(self) -> FrameGrid:
        return FrameGrid.centered(self.sample_rate, self.hop_length, 2 * self.hop_length)

    @property
    def n_bins(self) -> int:
        return self.n_octaves * self.bins_per_octave

    @property
    def highest_harmonic(self) -> float:
        """The largest factor by which a bin's frequency is multiplied."""
        return 1.0

    @model_validator(mode="after")
    def _below_nyquist(self):
        highest = (
            self.fmin * self.highest_harmonic * 2 ** ((self.n_bins - 1) / self.bins_per_octave)
        )
        if highest >= self.sample_rate / 2:
            raise ValueError(
                f"the highest bin lies at {highest:.1f} Hz, at or above half the sample rate "
                f"({self.sample_rate / 2:.1f} Hz); take fewer octaves or a higher sample_rate"
            )
        return self

    @model_validator(mode="after")
    def _hop_halves(self):
        if self.hop_length % 2 ** (self.n_octaves - 1):
            raise ValueError(
                f"hop_length {self.hop_length} cannot be halved for each of {self.n_octaves} "
                f"octaves; allowed are multiples of {2 ** (self.n_octaves - 1)}"
            )
        return self


class CQTConfig(ConstantQ):
    """Magnitude of the constant-Q transform."""

    type: Literal["cqt"] = "cqt"
    scaling: Scaling = LogScaling(c=10.0)


class VQTConfig(ConstantQ):
    """Magnitude of the variable-Q transform: bandwidths widened by ``gamma`` Hz."""

    type: Literal["vqt"] = "vqt"
    gamma: NonNegativeFloat | None = None
    scaling: Scaling = LogScaling(c=10.0)


class HCQTConfig(ConstantQ):
    """Harmonic constant-Q transform: one channel a harmonic of ``fmin``."""

    type: Literal["hcqt"] = "hcqt"
    n_octaves: PositiveInt = 5
    harmonics: tuple[PositiveFloat, ...] = (0.5, 1.0, 2.0, 3.0, 4.0)
    scaling: Scaling = LogScaling(c=10.0)

    @property
    def n_channels(self) -> int:
        return len(self.harmonics)

    @property
    def highest_harmonic(self) -> float:
        return max(self.harmonics)


class ChromaConfig(Frontend):
    """Energy in the pitch classes, folded from an STFT or a CQT."""

    type: Literal["chroma"] = "chroma"
    source: Literal["stft", "cqt"] = "cqt"
    sample_rate: PositiveInt = 22050
    n_fft: PositiveInt = 4096
    hop_length: PositiveInt = 512
    n_chroma: PositiveInt = 12
    fmin: PositiveFloat = 32.70319566257483
    n_octaves: PositiveInt = 7
    bins_per_octave: PositiveInt = 36
    scaling: Scaling = NoScaling()

    @property
    def grid(self) -> FrameGrid:
        return FrameGrid.centered(self.sample_rate, self.hop_length, 2 * self.hop_length)

    @property
    def n_bins(self) -> int:
        return self.n_chroma


class RawConfig(Frontend):
    """Strided 1-D convolutions on the waveform (Lee et al. 2017, arXiv:1703.01789)."""

    type: Literal["raw"] = "raw"
    sample_rate: PositiveInt = 16000
    filters: tuple[PositiveInt, ...] = (32, 64, 96)
    kernels: tuple[PositiveInt, ...] = (64, 8, 8)
    strides: tuple[PositiveInt, ...] = (16, 4, 4)

    @model_validator(mode="after")
    def _stages_agree(self):
        if not len(self.filters) == len(self.kernels) == len(self.strides) >= 1:
            raise ValueError(
                f"filters, kernels and strides name {len(self.filters)}, {len(self.kernels)} and "
                f"{len(self.strides)} convolutions; they must name the same number, at least one"
            )
        for kernel, stride in zip(self.kernels, self.strides):
            if kernel < stride:
                raise ValueError(
                    f"kernel {kernel} is shorter than its stride {stride} and would skip "
                    "samples; allowed is kernel >= stride"
                )
        return self

    @property
    def grid(self) -> FrameGrid:
        grid = FrameGrid(self.sample_rate, 1, 1)
        for kernel, stride in zip(self.kernels, self.strides):
            left = (kernel - stride) // 2
            grid = grid.then(kernel, stride, left, kernel - stride - left)
        return grid

    @property
    def n_bins(self) -> int:
        return self.filters[-1]


class LearntBank(Frontend):
    """What the learnable filterbanks share: band-pass filters, then pooling to the hop."""

    sample_rate: PositiveInt = 16000
    n_filters: PositiveInt = 64
    kernel_size: PositiveInt = 401
    decimation: PositiveInt = 4
    hop_length: PositiveInt = 256
    fmin: PositiveFloat = 60.0
    fmax: PositiveFloat | None = None

    @model_validator(mode="after")
    def _kernel_is_odd(self):
        if self.kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size {self.kernel_size} is even; a filter needs a middle sample, so "
                "allowed are odd numbers"
            )
        if self.hop_length % self.decimation:
            raise ValueError(
                f"hop_length {self.hop_length} is no multiple of decimation {self.decimation}"
            )
        return self

    @property
    def grid(self) -> FrameGrid:
        return FrameGrid.centered(self.sample_rate, self.hop_length, 2 * self.hop_length)

    @property
    def n_bins(self) -> int:
        return self.n_filters


class SincConfig(LearntBank):
    """Band-pass sinc filters with learnt cut-offs (Ravanelli & Bengio 2018, arXiv:1808.00158)."""

    type: Literal["sinc"] = "sinc"
    kernel_size: PositiveInt = 251
    scaling: Scaling = LogScaling(c=10000.0)


class LEAFConfig(LearntBank):
    """Gabor filters, Gaussian pooling, learnt PCEN (Zeghidour et al. 2021, arXiv:2101.08596)."""

    type: Literal["leaf"] = "leaf"
    pooling_size: PositiveInt = 401
    scaling: Scaling = PCENScaling(gain=0.96, eps=1e-10, trainable=True)


FrontendConfig = Annotated[
    STFTConfig
    | MelConfig
    | MFCCConfig
    | CQTConfig
    | VQTConfig
    | HCQTConfig
    | ChromaConfig
    | RawConfig
    | SincConfig
    | LEAFConfig,
    Field(discriminator="type"),
]
