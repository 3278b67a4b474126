"""Models of one's own data: what `fine_tune` and `train` give, next to probes, on the same folds.

    python benchmarks/own_data.py instruments genres three moods few --data DATA --work WORK
    python benchmarks/own_data.py frontends chords melody --data DATA --work WORK
    python benchmarks/own_data.py table docs --work WORK
    python benchmarks/own_data.py clips --source FOLDER --work WORK

Each part is a set of labelled recordings and the systems that are fitted to it; what was measured
is a line of ``WORK/rows.jsonl`` at once, so a run that was interrupted goes on when it is started
again. In each folding every clip is tested once, by a model that saw none of its group. A line has
the score of a folding and the processor time that it took; ``table`` prints the means, and the
paired differences of foldings to the probe of the plain embedding with their 95 % interval;
``docs`` writes the tables of the documentation.

DATA holds ``real/instruments``, ``real/mir1k``, ``symbolic/pop909.tar.xz`` and, for genres and
moods, ``emotify``, a checkout of the GitHub repository sergi-andreu/ProjectMusicInformatics, or
``--emotify`` names it. Chords and melodies are rendered, which needs fluidsynth and a soundfont.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import mirzoo
from mirzoo import hub
from mirzoo.data import folder
from mirzoo.data.folder import LabelledClips
from mirzoo.data.labels import F0_RATE, ChordSpan, Labels
from mirzoo.data.recordings import Recording
from mirzoo.data.windows import cut_windows
from mirzoo.dsp.chord_vocabulary import ROOT_NAMES
from mirzoo.evaluation.recordings import LabelledRecording
from mirzoo.recipe import FRONTENDS, new_recipe, parse_recipe
from mirzoo.studio.score import midi
from mirzoo.studio.sound import fluidsynth, render
from mirzoo.tasks.base import TASKS
from mirzoo.training.own_clips import MOST_WINDOWS
from mirzoo.training.probing import STRENGTHS, Embedded, fit_probe, mean_by_clip

BASE = "mel_cnn_tagger"
PEER = "musicnn_mtt"
FOLDS = 3
BOOTSTRAPS = 10000
PROBE, DEFAULT = f"probe of {BASE}", "fine_tune, auto"


@dataclass(frozen=True)
class Options:
    """Where things are, and how often."""

    data: Path
    emotify: Path
    work: Path
    foldings: int
    source: Path | None
    systems: tuple[str, ...]


class Rows:
    """What was measured: a JSON object a line, each once."""

    def __init__(self, work: Path) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self._file = work / "rows.jsonl"
        self.all: list[dict[str, Any]] = []
        if self._file.exists():
            self.all = [json.loads(line) for line in self._file.read_text().splitlines()]

    def has(self, part: str, system: str, folding: int) -> bool:
        """Whether this was measured before."""
        return any(
            (row["part"], row["system"], row["folding"]) == (part, system, folding)
            for row in self.all
        )

    def add(self, part: str, system: str, folding: int, **values: Any) -> None:
        """Write a row down."""
        row = {"part": part, "system": system, "folding": folding, **values}
        self.all.append(row)
        with self._file.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)


# Sets of clips


def instruments(options: Options) -> LabelledClips:
    """150 clips of ten instruments."""
    return folder.load(options.data / "real" / "instruments")


@cache
def _emotify(repository: Path, work: Path) -> Path:
    """Every fourth track of each of Emotify's genres, taken out of the repository."""
    files = subprocess.run(
        ["git", "-C", str(repository), "ls-tree", "-r", "--name-only", "HEAD", "data"],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    tracks = [file for file in files if file.endswith(".mp3")]
    chosen = [file for file in tracks if int(Path(file).stem) % 4 == 0]
    target = work / "emotify"
    for file in [*chosen, "data/data.csv"]:
        place = target / Path(file).relative_to("data")
        if place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        content = subprocess.run(
            ["git", "-C", str(repository), "show", f"HEAD:{file}"], capture_output=True, check=True
        ).stdout
        place.write_bytes(content)
    return target


def genres(options: Options) -> LabelledClips:
    """100 tracks of four genres."""
    return folder.load(_emotify(options.emotify, options.work) / "emotifymusic")


def moods(options: Options) -> LabelledClips:
    """The same tracks; a mood is a label where a third of the listeners or more felt it."""
    root = _emotify(options.emotify, options.work)
    votes: dict[int, list[list[int]]] = {}
    with (root / "data.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        names = [name.strip() for name in next(reader)][2:11]
        for row in reader:
            votes.setdefault(int(row[0]), []).append([int(value) for value in row[2:11]])
    genre_numbers = {"classical": 0, "rock": 100, "electronic": 200, "pop": 300}
    clips = []
    for clip in genres(options).clips:
        path = Path(os.fspath(clip.source))
        number = genre_numbers[path.parent.name] + int(path.stem)
        felt = np.mean(votes[number], axis=0) >= 1 / 3
        tags = [name for name, holds in zip(names, felt) if holds]
        clips.append(Recording.tagged(path, tags, clip.group, name=clip.name))
    found = LabelledClips(tuple(clips), tuple(names))
    counts = found.targets.sum(axis=0)
    kept = tuple(name for name, count in zip(names, counts) if 2 * FOLDS <= count < len(clips))
    return LabelledClips(
        tuple(
            Recording.tagged(
                clip.source, [tag for tag in clip.labels.tags or () if tag in kept], clip.group
            )
            for clip in clips
        ),
        kept,
    )


def three(options: Options) -> LabelledClips:
    """Karaoke of 19 singers: the voice alone, the accompaniment alone, or both; by singer."""
    from mirzoo import audio

    root = options.data / "real" / "mir1k"
    voices: dict[str, list[Path]] = {}
    for path in sorted((root / "vocal").iterdir()):
        voices.setdefault(path.name.split("_")[0], []).append(path)
    clips = []
    for singer, paths in voices.items():
        for number, path in enumerate(paths[:6]):
            voice = audio.read(path, 16000)
            band = audio.read(root / "accompaniment" / path.name, 16000)
            what, samples = (
                ("voice", voice),
                ("accompaniment", band),
                ("both", 0.5 * (voice + band[: len(voice)])),
            )[number % 3]
            clips.append(Recording.tagged(samples, [what], singer, 16000))
    return LabelledClips(tuple(clips), ("accompaniment", "both", "voice"))


def own(options: Options) -> LabelledClips:
    """Clips of somebody's own."""
    if options.source is None:
        raise SystemExit("clips needs --source")
    return folder.load(options.source)


# Systems


def divisions(
    clips: LabelledClips, folding: int, a_class: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Folds; with ``a_class``, so many clips of each class at most are learnt from."""
    rng = np.random.default_rng(folding)
    for train, test in clips.folds(FOLDS, seed=folding):
        if a_class is not None:
            classes = clips.targets[train].argmax(axis=1)
            train = np.concatenate(
                [rng.permutation(train[classes == which])[:a_class] for which in set(classes)]
            )
        yield np.sort(train), test


@cache
def base_model(name: str) -> mirzoo.Model:
    """A model of the zoo."""
    return mirzoo.load(name)


_EMBEDDED: dict[tuple[str, str], Embedded] = {}


def embedded(part: str, name: str, clips: LabelledClips) -> Embedded:
    """The plain embeddings of all clips' windows."""
    if (part, name) in _EMBEDDED:
        return _EMBEDDED[part, name]
    model = base_model(name)
    contract = model.card.input
    rows, numbers = [], []
    for number, clip in enumerate(clips.clips):
        windows = cut_windows(
            clip.read(contract.sample_rate), contract.window_samples, contract.hop_samples
        )
        if len(windows) > MOST_WINDOWS:
            windows = windows[np.linspace(0, len(windows) - 1, MOST_WINDOWS).round().astype(int)]
        rows.append(model.embed(windows))
        numbers += [number] * len(windows)
    found = np.array(numbers)
    _EMBEDDED[part, name] = Embedded(
        np.concatenate(rows), found, found < 0, clips.targets, clips.groups
    )
    return _EMBEDDED[part, name]


Answer = Callable[[LabelledClips, np.ndarray, np.ndarray, int], tuple[np.ndarray, str]]
"""Clips, which of them to learn from, which to test and a seed -> estimates, and what was done."""


def probe_of(part: str, name: str, strengths: tuple[float, ...] = STRENGTHS) -> Answer:
    """A logistic regression on the plain embedding of a model."""

    def answer(clips, train, test, seed):
        data = embedded(part, name, clips)
        probe = fit_probe(data.of_clips(train), exclusive=clips.exclusive, strengths=strengths)
        return probe.predict_clips(data.of_clips(test)), f"C = {probe.strength:g}"

    return answer


def kernel_of(part: str, name: str) -> Answer:
    """A support vector machine with a radial kernel on the mean embedding of a model."""

    def answer(clips, train, test, seed):
        from sklearn.model_selection import GridSearchCV
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC

        data = embedded(part, name, clips)
        means, targets = mean_by_clip(data.embeddings, data.clips), data.targets
        penalties = [0.3, 1, 3, 10, 30]
        if clips.exclusive:
            machine, grid = SVC(), {"svc__C": penalties}
            pipeline = make_pipeline(StandardScaler(), machine)
            folds = min(3, int(targets[train].sum(axis=0).min()))
            search = GridSearchCV(pipeline, grid, cv=folds)
            search.fit(means[train], targets[train].argmax(axis=1))
            return np.eye(targets.shape[1])[search.predict(means[test])], str(search.best_params_)
        pipeline = make_pipeline(StandardScaler(), OneVsRestClassifier(SVC()))
        grid = {"onevsrestclassifier__estimator__C": penalties}
        search = GridSearchCV(pipeline, grid, cv=3, scoring="average_precision")
        search.fit(means[train], targets[train])
        return search.decision_function(means[test]), str(search.best_params_)

    return answer


def tuned(strategy: str, name: str = BASE) -> Answer:
    """What `mirzoo.fine_tune` gives."""

    def answer(clips, train, test, seed):
        model = mirzoo.fine_tune(
            base_model(name), clips.of(train), strategy=strategy, held_out=0, seed=seed,
            exclusive=clips.exclusive,
        )  # fmt: skip
        return annotated(model, clips, test), model.report.chosen

    return answer


def annotated(model: mirzoo.Model, clips: LabelledClips, test: np.ndarray) -> np.ndarray:
    """What a model annotates in each tested clip."""
    chosen = [clips.clips[number] for number in test]
    return np.stack(
        [model.annotate(clip.source, source_rate=clip.source_rate).mean for clip in chosen]
    )


def score(clips: LabelledClips, estimates: np.ndarray) -> float:
    """The share of clips whose class is found; of several labels their mean average precision."""
    if clips.exclusive:
        return float((estimates.argmax(axis=1) == clips.targets.argmax(axis=1)).mean())
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(clips.targets, estimates, average="macro"))


def systems_of(part: str) -> dict[str, Answer]:
    """The systems that are compared on a set of clips."""
    found = {
        PROBE: probe_of(part, BASE),
        **{f"probe with C = {c:g}": probe_of(part, BASE, (c,)) for c in STRENGTHS},
        DEFAULT: tuned("auto"),
        f"probe of {PEER}": probe_of(part, PEER),
        f"radial SVM of {PEER}": kernel_of(part, PEER),
    }
    if part == "clips":
        found["fine_tune, probe"] = tuned("probe")
    return found


def compare(
    part: str,
    clips: LabelledClips,
    systems: dict[str, Answer],
    options: Options,
    rows: Rows,
    a_class: int | None = None,
) -> None:
    """Fit every system in every folding, what is missing."""
    for folding in range(options.foldings):
        for system, answer in systems.items():
            wanted = not options.systems or any(name in system for name in options.systems)
            if not wanted or rows.has(part, system, folding):
                continue
            estimates = np.zeros((len(clips.clips), len(clips.labels)))
            done, began = [], time.process_time()
            for train, test in divisions(clips, folding, a_class):
                estimates[test], what = answer(clips, train, test, folding)
                done.append(what)
            rows.add(
                part, system, folding,
                score=score(clips, estimates), cpu_s=round(time.process_time() - began, 1),
                done=done,
            )  # fmt: skip


TAG_PARTS: dict[str, tuple[Callable[[Options], LabelledClips], int | None]] = {
    "instruments": (instruments, None),
    "few": (instruments, 5),
    "genres": (genres, None),
    "three": (three, None),
    "moods": (moods, None),
    "clips": (own, None),
}


# Fresh weights, and every front-end


SCRATCH_EPOCHS = 30
HEAD_OF = {"raw": "cnn1d"}
"""The head of a front-end whose bins are in no order; others have a cnn."""


def from_scratch(recipe: str) -> Answer:
    """A recipe's model with fresh weights; ``recipe`` is a name, or YAML."""

    def answer(clips, train, test, seed):
        read = hub.load_recipe(recipe) if "\n" not in recipe else parse_recipe(recipe)
        training = read.training.model_copy(
            update={"epochs": SCRATCH_EPOCHS, "batch_size": 16, "learning_rate": 2e-3, "seed": seed}
        )
        read = read.model_copy(update={"training": training, "data": None})
        with tempfile.TemporaryDirectory() as place:
            saved = mirzoo.train(
                read, clips.of(train), place, name="own", held_out=0, weights="none"
            )
            return annotated(mirzoo.load(saved), clips, test), f"{SCRATCH_EPOCHS} epochs"

    return answer


def scratch_systems() -> dict[str, Answer]:
    """The default with pretrained weights, the same network with fresh ones, and new recipes."""
    found = {PROBE: probe_of("frontends", BASE), DEFAULT: tuned("auto")}
    found[f"{BASE}, fresh weights"] = from_scratch(BASE)
    for frontend in FRONTENDS:
        recipe = new_recipe(frontend, HEAD_OF.get(frontend, "cnn"), "tagging")
        found[f"front-end {frontend}"] = from_scratch(recipe)
    return found


def frontends(options: Options, rows: Rows) -> None:
    """Learn from two thirds of the instruments, test the last."""
    clips = instruments(options)
    for folding in range(options.foldings):
        train, test = next(divisions(clips, folding, None))
        for system, answer in scratch_systems().items():
            wanted = not options.systems or any(name in system for name in options.systems)
            if not wanted or rows.has("frontends", system, folding):
                continue
            began = time.process_time()
            estimates, what = answer(clips, train, test, folding)
            spent = time.process_time() - began
            rows.add(
                "frontends", system, folding, score=score(clips.of(test), estimates),
                cpu_s=round(spent, 1), done=[what],
            )  # fmt: skip


# Chords and melody


CHORD_BASE, MELODY_BASE = "cqt_crnn_chords", "hcqt_cnn_melody"
PROGRESSIONS, CHORDS_OF_ONE = 6, 10
MELODY_S = 40.0
STRUCK = {"kalimba": 108, "tubular bells": 14}
"""General MIDI programs whose overtones are no multiples."""

PLAYED = {"clean guitar": 27, "violin": 40, "flute": 73}
"""General MIDI programs; the first is the instrument that is learnt."""


def rendered(parts: list[midi.Part]) -> np.ndarray:
    """Parts as float32 at 16 kHz, the loudest sample at half of full scale."""
    samples = fluidsynth.play(
        parts, render.choose_soundfont(np.random.default_rng(0)), sample_rate=16000, reverb=20,
        options=(),
    )  # fmt: skip
    return (0.5 * samples / np.abs(samples).max()).astype(np.float32)


def progression(program: int, seed: int) -> LabelledRecording:
    """Major and minor chords on random roots, two seconds each, on one instrument."""
    rng = np.random.default_rng(seed)
    notes, spans = [], []
    for number in range(CHORDS_OF_ONE):
        root, is_minor, at = int(rng.integers(12)), bool(rng.integers(2)), 2.0 * number
        third = 3 if is_minor else 4
        for pitch in (48 + root, 60 + root, 60 + root + third, 67 + root):
            notes.append(midi.MidiNote(at, at + 1.9, pitch))
        label = f"{ROOT_NAMES[root]}:{'min' if is_minor else 'maj'}"
        spans.append(ChordSpan(at, at + 2.0, label))
    truth = TASKS["chords"].truth(Labels(chords=tuple(spans)))
    return LabelledRecording(rendered([midi.Part(notes, program)]), truth, 16000, name=str(seed))


def tuned_recordings(base: str, recordings: list, seed: int) -> mirzoo.Model:
    """What `mirzoo.fine_tune` gives for recordings, all of which it learns from."""
    return mirzoo.fine_tune(base_model(base), recordings, held_out=0, seed=seed)


def scored(model: mirzoo.Model, recordings: list, metric: str) -> float:
    """One score of a model."""
    return next(each.value for each in mirzoo.evaluate(model, recordings) if each.metric == metric)


def chords(options: Options, rows: Rows) -> None:
    """Six progressions on an instrument to learn from, six others on it to test."""
    for folding in range(options.foldings):
        for instrument, program in STRUCK.items():
            if rows.has("chords", f"{DEFAULT}: {instrument}", folding):
                continue
            seeds = 1000 * folding + np.arange(2 * PROGRESSIONS)
            songs = [progression(program, int(seed)) for seed in seeds]
            train, test = songs[:PROGRESSIONS], songs[PROGRESSIONS:]
            before = scored(base_model(CHORD_BASE), test, "majmin")
            began = time.process_time()
            model = tuned_recordings(CHORD_BASE, train, folding)
            spent = time.process_time() - began
            rows.add("chords", f"as it is: {instrument}", folding, score=before, cpu_s=0.0, done=[])
            rows.add(
                "chords", f"{DEFAULT}: {instrument}", folding, score=scored(model, test, "majmin"),
                cpu_s=round(spent, 1), done=[model.report.chosen],
            )  # fmt: skip


def played(options: Options, number: int, program: int) -> LabelledRecording:
    """The melody of a song of POP909 on an instrument over its piano, rendered."""
    place = options.work / "pop909"
    song = f"{number:03}"
    path = place / "POP909" / song / f"{song}.mid"
    if not path.exists():
        with tarfile.open(options.data / "symbolic" / "pop909.tar.xz") as packed:
            packed.extract(f"POP909/{song}/{song}.mid", place, filter="data")
    parts = {part.name: part for part in midi.read(path)}
    first = parts["MELODY"].notes[0].start_s

    def cut(part, **changes):
        notes = [
            replace(note, start_s=note.start_s - first, end_s=note.end_s - first)
            for note in part.notes
            if first <= note.start_s < first + MELODY_S
        ]
        return replace(part, notes=notes, **changes)

    lead = cut(parts["MELODY"], program=program, volume=110)
    piano = cut(parts["PIANO"], program=0, volume=60)
    samples = rendered([lead, piano])
    f0 = np.zeros(int(len(samples) / 16000 * F0_RATE) + 1, np.float32)
    for note in lead.notes:
        inside = slice(round(note.start_s * F0_RATE), round(note.end_s * F0_RATE))
        f0[inside] = 440 * 2 ** ((note.pitch - 69) / 12)
    truth = TASKS["melody"].truth(Labels(f0=f0))
    return LabelledRecording(samples, truth, 16000, name=f"{song} {program}")


def melody(options: Options, rows: Rows) -> None:
    """Two songs of one instrument to learn from; a third, and others, to test."""
    learnt, *others = PLAYED
    for folding in range(options.foldings):
        if rows.has("melody", f"{DEFAULT}: {others[-1]}", folding):
            continue
        numbers = 1 + 3 * folding + np.arange(3)
        train = [played(options, number, PLAYED[learnt]) for number in numbers[:2]]
        began = time.process_time()
        model = tuned_recordings(MELODY_BASE, train, folding)
        spent = round(time.process_time() - began, 1)
        for instrument, program in PLAYED.items():
            test = [played(options, numbers[2], program)]
            for system, which in (("as it is", base_model(MELODY_BASE)), (DEFAULT, model)):
                rows.add(
                    "melody", f"{system}: {instrument}", folding,
                    score=scored(which, test, "overall accuracy"),
                    cpu_s=spent if which is model else 0.0, done=[],
                )  # fmt: skip


OTHER_PARTS: dict[str, Callable[[Options, Rows], None]] = {
    "frontends": frontends,
    "chords": chords,
    "melody": melody,
}


# What is printed


def interval(differences: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of a mean by bootstrap."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(differences, (BOOTSTRAPS, len(differences))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def table(rows: Rows) -> None:
    """Print every part: systems, mean scores, differences to the probe of the plain embedding."""
    for part in dict.fromkeys(row["part"] for row in rows.all):
        mine = [row for row in rows.all if row["part"] == part]
        of_probe = {row["folding"]: row["score"] for row in mine if row["system"] == PROBE}
        print(f"\n{part}")
        for system in dict.fromkeys(row["system"] for row in mine):
            these = [row for row in mine if row["system"] == system]
            line = f"  {system:34} {np.mean([row['score'] for row in these]):.3f}"
            pairs = [
                row["score"] - of_probe[row["folding"]]
                for row in these
                if row["folding"] in of_probe
            ]
            if pairs and system != PROBE:
                low, high = interval(np.array(pairs))
                line += (
                    f"  {np.mean(pairs):+.3f} [{low:+.3f}, {high:+.3f}], least {min(pairs):+.3f}"
                )
            seconds = np.mean([row["cpu_s"] for row in these])
            print(f"{line}  ({len(these)} foldings, {seconds:.0f} CPU s each)")


DOCS = Path(__file__).resolve().parents[1] / "docs" / "how_to"
TITLES = {
    "instruments": "150 clips of ten instruments",
    "few": "five clips of each instrument",
    "genres": "100 tracks of four genres",
    "three": "voice, accompaniment or both: 114 clips of 19 singers",
    "moods": "eight moods of 100 tracks, any number of them (mean average precision)",
}


def _mean(rows: Rows, part: str, system: str, like: str | None = None) -> str:
    """The mean score of a system; of the foldings that another one has."""
    mine = [row for row in rows.all if row["part"] == part]
    foldings = {row["folding"] for row in mine if row["system"] == (like or system)}
    scores = [
        row["score"] for row in mine if row["system"] == system and row["folding"] in foldings
    ]
    return f"{np.mean(scores):.2f}" if scores else "–"


def tables(rows: Rows) -> dict[str, tuple[str, list[str]]]:
    """The page and the lines of each table of the documentation."""
    tags = [
        f"| clips | `fine_tune` | probe of `{BASE}` | probe of `{PEER}` | radial SVM of `{PEER}` |",
        "| --- | --- | --- | --- | --- |",
    ]
    peers = (DEFAULT, PROBE, f"probe of {PEER}", f"radial SVM of {PEER}")
    for part, title in TITLES.items():
        if any((row["part"], row["system"]) == (part, DEFAULT) for row in rows.all):
            means = [_mean(rows, part, name, DEFAULT) for name in peers]
            tags.append(f"| {title} | {' | '.join(means)} |")
    scratch = ["| from fresh weights | instruments found |", "| --- | --- |"]
    names = dict.fromkeys(row["system"] for row in rows.all if row["part"] == "frontends")
    for system in sorted(names, key=lambda name: _mean(rows, "frontends", name), reverse=True):
        words = {DEFAULT: f"(`{BASE}`, fine-tuned)", PROBE: f"(a probe of `{BASE}`)"}
        scratch.append(f"| {words.get(system, system)} | {_mean(rows, 'frontends', system)} |")
    lines = ["| | score | as it is | fine-tuned |", "| --- | --- | --- | --- |"]
    for part, what in (("chords", "major and minor"), ("melody", "overall accuracy")):
        for instrument in STRUCK if part == "chords" else PLAYED:
            pair = [_mean(rows, part, f"{name}: {instrument}") for name in ("as it is", DEFAULT)]
            learnt = part == "chords" or instrument == next(iter(PLAYED))
            of = instrument if learnt else f"{instrument} (not learnt from)"
            lines.append(f"| {part}, {of} | {what} | {' | '.join(pair)} |")
    return {
        "table of tags": ("own_tags.md", tags),
        "table of front-ends": ("recipe.md", scratch),
        "table of recordings": ("chords_and_melodies.md", lines),
    }


def write_tables(rows: Rows) -> None:
    """Put the tables between their marks in the documentation."""
    for name, (page, lines) in tables(rows).items():
        path = DOCS / page
        first, last = f"<!-- {name} -->", f"<!-- end of the {name} -->"
        before, _, rest = path.read_text(encoding="utf-8").partition(first)
        _, _, after = rest.partition(last)
        table_of = "\n".join(lines)
        path.write_text(f"{before}{first}\n{table_of}\n{last}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="+", choices=[*TAG_PARTS, *OTHER_PARTS, "table", "docs"])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--emotify", type=Path)
    parser.add_argument("--work", type=Path, default=Path("own_data"))
    parser.add_argument("--foldings", type=int, default=20)
    parser.add_argument("--source", type=Path, help="Clips of your own, for the part 'clips'.")
    parser.add_argument("--systems", nargs="*", default=[], help="Only those with such a name.")
    given = parser.parse_args()
    options = Options(
        given.data, given.emotify or given.data / "emotify", given.work, given.foldings,
        given.source, tuple(given.systems),
    )  # fmt: skip
    rows = Rows(options.work)
    for part in given.parts:
        if part == "table":
            table(rows)
            continue
        if part == "docs":
            write_tables(rows)
            continue
        if part in OTHER_PARTS:
            OTHER_PARTS[part](options, rows)
            continue
        make, a_class = TAG_PARTS[part]
        compare(part, make(options), systems_of(part), options, rows, a_class)


if __name__ == "__main__":
    main()
