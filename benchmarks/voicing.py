"""How often melody models call voiced what is, and what isn't: tones, hum, noises, speech.

python benchmarks/voicing.py --models hcqt_cnn_melody stft_crnn_melody --speech speech.wav
python benchmarks/voicing.py --models hcqt_cnn_melody --gaps ultrastar_melody
python benchmarks/voicing.py --models hcqt_cnn_melody --reliability sung_own ultrastar_melody

A harmonic tone alone, C3 to C6, is a melody, however steady; a second table tells how often its
pitch is right to 50 cents, whether voiced or not, or right but for octaves. Mains hum, pitched
noise, engines and other sounds of ESC-10 (those that `leads_steady` holds out) and speech are none,
and neither is a tone that has faded by 50 dB. Tones and hum are made here, not by what makes the
training data. With ``--gaps``: how often frames without a melody are voiced, by how far they are
from a note of the labels; next to notes that is what labels of notes leave out of slurs, consonants
and reverberation, further away it is accompaniment taken for a melody. With ``--reliability``: how
often the frames of prepared corpora are voiced for each stretch of the model's confidence, which is
a probability where both are equal. That is written to ``reliability.json`` too, from which the
documentation draws a picture for each model.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import comparison
import numpy as np

import mirzoo
from mirzoo import audio
from mirzoo._support.files import write_whole
from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.data.labels import F0_RATE
from mirzoo.data.sources import data_home
from mirzoo.studio._items import audio_files, split_by_number
from mirzoo.tasks.notes.annotation import pitch_name

RESULTS = Path(__file__).with_name("reliability.json")
TONE_S, REST_S = 3.0, 0.5
LOWEST, HIGHEST = 48, 84
TONES_HZ = [440 * 2 ** ((pitch - 69) / 12) for pitch in range(LOWEST, HIGHEST + 1)]
NEAR_CENTS = 50
TIMBRES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sine": lambda k: np.where(k == 1, 1.0, 0.0),
    "sawtooth": lambda k: 1.0 / k,
    "square": lambda k: np.where(k % 2 == 1, 1.0 / k, 0.0),
    "dull": lambda k: k**-2.5,
}
MAINS_HZ = (50.0, 60.0, 100.0, 120.0)
NOISE_HZ = (110.0, 220.0, 440.0, 880.0, 1760.0)
EDGE_S = 0.15
EDGES = np.linspace(0, 1, 11)
GAPS_S = (0.15, 0.5, 2.0)
BOOTSTRAPS = 1000


def main() -> None:
    """Print shares of voiced frames, or the reliability of the confidence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", required=True, help="names or folders")
    parser.add_argument("--home", type=Path, default=data_home(), help="folder of src and corpus")
    parser.add_argument("--speech", nargs="*", default=(), type=Path, help="recordings of speech")
    parser.add_argument("--reliability", nargs="*", default=(), help="prepared corpora")
    parser.add_argument("--gaps", nargs="*", default=(), help="prepared corpora")
    parser.add_argument("--limit", type=int, default=60, help="recordings of each corpus")
    options = parser.parse_args()
    models = {name: mirzoo.load(name) for name in options.models}
    if options.reliability:
        for name, model in models.items():
            reliability(name, model, options)
    for corpus in options.gaps:
        print_gaps(models, corpus, options)
    if options.reliability or options.gaps:
        return
    kinds: dict[str, Iterator[np.ndarray]] = {
        **{f"tone, {timbre}": tones(timbre) for timbre in TIMBRES},
        "mains hum": hum(),
        "pitched noise": noises(),
        **noises_of_the_world(options.home / "src" / "esc10"),
        "speech": (audio.read(path, SAMPLE_RATE) for path in options.speech),
    }
    print("| sound | n | " + " | ".join(f"{name}: voiced" for name in models) + " |")
    print("|---|---|" + "---|" * len(models))
    for kind, sounds in kinds.items():
        made = list(sounds)
        if made:
            shares = [[voiced(model, sound) for sound in made] for model in models.values()]
            print(f"| {kind} | {len(made)} | " + " | ".join(map(interval, shares)) + " |")
    faded_shares = [
        [voiced(model, sound, start_s) for sound, start_s in faded()] for model in models.values()
    ]
    print(f"| a tone 50 dB below | {len(faded_shares[0])} | "
          + " | ".join(map(interval, faded_shares)) + " |")  # fmt: skip
    print_pitches(models)


def print_pitches(models: dict[str, mirzoo.Model]) -> None:
    """Print how often the pitch of steady tones is right, right but for octaves, or else."""
    columns = ("right", "octaves off", "else", "else and voiced")
    print("\n| tone | model | " + " | ".join(columns) + " | tones mostly wrong |")
    print("|---|---|" + "--:|" * len(columns) + "---|")
    for timbre in TIMBRES:
        for name, model in models.items():
            shares = np.array([
                pitch_shares(inside(model, sound), hertz)
                for hertz, sound in zip(TONES_HZ, tones(timbre), strict=True)
            ])  # fmt: skip
            wrong = [pitch_name(LOWEST + at) for at in np.flatnonzero(shares[:, 0] < 0.5)]
            figures = " | ".join(f"{share:.3f}" for share in shares.mean(axis=0))
            print(f"| {timbre} | {name} | {figures} | {' '.join(wrong)} |")


def pitch_shares(f0: np.ndarray, hertz: float) -> list[float]:
    """The shares of frames whose pitch is right, right but for octaves, or neither.

    Frames without any pitch (an f0 of 0) are neither. The last is the share of those that are
    neither and yet voiced.
    """
    cents = 1200 * np.log2(np.maximum(np.abs(f0), 1e-3) / hertz)
    right = np.abs(cents) < NEAR_CENTS
    octaves = (np.abs((cents + 600) % 1200 - 600) < NEAR_CENTS) & ~right & (f0 != 0)
    neither = ~right & ~octaves
    return [float(np.mean(frames)) for frames in (right, octaves, neither, neither & (f0 > 0))]


def voiced(model: mirzoo.Model, sound: np.ndarray, start_s: float = REST_S) -> float:
    """The share of frames that are voiced, from a time (s) to the rest before the end."""
    return float(np.mean(inside(model, sound, start_s) > 0))


def inside(model: mirzoo.Model, sound: np.ndarray, start_s: float = REST_S) -> np.ndarray:
    """The f0 of the frames from a time (s) to the rest before the end, without their edges."""
    melody = model.annotate(sound, source_rate=SAMPLE_RATE)
    times, f0 = np.asarray(melody.times), np.asarray(melody.f0)
    end_s = len(sound) / SAMPLE_RATE - REST_S
    return f0[(times >= start_s + EDGE_S) & (times < end_s - EDGE_S)]


def interval(shares: list[float]) -> str:
    """The mean, with the 95 % interval of a bootstrap over sounds."""
    rng = np.random.default_rng(0)
    means = rng.choice(shares, (BOOTSTRAPS, len(shares))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{np.mean(shares):.3f} ({low:.3f} to {high:.3f})"


def tones(timbre: str) -> Iterator[np.ndarray]:
    """A tone of each semitone from C3 to C6, 3 s with half a second of silence around it."""
    for hertz in TONES_HZ:
        yield tone(hertz, timbre)


def tone(hertz: float, timbre: str) -> np.ndarray:
    """A steady tone that rises in 20 ms, falls to two thirds and ends in 100 ms."""
    times = np.arange(round(TONE_S * SAMPLE_RATE)) / SAMPLE_RATE
    number = np.arange(1, int(7600 / hertz) + 1)
    wave = sum(
        amplitude * np.sin(2 * np.pi * k * hertz * times)
        for k, amplitude in zip(number, TIMBRES[timbre](number), strict=True)
    )
    shape = np.interp(times, [0, 0.02, 0.3, TONE_S - 0.1, TONE_S], [0, 1, 0.75, 0.65, 0])
    return with_rests(0.3 * wave / np.abs(wave).max() * shape)


def with_rests(sound: np.ndarray) -> np.ndarray:
    """Half a second of silence on either side."""
    return np.pad(sound, round(REST_S * SAMPLE_RATE)).astype(np.float32)


def faded() -> Iterator[tuple[np.ndarray, float]]:
    """Tones that go on for 3 s when they are 50 dB softer, and when that begins (s)."""
    for pitch in range(LOWEST, HIGHEST + 1, 6):
        loud = tone(440 * 2 ** ((pitch - 69) / 12), "sawtooth")
        yield np.concatenate([loud, 10 ** (-50 / 20) * loud]), len(loud) / SAMPLE_RATE + REST_S


def hum() -> Iterator[np.ndarray]:
    """Mains and rectified mains, with few and with many harmonics, with and without hiss."""
    rng = np.random.default_rng(0)
    times = np.arange(round(5 * SAMPLE_RATE)) / SAMPLE_RATE
    for hertz in MAINS_HZ:
        for count in (1, 6, 30):
            for hiss in (0.0, 0.02):
                wave = sum(
                    np.sin(2 * np.pi * k * hertz * times + k) / k**1.2 for k in range(1, count + 1)
                )
                wave = 0.1 * wave / np.abs(wave).max() + hiss * rng.standard_normal(len(times))
                yield with_rests(wave)


def noises() -> Iterator[np.ndarray]:
    """Noise a third of an octave and a tenth of an octave wide."""
    from scipy import signal

    rng = np.random.default_rng(1)
    for centre_hz in NOISE_HZ:
        for width in (2 ** (1 / 6), 2 ** (1 / 20)):
            band = [centre_hz / width, centre_hz * width]
            sections = signal.butter(2, band, "bandpass", fs=SAMPLE_RATE, output="sos")
            wave = signal.sosfilt(sections, rng.standard_normal(5 * SAMPLE_RATE))
            yield with_rests(0.1 * wave / wave.std())


def noises_of_the_world(folder: Path) -> dict[str, Iterator[np.ndarray]]:
    """The sounds of ESC-10, by class, that the collection leads_steady holds out."""
    found: dict[str, list[Path]] = {}
    for number, path in enumerate(audio_files(folder) if folder.is_dir() else []):
        if split_by_number(number) == "test":
            found.setdefault(path.parent.name.split(" - ")[-1].lower(), []).append(path)
    return {
        name: (with_rests(audio.read(path, SAMPLE_RATE)) for path in paths)
        for name, paths in found.items()
    }


def print_gaps(models: dict[str, mirzoo.Model], corpus: str, options: argparse.Namespace) -> None:
    """Print how often frames without a melody are voiced, by their distance from its notes."""
    found = comparison.recordings(options.home, corpus, limit=options.limit)
    nearest = [0.0, *GAPS_S]
    kinds = [f"up to {GAPS_S[0]:g} s from a note"]
    kinds += [f"{low:g} to {high:g} s" for low, high in pairwise(GAPS_S)]
    kinds += [f"more than {GAPS_S[-1]:g} s", f"more than {GAPS_S[0]:g} s", "all", "(recall)"]
    print(f"\n{corpus}: {len(found)} recordings\n")
    print("| model | " + " | ".join(kinds) + " |\n|---|" + "---|" * len(kinds))
    for name, model in models.items():
        counts = []
        for recording in found:
            if recording.labels.f0 is None:
                continue
            voiced, sung, distance_s = against_notes(model, recording)
            bounds = [*zip(nearest, [*GAPS_S, np.inf], strict=True), (GAPS_S[0], np.inf)]
            gaps = [~sung & (distance_s > low) & (distance_s <= high) for low, high in bounds]
            counts.append([
                (np.sum(frames & voiced), np.sum(frames)) for frames in [*gaps, ~sung, sung]
            ])  # fmt: skip
        print(f"| {name} | " + " | ".join(pooled(np.swapaxes(counts, 0, 1))) + " |")


def against_notes(
    model: mirzoo.Model, recording: comparison.Recording
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each frame that has a label: is it voiced, has it a note, and how far is one (s)?"""
    melody = model.annotate(recording.samples / 32768, source_rate=SAMPLE_RATE)
    times, f0 = np.asarray(melody.times), np.asarray(melody.f0)
    labels = recording.labels.f0
    truth = labels[np.minimum(np.round(times * F0_RATE).astype(int), len(labels) - 1)]
    known = ~np.isnan(truth)
    times, f0, truth = times[known], f0[known], truth[known]
    notes = np.concatenate([[-np.inf], times[truth > 0], [np.inf]])
    after = np.searchsorted(notes, times)
    distance_s = np.minimum(notes[after] - times, times - notes[after - 1])
    return f0 > 0, truth > 0, np.where(truth > 0, 0.0, distance_s)


def pooled(counts: np.ndarray) -> list[str]:
    """Shares of each kind of frames, (kinds, recordings, 2), with the interval of a bootstrap."""
    drawn = np.random.default_rng(0).integers(counts.shape[1], size=(BOOTSTRAPS, counts.shape[1]))
    texts = []
    for kind in counts:
        sums = kind[drawn].sum(axis=1)
        low, high = np.quantile(sums[:, 0] / np.maximum(sums[:, 1], 1), [0.025, 0.975])
        share = kind[:, 0].sum() / max(kind[:, 1].sum(), 1)
        texts.append(f"{share:.3f} ({low:.3f} to {high:.3f})")
    return texts


def reliability(name: str, model: mirzoo.Model, options: argparse.Namespace) -> None:
    """Print and write down how often frames of prepared corpora are voiced, by the confidence."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for corpus in options.reliability:
        found = comparison.recordings(options.home, corpus, limit=options.limit)
        confidence, truth = [], []
        for recording in found:
            if recording.labels.f0 is None:
                continue
            melody = model.annotate(recording.samples / 32768, source_rate=SAMPLE_RATE)
            places = np.round(np.asarray(melody.times) * F0_RATE).astype(int)
            f0 = recording.labels.f0[np.minimum(places, len(recording.labels.f0) - 1)]
            confidence.append(np.asarray(melody.confidence)[~np.isnan(f0)])
            truth.append(f0[~np.isnan(f0)] > 0)
        sure, so = np.concatenate(confidence), np.concatenate(truth)
        place = np.clip(np.digitize(sure, EDGES) - 1, 0, len(EDGES) - 2)
        rows = [
            (float(sure[here].mean()), float(so[here].mean()), float(here.mean()))
            for here in (place == number for number in range(len(EDGES) - 1))
            if here.any()
        ]
        error = sum(abs(mean - voiced) * share for mean, voiced, share in rows)
        print(f"\n{name}, {corpus}: {len(found)} recordings")
        print("| confidence | voiced | frames |\n|---|---|---|")
        for mean, voiced, share in rows:
            print(f"| {mean:.2f} | {voiced:.2f} | {share:.3f} |")
        print(f"expected calibration error {error:.3f}")
        results.setdefault(model.card.name, {})[corpus] = {
            "recordings": len(found),
            "error": round(error, 4),
            "confidence, voiced, share of frames": [
                [round(value, 4) for value in row] for row in rows
            ],
        }
    write_whole(RESULTS, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
