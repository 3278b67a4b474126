"""Chroma, from a short-time Fourier transform or from a constant-Q transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import PositiveFloat, PositiveInt, model_validator

from mirzoo.dsp.cqt import plan_transform, reach_of
from mirzoo.dsp.framing import FrameGrid
from mirzoo.errors import RecipeError
from mirzoo.models.frontends._constant_q import FEWEST_FRAMES, transposition_by_bins
from mirzoo.recipe.base import Start
from mirzoo.recipe.frontends import FRONTENDS, Frontend, Transposition
from mirzoo.recipe.scalings import NoScaling, Scaling

if TYPE_CHECKING:
    import keras
    import numpy as np

C4_HZ = 261.6255653005986


@FRONTENDS.register
class ChromaConfig(Frontend):
    """Energy in the pitch classes, folded from an STFT or a CQT.

    The bins of ``source: stft`` are energies, those of ``source: cqt`` magnitudes, as they are in
    librosa.
    """

    type: Literal["chroma"] = "chroma"
    source: Literal["stft", "cqt"] = "cqt"
    """What is folded into pitch classes."""

    sample_rate: PositiveInt = 22050
    """Samples a second that the model takes (Hz); audio at other rates is resampled."""

    n_fft: PositiveInt = 4096
    """Length of the Fourier transform (samples), for the source stft."""

    hop_length: PositiveInt = 512
    """Samples from frame to frame."""

    n_chroma: PositiveInt = 12
    """Pitch classes in an octave."""

    fmin: PositiveFloat = 32.70319566257483
    """Frequency of the lowest bin of the constant-Q transform (Hz)."""

    n_octaves: PositiveInt = 7
    """Octaves of the constant-Q transform."""

    bins_per_octave: PositiveInt = 36
    """Bins in an octave of the constant-Q transform."""

    gapless: bool = False
    """Whether the constant-Q transform's frames are means over the whole hop."""

    scaling: Scaling = NoScaling()
    """How the values are compressed."""

    @classmethod
    def starting(cls, start: Start) -> dict[str, Any]:
        return {
            "sample_rate": start.sample_rate,
            "hop_length": start.hop_length,
            "gapless": start.frame_rate < FEWEST_FRAMES,
        }

    @model_validator(mode="after")
    def _gaps_are_a_cqts(self) -> Self:
        if self.gapless and self.source == "stft":
            raise ValueError(
                "gapless is of the source cqt, whose windows are short in the treble; with the "
                "source stft take an n_fft of twice the hop_length or more"
            )
        return self

    @property
    def bins_in_a_semitone(self) -> int | None:
        return None if self.n_chroma % 12 else self.n_chroma // 12

    @property
    def grid(self) -> FrameGrid:
        return FrameGrid.centered(self.sample_rate, self.hop_length, 2 * self.hop_length)

    @property
    def reach(self) -> tuple[int, int]:
        if self.source == "stft":
            return self.n_fft // 2, self.n_fft // 2
        return reach_of((plan_transform(**self._transform()),))

    def _transform(self) -> dict[str, Any]:
        """Settings of the constant-Q transform."""
        return {
            "sample_rate": self.sample_rate,
            "hop_length": self.hop_length,
            "fmin": self.fmin,
            "n_bins": self.n_octaves * self.bins_per_octave,
            "bins_per_octave": self.bins_per_octave,
            "gapless": self.gapless,
        }

    @property
    def n_bins(self) -> int:
        return self.n_chroma

    def transform_layers(self) -> list[keras.layers.Layer]:
        return self._from_cqt() if self.source == "cqt" else self._from_stft()

    def scaling_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.scaling import build_scaling

        return build_scaling(self.scaling, self, power=1 if self.source == "cqt" else 2)

    def bin_frequencies(self) -> np.ndarray:
        """Those of the octave from middle C up."""
        import numpy as np

        return C4_HZ * 2.0 ** (np.arange(self.n_bins) / self.n_chroma)[:, np.newaxis]

    def transposition(self) -> Transposition | None:
        return transposition_by_bins(self.n_chroma, circular=True)

    def _from_cqt(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.chroma import CQTChroma
        from mirzoo.models.layers.cqt import CQT

        transform = CQT(**self._transform())
        folding = CQTChroma(
            bins_per_octave=self.bins_per_octave, fmin=self.fmin, n_chroma=self.n_chroma
        )
        return [transform, folding]

    def _from_stft(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.chroma import STFTChroma
        from mirzoo.models.layers.stft import Spectrogram

        if self.n_fft % 2:
            raise RecipeError(f"n_fft = {self.n_fft}: allowed for chroma are even numbers")
        spectrogram = Spectrogram(n_fft=self.n_fft, hop_length=self.hop_length, power=2)
        return [spectrogram, STFTChroma(sample_rate=self.sample_rate, n_chroma=self.n_chroma)]
