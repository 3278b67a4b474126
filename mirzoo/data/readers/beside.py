"""A folder of recordings with their labels in files of the same names next to them.

The labels of ``song.mp3`` are in ``song.lab``, ``song.f0.csv``, ``song.csv``, ``song.txt`` or
another of `SUFFIXES`; what each holds is seen from its content (`mirzoo.data.label_texts`). Folders
inside the folder name groups, such as artists.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from functools import partial
from pathlib import Path

from mirzoo import audio
from mirzoo._support.guards import DAMAGE
from mirzoo.data import decoded
from mirzoo.data.checking import wrong_times
from mirzoo.data.findings import Finding
from mirzoo.data.label_texts import LabelText, WrongTimesError, read_label_file
from mirzoo.data.labels import Labels
from mirzoo.data.readers import KINDS, READERS, Found, Kind, Reader, SourceOptions
from mirzoo.data.readers.corpus import is_corpus
from mirzoo.data.readers.csv import PER_UNIT
from mirzoo.data.readers.folder import hidden_findings, is_hidden
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError, MirzooError

CHORDS = (".lab", ".chords", ".chords.lab", "_chords.lab", ".chords.csv", "_chords.csv")
MELODIES = (".f0.csv", ".f0", "_f0.csv", ".f0.txt", "_f0.txt", ".f0.lab", ".pv")
ANY = (".jams", ".csv", ".tsv", ".txt", ".json")
SUFFIXES = (*CHORDS, *MELODIES, *ANY)
ORDER: dict[str | None, tuple[str, ...]] = {
    None: SUFFIXES,
    "chords": (*CHORDS, *ANY),
    "f0": (*MELODIES, *ANY, ".lab"),
    "tags": (".lab", *ANY),
}
"""In which files each kind of label is looked for; the first that holds it counts."""

ASKED = 10
"""Of so many recordings half must have labels next to them, where a folder may be of classes; one
where all are in the folder itself, which has no classes then."""

TABLES = (".csv", ".tsv")
"""Labels next to a recording, where there are no classes; else they may be anything."""


@READERS.register
class Beside(Reader):
    """Recordings with a file of labels next to each."""

    name = "beside"
    forms = ("a folder of recordings with labels next to them (song.mp3 and song.lab)",)

    def finds(self, path: Path, options: SourceOptions) -> bool:
        if not path.is_dir() or is_corpus(path):
            return False
        if options.kind in ("chords", "f0"):
            return True
        recordings = _recordings(path)
        asked = recordings[:ASKED]
        if all(recording.parent == path for recording in recordings):
            return any(_has_labels(recording, options, TABLES) for recording in asked)
        labelled = sum(_has_labels(recording, options) for recording in asked)
        return labelled > 0 and labelled * 2 >= len(asked)

    def find(self, words: str, options: SourceOptions) -> Found:
        folder = Path(words)
        paths = _recordings(folder)
        if not paths:
            raise DataError(f"'{folder}' holds no audio files")
        kind = options.kind or _kind(paths, options)
        recordings, without = [], []
        wrong: dict[tuple[str, str], list[str]] = defaultdict(list)
        for path in paths:
            name = path.relative_to(folder).as_posix()
            try:
                labels = _read(path, kind, options)
            except WrongTimesError as error:
                wrong["times", wrong_times(error.last_s, decoded.inspect(path))].append(name)
                continue
            except DataError as error:
                wrong["unreadable labels", str(error)].append(name)
                continue
            if labels is None:
                without.append(name)
                continue
            group = path.relative_to(folder).parent.as_posix()
            recordings.append(
                Recording(name, name if group == "." else group, path, partial(_known, labels))
            )
        findings = hidden_findings(folder)
        for (what, reason), names in wrong.items():
            findings.append(Finding(what, "error", reason, tuple(names), tuple(names)))
        if without:
            what = f"no file with {kind} next to it ({', '.join(ORDER[kind][:4])}, …): left out"
            findings.append(Finding("without a label", "warning", what, tuple(without)))
        if lonely := _lonely(folder, paths):
            what = "labels without a recording of the same name next to them"
            findings.append(Finding("without a recording", "warning", what, lonely))
        if not recordings and not wrong:
            raise DataError(
                f"no recording in '{folder}' has {kind} next to it; song.mp3 needs one of "
                f"{', '.join(f'song{suffix}' for suffix in ORDER[kind])}"
            )
        if len({recording.group for recording in recordings}) == 1:  # a folder of everything
            recordings = [Recording(r.name, r.name, r.source, r.read_labels) for r in recordings]
        return Found(tuple(recordings), tuple(findings))


def _recordings(folder: Path) -> list[Path]:
    paths = audio.files_in(folder)
    return [path for path in paths if not is_hidden(path.relative_to(folder))]


def _labels_of(recording: Path, kind: str | None) -> list[Path]:
    """Files of labels next to a recording, in the order in which they count."""
    stem = recording.name.removesuffix(recording.suffix)
    candidates = (recording.with_name(stem + suffix) for suffix in ORDER[kind])
    return [path for path in candidates if path.is_file()]


def _has_labels(recording: Path, options: SourceOptions, others: tuple[str, ...] = ()) -> bool:
    """Whether labels are next to a recording: other texts, such as licences, are none.

    A file that is called as labels are, or has one of the ``others`` of suffixes, counts even if it
    can't be read, which is a finding later.
    """
    named = (*CHORDS, *MELODIES, ".jams", *others)
    if any(labels.name.endswith(named) for labels in _labels_of(recording, None)):
        return True
    with suppress(DataError):
        return _read(recording, options.kind or _kind([recording], options), options) is not None
    return False


def _known(labels: Labels) -> Labels:
    return labels


def _kind(paths: list[Path], options: SourceOptions) -> Kind:
    """What the first recording that has labels has, of several kinds the first of `KINDS`."""
    for path in paths:
        found = set()
        for labels in _labels_of(path, None):
            try:
                found.add(_text(labels, path, None, options).kind)
            except DataError:
                continue
        if found:
            return next(kind for kind in ("chords", "f0", *KINDS) if kind in found)
    return "tags"


def _text(labels: Path, path: Path, kind: str | None, options: SourceOptions) -> LabelText:
    try:
        return read_label_file(
            labels,
            duration_s=lambda: decoded.inspect(path).duration_s,
            kind=kind,
            scale=PER_UNIT[options.time_unit],
        )
    except WrongTimesError:
        raise
    except MirzooError as error:
        raise DataError(f"{labels.suffix}: {error}") from error
    except DAMAGE as error:
        raise DataError(f"{labels.suffix}: it can't be read ({error})") from error


def _read(path: Path, kind: Kind, options: SourceOptions) -> Labels | None:
    """The labels of the wanted kind next to a recording; None where there are none."""
    problems = []
    for labels in _labels_of(path, kind):
        try:
            # A name that tells the kind is not asked for its own.
            told = labels.name.endswith(CHORDS if kind == "chords" else MELODIES)
            found = _text(labels, path, kind if told or kind == "tags" else None, options)
        except DataError as error:
            problems.append(error)
            continue
        if found.kind == kind:
            return found.labels
    if problems:
        raise problems[0]
    return None


def _lonely(folder: Path, paths: list[Path]) -> tuple[str, ...]:
    named = {path.with_name(path.name.removesuffix(path.suffix)) for path in paths}
    lonely = []
    for path in sorted(folder.rglob("*")):
        for suffix in (".lab", ".jams", *MELODIES):
            stem = path.with_name(path.name.removesuffix(suffix))
            if path.name.endswith(suffix) and stem not in named and path.is_file():
                inner = path.relative_to(folder)
                if not is_hidden(inner) and stem.with_suffix("") not in named:
                    lonely.append(inner.as_posix())
                break
    return tuple(lonely)
