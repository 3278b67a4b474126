"""What an export is compared on, and how far it may be from the model.

Numbers (`mirzoo.export.parity`) and decisions are compared on real music and on what breaks
models: silence, music at -80 dB, full scale, noise, pure sines, half silence, and inputs of the
shortest and of odd lengths (`probes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from mirzoo.card import Contract
from mirzoo.errors import ArtefactError, ExportError
from mirzoo.export.parity import Outputs, require_parity
from mirzoo.tasks.base import TASKS, Decisions

TIE = 1e-3
"""Choices whose probabilities differ by less than this count as the same decision."""

LEAST_DECIDED = 0.99
"""Of a file that decides inside, whose sequences may tie where no frame's probabilities do."""

MUSIC = "real music"
SINES_HZ = (110.0, 440.0, 1397.0)
ODD_SAMPLES = 1237


@dataclass(frozen=True)
class Bound:
    """How far a file may be from the model.

    Parameters
    ----------
    difference : float
        Of any output, as the ``tolerance`` of `mirzoo.export.parity.excess`.
    decisions : float
        Share of windows or frames that must have the same decision, in each kind of sound.
    tie : float
        Choices whose probabilities differ by less than this count as the same decision.
    sounds : tuple of str, optional
        The kinds of sound whose numbers are compared; by default all. Pure tones have next to
        nothing in most bins, and the logarithm of that is where rounding shows.
    """

    difference: float
    decisions: float
    tie: float = TIE
    sounds: tuple[str, ...] | None = None


BOUNDS: dict[str | None, Bound] = {
    None: Bound(difference=1e-4, decisions=1.0),
    "float16": Bound(difference=5e-3, decisions=0.98, tie=5e-3, sounds=(MUSIC,)),
    "dynamic": Bound(difference=0.1, decisions=0.95, tie=0.03, sounds=(MUSIC,)),
    "int8": Bound(difference=0.4, decisions=0.9, tie=0.05, sounds=(MUSIC,)),
}
"""The bound of each precision; None is float32."""


def probes(
    contract: Contract, music: np.ndarray, *, any_length: bool = False
) -> dict[str, np.ndarray]:
    """What a file is compared on, by kind of sound.

    Parameters
    ----------
    contract : Contract
        Of the file.
    music : np.ndarray, float32, shape (windows, samples)
        Real windows.
    any_length : bool
        Whether the file takes windows of any length: the short ones are then as short as they
        are, else filled up with silence.

    Returns
    -------
    dict of str to np.ndarray
        float32 ``(windows, samples)``.
    """
    taken = contract.input
    samples = music.shape[1]
    loudest = music[np.abs(music).max(axis=1).argmax()][np.newaxis]
    peak = max(float(np.abs(loudest).max()), 1e-9)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, samples))
    phase = 2 * np.pi * np.arange(samples) / taken.sample_rate
    half = loudest.copy()
    half[:, samples // 2 :] = 0.0
    kinds = {
        MUSIC: music,
        "silence": np.zeros((1, samples)),
        "music at -80 dB": loudest * (1e-4 / peak),
        "music at full scale": loudest / peak,
        "noise": noise,
        "sines": 0.5 * np.sin(np.outer(SINES_HZ, phase)),
        "half silence": half,
    }
    odd = min(taken.min_samples + ODD_SAMPLES, samples)
    for kind, length in (("the shortest input", taken.min_samples), ("an odd length", odd)):
        filled = 0 if any_length else samples - length
        kinds[kind] = np.pad(loudest[:, samples - length :], ((0, 0), (0, filled)))
    return {kind: windows.astype(np.float32) for kind, windows in kinds.items()}


def same_decisions(
    contract: Contract, expected: Outputs, received: Outputs, tie: float = TIE
) -> float:
    """Share of windows or frames with the same decision; 1 where outputs to decide by are missing.

    What a decision is, the task knows (`mirzoo.tasks.base.Task.same_decisions`).
    """
    task = TASKS[contract.task]
    if not set(task.decoded_outputs(contract)) <= set(expected):
        return 1.0
    return float(task.same_decisions(contract, expected, received, tie).mean())


def require_same(
    what: str,
    contract: Contract,
    sounds: Mapping[str, np.ndarray],
    expected: Callable[[np.ndarray], Outputs],
    received: Callable[[np.ndarray], Outputs],
    rounding: Callable[[np.ndarray], float],
    bound: Bound,
    decisions: Decisions | None = None,
) -> None:
    """Compare numbers and decisions on every kind of sound.

    Parameters
    ----------
    what : str
        The file, for messages.
    contract : Contract
        Of the file.
    sounds : mapping of str to np.ndarray
        As `probes` gives them.
    expected, received : callable
        From windows to the outputs of the model, and of the file.
    rounding : callable
        From windows to the model's `mirzoo.export.parity.rounding_sensitivity`.
    bound : Bound
    decisions : Decisions, optional
        What decides inside the file; ``expected`` then gives every output of the model.

    Raises
    ------
    ExportError
        With the kind of sound and the figure, where the file is further off than the bound, or
        where it cannot be run.
    """
    for sound, windows in sounds.items():
        ours = expected(windows)
        try:
            theirs = received(windows)
        except ArtefactError as error:
            reason = error.__cause__ or error
            raise ExportError(
                f"{what} was converted, but its runtime here cannot run it ({reason}). Nothing was "
                "written; take another option or format"
            ) from error
        least = bound.decisions
        if decisions is None:
            same = same_decisions(contract, ours, theirs, bound.tie)
        else:
            same = float(decisions.same(ours, theirs, bound.tie).mean())
            least = min(least, LEAST_DECIDED)
            decided = {output.name for output in decisions.outputs}
            ours = {name: ours[name] for name in theirs if name not in decided}
        if bound.sounds is None or sound in bound.sounds:
            require_parity(what, ours, theirs, bound.difference, partial(rounding, windows), sound)
        if same < least:
            raise ExportError(
                f"{what} decides as the Keras model does in {same:.1%} of {sound}; at least "
                f"{least:.0%} are required. Nothing was written"
            )
