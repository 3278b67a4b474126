"""The check of somebody's own data: everything that is wrong with it, found at once.

Errors are what a model would learn wrongly from, or could not be measured on: recordings that
cannot be decoded, are silent or hold next to nothing, the same sound under two labels, classes
without a clip, labels that differ by case alone, times that lie outside the recording, groups that
are in two splits, one class only. What may be so on purpose is a warning.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from mirzoo.data.decoded import Inspection
from mirzoo.data.findings import Finding
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.data.recordings import Recording
from mirzoo.dsp.chord_vocabulary import parse_chord
from mirzoo.errors import DataError

SHORTEST_S = 0.1
BEYOND_S, BEYOND = 1.0, 0.1
"""How far labels may go beyond a recording: seconds, or a share of it."""

PART = 0.3
"""Of a recording, that labels in another unit reach at least."""

MILLISECONDS = "its times look like milliseconds; give time_unit='ms' (--time-unit ms)"
SAMPLES = "its times look like sample numbers; divide them by the sample rate"
BEYOND_END = "its labels go on after its end; are they another recording's?"
AT_ONCE = 0.01
HIGHEST_KEY = 100.0
SHORT = 2
"""Letters of a label whose case may have a meaning."""

SAME_LABELS = re.compile(r"[\s_\-]+")

Purpose = Literal["train", "evaluate"]


def check_recordings(
    recordings: Sequence[Recording],
    inspections: Sequence[Inspection | Exception],
    *,
    kind: str,
    labels: Sequence[str],
    purpose: Purpose = "train",
    window_s: float | None = None,
) -> list[Finding]:
    """Find what is wrong with recordings, their labels, groups and splits.

    Parameters
    ----------
    recordings : sequence of Recording
    inspections : sequence of Inspection or Exception
        Of each recording, what was seen while it was decoded, or why it cannot be.
    kind : {"tags", "chords", "f0"}
    labels : sequence of str
        All tags, also those that no recording has.
    purpose : {"train", "evaluate"}
        Classes without a clip, and one class alone, stop training only.
    window_s : float, optional
        A model's window (s): recordings shorter than half of it are warned about.
    """
    seen = [
        (recording, found)
        for recording, found in zip(recordings, inspections, strict=True)
        if isinstance(found, Inspection)
    ]
    found = [
        *_unreadable(recordings, inspections),
        *_lengths(seen, window_s),
        *_silent(seen, kind),
        *_clipped(seen),
        *_duplicates(seen, kind),
        *_leaks(recordings),
    ]
    if kind == "tags":
        found += _tags(recordings, labels, purpose)
    found += _times(seen, kind)
    if kind == "chords":
        found += _chords(recordings)
    if kind == "f0":
        found += _hertz(recordings)
    return found


def _finding(
    kind: str,
    severity: Literal["error", "warning"],
    what: str,
    recordings: Iterable[Recording],
    *,
    bad: bool = False,
) -> Iterator[Finding]:
    names = tuple(recording.name for recording in recordings)
    if names:
        yield Finding(kind, severity, what, names, names if bad else ())


def _unreadable(
    recordings: Sequence[Recording], inspections: Sequence[Inspection | Exception]
) -> Iterator[Finding]:
    reasons = defaultdict(list)
    for recording, found in zip(recordings, inspections, strict=True):
        if isinstance(found, Exception):
            reasons[_reason(found, recording)].append(recording)
    for reason, some in reasons.items():
        yield from _finding("unreadable", "error", reason, some, bad=True)


def _reason(error: Exception, recording: Recording) -> str:
    """Why, without the file's name, so that what has one reason is one finding."""
    reason = str(error).partition("\n")[0]
    if isinstance(recording.source, Path):
        for path in (str(recording.source.absolute()), str(recording.source)):
            for named, told in ((f"file:{path}: ", ""), (f"'{path}'", "it"), (path, "it")):
                reason = reason.replace(named, told)
    return reason


def _lengths(
    seen: Sequence[tuple[Recording, Inspection]], window_s: float | None
) -> Iterator[Finding]:
    short = [r for r, found in seen if found.duration_s < SHORTEST_S]
    what = f"shorter than {SHORTEST_S} s: hardly anything is in it"
    yield from _finding("too short", "error", what, short, bad=True)
    if window_s is not None:
        filled = [r for r, found in seen if SHORTEST_S <= found.duration_s < window_s / 2]
        what = f"shorter than half of the model's window of {window_s:.2g} s, which zeros fill up"
        yield from _finding("too short", "warning", what, filled)


def _silent(seen: Sequence[tuple[Recording, Inspection]], kind: str) -> Iterator[Finding]:
    """Silent clips are an error, but for those of a class that is silent as a whole."""
    of_label: dict[str, list[bool]] = defaultdict(list)
    for recording, found in seen:
        for tag in recording.labels.tags or ():
            of_label[tag].append(found.silent)
    on_purpose = {tag for tag, silent in of_label.items() if all(silent) and len(silent) > 1}
    silent = [recording for recording, found in seen if found.silent]
    meant = [
        recording
        for recording in silent
        if kind == "tags" and set(recording.labels.tags or ()) & on_purpose
    ]
    what = "nothing sounds in it (no sample above -60 dB)"
    others = [recording for recording in silent if recording not in meant]
    yield from _finding("silent", "error", what, others, bad=True)
    what += ", nor in any other of its class: a class of silence?"
    yield from _finding("silent", "warning", what, meant)


def _clipped(seen: Sequence[tuple[Recording, Inspection]]) -> Iterator[Finding]:
    clipped = [recording for recording, found in seen if found.is_clipped]
    what = "more than a thousandth of its samples is cut off at full scale"
    yield from _finding("clipped", "warning", what, clipped)


def _duplicates(seen: Sequence[tuple[Recording, Inspection]], kind: str) -> Iterator[Finding]:
    same, other, leaking = [], [], []
    for some in copies(seen):
        if len({_what_holds(recording.labels, kind) for recording in some}) > 1:
            other.append(some)
        else:
            same.append(some)
        if len({recording.split for recording in some} - {None}) > 1:
            leaking.append(some)
    if same:
        yield Finding(
            "duplicates",
            "warning",
            "the same sound several times, under the same labels; copies are kept on one side of "
            "every split",
            tuple(" = ".join(recording.name for recording in some) for some in same),
            tuple(recording.name for some in same for recording in some[1:]),
        )
    if other:
        yield Finding(
            "duplicates",
            "error",
            "the same sound under different labels, of which at most one is right",
            tuple(
                " = ".join(f"{r.name} ({_words(r.labels, kind)})" for r in some) for some in other
            ),
            tuple(recording.name for some in other for recording in some),
        )
    if leaking:
        yield Finding(
            "leak",
            "error",
            "the same sound in two splits: what is learnt is measured",
            tuple(" = ".join(f"{r.name} ({r.split})" for r in some) for some in leaking),
            tuple(
                recording.name
                for some in leaking
                for recording in some
                if recording.split != some[0].split
            ),
        )


def copies(seen: Iterable[tuple[Recording, Inspection]]) -> list[list[Recording]]:
    """Recordings that hold the same sound, wherever there are several."""
    of_digest = defaultdict(list)
    for recording, found in seen:
        if not found.silent:
            of_digest[found.digest, found.rate].append(recording)
    return [some for some in of_digest.values() if len(some) > 1]


def _what_holds(labels: Labels, kind: str) -> object:
    if kind == "chords":
        return labels.chords
    if kind == "f0":
        return None if labels.f0 is None else labels.f0.tobytes()
    return frozenset(labels.tags or ()), labels.tag_spans


def _words(labels: Labels, kind: str) -> str:
    return " and ".join(labels.tags or ()) if kind == "tags" and labels.tags else "others"


def _leaks(recordings: Sequence[Recording]) -> Iterator[Finding]:
    splits = defaultdict(set)
    for recording in recordings:
        if recording.split is not None:
            splits[recording.group].add(recording.split)
    leaking = {group: named for group, named in splits.items() if len(named) > 1}
    if leaking:
        yield Finding(
            "leak",
            "error",
            "a group is in several splits: what is learnt of it is measured; move it to one, or "
            "let mirzoo divide",
            tuple(f"{group} ({', '.join(sorted(named))})" for group, named in leaking.items()),
        )


def tags_of(recording: Recording) -> set[str]:
    """The tags of a recording, for all of it or for a time."""
    labels = recording.labels
    return {*(labels.tags or ()), *(span.tag for span in labels.tag_spans or ())}


def _tags(
    recordings: Sequence[Recording], labels: Sequence[str], purpose: Purpose
) -> Iterator[Finding]:
    stops: Literal["error", "warning"] = "error" if purpose == "train" else "warning"
    counts: Counter[str] = Counter()
    groups = defaultdict(set)
    for recording in recordings:
        for tag in tags_of(recording):
            counts[tag] += 1
            groups[tag].add(recording.group)
    if empty := [label for label in labels if not counts[label]]:
        yield Finding("empty class", stops, "no clip has this label", tuple(empty))
    if one := [label for label in counts if counts[label] == 1]:
        yield Finding(
            "class of one clip",
            "warning",
            "it can be learnt or measured, not both",
            tuple(sorted(one)),
        )
    if one := [label for label in counts if counts[label] > 1 and len(groups[label]) == 1]:
        yield Finding(
            "class of one group",
            "warning",
            "all its clips are of one group, so it can be learnt or measured, not both",
            tuple(sorted(one)),
        )
    if odd := [label for label in sorted({*labels, *counts}) if not _is_text(label)]:
        what = "labels that UTF-8 has no characters for; call them otherwise"
        yield Finding("unreadable labels", "error", what, tuple(map(ascii, odd)))
    alike = defaultdict(list)
    for label in sorted({*labels, *counts}):
        alike[SAME_LABELS.sub("", label).casefold()].append(label)
    for short in (False, True):  # "a" and "A" may be meant: a minor and A major
        twins = [
            some for key, some in alike.items() if len(some) > 1 and (len(key) <= SHORT) == short
        ]
        if twins:
            yield Finding(
                "labels alike",
                "warning" if short else "error",
                "labels that differ by case, spaces or hyphens alone; write them in one way",
                tuple(
                    " / ".join(f"'{label}' ({counts[label]})" for label in some) for some in twins
                ),
            )
    if len(counts) == 1 and all(tags_of(recording) for recording in recordings):
        yield Finding(
            "one class only",
            stops,
            "every clip has this one label, so there is nothing to tell apart",
            tuple(counts),
        )


def _is_text(label: str) -> bool:
    """Whether a label can be written: what a folder's name has from bytes of no text cannot."""
    return label.encode("utf-8", "replace").decode("utf-8") == label


def _times(seen: Sequence[tuple[Recording, Inspection]], kind: str) -> Iterator[Finding]:
    beyond = defaultdict(list)
    for recording, found in seen:
        last = _last_s(recording.labels, kind)
        if last > _latest_s(found):
            beyond[wrong_times(last, found)].append(recording)
    for what, some in beyond.items():
        yield from _finding("times", "error", what, some, bad=True)
    tiny = []
    for recording, found in seen:
        last = _last_s(recording.labels, kind)
        if 0 < last < AT_ONCE * found.duration_s and found.duration_s > 1:
            tiny.append(recording)
    what = (
        "its labels end within the first hundredth of it; are they in minutes or already divided "
        "by 1000?"
    )
    yield from _finding("times", "warning", what, tiny)


def _latest_s(found: Inspection) -> float:
    """Until when labels may last (s): hand-made ones, of another edition, end a little later."""
    return found.duration_s + max(min(BEYOND_S, found.duration_s / 2), BEYOND * found.duration_s)


def _last_s(labels: Labels, kind: str) -> float:
    """When the last label ends (s)."""
    if kind == "chords":
        return max((span.end_s for span in labels.chords or ()), default=0.0)
    if kind == "f0":
        return 0.0 if labels.f0 is None else len(labels.f0) / F0_RATE
    return max((span.end_s for span in labels.tag_spans or ()), default=0.0)


def wrong_times(last_s: float, found: Inspection) -> str:
    """What may be wrong with labels that end at ``last_s``, beyond the end of the recording."""
    for size, what in ((1000, MILLISECONDS), (found.rate, SAMPLES)):
        if PART * found.duration_s < last_s / size <= _latest_s(found):
            return what
    return BEYOND_END


def _chords(recordings: Sequence[Recording]) -> Iterator[Finding]:
    wrong: dict[str, list[str]] = defaultdict(list)
    for recording in recordings:
        for span in recording.labels.chords or ():
            try:
                parse_chord(span.label)
            except DataError:
                wrong[span.label].append(recording.name)
    if wrong:
        guess = harte_guess(next(iter(wrong)))
        hint = f"; did you mean {guess}?" if guess else ""
        yield Finding(
            "chord labels",
            "error",
            f"not in Harte's syntax, as in A:min7/b3 or N{hint}",
            tuple(f"'{label}' in {names[0]}" for label, names in wrong.items()),
            tuple(dict.fromkeys(name for names in wrong.values() for name in names)),
        )


_PLAIN = re.compile(r"([A-Ga-g][#b]?)(.*)")
_PLAIN_QUALITIES = {
    "": "maj", "m": "min", "-": "min", "min": "min", "maj": "maj", "M": "maj", "7": "7",
    "m7": "min7", "-7": "min7", "maj7": "maj7", "M7": "maj7", "dim": "dim", "aug": "aug",
    "dim7": "dim7", "m7b5": "hdim7", "sus4": "sus4", "sus2": "sus2", "6": "maj6", "m6": "min6",
}  # fmt: skip


def harte_guess(label: str) -> str | None:
    """What a label in another syntax might be in Harte's.

    Examples
    --------
    >>> harte_guess("Am7"), harte_guess("F#maj7"), harte_guess("intro")
    ('A:min7', 'F#:maj7', None)
    """
    match = _PLAIN.fullmatch(label.strip())
    if match is None:
        return None
    quality = _PLAIN_QUALITIES.get(match[2])
    return f"{match[1][0].upper()}{match[1][1:]}:{quality}" if quality else None


def _hertz(recordings: Sequence[Recording]) -> Iterator[Finding]:
    low, without = [], []
    for recording in recordings:
        f0 = recording.labels.f0
        sounding = np.zeros(0) if f0 is None else f0[f0 > 0]
        if not len(sounding):
            without.append(recording)
        elif sounding.max() < HIGHEST_KEY and _stepwise(sounding):
            low.append(recording)
    what = "its frequencies look like MIDI note numbers; they must be in Hz"
    yield from _finding("f0", "error", what, low, bad=True)
    yield from _finding("f0", "warning", "nothing is voiced in it", without)


def _stepwise(values: np.ndarray) -> bool:
    """Whether nearly all values are whole numbers."""
    return bool(np.mean(np.abs(values - np.rint(values)) < 1e-3) > 0.9)
