"""Labelled data of somebody's own, whatever its form: `mirzoo.data.load`.

What a source may be:

- a folder with a folder for each class, ``clips/dog/1.wav`` (`mirzoo.data.readers.folder`);
- a folder of recordings with their chords, melodies or tags over time in files of the same names
  (`mirzoo.data.readers.beside`);
- a table, ``.csv``, ``.tsv`` or ``.jsonl``, whose rows name files and labels
  (`mirzoo.data.readers.csv`);
- ``tfds:NAME``, ``mirdata:NAME[@FOLDER]``, the folder of a prepared corpus, and what other
  readers are registered (`mirzoo.data.readers`);
- a ``tf.data.Dataset``, arrays, or recordings (`mirzoo.data.values`).

Data are checked before anything is learnt or measured (`mirzoo.data.checking`), and divided by
whole groups.
"""

from __future__ import annotations

import csv
import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mirzoo._support.files import unfinished
from mirzoo._support.guards import reading
from mirzoo._support.switches import require_switches
from mirzoo._support.words import counted
from mirzoo.data.checking import Purpose, check_recordings, copies, tags_of
from mirzoo.data.decoded import USUAL_RATE, Inspection, inspect_all
from mirzoo.data.findings import SKIPPED, Finding, Findings
from mirzoo.data.folder import LabelledClips, stratified_folds
from mirzoo.data.readers import (
    KINDS,
    READERS,
    SPLITS,
    Found,
    Kind,
    SourceOptions,
    find_own_reader,
    own_forms,
)
from mirzoo.data.recordings import Recording, label_kinds
from mirzoo.data.stretches import stretches_of
from mirzoo.errors import DataError

Split = Literal["train", "validation", "test"]
HIGHEST_SEED = 2**32
FINEST_SHARE = 10
"""A share is taken as one with at most this denominator."""


def require_seed(seed: Any) -> None:
    """Raise DataError where a seed is no whole number that random generators take."""
    if not (isinstance(seed, Integral) and 0 <= int(seed) < HIGHEST_SEED):
        raise DataError(f"seed is {seed!r}; allowed are whole numbers from 0 to below 2**32")


class DataWarning(UserWarning):
    """Something about data of one's own that may be a mistake."""


@dataclass(frozen=True, eq=False)
class OwnData:
    """Labelled recordings, checked, and divided where that was asked for.

    Parameters
    ----------
    name : str
        Of the source, without the folders of this machine.
    kind : {"tags", "chords", "f0"}
        What the labels are.
    recordings : tuple of Recording
    label_names : tuple of str
        The tags to tell apart, in their order; empty for chords and melodies.
    findings : Findings
        What is wrong with them.
    skipped : tuple of str
        What was left out because it is bad.

    Examples
    --------
    >>> data = load("clips/")                                   # doctest: +SKIP
    >>> print(data.findings)                                    # doctest: +SKIP
    >>> data = data.divided(held_out=0.2, seed=0)               # doctest: +SKIP
    >>> data.write_splits("splits.csv")                         # doctest: +SKIP
    >>> data.of("train").clips.windows(16000, 48128)            # doctest: +SKIP
    """

    name: str
    kind: Kind
    recordings: tuple[Recording, ...]
    label_names: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings)
    skipped: tuple[str, ...] = ()
    _inspections: tuple[Inspection | Exception, ...] | None = None

    def __len__(self) -> int:
        return len(self.recordings)

    def __repr__(self) -> str:
        what = counted(len(self.label_names), "tag") if self.kind == "tags" else self.kind
        return f"OwnData({self.name}: {counted(len(self), 'recording')}, {what})"

    @property
    def split(self) -> tuple[str | None, ...]:
        """The split of each recording, None where it has none."""
        return tuple(recording.split for recording in self.recordings)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that there are."""
        return tuple(sorted({split for split in self.split if split is not None}))

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each recording."""
        return tuple(recording.group for recording in self.recordings)

    @cached_property
    def clips(self) -> LabelledClips:
        """The recordings as clips with tags; of those with tags over time their stretches.

        A stretch lasts as long as the same tags hold; where nothing is labelled there is none.

        Raises
        ------
        DataError
            If the labels are no tags.
        """
        if self.kind != "tags":
            raise DataError(f"{self.name} has {self.kind}, so its recordings are no clips of tags")
        clips = tuple(clip for recording in self.recordings for clip in stretches_of(recording))
        return LabelledClips(clips, self.label_names)

    @property
    def targets(self) -> np.ndarray:
        """float32 ``(recordings, tags)``: 1 where the tag holds, at least for a time."""
        rows = [tags_of(recording) for recording in self.recordings]
        found = np.array([[name in row for name in self.label_names] for row in rows], np.float32)
        return found.reshape(len(rows), len(self.label_names))

    @property
    def inspections(self) -> tuple[Inspection | Exception, ...]:
        """What was seen of each recording while it was decoded, or why it cannot be."""
        if self._inspections is None:
            found = tuple(inspect_all((r.source, r.source_rate) for r in self.recordings))
            object.__setattr__(self, "_inspections", found)
        return self._inspections or ()

    @property
    def duration_s(self) -> float:
        """How long all recordings are together (s)."""
        return sum(f.duration_s for f in self.inspections if isinstance(f, Inspection))

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over samples and labels of all recordings, whatever their order and names."""
        rows = []
        for recording, found in zip(self.recordings, self.inspections, strict=True):
            labels = recording.labels
            f0 = b"" if labels.f0 is None else labels.f0.tobytes()
            what = (sorted(labels.tags or ()), labels.tag_spans, labels.chords)
            digest = found.digest if isinstance(found, Inspection) else ""
            row = f"{digest} {what if self.kind != 'f0' else ''}".encode() + f0
            rows.append(hashlib.sha256(row).hexdigest())
        return hashlib.sha256("".join(sorted(rows)).encode()).hexdigest()

    def counts(self) -> dict[str, int]:
        """How many recordings each tag has."""
        return dict(zip(self.label_names, self.targets.sum(axis=0).astype(int).tolist()))

    def check(self, *, purpose: Purpose = "train", window_s: float | None = None) -> Findings:
        """Check the recordings, whether they were checked before or not."""
        found = check_recordings(
            self.recordings,
            self.inspections,
            kind=self.kind,
            labels=self.label_names,
            purpose=purpose,
            window_s=window_s,
        )
        return Findings(found)

    def of(self, *splits: str) -> OwnData:
        """The recordings of one split, or of several.

        Raises
        ------
        DataError
            If there is no such split.
        """
        for split in splits:
            if split not in self.splits:
                there = ", ".join(self.splits) or "none"
                raise DataError(f"{self.name} has no split '{split}'; there are: {there}")
        return self._only([recording.split in splits for recording in self.recordings])

    def _only(self, which: Sequence[bool]) -> OwnData:
        numbers = [number for number, wanted in enumerate(which) if wanted]
        inspections = self._inspections
        return replace(
            self,
            recordings=tuple(self.recordings[number] for number in numbers),
            _inspections=None
            if inspections is None
            else tuple(inspections[number] for number in numbers),
        )

    def divided(self, held_out: float = 0.2, validation: float = 0.0, *, seed: int = 0) -> OwnData:
        """Divide the recordings into "train", "test" and, if wanted, "validation".

        No group is divided, and each tag is spread as evenly as whole groups allow, where a
        recording has several tags too. Splits that the source itself names are left as they are.

        Parameters
        ----------
        held_out, validation : float
            Shares of the recordings, from 0 to below 1.
        seed : int

        Raises
        ------
        DataError
            If a share is not allowed, or there are too few groups.
        """
        for name, share in (("held_out", held_out), ("validation", validation)):
            if not (isinstance(share, Real) and 0 <= share < 1):
                raise DataError(f"{name} is {share}; allowed are shares from 0 to below 1")
        require_seed(seed)
        if held_out + validation >= 1:
            raise DataError(
                f"held_out and validation are {held_out + validation} together; allowed is less "
                "than 1, since the rest is learnt from"
            )
        if self.splits:
            return self
        named = np.full(len(self.recordings), "train", object)
        rest = np.arange(len(self.recordings))
        left = 1.0
        for name, share in (("test", held_out), ("validation", validation)):
            if share:
                chosen = self._share(rest, share / left, seed)
                named[chosen] = name
                rest = np.setdiff1d(rest, chosen)
                left -= share
        return self.with_splits(named.tolist())

    def _share(self, numbers: np.ndarray, share: float, seed: int) -> np.ndarray:
        groups = np.array(self.groups, object)[numbers]
        n_groups = len(set(groups))
        if n_groups < 2:
            raise DataError(
                f"{self.name} is of {counted(n_groups, 'group')}, so that nothing can be "
                "held out without a group on both sides; give other groups, or held_out=0"
            )
        parts = Fraction(share).limit_denominator(min(FINEST_SHARE, n_groups))
        folds, taken = max(2, parts.denominator), max(1, parts.numerator)
        tested = stratified_folds(self.targets[numbers], groups.astype(str), folds, seed=seed)
        return numbers[np.concatenate([test for _, (_, test) in zip(range(taken), tested)])]

    def with_splits(self, splits: Sequence[str | None]) -> OwnData:
        """The same with these splits, one for each recording."""
        recordings = tuple(
            replace(recording, split=split)
            for recording, split in zip(self.recordings, splits, strict=True)
        )
        return replace(self, recordings=recordings)

    def write_splits(self, path: str | os.PathLike) -> Path:
        """Write which recording is in which split: a CSV file of ``name,split``, whole or not.

        Raises
        ------
        DataError
            If the data are not divided, or the file cannot be written.
        """
        if not self.splits:
            raise DataError(f"{self.name} is not divided yet: call divided() first")
        path = Path(path)
        try:
            with unfinished(path) as new, new.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["name", "split"])
                writer.writerows((r.name, r.split or "") for r in self.recordings)
        except OSError as error:
            raise DataError(f"the file of splits '{path}' cannot be written: {error}") from error
        return path

    def read_splits(self, path: str | os.PathLike) -> OwnData:
        """The same with the splits of a file that `write_splits` made.

        Raises
        ------
        DataError
            If it cannot be read, or lacks recordings that are here.
        """
        path = Path(path)
        with (
            reading(path, "file of splits", DataError, "its columns are name,split"),
            path.open(newline="", encoding="utf-8-sig") as file,
        ):
            rows = csv.DictReader(file)
            if rows.fieldnames != ["name", "split"]:
                raise DataError(
                    f"'{path}' has the columns {rows.fieldnames}; a file of splits has name,split"
                )
            named: dict[str, str | None] = {}
            for row in rows:
                word = (row["split"] or "").strip()
                split = SPLITS.get(word.casefold(), word) or None
                if named.setdefault(row["name"], split) != split:
                    raise DataError(
                        f"'{path}' has '{row['name']}' in two splits; leave it in one of them"
                    )
        missing = [r.name for r in self.recordings if r.name not in named]
        if missing:
            raise DataError(
                f"'{path}' does not have {len(missing)} of the {len(self)} recordings of "
                f"{self.name}, such as '{missing[0]}'; is it of other data? Write it again"
            )
        divided = self.with_splits([named[r.name] for r in self.recordings])
        leaks = [finding for finding in divided.check().errors if finding.kind == "leak"]
        Findings(leaks).raise_errors(f"the splits of '{path}'")
        return divided

    def summary(self) -> dict[str, Any]:
        """What there is, in numbers, for people and JSON."""
        summary: dict[str, Any] = {
            "source": self.name,
            "kind": self.kind,
            "recordings": len(self),
            "groups": len(set(self.groups)),
            "duration_s": round(self.duration_s, 2),
            "skipped": list(self.skipped),
        }
        if self.kind == "tags":
            summary["labels"] = self.counts()
        if self.splits:
            summary["splits"] = dict(Counter(split or "none" for split in self.split))
        return summary


def load(
    source: Any,
    kind: Kind | None = None,
    *,
    labels: Sequence[str] | None = None,
    skip_bad: bool = False,
    splits: str | os.PathLike | None = None,
    purpose: Purpose = "train",
    sample_rate: int = USUAL_RATE,
    window_s: float | None = None,
    source_rate: int | None = None,
    progress: Callable[[int], None] | None = None,
    check: bool = True,
    **options: Any,
) -> OwnData:
    """Load labelled data of any form, and check them first.

    Parameters
    ----------
    source : str, path, tf.data.Dataset, arrays, recordings or OwnData
        See the module's description.
    kind : {"tags", "chords", "f0"}, optional
        Which labels are wanted; by default those that the source has.
    labels : sequence of str, optional
        The tags to tell apart, in the order wanted; others are errors. By default all that occur.
    skip_bad : bool
        Whether recordings that the check calls bad are left out, and listed in ``skipped``; by
        default they are errors.
    splits : path, optional
        A file of `OwnData.write_splits`, which decides the splits.
    purpose : {"train", "evaluate"}
        One class alone, or one without clips, stops training only.
    sample_rate : int
        At which files are decoded into the cache (Hz): that of the model which is to take them.
    window_s : float, optional
        The model's window (s): much shorter recordings are warned about.
    source_rate : int, optional
        Of arrays and of a ``tf.data.Dataset`` (Hz), which do not state it.
    progress : callable, optional
        Called with the number of recordings checked, after each.
    check : bool
        Whether recordings are decoded and checked; else only what is wrong with tables, folders
        and label files is found.
    **options
        The other fields of `mirzoo.data.readers.SourceOptions`: names of columns, the unit of
        times, whether to download.

    Raises
    ------
    DataError
        If the source cannot be read, or the check finds errors: all of them are in the message.

    Warns
    -----
    DataWarning
        Of what may be a mistake, all in one table; not again of OwnData.

    Examples
    --------
    >>> tones = [np.sin(np.arange(8000) / (3 + n % 2) + n) for n in range(8)]
    >>> data = load((tones, ["low", "high"] * 4), source_rate=8000)
    >>> data, data.label_names
    (OwnData(arrays: 8 recordings, 2 tags), ('high', 'low'))
    >>> load("songs.csv", label_column="genre", group_column="artist")  # doctest: +SKIP
    """
    data = examine(
        source, kind, labels=labels, skip_bad=skip_bad, splits=splits, purpose=purpose,
        sample_rate=sample_rate, window_s=window_s, source_rate=source_rate, progress=progress,
        check=check, **options,
    )  # fmt: skip
    data.findings.raise_errors(data.name)
    if not data.recordings:
        raise DataError(f"nothing is left of {data.name}: all of its recordings are bad")
    if data.findings and data is not source:
        warnings.warn(f"the check of {data.name}:\n{data.findings}", DataWarning, stacklevel=2)
    return data


def check(source: Any, kind: Kind | None = None, **options: Any) -> Findings:
    """Check labelled data: everything that is wrong with them, at once.

    Parameters
    ----------
    source, kind, **options
        As `load` takes them.

    Raises
    ------
    DataError
        If the source cannot be read at all.

    Examples
    --------
    >>> silence = [np.zeros(8000), np.ones(8000) / 2, np.ones(8000) / 4]
    >>> [found.kind for found in check((silence, ["a", "b", "b"]), source_rate=8000)]
    ['silent', 'class of one clip']
    """
    return examine(source, kind, **options).findings


def examine(
    source: Any,
    kind: Kind | None = None,
    *,
    labels: Sequence[str] | None = None,
    skip_bad: bool = False,
    splits: str | os.PathLike | None = None,
    purpose: Purpose = "train",
    sample_rate: int = USUAL_RATE,
    window_s: float | None = None,
    source_rate: int | None = None,
    progress: Callable[[int], None] | None = None,
    check: bool = True,
    **options: Any,
) -> OwnData:
    """Load labelled data with their findings, whatever these are; see `load`."""
    require_switches(DataError, skip_bad=skip_bad, check=check)
    if isinstance(source, OwnData):
        asked = {"labels": labels, "skip_bad": skip_bad or None, "splits": splits,
                 "source_rate": source_rate, **options}  # fmt: skip
        if given := [name for name, value in asked.items() if value is not None]:
            raise DataError(f"the data are read already; leave {', '.join(given)} out")
        return source
    _require_names(labels)
    known = [field.name for field in fields(SourceOptions)]
    for option in options:
        if option not in known:
            raise TypeError(f"'{option}' is no option of a source; there are: {', '.join(known)}")
    name, found = _found(source, SourceOptions(kind=_known_kind(kind), **options), source_rate)
    kind = kind or _kind_of(found.recordings)
    data = OwnData(name, kind, found.recordings, _label_names(found, kind, labels))
    if check:
        sources = ((r.source, r.source_rate) for r in found.recordings)
        inspections = inspect_all(sources, sample_rate, progress)
        together = _copies_together(found.recordings, inspections)
        data = replace(data, recordings=together, _inspections=tuple(inspections))
    if splits is not None:
        data = data.read_splits(splits)
    listed = [*found.findings, *_unexpected(data, labels), *_undivided(data)]

    def checked(data: OwnData) -> list[Finding]:
        if not check:
            return []
        # Of a model's own labels some may be absent where it is measured.
        only_there = purpose == "evaluate" and labels is not None
        of_there = replace(data, label_names=()) if only_there else data
        return list(of_there.check(purpose=purpose, window_s=window_s))

    findings = [*listed, *checked(data)]
    bad = tuple(dict.fromkeys(name for finding in findings for name in finding.bad))
    if skip_bad:
        data, gone = _without(data, bad, fixed=labels is not None)
        findings = [*(finding for finding in listed if not finding.bad), *checked(data)]
        if bad:
            what = f"{counted(len(bad), 'bad recording')} left out"
            findings.append(Finding(SKIPPED, "warning", what, bad))
        if gone:
            what = "left out, since no clip that is left has it"
            findings.append(Finding("empty class", "warning", what, gone))
    return replace(data, findings=Findings(findings))


def _undivided(data: OwnData) -> list[Finding]:
    """A warning where some recordings have a split and others have none."""
    outside = tuple(r.name for r in data.recordings if r.split is None)
    if not outside or len(outside) == len(data.recordings):
        return []
    what = "of no split while others have one, so that nothing uses it; name a split for each"
    return [Finding("no split", "warning", what, outside)]


def _without(data: OwnData, bad: Sequence[str], *, fixed: bool) -> tuple[OwnData, tuple[str, ...]]:
    """Data without the bad recordings, and the labels that go with them unless ``fixed``."""
    out = set(bad)
    data = data._only([recording.name not in out for recording in data.recordings])
    data = replace(data, skipped=tuple(bad))
    if fixed:
        return data, ()
    there = {tag for recording in data.recordings for tag in tags_of(recording)}
    gone = tuple(label for label in data.label_names if label not in there)
    kept = tuple(label for label in data.label_names if label in there)
    return replace(data, label_names=kept), gone


def _known_kind(kind: Any) -> Kind | None:
    if kind is not None and kind not in KINDS:
        raise DataError(f"kind is {kind!r}; allowed are {', '.join(map(repr, KINDS))}")
    return kind


def _require_names(labels: Sequence[str] | None) -> None:
    if isinstance(labels, str):
        raise DataError(f"labels is {labels!r}; allowed is a sequence of words, ({labels!r},)")
    twice = [name for name, count in Counter(labels or ()).items() if count > 1]
    if twice:
        raise DataError(f"labels has '{twice[0]}' twice; name each label once")


def _found(source: Any, options: SourceOptions, source_rate: int | None) -> tuple[str, Found]:
    if isinstance(source, str | os.PathLike):
        words = os.fspath(source)
        if not words:
            raise DataError(f"the source is an empty word: allowed are {own_forms()}")
        reader = find_own_reader(words, options)
        if reader is None:
            missing = "" if Path(words).exists() else " and does not exist"
            raise DataError(f"'{words}' is not labelled data{missing}: allowed are {own_forms()}")
        return name_of(words), reader.find(words, options)
    from mirzoo.data import values

    return values.find(source, options, source_rate)


def name_of(source: str | os.PathLike) -> str:
    """What a source is called on cards and in reports: no path of a user's machine."""
    words = os.fspath(source)
    prefix, colon, rest = words.partition(":")
    if colon and prefix in READERS:
        return f"{prefix}:{rest.partition('@')[0]}"
    return os.path.basename(os.path.abspath(words))


def _kind_of(recordings: Iterable[Recording]) -> Kind:
    kinds = {kind for recording in recordings for kind in label_kinds(recording.labels)}
    if "tag_spans" in kinds:
        return "tags"
    return next((kind for kind in KINDS if kind in kinds), "tags")


def _label_names(found: Found, kind: Kind, labels: Sequence[str] | None) -> tuple[str, ...]:
    if kind != "tags":
        return ()
    if labels is not None:
        return tuple(labels)
    every = {tag for recording in found.recordings for tag in tags_of(recording)}
    return tuple(sorted({*every, *found.labels}))


def _unexpected(data: OwnData, labels: Sequence[str] | None) -> list[Finding]:
    if labels is None or data.kind != "tags":
        return []
    others: Counter[str] = Counter()
    bad = []
    for recording in data.recordings:
        if unknown := tags_of(recording) - set(labels):
            others.update(unknown)
            bad.append(recording.name)
    if not others:
        return []
    what = f"labels beyond those that are allowed: {', '.join(labels)}"
    where = tuple(f"'{label}' ({count})" for label, count in sorted(others.items()))
    return [Finding("unknown label", "error", what, where, tuple(bad))]


def _copies_together(
    recordings: Sequence[Recording], inspections: Sequence[Inspection | Exception]
) -> tuple[Recording, ...]:
    """Recordings whose groups are one where they hold copies of the same sound."""
    seen = [
        (recording, found)
        for recording, found in zip(recordings, inspections, strict=True)
        if isinstance(found, Inspection)
    ]
    first: dict[str, str] = {}

    def of(group: str) -> str:
        while group in first:
            group = first[group]
        return group

    for some in copies(seen):
        for recording in some[1:]:
            one, other = of(some[0].group), of(recording.group)
            if one != other:
                first[other] = one
    return tuple(
        replace(recording, group=of(recording.group)) if recording.group in first else recording
        for recording in recordings
    )


__all__ = ["DataWarning", "OwnData", "check", "examine", "load", "name_of"]
