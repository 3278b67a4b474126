"""What the front-ends share that start with a short-time Fourier transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.recipe.frontends import Frontend

if TYPE_CHECKING:
    from mirzoo.models.layers.mel import MelFilterbank
    from mirzoo.models.layers.stft import Spectrogram


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

    def spectrogram(self) -> Spectrogram:
        """Make the layer from the waveform to the spectrogram."""
        from mirzoo.models.layers.stft import Spectrogram

        return Spectrogram(
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            win_length=self.win_length,
            window=self.window,
            center=self.center,
            power=self.power,
        )


class MelBank(Spectral):
    """Front-ends with a mel filterbank on the spectrogram."""

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

    def mel_filterbank(self, *, learnable: bool = False) -> MelFilterbank:
        """Make the layer from the spectrogram to mel bands."""
        from mirzoo.models.layers.mel import MelFilterbank

        return MelFilterbank(
            sample_rate=self.sample_rate,
            n_fft=self.n_fft,
            n_mels=self.n_mels,
            fmin=self.fmin,
            fmax=self.fmax,
            htk=self.htk,
            norm=self.norm,
            learnable=learnable,
        )
