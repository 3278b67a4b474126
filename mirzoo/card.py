"""The card of a trained model: what goes in, what comes out, how good it is and whose it is.

A card is the only place where the meaning of a model's numbers is written down. It travels inside
`model.keras` and `model.tflite` and lies beside them as `card.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mirzoo.dsp.chord_vocabulary import parse_chord
from mirzoo.errors import CardError, DataError
from mirzoo.recipe import describe_validation_error

CARD_FILE = "card.json"
FRAME_ROUNDING = 1e-6

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, strict=True)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveHz = Annotated[float, Field(gt=0.0)]
Cost = Annotated[float, Field(ge=0.0)]
Task = Literal["tagging", "chords", "melody", "notes"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class InputContract(_Entry):
    """What the model hears: mono float32 waveforms in [-1, 1].

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
        Whether a recording that ends within the first window is heard in one piece, exactly as
        long as it is: for models whose every frame depends on all that they hear. Their
        `model.tflite` takes any length from ``min_samples`` on. Longer recordings are heard in
        windows, and each window knows nothing of the others.

    Where the outputs have frames (chords, melody, notes), windows overlap: of each, the middle
    ``hop_samples`` are kept, and the `context_samples` at either side are heard only so that
    every kept frame knows what is around it. ``pad_left_samples`` is then the context, so that
    the kept middles tile the recording from its first sample on.
    """

    sample_rate: Count
    min_samples: Count
    window_samples: Count
    hop_samples: Count
    pad_left_samples: Annotated[int, Field(ge=0, strict=True)] = 0
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
                f"{self.window_samples}; audio between two windows would never be heard"
            )
        if self.whole and self.pad_left_samples == 0:
            raise ValueError(
                "whole is true and pad_left_samples is 0; windows of recordings that are too long "
                "to be heard in one piece need context: let window_samples exceed hop_samples and "
                "put half of the difference before the recording"
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


class ChordDecoding(_Entry):
    """How frames become chords: the likeliest sequence of classes, then segments.

    Parameters
    ----------
    change_penalty : float
        What a change of chord costs (nats of log-probability, whatever the chords and the
        tempo): ``log(s * (classes - 1) / (1 - s))`` for a probability ``s`` that a chord stays
        from frame to frame. Used where there is no ``transition``.
    transition : list of list of float, optional
        Probability of each class (column) after each class (row).
    initial : list of float, optional
        Probability of each class in the first frame; by default all alike.
    prior : list of float, optional
        What the model's probabilities are divided by: how much more often it met each class in
        training than music has it. By default nothing.
    bass_threshold : float, optional
        Where a model with the output ``bass`` is at least this sure, on average over a chord, of
        a bass that belongs to the chord, its label names the inversion. None: never.
    """

    type: Literal["chords"] = "chords"
    change_penalty: Cost = 10.0
    transition: list[list[Probability]] | None = None
    initial: list[Probability] | None = None
    prior: list[Annotated[float, Field(gt=0.0, le=1.0)]] | None = None
    bass_threshold: Probability | None = None


class MelodyDecoding(_Entry):
    """How salience becomes a contour.

    Parameters
    ----------
    fmin : float
        Centre of bin 0 (Hz).
    bins_per_octave : float
        60 for bins of 20 cents.
    method : str
        ``"viterbi"`` follows the likeliest path through the bins, ``"local_average"`` takes each
        frame by itself. Both end with the salience-weighted mean around the bin.
    average_bins : int
        How many bins that mean takes, an odd number.
    jump_penalty : float
        For Viterbi: what a semitone of movement from one frame to the next costs (nats).
    leap_penalty : float
        For Viterbi: the most that any movement costs (nats).
    voicing_threshold : float
        A frame is voiced where the output ``voicing``, or the salience at the peak where the
        model has none, is above it.
    voicing_hysteresis : float
        How far below the threshold the voicing may fall before a melody that sounds ends.
    shortest_s : float
        Voiced stretches shorter than this are dropped, gaps shorter than this closed (s).
    """

    type: Literal["melody"] = "melody"
    fmin: PositiveHz
    bins_per_octave: Annotated[float, Field(gt=0.0)] = 60
    method: Literal["viterbi", "local_average"] = "viterbi"
    average_bins: Annotated[int, Field(ge=1, strict=True)] = 9
    jump_penalty: Cost = 1.0
    leap_penalty: Cost = 12.0
    voicing_threshold: Probability = 0.5
    voicing_hysteresis: Probability = 0.0
    shortest_s: Annotated[float, Field(ge=0.0)] = 0.0

    @model_validator(mode="after")
    def _average_has_a_middle(self) -> Self:
        if self.average_bins % 2 == 0:
            raise ValueError(
                f"average_bins {self.average_bins} is even; the bins around a peak are an odd "
                "number"
            )
        return self


class NotesDecoding(_Entry):
    """How onsets, notes and contours become notes.

    Parameters
    ----------
    lowest_pitch : int
        MIDI pitch of the first bin of the note output.
    onset_threshold, frame_threshold : float
        Probabilities above which a note begins, and goes on.
    shortest_s : float
        Notes shorter than this are dropped (s).
    contour_bins_per_semitone : int
        Bins of the contour output per bin of the note output.
    """

    type: Literal["notes"] = "notes"
    lowest_pitch: Annotated[int, Field(ge=0, le=127, strict=True)] = 21
    onset_threshold: Probability = 0.5
    frame_threshold: Probability = 0.3
    shortest_s: Annotated[float, Field(ge=0.0)] = 0.128
    contour_bins_per_semitone: Count = 3


OF_THE_OUTPUTS = frozenset({
    "type", "fmin", "bins_per_octave", "lowest_pitch", "contour_bins_per_semitone",
})  # fmt: skip

Decoding = Annotated[ChordDecoding | MelodyDecoding | NotesDecoding, Field(discriminator="type")]


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
    """

    dataset: Text
    split: Text
    metric: Text
    value: float
    n: Count
    method: Text
    rendered: bool = False
    baseline: dict[str, float] = {}


class Licences(_Entry):
    """Under which terms the code, the weights and the training data stand."""

    code: Text
    weights: Text
    data: Text


class Card(_Entry):
    """What a model is, complete enough to use, judge and train it again.

    Parameters
    ----------
    name : str
        The model's name, that of its folder.
    task : str
        What its outputs mean; decides how they become an annotation.
    description : str
        One sentence.
    recipe : dict or None
        The resolved recipe; None for a published model rebuilt here.
    input : InputContract
    labels : list of str
        In the order of the last axis of the main output, the first of ``outputs``; chords in
        Harte's syntax. None for melody and notes, whose bins are frequencies.
    activation : str
        Of the main output: ``"sigmoid"`` for independent tags or bins, ``"softmax"`` where
        exactly one holds.
    outputs : list of OutputSpec
    decoding : ChordDecoding, MelodyDecoding or NotesDecoding, optional
        How the outputs become an annotation; its ``type`` is the task. Taggers have none.
    embedding_size : int, optional
        Length of what `model.embed` gives per clip or frame.
    parameters : int
        Weights of the Keras model, trainable or not.
    metrics : list of Metric
    licences : Licences
    citation, provenance : str
        Whom to cite; where the weights come from.
    files : dict of str to str
        SHA-256 of each file of the artefact.
    versions : dict of str to str
        Libraries that wrote it.

    Examples
    --------
    >>> from mirzoo.card import Card, InputContract, Licences, OutputSpec, Axis
    >>> card = Card(
    ...     name="hum_tagger", task="tagging", description="Hears humming.", recipe=None,
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

    name: Name
    task: Task
    description: Text
    recipe: dict[str, Any] | None
    input: InputContract
    labels: list[Text]
    activation: Literal["sigmoid", "softmax"]
    outputs: Annotated[list[OutputSpec], Field(min_length=1)]
    decoding: Decoding | None = None
    embedding_size: Count | None = None
    parameters: Count
    metrics: list[Metric] = []
    licences: Licences
    citation: Text
    provenance: Text
    files: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = {}
    versions: dict[str, str] = {}

    @model_validator(mode="after")
    def _labels_fit_the_output(self) -> Card:
        repeated = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if repeated:
            raise ValueError(f"labels occur twice: {', '.join(repeated)}; each must be unique")
        if not self.labels and self.task in ("melody", "notes"):
            return self
        if not self.labels:
            raise ValueError(f"labels = []: a model for {self.task} names what it tells apart")
        main = self.outputs[0]
        if not main.axes or main.axes[-1].size != len(self.labels):
            size = main.axes[-1].size if main.axes else None
            raise ValueError(
                f"{len(self.labels)} labels, but the last axis of output '{main.name}' has size "
                f"{size}; the two must agree"
            )
        if self.task == "chords":
            for label in self.labels:
                _require_chord_label(label)
        return self

    @model_validator(mode="after")
    def _decoding_fits_the_task(self) -> Card:
        if self.task == "tagging":
            if self.decoding is not None:
                raise ValueError(
                    f"decoding is of type '{self.decoding.type}', but a tagger's probabilities "
                    "need none; leave it out, or is the task another?"
                )
            return self
        if self.decoding is None or self.decoding.type != self.task:
            received = "missing" if self.decoding is None else f"of type '{self.decoding.type}'"
            raise ValueError(f"decoding is {received}; the task '{self.task}' needs its own")
        if isinstance(self.decoding, ChordDecoding):
            self._require_a_probability_per_class(self.decoding)
        return self

    @model_validator(mode="after")
    def _kept_frames_tile_the_recording(self) -> Card:
        if self.task == "tagging":
            return self
        contract, main = self.input, self.outputs[0]
        if main.frame_rate is None:
            raise ValueError(
                f"the output '{main.name}' has no frame_rate; results of the task "
                f"'{self.task}' are frames in time"
            )
        for output in self.outputs:
            frames = (output.frame_rate, output.first_frame_s)
            if output.frame_rate is not None and frames != (main.frame_rate, main.first_frame_s):
                raise ValueError(
                    f"the outputs '{main.name}' and '{output.name}' have their frames at other "
                    "times; the frame_rate and first_frame_s of all must be the same"
                )
        shared = contract.window_samples - contract.hop_samples
        if shared % 2 or contract.pad_left_samples != shared // 2:
            raise ValueError(
                f"pad_left_samples is {contract.pad_left_samples}; with window_samples "
                f"{contract.window_samples} and hop_samples {contract.hop_samples} it must be "
                f"half of what windows share, {shared / 2:g}, so that kept frames tile the "
                "recording"
            )
        kept = contract.hop_samples * main.frame_rate / contract.sample_rate
        if abs(kept - round(kept)) > FRAME_ROUNDING or round(kept) < 1:
            raise ValueError(
                f"hop_samples {contract.hop_samples} holds {kept:.4f} frames of "
                f"{contract.sample_rate / main.frame_rate:g} samples; allowed are whole numbers, "
                "or frames of neighbouring windows do not join"
            )
        return self

    def _require_a_probability_per_class(self, decoding: ChordDecoding) -> None:
        classes = len(self.labels)
        for name in ("transition", "initial", "prior"):
            values = getattr(decoding, name)
            rows = values if name == "transition" and values is not None else []
            wrong = [len(row) for row in rows if len(row) != classes]
            if values is not None and (len(values) != classes or wrong):
                raise ValueError(
                    f"decoding.{name} has {len(values)} entries"
                    f"{f', of lengths {wrong}' if wrong else ''}, but there are {classes} labels; "
                    "one for each is needed"
                )

    @property
    def sample_rate(self) -> int:
        """Samples per second that the model expects (Hz)."""
        return self.input.sample_rate

    @property
    def window_s(self) -> float:
        """Length of a window (s)."""
        return self.input.window_samples / self.input.sample_rate

    @classmethod
    def parse(cls, values: dict[str, Any] | str | bytes, source: str = "card") -> Card:
        """Read a card from a dict or from JSON text.

        Parameters
        ----------
        values : dict, str or bytes
            The fields, or JSON of them.
        source : str
            Named in errors: the file that the values come from.

        Raises
        ------
        CardError
            If a field is missing, unknown or has a value that is not allowed.
        """
        if not isinstance(values, dict):
            try:
                values = json.loads(values)
            except ValueError as error:
                raise CardError(f"{source} is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise CardError(f"{source} holds a {type(values).__name__}, not a JSON object")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise CardError(f"{source}: {describe_validation_error(error)}") from error

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
        try:
            text = path.read_bytes()
        except OSError as error:
            raise CardError(
                f"{path} cannot be read ({error.strerror}); an artefact is a folder with a "
                f"{CARD_FILE}"
            ) from error
        return cls.parse(text, source=str(path))

    def to_json(self) -> str:
        """The card as indented JSON text."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    def save(self, path: str | os.PathLike) -> None:
        """Write the card to a file, or as `card.json` into a folder; whole or not at all."""
        path = Path(path)
        path = path / CARD_FILE if path.is_dir() else path
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_text(self.to_json(), encoding="utf-8")
        unfinished.replace(path)

    def updated(self, **changes: Any) -> Card:
        """A copy with some fields changed, validated anew."""
        return Card.parse({**self.model_dump(), **changes}, source=f"card of '{self.name}'")

    def decoded_with(self, settings: Mapping[str, Any]) -> Card:
        """A copy with some settings of its decoding changed.

        Parameters
        ----------
        settings : mapping of str to value
            Fields of `ChordDecoding`, `MelodyDecoding` or `NotesDecoding`; what says what the
            outputs are (`OF_THE_OUTPUTS`) stays.

        Raises
        ------
        CardError
            If the decoding has no such setting, or the value is not allowed.
        """
        changeable = (
            []
            if self.decoding is None
            else [
                field for field in type(self.decoding).model_fields if field not in OF_THE_OUTPUTS
            ]
        )
        for setting in settings:
            if setting not in changeable:
                raise CardError(
                    f"the decoding of '{self.name}' has no setting '{setting}' to change; it has: "
                    f"{', '.join(changeable) or 'none'}"
                )
        if not settings:
            return self
        return self.updated(decoding={**self.decoding.model_dump(), **settings})


def _require_chord_label(label: str) -> None:
    try:
        parse_chord(label)
    except DataError as error:
        raise ValueError(str(error)) from error
