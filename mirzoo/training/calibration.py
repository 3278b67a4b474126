"""Validation items with a trained model's outputs, on which a task chooses how it is decoded."""

from __future__ import annotations

from collections.abc import Iterator

from mirzoo.annotate import frame_outputs
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.predictions import item_waveform
from mirzoo.models.model import Model
from mirzoo.tasks.base import Validated

ITEMS_PER_CORPUS = 40


def validated(model: Model, corpus: Corpus, kind: str | None) -> Iterator[Validated]:
    """Give the outputs for the first validation items that have a kind of label.

    Parameters
    ----------
    model : Model
    corpus : Corpus
    kind : str or None
        A field of `mirzoo.data.labels.Labels`; with None every item counts.

    Yields
    ------
    Validated
        For at most `ITEMS_PER_CORPUS` items.
    """
    left = ITEMS_PER_CORPUS
    for number, item in enumerate(corpus.items):
        labels = corpus.labels(number) if item.split == "valid" and left else None
        if labels is not None and (kind is None or getattr(labels, kind) is not None):
            left -= 1
            waveform = item_waveform(corpus, number)
            times, outputs = frame_outputs(model, waveform, source_rate=SAMPLE_RATE)
            yield Validated(labels, times, outputs)
