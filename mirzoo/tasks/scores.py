"""Values of metrics on recordings, one value for many of them, and what else scores tell.

A task's `Scorer` takes truth and result of one recording after the other. Whatever is computed of
them is computed of *weights*: how often each recording counts. Weights of 1 give the scores
themselves, those of a bootstrap the spread of the same scores.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


class Score(NamedTuple):
    """A metric's value on a recording, and the seconds that it was computed on.

    The value is NaN where there are none.
    """

    value: float
    seconds: float


def weighted_score(right: np.ndarray, seconds: np.ndarray) -> Score:
    """The mean of ``right``, weighted by ``seconds``, over the parts that are not negative."""
    defined = right >= 0
    total = float(seconds[defined].sum())
    value = float((right[defined] * seconds[defined]).sum() / total) if total else float("nan")
    return Score(value, total)


def overall(recordings: Iterable[dict[str, Score]]) -> dict[str, Score]:
    """Average the scores of recordings, each weighted by the seconds that it was computed on.

    Examples
    --------
    >>> overall([{"root": Score(1.0, 60.0)}, {"root": Score(0.5, 180.0)}])
    {'root': Score(value=0.625, seconds=240.0)}
    """
    import numpy as np

    recordings = list(recordings)
    names = dict.fromkeys(name for scores in recordings for name in scores)
    return {
        name: weighted_score(
            np.array([np.nan_to_num(scores[name].value) for scores in recordings]),
            np.array([scores[name].seconds for scores in recordings]),
        )
        for name in names
    }


class Judged(NamedTuple):
    """What is told of one recording.

    Parameters
    ----------
    scores : dict of str to Score
        Its own scores; of a clip with tags those of its tags alone.
    loss : float
        How wrong the result is, to find the worst by; larger is worse.
    truth, given : tuple of str
        What is right, and what the model gives, in words; empty where that is too long.
    confidence : float or None
        The probability of what is given, where there is one.
    at_s : float
        Where the worst of it begins (s).
    """

    scores: dict[str, Score]
    loss: float
    truth: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    confidence: float | None = None
    at_s: float = 0.0


class ByClass(NamedTuple):
    """Scores of each class.

    Parameters
    ----------
    labels : tuple of str
    support : np.ndarray
        ``(classes,)``: how much there is of each, in the ``unit``.
    unit : str
        "clips" or "s".
    scores : dict of str to np.ndarray
        ``(weightings, classes)`` each, NaN where it cannot be computed.
    """

    labels: tuple[str, ...]
    support: np.ndarray
    unit: str
    scores: dict[str, np.ndarray]


class Confusion(NamedTuple):
    """How much of each class was taken for which: ``counts[truth, given]`` in the ``unit``."""

    labels: tuple[str, ...]
    counts: np.ndarray
    unit: str


class Reliability(NamedTuple):
    """Whether probabilities are what they claim to be.

    Parameters
    ----------
    confidence, right, counts : np.ndarray
        ``(bins,)``: the mean probability in each bin that holds any, the share of it that is
        right, and how many there are.
    error : float
        Expected calibration error: the mean of ``|right - confidence|`` weighted by ``counts``
        (Guo et al., "On calibration of modern neural networks", ICML 2017, arXiv:1706.04599).
    of : str
        What the probabilities are of.
    """

    confidence: np.ndarray
    right: np.ndarray
    counts: np.ndarray
    error: float
    of: str


class Scorer(ABC):
    """Takes truth and result of recordings, and scores them together, weighted in any way."""

    @abstractmethod
    def add(self, truth: Any, estimate: Any) -> Judged:
        """Take the next recording, and tell of it."""

    @abstractmethod
    def scores(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Score all recordings together, under several weightings.

        Parameters
        ----------
        weights : np.ndarray
            ``(weightings, recordings)``, not negative: how often each recording counts.

        Returns
        -------
        dict of str to np.ndarray
            ``(weightings,)`` each; NaN where the score judges nothing.
        """

    @property
    @abstractmethod
    def seconds(self) -> dict[str, float]:
        """The seconds that each score is computed on; 0 where it judges nothing."""

    def overall(self) -> dict[str, Score]:
        """All scores, each recording counted once."""
        import numpy as np

        seconds = self.seconds
        if not seconds:
            return {}
        once = self.scores(np.ones((1, self.count)))
        return {name: Score(float(value[0]), seconds[name]) for name, value in once.items()}

    @property
    @abstractmethod
    def count(self) -> int:
        """How many recordings there are."""

    def notes(self) -> list[str]:
        """What cannot be told of these recordings, and why: a sentence each."""
        return []

    def by_class(self, weights: np.ndarray) -> ByClass | None:
        """The scores of each class under several weightings; None where there are no classes."""
        return None

    def confusion(self) -> Confusion | None:
        """What was taken for what; None where that cannot be told."""
        return None

    def reliability(self) -> Reliability | None:
        """Whether probabilities are what they claim to be; None where there are none."""
        return None


class RecordingScorer(Scorer):
    """Scores every recording by itself; together they are weighted by the seconds judged.

    Parameters
    ----------
    score : callable
        From truth and result of a recording to its scores.
    main : sequence of str
        The scores that tell which recordings are worst, the first that there is.
    lower_is_better : collection of str
        Those of which less is better.
    """

    def __init__(
        self,
        score: Callable[[Any, Any], dict[str, Score]],
        main: tuple[str, ...] = (),
        lower_is_better: frozenset[str] = frozenset(),
    ) -> None:
        self._score = score
        self._main = main
        self._lower_is_better = lower_is_better
        self._recordings: list[dict[str, Score]] = []

    def add(self, truth: Any, estimate: Any) -> Judged:
        return self._judge(self._score(truth, estimate))

    def _judge(self, scores: dict[str, Score]) -> Judged:
        """Take the scores of the next recording."""
        import math

        self._recordings.append(scores)
        known = [name for name in (*self._main, *scores) if name in scores]
        name = next((name for name in known if scores[name].seconds > 0), None)
        if name is None:
            return Judged(scores, -math.inf)
        value = scores[name].value
        return Judged(scores, value if name in self._lower_is_better else -value)

    @property
    def count(self) -> int:
        return len(self._recordings)

    @property
    def seconds(self) -> dict[str, float]:
        names = dict.fromkeys(name for scores in self._recordings for name in scores)
        return {
            name: sum(scores.get(name, _NOTHING).seconds for scores in self._recordings)
            for name in names
        }

    def scores(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        import numpy as np

        found = {}
        for name in self.seconds:
            of_name = [scores.get(name, _NOTHING) for scores in self._recordings]
            seconds = np.array([score.seconds for score in of_name])
            values = np.nan_to_num([score.value for score in of_name])
            found[name] = ratio(weights @ (values * seconds), weights @ seconds)
        return found


class EachAlike(RecordingScorer):
    """Scores recordings by themselves; together each that is judged counts once."""

    def scores(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        import numpy as np

        found = {}
        for name in self.seconds:
            of_name = [scores.get(name, _NOTHING) for scores in self._recordings]
            judged = np.array([float(score.seconds > 0) for score in of_name])
            values = np.nan_to_num([score.value for score in of_name])
            found[name] = ratio(weights @ (values * judged), weights @ judged)
        return found


class ClassScorer(RecordingScorer):
    """Scores every recording by itself, and classes of what is in them by the time they last.

    A subclass holds of each recording, by class and score, the seconds that are right and those
    that are judged (`_hold`).
    """

    class_scores: tuple[str, ...]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._by_class: list[dict[str, dict[str, tuple[float, float]]]] = []

    def _hold(self, of_classes: dict[str, dict[str, tuple[float, float]]]) -> None:
        """Take what there is of classes in the next recording."""
        self._by_class.append(of_classes)

    def by_class(self, weights: np.ndarray) -> ByClass | None:
        import numpy as np

        labels = sorted({label for of_classes in self._by_class for label in of_classes})
        if not labels:
            return None
        nothing = (0.0, 0.0)
        scores, support = {}, np.zeros(len(labels))
        for name in self.class_scores:
            sums = np.array(
                [
                    [of_classes.get(label, {}).get(name, nothing) for label in labels]
                    for of_classes in self._by_class
                ]
            )
            scores[name] = ratio(weights @ sums[..., 0], weights @ sums[..., 1])
            support = np.maximum(support, sums[..., 1].sum(axis=0))
        return ByClass(tuple(labels), support, "s", scores)


def longest_run(wrong: np.ndarray, starts: np.ndarray, seconds: np.ndarray) -> float:
    """Where the longest time begins that is wrong all through (s); 0 where nothing is.

    Parameters
    ----------
    wrong : np.ndarray
        Boolean ``(pieces,)``, one after the other.
    starts, seconds : np.ndarray
        Where each piece begins, and how long it lasts.

    Examples
    --------
    >>> import numpy as np
    >>> longest_run(np.array([1, 0, 1, 1]) > 0, np.arange(4.0), np.ones(4))
    2.0
    """
    longest, found, length, start = 0.0, 0.0, 0.0, 0.0
    for is_wrong, begins, lasts in zip(wrong.tolist(), starts.tolist(), seconds.tolist()):
        start = begins if length == 0.0 else start
        length = length + lasts if is_wrong else 0.0
        if length > longest:
            longest, found = length, start
    return found


_NOTHING = Score(float("nan"), 0.0)


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide, with NaN where there is nothing to divide by.

    Examples
    --------
    >>> import numpy as np
    >>> ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    import numpy as np

    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
