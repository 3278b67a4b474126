"""What a task is: all that the zoo knows of tagging, chords, melody, notes, in one object each.

A task says which section of a recipe it has, which output layers and losses that makes, what the
numbers mean and how they are decoded, how labels become targets, what a result looks like and how
it is scored. The rest of the zoo asks the task and never which one it is. `TASKS` knows them by
name; a task of your own is registered from your own module::

    @TASKS.register
    class Onsets(FramewiseTask): ...

Modules that register a task import neither Keras nor TensorFlow: what needs them is imported
inside the methods that build or train.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np

from mirzoo._support.registry import Registry
from mirzoo.errors import ArtefactError, RecipeError

if TYPE_CHECKING:
    import keras

    from mirzoo.card import Axis, Card, Decoding
    from mirzoo.data.corpus import Corpus
    from mirzoo.data.labels import Labels
    from mirzoo.recipe import TaskConfig
    from mirzoo.tasks.annotation import Annotation


class _Tasks(Registry["Task"]):
    def register(self, thing: Any) -> Any:
        """Make a task known: an object of a class of `Task`, or the class itself."""
        super().register(thing() if isinstance(thing, type) else thing)
        return thing


TASKS = _Tasks("task", "mirzoo.tasks", name_of=lambda task: task.name)
"""Every task by name."""


class Score(NamedTuple):
    """A metric's value on one recording, and how much of the recording it was computed on (s)."""

    value: float
    seconds: float


class Rates(NamedTuple):
    """Learning rates that suit fine-tuning: of the whole model, and of its output layers alone."""

    whole: float
    outputs: float


class Decoder(Protocol):
    """Turns the outputs of one recording into an annotation; made with the model's card."""

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows.

        Parameters
        ----------
        outputs : dict of str to array
            Each output of the card by name; its first axis is windows.
        starts : array, shape (windows,)
            Where each window starts in the recording (s).
        """

    def finish(self, *, duration_s: float, source: str | None = None) -> Annotation:
        """Give the annotation of a recording of ``duration_s`` seconds."""


class FrameTargets(Protocol):
    """What a model is to output for the frames of many recordings, one after the other."""

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        """The targets of frames, transposed; each output's array has a row a frame."""

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        """Targets of frames of which nothing is known, so that their loss is 0."""


class Labelled(Protocol):
    """Recordings with labels, for one a `mirzoo.data.corpus.Corpus`."""

    def labels(self, index: int) -> Labels:
        """What is known of one of them."""


Predict = Callable[[np.ndarray], tuple[np.ndarray, dict[str, np.ndarray]]]
"""From a waveform at the corpus' rate to the times of frames (s) and a model's outputs there."""


class ModelWithCard(Protocol):
    """A model in any runtime."""

    card: Card


class Teachers(Protocol):
    """The models that a student is distilled from, and what they predict for a corpus."""

    corpus: Corpus
    names: Sequence[str]

    def model(self, name: str) -> ModelWithCard:
        """A teacher; raises UnknownNameError where no model has the name."""

    def frames(self, name: str) -> Predict:
        """The function that a frame-wise teacher is."""

    def labels_folder(self, name: str) -> Path:
        """Where ``00000.lab`` and so on of another system may lie, by the rows of items.csv."""

    def predictions(
        self, key: str, ready: Callable[[], Callable[[np.ndarray], Mapping[str, np.ndarray]]]
    ) -> Iterator[dict[str, np.ndarray]]:
        """What a function of waveforms gives for each item, cached under a key."""


class Validated(NamedTuple):
    """A labelled recording, the times of its frames (s) and a model's outputs there."""

    labels: Labels
    times: np.ndarray
    outputs: dict[str, np.ndarray]


class Task(ABC):
    """All that the zoo knows of a task."""

    name: ClassVar[str]
    """In recipes and on cards."""

    annotation: ClassVar[type[Annotation]]
    """The class of its results, with their files, pictures and sounds."""

    config: ClassVar[type[TaskConfig] | None] = None
    """The section ``task`` of a recipe; None where only published models have the task."""

    decoding: ClassVar[type[Decoding] | None] = None
    """The settings of its decoder on a card; None where it has none."""

    framewise: ClassVar[bool] = False
    """Whether outputs have frames in time: windows then overlap by their context."""

    label_kind: ClassVar[str | None] = None
    """The field of `mirzoo.data.labels.Labels` that it is trained and scored on; None where
    labels are words of whole clips."""

    headline: ClassVar[tuple[str, ...]] = ()
    """The scores that a card states, the most telling first."""

    rates: ClassVar[Rates]
    """Learning rates for fine-tuning."""

    # Recipe and network

    @abstractmethod
    def output_axes(self, config: TaskConfig) -> dict[str, Axis]:
        """The last axis of each output, the main output first."""

    @abstractmethod
    def build_outputs(
        self, config: TaskConfig, embedding: keras.KerasTensor, pitches: int
    ) -> dict[str, keras.KerasTensor]:
        """Build the output layers.

        Parameters
        ----------
        config : TaskConfig
        embedding : keras.KerasTensor
            ``(batch, size)`` or ``(batch, frames, size)``.
        pitches : int
            How many pitches lie side by side in it: 12 are pitch classes, 1 is none.

        Returns
        -------
        dict of str to keras.KerasTensor
            The main output first.
        """

    def labels(self, config: TaskConfig) -> list[str]:
        """The labels of the main output's last axis; empty where it has none."""
        return []

    def activation(self, config: TaskConfig) -> str:
        """Of the main output: "softmax" where exactly one label holds, else "sigmoid"."""
        return "softmax"

    def default_decoding(self, config: TaskConfig) -> Decoding | None:
        """How the outputs of a new model are decoded."""
        return None

    def relabelled(self, config: TaskConfig, labels: Sequence[str], activation: str) -> TaskConfig:
        """The section of the recipe for other labels.

        Raises
        ------
        RecipeError
            If the task's labels are not the user's to choose.
        """
        raise RecipeError(
            f"new labels can be given to taggers alone; what {self.name} are is fixed"
        )

    def layers(self) -> None:
        """Import the Keras layers of its own, so that a saved model finds them."""

    # Card

    def check_card(self, card: Card) -> None:
        """Raise a ValueError where labels, outputs or decoding of a card do not suit the task."""

    def describe(self, card: Card) -> list[tuple[str, str]]:
        """What `mirzoo info` states of the outputs: pairs of a word and its text."""
        return []

    # From outputs to results

    @abstractmethod
    def decoder(self, card: Card) -> Decoder:
        """A decoder for one recording."""

    # Labels and scores

    def truth(self, labels: Labels, duration_s: float) -> Annotation | None:
        """The result that a perfect model would give; None where the labels don't tell."""
        return None

    def labels_of(self, annotation: Annotation, duration_s: float) -> Labels:
        """An annotation as labels to train on; the inverse of `truth`."""
        raise ArtefactError(f"annotations of {self.name} cannot be trained on")

    def scores(self, truth: Annotation, estimate: Annotation) -> dict[str, Score]:
        """Score a result against the truth, with all of the field's metrics."""
        return {}


class FramewiseTask(Task):
    """A task whose models give an output for every frame, trained on frames with targets."""

    framewise = True

    @abstractmethod
    def targets(
        self, config: TaskConfig, known: Labelled, frame_times: Sequence[np.ndarray]
    ) -> FrameTargets:
        """The targets that labels give at the times of each recording's frames (s)."""

    @abstractmethod
    def losses(self, config: TaskConfig) -> dict[str, tuple[Any, float]]:
        """For each output its loss, which is 0 where nothing is known, and the loss's weight."""

    def metrics(self, config: TaskConfig) -> dict[str, list]:
        """Keras metrics of outputs, to be shown during training."""
        return {}

    # Distillation: optional

    def distilled_targets(
        self,
        config: TaskConfig,
        teachers: Teachers,
        frame_times: Sequence[np.ndarray],
        *,
        weight: float,
    ) -> FrameTargets:
        """The targets that teachers give at the times of each item's frames (s).

        Parameters
        ----------
        config : TaskConfig
        teachers : Teachers
            Those of a corpus without labels for the task.
        frame_times : sequence of np.ndarray
        weight : float
            The recipe's ``training.teacher_weight``.

        Raises
        ------
        RecipeError
            If models of this task cannot be distilled.
        """
        raise RecipeError(f"models for {self.name} cannot be distilled from teachers")

    # Decoding fitted to a trained model: optional

    def calibrated(
        self,
        config: TaskConfig,
        card: Card,
        validation: Sequence[Iterable[Validated]],
        teachers: Sequence[Teachers],
    ) -> Decoding | None:
        """The decoding that does best on validation recordings; by default the card's.

        Parameters
        ----------
        config : TaskConfig
        card : Card
            The trained model's.
        validation : sequence of iterables of Validated
            For each corpus its recordings that have labels for the task.
        teachers : sequence of Teachers
            For each corpus its teachers, which may be none.
        """
        return card.decoding
