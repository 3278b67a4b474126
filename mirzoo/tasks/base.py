"""What a task is: all that the zoo knows of tagging, chords, beats and so on, in one object each.

A task states which section of a recipe it has, which output layers and losses that makes, what the
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
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

from mirzoo._support.words import counted
from mirzoo.card import FRAME_ROUNDING, Axis, Card, Contract, Decoding, Metric, OutputSpec
from mirzoo.errors import ArtefactError, DataError, RecipeError
from mirzoo.recipe import tasks as known_tasks
from mirzoo.recipe.base import Start, type_of
from mirzoo.tasks.peers import peers_of
from mirzoo.tasks.scores import Judged, RecordingScorer, Score, Scorer
from mirzoo.tasks.tuning import FEWEST_BINS

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf

    from mirzoo.data.corpus import Corpus
    from mirzoo.data.labels import Labels
    from mirzoo.recipe import Recipe
    from mirzoo.recipe.tasks import TaskConfig
    from mirzoo.tasks.annotation import Annotation
    from mirzoo.tasks.frames import FrameJoiner

__all__ = [
    "TASKS",
    "Decisions",
    "Decoder",
    "FrameDecoder",
    "FrameTargets",
    "FramewiseTask",
    "Labelled",
    "Rates",
    "Score",
    "Scorer",
    "Task",
    "Teachers",
    "Validated",
    "decoder_of",
]

TASKS: known_tasks.TaskRegistry[Task] = known_tasks.TASKS
"""Every task by name."""


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


class FrameDecoder(Decoder, Protocol):
    """A decoder that takes frames as they come, for models that go through a stream by steps."""

    @property
    def lag_s(self) -> float | None:
        """How much later than a frame its decision comes (s); None where that is at the end."""

    def add_frames(self, outputs: dict[str, np.ndarray]) -> None:
        """Take the next frames of the recording.

        Parameters
        ----------
        outputs : dict of str to array
            Each output of the card by name, ``(frames, ...)``.
        """

    def take(self) -> Annotation | None:
        """Give what was decided since the last call, and forget it; None where there is nothing."""

    def rest(self, *, duration_s: float, source: str | None = None) -> Annotation | None:
        """Give what was not taken of a recording of ``duration_s`` seconds, as `finish` gives all.

        None where that is nothing.
        """


class Decisions(ABC):
    """A task's decoder as a graph, for files that give decisions in the place of probabilities.

    Each window is decoded by itself, its context included, so that joining the middles of windows
    is all that is left to do. The settings are those of the card's ``decoding``.

    Parameters
    ----------
    card : Contract
        Of the model, or of a file that was exported with decisions.
    """

    def __init__(self, card: Contract) -> None:
        self.card = card

    @property
    @abstractmethod
    def outputs(self) -> list[OutputSpec]:
        """What it gives in the place of the model's outputs."""

    @property
    def context_s(self) -> float:
        """How far on either side of a frame what is there may decide it (s)."""
        return 0.0

    @abstractmethod
    def in_graph(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Decide in TensorFlow, with operations that LiteRT and ONNX have too.

        Parameters
        ----------
        outputs : dict of str to tf.Tensor
            Each output of the card by name, ``(windows, ...)``; the number of frames is known.
        """

    @abstractmethod
    def in_numpy(self, outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Decide the same with the task's own decoder."""

    @abstractmethod
    def same(
        self, outputs: dict[str, np.ndarray], received: dict[str, np.ndarray], tie: float
    ) -> np.ndarray:
        """Whether decisions are those that `in_numpy` makes of outputs, or nearly as good.

        Parameters
        ----------
        outputs : dict of str to np.ndarray
            The model's.
        received : dict of str to np.ndarray
            Decisions.
        tie : float
            As of `Task.same_decisions`.

        Returns
        -------
        np.ndarray
            bool ``(windows,)``, or ``(windows, frames)`` where outputs have frames.
        """

    @abstractmethod
    def decoder(self) -> Decoder:
        """A decoder for one recording that takes decisions."""


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


Predict = Callable[["np.ndarray"], tuple["np.ndarray", dict[str, "np.ndarray"]]]
"""From a waveform at the corpus' rate to the times of frames (s) and a model's outputs there."""


class ModelWithCard(Protocol):
    """A model in any runtime."""

    @property
    def card(self) -> Card:
        """Labels, sample rate, metrics, licences."""

    def annotate(self, source: Any, *, source_rate: int | None = None) -> Annotation:
        """What it finds in a recording, or in a waveform at ``source_rate`` (Hz)."""


class Teachers(Protocol):
    """The models that a student is distilled from, and what they predict for a corpus."""

    corpus: Corpus

    @property
    def names(self) -> Sequence[str]:
        """Their names; none where the corpus has no teachers."""

    def model(self, name: str) -> ModelWithCard:
        """A teacher; raises UnknownNameError where no model has the name."""

    def frames(self, name: str, *, careful: bool = False) -> Predict:
        """The function that a frame-wise teacher is, or with ``careful`` its mean over detunings
        (`Task.detunings_cents`)."""

    def labels_folder(self, name: str) -> Path:
        """Where another system's annotations may lie; see `mirzoo.tasks.pseudo_labels`."""

    def predictions(
        self, key: str, ready: Callable[[], Callable[[np.ndarray], Mapping[str, np.ndarray]]]
    ) -> Iterator[dict[str, np.ndarray]]:
        """What a function of waveforms gives for each item, cached under a key."""


class Validated(NamedTuple):
    """A labelled recording, the times of its frames (s) and a model's outputs there."""

    labels: Labels
    times: np.ndarray
    outputs: dict[str, np.ndarray]


Activation = Literal["sigmoid", "softmax"]

Section = TypeVar("Section", bound="TaskConfig")
Result = TypeVar("Result", bound="Annotation")


class Task(ABC, Generic[Section, Result]):
    """All that the zoo knows of a task."""

    name: ClassVar[str]
    """In recipes and on cards."""

    annotation: ClassVar[type[Annotation]]
    """The class of its results, with their files, pictures and sounds."""

    config: ClassVar[type[TaskConfig] | None] = None
    """The section ``task`` of a recipe; None where only published models have the task."""

    decoding: ClassVar[type[Decoding] | None] = None
    """The settings of its decoder on a card; None where it has none."""

    needs_decoding: ClassVar[bool] = True
    """Whether every card has such settings, where there are any."""

    decisions: ClassVar[type[Decisions] | None] = None
    """Its decoder as a graph; None where there is none."""

    without_decisions: ClassVar[str] = "its decoder is not written as a graph"
    """Why there are no ``decisions``: a clause."""

    framewise: ClassVar[bool] = False
    """Whether outputs have frames in time: windows then overlap by their context."""

    free_labels: ClassVar[bool] = False
    """Whether its labels are words that hold for a whole clip, of the user's choice: labelled data
    are then folders of classes and tables (`mirzoo.data.folder`), else recordings with labels over
    time."""

    label_kind: ClassVar[str | None] = None
    """The field of `mirzoo.data.labels.Labels` that it is trained and scored on; None where
    labels are words of whole clips, or there are none to train on."""

    labelled: ClassVar[bool] = False
    """Whether the main output's last axis always has labels."""

    pitch_layouts: ClassVar[frozenset[str]] = frozenset()
    """What may lie side by side in the embedding of heads that treat every pitch alike, as those
    heads have it in their ``pitch_layout``: "pitch_classes", "pitches"."""

    detunings_cents: ClassVar[tuple[float, ...]] = ()
    """By how many cents a recording is tuned each time that it is processed for a careful result;
    none where there are no such results."""

    same_in_any_tuning: ClassVar[bool] = False
    """Whether music that is tuned up or down by less than half a semitone keeps its results, so
    that training can ask for that."""

    gives_beats: ClassVar[bool] = False
    """Whether its results are beats, which those of other tasks can be put on."""

    weighs_teachers: ClassVar[bool] = False
    """Whether training weighs the predictions of teachers against labels."""

    headline: ClassVar[tuple[str, ...]] = ()
    """The scores that a card states, the most telling first."""

    compared_by: ClassVar[tuple[str, str] | None] = None
    """The data set and the score on it by which lists compare the task's models."""

    lower_is_better: ClassVar[frozenset[str]] = frozenset()
    """Scores of which less is better."""

    scoring: ClassVar[str] = ""
    """How the scores are computed, as a card states it: ``"mir_eval, weighted by duration"``."""

    start: ClassVar[Start] = Start()
    """What it asks of a new recipe."""

    rates: ClassVar[Rates] = Rates(whole=2e-4, outputs=2e-3)
    """Learning rates for fine-tuning."""

    # Recipe and network

    def output_axes(self, config: Section) -> dict[str, Axis]:
        """The last axis of each output, the main output first."""
        raise self._no_recipes()

    def build_outputs(
        self, config: Section, embedding: keras.KerasTensor, pitches: int
    ) -> dict[str, keras.KerasTensor]:
        """Build the output layers.

        Parameters
        ----------
        config : Section
        embedding : keras.KerasTensor
            ``(batch, size)`` or ``(batch, frames, size)``.
        pitches : int
            How many pitches lie side by side in it: 12 are pitch classes, 1 is none.

        Returns
        -------
        dict of str to keras.KerasTensor
            The main output first.
        """
        raise self._no_recipes()

    def connect_outputs(
        self,
        config: Section,
        features: keras.KerasTensor | None,
        embedding: keras.KerasTensor,
        pitches: int,
    ) -> dict[str, keras.KerasTensor]:
        """Build the output layers of a task that may look at more than the embedding.

        By default they are those of `build_outputs`.

        Parameters
        ----------
        config : Section
        features : keras.KerasTensor or None
            What the front-end gives, ``(batch, frames, bins, channels)``.
        embedding, pitches, returns
            As for `build_outputs`.
        """
        return self.build_outputs(config, embedding, pitches)

    def _no_recipes(self) -> RecipeError:
        return RecipeError(f"no recipe makes a model for {self.name}; there are published ones")

    def labels(self, config: Section) -> list[str]:
        """The labels of the main output's last axis; empty where it has none."""
        return []

    def activation(self, config: Section) -> Activation:
        """Of the main output: "softmax" where exactly one label holds, else "sigmoid"."""
        return "softmax"

    def default_decoding(self, config: Section) -> Decoding | None:
        """How the outputs of a new model are decoded."""
        return None

    def describe_outputs(self, config: Section, frame_rate: float | None) -> list[OutputSpec]:
        """Give the outputs for a card; ``frame_rate`` (Hz) is None where there are no frames."""
        frames = [] if frame_rate is None else [Axis(name="frame", size=None, unit="frame")]
        return [
            OutputSpec(name=name, axes=[*frames, axis], frame_rate=frame_rate)
            for name, axis in self.output_axes(config).items()
        ]

    def starting_section(self, labels: Sequence[str]) -> dict[str, Any]:
        """Give the section of a new recipe, as far as it differs from the defaults.

        Raises
        ------
        RecipeError
            If there are ``labels`` and the task's are not the user's to choose.
        """
        if labels:
            raise RecipeError(
                f"labels are {', '.join(labels)}, but those of '{self.name}' are fixed; leave them "
                "out"
            )
        return {}

    def check_recipe(self, recipe: Recipe) -> None:
        """Raise a ValueError where the parts of a recipe do not suit the task."""
        head, training = recipe.head, recipe.training
        if self.framewise and head.pooling != "none":
            raise ValueError(
                f"head.pooling {head.pooling!r} gives one result a clip, but "
                f"'{self.name}' asks for one a frame; allowed is 'none'"
            )
        layout = head.pitch_layout
        if layout is not None and layout not in self.pitch_layouts:
            made_for = [task.name for task in TASKS.values() if layout in task.pitch_layouts]
            raise ValueError(
                f"a {type_of(type(head))!r} head is made for {' and '.join(made_for)}; for "
                f"'{self.name}' take another head"
            )
        for key in ("shift", "mixup", "band_probability", "silence_probability"):
            if self.framewise and getattr(training.augmentation, key):
                raise ValueError(
                    f"training.augmentation.{key} is {getattr(training.augmentation, key):g}, but "
                    f"it is for taggers; allowed for '{self.name}' is 0"
                )
        for key in ("classes", "same_labels", "teachers_of", "windows_of"):
            if self.framewise and getattr(recipe.data, key, None):
                raise ValueError(
                    f"data.{key} is for taggers, which '{self.name}' is not; leave it out"
                )
        usual = type(training).model_fields["teacher_weight"].default
        if not self.weighs_teachers and training.teacher_weight != usual:
            weighing = [task.name for task in TASKS.values() if task.weighs_teachers]
            raise ValueError(
                f"training.teacher_weight is {training.teacher_weight:g}, but only "
                f"{' and '.join(weighing)} weigh teachers against labels; leave it out for "
                f"'{self.name}'"
            )
        if training.consistency and not self.same_in_any_tuning:
            same = [task.name for task in TASKS.values() if task.same_in_any_tuning]
            raise ValueError(
                f"training.consistency is {training.consistency:g}, but only {' and '.join(same)} "
                f"stay the same in another tuning; allowed for '{self.name}' is 0"
            )
        bins = recipe.frontend.bins_in_a_semitone
        if training.consistency and (bins is None or bins < FEWEST_BINS):
            raise ValueError(
                f"training.consistency is {training.consistency:g}, for which the tuning is "
                f"measured, but the front-end has {bins or 'no'} bins a semitone; allowed are "
                f"{FEWEST_BINS} or more: take bins_per_octave 36, or 0"
            )

    def relabelled(
        self, config: Section, labels: Sequence[str], activation: Activation | None = None
    ) -> Section:
        """Give the section of the recipe for other labels; ``activation`` by default stays.

        Raises
        ------
        RecipeError
            If the task's labels are not the user's to choose.
        """
        raise RecipeError(
            f"new labels can be given to taggers alone; what {self.name} are is fixed"
        )

    def import_layers(self) -> None:
        """Import the modules of Keras layers of its own, so that a saved model finds them."""
        return None

    # Card

    def check_card(self, card: Contract) -> None:
        """Raise a ValueError where labels, outputs or decoding of a card do not suit the task."""
        repeated = sorted({label for label in card.labels if card.labels.count(label) > 1})
        if repeated:
            raise ValueError(f"labels occur twice: {', '.join(repeated)}; each must be unique")
        if self.labelled and not card.labels:
            raise ValueError(f"labels = []: a model for {self.name} names what it tells apart")
        main = card.outputs[0]
        size = main.axes[-1].size if main.axes else None
        if card.labels and size != len(card.labels):
            raise ValueError(
                f"{counted(len(card.labels), 'label')}, but the last axis of output "
                f"'{main.name}' has size "
                f"{size}; the two must agree"
            )
        if self.decoding is None:
            if card.decoding is not None:
                raise ValueError(
                    f"decoding is of type '{card.decoding.type}', but the outputs of the task "
                    f"'{self.name}' need none; leave it out, or is the task another?"
                )
        elif card.decoding is None and not self.needs_decoding:
            return
        elif card.decoding is None or card.decoding.type != self.name:
            received = "missing" if card.decoding is None else f"of type '{card.decoding.type}'"
            raise ValueError(f"decoding is {received}; the task '{self.name}' needs its own")

    def axis_labels(self, card: Contract) -> dict[str, list[str]]:
        """What each value of an output's last axis stands for, by output.

        By default the card's labels for the main output, where it has any.
        """
        return {card.outputs[0].name: card.labels} if card.labels else {}

    def describe(self, card: Contract) -> list[tuple[str, str]]:
        """What `mirzoo info` states of the outputs: pairs of a word and its text."""
        count = counted(len(card.labels), "label") if card.labels else self.name
        separator = "; " if any("," in label for label in card.labels) else ", "
        return [("outputs", f"{count} ({card.activation}): {separator.join(card.labels)}")]

    def headline_scores(self, metrics: Sequence[Metric]) -> list[Metric]:
        """Pick one score for each data set: that by which models are compared, where there is one.

        The data set by which models are compared comes first, then recordings, then renders.
        """
        data_set, score = self.compared_by or ("", "")
        by_data: dict[tuple[str, str], list[Metric]] = {}
        for metric in metrics:
            by_data.setdefault((metric.dataset, metric.split), []).append(metric)
        order = (score, *self.headline)

        def rank(metric: Metric) -> int:
            # Models that were pulled by earlier versions say "chord majmin" for "majmin".
            return next(
                (at for at, name in enumerate(order) if name and name in metric.metric), len(order)
            )

        picked = [min(group, key=rank) for group in by_data.values()]
        return sorted(picked, key=lambda m: (m.dataset != data_set, m.rendered))

    def best_peer(self, metric: Metric) -> tuple[str, float] | None:
        """Name the best of the other systems that were scored on the same items, with its score.

        These are those of `mirzoo.tasks.peers.peers_of`.
        """
        best = min if metric.metric in self.lower_is_better else max
        return best(peers_of(metric).items(), key=lambda peer: peer[1], default=None)

    def is_behind(self, metric: Metric, score: float) -> bool:
        """Whether another system's score on the same items is better than the metric's."""
        if metric.metric in self.lower_is_better:
            return score < metric.value
        return score > metric.value

    # From outputs to results

    @abstractmethod
    def decoder(self, card: Contract) -> Decoder:
        """A decoder for one recording."""

    def same_decisions(
        self,
        card: Contract,
        expected: Mapping[str, np.ndarray],
        received: Mapping[str, np.ndarray],
        tie: float,
    ) -> np.ndarray:
        """Compare what is decided of two sets of outputs.

        By default the likeliest label of the main output: of each window, or of each frame.

        Parameters
        ----------
        card : Contract
        expected, received : mapping of str to array
            The outputs that `decoded_outputs` names, the first axis windows.
        tie : float
            Where what is decided of ``received`` has in ``expected`` a value that is less than
            this below the best, the two count as the same.

        Returns
        -------
        array, bool
            ``(windows,)``, or ``(windows, frames)`` where outputs have frames.
        """
        main = card.outputs[0].name
        return same_choice(expected[main], received[main].argmax(axis=-1), tie)

    def joiner(self, card: Contract) -> FrameJoiner:
        """What joins the frames of windows, of a task with frames."""
        from mirzoo.tasks.frames import FrameJoiner

        return FrameJoiner(card)

    def whole_outputs(
        self, card: Contract, joined: dict[str, np.ndarray], *, tuning_cents: float | None = None
    ) -> dict[str, np.ndarray]:
        """The outputs of a whole recording that `joiner` joined, with what only the whole tells.

        Parameters
        ----------
        card : Contract
        joined : dict of str to np.ndarray
            ``(frames, ...)``.
        tuning_cents : float, optional
            The recording's tuning where it is known, of tasks that measure it.
        """
        return joined

    def decoded_outputs(self, card: Contract) -> list[str]:
        """The outputs that the decoder needs; by default all."""
        return [output.name for output in card.outputs]

    # Labels and scores

    def truth(self, labels: Labels, duration_s: float | None = None) -> Result | None:
        """The result that a perfect model would give; None where the labels don't tell."""
        return None

    def labels_of(self, annotation: Result, duration_s: float) -> Labels:
        """An annotation as labels to train on; the inverse of `truth`."""
        raise ArtefactError(f"annotations of {self.name} cannot be trained on")

    def clip_target(self, config: Section, labels: Labels) -> np.ndarray:
        """The target of a whole clip, float32 ``(labels,)``; of tasks that are not frame-wise."""
        raise self._no_recipes()

    def scores(self, truth: Result, estimate: Result) -> dict[str, Score]:
        """Score a result against the truth, with all of the field's metrics.

        Raises
        ------
        DataError
            If the task has none.
        """
        scored = [task.name for task in TASKS.values() if task.scoring]
        raise DataError(
            f"results of the task '{self.name}' cannot be scored; there are scores for "
            f"{', '.join(scored)}"
        )

    def scorer(self, card: Contract) -> Scorer:
        """Give what scores the results of many recordings together, and resampled.

        By default recordings are scored by themselves with `scores`, and weighted by the seconds
        that each score is computed on.

        Parameters
        ----------
        card : Contract
            Of the model that the results are from.
        """
        if type(self).overall_scores is not Task.overall_scores:
            return _TogetherOnly(self, card)
        return RecordingScorer(self.scores, self.headline, self.lower_is_better)

    def overall_scores(
        self, results: Iterable[tuple[Result, Result]], card: Contract
    ) -> dict[str, Score]:
        """Score the results of many recordings, each with its truth before it.

        Parameters
        ----------
        results : iterable of (Annotation, Annotation)
            Truth and result of each recording, taken one after the other.
        card : Contract
            Of the model that the results are from.

        Raises
        ------
        DataError
            If there is no recording, or the task has no scores.
        """
        scorer = self.scorer(card)
        for truth, estimate in results:
            scorer.add(truth, estimate)
        if not scorer.count:
            raise DataError("there is no recording to score; is the data set empty?")
        return scorer.overall()


class _TogetherOnly(Scorer):
    """Of a task that has its own `Task.overall_scores`: all recordings count once, or none."""

    def __init__(self, task: Task, card: Contract) -> None:
        self._task, self._card = task, card
        self._results: list[tuple[Any, Any]] = []

    def add(self, truth: Any, estimate: Any) -> Judged:
        self._results.append((truth, estimate))
        return Judged({}, 0.0)

    @property
    def count(self) -> int:
        return len(self._results)

    @property
    def seconds(self) -> dict[str, float]:
        return {name: score.seconds for name, score in self.overall().items()}

    def overall(self) -> dict[str, Score]:
        return self._task.overall_scores(self._results, self._card)

    def scores(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        import numpy as np

        whole = (weights == 1).all(axis=1)
        return {
            name: np.where(whole, score.value, np.nan) for name, score in self.overall().items()
        }

    def notes(self) -> list[str]:
        return [f"there are no intervals: '{self._task.name}' scores recordings together alone"]


def same_choice(
    values: np.ndarray, choice: np.ndarray, tie: float, best: np.ndarray | None = None
) -> np.ndarray:
    """Whether a choice along the last axis is the best, or nearly as good.

    Parameters
    ----------
    values : np.ndarray
        ``(..., choices)``.
    choice : np.ndarray
        Integers ``(...,)``.
    tie : float
        By how much its worth may differ from the best's: what is best in a sequence may be worth
        less in its frame than others.
    best : np.ndarray, optional
        Integers ``(...,)``; by default where ``values`` is largest.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([[0.5, 0.4999, 0.0], [0.7, 0.2, 0.1]])
    >>> same_choice(values, np.array([1, 1]), tie=0.001).tolist()
    [True, False]
    """
    import numpy as np

    best = values.argmax(axis=-1) if best is None else best

    def worth(which: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, which[..., np.newaxis], axis=-1)[..., 0]

    return (choice == best) | (np.abs(worth(best) - worth(choice)) < tie)


def decoder_of(card: Contract) -> Decoder:
    """A decoder for one recording: of a model's outputs, or of the decisions of a file."""
    task = TASKS[card.task]
    if card.exported is None or card.exported.decisions is None:
        return task.decoder(card)
    if task.decisions is None:
        raise ArtefactError(f"{card.name} gives decisions, and the task '{task.name}' has none")
    return task.decisions(card).decoder()


class FramewiseTask(Task[Section, Result]):
    """A task whose models give an output for every frame, trained on frames with targets."""

    framewise = True

    targets_are_events: ClassVar[bool] = False
    """Whether its targets stand for moments, in one frame each, rather than for what lasts."""

    def check_card(self, card: Contract) -> None:
        """Raise a ValueError where a card does not suit the task, or its frames do not join."""
        super().check_card(card)
        contract, main = card.input, card.outputs[0]
        if main.frame_rate is None:
            raise ValueError(
                f"the output '{main.name}' has no frame_rate; results of the task "
                f"'{self.name}' are frames in time"
            )
        for output in card.outputs:
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

    def describe(self, card: Contract) -> list[tuple[str, str]]:
        """What `mirzoo info` states of the outputs: pairs of a word and its text."""
        named = f"one of {len(card.labels)} " if card.labels else ""
        lines = [
            ("result", f"{named}{self.name}, {card.outputs[0].frame_rate:.4g} frames a second")
        ]
        outputs = ", ".join(f"{output.name} ({output.axes[-1].size})" for output in card.outputs)
        lines.append(("outputs", outputs))
        if card.decoding is not None:
            lines.append(("decoding", ", ".join(self.describe_decoding(card.decoding))))
        return lines

    def describe_decoding(self, decoding: Decoding) -> list[str]:
        """The settings of a decoder, each with its value."""
        settings = decoding.model_dump(exclude={"type"}).items()
        return [f"{name} {value}" for name, value in settings if value is not None]

    def targets(
        self, config: Section, known: Labelled, frame_times: Sequence[np.ndarray]
    ) -> FrameTargets:
        """The targets that labels give at the times of each recording's frames (s)."""
        raise self._no_recipes()

    def losses(self, config: Section) -> dict[str, tuple[Any, float]]:
        """For each output its loss, which is 0 where nothing is known, and the loss's weight.

        An output without a loss is measured, not learnt: it has no targets either.
        """
        raise self._no_recipes()

    def metrics(self, config: Section) -> dict[str, list]:
        """Keras metrics of outputs, to be shown during training."""
        return {}

    # Distillation: optional

    def distilled_targets(
        self,
        config: Section,
        teachers: Teachers,
        frame_times: Sequence[np.ndarray],
        *,
        weight: float,
    ) -> FrameTargets:
        """The targets that teachers give at the times of each item's frames (s).

        Parameters
        ----------
        config : Section
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

    def settle(
        self, config: Section, model: keras.Model, validation: Sequence[Iterable[Validated]]
    ) -> None:
        """Adjust the output layers of a trained model by validation items, before `calibrated`.

        By default nothing is adjusted.

        Parameters
        ----------
        config : Section
        model : keras.Model
            Its weights may be changed.
        validation : sequence of iterables of Validated
            For each corpus its validation recordings.
        """
        return None

    def calibrated(
        self,
        config: Section,
        card: Contract,
        validation: Sequence[Iterable[Validated]],
        teachers: Sequence[Teachers],
    ) -> Decoding | None:
        """The decoding that does best on validation recordings; by default the card's.

        Parameters
        ----------
        config : Section
        card : Contract
            The trained model's.
        validation : sequence of iterables of Validated
            For each corpus its recordings that have labels for the task.
        teachers : sequence of Teachers
            For each corpus its teachers, which may be none.
        """
        return card.decoding
