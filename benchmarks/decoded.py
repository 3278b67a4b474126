"""How often files that decide inside agree with `annotate`, on whole real songs.

    python benchmarks/decoded.py SONGS [--models cqt_crnn_chords,...] [--window-s 60]

SONGS is a folder. Each model is exported with ``decode=True``. Of every song its annotation by
`model.annotate` is compared, frame by frame, with that by the exported file: windows joined, their
context dropped. Frames are counted in three groups by what the model itself annotates: all; those
where a chord or a melody is; and those of silence, in which the recording is below -60 dB for half
a second. Chords agree where the class is the same (inversions apart), melodies where both are
unvoiced or both voiced within 25 cents, taggers where the likeliest tag of a window is the same.
With ``--window-s`` both files have windows of this length.

For each model it prints the songs, the frames, the three shares, the worst song's share, the bytes
that the decoder adds and the CPU time of a window with and without it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import mirzoo
from mirzoo import audio
from mirzoo.annotate import annotate, frame_outputs
from mirzoo.card import Contract
from mirzoo.export import export
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.tasks.base import TASKS

MODELS = (
    "mel_cnn_tagger", "chroma_rnn_chords", "cqt_crnn_chords", "stft_crnn_melody", "hcqt_cnn_melody",
)  # fmt: skip
SILENCE_DB, SILENCE_S = -60.0, 0.5
SAME_CENTS = 25.0
RUNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("songs", type=Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--window-s", type=float)
    parser.add_argument("--shortest-s", type=float, default=15.0, help="leave out shorter sounds")
    arguments = parser.parse_args()
    songs = [
        path
        for path in audio.files_in(arguments.songs)
        if len(audio.read(path, 1000)) >= 1000 * arguments.shortest_s
    ]
    options = {} if arguments.window_s is None else {"window_s": arguments.window_s}
    print(
        f"{'model':20} {'songs':>5} {'frames':>7} {'all':>7} {'sounding':>8} {'silence':>8} "
        f"{'worst':>7} {'kB more':>7} {'ms':>6} {'ms more':>7}"
    )
    for name in arguments.models.split(","):
        with tempfile.TemporaryDirectory() as folder:
            print(compare(name, songs, Path(folder), options), flush=True)


def compare(name: str, songs: list[Path], folder: Path, options: dict[str, float]) -> str:
    """Export a model with and without its decoder, and give the row of the table."""
    model = mirzoo.load(name, runtime="keras")
    plain = LiteRTModel(export(model, folder / "plain.tflite", **options), threads=1)
    decided = LiteRTModel(
        export(model, folder / "decided.tflite", decode=True, **options), threads=1
    )
    same, sounding, silent, worst = [], [], [], 1.0
    for song in songs:
        agrees, sounds, times = agreement(plain, decided, song)
        same.append(agrees)
        sounding.append(sounds)
        silent.append(is_silent(song, times))
        worst = min(worst, float(agrees.mean()))
    agree, sounds, silence = map(np.concatenate, (same, sounding, silent))
    usual_ms, more_ms = milliseconds(plain), milliseconds(decided)
    more_kb = (decided.path.stat().st_size - plain.path.stat().st_size) / 1000
    return (
        f"{name:20} {len(songs):5} {len(agree):7} {agree.mean():7.2%} {share(agree, sounds):>8} "
        f"{share(agree, silence):>8} {worst:7.2%} {more_kb:7.0f} {usual_ms:6.1f} "
        f"{more_ms - usual_ms:7.1f}"
    )


def agreement(
    plain: LiteRTModel, decided: LiteRTModel, song: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether each frame or window agrees, whether it sounds, and where it is (s)."""
    ours, card = annotate(plain, song), plain.card
    if not TASKS[card.task].framewise:
        theirs = annotate(decided, song)
        agrees = ours.probabilities.argmax(axis=1) == theirs.probabilities.argmax(axis=1)
        return agrees, np.ones(len(agrees), bool), ours.times + ours.window_s / 2
    times, outputs = frame_outputs(decided, song)
    if hasattr(ours, "f0"):
        voiced = outputs["voiced"] > 0
        cents = 1200 * np.abs(np.log2(outputs["f0"] / np.abs(ours.f0)))
        agrees = (voiced == ours.voiced) & (~voiced | (cents <= SAME_CENTS))
        return agrees, ours.voiced, times
    labels = classes(ours, times, card)
    return outputs["chord"] == labels, labels != card.labels.index("N"), times


def classes(chords: mirzoo.Chords, times: np.ndarray, card: Contract) -> np.ndarray:
    """The class of each frame, inversions without their bass."""
    starts = np.array([start for start, _, _ in chords.segments])
    numbers = [card.labels.index(label.partition("/")[0]) for label in chords.labels]
    return np.array(numbers)[np.searchsorted(starts, times, side="right") - 1]


def is_silent(song: Path, times: np.ndarray) -> np.ndarray:
    rate = 8000
    power = np.pad(np.cumsum(np.square(audio.read(song, rate), dtype=np.float64)), (1, 0))
    edges = ((times[:, np.newaxis] + [-SILENCE_S / 2, SILENCE_S / 2]) * rate).astype(int)
    first, last = np.clip(edges, 0, len(power) - 1).T
    mean = (power[last] - power[first]) / np.maximum(last - first, 1)
    return mean < 10 ** (SILENCE_DB / 10)


def share(agree: np.ndarray, which: np.ndarray) -> str:
    return f"{agree[which].mean():.2%}" if which.any() else "none"


def milliseconds(model: LiteRTModel) -> float:
    """CPU time of a window of noise, the least of several."""
    contract = model.card.input
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, contract.window_samples))
    least = float("inf")
    for _ in range(RUNS):
        start = time.process_time()
        model.predict_windows(noise)
        least = min(least, time.process_time() - start)
    return 1000 * least


if __name__ == "__main__":
    main()
