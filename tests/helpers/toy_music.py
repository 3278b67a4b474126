"""Music of sines with all its labels, and small recipes that learn it."""

import numpy as np

from mirzoo.data.corpus import Item
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.dsp.chord_vocabulary import parse_chord
from mirzoo.recipe import Recipe

RATE = 16000
CHORDS = ("C:maj", "A:min", "G:maj")


def sing(hertz: np.ndarray) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    return (0.1 * (np.sin(phase) + 0.5 * np.sin(2 * phase))).astype(np.float32)


def play(item: Item):
    """Six seconds of chords, and a melody of two notes above them with a rest in the middle."""
    rng = np.random.default_rng(int(item.name))
    labels = rng.permutation(CHORDS)
    waveform = rng.normal(0, 1e-3, 6 * RATE).astype(np.float32)
    spans = []
    for number, label in enumerate(labels):
        inside = slice(2 * number * RATE, 2 * (number + 1) * RATE)
        for pitch_class in parse_chord(str(label)).pitch_classes:
            waveform[inside] += sing(np.full(2 * RATE, 130.81 * 2 ** (pitch_class / 12)))
        spans.append(ChordSpan(2.0 * number, 2.0 * number + 2.0, str(label)))
    f0 = np.repeat([440.0, 0.0, 660.0], 200).astype(np.float32)
    waveform += 3 * sing(np.repeat(f0, RATE // 100)) * np.repeat(f0 > 0, RATE // 100)
    return waveform, Labels(chords=tuple(spans), f0=f0)


def make_recipe(task: str, /, **changes) -> Recipe:
    constant_q = {
        "sample_rate": RATE,
        "hop_length": 1600,
        "fmin": 130.81278265029931,
        "n_octaves": 3,
        "bins_per_octave": 12,
        "scaling": {"type": "log", "c": 100.0},
    }
    heads = {
        "chords": {
            "type": "pitch_class_crnn",
            "blocks": [{"filters": 8}],
            "filters": 12,
            "recurrent": {"units": [8]},
            "embedding": 8,
            "dropout": 0.0,
        },
        "melody": {
            "type": "pitch_cnn",
            "blocks": [{"filters": 8}],
            "context": {"squeeze": 2, "units": 16, "dilations": [1]},
            "embedding": 8,
            "dropout": 0.0,
        },
    }
    tasks = {
        "chords": {"type": "chords", "vocabulary": "majmin"},
        "melody": {"type": "melody", "fmin": 127.82, "n_octaves": 3},
    }
    return Recipe.model_validate(
        {
            "description": "learns from toys",
            "frontend": {"type": "cqt", **constant_q},
            "head": heads[task],
            "task": tasks[task],
            "window_s": 3.0,
            "data": {"collections": ["toys"], "windows_per_item": 2},
            "training": {"epochs": 25, "batch_size": 4, "learning_rate": 0.02, "patience": 25},
            "source": {"paper": "none"},
            **changes,
        }
    )
