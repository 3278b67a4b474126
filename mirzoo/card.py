"""The card of a trained model: what goes in, what comes out, how good it is and whose it is.

A card is the only place where the meaning of a model's numbers is written down: `card.json` in the
model's folder. The part of it without which the numbers mean nothing, the `Contract`, is inside
`model.keras`, `model.tflite` and `.onnx` files too.
"""

from __future__ import annotations

import inspect
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import ErrorDetails

from mirzoo._support.allowed import allowed_by, shortened
from mirzoo._support.files import write_whole
from mirzoo._support.moved import moved_names
from mirzoo._support.names import did_you_mean
from mirzoo.errors import CardError, UnknownNameError
from mirzoo.recipe.base import ParsedBy
from mirzoo.recipe.tasks import TASKS

CARD_FILE = "card.json"
FORMAT = 4
"""The newest version of the format of cards and contracts; this mirzoo reads all until then."""

WRITTEN_FORMAT = 2
"""The version of what has no `Exported` and no thresholds of tags: what 0.2 reads too."""

LIVE_FORMAT = 4
"""The version of live models, and of files that go step by step."""

NETWORK = ("frontend", "head", "task", "window_s", "context_s", "live")
"""The keys of a recipe that define the network."""

NOT_IN_FILE = "not in the model's file: it is on the card.json that the file was saved with"
"""Stands for all prose of a card where a model was loaded from a lone file."""

FRAME_ROUNDING = 1e-6

LABEL_INDEX = "label index"
"""The unit of outputs that are indices into the labels of a card."""

MOST_HZ, MOST_SAMPLES = 1_000_000, 100_000_000
LARGEST_CARD_BYTES = 1 << 24

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*(@[a-z0-9_]+)?$")]  # recipe@run
FileName = Annotated[str, Field(pattern=r"^[^/\\.][^/\\]*(/[^/\\.][^/\\]*)*$")]  # in the folder
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, strict=True)]
Samples = Annotated[int, Field(ge=1, le=MOST_SAMPLES, strict=True)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveHz = Annotated[float, Field(gt=0.0)]
Cost = Annotated[float, Field(ge=0.0)]
Lag = Annotated[float | None, Field(default=None, ge=0.0, le=60.0)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class InputContract(_Entry):
    """What a model takes: mono float32 waveforms in [-1, 1].

    Parameters
    ----------
    sample_rate : int
        Samples per second (Hz).
    min_samples : int
        The shortest waveform that the Keras model takes (samples).
    window_samples : int
        The length that long recordings are cut into, and the fixed input of `model.tflite`.
    hop_samples : int
        From the start of one window to the start of the next (samples).
    pad_left_samples : int
        Zeros put before a recording, so that its first frame is centred on its first sample.
    whole : bool
        Whether a recording that ends within the first window is processed in one piece, exactly as
        long as it is: for models whose every frame depends on the whole input. Their
        `model.tflite` takes any length from ``min_samples`` on. Longer recordings are processed
        in windows, each without regard to the others.

    Where the outputs have frames (chords, melody, notes), windows overlap: of each, the middle
    ``hop_samples`` count, and the `context_samples` at either side are only context of their
    frames. ``pad_left_samples`` is then the context, so that the middles tile the recording from
    its first sample on.
    """

    sample_rate: Annotated[int, Field(ge=1, le=MOST_HZ, strict=True)]
    min_samples: Samples
    window_samples: Samples
    hop_samples: Samples
    pad_left_samples: Annotated[int, Field(ge=0, le=MOST_SAMPLES, strict=True)] = 0
    whole: bool = False

    @model_validator(mode="after")
    def _lengths_fit(self) -> InputContract:
        if self.min_samples > self.window_samples:
            raise ValueError(
                f"min_samples {self.min_samples} is longer than window_samples "
                f"{self.window_samples}; a window must be long enough for the model"
            )
        if self.hop_samples > self.window_samples:
            raise ValueError(
                f"hop_samples {self.hop_samples} is longer than window_samples "
                f"{self.window_samples}; audio between two windows would never be processed"
            )
        if self.whole and self.pad_left_samples == 0:
            raise ValueError(
                "whole is true and pad_left_samples is 0; windows of recordings that are too long "
                "to be processed in one piece need context: let window_samples exceed hop_samples "
                "and put half of the difference before the recording"
            )
        return self

    @property
    def context_samples(self) -> int:
        """Half of what neighbouring windows share (samples)."""
        return (self.window_samples - self.hop_samples) // 2


class Axis(_Entry):
    """One axis of an output; `size` is None where it depends on the input."""

    name: Text
    size: Count | None
    unit: Text


class OutputSpec(_Entry):
    """One named output, without its batch axis.

    ``frame_rate`` (Hz) where it has frames: frame ``k`` of a window is centred
    ``first_frame_s + k / frame_rate`` after the window's first sample.
    """

    name: Name
    axes: list[Axis]
    frame_rate: PositiveHz | None = None
    first_frame_s: float = 0.0


class Decoding(_Entry):
    """How a task's outputs become an annotation; each task has a class of its own.

    ``type`` is the task's name. What tells what the outputs are (``fixed``) cannot be changed
    for a model whose weights are trained.
    """

    fixed: ClassVar[frozenset[str]] = frozenset({"type"})

    later: ClassVar[frozenset[str]] = frozenset({"lag_s"})
    """Settings that older versions of mirzoo do not know: written where they are not at their
    default alone."""

    type: str

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """What each setting means: its text in the class's docstring, in one line.

        Empty where Python left docstrings out (``-OO``).
        """
        parameters = inspect.cleandoc(cls.__doc__ or "").partition(f"Parameters\n{'-' * 10}\n")[2]
        found: dict[str, str] = {}
        names: list[str] = []
        for line in parameters.partition("\n\n")[0].splitlines():
            if not line.startswith(" "):
                names = line.partition(" : ")[0].split(", ")
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}" if line[0] == " " else ""
        return {name: text.strip().replace("``", "") for name, text in found.items()}

    def with_settings(self, settings: Mapping[str, Any], name: str) -> Self:
        """Give a copy with other values, none of them converted: no ``"yes"``, no ``1`` for true.

        Parameters
        ----------
        settings : mapping of str to value
        name : str
            Of the model, for messages.

        Raises
        ------
        CardError
            If a value is not allowed: it names the setting, what was received and what is allowed.
        """

        def told(setting: str) -> str:
            allowed = allowed_by(type(self).model_json_schema()["properties"][setting])
            return f"{setting} is {shortened(settings[setting])}; allowed are {allowed}"

        def of_fault(fault: ErrorDetails) -> str:
            setting = str(fault["loc"][0]) if fault["loc"] else ""
            if setting not in settings or fault["type"] == "value_error":
                return fault["msg"].removeprefix("Value error, ")
            return told(setting)

        values: dict[str, Any] = self.model_dump(mode="json")
        for setting, value in settings.items():
            # NumPy's numbers and arrays, without importing it here.
            values[setting] = value.tolist() if hasattr(value, "tolist") else value
            try:
                json.dumps(values[setting])
            except (TypeError, ValueError, RecursionError):
                raise CardError(f"the decoding of '{name}': {told(setting)}") from None
        try:
            # In JSON a list is a tuple too, which strictly it is not in Python.
            return type(self).model_validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            faults = "; ".join(dict.fromkeys(map(of_fault, error.errors())))
            raise CardError(f"the decoding of '{name}': {faults}") from None

    @model_serializer(mode="wrap")
    def _without_later_defaults(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = dump(self)
        for name in self.later & fields.keys():
            if getattr(self, name) == type(self).model_fields[name].default:
                del fields[name]
        return fields


class Metric(_Entry):
    """A measured score.

    Parameters
    ----------
    dataset, split, metric : str
        What was measured on what; `metric` names the figure (``"macro ROC-AUC"``).
    value : float
        The score.
    n : int
        How many items it was measured on.
    method : str
        How, in words that let somebody measure it again.
    rendered : bool
        Whether the audio was rendered from symbols rather than recorded.
    baseline : dict of str to float
        The same figure of others on the same items.
    interval : pair of float, optional
        Where the score lies in 95 % of bootstrap resamples of the items, whole groups at a time
        (`mirzoo.evaluation.bootstrap`).
    """

    dataset: Text
    split: Text
    metric: Text
    value: float
    n: Count
    method: Text
    rendered: bool = False
    baseline: dict[str, float] = {}
    interval: tuple[float, float] | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_not(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = dump(self)
        if fields.get("interval") is None:
            fields.pop("interval", None)  # as older versions of mirzoo expect
        return fields


class OwnData(_Entry):
    """Somebody's own recordings that a model was fitted to, as a card states them.

    Parameters
    ----------
    name : str
        Of the data set or its folder; no path.
    checksum : str, optional
        SHA-256 over all recordings and their labels.
    recordings, groups : int
        How many were learnt from.
    labels : dict of str to int
        How many of them have each label; empty where labels are over time.
    held_out : int
        How many were not learnt from, and measure the result.
    held_out_labels : dict of str to int
        How many of these have each label.
    split : str
        How the two were divided.
    skipped : int
        How many were left out, because they could not be used.
    """

    name: Text
    checksum: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    recordings: Annotated[int, Field(ge=0, strict=True)]
    groups: Annotated[int, Field(ge=0, strict=True)]
    labels: dict[str, int] = {}
    held_out: Annotated[int, Field(ge=0, strict=True)] = 0
    held_out_labels: dict[str, int] = {}
    split: Text
    skipped: Annotated[int, Field(ge=0, strict=True)] = 0


class Fitting(_Entry):
    """How a model was fitted to somebody's own data.

    Parameters
    ----------
    data : OwnData
    base : str, optional
        The model that it began with; None for fresh weights.
    base_licence : str, optional
        Of that model's weights.
    strategy, chosen : str
        What was asked for, and what was done.
    epochs : int
        Passes over the data by gradient that are in the weights; 0 for a probe alone.
    settings : dict of str to value
        All options as they ran, defaults too.
    """

    data: OwnData
    base: Text | None
    base_licence: Text | None = None
    strategy: Text
    chosen: Text
    epochs: Annotated[int, Field(ge=0, strict=True)]
    settings: dict[str, JsonValue] = {}


Commercial = Literal["yes", "no", "unstated"]
"""Whether what weights learnt from allows commercial use."""


def commercial_of_all(answers: Iterable[Commercial | None]) -> Commercial:
    """Whether several sources allow commercial use together: one that does not decides.

    Parameters
    ----------
    answers : iterable of {"yes", "no", "unstated"} or None
        None counts as unstated.

    Examples
    --------
    >>> commercial_of_all(["yes", "unstated", "no"]), commercial_of_all(["yes", None])
    ('no', 'unstated')
    >>> commercial_of_all(["yes", "yes"])
    'yes'
    """
    given = {answer or "unstated" for answer in answers}
    if "no" in given:
        return "no"
    return "yes" if given == {"yes"} else "unstated"


class Licences(_Entry):
    """Under which terms the code, the weights and the training data stand.

    Parameters
    ----------
    code, weights, data : str
        The licences, by name.
    commercial : {"yes", "no", "unstated"}
        Whether all that the weights learnt from, recordings and teachers, allows commercial use. It
        is what licences state, and no legal advice.
    """

    code: Text
    weights: Text
    data: Text
    commercial: Commercial = "unstated"


class StateSpec(_Entry):
    """A tensor that a step of a stream takes and gives anew: float32, zeros at first."""

    name: Text
    shape: list[Count]


class Streaming(_Entry):
    """How a model goes through a stream step by step.

    A step takes ``step_samples`` samples and gives ``step_frames`` frames; the first
    ``delay_frames`` frames of a stream lie before its beginning.

    Parameters
    ----------
    step_samples, step_frames : int
    delay_frames : int
        How many frames late results are: what the analysis window and the network look ahead.
    analysis_samples : int
        Half of the longest analysis window (samples), part of that delay.
    states : list of StateSpec
        What it remembers from step to step.
    """

    step_samples: Samples
    step_frames: Count
    delay_frames: Annotated[int, Field(ge=0, le=MOST_SAMPLES, strict=True)]
    analysis_samples: Annotated[int, Field(ge=0, le=MOST_SAMPLES, strict=True)]
    states: list[StateSpec]


class Exported(_Entry):
    """What an exported file takes and gives, where it is not just what the model does.

    Parameters
    ----------
    outputs : list of str
        The outputs that it has, in their order; ``"embedding"`` may be one of them.
    batch : int or None
        How many windows go in at once; None for any number.
    input_type : {"float32", "int16"}
        Samples in [-1, 1], or integers in [-32768, 32767].
    any_length : bool
        Whether it takes windows of any length from ``min_samples`` on.
    model_rate : int
        Samples per second of the model itself (Hz), to which its input is resampled inside.
    decisions : list of OutputSpec, optional
        Of a file that decodes inside, what it gives in the place of the card's outputs; the
        settings are those of the contract's ``decoding``.
    streaming : Streaming, optional
        Of a file that goes through a stream step by step.
    """

    outputs: Annotated[list[Name], Field(min_length=1)]
    batch: Count | None
    input_type: Literal["float32", "int16"] = "float32"
    any_length: bool = False
    model_rate: Annotated[int, Field(ge=1, le=MOST_HZ, strict=True)]
    decisions: Annotated[list[OutputSpec], Field(min_length=1)] | None = None
    streaming: Streaming | None = None


class Contract(_Entry):
    """What a model's binaries carry: all that is needed to run it, build it and train it on.

    Nothing in it is prose, so that a sentence changed on a card changes no binary.

    Parameters
    ----------
    format : int
        Version of this format: 2, or 3 with ``exported``, a tagger's ``decoding`` or, on a card,
        ``fitting``, or 4 of live models. Files of version 0.1 have none, which is format 1.
    name : str
        The model's name, that of its folder.
    task : str
        Decides what its outputs mean and how they become an annotation.
    recipe : dict or None
        Of the resolved recipe what defines the network (`NETWORK`); None for a published model
        rebuilt here.
    input : InputContract
    labels : list of str
        In the order of the last axis of the main output, the first of ``outputs``; chords in
        Harte's syntax. None for melody and notes, whose bins are frequencies.
    activation : str
        Of the main output: ``"sigmoid"`` for independent tags or bins, ``"softmax"`` where
        exactly one holds.
    outputs : list of OutputSpec
    decoding : Decoding, optional
        How the outputs become an annotation; its ``type`` is the task. Of taggers those have one
        that know a threshold for each label.
    embedding_size : int, optional
        Length of what `model.embed` gives per clip or frame.
    parameters : int
        Weights of the Keras model, trainable or not.
    exported : Exported, optional
        Of a file that `mirzoo.export` wrote, how its input and outputs are not the model's own.
        ``input`` is then what the file takes.
    """

    format: Count = WRITTEN_FORMAT
    name: ModelName
    task: Text
    recipe: dict[str, Any] | None
    input: InputContract
    labels: list[Text]
    activation: Literal["sigmoid", "softmax"]
    outputs: Annotated[list[OutputSpec], Field(min_length=1)]
    decoding: Annotated[Decoding, ParsedBy(TASKS, lambda task: task.decoding)] | None = None
    embedding_size: Count | None = None
    parameters: Count
    exported: Exported | None = None

    @field_validator("task")
    @classmethod
    def _is_a_task(cls, task: str) -> str:
        try:
            TASKS[task]
        except UnknownNameError as error:
            raise ValueError(str(error)) from error
        return task

    @model_validator(mode="after")
    def _suits_the_task(self) -> Self:
        TASKS[self.task].check_card(self)
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = dump(self)
        for field in ("exported", "fitting"):
            if fields.get(field) is None:
                fields.pop(field, None)  # as those that read format 2 expect
        if "exported" not in fields:
            return fields
        for field in ("decisions", "streaming"):
            if fields["exported"].get(field) is None:
                fields["exported"].pop(field, None)
        return fields

    @property
    def sample_rate(self) -> int:
        """Samples per second that the model expects (Hz)."""
        return self.input.sample_rate

    @property
    def live(self) -> bool:
        """Whether the model goes through recordings step by step, as through a stream."""
        return bool(self.recipe and self.recipe.get("live"))

    @property
    def available_outputs(self) -> list[OutputSpec]:
        """The outputs that there are: all, but for a file that was exported with some of them."""
        if self.exported is None:
            return self.outputs
        if self.exported.decisions is not None:
            return self.exported.decisions
        return [output for output in self.outputs if output.name in self.exported.outputs]

    @property
    def window_s(self) -> float:
        """Length of a window (s)."""
        return self.input.window_samples / self.input.sample_rate

    @classmethod
    def parse(cls, values: dict[str, Any] | str | bytes, source: str = "card") -> Self:
        """Read a card or a contract from a dict or from JSON text.

        Parameters
        ----------
        values : dict, str or bytes
            The fields, or JSON of them.
        source : str
            Named in errors: the file that the values come from.

        Raises
        ------
        CardError
            If a field is missing, unknown or has a value that is not allowed, or a newer version
            of mirzoo wrote it.
        """
        fields = _of_this_format(_fields(values, source), source)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            from mirzoo.recipe.reading import describe_validation_error

            raise CardError(f"{source}: {describe_validation_error(error)}") from error

    def to_json(self) -> str:
        """All fields as indented JSON text."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


class Card(Contract):
    """What a model is, complete enough to use, judge and train it again.

    Its fields are those of `Contract`, and those that stand in `card.json` alone:

    Parameters
    ----------
    description : str
        One sentence.
    recipe : dict or None
        The resolved recipe; None for a published model rebuilt here.
    metrics : list of Metric
    licences : Licences
    citation, provenance : str
        Whom to cite; where the weights come from.
    fitting : Fitting, optional
        Of a model that was fitted to somebody's own data, to what and how.
    files : dict of str to str
        SHA-256 of each file of the artefact.
    versions : dict of str to str
        Libraries that wrote it.

    Examples
    --------
    >>> from mirzoo.card import Card, InputContract, Licences, OutputSpec, Axis
    >>> card = Card(
    ...     name="hum_tagger", task="tagging", description="Finds humming.", recipe=None,
    ...     input=InputContract(
    ...         sample_rate=16000, min_samples=512, window_samples=48000, hop_samples=24000
    ...     ),
    ...     labels=["hum", "no hum"], activation="softmax",
    ...     outputs=[OutputSpec(name="tags", axes=[Axis(name="tag", size=2, unit="probability")])],
    ...     embedding_size=8, parameters=100, citation="nobody",
    ...     licences=Licences(code="MIT", weights="MIT", data="CC0-1.0"), provenance="made up",
    ... )
    >>> card.sample_rate, card.window_s
    (16000, 3.0)
    """

    description: Text
    metrics: list[Metric] = []
    licences: Licences
    citation: Text
    provenance: Text
    fitting: Fitting | None = None
    files: dict[FileName, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = {}
    versions: dict[str, str] = {}

    @property
    def contract(self) -> Contract:
        """The part that the model's binaries carry."""
        fields = {name: getattr(self, name) for name in Contract.model_fields}
        if self.recipe is not None:
            fields["recipe"] = {key: self.recipe[key] for key in NETWORK if key in self.recipe}
        return Contract.model_construct(**fields)

    def with_contract(self, contract: Contract) -> Card:
        """A copy whose contract is another: that of a file exported from the model."""
        fields = {name: getattr(contract, name) for name in Contract.model_fields}
        return self.model_copy(update={**fields, "recipe": self.recipe})

    def without_words(self) -> Card:
        """The card as it is read from a binary that holds the contract alone."""
        return Card.of_binary(self.contract.to_json(), source=self.name)

    @classmethod
    def of_binary(cls, values: dict[str, Any] | str | bytes, source: str) -> Card:
        """Make a card of what a binary carries.

        Binaries of version 0.1 carry a whole card, others a `Contract`; the description,
        licences and so on are then `NOT_IN_FILE`.

        Parameters
        ----------
        values, source
            As for `parse`.

        Raises
        ------
        CardError
            As `parse` does.
        """
        values = _fields(values, source)
        if "description" in values:
            return cls.parse(values, source)
        fields = Contract.parse(values, source).model_dump()
        if fields["recipe"] is not None:
            fields["recipe"] = {
                "description": NOT_IN_FILE,
                **fields["recipe"],
                "source": {"paper": NOT_IN_FILE},
            }
        return cls(
            **fields,
            description=NOT_IN_FILE,
            licences=Licences(code=NOT_IN_FILE, weights=NOT_IN_FILE, data=NOT_IN_FILE),
            citation=NOT_IN_FILE,
            provenance=NOT_IN_FILE,
        )

    @classmethod
    def load(cls, path: str | os.PathLike) -> Card:
        """Read a card from `card.json` or from the folder that holds it.

        Raises
        ------
        CardError
            If there is none, or it is not valid; the message cites file, key and value.
        """
        path = Path(path)
        path = path / CARD_FILE if path.is_dir() else path
        if path.exists() and not path.is_file():
            raise CardError(f"{path} is no regular file, so it is no card")
        try:
            with path.open("rb") as file:
                text = file.read(LARGEST_CARD_BYTES + 1)
        except OSError as error:
            raise CardError(
                f"{path} cannot be read ({error.strerror}); an artefact is a folder with a "
                f"{CARD_FILE}"
            ) from error
        if len(text) > LARGEST_CARD_BYTES:
            raise CardError(f"{path} is larger than {LARGEST_CARD_BYTES:,} bytes, so it is no card")
        return cls.parse(text, source=str(path))

    def save(self, path: str | os.PathLike) -> None:
        """Write the card to a file, or as `card.json` into a folder; whole or not at all."""
        path = Path(path)
        path = path / CARD_FILE if path.is_dir() else path
        write_whole(path, self.to_json())

    def updated(self, **changes: Any) -> Card:
        """A copy with some fields changed, validated anew."""
        return Card.parse({**self.model_dump(), **changes}, source=f"card of '{self.name}'")

    @property
    def decides_inside(self) -> bool:
        """Whether it is of an exported file that has its decoder inside."""
        return self.exported is not None and self.exported.decisions is not None

    @property
    def changeable_settings(self) -> list[str]:
        """The settings of the decoding that `decoded_with` takes."""
        if self.decoding is None:
            return []
        fixed = self.decoding.fixed
        return [name for name in type(self.decoding).model_fields if name not in fixed]

    @property
    def settings_told(self) -> str:
        """The changeable settings in words, for messages."""
        known = ", ".join(self.changeable_settings)
        return f"those of '{self.name}' are {known}" if known else f"'{self.name}' has no settings"

    def decoded_with(self, settings: Mapping[str, Any]) -> Card:
        """A copy with some settings of its decoding changed.

        Parameters
        ----------
        settings : mapping of str to value
            Fields of the task's class of `Decoding`; those that tell what the outputs are
            (`Decoding.fixed`) stay.

        Raises
        ------
        CardError
            If the decoding has no such setting, or the value is not allowed.
        """
        changeable = self.changeable_settings
        if settings and self.decides_inside:
            raise CardError(
                f"the settings {', '.join(settings)} cannot be changed: this file of '{self.name}' "
                "decides inside. Export it anew from a model whose card has them: model.card = "
                "model.card.decoded_with({...})"
            )
        for setting in settings:
            if setting not in changeable:
                guess = did_you_mean(setting, changeable) or ";"
                raise CardError(
                    f"the decoding of '{self.name}' has no setting '{setting}' to change{guess} "
                    f"{self.settings_told}"
                )
        if self.decoding is None or not settings:
            return self
        return self.updated(decoding=self.decoding.with_settings(settings, self.name).model_dump())


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key '{twice[:60]}' occurs twice; each has one value")
    return fields


def _fields(values: dict[str, Any] | str | bytes, source: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        try:
            values = json.loads(values, object_pairs_hook=_without_repetition)
        except ValueError as error:
            raise CardError(f"{source} is not JSON: {error}") from error
        except RecursionError:
            raise CardError(f"{source} is nested deeper than any card") from None
    if not isinstance(values, dict):
        raise CardError(f"{source} holds a {type(values).__name__}, not a JSON object")
    return values


def _of_this_format(values: dict[str, Any], source: str) -> dict[str, Any]:
    """The fields as `FORMAT` has them; formats 1 and 2 have the same, 3 has one more."""
    version = values.get("format", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        return values
    if version > FORMAT:
        from importlib import metadata

        raise CardError(
            f"{source} has format {version}, which a newer mirzoo wrote; this one "
            f"({metadata.version('mirzoo')}) knows formats up to {FORMAT}: "
            "pip install --upgrade mirzoo"
        )
    return {**values, "format": max(version, WRITTEN_FORMAT)}


__getattr__ = moved_names(
    __name__,
    {
        "ChordDecoding": "mirzoo.tasks.chords",
        "MelodyDecoding": "mirzoo.tasks.melody",
        "NotesDecoding": "mirzoo.tasks.notes",
    },
)
