"""What an exported file takes and gives: the model's contract, changed as the options ask."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from mirzoo.annotate import EMBEDDING
from mirzoo.card import (
    LIVE_FORMAT,
    WRITTEN_FORMAT,
    Contract,
    Exported,
    InputContract,
    Streaming,
)
from mirzoo.export.options import ALL, ANY, ExportOptions
from mirzoo.tasks.base import TASKS, Decisions

EXPORTED_FORMAT = 3
LARGEST_TERM = 10_000


def file_contract(model: Contract, options: ExportOptions, usual_batch: int | None) -> Contract:
    """Give the contract of a file.

    Parameters
    ----------
    model : Contract
        The model's own.
    options : ExportOptions
    usual_batch : int or None
        How many windows files of the format take where nothing is said; None for any number.

    Returns
    -------
    Contract
        With ``exported`` where the file is not used just as the model is.
    """
    decisions = decisions_of(model, options)
    exported = Exported(
        outputs=chosen_outputs(model, options),
        batch=_batch(options, usual_batch),
        input_type=options.input_type,
        any_length=options.window_s == ANY,
        model_rate=model.sample_rate,
        decisions=None if decisions is None else decisions.outputs,
    )
    taken = _input(model, options)
    card_outputs = {output.name for output in model.outputs}
    as_usual = (
        card_outputs <= set(exported.outputs)
        and exported.batch == usual_batch
        and exported.input_type == "float32"
        and not exported.any_length
        and exported.model_rate == taken.sample_rate
    )
    return model.model_copy(
        update={
            "input": taken,
            "exported": None if as_usual else exported,
            "format": max(model.format, WRITTEN_FORMAT if as_usual else EXPORTED_FORMAT),
        }
    )


def streaming_contract(model: Contract, options: ExportOptions, streaming: Streaming) -> Contract:
    """Give the contract of a file of steps."""
    exported = Exported(
        outputs=chosen_outputs(model, options),
        batch=1,
        model_rate=model.sample_rate,
        streaming=streaming,
    )
    return model.model_copy(update={"exported": exported, "format": max(model.format, LIVE_FORMAT)})


def decisions_of(model: Contract, options: ExportOptions) -> Decisions | None:
    """What decides inside the file; None where it gives the card's outputs."""
    decisions = TASKS[model.task].decisions
    return decisions(model) if options.decode and decisions is not None else None


def neighbours_of(model: Contract, options: ExportOptions) -> int:
    """How many windows of the model a file computes on either side of the one that counts.

    None are needed where the file gives probabilities, and where decisions need no more context
    than the model's own windows have. A ``window_s`` that was asked for is one window.
    """
    decisions, own = decisions_of(model, options), model.input
    if decisions is None or options.window_s is not None or own.whole:
        return 0
    missing = decisions.context_s * own.sample_rate - own.context_samples
    return max(0, ceil(missing / own.hop_samples))


def chosen_outputs(model: Contract, options: ExportOptions) -> list[str]:
    """The names of a file's outputs, in the order of the card, the embedding last."""
    decisions = decisions_of(model, options)
    if decisions is not None:
        return [output.name for output in decisions.outputs]
    names = [output.name for output in model.outputs]
    known = [*names, EMBEDDING]
    if options.outputs is None:
        return names
    return known if options.outputs == ALL else [n for n in known if n in options.outputs]


def _batch(options: ExportOptions, usual: int | None) -> int | None:
    if options.batch is None:
        return usual
    return None if options.batch == ANY else options.batch


def shortest_window(model: Contract, rate: int) -> int:
    """The shortest window that a file may have (samples at ``rate``, Hz).

    It is the model's minimum; and of models with frames, long enough that a whole number of frames
    fits between the starts of two windows, with context at both sides.
    """
    shortest = ceil(model.input.min_samples * Fraction(rate, model.sample_rate))
    return max(shortest, 2 * _step(model, rate))


def _step(model: Contract, rate: int) -> int:
    """The least number of samples that holds a whole number of frames; 0 without frames."""
    frame_rate = model.outputs[0].frame_rate
    if frame_rate is None:
        return 0
    frame_samples = Fraction(model.sample_rate / frame_rate).limit_denominator(LARGEST_TERM)
    return (frame_samples * Fraction(rate, model.sample_rate)).numerator


def _input(model: Contract, options: ExportOptions) -> InputContract:
    """Windows as asked, at the rate asked."""
    neighbours = neighbours_of(model, options)
    own = _with_neighbours(model.input, neighbours)
    rate = options.input_rate or own.sample_rate
    as_on_card = options.window_s in (None, ANY)
    if as_on_card and rate == own.sample_rate:
        return own
    ratio = Fraction(rate, own.sample_rate)
    if as_on_card:
        window, hop = ceil(own.window_samples * ratio), ceil(own.hop_samples * ratio)
    else:
        window = hop = round(options.window_s * rate)
    step = _step(model, rate)
    if step:
        context = min(floor(own.context_samples * ratio), window if neighbours else window // 4)
        hop = (window - 2 * context) // step * step
        odd = (window - hop) % 2
        window += odd if neighbours else -odd
    return InputContract(
        sample_rate=rate,
        min_samples=ceil(own.min_samples * ratio),
        window_samples=window,
        hop_samples=min(hop, window),
        pad_left_samples=(window - hop) // 2 if step else own.pad_left_samples,
        whole=own.whole and as_on_card,
    )


def _with_neighbours(own: InputContract, neighbours: int) -> InputContract:
    """Windows that hold as many neighbours on either side, all of them context."""
    more = neighbours * own.hop_samples
    return own.model_copy(
        update={
            "window_samples": own.window_samples + 2 * more,
            "pad_left_samples": own.pad_left_samples + more,
        }
    )
