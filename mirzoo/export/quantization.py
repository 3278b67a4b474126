"""Quantise a model's head, and nothing else of it.

Whole-model quantisation ruins whatever has a spectrogram inside: tags are off by 0.45 of 1 with
dynamic-range weights and by 0.75 in int8, because a spectrum spans more than eight bits can hold.
So the sections of a model (`mirzoo.export.sections`) are converted apart from each other, only
those that may be with quantisation, and joined to one graph (`mirzoo.export.flatbuffer`). What is
quantised depends on where an operator lies and not on its kind: the Fourier transform and the mel
filterbank are products of matrices like a head's dense layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import tensorflow as tf

from mirzoo import audio
from mirzoo.card import InputContract
from mirzoo.errors import ExportError
from mirzoo.export.conversion import convert
from mirzoo.export.flatbuffer import SMALLEST_STORED_AS_HALF, join, store_as_half
from mirzoo.export.sections import Section, Tensors, run

MOST_CALIBRATION_WINDOWS = 24
MOST_HELD_WINDOWS = 8 * MOST_CALIBRATION_WINDOWS
QUIET = 0.01
SILENT = 1e-4
SMALLEST_OF_SPECTRA = 7000
"""A front-end's constants of fewer numbers, such as kernels of constant-Q transforms, stay float32:
as float16 they leave noise at -70 dB between a pure tone's bins, which a logarithm shows."""


def calibration_windows(contract: InputContract, sources: Any = None) -> list[np.ndarray]:
    """Windows that int8 is fitted to.

    Parameters
    ----------
    contract : InputContract
        Of the file.
    sources : audio source, or list or tuple of them, optional
        Recordings; by default the music clip that comes with mirzoo.

    Returns
    -------
    list of np.ndarray
        float32 ``(1, samples)``: at most `MOST_CALIBRATION_WINDOWS`, spread over the recordings;
        then one of them at -40 dB, and silence.

    Raises
    ------
    ExportError
        If there are no recordings, or nothing but silence in them.
    """
    if sources is None:
        sources = audio.demo_clip()
    windows = _thinned(
        window[np.newaxis]
        for source in (sources if isinstance(sources, list | tuple) else [sources])
        for window in _windows(contract, source)
    )
    if not windows:
        raise ExportError("calibration has no recordings; give one at least, or leave it out")
    if max(float(np.abs(window).max()) for window in windows) < SILENT:
        raise ExportError(
            "calibration is silent, and int8 cannot be fitted to silence; give recordings of music "
            "like yours, or leave it out"
        )
    places = np.linspace(0, len(windows) - 1, min(len(windows), MOST_CALIBRATION_WINDOWS))
    chosen = [windows[int(place)] for place in places]
    return [*chosen, QUIET * chosen[0], 0 * chosen[0]]


def _thinned(windows: Iterable[np.ndarray]) -> list[np.ndarray]:
    """All windows, or of more than `MOST_HELD_WINDOWS` every second, fourth, … one."""
    held: list[np.ndarray] = []
    step = 1
    for number, window in enumerate(windows):
        if number % step:
            continue
        held.append(window)
        if len(held) > MOST_HELD_WINDOWS:
            held, step = held[::2], 2 * step
    return held


def _windows(contract: InputContract, source: audio.Source) -> Iterator[np.ndarray]:
    if contract.whole:
        yield audio.read(source, contract.sample_rate)
        return
    stream = audio.stream(
        source,
        contract.sample_rate,
        contract.window_samples,
        contract.hop_samples,
        pad_left=contract.pad_left_samples,
    )
    for _, window in stream:
        yield window


def convert_whole(
    sections: Sequence[Section], signature: tf.TensorSpec, outputs: Mapping[str, str]
) -> bytes:
    """Convert a model to a `.tflite` file, nothing quantised; see `convert_divided`."""

    def compute(given: Sequence[tf.Tensor]) -> Tensors:
        known = run(sections, {signature.name: given[0]})
        return {name: known[tensor] for name, tensor in outputs.items()}

    return convert(compute, [signature])


def convert_divided(
    sections: Sequence[Section],
    signature: tf.TensorSpec,
    outputs: Mapping[str, str],
    quantize: str,
    calibration: Sequence[np.ndarray] = (),
) -> bytes:
    """Convert a model, its head quantised.

    Parameters
    ----------
    sections : sequence of Section
        The first takes one tensor.
    signature : tf.TensorSpec
        Of that tensor.
    outputs : mapping of str to str
        What is to be given: a tensor for each name.
    quantize : {"float16", "dynamic", "int8"}
        ``"dynamic"``: weights in eight bits, activations quantised as they come. ``"int8"``:
        weights and activations, whose ranges are those of the calibration. The large constants of
        all else, and of the head too with ``"float16"``, are stored as float16 and computed with
        as float32.
    calibration : sequence of np.ndarray
        For int8: what the model is given, each of the signature's shape.

    Returns
    -------
    bytes
        A `.tflite` file, of builtin operators where the sections have such.
    """
    specs = {signature.name: signature}
    batch = signature.shape[0] or 1
    known = [
        {signature.name: tf.constant(np.repeat(window, batch, axis=0))} for window in calibration
    ]
    parts = []
    for group in _groups(sections, outputs.values(), eight_bits=quantize != "float16"):
        taken = [specs[name] for name in group.inputs]
        mode = quantize if group.quantised else None
        smallest = SMALLEST_OF_SPECTRA if group.spectral else SMALLEST_STORED_AS_HALF
        samples = [[tensors[name] for name in group.inputs] for tensors in known]
        part = convert(group.compute, taken, quantize=mode, calibration=samples)
        parts.append(part if group.exact else store_as_half(part, smallest))
        infer = tf.function(group.compute, autograph=False, input_signature=[taken])
        given = infer.get_concrete_function().structured_outputs
        specs |= {name: tf.TensorSpec(t.shape, t.dtype, name) for name, t in given.items()}
        known = [{**tensors, **infer([tensors[n] for n in group.inputs])} for tensors in known]
    return join(parts, outputs)


def _groups(
    sections: Sequence[Section], outputs: Iterable[str], *, eight_bits: bool
) -> list[_Group]:
    """Join neighbours that are alike, and drop what nothing behind them takes."""
    groups: list[_Group] = []
    needed = set(outputs)
    if not eight_bits:
        sections = [replace(section, quantised=False) for section in sections]
    alike = groupby(sections, key=lambda s: (s.quantised, s.spectral, s.exact))
    for neighbours in reversed([tuple(same) for _, same in alike]):
        here = {name for section in neighbours for name in section.outputs}
        given = tuple(sorted(here & needed))
        taken = {name for section in neighbours for name in section.inputs} - here
        if given:
            groups.insert(0, _Group(neighbours, tuple(sorted(taken)), given))
            needed |= taken
    return groups


@dataclass(frozen=True)
class _Group:
    """Sections that are converted together."""

    sections: tuple[Section, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def quantised(self) -> bool:
        return self.sections[0].quantised

    @property
    def spectral(self) -> bool:
        return self.sections[0].spectral

    @property
    def exact(self) -> bool:
        return self.sections[0].exact

    def compute(self, given: Sequence[tf.Tensor]) -> Tensors:
        known = run(self.sections, dict(zip(self.inputs, given, strict=True)))
        return {name: known[name] for name in self.outputs}
