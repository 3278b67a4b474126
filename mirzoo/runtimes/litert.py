"""Run a model's `.tflite` file with LiteRT: no TensorFlow, a fraction of a second to start.

The file has a fixed input of one window, ``(1, window_samples)``, or where the card's
input is ``whole``, one of any length, ``(1, samples)``. It has the signature
``serving_default``, whose outputs carry the names of the card's outputs, and ``embedding``.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, SignatureRunner

from mirzoo._support.cores import cores, threads_asked
from mirzoo._support.files import is_utf8
from mirzoo.annotate import ModelMethods
from mirzoo.card import Card
from mirzoo.errors import ArtefactError
from mirzoo.runtimes import tflite_file
from mirzoo.runtimes._pool import Pool
from mirzoo.runtimes.base import RUNTIMES, Runtime, batches_of
from mirzoo.runtimes.litert_steps import LiteRTStepModel, LiteRTSteps
from mirzoo.runtimes.tflite_checks import require_sound

SIGNATURE = "serving_default"
STREAMING_FILE = "streaming.tflite"
"""In a live model's folder, next to `model.tflite`."""
USUAL_BATCH = 1
ANY_LENGTH = -1
MOST_THREADS = 4  # models of a few megabytes gain nothing from more
FEWEST_OF_MANY = 2
MOST_HELD_BYTES = 150e6
TENSORS_HELD = 8  # so many of its largest tensor is what an interpreter takes, measured


class LiteRTModel(ModelMethods):
    """A model of the zoo in the LiteRT runtime.

    Parameters
    ----------
    path : str or path
        The `.tflite` file.
    card : Card, optional
        The card of the model that it was exported from; by default the one inside the file.
    threads : int, optional
        CPU threads to use; by default ``MIRZOO_THREADS`` of the environment, or one per core, four
        at most, and no more than hold 150 MB together where those are more than two. They share
        the windows of a recording among them: each has an interpreter of its own, which is faster
        than several threads inside one window's operations.

    One object serves any number of threads, with the numbers that it gives alone; all of them
    share its interpreters. It can be pickled and copied, and used after a fork.

    Raises
    ------
    ArtefactError
        If the file is missing, no LiteRT model, or does not fit the card.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> model = mirzoo.load("mel_cnn_tagger", runtime="litert")  # doctest: +SKIP
    >>> model.annotate("song.mp3").top(2)  # doctest: +SKIP
    [('guitar', 0.91), ('slow', 0.38)]
    """

    _runtime = "LiteRT"

    def __init__(
        self, path: str | os.PathLike, card: Card | None = None, *, threads: int | None = None
    ) -> None:
        self.path = Path(path)
        card = card or tflite_file.read_card(self.path)
        self.card = card
        self.any_length = card.exported is not None and card.exported.any_length
        threads = threads or threads_asked() or _usual_threads(self.path)
        interpreters, each = (1, threads) if card.input.whole else (threads, 1)
        self.lanes = interpreters if threads > 1 else 0
        self.at_once = (card.exported and card.exported.batch) or USUAL_BATCH
        self._steps: LiteRTSteps | None = None
        self._runners = Pool(partial(load_runner, self.path, each), interpreters)
        with self._runners.lent() as runner:
            self._input = self._check_fits_card(runner)

    def __repr__(self) -> str:
        return f"LiteRTModel({self.card.name!r}, {str(self.path)!r})"

    def steps(self, *, long: bool = False) -> LiteRTSteps | None:
        """The steps of a live model, if `STREAMING_FILE` is next to its file; else None."""
        path = self.path.with_name(STREAMING_FILE)
        if self._steps is None and self.card.live and path.is_file():
            self._steps = LiteRTSteps(path, tflite_file.read_card(path))
        return self._steps

    def _compute(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        batches = batches_of(windows, self.card.exported, USUAL_BATCH)
        count = min(self._runners.most, len(batches))
        if count == 1:
            parts = self._run(batches)
        else:
            numbers = np.array_split(np.arange(len(batches)), count)
            shares = [[batches[n] for n in share] for share in numbers]
            with ThreadPoolExecutor(len(shares)) as pool:
                parts = [part for done in pool.map(self._run, shares) for part in done]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _run(self, batches: list[tuple[np.ndarray, int]]) -> list[dict[str, np.ndarray]]:
        with self._runners.lent() as runner:
            try:
                computed = [(runner(**{self._input: batch}), count) for batch, count in batches]
            except (ValueError, RuntimeError) as error:
                raise ArtefactError(
                    f"{self.path} cannot be run ({error}); is it damaged? Get the model again, or "
                    "export it anew"
                ) from error
        return [{name: v[:count] for name, v in part.items()} for part, count in computed]

    def _check_fits_card(self, runner: SignatureRunner) -> str:
        inputs = {
            name: tuple(int(size) for size in details["shape_signature"])
            for name, details in runner.get_input_details().items()
        }
        contract, exported = self.card.input, self.card.exported
        batch = USUAL_BATCH if exported is None else exported.batch or ANY_LENGTH
        unbounded = contract.whole or self.any_length
        expected = (batch, ANY_LENGTH if unbounded else contract.window_samples)
        if list(inputs.values()) != [expected]:
            raise ArtefactError(
                f"{self.path} has the inputs {inputs}; the card of {self.card.name} says one of "
                f"the shape {expected}. Does the card belong to another model?"
            )
        outputs = runner.get_output_details()
        missing = [o.name for o in self.card.available_outputs if o.name not in outputs]
        if missing:
            raise ArtefactError(
                f"{self.path} lacks the outputs {missing} that the card of {self.card.name} "
                f"names; it has {sorted(outputs)}. Does the card belong to another model?"
            )
        return next(iter(inputs))


def _usual_threads(path: Path) -> int:
    """As many threads as there are cores, but few where each holds much."""
    threads = min(cores(), MOST_THREADS)
    if threads <= FEWEST_OF_MANY or not path.is_file():
        return threads
    held = TENSORS_HELD * tflite_file.largest_tensor_bytes(path)
    return max(FEWEST_OF_MANY, min(threads, int(MOST_HELD_BYTES / max(1, held))))


def load_runner(path: Path, threads: int) -> SignatureRunner:
    """What runs the signature of a `.tflite` file, in so many threads."""
    if not path.is_file():
        raise ArtefactError(f"{path} does not exist; a LiteRT model is a .tflite file.")
    require_sound(path)
    try:
        if is_utf8(str(path)):
            interpreter = Interpreter(model_path=str(path), num_threads=threads)
        else:  # the interpreter opens no such file itself
            interpreter = Interpreter(model_content=path.read_bytes(), num_threads=threads)
        return interpreter.get_signature_runner(SIGNATURE)
    except (ValueError, RuntimeError) as error:
        raise ArtefactError(
            f"{path} is no LiteRT model with the signature '{SIGNATURE}': {error}. "
            "Was it exported by `mirzoo export`?"
        ) from error


def load(path: Path, card: Card | None = None) -> ModelMethods:
    """Load a `.tflite` file: of a model, or of the steps of a live one."""
    card = card or tflite_file.read_card(path)
    if card.exported is not None and card.exported.streaming is not None:
        return LiteRTStepModel(path, card)
    return LiteRTModel(path, card)


RUNTIMES.register(Runtime("litert", ".tflite", load, tflite_file.read_card))
