"""Data sets that the package ``mirdata`` loads: ``mirdata:NAME``, ``mirdata:NAME@FOLDER``.

mirdata knows some sixty data sets of music research and where their annotations are to be had,
but of most it cannot give the audio. Each loader calls its annotations as it likes; `PREFERRED`
lists the names that become each kind of label, and of several the first that a track has counts:

- chords: labels that are not in Harte's syntax become ``X``, a chord that can't be named;
- f0: the predominant melody (of MedleyDB the second definition, which follows the melody from
  instrument to instrument), brought to 100 frames a second (`mirzoo.data.labels.resample_f0`);
- beats: those at the position 1 of a bar are downbeats;
- key: the one that lasts longest;
- instruments and tags: the data set's own words.

References
----------
R. M. Bittner, M. Fuentes, D. Rubinstein, A. Jansson, K. Choi, T. Kell, "mirdata: Software for
Reproducible Usage of Datasets", ISMIR 2019. J. Salamon, E. Gómez, D. P. W. Ellis, G. Richard,
"Melody Extraction from Polyphonic Music Signals", IEEE Signal Processing Magazine 31 (2), 2014.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mirzoo._support.names import near_names
from mirzoo.data.labels import ChordSpan, Labels, resample_f0
from mirzoo.data.readers import READERS, Reader
from mirzoo.data.recordings import Recording
from mirzoo.dsp.chord_vocabulary import UNNAMED, parse_chord
from mirzoo.errors import DataError, UnknownNameError

PREFERRED = {
    "chords": ("chords", "chords_full", "leadsheet_chords"),
    "f0": ("melody", "f0", "f0_corrected", "melody2", "pitch_vocal", "pitch_post_processed",
           "pitch"),
    "beats": ("beats", "beat"),
    "key": ("key", "key_mode", "keys"),
    "instruments": ("instruments", "instrument", "instrument_full",
                    "predominant_melodic_instruments"),
    "tags": ("tags", "genre", "genres", "style"),
}  # fmt: skip
AUDIO = ("audio_path", "audio_mic_path", "audio_path_mono", "mix_path", "audio_stm_path")
GROUPS = (
    "artist", "artists", "artist_id", "singer_id", "singer", "player_id", "drummer", "musician",
    "bandleader", "composer", "canonical_composer", "song_id", "album", "piece",
)  # fmt: skip
GROUP_IN_NAME = {"irmas": r"(.+)__\d", "mdb_stem_synth": r"([^_]+)_"}
GROUP_IS_FOLDER_OF = {"beatles": "chords_path", "queen": "chords_path"}
KEY_WITHOUT_MODE = {"fma_keys": "mode"}
CHURCH_MODES = ("ionian", "dorian", "phrygian", "lydian", "mixolydian", "aeolian", "locrian")
LIKELY = 0.5
PREFIX = "mirdata:"
CLIP_LABELS = ("tags", "instruments", "key")
"""Labels of whole clips, of which the first that a data set has are taken."""

_KEY = re.compile(
    rf"(?P<tonic>[A-G][#b]?)[: ]?\s*(?P<mode>(?:maj|min)(?:or)?|{'|'.join(CHURCH_MODES)}|)",
    re.IGNORECASE,
)
# What loaders raise on annotations that are missing or not as they expect.
_UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError)


class MissingRecordings(UserWarning):
    """Part of a data set's audio is not there; scores on it state how much of it they cover."""


@READERS.register
class Mirdata(Reader):
    """Data sets that mirdata loads, from mirdata's own folder or another one."""

    name, prefixed = "mirdata", True
    forms = ("mirdata:NAME", "mirdata:NAME@FOLDER")

    def recordings(self, words: str, split: str | None) -> Iterator[Recording]:
        name, kind, folder = parse_source(words)
        for given, what in ((kind, f"'/{kind}'"), (split, f"split '{split}'")):
            if given:
                raise DataError(
                    f"'{words}' cannot be read with {what}: recordings of mirdata have "
                    "all their labels and no splits"
                )
        return iter(_open(name, folder))

    def clips(self, words: str) -> list[Recording]:
        name, kind, folder = parse_source(words)
        if kind not in (None, *CLIP_LABELS):
            raise DataError(
                f"'{words}' asks for {kind}, which are no labels of whole clips; allowed "
                f"are {', '.join(CLIP_LABELS)}"
            )
        recordings = _open(name, folder)
        tags = {
            label: [_clip_labels(recording, label) for recording in recordings]
            for label in ([kind] if kind else CLIP_LABELS)
        }
        chosen = next((label for label in tags if any(tags[label])), None)
        if chosen is None:
            raise DataError(f"'{words}' has no {' or '.join(tags)}, so its clips have no labels")
        return [
            Recording.tagged(
                recording.source, labels, recording.group, recording.source_rate,
                name=recording.name,
            )
            for recording, labels in zip(recordings, tags[chosen], strict=True)
            if labels
        ]  # fmt: skip


def _clip_labels(recording: Recording, kind: str) -> tuple[str, ...]:
    known = getattr(recording.labels, kind) or ()
    return (known,) if isinstance(known, str) else known


def parse_source(source: str) -> tuple[str, str | None, str | None]:
    """Take ``mirdata:NAME[/KIND][@FOLDER]`` apart into name, kind of label and folder.

    Examples
    --------
    >>> parse_source("mirdata:openmic2018/instruments@data/openmic")
    ('openmic2018', 'instruments', 'data/openmic')
    >>> parse_source("mirdata:beatles")
    ('beatles', None, None)
    """
    words, _, folder = source.removeprefix(PREFIX).partition("@")
    name, _, kind = words.partition("/")
    return name, kind or None, os.path.expanduser(folder) or None


def _open(name: str, folder: str | None) -> tuple[Recording, ...]:
    """The recordings of a data set of mirdata; warns of those that are not there."""
    found = load(name, folder)
    if found.missing:
        warnings.warn(describe_missing(found), MissingRecordings, stacklevel=4)
    return found.recordings


@dataclass(frozen=True, eq=False)
class MirdataSet:
    """A data set that mirdata loads.

    Parameters
    ----------
    name, licence, citation : str
        As mirdata states them; the citation is BibTeX.
    recordings : tuple of Recording
        Those whose audio is here.
    missing : tuple of str
        The audio that is not here: files, or tracks for which no file is named.
    """

    name: str
    licence: str
    citation: str
    recordings: tuple[Recording, ...]
    missing: tuple[str, ...]


def load(
    name: str, data_home: str | os.PathLike | None = None, version: str = "default"
) -> MirdataSet:
    """Open a data set that mirdata knows; nothing is fetched.

    Parameters
    ----------
    name : str
        As ``mirdata.list_datasets()`` has it.
    data_home : path, optional
        The data set's folder; by default mirdata's own, ``~/mir_datasets/<name>``. An index of
        the name that mirdata gives it counts before the one that mirdata keeps.
    version : str
        One of those that ``mirdata.list_dataset_versions(name)`` lists.

    Raises
    ------
    UnknownNameError
        When mirdata has no such data set; the message suggests near ones.
    DataError
        When mirdata is not installed, or the folder, the index or every recording is missing.

    Examples
    --------
    >>> guitarset = load("guitarset", "data/guitarset")                     # doctest: +SKIP
    >>> [recording.labels.key for recording in guitarset.recordings][:2]    # doctest: +SKIP
    ['Eb:maj', 'G:maj']
    """
    mirdata = _import_mirdata()
    known = mirdata.list_datasets()
    if name not in known:
        near = near_names(name, known)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
        raise UnknownNameError(f"mirdata has no data set '{name}'; {hint}")
    try:
        dataset = mirdata.initialize(name, data_home and os.fspath(data_home), version)
    except ValueError as error:
        raise DataError(
            f"mirdata has no version '{version}' of '{name}'. {mirdata.list_dataset_versions(name)}"
        ) from error
    folder = Path(dataset.data_home)
    if not folder.is_dir():
        raise DataError(
            f"the data set '{name}' is not in '{folder}'; name its folder, mirdata:{name}@FOLDER, "
            f"or let mirdata fetch what it can: mirdata.initialize('{name}').download()"
        )
    index = folder / Path(dataset.index_path).name
    if index.exists():
        dataset.index_path = os.fspath(index)
    if not Path(dataset.index_path).exists():
        raise DataError(
            f"mirdata's list of the files of '{name}' is not on this machine. It is fetched by "
            f"mirdata.initialize('{name}').download(['index']), or put '{index.name}' into "
            f"'{folder}'"
        )
    return of_dataset(dataset)


def of_dataset(dataset: Any) -> MirdataSet:
    """Describe a ``mirdata.core.Dataset``; see `load`.

    Raises
    ------
    DataError
        When it has no recordings, or none of their audio is there.
    """
    recordings, missing = [], []
    for track in _members(dataset):
        path = next((getattr(track, name) for name in AUDIO if hasattr(track, name)), None)
        if path is None:
            missing.append(_name_of(track))
        elif not Path(path).is_file():
            missing.append(path)
        else:
            recordings.append(_recording(dataset, track, Path(path)))
    found = MirdataSet(
        name=dataset.name,
        licence=(dataset._license_info or "not stated").strip(),
        citation=(dataset.bibtex or "").strip(),
        recordings=tuple(recordings),
        missing=tuple(missing),
    )
    if not recordings:
        raise DataError(
            f"'{dataset.data_home}' holds no audio of '{dataset.name}'. "
            f"{_say_missing(found)} {_how_to_obtain(dataset)}"
        )
    return found


def describe_missing(found: MirdataSet) -> str:
    """One sentence on the recordings that are not there; empty where all are."""
    if not found.missing:
        return ""
    whole = len(found.recordings) + len(found.missing)
    return f"'{found.name}' is used with {len(found.recordings)} of {whole} recordings. " + (
        _say_missing(found)
    )


def _say_missing(found: MirdataSet) -> str:
    first = ", ".join(f"'{name}'" for name in found.missing[:3])
    more = f" and {len(found.missing) - 3} more" if len(found.missing) > 3 else ""
    return f"Missing are {first}{more}; of most data sets mirdata cannot give the audio."


def _how_to_obtain(dataset: Any) -> str:
    obtain = " ".join((dataset._download_info or "").split())
    return f"mirdata says: {obtain}" if obtain else ""


def _import_mirdata() -> ModuleType:
    try:
        import mirdata
        import mirdata.annotations
    except ImportError:
        raise DataError(
            "data sets of mirdata need the package mirdata; install mirzoo[mirdata]"
        ) from None
    return mirdata


def _members(dataset: Any) -> list[Any]:
    """The tracks; where these have no audio of their own, the multitracks."""
    try:
        tracks = [dataset.track(name) for name in dataset._index.get("tracks", ())]
        if any(hasattr(track, name) for track in tracks[:1] for name in AUDIO):
            return tracks
        multitracks = dataset._index.get("multitracks", ())
        return [dataset.multitrack(name) for name in multitracks] or tracks
    except _UNREADABLE as error:
        raise DataError(
            f"mirdata cannot read '{dataset.name}' in '{dataset.data_home}': {error}"
        ) from error


def _name_of(track: Any) -> str:
    return getattr(track, "mtrack_id", None) or track.track_id


def _recording(dataset: Any, track: Any, path: Path) -> Recording:
    return Recording(
        name=_name_of(track),
        group=_group(dataset.name, track),
        source=path,
        read_labels=lambda: _labels(dataset.name, track),
    )


def _read(name: str, track: Any, attribute: str) -> Any:
    """An attribute that the track has; DataError where mirdata cannot read it."""
    try:
        return getattr(track, attribute)
    except _UNREADABLE as error:
        raise DataError(
            f"mirdata cannot read the {attribute} of '{_name_of(track)}' in '{name}': {error}. "
            f"Annotations are fetched by mirdata.initialize('{name}').download()"
        ) from error


def _has(track: Any, attribute: str) -> bool:
    # Not hasattr: a property that fails because a file is missing is there all the same.
    return attribute in vars(track) or hasattr(type(track), attribute)


def _group(name: str, track: Any) -> str:
    if name in GROUP_IN_NAME:
        match = re.match(GROUP_IN_NAME[name], _name_of(track))
        return match[1] if match else _name_of(track)
    if name in GROUP_IS_FOLDER_OF and getattr(track, GROUP_IS_FOLDER_OF[name]):
        return Path(getattr(track, GROUP_IS_FOLDER_OF[name])).parent.name
    for attribute in GROUPS:
        words = _has(track, attribute) and _words(_read(name, track, attribute))
        if words:
            return ", ".join(words)
    return _name_of(track)


def _labels(name: str, track: Any) -> Labels:
    known: dict[str, Any] = {}
    for kind, attributes in PREFERRED.items():
        for attribute in attributes:
            if kind not in known and _has(track, attribute):
                value = _read(name, track, attribute)
                if kind == "key" and name in KEY_WITHOUT_MODE:
                    value = f"{value} {_read(name, track, KEY_WITHOUT_MODE[name])}"
                converted = _CONVERTERS[kind](value)
                if converted is not None:
                    known[kind] = converted
    beats, downbeats = known.pop("beats", (None, None))
    return Labels(**known, beats=beats, downbeats=downbeats)


def _chords(data: Any) -> tuple[ChordSpan, ...] | None:
    from mirdata.annotations import ChordData

    if not isinstance(data, ChordData):
        return None
    spans: list[ChordSpan] = []
    for (start, end), label in zip(data.intervals, data.labels, strict=True):
        # Hand-made tables let chords overlap by the odd millisecond.
        start = max(float(start), spans[-1].end_s if spans else 0.0)
        if end > start:
            spans.append(ChordSpan(start, float(end), _in_harte_syntax(label)))
    return tuple(spans) or None


def _in_harte_syntax(label: str) -> str:
    try:
        parse_chord(label)
    except DataError:
        return UNNAMED
    return label


def _f0(data: Any) -> np.ndarray | None:
    from mirdata.annotations import F0Data

    if not isinstance(data, F0Data):
        return None
    times, hertz, voicing = data.to_mir_eval()
    return resample_f0(times, np.where(voicing >= LIKELY, hertz, 0.0))


def _beats(data: Any) -> tuple[np.ndarray, np.ndarray | None] | None:
    from mirdata.annotations import BeatData

    if not isinstance(data, BeatData):
        return None
    times = data.times / 1000.0 if data.time_unit == "ms" else data.times
    if data.positions is None or data.position_unit != "bar_index":
        return times, None
    return times, times[np.asarray(data.positions) == 1]


def _key(data: Any) -> str | None:
    from mirdata.annotations import KeyData

    if isinstance(data, str):
        return _in_key_syntax(data)
    if not isinstance(data, KeyData):
        return None
    lasts: dict[str, float] = {}
    for (start, end), words in zip(data.intervals, data.keys, strict=True):
        key = _in_key_syntax(words)
        if key:
            lasts[key] = lasts.get(key, 0.0) + end - start
    return max(lasts, key=lasts.__getitem__, default=None)


def _in_key_syntax(words: str) -> str | None:
    """``"Eb major"`` → ``"Eb:maj"``; a tonic alone is major; None for what is no key."""
    match = _KEY.fullmatch(words.strip())
    if match is None:
        return None
    mode = match["mode"].lower()
    tonic = match["tonic"][0].upper() + match["tonic"][1:]
    return f"{tonic}:{mode if mode in CHURCH_MODES else mode[:3] or 'maj'}"


def _words(value: Any) -> tuple[str, ...] | None:
    """The words of a string, list or dictionary; of likelihoods by word those that are likely."""
    if isinstance(value, Mapping):
        if all(isinstance(likelihood, float) for likelihood in value.values()):
            return _words([word for word, likelihood in value.items() if likelihood >= LIKELY])
        return _words([word for words in value.values() for word in _words(words) or ()])
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence):
        return None
    return tuple(dict.fromkeys(str(word).strip() for word in value if str(word).strip())) or None


_CONVERTERS = {
    "chords": _chords,
    "f0": _f0,
    "beats": _beats,
    "key": _key,
    "instruments": _words,
    "tags": _words,
}
