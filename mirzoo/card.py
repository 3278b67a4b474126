"""The card of a trained model: what goes in, what comes out, how good it is and whose it is.

A card is the only place where the meaning of a model's numbers is written down. It travels inside
`model.keras` and `model.tflite` and lies beside them as `card.json`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mirzoo.errors import CardError
from mirzoo.recipe import describe_validation_error

CARD_FILE = "card.json"

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, strict=True)]


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
    """

    sample_rate: Count
    min_samples: Count
    window_samples: Count
    hop_samples: Count
    pad_left_samples: Annotated[int, Field(ge=0, strict=True)] = 0

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
        return self


class Axis(_Entry):
    """One axis of an output; `size` is None where it depends on the input."""

    name: Text
    size: Count | None
    unit: Text


class OutputSpec(_Entry):
    """One named output, without its batch axis; `frame_rate` (Hz) where it has frames."""

    name: Name
    axes: list[Axis]
    frame_rate: Annotated[float, Field(gt=0)] | None = None


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
        In the order of the last axis of the main output.
    activation : str
        ``"sigmoid"`` for independent tags, ``"softmax"`` where exactly one holds.
    outputs : list of OutputSpec
    embedding_size : int
        Length of what `model.embed` gives per clip.
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
    task: Literal["tagging"]
    description: Text
    recipe: dict[str, Any] | None
    input: InputContract
    labels: Annotated[list[Text], Field(min_length=1)]
    activation: Literal["sigmoid", "softmax"]
    outputs: Annotated[list[OutputSpec], Field(min_length=1)]
    embedding_size: Count
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
        main = self.outputs[0]
        if not main.axes or main.axes[-1].size != len(self.labels):
            size = main.axes[-1].size if main.axes else None
            raise ValueError(
                f"{len(self.labels)} labels, but the last axis of output '{main.name}' has size "
                f"{size}; the two must agree"
            )
        return self

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
