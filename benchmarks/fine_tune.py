"""Pretrained against fresh: fine-tune both on the same labelled clips, cross-validated.

python benchmarks/fine_tune.py FOLDER [--model mel_cnn_tagger] [--epochs 8]

FOLDER has a folder of recordings for each class. Each of five folds is tested once; no recording
is on both sides. Prints the share of clips whose class is found.
"""

from __future__ import annotations

import argparse

import numpy as np

import mirzoo
from mirzoo.data import folder
from mirzoo.training.fine_tuning import fine_tune


def cross_validated(name: str, data: str, *, pretrained: bool, train_head: bool, epochs: int):
    """Accuracy over all clips, each classified by a model that was not trained on it."""
    clips = folder.load(data)
    contract = mirzoo.load(name).card.input
    windows = clips.windows(contract.sample_rate, contract.window_samples, contract.hop_samples)
    right = []
    for train, test in clips.folds(5, seed=0):
        model = mirzoo.create(name, clips.labels, pretrained=pretrained, exclusive=True)
        fine_tune(model, windows.of_clips(train), epochs=epochs, train_head=train_head)
        tested = windows.of_clips(test)
        estimate = model.predict(tested.waveforms, verbose=0)
        for clip in test:
            mine = tested.clips == clip
            right.append(estimate[mine].mean(0).argmax() == tested.targets[mine][0].argmax())
    return float(np.mean(right)), len(right)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--model", default="mel_cnn_tagger")
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    for title, pretrained, train_head in (
        ("pretrained, everything trained", True, True),
        ("pretrained, output layer alone", True, False),
        ("fresh weights, everything trained", False, True),
    ):
        accuracy, n = cross_validated(
            options.model,
            options.folder,
            pretrained=pretrained,
            train_head=train_head,
            epochs=options.epochs,
        )
        print(f"{options.model}, {title}: accuracy {accuracy:.3f} (n = {n})", flush=True)
