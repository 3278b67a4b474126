"""Melody models that predict what a test asks for, and a corpus without labels."""

from types import SimpleNamespace

import numpy as np
from toy_music import play

from mirzoo.data.corpus import Corpus, Item, prepare
from mirzoo.tasks.melody import MelodyDecoding
from mirzoo.training import teachers


def bare_corpus(folder, *, more=0) -> Corpus:
    """Toy music of which nothing is known."""
    items = [Item("0", "bare", "a", "", "train"), Item("1", "bare", "b", "", "valid")]
    items += [Item(str(number), "bare", "c", "", "train") for number in range(2, 2 + more)]
    return prepare(
        items,
        folder / "bare",
        make=lambda item: play(item)[0],
        min_seconds=1,
        processes=1,
    )


BINS = 180


def melody_teacher(at, *, name="ear", bins_per_octave=60, outputs=("salience", "voicing")):
    """A teacher with a bin in each tenth of a second: ``at`` gives bin, peak, voicing."""
    decoding = MelodyDecoding(fmin=127.82, bins_per_octave=bins_per_octave)
    card = SimpleNamespace(
        name=name, task="melody", decoding=decoding,
        outputs=[SimpleNamespace(name=output) for output in outputs],
    )  # fmt: skip

    def predict(waveform):
        times = np.arange(len(waveform) // 1600) / 10
        salience = np.zeros((len(times), BINS), np.float32)
        voicing = np.zeros((len(times), 1), np.float32)
        for frame, time in enumerate(times):
            place, salience_there, voicing[frame] = at(time)
            salience[frame, place] = salience_there
        return times, {"salience": salience, "voicing": voicing}

    return SimpleNamespace(card=card, predict=predict)


def toy_teachers(monkeypatch) -> None:
    """Let the frames of `melody_teacher` be those that it predicts."""
    monkeypatch.setattr(
        teachers,
        "frame_outputs",
        lambda teacher, waveform, *, source_rate: teacher.predict(waveform),
    )
