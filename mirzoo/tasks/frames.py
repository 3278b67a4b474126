"""Frames of overlapping windows, joined into those of the whole recording.

Window ``k`` starts at sample ``k * hop_samples - context`` of the recording, ``context`` being
half of what neighbouring windows share. Of its frames, those in its middle, from ``context`` on
and for ``hop_samples``, are kept. A hop holds a whole number of frames, so that frame ``n`` of
the recording lies at ``offset + n / frame_rate``, without seams, however long the recording is.

Where the card has recordings processed whole (`mirzoo.card.InputContract.whole`), a window
that starts at sample 0 is all of the recording, and all of its frames are kept.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mirzoo.card import FRAME_ROUNDING, Contract, OutputSpec
from mirzoo.errors import ArtefactError

if TYPE_CHECKING:
    from mirzoo.tasks.annotation import Annotation


class FrameJoiner:
    """Joins the frames of a model's windows, given in the order of time.

    Parameters
    ----------
    card : Contract
        Of a model whose outputs have frames.
    also : sequence of str
        What is joined besides the card's outputs, and has as many frames as the first of them:
        the embedding.

    Examples
    --------
    >>> from mirzoo.card import Axis, Card, InputContract, Licences, OutputSpec
    >>> from mirzoo.tasks.chords import ChordDecoding
    >>> frames = OutputSpec(name="chords", frame_rate=10.0, axes=[
    ...     Axis(name="frame", size=None, unit="frame"),
    ...     Axis(name="chord", size=2, unit="probability")])
    >>> card = Card(
    ...     name="two_chords", task="chords", description="Knows two.", recipe=None,
    ...     input=InputContract(sample_rate=1000, min_samples=100, window_samples=600,
    ...                         hop_samples=200, pad_left_samples=200),
    ...     labels=["N", "C:maj"], activation="softmax", outputs=[frames],
    ...     decoding=ChordDecoding(), parameters=1, citation="nobody", provenance="made up",
    ...     licences=Licences(code="MIT", weights="MIT", data="CC0-1.0"),
    ... )
    >>> joiner = FrameJoiner(card)
    >>> two_windows_of_seven_frames = np.arange(28).reshape(2, 7, 2)
    >>> joined = joiner.join({"chords": two_windows_of_seven_frames}, np.array([-0.2, 0.0]))
    >>> joined["chords"][:, 0].tolist(), joiner.times(4).tolist()
    ([4, 6, 18, 20], [0.0, 0.1, 0.2, 0.3])
    """

    def __init__(self, card: Contract, also: Sequence[str] = ()) -> None:
        self._also = also
        contract, main = card.input, card.outputs[0]
        assert main.frame_rate is not None  # the task has checked the card
        self._card = card
        self.frame_rate = main.frame_rate
        self._kept = round(contract.hop_samples * main.frame_rate / contract.sample_rate)
        self._frame_samples = contract.hop_samples / self._kept
        first_samples = main.first_frame_s * contract.sample_rate
        until_kept = (contract.context_samples - first_samples) / self._frame_samples
        self._first = max(0, math.ceil(until_kept - FRAME_ROUNDING))
        self._offset_samples = (self._first - until_kept) * self._frame_samples
        self._windows = 0

    @property
    def kept(self) -> slice:
        """Which frames of a window count."""
        return slice(self._first, self._first + self._kept)

    def join(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> dict[str, np.ndarray]:
        """Keep the middle frames of the next windows.

        Parameters
        ----------
        outputs : dict of str to array
            Those of the card with frames are ``(windows, frames, ...)``; others are left out.
        starts : array, shape (windows,)
            Where each window starts (s).

        Returns
        -------
        dict of str to array
            ``(kept frames, ...)``.

        Raises
        ------
        ArtefactError
            If an output is missing, not finite, of another shape than on the card, or a
            window starts elsewhere than the next one should.
        """
        self._require_next(starts)
        joined = {}
        kept = self.kept
        if self._is_whole(starts):
            kept = slice(None)
            self._offset_samples = self._card.outputs[0].first_frame_s * self._card.sample_rate
        for output in self._card.available_outputs:
            if output.frame_rate is None:
                continue
            values = self._checked(output, outputs, len(starts), kept)
            middle = values[:, kept]
            joined[output.name] = middle.reshape(-1, *values.shape[2:])
        for name in self._also:
            values = outputs[name]
            others = {outputs[known].shape[1] for known in joined} or {values.shape[1]}
            if values.ndim != 3 or len(values) != len(starts) or others != {values.shape[1]}:
                raise ArtefactError(
                    f"{self._card.name} gave '{name}' of the shape {values.shape} for "
                    f"{len(starts)} windows; it is (windows, frames, size), with as many frames "
                    "as the card's outputs have. Is it the card of another model?"
                )
            joined[name] = values[:, kept].reshape(-1, values.shape[2])
        self._windows += len(starts)
        return joined

    def times(self, n_frames: int) -> np.ndarray:
        """Middles of the recording's first frames (s), shape ``(n_frames,)``."""
        return self.times_of(np.arange(n_frames))

    def times_of(self, frames: np.ndarray) -> np.ndarray:
        """Middles of frames of these numbers (s)."""
        return (self._offset_samples + frames * self._frame_samples) / self._card.sample_rate

    def count(self, duration_s: float) -> int:
        """How many frames lie in a recording; at least one."""
        samples = duration_s * self._card.sample_rate - self._offset_samples
        return max(1, math.ceil(samples / self._frame_samples - FRAME_ROUNDING))

    def _is_whole(self, starts: np.ndarray) -> bool:
        is_only_window = self._windows == 0 and len(starts) == 1 and starts[0] == 0
        return self._card.input.whole and is_only_window

    def _require_next(self, starts: np.ndarray) -> None:
        contract = self._card.input
        if self._is_whole(starts):
            return
        numbers = self._windows + np.arange(len(starts))
        expected = numbers * contract.hop_samples - contract.context_samples
        wrong = np.flatnonzero(np.abs(starts * contract.sample_rate - expected) > 0.5)
        if len(wrong):
            raise ArtefactError(
                f"window {numbers[wrong[0]]} of {self._card.name} starts at "
                f"{starts[wrong[0]]:.4f} s instead of "
                f"{expected[wrong[0]] / contract.sample_rate:.4f} s; were windows left out?"
            )

    def _checked(
        self,
        output: OutputSpec,
        outputs: dict[str, np.ndarray],
        windows: int,
        kept: slice,
    ) -> np.ndarray:
        card, name = self._card, output.name
        after_frames = tuple(axis.size or 0 for axis in output.axes[1:])
        if name not in outputs:
            raise ArtefactError(
                f"{card.name} gave the outputs {sorted(outputs)}; its card names '{name}'. Is it "
                "the card of another model?"
            )
        values, needed = outputs[name], kept.stop or 1
        if values.ndim < 2 or len(values) != windows or values.shape[2:] != after_frames:
            stated = ", ".join(map(str, ("windows", "frames", *after_frames)))
            raise ArtefactError(
                f"{card.name} gave '{name}' of the shape {values.shape} for {windows} windows; "
                f"its card states ({stated}). Is it the card of another model?"
            )
        if values.shape[1] < needed:
            raise ArtefactError(
                f"{card.name} gave {values.shape[1]} frames of '{name}' for a window, of which "
                f"the first {needed} are needed; does the card's frame_rate fit the model?"
            )
        if not np.isfinite(values).all():
            raise ArtefactError(
                f"{card.name} gave '{name}' that is not finite; are its files damaged? "
                f"`mirzoo verify {card.name}` tells."
            )
        return values


BATCHES_BACK = 2
"""How many batches of windows at the end may lie behind the recording's end."""


def frames_of_lag(lag_s: float, frame_rate: float) -> int:
    """How many whole frames a lag is taken as.

    Examples
    --------
    >>> frames_of_lag(0.1, 31.25)
    3
    """
    return round(lag_s * frame_rate)


class LagDecoder(ABC):
    """A decoder that decides each frame a fixed time after it.

    It is a `mirzoo.tasks.base.FrameDecoder`.

    Whether frames come in windows or one by one, what is decided of them is the same.

    Parameters
    ----------
    card : Contract
        Of a model whose outputs have frames.
    lag_s : float
        Seconds from a frame to the last one that may decide it; taken as whole frames.
    joiner : FrameJoiner, optional
        What joins the frames of windows, where a task has its own.
    """

    def __init__(self, card: Contract, lag_s: float, joiner: FrameJoiner | None = None) -> None:
        self._card = card
        self._joiner = joiner or FrameJoiner(card)
        self._lag = frames_of_lag(lag_s, self._joiner.frame_rate)
        self._held: list[dict[str, np.ndarray]] = []
        self._added = 0
        self._first = 0
        self._edge_s = 0.0

    @property
    def lag_s(self) -> float | None:
        """How much later than a frame its decision comes (s)."""
        return self._lag / self._joiner.frame_rate

    def add(
        self,
        outputs: dict[str, np.ndarray],
        starts: np.ndarray,
        *,
        until_s: float | None = None,
    ) -> None:
        """Take the outputs of the next windows.

        Frames behind the recording's end do not count, so that what was added last waits; where
        it is known that the recording goes on to ``until_s``, only what lies behind that waits.
        """
        self._held.append(self._joiner.join(outputs, starts))
        if until_s is None:
            while len(self._held) > BATCHES_BACK:
                self.add_frames(self._held.pop(0))
            return
        sure = self._joiner.count(until_s)
        while self._held and sure > self._added:
            first, known = self._held.pop(0), sure - self._added
            self.add_frames({name: values[:known] for name, values in first.items()})
            if len(next(iter(first.values()))) > known:
                self._held.insert(0, {name: values[known:] for name, values in first.items()})

    def add_frames(self, outputs: dict[str, np.ndarray]) -> None:
        """Take the next frames of the recording, ``(frames, ...)`` of each output."""
        self._added += len(outputs[self._card.outputs[0].name])
        self._decide(outputs)

    def take(self) -> Annotation | None:
        """Give what was decided since the last call, and forget it."""
        return self._given(None, None)

    def finish(self, *, duration_s: float, source: str | None = None) -> Annotation:
        """Give the annotation of a recording of ``duration_s`` seconds, of which nothing was taken.

        Raises
        ------
        ArtefactError
            If more was added than a recording of this length has, or nothing at all.
        """
        rest = self.rest(duration_s=duration_s, source=source)
        if rest is None:
            raise ArtefactError(f"{self._card.name} was given no frames that were not taken")
        return rest

    def rest(self, *, duration_s: float, source: str | None = None) -> Annotation | None:
        """Give what was not taken of a recording of this length; None if that is nothing."""
        count = self._joiner.count(duration_s)
        if count < self._added:
            raise ArtefactError(
                f"{self._card.name} was given {self._added} frames and more of a recording of "
                f"{duration_s:.3f} s, which has {count}"
            )
        for outputs in self._held:
            missing = count - self._added
            self.add_frames({name: values[:missing] for name, values in outputs.items()})
        self._held = []
        self._decide_rest()
        return self._given(duration_s, source)

    def _edges(self, count: int, duration_s: float | None) -> np.ndarray:
        """Where each of the next ``count`` frames begins, and where the last ends (s).

        Edges lie midway between frames; the last is the recording's end where that is known.
        """
        times = self._joiner.times_of(self._first + np.arange(count + 1))
        end_s = (times[-2] + times[-1]) / 2 if duration_s is None else duration_s
        edges = np.array([self._edge_s, *(times[1:-1] + times[:-2]) / 2, end_s])
        self._first, self._edge_s = self._first + count, end_s
        return edges

    @abstractmethod
    def _decide(self, outputs: dict[str, np.ndarray]) -> None:
        """Take frames, and decide those that are far enough back."""

    @abstractmethod
    def _decide_rest(self) -> None:
        """Decide the last frames."""

    @abstractmethod
    def _given(self, duration_s: float | None, source: str | None) -> Annotation | None:
        """The annotation of what is decided and was not given, up to ``duration_s`` if known."""


def find_segments(
    path: np.ndarray, times: np.ndarray, duration_s: float
) -> list[tuple[int, int, float, float]]:
    """Cut a path into stretches of the same class, whose edges lie midway between frames.

    Parameters
    ----------
    path : np.ndarray
        Class of each frame, ``(frames,)``.
    times : np.ndarray
        Middle of each frame (s).
    duration_s : float
        Where the last stretch ends (s); the first begins at 0.

    Returns
    -------
    list of (int, int, float, float)
        First frame, first frame behind it, start and end (s).
    """
    firsts, ends = runs_of(path)
    between = (times[firsts[1:]] + times[firsts[1:] - 1]) / 2
    edges = [0.0, *between.tolist(), duration_s]
    return list(zip(firsts.tolist(), ends.tolist(), edges[:-1], edges[1:], strict=True))


def runs_of(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First frame of each stretch of the same class, and the first behind it."""
    changes = np.flatnonzero(np.diff(path)) + 1
    return np.concatenate([[0], changes]), np.concatenate([changes, [len(path)]])


def stretches_of(
    labels: Sequence[str], confidence: Sequence[float], edges: np.ndarray
) -> tuple[list[tuple[float, float, str]], list[float]]:
    """Join frames of the same label: segments, and the mean confidence over their seconds.

    Parameters
    ----------
    labels, confidence : sequence
        Of each frame.
    edges : np.ndarray
        Where frames begin, and where the last ends (s), ``(frames + 1,)``.

    Examples
    --------
    >>> stretches_of(["C", "C", "G"], [1.0, 0.5, 0.8], np.array([0.0, 1.0, 2.0, 3.0]))
    ([(0.0, 2.0, 'C'), (2.0, 3.0, 'G')], [0.75, 0.8])
    """
    weights = np.maximum(np.diff(edges), 1e-9)
    likely = np.clip(confidence, 0.0, 1.0)
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    found = list(zip(*runs_of(np.array([numbers[label] for label in labels]))))
    return (
        [(float(edges[first]), float(edges[end]), labels[first]) for first, end in found],
        [float(np.average(likely[a:b], weights=weights[a:b])) for a, b in found],
    )
