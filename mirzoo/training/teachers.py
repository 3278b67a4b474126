"""The teachers of a corpus: the models that a student is distilled from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mirzoo import hub
from mirzoo.annotate import LoadedModel, frame_outputs
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.predictions import Predict, item_predictions, predictions_folder


class Teachers:
    """The teachers of a corpus, and what they predict for it; see `mirzoo.tasks.base.Teachers`.

    Parameters
    ----------
    corpus : Corpus
    names : sequence of str
        Models of the zoo, earlier runs, or systems whose labels lie in the corpus.
    find : callable
        Gives the model of a name.
    """

    def __init__(
        self,
        corpus: Corpus,
        names: Sequence[str],
        find: Callable[[str], LoadedModel] = hub.load,
    ) -> None:
        self.corpus = corpus
        self.names = tuple(names)
        self._find = find

    def model(self, name: str) -> LoadedModel:
        """The model of a name.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        return self._find(name)

    def frames(
        self, name: str, *, careful: bool = False
    ) -> Callable[[np.ndarray], tuple[np.ndarray, dict[str, np.ndarray]]]:
        """From a waveform at the corpus' rate to the times of frames (s) and a model's outputs.

        With ``careful`` these are the mean over detunings.
        """
        model = self.model(name)
        if careful:
            from mirzoo.annotate.careful import mean_outputs

            return lambda waveform: mean_outputs(model, waveform, source_rate=SAMPLE_RATE)
        return lambda waveform: frame_outputs(model, waveform, source_rate=SAMPLE_RATE)

    def labels_folder(self, name: str) -> Path:
        """Where another system's annotations may lie; see `mirzoo.tasks.pseudo_labels`."""
        return predictions_folder(self.corpus, name)

    def predictions(
        self, key: str, ready: Callable[[], Predict]
    ) -> Iterator[dict[str, np.ndarray]]:
        """What a function predicts for each item, cached under a key."""
        return item_predictions(self.corpus, key, ready)
