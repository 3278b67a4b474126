"""Careful annotation: a recording several times, each time tuned a little higher or lower.

What a model takes for another chord in one tuning it may know in the next: the mean of its outputs
over `mirzoo.tasks.base.Task.detunings_cents` is steadier than those of one pass, at as many times
the work. Tuned by :math:`c` cents means resampled by :math:`2^{-c/1200}`, as a record that turns
faster or slower; every frame of the recording then takes the nearest frame of each pass. Where a
model measures the tuning, each pass is taken to be as far from the first as it was tuned, so that
all name the same roots, and the tuning is the recording's again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mirzoo import audio
from mirzoo.dsp.framing import nearest
from mirzoo.dsp.transposition import LOWEST_TUNING_CENTS
from mirzoo.errors import AnnotationError
from mirzoo.tasks.base import TASKS, decoder_of
from mirzoo.tasks.tuning import TUNING, retuned, tuning_of

if TYPE_CHECKING:
    from mirzoo.annotate import LoadedModel
    from mirzoo.tasks.annotation import Annotation

CENTS_IN_OCTAVE = 1200.0


def several_times(
    runners: Sequence[LoadedModel],
    source: audio.Source,
    *,
    name: str | None,
    source_rate: int | None,
    decodings: Sequence[Mapping[str, Any] | None] | None,
    progress: Callable[[float], None] | None,
    channel: audio.Channel,
    allow_damaged: bool,
    errors: tuple[type[Exception], ...],
) -> list[Any]:
    """Annotate a recording carefully with models whose tasks have that.

    Parameters
    ----------
    runners, source, source_rate, decodings, progress, channel, allow_damaged
        As `mirzoo.annotate.annotate_together` takes them; the recording is held in memory.
    name : str or None
        The recording, for results.
    errors : tuple of exception classes
        Those that take the place of an annotation.

    Raises
    ------
    AnnotationError
        If a model's task has no detunings.
    """
    require_careful([runner.card.task for runner in runners])
    rates = {runner.card.sample_rate for runner in runners}
    reader = audio.Reader(
        source, min(rates), source_rate=source_rate, channel=channel, allow_damaged=allow_damaged
    )
    pieces: dict[int, list[np.ndarray]] = {rate: [np.zeros(0, np.float32)] for rate in rates}
    try:
        for blocks in reader.at_rates(rates):
            for rate, block in blocks.items():
                pieces[rate].append(block)
    except errors as error:
        return [error for _ in runners]
    results: list[Any] = []
    for runner, settings in zip(runners, decodings or [None] * len(runners), strict=True):
        waveform = np.concatenate(pieces[runner.card.sample_rate])
        try:
            annotation = _voted(runner, waveform, settings, name)
            results.append(annotation.with_warnings(reader.warnings))
        except errors as error:
            results.append(error)
        if progress is not None:
            progress(len(waveform) / runner.card.sample_rate)
    return results


def require_careful(tasks: Sequence[str]) -> None:
    """Raise an AnnotationError where results of a task are made in one pass alone."""
    unable = sorted({task for task in tasks if not TASKS[task].detunings_cents})
    if unable:
        able = [task.name for task in TASKS.values() if task.detunings_cents]
        raise AnnotationError(
            f"careful is for models of {' and '.join(able)} alone; received "
            f"{' and '.join(f'one of {task}' for task in unable)}. Leave careful out, or give "
            f"models of {' and '.join(able)} alone"
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
    for cents in others:
        faster = 2 ** (cents / CENTS_IN_OCTAVE)
        tuned = audio.resampler("the recording", rate, rate / faster)(waveform, True)
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
    runner: LoadedModel, waveform: np.ndarray, settings: Mapping[str, Any] | None, name: str | None
) -> Annotation:
    card = runner.card.decoded_with(settings or {})
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
    return decoder.finish(duration_s=duration_s, source=name)
