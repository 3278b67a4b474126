"""Taggers with known answers, for tests of everything that uses a model.

Their tags are "loud" (twice the mean magnitude, at most 1) and "rising" (the share of samples
above the one before).
"""

from pathlib import Path

import numpy as np

from mirzoo.card import Axis, Card, InputContract, Licences, OutputSpec

LABELS = ["loud", "rising"]

# The same taggers as LiteRT models, written by make_fake_taggers.py beside them.
TFLITE = Path(__file__).parent / "golden" / "litert" / "fake_tagger.tflite"
TFLITE_TAGS_ONLY = TFLITE.with_name("fake_tagger_tags_only.tflite")


def make_card(name="fake_tagger", **contract):
    lengths = {"min_samples": 160, "window_samples": 1600, "hop_samples": 1600}
    return Card(
        name=name,
        task="tagging",
        description="Tells loud from rising.",
        recipe=None,
        input=InputContract(sample_rate=16000, **{**lengths, **contract}),
        labels=LABELS,
        activation="sigmoid",
        outputs=[OutputSpec(name="tags", axes=[Axis(name="tag", size=2, unit="probability")])],
        embedding_size=2,
        parameters=1,
        licences=Licences(code="MIT", weights="MIT", data="none"),
        citation="none",
        provenance="written by hand",
    )


class FakeRunner:
    """Computes the tags in NumPy and remembers the windows it was given."""

    def __init__(self, **contract):
        self.card = make_card(**contract)
        self.batches = []

    @property
    def windows(self):
        return np.concatenate(self.batches)

    def predict_windows(self, windows):
        self.batches.append(windows)
        loud = np.minimum(1.0, 2 * np.abs(windows).mean(axis=1))
        rising = (np.diff(windows, axis=1) > 0).mean(axis=1)
        return {
            "tags": np.stack([loud, rising], axis=1).astype(np.float32),
            "embedding": np.stack([windows.mean(axis=1), windows.std(axis=1)], axis=1),
        }
