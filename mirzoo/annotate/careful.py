"""Careful annotation: a recording several times, each time tuned a little higher or lower.

What a model takes for another chord in one tuning it may know in the next: the mean of its outputs
over `mirzoo.tasks.base.Task.detunings_cents` is steadier than those of one pass, at as many times
the work. Tuned by :math:`c` cents means resampled by :math:`2^{-c/1200}`, as a record that turns
faster or slower; every frame of the recording then takes the nearest frame of each pass. Where a
model measures the tuning, each pass is taken to be as far from the first as it was tuned, so that
all name the same roots, and the tuning is the recording's again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mirzoo import audio
from mirzoo.dsp.framing import nearest
from mirzoo.dsp.transposition import LOWEST_TUNING_CENTS
from mirzoo.errors import AnnotationError
from mirzoo.tasks.base import TASKS, decoder_of
from mirzoo.tasks.tuning import TUNING, retuned, tuning_of

if TYPE_CHECKING:
    from mirzoo.annotate import LoadedModel, Request
    from mirzoo.tasks.annotation import Annotation

CENTS_IN_OCTAVE = 1200.0


def several_times(
    runners: Sequence[LoadedModel], read: Callable[[], audio.Reader], request: Request
) -> list[Any]:
    """Annotate a recording with several models, carefully where their task has that.

    Parameters
    ----------
    runners
        As `mirzoo.annotate.annotate_together` takes them.
    read : callable
        Gives the reader of the recording, which is then held in memory.
    request : Request

    Raises
    ------
    AnnotationError
        If no model's task has detunings.
    """
    from mirzoo.annotate import Request, annotated

    require_careful([runner.card.task for runner in runners])
    rates = {runner.card.sample_rate for runner in runners}
    reader = read()
    pieces: dict[int, list[np.ndarray]] = {rate: [] for rate in rates}
    try:
        for blocks in reader.at_rates(rates):
            for rate, block in blocks.items():
                pieces[rate].append(block)
    except request.errors as error:
        return [error for _ in runners]
    held = _Held(pieces, reader.warnings)
    results: list[Any] = []
    for runner, settings in request.settings_of(runners):
        waveform = held.waveform(runner.card.sample_rate)
        try:
            if TASKS[runner.card.task].detunings_cents:
                result = _voted(runner, waveform, settings, request.source)
                result = result.with_warnings(held.warnings)
            else:
                alone = Request(request.name, request.source, [settings])
                [result] = annotated([runner], lambda: held, alone)
            results.append(result)
        except request.errors as error:
            results.append(error)
        if request.progress is not None:
            request.progress(len(waveform) / runner.card.sample_rate)
    return results


class _Held:
    """A recording in memory, which is read as often as it takes.

    Parameters
    ----------
    pieces : dict of int to list of array
        Its waveform at each rate (Hz), in pieces.
    warnings : list of str
        What is odd about it.
    """

    def __init__(self, pieces: Mapping[int, list[np.ndarray]], warnings: list[str]) -> None:
        self._pieces = pieces
        self.warnings = warnings

    def at_rates(self, rates: Iterable[int]) -> Iterator[dict[int, np.ndarray]]:
        for rate in rates:
            for piece in self._pieces[rate]:
                yield {rate: piece}

    def waveform(self, rate: int) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.float32), *self._pieces[rate]])


def require_careful(tasks: Sequence[str]) -> None:
    """Raise an AnnotationError where results of none of the tasks are made in several passes."""
    if any(TASKS[task].detunings_cents for task in tasks):
        return
    able = " and ".join(task.name for task in TASKS.values() if task.detunings_cents)
    received = " and ".join(f"one of {task}" for task in sorted(set(tasks)))
    raise AnnotationError(
        f"careful is for models of {able} alone; received {received or 'no model'}. Leave careful "
        f"out, or give a model of {able}"
    )


def mean_outputs(
    runner: LoadedModel, waveform: np.ndarray, *, source_rate: int | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give the mean of a model's outputs over the detunings of its task.

    Parameters
    ----------
    runner : LoadedModel
    waveform : array, float32, shape (samples,)
    source_rate : int, optional
        Its rate (Hz); by default the model's.

    Returns
    -------
    times : array, shape (frames,)
        The middle of each frame (s).
    outputs : dict of str to array
        Each output of the card with frames, ``(frames, size)``.
    """
    from mirzoo.annotate import frame_outputs

    rate = source_rate or runner.card.sample_rate
    times, sums = frame_outputs(runner, waveform, source_rate=rate)
    tuning = None if TUNING not in sums else tuning_of(sums[TUNING], LOWEST_TUNING_CENTS)
    detunings = TASKS[runner.card.task].detunings_cents
    others = [cents for cents in detunings if cents]
    fewest = math.ceil(runner.card.input.min_samples * rate / runner.card.sample_rate)
    for cents in others:
        faster = 2 ** (cents / CENTS_IN_OCTAVE)
        tuned = audio.resampler("the recording", rate, rate / faster)(waveform, True)
        if len(tuned) < fewest <= len(waveform):
            tuned = np.pad(tuned, (0, fewest - len(tuned)))
        of_pass, outputs = frame_outputs(
            runner,
            tuned,
            source_rate=rate,
            tuning_cents=None if tuning is None else tuning + cents,
        )
        if TUNING in outputs:
            outputs[TUNING] = retuned(outputs[TUNING], -cents)
        which = nearest(of_pass * faster, times)
        sums = {output: total + outputs[output][which] for output, total in sums.items()}
    return times, {output: total / (1 + len(others)) for output, total in sums.items()}


def _voted(
    runner: LoadedModel, waveform: np.ndarray, settings: Mapping[str, Any], source: str | None
) -> Annotation:
    card = runner.card.decoded_with(settings)
    decoder = decoder_of(card)
    if not hasattr(decoder, "add_frames"):
        raise AnnotationError(
            f"careful is true, but this file of {card.name} decides inside, so that there is "
            "nothing to take the mean of; take the model itself"
        )
    _, outputs = mean_outputs(runner, waveform)
    decoder.add_frames(outputs)
    duration_s = len(waveform) / card.sample_rate
    # Everything is given here at once, by decoders for streams too.
    return decoder.finish(duration_s=duration_s, source=source)
