"""Run the step of a live model, a `.tflite` file of `mirzoo.export.streaming`, with LiteRT."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mirzoo.annotate import ModelMethods
from mirzoo.card import Card
from mirzoo.errors import ArtefactError
from mirzoo.runtimes._pool import Pool

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import SignatureRunner

WAVEFORM = "waveform"
STATE, NEXT = "state_", "next_"
"""What the names of states begin with, as inputs and as outputs."""

MOST_AT_ONCE = 4
"""How many threads compute a step at the same time; others wait."""

State = dict[str, np.ndarray]


class LiteRTSteps:
    """The steps of a model in LiteRT; see `mirzoo.annotate.Steps`.

    Parameters
    ----------
    path : Path
        The `.tflite` file.
    card : Card
        With ``exported.streaming``.

    Raises
    ------
    ArtefactError
        If the file is missing, no LiteRT model, or does not fit the card.
    """

    def __init__(self, path: Path, card: Card) -> None:
        from mirzoo.runtimes.litert import load_runner

        if card.exported is None or card.exported.streaming is None:
            raise ArtefactError(f"{path} has no steps; write it with streaming=True")
        self.streaming = card.exported.streaming
        self._path = path
        self._outputs = {output.name for output in card.available_outputs}
        self._runners = Pool(partial(load_runner, path, 1), MOST_AT_ONCE)
        with self._runners.lent() as runner:
            self._check(runner, card)

    def initial(self) -> State:
        """The state that a stream begins with."""
        return {
            f"{STATE}{state.name}": np.zeros(state.shape, np.float32)
            for state in self.streaming.states
        }

    def __call__(self, samples: np.ndarray, state: State) -> tuple[dict[str, np.ndarray], State]:
        """The outputs of the next ``(step_samples,)`` samples, ``(step_frames, ...)`` each."""
        with self._runners.lent() as runner:
            try:
                given = runner(**{WAVEFORM: samples[np.newaxis]}, **state)
            except (ValueError, RuntimeError) as error:
                raise ArtefactError(
                    f"{self._path} cannot be run ({error}); is it damaged? Export it anew"
                ) from error
        after = {f"{STATE}{s.name}": given[f"{NEXT}{s.name}"] for s in self.streaming.states}
        return {n: v[0] for n, v in given.items() if not n.startswith(NEXT)}, after

    def _check(self, runner: SignatureRunner, card: Card) -> None:
        taken = {name: tuple(d["shape"]) for name, d in runner.get_input_details().items()}
        states = {f"{STATE}{s.name}": tuple(s.shape) for s in self.streaming.states}
        expected = {WAVEFORM: (1, self.streaming.step_samples), **states}
        given = set(runner.get_output_details())
        needed = self._outputs | {f"{NEXT}{s.name}" for s in self.streaming.states}
        if taken != expected or not needed <= given:
            raise ArtefactError(
                f"{self._path} takes {taken} and gives {sorted(given)}; the card of {card.name} "
                f"says {expected} and {sorted(needed)}. Does the card belong to another model?"
            )


class LiteRTStepModel(ModelMethods):
    """A live model of the zoo as a `.tflite` file that goes step by step.

    It annotates and streams; it takes no windows.

    Parameters
    ----------
    path : str or path
        The `.tflite` file.
    card : Card, optional
        By default the one inside the file.

    Raises
    ------
    ArtefactError
        If the file is missing, no LiteRT model, or does not fit the card.
    """

    _runtime = "LiteRT, step by step"

    def __init__(self, path: str | os.PathLike, card: Card | None = None) -> None:
        from mirzoo.runtimes import tflite_file

        self.path = Path(path)
        self.card = card or tflite_file.read_card(self.path)
        self._steps = LiteRTSteps(self.path, self.card)

    def __repr__(self) -> str:
        return f"LiteRTStepModel({self.card.name!r}, {str(self.path)!r})"

    def steps(self, *, long: bool = False) -> LiteRTSteps:
        """Its steps, of one length only."""
        return self._steps

    def _compute(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        raise ArtefactError(
            f"{self.path} goes step by step and takes no windows: use its annotate or stream, or "
            'load the model with runtime="keras"'
        )
