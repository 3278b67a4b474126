"""One network for every pitch class, convolutions round their circle, means over seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveInt, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.errors import RecipeError
from mirzoo.models.heads._settings import PHASE, ConvBlock, PitchHead, grid_behind
from mirzoo.recipe.heads import HEADS, PitchLayout

if TYPE_CHECKING:
    import keras


@HEADS.register
class PitchClassCNNConfig(PitchHead):
    """2-D convolutions down to semitones, octaves folded, then one network for every pitch class.

    As ``pitch_class_crnn``, but without recurrence: each pitch class also gets its own means over
    the ``spans`` around a frame, and convolutions round the circle of pitch classes compare those.
    So much is enough for what changes as slowly as a key, and every frame can be computed at once.

    With ``tuning`` the embedding of each pitch class ends with two numbers more, which tell where
    in their semitones its tones lie: see `mirzoo.models.layers.tuning.TuningPhase`. They are
    measured in the features, not learnt.
    """

    convolves_bins: ClassVar[bool] = True
    pitch_layout: ClassVar[PitchLayout | None] = "pitch_classes"

    type: Literal["pitch_class_cnn"] = "pitch_class_cnn"
    blocks: tuple[ConvBlock, ...]
    """Convolutions over frames and bins, down to a bin a semitone."""

    filters: PositiveInt = 48
    """Channels of each pitch class behind the folding of octaves."""

    spans: tuple[PositiveInt, ...] = (25, 75)
    """Lengths of the means around each frame (frames), odd."""

    tuning: bool = False
    """Whether the embedding tells the tuning too, which can then be an output of the task."""

    @model_validator(mode="after")
    def _spans_are_centred(self) -> PitchClassCNNConfig:
        even = [span for span in self.spans if span % 2 == 0]
        if even or not self.spans:
            raise ValueError(
                f"spans {list(self.spans)}: allowed are odd numbers of frames, at least one, as a "
                "mean is centred on its frame"
            )
        return self

    def embed(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        from mirzoo.models.heads import _blocks as blocks
        from mirzoo.models.layers.pitch import PITCH_CLASSES, FoldOctaves
        from mirzoo.models.layers.tuning import TuningPhase

        x = blocks.convolve_2d(self.blocks, blocks.normalise_bins(features))
        semitones = x.shape[2]
        if semitones % PITCH_CLASSES:
            raise RecipeError(
                f"head.blocks leave {semitones} bins; a pitch_class_cnn folds octaves of twelve, "
                "so their strides must make a bin of each semitone"
            )
        x = FoldOctaves(name="fold_octaves")(x)
        x = layers.Conv2D(self.filters, 1, use_bias=False, name="fold_dense")(x)
        x = blocks.normalise_and_rectify(x, "fold")
        x = blocks.round_the_circle(x, self.filters, "circle0")
        means = [
            layers.AveragePooling2D((span, 1), 1, padding="same", name=f"mean_of_{span}")(x)
            for span in self.spans
        ]
        x = layers.Concatenate(name="with_means")([x, *means])
        x = layers.Conv2D(self.filters, 1, use_bias=False, name="means_dense")(x)
        x = blocks.normalise_and_rectify(x, "means")
        x = blocks.round_the_circle(x, self.filters, "circle1")
        if not self.tuning:
            return blocks.embed_pitches(self, x)
        bins_per_semitone = features.shape[2] // semitones
        phase = TuningPhase(bins_per_semitone, name="tuning_phase")(features)
        return blocks.embed_pitches(self, x, besides=phase)

    def embedded_pitches(self, size: int) -> int:
        return size // (self.embedding + PHASE * self.tuning)

    def output_grid(self, grid: FrameGrid) -> FrameGrid:
        return grid_behind(grid, self.blocks)
