"""What the front-ends share that start with a short-time Fourier transform."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.recipe.base import Start
from mirzoo.recipe.frontends import Frontend

if TYPE_CHECKING:
    from mirzoo.models.layers.mel import MelFilterbank
    from mirzoo.models.layers.stft import Spectrogram


class Spectral(Frontend):
    """Front-ends that start with a short-time Fourier transform."""

    sample_rate: PositiveInt = 16000
    """Samples a second that the model takes (Hz); audio at other rates is resampled."""

    n_fft: PositiveInt = 512
    """Length of the Fourier transform (samples)."""

    hop_length: PositiveInt = 256
    """Samples from frame to frame."""

    win_length: PositiveInt | None = None
    """Length of the window (samples), filled up with zeros to n_fft; null for n_fft."""

    window: Literal["hann", "hamming"] = "hann"
    """Shape of the window."""

    center: bool = True
    """Whether the middle of frame 0 is sample 0, as librosa has it."""

    power: Literal[1, 2] = 1
    """1 for magnitudes, 2 for energies."""

    @classmethod
    def starting(cls, start: Start) -> dict[str, Any]:
        overlapping = 2 ** math.ceil(math.log2(2 * start.hop_length))
        return {
            "sample_rate": start.sample_rate,
            "n_fft": overlapping if start.fmin is None else max(2048, overlapping),
            "hop_length": start.hop_length,
        }

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
    """Bands on the mel scale."""

    fmin: NonNegativeFloat = 0.0
    """Lower end of the lowest band (Hz)."""

    fmax: PositiveFloat | None = None
    """Upper end of the highest band (Hz); null for half the sample rate."""

    htk: bool = False
    """Whether the mel scale is HTK's; else it is Slaney's, librosa's default."""

    norm: Literal["slaney", "none"] = "slaney"
    """Whether each band is divided by its width."""

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
