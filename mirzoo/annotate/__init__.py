"""From a recording to an annotation, with any model and in bounded memory.

The recording is processed in windows of the card's length, one every hop, the first beginning
where the card has it (``pad_left_samples`` of zeros before the first sample). The last window is
filled up with zeros. A recording that is shorter than the model's minimum is an error.

Where a task's results are not frames in time, a last window with less music in it than the
model's minimum is left out. Of models whose outputs have frames, the frames in every window's
context are dropped (`mirzoo.tasks.frames`), so windows go on until the middle of one reaches the
recording's end.

Models made for streams (`Card.live`) go through a recording step by step instead, as
`mirzoo.annotate.live` does.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, overload

import numpy as np

from mirzoo import audio
from mirzoo._support.files import fitting_name, longest_name, printable
from mirzoo._support.lanes import Lanes
from mirzoo._support.moved import moved_names
from mirzoo._support.switches import require_switches
from mirzoo.annotate.settings import decoding_settings
from mirzoo.audio.windows import Cutter, Window
from mirzoo.card import Card, Streaming
from mirzoo.errors import (
    AnnotationError,
    ArtefactError,
    AudioError,
    MissingCardError,
    TooShortError,
)
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS, decoder_of
from mirzoo.tasks.frames import FrameJoiner

if TYPE_CHECKING:
    from mirzoo.annotate.live import Stream

BATCH_WINDOWS = 16
EMBEDDING = "embedding"


class Steps(Protocol):
    """A model as steps of a stream; a state belongs to one stream, and steps to any number."""

    streaming: Streaming

    def initial(self) -> Any:
        """The state that a stream begins with."""

    def __call__(self, samples: np.ndarray, state: Any) -> tuple[dict[str, np.ndarray], Any]:
        """Take the next ``(step_samples,)`` samples.

        Returns
        -------
        outputs : dict of str to array
            Each output by name, ``(step_frames, ...)``.
        state
            For the next step.
        """


class Readable(Protocol):
    """A recording on its way to models, as `mirzoo.audio.Reader` reads it."""

    @property
    def warnings(self) -> list[str]:
        """What is odd about what was read so far."""

    def at_rates(self, rates: Iterable[int]) -> Iterator[dict[int, np.ndarray]]:
        """Give the next samples at each rate, ``(samples,)``, until the end."""


class LoadedModel(Protocol):
    """A model in any runtime: the Keras model, LiteRT or ONNX Runtime.

    The methods are those of `ModelMethods`, where they are written and documented once.
    """

    @property
    def card(self) -> Card:
        """Labels, sample rate, metrics, licences."""

    def predict_windows(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        """Compute each output by name from float32 ``(windows, window_samples)``."""

    def embed(self, waveform: np.ndarray, *, layers: Literal["last", "all"] = "last") -> np.ndarray:
        """Compute the embedding of each waveform, ``(batch, embedding size)``."""

    def annotate(
        self,
        source: audio.Source,
        *,
        source_rate: int | None = None,
        decoding: Mapping[str, Any] | None = None,
        progress: Callable[[float], None] | None = None,
        channel: audio.Channel = "mean",
        allow_damaged: bool = False,
        careful: bool = False,
        **settings: Any,
    ) -> Annotation:
        """Annotate a recording."""


def annotate(
    runner: LoadedModel,
    source: audio.Source,
    *,
    source_rate: int | None = None,
    decoding: Mapping[str, Any] | None = None,
    progress: Callable[[float], None] | None = None,
    channel: audio.Channel = "mean",
    allow_damaged: bool = False,
    careful: bool = False,
    **settings: Any,
) -> Annotation:
    """Annotate a recording of any format, rate, number of channels and length.

    Parameters
    ----------
    runner : LoadedModel
        A model of the zoo in any runtime.
    source : path, binary file object, array or generator of arrays
        As `mirzoo.audio.read` takes it: an array is ``(samples,)`` or ``(samples, channels)``, and
        so are the blocks of a generator.
    source_rate : int, optional
        Sample rate of an array (Hz), by default the model's own; and of a generator's blocks.
    decoding : mapping of str to value, optional
        Settings that take the place of the card's: ``{"voicing_threshold": 0.9}`` calls less a
        melody, ``{"change_penalty": 3.0}`` lets chords change more readily. They are the fields of
        the task's class of `mirzoo.card.Decoding`, such as `mirzoo.tasks.chords.ChordDecoding`;
        ``mirzoo info MODEL --all`` lists those of a model.
    progress : callable, optional
        Called now and then with the end of what has been processed (s).
    channel : {"mean", "mid", "left", "right"}
        What is taken of several channels: the mean of all, the mean of the first two, or one.
    allow_damaged : bool
        Whether what can be decoded of a damaged file is annotated, with a warning; by default it
        is an error.
    careful : bool
        Whether the model processes the recording several times, each time tuned a little higher
        or lower, and the mean of its outputs is decoded (`mirzoo.annotate.careful`): of chords
        alone, five times as slow, and with the whole recording in memory.
    **settings
        The same settings as keywords: ``power_chords=True`` is
        ``decoding={"power_chords": True}``.

    Returns
    -------
    Tags, Chords, Melody or Notes
        As the model's task is. Its ``source`` is the recording's absolute path, where it is a
        file. Its ``duration_s`` is the recording's length to within 10 ms at
        16 kHz; its ``warnings`` name what is odd about the recording (damage, silence, levels
        that cannot be meant, channels that cancel each other).

    Raises
    ------
    AudioError
        If the source is not audio that can be decoded, or is shorter than the model's minimum.
    CardError
        If the model's decoding has no such setting, the value is not allowed, or a setting is given
        both as a keyword and in ``decoding``.
    AnnotationError
        If results of the model's task cannot be made with ``careful``, or that is neither True nor
        False.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> annotate(mirzoo.load("mel_cnn_tagger"), "song.mp3").top(2)  # doctest: +SKIP
    [('guitar', 0.91), ('slow', 0.38)]
    >>> annotate(mirzoo.load("cqt_crnn_chords"), "song.mp3", power_chords=True)  # doctest: +SKIP
    """
    if settings:
        decoding = decoding_settings([runner.card], decoding, settings, call=annotate)
    [result] = annotate_together(
        [runner],
        source,
        source_rate=source_rate,
        decodings=[decoding],
        progress=progress,
        channel=channel,
        allow_damaged=allow_damaged,
        careful=careful,
    )
    return result


@overload
def annotate_together(
    runners: Sequence[LoadedModel],
    source: audio.Source,
    *,
    source_rate: int | None = None,
    decodings: Sequence[Mapping[str, Any] | None] | None = None,
    progress: Callable[[float], None] | None = None,
    channel: audio.Channel = "mean",
    allow_damaged: bool = False,
    careful: bool = False,
) -> list[Annotation]: ...
@overload
def annotate_together(
    runners: Sequence[LoadedModel],
    source: audio.Source,
    *,
    source_rate: int | None = None,
    decodings: Sequence[Mapping[str, Any] | None] | None = None,
    progress: Callable[[float], None] | None = None,
    channel: audio.Channel = "mean",
    allow_damaged: bool = False,
    careful: bool = False,
    return_errors: Literal[True],
) -> list[Annotation | Exception]: ...
def annotate_together(
    runners: Sequence[LoadedModel],
    source: audio.Source,
    *,
    source_rate: int | None = None,
    decodings: Sequence[Mapping[str, Any] | None] | None = None,
    progress: Callable[[float], None] | None = None,
    channel: audio.Channel = "mean",
    allow_damaged: bool = False,
    careful: bool = False,
    return_errors: bool = False,
) -> Any:
    """Annotate a recording with several models, decoding it once.

    Parameters
    ----------
    runners : sequence of LoadedModel
        Models of any tasks, rates and runtimes.
    source, source_rate, channel, allow_damaged
        As `annotate` takes them. For an array ``source_rate`` must be given where the models'
        rates differ.
    decodings : sequence of mapping, optional
        For each model the settings that take the place of its card's, or None.
    progress : callable, optional
        Called now and then with the end of what all models have processed (s).
    careful : bool
        As `annotate` takes it, of the models whose task has it; one of them at least must.
    return_errors : bool
        Whether an exception takes the place of the annotation in the list: what goes wrong with
        one model leaves the others alone, what is wrong with the recording is wrong for all. By
        default the first is raised.

    Returns
    -------
    list of Annotation
        In the order of the models; each what `annotate` gives.

    Raises
    ------
    AudioError
        If the source is not audio that can be decoded, or is shorter than a model's minimum; or
        if it is an array without a rate, and the models have several.
    CardError
        If a model's decoding has no such setting, or the value is not allowed.
    AnnotationError
        If results of none of the models can be made with ``careful``, or that is neither True nor
        False.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> models = [mirzoo.load(name) for name in ("mel_cnn_tagger", "cqt_crnn_chords")]
    ... # doctest: +SKIP
    >>> tags, chords = annotate_together(models, "song.mp3")  # doctest: +SKIP
    """
    require_switches(
        AnnotationError, allow_damaged=allow_damaged, careful=careful, return_errors=return_errors
    )
    request = Request(
        name=_name(source),
        source=_origin(source),
        decodings=decodings,
        progress=progress,
        errors=(Exception,) if return_errors else (),
    )
    rates = sorted({runner.card.sample_rate for runner in runners})
    if len(rates) > 1 and source_rate is None and audio.is_array(source):
        raise AudioError(
            f"the models take {' and '.join(map(str, rates))} Hz, and an array states no rate: "
            "give source_rate"
        )

    def read() -> audio.Reader:
        return audio.Reader(
            source,
            rates[0],
            source_rate=source_rate,
            channel=channel,
            allow_damaged=allow_damaged,
        )

    if careful:
        from mirzoo.annotate.careful import several_times

        return several_times(runners, read, request)
    return annotated(runners, read, request)


@dataclass(frozen=True)
class Request:
    """What holds for all models that annotate a recording, in one pass or in several.

    Parameters
    ----------
    name : str or None
        The recording, for messages.
    source : str or None
        The same for results: an absolute path, where it is a file.
    decodings, progress
        As `annotate_together` takes them.
    errors : tuple of exception classes
        Those that take the place of an annotation.
    """

    name: str | None = None
    source: str | None = None
    decodings: Sequence[Mapping[str, Any] | None] | None = None
    progress: Callable[[float], None] | None = None
    errors: tuple[type[Exception], ...] = ()

    def settings_of(
        self, runners: Sequence[LoadedModel]
    ) -> Iterator[tuple[LoadedModel, Mapping[str, Any]]]:
        """Give each model with the settings that take the place of its card's."""
        decodings = self.decodings or [None] * len(runners)
        for runner, settings in zip(runners, decodings, strict=True):
            yield runner, settings or {}


def annotated(
    runners: Sequence[LoadedModel], read: Callable[[], Readable], request: Request
) -> list[Any]:
    """Annotate what a reader gives, once, with several models.

    Parameters
    ----------
    runners
        As `annotate_together` takes them.
    read : callable
        Gives the reader.
    request : Request
    """
    decoders: list[Any] = []
    parts: list[_Part | _SteppedPart] = []
    for runner, settings in request.settings_of(runners):
        card = runner.card.decoded_with(settings)
        decoders.append(decoder_of(card))
        parts.append(_part_of(runner, decoders[-1], request.name, request.errors))
        with parts[-1].guarded():
            require_outputs(card)
    if not parts:
        return []
    reader = read()
    try:
        _process(parts, reader, request.progress)
    except request.errors as error:
        return [part.error or error for part in parts]
    results: list[Any] = []
    for part, decoder in zip(parts, decoders, strict=True):
        if part.error is None:
            with part.guarded():
                annotation = decoder.finish(duration_s=part.duration_s, source=request.source)
                _require_result(annotation, part.card.task)
                results.append(annotation.with_warnings(reader.warnings))
        if part.error is not None:
            results.append(part.error)
    return results


def _require_result(annotation: Annotation, task: str) -> None:
    expected = TASKS[task].annotation
    if not isinstance(annotation, expected):
        raise ArtefactError(
            f"the decoder of the task '{task}' gave a {type(annotation).__name__}; "
            f"it gives {expected.__name__}"
        )


def require_outputs(card: Card) -> None:
    """Raise an ArtefactError where a file lacks outputs that annotations are made of."""
    if card.decides_inside:
        return
    there = {output.name for output in card.available_outputs}
    missing = [name for name in TASKS[card.task].decoded_outputs(card) if name not in there]
    if missing:
        raise ArtefactError(
            f"this file of {card.name} was exported without the outputs {', '.join(missing)}, "
            "which annotations are made of; export it with them, or take the model itself"
        )


def frame_outputs(
    runner: LoadedModel,
    source: audio.Source,
    *,
    source_rate: int | None = None,
    tuning_cents: float | None = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give the outputs of a model with frames, joined over a whole recording.

    Parameters
    ----------
    runner, source, source_rate
        As `annotate` takes them.
    tuning_cents : float, optional
        How far the recording is above A = 440 Hz, where that is known, for models that measure the
        tuning of each window.

    Returns
    -------
    times : array, shape (frames,)
        The middle of each frame (s).
    outputs : dict of str to array
        Each output of the card with frames, ``(frames, size)``.

    Raises
    ------
    AudioError
        If the source is not audio that can be decoded, or is shorter than the model's minimum.
    """
    task = TASKS[runner.card.task]
    joiner = task.joiner(runner.card)
    pieces: list[dict[str, np.ndarray]] = []
    steps = steps_of(runner, long=True)
    part = (
        _Part(
            runner,
            lambda outputs, starts: pieces.append(joiner.join(outputs, starts)),
            _name(source),
        )
        if steps is None
        else _SteppedPart(runner.card, steps, pieces.append, _name(source))
    )
    _process([part], audio.Reader(source, runner.card.sample_rate, source_rate=source_rate))
    at_most = joiner.count(part.duration_s)
    outputs = {
        name: np.concatenate([piece[name] for piece in pieces])[:at_most] for name in pieces[0]
    }
    outputs = task.whole_outputs(runner.card, outputs, tuning_cents=tuning_cents)
    return joiner.times(len(next(iter(outputs.values())))), outputs


class Embedding(NamedTuple):
    """What a model's head gives of a recording.

    Parameters
    ----------
    vectors : array, float32, shape (rows, embedding size)
        One of the whole recording, or one of each stretch of it.
    starts_s : array, float64, shape (rows,)
        Where each stretch starts (s).
    duration_s : float
        Length of the recording (s).
    warnings : list of str
        What is odd about the recording.
    """

    vectors: np.ndarray
    starts_s: np.ndarray
    duration_s: float
    warnings: list[str]


def embed_recording(
    runner: LoadedModel,
    source: audio.Source,
    *,
    layers: Literal["last", "all"] = "last",
    over: Literal["clip", "time"] = "clip",
    source_rate: int | None = None,
    progress: Callable[[float], None] | None = None,
    channel: audio.Channel = "mean",
    allow_damaged: bool = False,
) -> Embedding:
    """Embed a recording of any format, rate, number of channels and length.

    Parameters
    ----------
    runner : LoadedModel
        A model of the zoo in any runtime.
    source, source_rate, progress, channel, allow_damaged
        As `annotate` takes them.
    layers : {"last", "all"}
        As `ModelMethods.embed` takes it.
    over : {"clip", "time"}
        One vector of the whole recording, or one of each stretch: of each window of the card's
        length where the embedding is of a window, otherwise of as many seconds as windows are
        apart.

    Returns
    -------
    Embedding
        That of a clip is the mean over windows, each weighted by the seconds of music in it, or
        the mean over frames; that of a stretch is its window's, or the mean over its frames.

    Raises
    ------
    ArtefactError
        If the file was exported without the embedding, has no other depths, or gives numbers
        that are not finite.
    AudioError
        If the source is not audio that can be decoded, or is shorter than the model's minimum.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> embed_recording(mirzoo.load("mel_cnn_tagger"), "song.mp3").vectors.shape  # doctest: +SKIP
    (1, 128)
    """
    require_switches(ArtefactError, allow_damaged=allow_damaged)
    if over not in ("clip", "time"):
        raise ArtefactError(f"over is {over!r}; allowed are 'clip' and 'time'")
    framewise = TASKS[runner.card.task].framewise
    kept: _OfWindows | _OfFrames = (_OfFrames if framewise else _OfWindows)(runner.card)

    def compute(windows: np.ndarray) -> dict[str, np.ndarray]:
        if layers == "last":
            outputs = runner.predict_windows(windows)
            if EMBEDDING in outputs:
                return outputs
        return {EMBEDDING: runner.embed(windows, layers=layers)}  # or tells why there is none

    part = _Part(runner, kept.add, _name(source), compute=compute)
    reader = audio.Reader(
        source,
        runner.card.sample_rate,
        source_rate=source_rate,
        channel=channel,
        allow_damaged=allow_damaged,
    )
    _process([part], reader, progress)
    starts_s, weights, vectors = kept.finish(part.duration_s)
    if over == "clip":
        vectors = (weights @ vectors / weights.sum())[np.newaxis]
        starts_s = np.zeros(1)
    vectors = vectors.astype(np.float32)
    if not np.isfinite(vectors).all():
        raise ArtefactError(
            f"{runner.card.name} gave an embedding that is not finite; are its files damaged? "
            f"`mirzoo verify {runner.card.name}` tells."
        )
    return Embedding(vectors, starts_s, part.duration_s, reader.warnings)


def of_windows(values: np.ndarray) -> np.ndarray:
    """What a tagger gives for windows, ``(windows, size)``.

    A live one gives ``(windows, frames, size)``, whose last frame is of the whole window.
    """
    return values[:, -1] if values.ndim == 3 else values


class _OfWindows:
    """The embeddings of windows."""

    def __init__(self, card: Card) -> None:
        self._length_s = card.input.window_samples / card.sample_rate
        self._vectors: list[np.ndarray] = []
        self._starts: list[np.ndarray] = []

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        self._vectors.append(of_windows(outputs[EMBEDDING]))
        self._starts.append(starts)

    def finish(self, duration_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Starts (s), weights and vectors."""
        first = np.concatenate(self._starts)
        starts = np.maximum(first, 0.0)
        weights = np.minimum(first + self._length_s, duration_s) - starts
        return starts, weights, np.concatenate(self._vectors).astype(np.float64)


class _OfFrames:
    """The means over the frames of stretches, as they come; what lies behind the end is left out.

    The end is known only afterwards. Frames behind it are in the last windows, so that the last
    two groups of windows are always held back.
    """

    def __init__(self, card: Card) -> None:
        self._joiner = FrameJoiner(card, also=(EMBEDDING,))
        self._stretch_s = card.input.hop_samples / card.sample_rate
        self._held: list[np.ndarray] = []
        self._frames = 0
        self._sums: dict[int, np.ndarray] = {}
        self._counts: Counter[int] = Counter()

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        self._held.append(self._joiner.join(outputs, starts)[EMBEDDING])
        if len(self._held) > 2:
            self._count(self._held.pop(0))

    def finish(self, duration_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Starts (s), weights and vectors."""
        last = np.concatenate(self._held)
        self._count(last[: max(self._joiner.count(duration_s) - self._frames, 0)])
        numbers = sorted(self._sums)
        counts = np.array([self._counts[number] for number in numbers], dtype=np.float64)
        sums = np.stack([self._sums[number] for number in numbers])
        return np.array(numbers) * self._stretch_s, counts, sums / counts[:, np.newaxis]

    def _count(self, frames: np.ndarray) -> None:
        times = self._joiner.times_of(self._frames + np.arange(len(frames)))
        self._frames += len(frames)
        stretches = np.maximum(times // self._stretch_s, 0).astype(int)
        for number in np.unique(stretches):
            of_it = frames[stretches == number]
            self._sums[number] = self._sums.get(number, 0.0) + of_it.sum(axis=0, dtype=np.float64)
            self._counts[number] += len(of_it)


class ModelMethods:
    """What a model offers in every runtime; a runtime adds `_compute`.

    Attributes
    ----------
    any_length : bool
        Whether it takes windows of any length from the card's minimum, and not only those of the
        card's ``window_samples``.
    lanes : int
        How many threads `annotate` computes windows in, besides the caller's, which decodes the
        recording meanwhile; 0 where the caller's does it all.
    at_once : int
        How many windows `annotate` gives to a call of `predict_windows` at most.
    """

    any_length: bool = False
    lanes: int = 0
    at_once: int = BATCH_WINDOWS
    _runtime: ClassVar[str]
    _card: Card | None

    @property
    def card(self) -> Card:
        """The card: labels, sample rate, metrics, licences.

        Raises
        ------
        MissingCardError
            If the model has none.
        """
        if self._card is None:
            raise MissingCardError(
                f"{self!r} has no card; keras.models.clone_model drops it: set "
                "model.card = original.card"
            )
        return self._card

    @card.setter
    def card(self, card: Card) -> None:
        self._card = card

    def annotate(
        self,
        source: audio.Source,
        *,
        source_rate: int | None = None,
        decoding: Mapping[str, Any] | None = None,
        progress: Callable[[float], None] | None = None,
        channel: audio.Channel = "mean",
        allow_damaged: bool = False,
        careful: bool = False,
        **settings: Any,
    ) -> Annotation:
        """Annotate a recording of any format, rate, number of channels and length.

        Parameters, result and errors are those of `mirzoo.annotate.annotate`.

        Examples
        --------
        >>> import mirzoo  # doctest: +SKIP
        >>> mirzoo.load("mel_cnn_tagger").annotate("song.mp3").top(2)  # doctest: +SKIP
        [('guitar', 0.91), ('slow', 0.38)]
        """
        return annotate(
            self,
            source,
            source_rate=source_rate,
            decoding=decoding,
            progress=progress,
            channel=channel,
            allow_damaged=allow_damaged,
            careful=careful,
            **settings,
        )

    def embed(self, waveform: np.ndarray, *, layers: Literal["last", "all"] = "last") -> np.ndarray:
        """Embed waveforms: the output of the head.

        Parameters
        ----------
        waveform : array, float32, shape (batch, samples)
            In [-1, 1] at the card's sample rate, as long as for `predict_windows`.
        layers : {"last", "all"}
            With "all", what each block of the head gives, pooled, follows the embedding: see
            `mirzoo.models.heads.with_all_depths`. Keras models alone have them.

        Returns
        -------
        array, float32, shape (batch, embedding size) or (batch, frames, embedding size)

        Raises
        ------
        ArtefactError
            If the file was exported without the embedding, or has no other depths.
        AudioError
            If the waveforms are of a length that the model does not take.
        """
        if layers not in ("last", "all"):
            raise ArtefactError(f"layers is {layers!r}; allowed are 'last' and 'all'")
        if layers == "all":
            return self._embed_all_depths(self._fitting(np.asarray(waveform, dtype=np.float32)))
        outputs = self.predict_windows(waveform)
        if EMBEDDING not in outputs:
            raise ArtefactError(
                f"{self!r} has the outputs {sorted(outputs)} but no '{EMBEDDING}'; "
                'load the model with runtime="keras" to embed with it'
            )
        return outputs[EMBEDDING]

    def _embed_all_depths(self, windows: np.ndarray) -> np.ndarray:
        raise ArtefactError(
            f"{self!r} gives its last embedding alone: a file of {self._runtime} has no other "
            'layers to ask for; load the model with runtime="keras", or fine-tune one with '
            "strategy='auto', whose embedding holds all depths wherever that helped"
        )

    def steps(self, *, long: bool = False) -> Steps | None:
        """The steps of a model made for streams (`Card.live`); None where it has none.

        Parameters
        ----------
        long : bool
            Whether steps may be as long as they are quickest: for recordings, not for streams.
        """
        return None

    def stream(
        self,
        *,
        source_rate: int,
        channels: int = 1,
        channel: audio.Channel = "mean",
        decoding: Mapping[str, Any] | None = None,
        block_s: float | None = None,
        **settings: Any,
    ) -> Stream:
        """Open a stream of audio, to be annotated while it comes.

        Parameters and errors are those of `mirzoo.annotate.live.Stream`.

        Examples
        --------
        >>> import mirzoo  # doctest: +SKIP
        >>> stream = mirzoo.load("mel_cnn_tagger").stream(source_rate=48000)  # doctest: +SKIP
        """
        from mirzoo.annotate.live import Stream

        return Stream(
            self,
            source_rate=source_rate,
            channels=channels,
            channel=channel,
            decoding=decoding,
            **({} if block_s is None else {"block_s": block_s}),
            **settings,
        )

    def predict_windows(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        """Compute every output and the embedding of each window.

        Parameters
        ----------
        windows : array, float32, shape (windows, samples)
            Waveforms in [-1, 1] at the card's sample rate. The Keras model takes any length from
            the card's ``min_samples``, other runtimes exactly ``window_samples``; all take any
            length where the card's input is ``whole``.

        Returns
        -------
        dict of str to array
            Each output of the card by name, and ``"embedding"``; the first axis is windows.

        Raises
        ------
        AudioError
            If the windows are of another length, or there is none.
        """
        return self._compute(self._fitting(np.asarray(windows, dtype=np.float32)))

    def _compute(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        raise TypeError(f"{type(self).__name__} computes nothing: a runtime defines _compute")

    def _fitting(self, windows: np.ndarray) -> np.ndarray:
        contract = self.card.input
        longest = None if contract.whole or self.any_length else contract.window_samples
        shortest = longest or contract.min_samples
        fits = windows.ndim == 2 and len(windows) and windows.shape[1] >= shortest
        if not fits or (longest is not None and windows.shape[1] > longest):
            length = longest or f"{shortest} or more"
            raise AudioError(
                f"{self.card.name} in {self._runtime} takes windows of the shape "
                f"(windows, {length}) at {contract.sample_rate} Hz, at least one; received "
                f"{windows.shape}. `annotate` cuts a recording into them."
            )
        return windows


def as_type(windows: np.ndarray, dtype: str) -> np.ndarray:
    """Samples in [-1, 1] as a file takes them: ``"float32"``, or ``"int16"`` of 1/32768 each.

    Examples
    --------
    >>> as_type(np.array([-1.0, 0.5, 1.0]), "int16").tolist()
    [-32768, 16384, 32767]
    """
    if dtype == "int16":
        windows = np.clip(np.round(windows * 32768.0), -32768, 32767)
    return windows.astype(dtype)


class _Part:
    """A model's share in the processing of a recording: from its samples to its outputs.

    Outputs are handed over in groups of `BATCH_WINDOWS` windows, whatever is computed at once.

    Parameters
    ----------
    runner : LoadedModel
    hand_over : callable
        Takes the outputs of the next windows and their starts (s).
    name : str or None
        The recording, for messages.
    errors : tuple of exception classes
        Those that end this part alone, and are then its `error`; others are raised.
    compute : callable, optional
        From windows to outputs; by default those of ``predict_windows`` without the embedding.
    """

    def __init__(
        self,
        runner: LoadedModel,
        hand_over: Callable[[dict[str, np.ndarray], np.ndarray], None],
        name: str | None,
        errors: tuple[type[Exception], ...] = (),
        compute: Callable[[np.ndarray], dict[str, np.ndarray]] | None = None,
    ) -> None:
        contract = runner.card.input
        self.card = runner.card
        self.lanes: int = getattr(runner, "lanes", 0)
        self.error: Exception | None = None
        self._runner, self._hand_over, self._name, self._errors = runner, hand_over, name, errors
        self._outputs_of = compute or self._without_embedding
        self._framewise = TASKS[runner.card.task].framewise
        self._at_once = 1 if contract.whole else getattr(runner, "at_once", BATCH_WINDOWS)
        self._cutter = Cutter(
            contract.window_samples,
            contract.hop_samples,
            contract.pad_left_samples,
            context=contract.context_samples if self._framewise else 0,
            fill_short=not contract.whole,
        )
        self._end = self._processed = self._seen = 0
        self._ready: list[Window] = []
        self._outputs: list[dict[str, np.ndarray]] = []
        self._starts: list[int] = []
        self._is_long_enough = False

    @property
    def duration_s(self) -> float:
        """Length of what was decoded (s)."""
        return self._end / self.card.sample_rate

    @property
    def processed_s(self) -> float:
        """The end of what was handed over (s)."""
        return self._processed / self.card.sample_rate

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep an error that ends this part alone."""
        try:
            yield
        except self._errors as error:
            self.error = error

    def add(self, block: np.ndarray, lanes: Lanes, report: Callable[[], None]) -> None:
        """Take the next samples, and have the windows computed that they fill."""
        for window in self._cutter.add(block):
            self._add(window, lanes, report)

    def close(self, lanes: Lanes, report: Callable[[], None]) -> None:
        """Have the rest computed."""
        for window in self._cutter.finish():
            self._add(window, lanes, report)
        if self._is_too_short_as_yet:
            self._ready = []
        if self._ready or self._seen % BATCH_WINDOWS:
            self._compute(lanes, report, ends_group=True)

    def require_enough(self) -> None:
        """Raise a TooShortError where nothing was long enough to be processed."""
        if not self._is_long_enough:
            raise too_short(self.card, self.duration_s, self._name)

    def _add(self, window: Window, lanes: Lanes, report: Callable[[], None]) -> None:
        self._seen += 1
        self._end = window.end
        if self._framewise or music_in(window) >= self.card.input.min_samples:
            self._ready.append(window)
        ends_group = self._seen % BATCH_WINDOWS == 0
        if (ends_group or len(self._ready) >= self._at_once) and not self._is_too_short_as_yet:
            self._compute(lanes, report, ends_group=ends_group)

    @property
    def _is_too_short_as_yet(self) -> bool:
        return self._framewise and self._end < self.card.input.min_samples

    def _compute(self, lanes: Lanes, report: Callable[[], None], *, ends_group: bool) -> None:
        windows, self._ready = self._ready, []
        end = self._end

        def predict() -> dict[str, np.ndarray]:
            if not windows:
                return {}
            return self._outputs_of(np.stack([w.waveform for w in windows]))

        def take(result: Callable[[], dict[str, np.ndarray]]) -> None:
            if self.error is not None:
                return
            with self.guarded():
                self._take(result(), windows, ends_group)
            if ends_group:
                self._processed = end
                report()

        if self.lanes:
            lanes.give(predict, take)
        else:
            take(predict)

    def _without_embedding(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        outputs = self._runner.predict_windows(windows)
        return {name: values for name, values in outputs.items() if name != EMBEDDING}

    def _take(
        self, outputs: dict[str, np.ndarray], windows: list[Window], ends_group: bool
    ) -> None:
        if windows:
            self._is_long_enough = True
            self._outputs.append(outputs)
            self._starts += [window.start for window in windows]
        if ends_group and self._outputs:
            together = _concatenated(self._outputs)
            starts = np.array(self._starts) / self.card.sample_rate
            self._outputs, self._starts = [], []
            self._hand_over(together, starts)


class StepFrames:
    """The frames of a model that goes through a waveform step by step, from its first sample on.

    Parameters
    ----------
    card : Card
    steps : Steps

    Attributes
    ----------
    samples : int
        How many samples were added.
    """

    def __init__(self, card: Card, steps: Steps) -> None:
        self._card, self._steps = card, steps
        self._joiner = FrameJoiner(card)
        self._state = steps.initial()
        self._before = steps.streaming.delay_frames
        self._waiting: list[np.ndarray] = []
        self._length = self._given = 0
        self.samples = 0

    def add(self, block: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        """Take the next samples, ``(samples,)``; gives the frames of each step that is full."""
        self.samples += len(block)
        self._waiting.append(block)
        self._length += len(block)
        step = self._steps.streaming.step_samples
        if self._length < step:
            return
        waveform = np.concatenate(self._waiting)
        whole = len(waveform) // step * step
        self._waiting, self._length = [waveform[whole:]], len(waveform) - whole
        for first in range(0, whole, step):
            outputs = self._step(waveform[first : first + step])
            if outputs:
                yield outputs

    def finish(self) -> Iterator[dict[str, np.ndarray]]:
        """Give the frames of the rest: as many as the waveform has."""
        count = self._joiner.count(self.samples / self._card.sample_rate)
        rest = np.concatenate([*self._waiting, np.zeros(0, np.float32)])
        while self._given < count:
            step = self._steps.streaming.step_samples
            piece, rest = rest[:step], rest[step:]
            missing = count - self._given
            outputs = self._step(np.pad(piece, (0, step - len(piece))))
            if outputs:
                yield {name: values[:missing] for name, values in outputs.items()}

    def _step(self, samples: np.ndarray) -> dict[str, np.ndarray]:
        outputs, self._state = self._steps(samples, self._state)
        left_out = min(self._before, self._steps.streaming.step_frames)
        self._before -= left_out
        given = {output.name: outputs[output.name][left_out:] for output in self._card.outputs}
        frames = len(next(iter(given.values())))
        for name, values in given.items():
            if not np.isfinite(values).all():
                raise ArtefactError(
                    f"{self._card.name} gave '{name}' that is not finite; are its files damaged? "
                    f"`mirzoo verify {self._card.name}` tells."
                )
        self._given += frames
        return given if frames else {}


class _SteppedPart:
    """A live model's share in the processing of a recording; as `_Part`.

    Parameters
    ----------
    card : Card
    steps : Steps
    hand_over : callable
        Takes the outputs of the next frames.
    name : str or None
        The recording, for messages.
    errors : tuple of exception classes
        As of `_Part`.
    """

    lanes = 0

    def __init__(
        self,
        card: Card,
        steps: Steps,
        hand_over: Callable[[dict[str, np.ndarray]], None],
        name: str | None,
        errors: tuple[type[Exception], ...] = (),
    ) -> None:
        self.card = card
        self.error: Exception | None = None
        self._frames = StepFrames(card, steps)
        self._hand_over, self._name, self._errors = hand_over, name, errors
        self._reported = 0

    @property
    def duration_s(self) -> float:
        """Length of what was decoded (s)."""
        return self._frames.samples / self.card.sample_rate

    @property
    def processed_s(self) -> float:
        """The end of what was handed over (s)."""
        return self.duration_s

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep an error that ends this part alone."""
        try:
            yield
        except self._errors as error:
            self.error = error

    def add(self, block: np.ndarray, lanes: Lanes, report: Callable[[], None]) -> None:
        """Take the next samples, and compute the steps that they fill."""
        with self.guarded():
            for outputs in self._frames.add(block):
                self._hand_over(outputs)
        report()

    def close(self, lanes: Lanes, report: Callable[[], None]) -> None:
        """Compute the rest."""
        if self._frames.samples < self.card.input.min_samples:
            return
        with self.guarded():
            for outputs in self._frames.finish():
                self._hand_over(outputs)
        report()

    def require_enough(self) -> None:
        """Raise a TooShortError where there was too little."""
        if self._frames.samples < self.card.input.min_samples:
            raise too_short(self.card, self.duration_s, self._name)


def steps_of(runner: LoadedModel, *, long: bool = False) -> Steps | None:
    """The steps of a model made for streams; None where it, or its runtime, has none."""
    find = getattr(runner, "steps", None)
    return None if find is None else find(long=long)


def _part_of(
    runner: LoadedModel,
    decoder: Any,
    name: str | None,
    errors: tuple[type[Exception], ...],
) -> _Part | _SteppedPart:
    steps = steps_of(runner, long=True)
    if steps is None:
        return _Part(runner, decoder.add, name, errors)
    return _SteppedPart(runner.card, steps, decoder.add_frames, name, errors)


def too_short(card: Card, duration_s: float, name: str | None) -> TooShortError:
    """The error of what is shorter than a model's minimum."""
    contract = card.input
    return TooShortError(
        f"{printable(name) if name else 'the audio'} is too short: it has {duration_s:.3f} s, and "
        f"{card.name} needs at least {contract.min_samples / contract.sample_rate:.3f} s "
        f"({contract.min_samples} samples at {contract.sample_rate} Hz)"
    )


def _concatenated(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _process(
    parts: Sequence[_Part | _SteppedPart],
    reader: Readable,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Run models over a recording, which is read once, and have their outputs handed over."""

    def report() -> None:
        if progress is not None:
            going = [part.processed_s for part in parts if part.error is None]
            progress(min(going, default=0.0))

    def going() -> list[_Part | _SteppedPart]:
        return [part for part in parts if part.error is None]

    with Lanes(max(part.lanes for part in parts)) as lanes:
        for blocks in reader.at_rates({part.card.sample_rate for part in parts}):
            for part in going():
                block = blocks.get(part.card.sample_rate)
                if block is not None:
                    part.add(block, lanes, report)
            if not going():
                return
        for part in going():
            part.close(lanes, report)
        lanes.finish()
    for part in going():
        with part.guarded():
            part.require_enough()


class AudioFile(NamedTuple):
    """A file to annotate, and its path below the folder that it was found in."""

    path: Path
    name: Path


def find_recordings(
    paths: Iterable[str | os.PathLike],
    on_problem: Callable[[Path, AudioError], object] | None = None,
) -> list[AudioFile]:
    """List the files to annotate: each file as it is, each folder with all audio files below it.

    Parameters
    ----------
    paths : iterable of path
        In a folder, files with the usual suffixes of audio count, hidden ones do not.
    on_problem : callable, optional
        Called with each folder that cannot be read or has no audio file, and the error; by
        default the first is raised.

    Returns
    -------
    list of AudioFile

    Raises
    ------
    AudioError
        If a folder has no audio file, or one in it cannot be read.

    Examples
    --------
    >>> find_recordings(["music/song.mp3"])
    [AudioFile(path=PosixPath('music/song.mp3'), name=PosixPath('song.mp3'))]
    """

    def report(folder: str | os.PathLike, problem: str) -> None:
        error = AudioError(f"the folder {printable(folder)} {problem}")
        if on_problem is None:
            raise error
        on_problem(Path(folder), error)

    recordings = []
    for path in map(Path, paths):
        if not os.path.isdir(path):  # no OSError of a name that no file can have
            recordings.append(AudioFile(path, Path(path.name)))
            continue
        unread: list[OSError] = []
        files = audio.files_in(path, unread.append)
        for error in unread:
            report(error.filename, f"cannot be read ({error.strerror}), nor what is in it")
        if not files and not unread:
            report(path, f"has no audio file; looked for {', '.join(audio.SUFFIXES)}")
        recordings += [AudioFile(file, file.relative_to(path)) for file in files]
    return recordings


def name_results(
    recordings: Sequence[AudioFile], models: Sequence[str], folder: Path, suffix: str
) -> dict[tuple[AudioFile, str], Path]:
    """Choose a file for each model's result on each recording, no two the same.

    ``song.mp3`` becomes ``song.json``, or ``song.<model>.json`` where there are several models;
    recordings that differ in their suffix alone keep it: ``song.mp3.json``. A name that is longer
    than the file system takes is shortened as `mirzoo._support.files.fitting_name` does.

    Raises
    ------
    AnnotationError
        If two recordings have the same name.
    """
    stems = Counter(recording.name.with_suffix("") for recording in recordings)
    longest = longest_name(folder)
    results = {}
    for recording in recordings:
        stem = recording.name.with_suffix("")
        name = recording.name if stems[stem] > 1 else stem
        for model in models:
            which = f".{model}" if len(models) > 1 else ""
            fitting = fitting_name(name.name, f"{which}{suffix}", longest)
            results[recording, model] = folder / name.parent / fitting
    twice = [str(path) for path, count in Counter(results.values()).items() if count > 1]
    if twice or len(results) < len(recordings) * len(models):
        raise AnnotationError(
            f"several recordings would be written to {some_names(twice) or folder}; annotate "
            "recordings of the same name into different folders"
        )
    return results


def some_names(names: Sequence[str], most: int = 5) -> str:
    """The first few of many names."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(printable, names[:most])) + more


def music_in(window: Window) -> int:
    """How many samples of a window are the recording's own."""
    return min(window.end - window.start, len(window.waveform)) + min(window.start, 0)


def _name(source: audio.Source) -> str | None:
    name = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    return os.fspath(name) if isinstance(name, str | os.PathLike) else None


def _origin(source: audio.Source) -> str | None:
    """What results state as their source: a path so that it leads there from any folder."""
    if isinstance(source, str | os.PathLike):
        return os.path.abspath(source)
    return _name(source)


__getattr__ = moved_names(
    __name__,
    {
        "Annotator": "mirzoo.annotate:ModelMethods",
        "Runner": "mirzoo.annotate:LoadedModel",
        "Recording": "mirzoo.annotate:AudioFile",
        "hear_frames": "mirzoo.annotate:frame_outputs",
    },
)
