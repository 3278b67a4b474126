"""Linear probes: a logistic regression on embeddings, which becomes a model's output layer.

The regression is scikit-learn's on standardised embeddings. How strongly it is regularised is
chosen by cross-validation within the clips that are given, no group on both sides. Standardising is
folded into the weights: on raw embeddings the layer gives what the regression gave.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mirzoo.errors import DataError

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

STRENGTHS = (3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
"""Inverse strengths of the penalty to choose from, scikit-learn's ``C``."""

INNER_FOLDS = 4
PARTS = 4
LEAST_SPREAD = 1e-5
ITERATIONS = 200
TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Embedded:
    """Windows of clips as embeddings, with what is known of the clips.

    Parameters
    ----------
    embeddings : np.ndarray
        ``(windows, size)``.
    clips : np.ndarray
        int64 ``(windows,)``: the number of each window's clip.
    altered : np.ndarray
        Boolean ``(windows,)``: whether the window was altered, so that it is to be learnt from
        and nothing is to be measured on it.
    targets : np.ndarray
        ``(clips, labels)``: 1 where the label holds, else 0.
    groups : np.ndarray
        int64 ``(clips,)``: clips with the same number are never divided.
    """

    embeddings: np.ndarray
    clips: np.ndarray
    altered: np.ndarray
    targets: np.ndarray
    groups: np.ndarray

    def __post_init__(self) -> None:
        if not np.isfinite(self.embeddings).all():
            bad = sorted(set(self.clips[~np.isfinite(self.embeddings).all(axis=1)].tolist()))
            raise DataError(
                f"the embeddings of the clips {bad[:10]} are not finite; are their samples?"
            )

    def of_clips(self, wanted: np.ndarray) -> Embedded:
        """Those of some clips, which are numbered anew in the order given."""
        number = np.full(len(self.targets), -1)
        number[wanted] = np.arange(len(wanted))
        mine = number[self.clips] >= 0
        return Embedded(
            self.embeddings[mine],
            number[self.clips[mine]],
            self.altered[mine],
            self.targets[wanted],
            self.groups[wanted],
        )

    @property
    def sized(self) -> tuple[int, int]:
        """How many clips and groups there are."""
        return len(self.targets), len(np.unique(self.groups))

    def columns(self, stop: int) -> Embedded:
        """The same with the first ``stop`` numbers of each embedding."""
        return replace(self, embeddings=self.embeddings[:, :stop])

    def folds(self, k: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Divide the clips: see `mirzoo.data.folder.LabelledClips.folds`."""
        from mirzoo.data.folder import stratified_folds

        return stratified_folds(self.targets, self.groups, k, seed=seed)


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted probe: a dense layer on raw embeddings.

    Parameters
    ----------
    kernel, bias : np.ndarray
        float32 ``(size, labels)`` and ``(labels,)``.
    exclusive : bool
        Whether exactly one label holds (softmax), else any number of them (sigmoid).
    strength : float
        The inverse strength of the penalty that was chosen.
    loss : float
        Mean of the cross-entropies of held-out clips under it (nat); NaN where nothing was chosen.
    unseen : np.ndarray, optional
        ``(clips, labels)``: probabilities of each clip by the fit of the fold that it was held out
        of, under the strength chosen; NaN for those never held out.
    """

    kernel: np.ndarray
    bias: np.ndarray
    exclusive: bool
    strength: float
    loss: float
    unseen: np.ndarray | None = None

    def predict(self, embeddings: np.ndarray) -> np.ndarray:
        """Probabilities ``(windows, labels)`` of embeddings ``(windows, size)``."""
        return _activated(embeddings @ self.kernel + self.bias, self.exclusive)

    def predict_clips(self, embedded: Embedded) -> np.ndarray:
        """The mean probabilities of each clip's unaltered windows, ``(clips, labels)``."""
        real = ~embedded.altered
        return mean_by_clip(self.predict(embedded.embeddings[real]), embedded.clips[real])


def fit_probe(
    embedded: Embedded,
    *,
    exclusive: bool,
    strengths: Sequence[float] = STRENGTHS,
    balanced: bool = False,
    seed: int = 0,
) -> Probe:
    """Fit a logistic regression whose regularisation is chosen by inner cross-validation.

    Every clip counts the same, however many windows it has.

    Parameters
    ----------
    embedded : Embedded
    exclusive : bool
        Whether exactly one label holds: one multinomial regression, else one for each label.
    strengths : sequence of float
        Inverse strengths of the L2 penalty to choose from; of one nothing is chosen.
    balanced : bool
        Whether clips of rare labels count more, so that all labels count the same.
    seed : int
        Of the folds.

    Raises
    ------
    DataError
        If there are fewer than two groups or, where exactly one label holds, two labels in use.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> side = np.arange(40) % 2
    >>> embeddings = rng.normal(size=(40, 3)) + 4 * side[:, None]
    >>> number = np.arange(40)
    >>> data = Embedded(embeddings, number, number < 0, np.eye(2)[side], number)
    >>> probe = fit_probe(data, exclusive=True)
    >>> probe.predict(np.array([[0.0, 0.0, 0.0], [4.0, 4.0, 4.0]])).argmax(axis=1).tolist()
    [0, 1]
    """
    used = int((embedded.targets.sum(axis=0) > 0).sum())
    if exclusive and used < 2:
        raise DataError(
            f"the clips have {used} label; a classifier needs two or more, each with clips of its "
            "own"
        )
    from threadpoolctl import threadpool_limits

    # The products are small: on cores that others use too, threads would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        return _fit_probe(embedded, exclusive, strengths, balanced, seed)


def _fit_probe(
    embedded: Embedded, exclusive: bool, strengths: Sequence[float], balanced: bool, seed: int
) -> Probe:
    basis = _Basis(embedded)
    losses = np.full(len(strengths), np.nan)
    unseen = np.full((len(strengths), *embedded.targets.shape), np.nan)
    if len(strengths) > 1:
        groups = len(np.unique(embedded.groups))
        if groups < 2:
            raise DataError(
                "all clips are of one group (one artist or source file), so that none can be held "
                "out; leave the groups away, or bring clips of others"
            )
        parts = []
        for train, test in embedded.folds(min(INNER_FOLDS, groups), seed):
            fitted, held_out = basis.embedded.of_clips(train), basis.embedded.of_clips(test)
            if exclusive and (fitted.targets.sum(axis=0) > 0).sum() < 2:
                continue
            path = _Path(fitted, exclusive, balanced)
            for number, probe in enumerate(map(path.fit, strengths)):
                unseen[number, test] = probe.predict_clips(held_out)
            parts.append(
                [
                    crossentropy(estimates, held_out.targets, exclusive)
                    for estimates in unseen[:, test]
                ]
            )
        if parts:
            losses = np.concatenate(parts, axis=1).mean(axis=1)
    best = int(np.nanargmin(losses)) if np.isfinite(losses).any() else len(strengths) // 2
    chosen = _Path(basis.embedded, exclusive, balanced).fit(strengths[best])
    kernel, bias = basis.on_raw(chosen.kernel, chosen.bias)
    return Probe(kernel, bias, exclusive, strengths[best], float(losses[best]), unseen[best])


@dataclass(frozen=True)
class CurvePoint:
    """How a probe of a part of the clips does on others.

    Parameters
    ----------
    share : float
        Of the clips that were there to learn from.
    clips : int
        How many that is, the mean over folds.
    loss : float
        Mean cross-entropy of the clips held out (nat).
    accuracy : float or None
        The share of them whose likeliest label is right; None where any number of labels may hold.
    """

    share: float
    clips: int
    loss: float
    accuracy: float | None


def learning_curve(
    embedded: Embedded,
    *,
    exclusive: bool,
    strength: float,
    balanced: bool = False,
    seed: int = 0,
) -> tuple[CurvePoint, ...]:
    """Tell what a quarter, a half and all of the clips give on clips held out of them.

    In each of the inner folds the clips to learn from are divided in four, no group on both sides
    where there are four or more; would more clips help, the loss still falls from the half to all.

    Parameters
    ----------
    embedded : Embedded
    exclusive, strength, balanced, seed
        As for `fit_probe`, which chose the strength.

    Returns
    -------
    tuple of CurvePoint
        Empty where there are too few groups to divide.
    """
    if embedded.sized[1] < 2 * PARTS:
        return ()
    points: dict[float, list[tuple[int, np.ndarray, np.ndarray]]] = {}
    standardised = _Basis(embedded).embedded
    for train, test in standardised.folds(INNER_FOLDS, seed):
        fitted, held_out = standardised.of_clips(train), standardised.of_clips(test)
        if fitted.sized[1] < PARTS:
            continue
        quarters = [quarter for _, quarter in fitted.folds(PARTS, seed)]
        for share, count in ((0.25, 1), (0.5, 2), (1.0, PARTS)):
            some = fitted.of_clips(np.sort(np.concatenate(quarters[:count])))
            if exclusive and (some.targets.sum(axis=0) > 0).sum() < 2:
                continue
            estimates = _Path(some, exclusive, balanced).fit(strength).predict_clips(held_out)
            losses = crossentropy(estimates, held_out.targets, exclusive)
            right = estimates.argmax(axis=1) == held_out.targets.argmax(axis=1)
            points.setdefault(share, []).append((len(some.targets), losses, right))
    return tuple(
        CurvePoint(
            share,
            round(float(np.mean([count for count, _, _ in folds]))),
            float(np.concatenate([losses for _, losses, _ in folds]).mean()),
            float(np.concatenate([right for _, _, right in folds]).mean()) if exclusive else None,
        )
        for share, folds in points.items()
    )


def best_thresholds(targets: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """Choose above which probability each label holds, so that its F1 is highest.

    Parameters
    ----------
    targets : np.ndarray
        ``(clips, labels)``: 1 where the label holds, else 0.
    estimates : np.ndarray
        Probabilities of clips that were not learnt from, of the same shape; clips with NaN are left
        out.

    Returns
    -------
    np.ndarray
        ``(labels,)``: half way between two clips; of labels that all clips have, or none, 0.5.

    Examples
    --------
    >>> targets = np.array([[1], [1], [0], [0]])
    >>> best_thresholds(targets, np.array([[0.4], [0.3], [0.2], [0.1]])).tolist()
    [0.25]
    """
    known = np.isfinite(estimates).all(axis=1)
    thresholds = np.full(targets.shape[1], 0.5)
    for label in range(targets.shape[1]):
        values, holds = estimates[known, label], targets[known, label] > 0
        if holds.all() or not holds.any():
            continue
        ranked = np.sort(np.unique(values))
        edges = (ranked[1:] + ranked[:-1]) / 2
        if not len(edges):
            continue
        given = values[np.newaxis] > edges[:, np.newaxis]
        f1 = 2 * (given & holds).sum(axis=1) / (given.sum(axis=1) + holds.sum())
        best = np.flatnonzero(f1 >= f1.max() - 1e-12)
        thresholds[label] = edges[best[np.argmin(np.abs(edges[best] - 0.5))]]
    return thresholds


def crossentropy(estimates: np.ndarray, targets: np.ndarray, exclusive: bool) -> np.ndarray:
    """Give the cross-entropy of each clip (nat), over labels their mean where any number holds."""
    safe = np.clip(estimates, 1e-6, 1 - 1e-6)
    if exclusive:
        return -np.log((safe * targets).sum(axis=1))
    return -(targets * np.log(safe) + (1 - targets) * np.log(1 - safe)).mean(axis=1)


def mean_by_clip(values: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """The mean over each clip's rows; clips are numbered from 0 without a gap."""
    sums = np.zeros((int(clips.max()) + 1, values.shape[1]))
    np.add.at(sums, clips, values)
    return sums / np.bincount(clips)[:, np.newaxis]


class _Basis:
    """Embeddings standardised, on their principal axes.

    The penalty is the same in every orthogonal basis, and with fewer windows than numbers in an
    embedding this one is smaller.
    """

    def __init__(self, embedded: Embedded) -> None:
        weights = _window_weights(embedded)
        values = embedded.embeddings.astype(np.float64)
        self.mean = np.average(values, axis=0, weights=weights)
        variance = np.average((values - self.mean) ** 2, axis=0, weights=weights)
        self.spread = np.where(variance > LEAST_SPREAD**2, np.sqrt(variance), np.inf)
        standardised = ((values - self.mean) / self.spread).astype(np.float32)
        self.axes: np.ndarray | None = None
        if len(standardised) < standardised.shape[1]:
            _, _, rows = np.linalg.svd(standardised, full_matrices=False)
            self.axes = rows.T
            standardised = standardised @ self.axes
        self.embedded = replace(embedded, embeddings=standardised)

    def on_raw(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The layer on raw embeddings that gives what this one gives on standardised ones."""
        if self.axes is not None:
            kernel = self.axes @ kernel
        kernel = kernel.astype(np.float64) / self.spread[:, np.newaxis]
        return kernel.astype(np.float32), (bias - self.mean @ kernel).astype(np.float32)


class _Path:
    """Fits of the same data under several penalties, each beginning with the last one's result."""

    def __init__(self, embedded: Embedded, exclusive: bool, balanced: bool) -> None:
        self._exclusive = exclusive
        self._weights = _window_weights(embedded)
        self._targets = embedded.targets[embedded.clips]
        self._values = embedded.embeddings
        self._fitters: dict[int, LogisticRegression] = {}
        self._balanced = "balanced" if balanced else None

    def fit(self, strength: float) -> Probe:
        labels = self._targets.shape[1]
        kernel = np.zeros((self._values.shape[1], labels))
        bias = np.zeros(labels)
        if self._exclusive:
            names, wanted = np.unique(self._targets.argmax(axis=1), return_inverse=True)
            coefficients, offsets = self._regression(0, wanted, strength)
            if len(names) == 2:  # one row stands for the second against the first
                coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
                offsets = np.concatenate([-offsets / 2, offsets / 2])
            absent = np.setdiff1d(np.arange(labels), names)
            kernel[:, names], bias[names] = coefficients.T, offsets
            bias[absent] = offsets.min() - 10.0  # a label without clips is never the answer
        else:
            for label in range(labels):
                wanted = self._targets[:, label]
                if wanted.min() == wanted.max():
                    count = self._weights.sum()
                    bias[label] = np.log(2 * count + 1) * (1 if wanted[0] else -1)
                    continue
                coefficients, offsets = self._regression(label, wanted, strength)
                kernel[:, label], bias[label] = coefficients[0], offsets[0]
        return Probe(kernel, bias, self._exclusive, strength, float("nan"))

    def _regression(self, which: int, wanted: np.ndarray, strength: float) -> tuple[Any, Any]:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        if which not in self._fitters:
            self._fitters[which] = LogisticRegression(
                max_iter=ITERATIONS,
                tol=TOLERANCE,
                warm_start=True,
                class_weight=self._balanced,
            )
        fitter = self._fitters[which].set_params(C=strength)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitter.fit(self._values, wanted, sample_weight=self._weights)
        return fitter.coef_, fitter.intercept_


def _window_weights(embedded: Embedded) -> np.ndarray:
    """The weight of each window, so that clips count the same."""
    return 1.0 / np.bincount(embedded.clips, minlength=len(embedded.targets))[embedded.clips]


def _activated(logits: np.ndarray, exclusive: bool) -> np.ndarray:
    if not exclusive:
        return 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
