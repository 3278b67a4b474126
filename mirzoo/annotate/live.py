"""Annotate audio while it comes: blocks in, what is new out, with its times.

A model that is made for streams (`Card.live`) goes on from step to step, and `annotate` does the
same: what a stream gives, joined, is what `annotate` gives of the same samples. Any other model
works window by window, as in `annotate`, and its results are as late as its windows are long.

What a result waits for is stated by part (`Latency`): the half of the longest analysis window that
lies behind a frame's middle, what the network looks ahead, the decoder, and the block that audio
comes in.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from mirzoo import audio
from mirzoo.annotate import (
    EMBEDDING,
    StepFrames,
    music_in,
    require_outputs,
    steps_of,
    too_short,
)
from mirzoo.annotate.settings import decoding_settings
from mirzoo.audio.live import LiveReader
from mirzoo.audio.windows import Cutter, Window
from mirzoo.card import Card
from mirzoo.errors import AudioError
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS, decoder_of
from mirzoo.tasks.frames import LagDecoder

if TYPE_CHECKING:
    from mirzoo.annotate import LoadedModel

BLOCK_S = 0.064


@dataclass(frozen=True)
class Latency:
    """How long after a sound its result can come at the latest, by part (s).

    Infinite where results come when the stream ends.

    Parameters
    ----------
    resampling_s : float
        What the resampler holds back.
    analysis_s : float
        Half of the longest analysis window; of models that work in windows, from the middle of
        what counts of a window to its end.
    network_s : float
        How far the network looks ahead, up to whole frames.
    decoder_s : float
        How much later a frame is decided.
    block_s : float
        The block that audio comes in, and the rest of the model's step.

    Examples
    --------
    >>> Latency(0.0, 0.064, 0.096, 0.1, 0.064).total_s
    0.324
    """

    resampling_s: float
    analysis_s: float
    network_s: float
    decoder_s: float
    block_s: float

    @property
    def total_s(self) -> float:
        """The sum of all parts (s)."""
        return round(sum(asdict(self).values()), 9)

    def __str__(self) -> str:
        parts = ", ".join(f"{name[:-2]} {value:.3f}" for name, value in asdict(self).items())
        return f"{self.total_s:.3f} s ({parts})"


class Stream:
    """A stream of audio that is annotated while it comes.

    Parameters
    ----------
    runner : LoadedModel
        A model of the zoo in a runtime.
    source_rate : int
        Sample rate of the blocks (Hz).
    channels : int
        Columns of a block.
    channel : {"mean", "mid", "left", "right"}
        What is taken of several channels, as `mirzoo.annotate.annotate` takes it.
    decoding : mapping of str to value, optional
        Settings that take the place of the card's. With ``{"lag_s": 0.5}`` chords and melodies of
        any model are decided half a second after each frame.
    block_s : float
        How long the blocks are that audio comes in (s), 0 or more: a part of the `latency`, of
        nothing else.
    **settings
        The settings of ``decoding`` as keywords: ``lag_s=0.5``.

    Raises
    ------
    AudioError
        If a rate, the channels or the length of blocks are not allowed.
    CardError
        If the model's decoding has no such setting, or the value is not allowed.
    ArtefactError
        If the file lacks outputs that results are made of.

    One stream belongs to one thread at a time, and a call from a second one meanwhile is an
    AudioError; a model serves any number of streams.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> stream = mirzoo.stream("mel_cnn_tagger", source_rate=48000)  # doctest: +SKIP
    >>> pieces = [stream.push(block) for block in blocks] + [stream.flush()]  # doctest: +SKIP
    >>> mirzoo.Tags.joined(piece for piece in pieces if piece)  # doctest: +SKIP
    """

    def __init__(
        self,
        runner: LoadedModel,
        *,
        source_rate: int,
        channels: int = 1,
        channel: audio.Channel = "mean",
        decoding: Mapping[str, Any] | None = None,
        block_s: float = BLOCK_S,
        **settings: Any,
    ) -> None:
        self._runner = runner
        if settings:
            decoding = decoding_settings([runner.card], decoding, settings, call=type(self))
        self._card = runner.card.decoded_with(decoding or {})
        require_outputs(self._card)
        is_number = isinstance(block_s, Real) and not isinstance(block_s, bool)
        if not (is_number and 0 <= block_s < math.inf):
            raise AudioError(f"block_s is {block_s!r}; allowed are numbers of seconds from 0 on")
        self._channels, self._channel = channels, channel
        self._source_rate, self._block_s = source_rate, block_s
        self._turn = threading.Lock()
        self._is_over = False
        self.reset()
        self._resampling_s = self._reader.delay_s

    def __repr__(self) -> str:
        return f"Stream({self._card.name!r}, {self._source_rate} Hz, latency {self.latency})"

    @property
    def card(self) -> Card:
        """The model's card, with the settings of this stream."""
        return self._card

    @property
    def source_rate(self) -> int:
        """Sample rate of the blocks (Hz)."""
        return self._source_rate

    @property
    def latency(self) -> Latency:
        """How long after a sound its result can come at the latest, by part."""
        lag_s = getattr(self._decoder, "lag_s", None)
        decoder_s = float("inf") if lag_s is None else float(lag_s)
        analysis_s, network_s, step_s = self._path.looks_ahead_s
        return Latency(self._resampling_s, analysis_s, network_s, decoder_s, step_s + self._block_s)

    @property
    def latency_s(self) -> float:
        """How long after a sound its result can come at the latest (s)."""
        return self.latency.total_s

    @property
    def duration_s(self) -> float:
        """The length of what was pushed, as far as it is resampled (s)."""
        return self._path.samples / self._card.sample_rate

    @property
    def warnings(self) -> list[str]:
        """What is odd about what was pushed, a sentence each."""
        return self._reader.warnings

    def push(self, block: np.ndarray) -> Annotation | None:
        """Take the next samples, and give what is new.

        Parameters
        ----------
        block : array, shape (samples,) or (samples, channels)
            Of any length. Floats in [-1, 1], or integers, which are scaled by their full range.

        Returns
        -------
        Tags, Chords, Melody, Notes, Key or None
            What was decided since the last call, its times counted from the stream's beginning;
            None where that is nothing.

        Raises
        ------
        AudioError
            If the stream was flushed, the block has other channels, or samples that are not
            finite: then nothing of it was taken, and the next block may follow. If another thread
            is at the stream.
        """
        with self._alone("push"):
            if self._is_over:
                raise AudioError(
                    "nothing can be pushed behind the end of a stream: it was flushed; reset() "
                    "begins another"
                )
            self._path.add(self._reader.add(block))
            return self._take()

    def flush(self) -> Annotation | None:
        """End the stream, and give the rest; None where that is nothing.

        Raises
        ------
        TooShortError
            If all that was pushed is shorter than the model's minimum.
        AudioError
            If another thread is at the stream.
        """
        with self._alone("flush"):
            if self._is_over:
                return None
            self._is_over = True
            self._path.add(self._reader.finish())
            if self._path.samples < self._card.input.min_samples:
                raise too_short(self._card, self.duration_s, "the stream")
            self._path.finish()
            rest = getattr(self._decoder, "rest", self._decoder.finish)(duration_s=self.duration_s)
            return None if rest is None else rest.with_warnings(self.warnings)

    def reset(self) -> None:
        """Begin another stream, of the same rate and channels; what was not given is forgotten.

        Raises
        ------
        AudioError
            If another thread is at the stream.
        """
        with self._alone("reset"):
            self._begin()

    def _begin(self) -> None:
        self._reader = LiveReader(
            self._source_rate,
            self._card.sample_rate,
            channels=self._channels,
            channel=self._channel,
        )
        self._decoder: Any = decoder_of(self._card)
        steps = steps_of(self._runner)
        self._path: _ByWindow | _ByStep
        if steps is None:
            self._path = _ByWindow(self._runner, self._card, self._decoder)
        else:
            self._path = _ByStep(self._card, steps, self._decoder)
        self._is_over = False

    @contextlib.contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        """Two threads at once would mix up samples and states."""
        if not self._turn.acquire(blocking=False):
            raise AudioError(
                f"{what}() was called while another thread is at this stream; a stream belongs to "
                "one thread at a time: open one for each, of the same model"
            )
        try:
            yield
        finally:
            self._turn.release()

    def _take(self) -> Annotation | None:
        take = getattr(self._decoder, "take", None)
        return None if take is None else take()


class _ByStep:
    """From samples to a decoder, step by step."""

    def __init__(self, card: Card, steps: Any, decoder: Any) -> None:
        self._frames, self._decoder = StepFrames(card, steps), decoder
        streaming, rate = steps.streaming, card.sample_rate
        hop = streaming.step_samples // streaming.step_frames
        ahead = (streaming.delay_frames + 1) * hop
        analysis = min(streaming.analysis_samples, ahead)
        self.looks_ahead_s = (
            analysis / rate,
            (ahead - analysis) / rate,
            (streaming.step_samples - hop) / rate,
        )

    @property
    def samples(self) -> int:
        """How many came."""
        return self._frames.samples

    def add(self, samples: np.ndarray) -> None:
        for outputs in self._frames.add(samples):
            self._decoder.add_frames(outputs)

    def finish(self) -> None:
        for outputs in self._frames.finish():
            self._decoder.add_frames(outputs)


class _ByWindow:
    """From samples to a decoder, window by window, as in `annotate`."""

    def __init__(self, runner: LoadedModel, card: Card, decoder: Any) -> None:
        contract = card.input
        self._runner, self._decoder, self._card = runner, decoder, card
        self._framewise = TASKS[card.task].framewise
        self._cutter = Cutter(
            contract.window_samples,
            contract.hop_samples,
            contract.pad_left_samples,
            context=contract.context_samples if self._framewise else 0,
            fill_short=not contract.whole,
        )
        counted = contract.hop_samples if self._framewise else contract.window_samples
        behind = contract.context_samples if self._framewise else 0
        self.looks_ahead_s = (
            (counted / 2 + behind) / card.sample_rate,
            counted / 2 / card.sample_rate,
            0.0,
        )
        self.samples = 0

    def add(self, samples: np.ndarray) -> None:
        self.samples += len(samples)
        for window in self._cutter.add(samples):
            self._compute(window)

    def finish(self) -> None:
        for window in self._cutter.finish():
            if self._framewise or music_in(window) >= self._card.input.min_samples:
                self._compute(window)

    def _compute(self, window: Window) -> None:
        outputs = self._runner.predict_windows(window.waveform[np.newaxis])
        outputs.pop(EMBEDDING, None)
        rate = self._card.sample_rate
        known = {"until_s": window.end / rate} if isinstance(self._decoder, LagDecoder) else {}
        self._decoder.add(outputs, np.array([window.start / rate]), **known)
