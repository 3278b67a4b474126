"""What every head is: settings of a recipe, the layers, and where the output's frames lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import PositiveInt, model_validator

from mirzoo._support.registry import Registry
from mirzoo.dsp.framing import FrameGrid
from mirzoo.recipe.base import Config, Fraction, ParsedBy, Start, type_of
from mirzoo.recipe.frontends import Frontend

if TYPE_CHECKING:
    import keras

PitchLayout = Literal["pitches", "pitch_classes"]


class Head(Config):
    """From features to an embedding, of a clip or of each frame: the settings and the layers.

    ``pooling`` is ``none`` for results per frame, else one result per clip; ``mean_max`` puts the
    mean over frames and the maximum side by side. ``embedding`` is the size of the representation
    that the last layer gives. With ``depths: temporal`` the representation holds, behind it, the
    mean and the maximum of what each block over frames gives, with ``all`` the mean and the spread
    of every block too: more to tell a user's own classes apart by, as Choi et al. found ("Transfer
    learning for music classification and regression tasks", ISMIR 2017, arXiv:1703.09179).

    A head of your own is a subclass of this, or of `mirzoo.models.heads.SequenceHead`, with a field
    ``type``, registered with ``@HEADS.register``. Import Keras inside the methods that make
    layers.
    """

    convolves_bins: ClassVar[bool] = False
    """Whether it convolves over neighbouring bins, which must then be in some order."""

    pitch_layout: ClassVar[PitchLayout | None] = None
    """What lies side by side in its embedding, each ``embedding`` wide: pitches from low to high,
    or the twelve pitch classes; None where an embedding is one whole."""

    later: ClassVar[frozenset[str]] = frozenset({"trailing_frames"})

    if TYPE_CHECKING:
        type: str

    pooling: Literal["mean", "max", "mean_max", "attention", "trailing", "none"] = "mean"
    """How frames become one result for a clip; trailing gives a result for each frame, of the mean
    and the maximum over it and those before; none keeps each frame's own."""

    trailing_frames: PositiveInt = 94
    """How many frames trailing pooling takes, the frame itself among them."""

    embedding: PositiveInt = 128
    """Size of what the last layer before the output gives."""

    dropout: Fraction = 0.2
    """Share of the embedding that is left out at random in training."""

    depths: Literal["last", "temporal", "all"] = "last"
    """Whether the embedding is the last layer's, or holds what blocks over frames, or all blocks,
    give too."""

    @model_validator(mode="after")
    def _depths_are_of_clips(self) -> Self:
        if self.depths != "last" and self.per_frame:
            raise ValueError(
                f"depths {self.depths!r} describes a whole clip, but pooling {self.pooling!r} "
                "gives a result for each frame; leave depths out, or choose another pooling"
            )
        return self

    @property
    def per_frame(self) -> bool:
        """Whether there is a result for each frame."""
        return self.pooling in ("trailing", "none")

    @classmethod
    def starting(cls, frontend: Frontend, start: Start) -> dict[str, Any]:
        """Give the settings that a new recipe begins with, where these are not the defaults.

        Raises
        ------
        RecipeError
            If there are none that suit the front-end.
        """
        return {"pooling": "none" if start.framewise else "mean_max"}

    def embed(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Lead features to the embedding.

        Parameters
        ----------
        features : keras.KerasTensor
            ``(batch, frames, bins, channels)``.

        Returns
        -------
        keras.KerasTensor
            ``(batch, size)``, or ``(batch, frames, size)`` with a result for each frame.
        """
        raise TypeError(f"{type(self).__name__} defines no layers")

    @classmethod
    def import_layers(cls) -> None:
        """Import the modules of Keras layers of its own, so that a saved model finds them."""
        return None

    def output_grid(self, grid: FrameGrid) -> FrameGrid:
        """Where the frames of the output lie, given those of the features."""
        return grid

    def embedded_pitches(self, size: int) -> int:
        """How many pitches, or pitch classes, an embedding of this size holds; else 1."""
        return size // self.embedding if self.pitch_layout else 1


HEADS: Registry[type[Head]] = Registry("head", "mirzoo.models.heads", name_of=type_of)
"""Every head by the ``type`` that a recipe gives."""

HeadConfig = Annotated[Head, ParsedBy(HEADS)]
"""A field that holds any head."""


def __getattr__(name: str) -> Any:
    from mirzoo import recipe  # names that stood here in version 0.1

    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(recipe, name)
