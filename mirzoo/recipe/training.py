"""The sections ``data`` and ``training`` of a recipe."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from mirzoo.recipe.base import Config, Fraction


class DataConfig(Config):
    """What the shipped weights were trained on.

    Parameters
    ----------
    collections : tuple of str
        Names of collections of recordings, as ``mirzoo.data.sources`` lists them.
    teachers : tuple of str
        Models whose outputs are the targets (mean over those with the same labels): published
        ones and models of the zoo; for chords and melody also other recipes or runs
        (``<recipe>@<run>``), which are trained first; for these two also systems whose labels
        are stored with a collection.
    teachers_of : dict of str to tuple of str
        For taggers: collections of which some of the teachers alone predict tags, and which those
        are; what the others would predict is then unknown there.
    same_labels : dict of str to dict of str to tuple of str
        For taggers: teachers with other labels, and by which of these they call what some of the
        model's labels name. Their scores count by their order alone: each is taken for what the
        teachers with the model's labels give in as high a place, and the mean of the logits of
        both is the target.
    windows_per_item : int
        At most so many examples are taken from one recording.
    windows_of : dict of str to int
        For taggers: collections of whose recordings so many are taken instead.
    classes : tuple of str
        Those of the collections whose groups name a sound (an instrument, a kind of noise); a
        training-only output tells the groups apart.
    tests : tuple of str
        Further collections that the model is measured on.
    peers : tuple of str
        Models of the zoo that are measured on the same recordings, for comparison.
    """

    later: ClassVar[frozenset[str]] = frozenset({"same_labels", "teachers_of", "windows_of"})

    collections: tuple[str, ...]
    teachers: tuple[str, ...] = ()
    teachers_of: dict[str, tuple[str, ...]] = {}
    same_labels: dict[str, dict[str, tuple[str, ...]]] = {}
    windows_per_item: PositiveInt = 20
    windows_of: dict[str, PositiveInt] = {}
    classes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _classes_are_collections(self) -> Self:
        unknown = sorted(set(self.classes) - set(self.collections))
        if unknown:
            raise ValueError(
                f"classes names {unknown}, which are not among the collections "
                f"{list(self.collections)}"
            )
        return self

    @model_validator(mode="after")
    def _single_collections_are_named(self) -> Self:
        for key in ("teachers_of", "windows_of"):
            unknown = sorted(set(getattr(self, key)) - set(self.collections))
            if unknown:
                raise ValueError(
                    f"{key} names {unknown}, which are not among the collections "
                    f"{list(self.collections)}"
                )
        for collection, named in self.teachers_of.items():
            others = [teacher for teacher in named if teacher not in self.teachers]
            if others or not named:
                raise ValueError(
                    f"teachers_of.{collection} is {list(named)}; allowed are one or more of the "
                    f"teachers {list(self.teachers)}"
                )
        return self

    @model_validator(mode="after")
    def _teachers_are_named_once(self) -> Self:
        twice = sorted({name for name in self.teachers if self.teachers.count(name) > 1})
        if twice:
            raise ValueError(f"teachers names {twice} more than once; each counts once")
        return self

    @model_validator(mode="after")
    def _renaming_teachers_are_there(self) -> Self:
        unknown = sorted(set(self.same_labels) - set(self.teachers))
        if unknown:
            raise ValueError(
                f"same_labels names {unknown}, which are not among the teachers "
                f"{list(self.teachers)}"
            )
        return self


class Augmentation(Config):
    """Random changes of a training example that leave its labels true, or move them along.

    ``noise_db`` is the range of the noise's level: of a tagger's waveforms against full scale, of
    the magnitudes that chord and melody models learn from against 1; by default -60 to -30 and
    -75 to -35. ``mask_frames`` and ``mask_bins`` are the largest shares of frames and of bins that
    each of two masks sets to the mean of the features (SpecAugment: Park et al. 2019,
    arXiv:1904.08779). ``tempo`` stretches features and labels in time together, as Böck & Davies
    (ISMIR 2020) change an STFT's hop for; half of the examples drift to another factor. Of taggers
    alone: ``shift`` is the largest share of a window by which it begins earlier or later; with
    ``mixup`` two examples and their targets are
    mixed, the share of the second drawn from a beta distribution with this parameter twice (Zhang
    et al. 2018, arXiv:1710.09412); ``band_probability`` is how often the lowest and the highest
    frequencies are cut off, as loudspeakers, codecs and lower sample rates do; and
    ``silence_probability`` how often an example of a teacher's student is digital silence, or noise
    from -90 to -63 dB, without any tag.
    """

    gain_db: tuple[float, float] = (0.0, 0.0)
    """Range of the change of level (dB)."""

    noise_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """How often noise is added."""

    noise_db: tuple[float, float] | None = None
    """Range of its level (dB); null for the usual one."""

    equaliser_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """How often the spectrum is tilted or filtered."""

    shift: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Largest share of a window by which a tagger's example begins earlier or later."""

    mixup: NonNegativeFloat = 0.0
    """Of taggers: how evenly two examples and their targets are mixed; 0 for not at all."""

    band_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Of taggers: how often the lowest and highest frequencies are cut off."""

    silence_probability: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Of distilled taggers: how often an example is silence, which has no tag."""

    mask_frames: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Largest share of frames that each of two masks hides (SpecAugment)."""

    mask_bins: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Largest share of bins that each of two masks hides (SpecAugment)."""

    tempo: tuple[PositiveFloat, PositiveFloat] = (1.0, 1.0)
    """Of models with a result for each frame: range of factors by which an example goes faster."""

    @model_serializer(mode="wrap")
    def _without_what_is_not(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        newer = (  # cards of before have none
            "shift", "mixup", "band_probability", "silence_probability",
            "mask_frames", "mask_bins", "tempo",
        )  # fmt: skip
        usual = {key: type(self).model_fields[key].default for key in newer}
        return {
            key: value
            for key, value in dump(self).items()
            if key not in newer
            or (tuple(value) if isinstance(value, list) else value) != usual[key]
        }

    @model_validator(mode="after")
    def _tempo_ascends(self) -> Self:
        low, high = self.tempo
        if not 0.5 <= low <= high <= 2.0:
            raise ValueError(
                f"tempo is {list(self.tempo)}; allowed are two factors from 0.5 to 2, the lower "
                "first"
            )
        return self


class TrainingConfig(Config):
    """How the weights are fitted.

    ``embedding_weight``, ``auxiliary_weight`` and ``classes_weight`` weigh the losses of three
    training-only outputs: the teachers' embeddings, the tags of teachers with other labels, and
    the groups of ``data.classes``.
    ``transpose_semitones`` is the range by which examples are transposed, features and labels
    alike (an STFT's frequencies are stretched, other features shifted by bins);
    ``excerpt_probability`` is how often the music around a part of any length is left out, so
    that the model learns short clips too; ``consistency`` weighs how far the main output for an
    example may be from that for the same example in another tuning, which takes half of each batch
    (the symmetric divergence of Kullback and Leibler; features need bins along semitones);
    ``teacher_weight`` weighs the chords that teachers predict in recordings without labels against
    labels. ``example_s`` is the length (s) of a
    training example with labels over time, by default that of a window.
    ``initial_weights`` names a trained model, or a recipe or run to train first, whose weights
    are the starting point; ``initial_share`` is its share in the weighted mean of weights that
    the model has in the end (Wortsman et al., "Robust fine-tuning of zero-shot models",
    arXiv:2109.01903).
    With ``only_outputs`` the layers that no other output needs learn alone: the head and the other
    outputs stay as the initial weights have them.
    With ``precision`` bfloat16 the convolutions of chord and melody models are trained in it
    (weights, losses and all that is exported stay float32), which is faster on processors that
    multiply matrices of it.
    """

    later: ClassVar[frozenset[str]] = frozenset({"consistency", "only_outputs"})

    epochs: PositiveInt = 20
    """Passes over the data, at most."""

    batch_size: PositiveInt = 64
    """Examples for each step."""

    learning_rate: PositiveFloat = 1e-3
    """The highest; it rises to it and falls along half a cosine."""

    warmup_fraction: Fraction = 0.05
    """Share of the steps in which it rises."""

    weight_decay: NonNegativeFloat = 1e-4
    """How strongly weights are drawn to 0."""

    patience: PositiveInt = 5
    """On prepared corpora: training ends after so many epochs without progress on validation."""

    embedding_weight: NonNegativeFloat = 0.0
    """Weight of the loss against the embeddings of teachers."""

    auxiliary_weight: NonNegativeFloat = 0.0
    """Weight of the loss against tags of teachers with other labels."""

    classes_weight: NonNegativeFloat = 0.0
    """Weight of the loss of telling the groups of data.classes apart."""

    augmentation: Augmentation = Augmentation()
    """Random changes of examples."""

    transpose_semitones: tuple[int, int] = (0, 0)
    """By how many semitones examples are moved, features and labels alike."""

    excerpt_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """How often the music around a part of an example is left out."""

    consistency: NonNegativeFloat = 0.0
    """Weight of the difference between an example's result and that of the example detuned."""

    example_s: PositiveFloat | None = None
    """Length of an example with labels over time (s); null for that of a window."""

    teacher_weight: NonNegativeFloat = 0.5
    """Weight of what teachers predict against labels."""

    initial_weights: str | None = None
    """The trained model whose weights are the starting point; null for fresh ones."""

    initial_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of those weights in the weighted mean that the model has in the end."""

    only_outputs: tuple[str, ...] = ()
    """Outputs with a loss whose own layers learn alone; empty for all of the model."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """What the convolutions of chord and melody models are trained in."""

    seed: int = 0
    """Decides weights, order and changes."""

    @model_validator(mode="after")
    def _something_is_there_to_stay(self) -> Self:
        if self.only_outputs and self.initial_weights is None:
            raise ValueError(
                f"only_outputs is {list(self.only_outputs)}, but there are no initial_weights that "
                "the rest of the model could stay with; name a model or a recipe"
            )
        return self

    @model_validator(mode="after")
    def _share_is_somebodys(self) -> Self:
        if self.initial_share and self.initial_weights is None:
            raise ValueError(
                f"initial_share is {self.initial_share}, but there are no initial_weights to share "
                "with; name a model or a recipe"
            )
        return self
