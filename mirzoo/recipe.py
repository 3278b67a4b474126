"""Recipes: which front-end, head and task make a model, and how its weights were trained.

A recipe is a YAML file read into frozen, strict models: an unknown key, a value of the wrong
type or out of range is an error that cites file, key, value and what is allowed. A recipe is
plain data; nothing in it names code.

The file's name is the recipe's name, ``<frontend>_<head>_<role>``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.dsp.framing import FrameGrid
from mirzoo.errors import RecipeError

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is eight times faster


class Config(BaseModel):
    """Base of everything in a recipe: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# --------------------------------------------------------------------------------------------
# Scalings


class NoScaling(Config):
    """Leave the features as they are."""

    type: Literal["none"] = "none"


class LogScaling(Config):
    """``log10(1 + c * x)``."""

    type: Literal["log"] = "log"
    c: PositiveFloat = 10000.0


class DecibelScaling(Config):
    """Decibels against a fixed reference, clipped from below at ``floor_db``."""

    type: Literal["db"] = "db"
    reference: PositiveFloat = 1.0
    floor_db: Annotated[float, Field(lt=0.0)] = -80.0


class PCENScaling(Config):
    """Per-channel energy normalisation (Wang et al. 2017, arXiv:1607.05666)."""

    type: Literal["pcen"] = "pcen"
    time_constant_s: PositiveFloat = 0.4
    gain: PositiveFloat = 0.98
    bias: PositiveFloat = 2.0
    power: PositiveFloat = 0.5
    eps: PositiveFloat = 1e-6
    trainable: bool = False


Scaling = Annotated[
    NoScaling | LogScaling | DecibelScaling | PCENScaling, Field(discriminator="type")
]


# --------------------------------------------------------------------------------------------
# Front-ends


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


# --------------------------------------------------------------------------------------------
# Heads


class ConvBlock(Config):
    """A convolution over (frames, bins), batch normalisation and ReLU, ``repeats`` times.

    ``residual`` adds the input to the output (through a 1 x 1 convolution where shapes differ);
    ``separable`` convolves each channel by itself and then mixes them. Only the first of the
    repeats is strided.
    """

    kind: Literal["plain", "residual", "separable"] = "plain"
    filters: PositiveInt
    kernel: tuple[PositiveInt, PositiveInt] = (3, 3)
    stride: tuple[PositiveInt, PositiveInt] = (1, 1)
    repeats: PositiveInt = 1

    @model_validator(mode="after")
    def _separable_strides_equal(self):
        if self.kind == "separable" and self.stride[0] != self.stride[1]:
            raise ValueError(
                f"stride {list(self.stride)} differs between frames and bins, which a separable "
                "convolution cannot do; allowed are equal strides"
            )
        return self


class TemporalBlock(Config):
    """A convolution over frames alone; the fields are those of `ConvBlock`."""

    kind: Literal["plain", "residual", "separable"] = "plain"
    filters: PositiveInt
    kernel: PositiveInt = 3
    stride: PositiveInt = 1
    repeats: PositiveInt = 1


class RecurrentStack(Config):
    """Recurrent layers, each seeing the whole sequence of the one below."""

    cell: Literal["gru", "lstm"] = "gru"
    units: tuple[PositiveInt, ...] = (64,)
    bidirectional: bool = True

    @model_validator(mode="after")
    def _has_layers(self):
        if not self.units:
            raise ValueError("units names no layer; give at least one number of units")
        return self


class Head(Config):
    """What every head ends with: pooling over time, then the embedding.

    ``pooling`` is ``none`` for results per frame, else one result per clip; ``mean_max`` puts the
    mean over frames and the maximum side by side. ``embedding`` is the
    size of the representation that `mirzoo.load(...).embed` returns.
    """

    pooling: Literal["mean", "max", "mean_max", "attention", "none"] = "mean"
    embedding: PositiveInt = 128
    dropout: Fraction = 0.2


class CNNConfig(Head):
    """2-D convolutions on the spectrogram, then 1-D ones over frames."""

    type: Literal["cnn"] = "cnn"
    blocks: tuple[ConvBlock, ...]
    temporal: tuple[TemporalBlock, ...] = ()

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.blocks:
            raise ValueError("blocks is empty; a cnn head needs at least one block")
        return self


class CNN1DConfig(Head):
    """1-D convolutions over frames, every bin an input channel."""

    type: Literal["cnn1d"] = "cnn1d"
    temporal: tuple[TemporalBlock, ...]

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.temporal:
            raise ValueError("temporal is empty; a cnn1d head needs at least one block")
        return self


class RNNConfig(Head):
    """Recurrent layers over frames."""

    type: Literal["rnn"] = "rnn"
    recurrent: RecurrentStack = RecurrentStack()


class CRNNConfig(Head):
    """2-D convolutions on the spectrogram, then recurrent layers over frames."""

    type: Literal["crnn"] = "crnn"
    blocks: tuple[ConvBlock, ...]
    recurrent: RecurrentStack = RecurrentStack()

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.blocks:
            raise ValueError("blocks is empty; a crnn head needs at least one block")
        return self


class FramewiseHead(Config):
    """What the heads that answer for every frame share.

    ``embedding`` is the size of the representation of one pitch, or of one pitch class.
    """

    pooling: Literal["none"] = "none"
    embedding: PositiveInt = 16
    dropout: Fraction = 0.1


class PitchClassCRNNConfig(FramewiseHead):
    """2-D convolutions down to semitones, octaves folded, then one network for every pitch class.

    ``blocks`` end with a bin a semitone. ``filters`` is the width of what follows the folding:
    convolutions round the circle of pitch classes and, with ``recurrent``, recurrent layers over
    each pitch class's frames. A chord is the same on every root but for the rotation.
    """

    type: Literal["pitch_class_crnn"] = "pitch_class_crnn"
    blocks: tuple[ConvBlock, ...]
    filters: PositiveInt = 32
    recurrent: RecurrentStack = RecurrentStack()


class FrameContext(Config):
    """What a pitch hears of all others: each frame squeezed, looked at over time, spread again.

    ``squeeze`` channels of every pitch make the frame's vector, ``units`` is its size after a
    dense layer, and convolutions of ``kernel`` frames, one for each of ``dilations``, follow.
    ``spread`` channels go back to every pitch.
    """

    squeeze: PositiveInt = 6
    units: PositiveInt = 96
    kernel: PositiveInt = 5
    dilations: tuple[PositiveInt, ...] = (1, 2, 4)
    spread: PositiveInt = 8


class PitchCNNConfig(FramewiseHead):
    """2-D convolutions that keep the pitches apart, with context from the whole frame.

    ``blocks`` come before ``context`` and ``pitch_blocks`` after it; after them there is a bin a
    semitone.
    """

    type: Literal["pitch_cnn"] = "pitch_cnn"
    blocks: tuple[ConvBlock, ...]
    context: FrameContext = FrameContext()
    pitch_blocks: tuple[ConvBlock, ...] = ()


HeadConfig = Annotated[
    CNNConfig | CNN1DConfig | RNNConfig | CRNNConfig | PitchClassCRNNConfig | PitchCNNConfig,
    Field(discriminator="type"),
]


# --------------------------------------------------------------------------------------------
# Tasks


class TaggingConfig(Config):
    """Which labels apply: any number of them (``sigmoid``) or exactly one (``softmax``)."""

    type: Literal["tagging"] = "tagging"
    labels: tuple[str, ...]
    activation: Literal["sigmoid", "softmax"] = "sigmoid"

    @model_validator(mode="after")
    def _labels_are_distinct(self):
        if not self.labels:
            raise ValueError("labels is empty; a tagger needs at least one label")
        twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if twice:
            raise ValueError(f"labels holds {twice} more than once; each label is listed once")
        return self


class ChordsConfig(Config):
    """Which chord sounds when.

    ``vocabulary`` is ``majmin`` (25 classes) or ``large`` (169); with ``structured`` the model
    also names the root, the bass and every pitch class that sounds.
    """

    type: Literal["chords"] = "chords"
    vocabulary: Literal["majmin", "large"] = "large"
    structured: bool = True

    @property
    def qualities(self) -> tuple[str, ...]:
        """The qualities that a root may have, in the order of the classes."""
        return VOCABULARIES[self.vocabulary].qualities

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes in order, "N" first."""
        return VOCABULARIES[self.vocabulary].labels


class MelodyConfig(Config):
    """Which pitch the melody has when, in bins from ``fmin`` (Hz) up, and whether it sounds."""

    type: Literal["melody"] = "melody"
    fmin: PositiveFloat = 28.469809
    n_octaves: PositiveInt = 6
    bins_per_octave: PositiveInt = 60

    @model_validator(mode="after")
    def _divides_semitones(self):
        if self.bins_per_octave % 12:
            raise ValueError(
                f"bins_per_octave {self.bins_per_octave} does not divide semitones; allowed are "
                "multiples of 12"
            )
        return self

    @property
    def n_bins(self) -> int:
        """Bins of the salience."""
        return self.n_octaves * self.bins_per_octave


TaskConfig = Annotated[TaggingConfig | ChordsConfig | MelodyConfig, Field(discriminator="type")]


# --------------------------------------------------------------------------------------------
# Data and training


class DataConfig(Config):
    """What the shipped weights were trained on.

    Parameters
    ----------
    collections : tuple of str
        Names of collections of recordings, as ``mirzoo.data.sources`` lists them.
    teachers : tuple of str
        Models whose outputs are the targets (mean over those with the same labels): published
        ones; for chords also systems whose labels lie beside a collection; for a melody, models
        of the zoo and other recipes, which are trained first.
    windows_per_item : int
        At most so many examples are taken from one recording.
    classes : tuple of str
        Those of the collections whose groups name what is heard (an instrument, a kind of
        noise); a training-only output tells the groups apart.
    tests : tuple of str
        Further collections that a chord or melody model is measured on.
    peers : tuple of str
        Models of the zoo that are measured beside it.
    """

    collections: tuple[str, ...]
    teachers: tuple[str, ...] = ()
    windows_per_item: PositiveInt = 20
    classes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _classes_are_collections(self):
        unknown = sorted(set(self.classes) - set(self.collections))
        if unknown:
            raise ValueError(
                f"classes names {unknown}, which are not among the collections "
                f"{list(self.collections)}"
            )
        return self


class Augmentation(Config):
    """Random changes of a training example that leave its labels true.

    ``noise_db`` is the range of the noise's level: of a tagger's waveforms against full scale, of
    the magnitudes that chord and melody models learn from against 1; by default -60 to -30 and
    -75 to -35.
    """

    gain_db: tuple[float, float] = (0.0, 0.0)
    noise_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    noise_db: tuple[float, float] | None = None
    equaliser_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0


class TrainingConfig(Config):
    """How the weights are fitted.

    ``embedding_weight``, ``auxiliary_weight`` and ``classes_weight`` weigh the losses of three
    training-only outputs: the teachers' embeddings, the tags of teachers with other labels, and
    the groups of ``data.classes``.
    ``transpose_semitones`` is the range by which chords and melodies are moved, features and
    labels alike (an STFT's frequencies are stretched, other features shifted by bins);
    ``excerpt_probability`` is how often the music around a part of any length is
    left out, so that they are known from short clips too; ``teacher_weight`` weighs the chords
    that teachers hear in recordings without labels against labels. ``example_s`` is the length (s)
    of a training example of chords or melody, by default that of a window.
    ``initial_weights`` names a trained model, or a recipe to train first, whose trunk is the
    starting point; ``initial_share`` is its share in the weighted mean of weights that is kept in
    the end (Wortsman et al., "Robust fine-tuning of zero-shot models", arXiv:2109.01903).
    With ``precision`` bfloat16 the convolutions of chord and melody models are trained in it
    (weights, losses and all that is exported stay float32), which is faster on processors that
    multiply matrices of it.
    """

    epochs: PositiveInt = 20
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 1e-3
    warmup_fraction: Fraction = 0.05
    weight_decay: NonNegativeFloat = 1e-4
    patience: PositiveInt = 5
    embedding_weight: NonNegativeFloat = 0.0
    auxiliary_weight: NonNegativeFloat = 0.0
    classes_weight: NonNegativeFloat = 0.0
    augmentation: Augmentation = Augmentation()
    transpose_semitones: tuple[int, int] = (0, 0)
    excerpt_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    example_s: PositiveFloat | None = None
    teacher_weight: NonNegativeFloat = 0.5
    initial_weights: str | None = None
    initial_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: int = 0

    @model_validator(mode="after")
    def _share_is_somebodys(self):
        if self.initial_share and self.initial_weights is None:
            raise ValueError(
                f"initial_share is {self.initial_share}, but there are no initial_weights to share "
                "with; name a model or a recipe"
            )
        return self


class Source(Config):
    """Where the architecture comes from."""

    paper: str
    section: str | None = None
    url: str | None = None


class Recipe(Config):
    """A front-end, a head and a task, with all that is needed to train the weights again.

    ``window_s`` (s) is the length of the windows that a long recording is cut into, and of a
    training example where ``training.example_s`` says nothing else. Of results per frame those of
    the first and the last ``context_s`` (s) of a window are dropped, since what they depend on is
    not all in it; the windows overlap by twice as much.
    """

    description: str
    frontend: FrontendConfig
    head: HeadConfig
    task: TaskConfig
    window_s: PositiveFloat = 3.008
    context_s: NonNegativeFloat = 0.0
    data: DataConfig | None = None
    training: TrainingConfig = TrainingConfig()
    source: Source

    @model_validator(mode="after")
    def _frames_tile(self):
        if self.context_s == 0.0:
            return self
        if self.head.pooling != "none":
            raise ValueError(
                f"context_s is {self.context_s} and head.pooling {self.head.pooling!r}, but only "
                "results per frame have edges to drop; allowed is 0"
            )
        frame_rate = self.frontend.grid.frame_rate
        for key, seconds in (("context_s", self.context_s), ("window_s", self.window_s)):
            if abs(seconds * frame_rate - round(seconds * frame_rate)) > 1e-6:
                raise ValueError(
                    f"{key} {seconds} is no whole number of frames at {frame_rate:g} a second"
                )
        if 2 * self.context_s >= self.window_s:
            raise ValueError(
                f"context_s {self.context_s} on both sides leaves nothing of window_s "
                f"{self.window_s}"
            )
        return self

    @model_validator(mode="after")
    def _head_suits_task(self):
        if self.task.type != "tagging" and self.head.pooling != "none":
            raise ValueError(
                f"head.pooling {self.head.pooling!r} gives one result a clip, but "
                f"'{self.task.type}' asks for one a frame; allowed is 'none'"
            )
        framewise = isinstance(self.head, FramewiseHead)
        suited = {"pitch_class_crnn": "chords", "pitch_cnn": "melody"}
        if framewise and suited[self.head.type] != self.task.type:
            raise ValueError(
                f"a {self.head.type!r} head is made for {suited[self.head.type]}; for "
                f"'{self.task.type}' take another head"
            )
        return self

    @model_validator(mode="after")
    def _head_suits_frontend(self):
        if self.frontend.type == "raw" and self.head.type not in ("cnn1d", "rnn"):
            raise ValueError(
                "head.type "
                f"{self.head.type!r} convolves over neighbouring bins, but the bins of a 'raw' "
                "front-end are learnt filters in no order; allowed are 'cnn1d' and 'rnn'"
            )
        return self

    @model_validator(mode="after")
    def _taggers_learn_from_waveforms(self):
        if self.task.type != "tagging":
            return self
        training = self.training
        for key, value, allowed in (
            ("precision", training.precision, "float32"),
            ("transpose_semitones", training.transpose_semitones, (0, 0)),
            ("excerpt_probability", training.excerpt_probability, 0.0),
            ("example_s", training.example_s, None),
        ):
            if value != allowed:
                raise ValueError(
                    f"training.{key} is {value!r}, but taggers learn from waveforms, through "
                    f"their front-ends, as they are; allowed is {allowed!r}"
                )
        return self

    @model_validator(mode="after")
    def _only_chords_weigh_teachers(self):
        usual = TrainingConfig.model_fields["teacher_weight"].default
        if self.task.type != "chords" and self.training.teacher_weight != usual:
            raise ValueError(
                f"training.teacher_weight is {self.training.teacher_weight:g}, but only chords "
                f"weigh teachers against labels; leave it out for '{self.task.type}'"
            )
        return self

    def with_labels(self, labels, *, activation: str | None = None) -> Recipe:
        """Return the same recipe for other labels, without the data that it was trained on."""
        task = TaggingConfig(
            labels=tuple(labels), activation=activation or self.task.activation
        )
        return self.model_copy(update={"task": task, "data": None})


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe file.

    Parameters
    ----------
    path : str or Path
        A ``.yaml`` file.

    Returns
    -------
    Recipe

    Raises
    ------
    RecipeError
        If the file is missing, is no YAML, or holds anything that a recipe does not allow;
        the message cites file, key, value and what is allowed.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror or error}") from error
    return parse_recipe(text, where=str(path))


def parse_recipe(text: str, *, where: str = "recipe") -> Recipe:
    """Read a recipe from YAML text; ``where`` names it in errors. See `load_recipe`."""
    try:
        values = yaml.load(text, Loader=_YAML_LOADER)
    except yaml.YAMLError as error:
        raise RecipeError(f"{where} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise RecipeError(
            f"{where} holds {type(values).__name__}, not a mapping; a recipe has the keys "
            f"{', '.join(Recipe.model_fields)}"
        )
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"{where}: {describe_validation_error(error)}") from error


def describe_validation_error(error: ValidationError) -> str:
    """Say in one line per fault which key holds which value and what is allowed."""
    return "; ".join(_describe_fault(fault) for fault in error.errors())


def _describe_fault(fault: dict) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "as a whole"
    received = fault["input"]
    shown = repr(received)
    if len(shown) > 80:
        shown = f"{shown[:77]}..."
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{key} = {shown} is not a known key; check its spelling"
    return f"{key} = {shown}: {fault['msg']}"


