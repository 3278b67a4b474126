"""Compare chords: our models, a template baseline and published systems, on the same recordings.

python benchmarks/chords.py --work results/ --models cqt_crnn_chords crema_chords
--peers crema=crema_env/bin/python chordino=chordino_env/bin/python

Prepared corpora with chord labels give mir_eval's scores. A clip of ``isolated_chords`` holds one
chord: its answer is the label that fills most of the time in which it sounds, right in "root" and
"majmin" (root and third) or not, and silence or noise ("N") is right where the clip has no chord.
"N aside" is "majmin" of the clips with a chord when the answer is the longest label but "N".
Corpora without labels (``--agreement``) give how far each two systems agree, each taken for the
truth once.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import combinations, pairwise
from pathlib import Path

import comparison
import librosa
import numpy as np
import scipy.ndimage

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.dsp.chord_vocabulary import NO_CHORD, ROOT_NAMES, parse_chord
from mirzoo.evaluation import Score, overall
from mirzoo.tasks.chords import Chords, chord_agreement, chord_scores

SETS = (
    "isolated_chords", "songs_pop909+songs_openewld", "guitar_bands", "guitar", "charts_mma",
)  # fmt: skip
ISOLATED = "isolated_chords"
ASIDE = "N aside"
COLUMNS = (
    "root", "thirds", "majmin", "majmin_inv", "mirex", "sevenths", "sevenths_inv", "tetrads", "seg",
)  # fmt: skip
AGREEMENT_COLUMNS = ("root", "majmin", "mirex", "sevenths", "tetrads", "seg")

TEMPLATE_RATE = 22050
TEMPLATE_HOP = 2048
MEDIAN_FRAMES = 9
SHARPNESS = 20.0
STAYING = 0.95
SILENCE_DB = -50.0
SOUNDING_DB = -30.0
ENVELOPE_S = 0.1
TRIADS = {"maj": (0, 4, 7), "min": (0, 3, 7)}


def main() -> None:
    """Print a table for each set."""
    arguments = comparison.parser(__doc__.splitlines()[0])
    comparison.add_against(arguments)
    arguments.add_argument("--sets", nargs="*", default=SETS,
                           help="corpora with labels; a+b is one set")  # fmt: skip
    arguments.add_argument("--agreement", nargs="*", default=["magnatune"],
                           help="corpora without labels")  # fmt: skip
    arguments.add_argument("--isolated-limit", type=int, default=1000)
    options = arguments.parse_args()
    templates = comparison.Function("librosa templates", template_chords)
    systems = comparison.systems(options, "chords", [templates])
    with ExitStack() as at_the_end:
        for system in systems:
            at_the_end.callback(system.close)
        if options.speed:
            comparison.print_timings(systems, "chords", options.rounds)
        else:
            for sets in options.sets:
                limit = options.isolated_limit if sets == ISOLATED else options.limit
                found = comparison.recordings(
                    options.home, sets, names=options.names, limit=limit, snr_db=options.snr
                )
                if sets == ISOLATED:
                    isolated_table(sets, systems, found, options.work)
                else:
                    labelled_table(sets, systems, found, options.work, options.against)
            for sets in options.agreement:
                found = comparison.recordings(
                    options.home,
                    sets,
                    names=options.names,
                    limit=options.limit,
                    snr_db=options.snr,
                )
                agreement_table(sets, systems[1:], found, options.work)


def labelled_table(
    title: str, systems: Sequence, found: Sequence, work: Path, against: str | None = None
) -> None:
    """Print mir_eval's scores of each system."""
    found = [recording for recording in found if recording.truth("chords") is not None]
    scores = {
        system.name: [
            chord_scores(recording.truth("chords"), chords)
            for recording, chords in zip(
                found, comparison.estimates_of(system, found, "chords", work), strict=True
            )
        ]
        for system in systems
    }
    groups = [recording.group for recording in found]
    comparison.print_scores(title, scores, COLUMNS, groups, against)


def isolated_table(title: str, systems: Sequence, found: Sequence, work: Path) -> None:
    """Print the share of clips whose root is right, and whose root and third are."""
    rows, columns = {}, []
    for system in systems:
        right: dict[str, list[bool]] = defaultdict(list)
        every = comparison.estimates_of(system, found, "chords", work)
        for recording, chords in zip(found, every, strict=True):
            truth = recording.labels.chords[0].label
            root, third = compare(truth, main_chord(chords, recording.samples))
            right["root"].append(root)
            right["majmin"].append(third)
            if truth == NO_CHORD:
                right[f"{recording.group} ({NO_CHORD})"].append(third)
            else:
                right[recording.group].append(third)
                named = main_chord(chords, recording.samples, aside=NO_CHORD)
                right[ASIDE].append(compare(truth, named)[1])
        first = ["root", "majmin", ASIDE]
        columns = [*first, *sorted(set(right) - set(first))]
        rows[system.name] = {
            name: Score(float(np.mean(values)), float(len(values)))
            for name, values in right.items()
        }
    comparison.print_table(f"{title} (clips as seconds; groups: majmin)", rows, columns, len(found))


def agreement_table(title: str, systems: Sequence, found: Sequence, work: Path) -> None:
    """Print how far each two systems agree on recordings without labels."""
    found_chords = {
        system.name: list(comparison.estimates_of(system, found, "chords", work))
        for system in systems
    }
    rows = {
        f"{one} ~ {other}": overall(
            chord_agreement(ours, theirs)
            for ours, theirs in zip(found_chords[one], found_chords[other], strict=True)
        )
        for one, other in combinations(found_chords, 2)
    }
    comparison.print_table(f"{title}, agreement (each judges once)", rows, AGREEMENT_COLUMNS,
                           len(found))  # fmt: skip


def main_chord(chords: Chords, samples: np.ndarray, *, aside: str | None = None) -> str:
    """The label that fills most of the time in which a clip sounds.

    It sounds where its energy, over `ENVELOPE_S`, is within `SOUNDING_DB` of its loudest.

    Parameters
    ----------
    chords : Chords
    samples : array, shape (samples,)
        At 16 kHz.
    aside : str, optional
        A label that is the answer only where there is no other.
    """
    step = round(ENVELOPE_S * SAMPLE_RATE)
    energy = np.square(samples[: len(samples) // step * step].astype(np.float64))
    energy = energy.reshape(-1, step).mean(1)
    loud = np.flatnonzero(energy >= energy.max() * 10 ** (SOUNDING_DB / 10))
    seconds: dict[str, float] = defaultdict(float)
    for start, end, label in chords.segments:
        for block in loud:
            begin = block * ENVELOPE_S
            seconds[label] += max(0.0, min(end, begin + ENVELOPE_S) - max(start, begin))
    return max(seconds, key=lambda label: (seconds[label] > 0 and label != aside, seconds[label]))


def compare(truth: str, answer: str) -> tuple[bool, bool]:
    """Whether a label has the right root, and the right root and third.

    Examples
    --------
    >>> compare("B:7", "B:maj"), compare("A:min", "A:maj"), compare("N", "N")
    ((True, True), (True, False), (True, True))
    """
    theirs, ours = parse_chord(truth), parse_chord(answer)
    if ours is None:
        return False, False
    root = theirs.root == ours.root
    return root, root and _third(theirs.intervals) == _third(ours.intervals)


def _third(intervals: frozenset[int]) -> int | None:
    return 4 if 4 in intervals else 3 if 3 in intervals else None


def template_chords(recording: Path) -> Chords:
    """Recognise chords with librosa alone: what takes no training.

    Cosines of the chroma of a constant-Q transform, smoothed by a median, with binary templates
    of the 24 major and minor triads; Viterbi decoding with one probability of staying. Frames
    `SILENCE_DB` below the loudest have no chord.
    """
    waveform, _ = librosa.load(recording, sr=TEMPLATE_RATE)
    duration_s = len(waveform) / TEMPLATE_RATE
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_fft=.* is too large", module="librosa")
        chroma = librosa.feature.chroma_cqt(
            y=waveform, sr=TEMPLATE_RATE, hop_length=TEMPLATE_HOP, norm=None
        )
    chroma = scipy.ndimage.median_filter(chroma, (1, MEDIAN_FRAMES))
    chroma /= np.maximum(np.linalg.norm(chroma, axis=0), 1e-9)
    labels, templates = _templates()
    scores = SHARPNESS * (templates @ chroma)
    probabilities = np.exp(scores - scores.max(0))
    probabilities /= probabilities.sum(0)
    path = librosa.sequence.viterbi_discriminative(
        probabilities, librosa.sequence.transition_loop(len(labels), STAYING)
    )
    level = librosa.feature.rms(y=waveform, hop_length=TEMPLATE_HOP)[0][: len(path)]
    quiet = level <= max(level.max(), 1e-6) * 10 ** (SILENCE_DB / 20)
    names = [NO_CHORD if still else labels[state] for state, still in zip(path, quiet)]
    starts = [0, *(np.flatnonzero([a != b for a, b in pairwise(names)]) + 1)]
    middles = (np.array(starts[1:]) - 0.5) * TEMPLATE_HOP / TEMPLATE_RATE
    edges = [0.0, *middles, duration_s]
    segments = [
        (start, min(end, duration_s), names[frame])
        for start, end, frame in zip(edges, edges[1:], starts)
        if start < duration_s
    ]
    return Chords(segments, duration_s=duration_s)


def _templates() -> tuple[list[str], np.ndarray]:
    labels, rows = [], []
    for quality, intervals in TRIADS.items():
        for root, name in enumerate(ROOT_NAMES):
            row = np.zeros(12)
            row[[(root + interval) % 12 for interval in intervals]] = 1 / np.sqrt(3)
            labels.append(f"{name}:{quality}")
            rows.append(row)
    return labels, np.array(rows)


if __name__ == "__main__":
    main()
