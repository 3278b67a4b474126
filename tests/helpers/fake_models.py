"""Taggers with known answers, for tests of everything that uses a model.

Their tags are "loud" (twice the mean magnitude, at most 1) and "rising" (the share of samples
above the one before).
"""

import numpy as np
from places import GOLDEN

from mirzoo.card import Axis, Card, InputContract, Licences, OutputSpec

LABELS = ["loud", "rising"]

# The same taggers as LiteRT models, written by make_fake_taggers.py beside them.
TFLITE = GOLDEN / "litert" / "fake_tagger.tflite"
TFLITE_TAGS_ONLY = TFLITE.with_name("fake_tagger_tags_only.tflite")


def make_card(name="fake_tagger", **contract):
    lengths = {"min_samples": 160, "window_samples": 1600, "hop_samples": 1600}
    return Card(
        name=name,
        task="tagging",
        description="Tells loud from rising.",
        recipe=None,
        input=InputContract(**{"sample_rate": 16000, **lengths, **contract}),
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


FRAME_RATE = 100.0
FRAME_SAMPLES = 10


def make_frame_card(task, *, outputs, labels=(), decoding, name=None, **contract):
    """The card of a model that answers per frame, at 1 kHz: frames of 10 ms, windows of 1 s.

    ``outputs`` maps each name to the size of its last axis.
    """
    lengths = {
        "sample_rate": 1000, "min_samples": 50, "window_samples": 1000, "hop_samples": 800,
        "pad_left_samples": 100,
    }  # fmt: skip
    frame = Axis(name="frame", size=None, unit="frame")
    return Card(
        name=name or f"fake_{task}",
        task=task,
        description=f"Answers about {task} as told.",
        recipe=None,
        input=InputContract(**{**lengths, **contract}),
        labels=list(labels),
        activation="softmax",
        outputs=[
            OutputSpec(
                name=output,
                axes=[frame, Axis(name=output, size=size, unit="probability")],
                frame_rate=FRAME_RATE,
            )
            for output, size in outputs.items()
        ],
        decoding=decoding,
        parameters=1,
        licences=Licences(code="MIT", weights="MIT", data="none"),
        citation="none",
        provenance="written by hand",
    )


class FakeFrameRunner:
    """Reads its answer off the waveform: a sample of value v at a frame's middle says class v.

    The main output is one-hot; ``others`` computes further outputs from the classes
    ``(windows, frames)``. Frames whose middle lies within 100 samples of a window's edge answer
    nonsense (the last class), as a network does that knows only one side.
    """

    def __init__(self, card, **others):
        self.card = card
        self.others = others
        self.windows = 0

    def predict_windows(self, windows):
        self.windows += len(windows)
        main = self.card.outputs[0]
        size = main.axes[-1].size
        classes = np.round(windows[:, ::FRAME_SAMPLES]).astype(int)
        classes = np.concatenate([classes, classes[:, -1:]], axis=1)
        context = self.card.input.context_samples // FRAME_SAMPLES
        if context:
            classes[:, :context] = classes[:, -context:] = size - 1
        one_hot = np.eye(size, dtype=np.float32)[classes]
        return {main.name: one_hot, **{n: f(classes) for n, f in self.others.items()}}

    def annotate(self, source, **options):
        from mirzoo.annotate import annotate

        return annotate(self, source, **options)
