"""A recording with its labels, and the plain fields that stand for it in TensorFlow.

Fields hold no None: what is not known is empty. They are ``name`` and ``group``, ``audio``,
``chords`` with ``start_s``, ``end_s`` and ``label``, ``f0`` (Hz, 100 a second, 0 where silent, NaN
where not known), ``beats`` and ``downbeats`` (s), ``key``, ``instruments`` and ``tags``; see
the parameters of `mirzoo.data.labels.Labels`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo import audio
from mirzoo.data.labels import ChordSpan, Labels


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording whose labels are read when they are asked for.

    Parameters
    ----------
    name : str
        Unique in its data set.
    group : str
        What must not be in two splits: the artist, album or player, else the recording itself.
    source : Path or np.ndarray
        A file, or samples as `mirzoo.audio.read` takes them.
    read_labels : callable
        Gives the `Labels`.
    source_rate : int, optional
        Of an array (Hz); a file states its own.
    split : str, optional
        "train", "validation", "test" or another that the source names; None where it names none.

    Examples
    --------
    >>> clip = Recording("a", "a", np.zeros(8000), lambda: Labels(key="C:maj"), source_rate=8000)
    >>> clip.labels.key, clip.read(16000).shape
    ('C:maj', (16000,))
    """

    name: str
    group: str
    source: Path | np.ndarray
    read_labels: Callable[[], Labels]
    source_rate: int | None = None
    split: str | None = None

    @classmethod
    def tagged(
        cls,
        source: Path | np.ndarray,
        tags: Sequence[str],
        group: str,
        source_rate: int | None = None,
        *,
        name: str | None = None,
    ) -> Recording:
        """A recording whose labels are words of all of it: what a tagger predicts.

        Its name is by default that of its group.

        Examples
        --------
        >>> Recording.tagged(np.zeros(8000), ["dog"], "rex", 8000).labels.tags
        ('dog',)
        """
        labels = Labels(tags=tuple(tags))
        return cls(group if name is None else name, group, source, lambda: labels, source_rate)

    @cached_property
    def labels(self) -> Labels:
        """What is known of the recording."""
        return self.read_labels()

    def read(self, sample_rate: int) -> np.ndarray:
        """Decode to float32 ``(samples,)`` at ``sample_rate`` (Hz)."""
        return audio.read(self.source, sample_rate, source_rate=self.source_rate)


def label_kinds(labels: Labels) -> tuple[str, ...]:
    """What is known, by the names of the parameters of `Labels`.

    Examples
    --------
    >>> label_kinds(Labels(key="C:maj", tags=("folk",)))
    ('key', 'tags')
    """
    return tuple(field.name for field in fields(labels) if getattr(labels, field.name) is not None)


def fields_of(labels: Labels) -> dict[str, Any]:
    """Labels as plain fields, empty where not known; see the module's description.

    Examples
    --------
    >>> fields_of(Labels(chords=(ChordSpan(0.0, 2.0, "A:min7"),)))["chords"]["label"]
    ['A:min7']
    """
    spans = labels.chords or ()
    return {
        "chords": {
            "start_s": np.array([span.start_s for span in spans], np.float64),
            "end_s": np.array([span.end_s for span in spans], np.float64),
            "label": [span.label for span in spans],
        },
        "f0": _numbers(labels.f0, np.float32),
        "beats": _numbers(labels.beats, np.float64),
        "downbeats": _numbers(labels.downbeats, np.float64),
        "key": labels.key or "",
        "instruments": list(labels.instruments or ()),
        "tags": list(labels.tags or ()),
    }


def labels_of(values: Mapping[str, Any]) -> Labels:
    """The labels that plain fields stand for, the inverse of `fields_of`.

    Fields that are absent or empty are not known; words may be bytes, as TensorFlow gives them.
    Downbeats are known wherever beats are.

    Examples
    --------
    >>> labels_of({"key": b"Eb:maj", "beats": [0.5, 1.0]}).key
    'Eb:maj'
    """
    chords = values.get("chords", {"start_s": (), "end_s": (), "label": ()})
    spans = tuple(
        ChordSpan(float(start), float(end), _word(label))
        for start, end, label in zip(
            chords["start_s"], chords["end_s"], chords["label"], strict=True
        )
    )
    beats = _numbers(values.get("beats"), np.float64)
    f0 = _numbers(values.get("f0"), np.float32)
    return Labels(
        chords=spans or None,
        f0=f0 if len(f0) else None,
        beats=beats if len(beats) else None,
        downbeats=_numbers(values.get("downbeats"), np.float64) if len(beats) else None,
        key=_word(values.get("key", "")) or None,
        instruments=_words(values.get("instruments", ())),
        tags=_words(values.get("tags", ())),
    )


def _numbers(values: Any, kind: type) -> np.ndarray:
    return np.asarray(() if values is None else values, kind)


def _word(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _words(values: Any) -> tuple[str, ...] | None:
    return tuple(_word(value) for value in values) or None
