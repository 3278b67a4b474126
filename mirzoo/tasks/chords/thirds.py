"""Major or minor, where a chord itself does not tell: power chords, blue notes, neutral thirds.

A model with the output ``third`` gives for every root how likely the third that sounds on it is
major, minor, or that there is none; ``(frames, 36)``, three for C, three for C# and so on. Where
the third is unclear, musicians take it from the song: from the other chords on the same root, and
from the key. So does `settled`: a chord on the root :math:`r` becomes major or minor by the sign of

.. math:: \\log\\frac{M + k}{m + k} + c \\, (1 - n) + a \\, s_r + b \\, q_r

where :math:`M`, :math:`m` and :math:`n` are the chord's own probabilities of a major third, a minor
one and none, and :math:`k` keeps the first term finite. :math:`s_r`, in [-1, 1], is the mean of
:math:`M - m` over the song's other chords on the root, by their seconds, with `SAME_ROOT_S` of 0
among them; :math:`q_r`, in [-1, 1], how far the diatonic scales of the song's clear thirds and
roots have the major third on the root rather than the minor one. Clear thirds outvote the song, and
bare fifths take what the song has.
:math:`c` is `MORE_MAJOR`: of the thirds that sound, a minor one must be :math:`e^c` times as likely
as a major one, other things being equal, since models that learnt mostly from rendered songs call
far more chords of real music minor that other systems call major than the other way round
(``benchmarks/README.md``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirzoo.dsp.chord_vocabulary import NO_CHORD, parse_chord

THIRD = "third"
"""The output."""

MAJOR, MINOR, NONE = range(3)
KINDS = ("maj", "min", "5")
"""What the three of a root are called as labels."""

OTHER_THIRD = {
    "maj": "min", "min": "maj", "7": "min7", "min7": "7", "maj6": "min6", "min6": "maj6",
    "maj7": "minmaj7", "minmaj7": "maj7",
}  # fmt: skip
"""Qualities that differ in the third alone."""

POWER_CHORDS = frozenset({"maj", "min"})
"""Qualities that are printed as a power chord where no third sounds."""

UNCLEAR = 0.02
SAME_ROOT = 1.0
KEY = 0.7
SAME_ROOT_S = 2.0
MORE_MAJOR = 1.6
KEY_SHARPNESS = 12.0
DIATONIC = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], float)


def third_of(quality: str) -> int:
    """Whether a quality has a major third, a minor one, or none.

    Examples
    --------
    >>> third_of("7"), third_of("hdim7"), third_of("sus4"), third_of("min(*b3)")
    (0, 1, 2, 2)
    """
    chord = parse_chord(f"C:{quality}")
    intervals = chord.intervals if chord else frozenset()
    return MAJOR if 4 in intervals else MINOR if 3 in intervals else NONE


def settled(
    labels: Sequence[str],
    seconds: Sequence[float],
    thirds: np.ndarray,
    *,
    fifth_threshold: float = 1.0,
) -> list[str]:
    """Settle the third of chords by the song that they are in.

    Parameters
    ----------
    labels : sequence of str
        Of segments, without basses.
    seconds : sequence of float
        How long each lasts.
    thirds : np.ndarray
        For each how likely its root has a major third, a minor one, or none, ``(segments, 3)``.
    fifth_threshold : float
        Triads are named as power chords (``A:5``) where the probability of no third is above this.

    Returns
    -------
    list of str

    Examples
    --------
    >>> labels = ["A:min", "F:maj", "A:maj", "N"]
    >>> thirds = np.array([[0.02, 0.96, 0.02], [0.9, 0.05, 0.05], [0.04, 0.03, 0.93], [0, 0, 1]])
    >>> settled(labels, [4.0, 4.0, 2.0, 1.0], thirds)
    ['A:min', 'F:maj', 'A:min', 'N']
    >>> settled(labels, [4.0, 4.0, 2.0, 1.0], thirds, fifth_threshold=0.5)
    ['A:min', 'F:maj', 'A:5', 'N']
    """
    roots = np.array([_root(label) for label in labels])
    lasting = np.asarray(seconds, float)
    evidence = thirds[:, MAJOR] - thirds[:, MINOR]
    in_key = _in_key(roots, lasting, thirds)
    result = []
    for number, label in enumerate(labels):
        root, quality = roots[number], label.partition(":")[2]
        if root < 0 or quality not in OTHER_THIRD:
            result.append(label)
            continue
        major, minor, none = thirds[number]
        name = label.partition(":")[0]
        if quality in POWER_CHORDS and none > fifth_threshold:
            result.append(f"{name}:5")
            continue
        same = (roots == root) & (np.arange(len(labels)) != number)
        around = float((evidence * lasting)[same].sum() / (lasting[same].sum() + SAME_ROOT_S))
        verdict = (
            np.log((major + UNCLEAR) / (minor + UNCLEAR))
            + SAME_ROOT * around
            + KEY * in_key[root]
            + MORE_MAJOR * (1 - none)
        )
        is_major = third_of(quality) == MAJOR
        result.append(label if (verdict >= 0) == is_major else f"{name}:{OTHER_THIRD[quality]}")
    return result


def _root(label: str) -> int:
    chord = None if label == NO_CHORD else parse_chord(label)
    return -1 if chord is None or chord.root is None else chord.root


def _in_key(roots: np.ndarray, seconds: np.ndarray, thirds: np.ndarray) -> np.ndarray:
    """How far the song's scales have the major third on each root: ``(12,)`` in [-1, 1]."""
    profile = np.zeros(12)
    for root, lasts, (major, minor, _) in zip(roots, seconds, thirds):
        if root >= 0:
            for interval, share in ((0, 1.0), (7, 1.0), (4, major), (3, minor)):
                profile[(root + interval) % 12] += share * lasts
    if not profile.any():
        return np.zeros(12)
    profile /= profile.sum()
    fit = np.array([np.roll(DIATONIC, key) @ profile for key in range(12)])
    weights = np.exp(KEY_SHARPNESS * (fit - fit.max()))
    weights /= weights.sum()
    scale = sum(weight * np.roll(DIATONIC, key) for key, weight in enumerate(weights))
    return np.array([scale[(r + 4) % 12] - scale[(r + 3) % 12] for r in range(12)])
