"""What every front-end is: settings of a recipe, a grid of frames, and layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import PositiveInt

from mirzoo._support.registry import Registry
from mirzoo.dsp.framing import FrameGrid
from mirzoo.recipe.base import Config, ParsedBy, Start, type_of
from mirzoo.recipe.scalings import Level

if TYPE_CHECKING:
    import keras
    import numpy as np

Transposition = Callable[["np.ndarray", float], "np.ndarray"]
"""Moves magnitudes ``(frames, bins, channels)`` up by semitones."""


class Frontend(Config):
    """From a waveform to features: the settings, where the frames lie, and the Keras layers.

    A front-end of your own is a subclass of this with a field ``type`` and at least `grid`,
    `n_bins` and `transform_layers`, registered with ``@FRONTENDS.register``. Import Keras inside
    the methods that make layers.
    """

    ordered_bins: ClassVar[bool] = True
    """Whether neighbouring bins have something to do with each other, so that a head may
    convolve over them."""

    later: ClassVar[frozenset[str]] = frozenset({"level"})

    if TYPE_CHECKING:
        type: str

    sample_rate: PositiveInt

    level: Level | None = None
    """To what level a window is brought before anything else; null to leave it as it is."""

    @classmethod
    def starting(cls, start: Start) -> dict[str, Any]:
        """Give the settings that a new recipe begins with, where these are not the defaults."""
        return {}

    @property
    def bins_in_a_semitone(self) -> int | None:
        """How many bins a semitone has; None where bins do not lie along semitones."""
        return None

    @property
    def grid(self) -> FrameGrid:
        """Where the frames lie."""
        raise TypeError(f"{type(self).__name__} defines no frame grid")

    @property
    def reach(self) -> tuple[int, int]:
        """How far before and behind its time a frame depends on the waveform (samples).

        Frame ``k`` depends on the samples from ``k * hop_length - before`` up to, not including,
        ``k * hop_length + behind``. By default what the grid's frames cover; half the longest
        analysis window, at both sides.
        """
        return self.grid.pad_left, self.grid.frame_length - self.grid.pad_left

    @property
    def n_bins(self) -> int:
        """Bins in a frame."""
        raise TypeError(f"{type(self).__name__} defines no number of bins")

    @property
    def n_channels(self) -> int:
        """Channels in a bin."""
        return 1

    def layers(self) -> list[keras.layers.Layer]:
        """List the layers from the waveform ``(batch, samples)`` to the features, in order.

        What ``level`` asks for comes before them: see `mirzoo.models.frontends.level_layers`.

        The features are ``(batch, frames, n_bins, n_channels)``, float32 whatever the precision.
        """
        return [*self.transform_layers(), *self.scaling_layers()]

    def transform_layers(self) -> list[keras.layers.Layer]:
        """List the layers from the waveform to what is scaled, in order."""
        raise TypeError(f"{type(self).__name__} defines no layers")

    def scaling_layers(self) -> list[keras.layers.Layer]:
        """List the layers that compress the magnitudes, each value by itself or over time.

        Magnitudes can be cached, and changed in level or moved by semitones, before these.
        """
        return []

    @classmethod
    def import_layers(cls) -> None:
        """Import the modules of Keras layers of its own, so that a saved model finds them."""
        return None

    def bin_frequencies(self) -> np.ndarray:
        """The frequency of each bin of each channel (Hz), shape ``(bins, channels)``.

        Where bins are no frequencies (cepstra) they count as semitones.
        """
        import numpy as np

        return 2.0 ** (np.arange(self.n_bins) / 12)[:, np.newaxis] * np.ones(self.n_channels)

    def transposition(self) -> Transposition | None:
        """How magnitudes are moved by semitones; None where no bins lie along semitones."""
        return None


FRONTENDS: Registry[type[Frontend]] = Registry(
    "front-end", "mirzoo.models.frontends", name_of=type_of
)
"""Every front-end by the ``type`` that a recipe gives."""

FrontendConfig = Annotated[Frontend, ParsedBy(FRONTENDS)]
"""A field that holds any front-end."""


def __getattr__(name: str) -> Any:
    from mirzoo import recipe  # names that stood here in version 0.1

    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(recipe, name)
