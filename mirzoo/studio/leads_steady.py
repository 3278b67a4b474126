"""Leads that do not shake, and sounds that are no leads, to learn the voicing of melodies from.

A melody is known by where it stands in the music, not by a vibrato. Items are of five kinds
(`KINDS`): songs of POP909 whose lead is a steady synthesiser, organ, whistle, flute or clean
guitar; solo lines without accompaniment; single harmonic tones; what has a pitch and is no melody
(hum, pitched noise, engines, speech, recorded noises), alone or before and under a line; and
accompaniments alone. Lines are played as they are written, with long notes, with short ones, with
rests while the accompaniment goes on, or as call and response of two instruments. What is faded to
45 dB or more below the rest is labelled as no melody.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import F0_HOP, SAMPLE_RATE, Item, item_rng
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items, pop909
from mirzoo.studio.score import charts, songs
from mirzoo.studio.score.midi import MidiNote
from mirzoo.studio.score.songs import Song
from mirzoo.studio.sound import (
    effects,
    leads,
    nuisances,
    recorded_leads,
    renditions,
    soloists,
    stems,
    tones,
)
from mirzoo.studio.sound.leads import Manner
from mirzoo.studio.sound.recorded_leads import Player
from mirzoo.studio.sound.stems import Studio
from mirzoo.studio.sound.tracking import PACKAGES

ITEMS, ITEM_S = 264, 24.0
KINDS = {"song": 0.26, "solo": 0.24, "tones": 0.18, "nuisances": 0.24, "backing": 0.08}
LIGHT_KINDS = {"tones": 0.4, "nuisances": 0.6}
LIGHT = range(72, 120)
"""The numbers of items that are of `LIGHT_KINDS`, most of which need no synthesiser."""

STYLES = {"written": 0.3, "long": 0.2, "short": 0.15, "rests": 0.2, "response": 0.15}
LEAD_DB, SPEECH_DB = (-9.0, 9.0), (-12.0, 6.0)
PHRASE_S = 0.6
FADED_SHARE, FADED_DB, FADED_S = 0.25, (45.0, 65.0), (2.0, 6.0)
DOUBTFUL_DB = 22.0
CLEAN_GUITARS = (24, 25, 26, 27, 28)
SOLOISTS = (
    ((80, 81, 82, 83, 84, 87, 62, 63, 90), 0.28),
    (CLEAN_GUITARS, 0.24),
    ((16, 17, 18, 19, 20, 21, 22), 0.18),
    ((78, 79, 74, 75, 72, 73, 71, 68), 0.2),
    ((4, 5, 11, 12, 0, 108, 114), 0.1),
)
"""Programs that are steady by themselves: synthesisers, guitars, organs and reeds, whistles and
flutes, keys and mallets; and how often each kind plays."""


def items(folder: Path) -> list[Item]:
    """Numbered items, each with a song of its split."""
    in_split = pop909.songs_by_split(folder)
    made = []
    for number in range(ITEMS):
        split = _items.split_by_number(number)
        if in_split[split]:
            turn = number if split == "train" else number // 12
            song = in_split[split][7 * turn % len(in_split[split])]
            name = f"steady/{number:04d}"
            made.append(Item(name, "leads_steady", Path(song).stem, os.fspath(song), split))
    return made


def render(item: Item, *, sounds: Path, samples: Path | None) -> tuple[np.ndarray, Labels]:
    """Render 24 s: waveform at 16 kHz, and the melody.

    Parameters
    ----------
    item : Item
        ``item.path`` is a song; the name decides all that is random.
    sounds : Path
        Recorded sounds that are no music, ESC-10's.
    samples : Path or None
        The folder of Philharmonia's instruments, which play some lines; none do without.
    """
    rng = item_rng(item)
    kinds = LIGHT_KINDS if int(item.name.split("/")[1]) in LIGHT else KINDS
    kind = str(rng.choice(list(kinds), p=list(kinds.values())))
    song, seconds = renditions.draw_stretch(songs.read(item.path), ITEM_S, rng)
    studio = Studio(
        seconds, stems.choose_soundfont(item.split, rng), stems.draw_tuning(rng), samples
    )
    others = [
        path
        for number, path in enumerate(_items.audio_files(sounds))
        if _items.split_by_number(number) == item.split
    ]
    waveform, f0 = _MAKERS[kind](song, studio, others, rng)
    if kind != "backing" and rng.random() < FADED_SHARE:
        waveform, f0 = faded(waveform, f0, rng)
    return effects.produce(waveform, rng), Labels(f0=f0, tags=(kind,))


def _with_band(
    song: Song, studio: Studio, others: Sequence[Path], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    band = _band(song, studio, rng)
    line, f0 = _line(song, studio, rng, doubled=True)
    return effects.mix(line, band, rng.uniform(*LEAD_DB)), f0


def _alone(
    song: Song, studio: Studio, others: Sequence[Path], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    return _line(song, studio, rng)


def _tones(
    song: Song, studio: Studio, others: Sequence[Path], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    return tones.line(studio.seconds, rng)


def _nuisances(
    song: Song, studio: Studio, others: Sequence[Path], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """No melody, or one that begins where the other sounds end, or goes on above them."""
    waveform = nuisances.series(studio.seconds, others, rng)
    f0 = np.zeros(len(waveform) // F0_HOP, np.float32)
    drawn = rng.random()
    if drawn < 0.5:
        return waveform, f0
    line, of_line = tones.line(studio.seconds, rng) if drawn < 0.65 else _line(song, studio, rng)
    begin = round(rng.uniform(0.3, 0.7) * len(f0))
    line[: begin * F0_HOP] = 0.0
    f0[begin:] = of_line[begin : len(f0)]
    if drawn < 0.85:
        waveform[begin * F0_HOP :] = 0.0
    return effects.mix(line, waveform, rng.uniform(0, 18)), f0


def _backing(
    song: Song, studio: Studio, others: Sequence[Path], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A band without a lead; in some somebody speaks."""
    waveform = _band(song, studio, rng)
    if rng.random() < 0.3:
        speech = nuisances.speech(len(waveform), rng)
        waveform = effects.mix(speech, waveform, rng.uniform(*SPEECH_DB))
    return waveform, np.zeros(len(waveform) // F0_HOP, np.float32)


_MAKERS: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "song": _with_band,
    "solo": _alone,
    "tones": _tones,
    "nuisances": _nuisances,
    "backing": _backing,
}


def _band(song: Song, studio: Studio, rng: np.random.Generator) -> np.ndarray:
    return studio.play_band(renditions.accompany(song, studio.seconds, rng).parts)


def _line(
    song: Song, studio: Studio, rng: np.random.Generator, *, doubled: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """A song's melody, or a solo over its chords, in some style: the stem and its f0."""
    notes: Sequence[MidiNote] = song.melody
    if rng.random() < 0.3 or not notes:
        beat_s = float(np.median(np.diff(song.beats))) if len(song.beats) > 1 else 0.5
        notes = charts.improvise(song.chords, beat_s, rng)
    style = str(rng.choice(list(STYLES), p=list(STYLES.values())))
    groups = [styled(notes, style, rng)]
    if style == "response":
        phrases = phrases_of(notes)
        groups = [[note for phrase in phrases[which::2] for note in phrase] for which in (0, 1)]
    whole = np.zeros(studio.n_samples, np.float32)
    f0 = np.zeros(len(whole) // F0_HOP, np.float32)
    for group in groups:
        stem, of_group = _soloist(group, song, studio, rng, doubled=doubled)
        whole += effects.level(stem, -20.0)
        f0 = np.where(np.nan_to_num(of_group) > 0, of_group, np.where(f0 > 0, f0, f0 + of_group))
    return whole, f0.astype(np.float32)


def _soloist(
    notes: Sequence[MidiNote],
    song: Song,
    studio: Studio,
    rng: np.random.Generator,
    *,
    doubled: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Notes played steadily by a soloist: the stem and its f0."""
    soloist: int | Player
    if rng.random() < 0.2 and studio.samples is not None:
        player = recorded_leads.draw_player(studio.samples, rng)
        soloist, is_guitar = player, player.name == recorded_leads.ELECTRIFIED
    else:
        shares = np.array([share for _, share in SOLOISTS])
        programs, _ = SOLOISTS[int(rng.choice(len(SOLOISTS), p=shares / shares.sum()))]
        soloist = int(rng.choice(programs))
        is_guitar = soloist in CLEAN_GUITARS
    manner = Manner(
        late_s=rng.uniform(0, 0.03),
        drift_cents=float(rng.choice([0.0, 0.0, 4.0])),
        bend=0.15 if is_guitar else 0.0,
        glide=float(rng.choice([0.0, 0.0, 0.2])),
    )
    lead, stem = soloists.play(notes, soloist, studio, rng, manner=manner)
    if is_guitar and rng.random() < 0.4:
        stem = effects.amplify(stem, rng, drive_db=(-6.0, 14.0))
    f0 = leads.sounding_f0(lead, stem)
    if doubled:
        stem = renditions.accompanied(lead, stem, song, studio, rng)
    if rng.random() < 0.3:
        stem = effects.reverberate(stem, rng)
    return stem, f0


def styled(notes: Sequence[MidiNote], style: str, rng: np.random.Generator) -> list[MidiNote]:
    """Notes played with long tones, short ones, or rests of whole phrases; else as they are.

    Parameters
    ----------
    notes : sequence of MidiNote
    style : str
        One of `STYLES`.
    rng : np.random.Generator
    """
    ordered = leads.one_at_a_time(notes)
    if style == "long":
        chosen: list[MidiNote] = []
        for note in ordered:
            if not chosen or note.start_s - chosen[-1].start_s >= 1.0:
                chosen.append(note)
        ends = [note.start_s for note in chosen[1:]] + [chosen[-1].end_s + 1.0] if chosen else []
        return [
            replace(note, end_s=max(note.end_s, min(end, note.start_s + 4.0) - 0.03))
            for note, end in zip(chosen, ends, strict=True)
        ]
    if style == "short":
        return [
            replace(note, end_s=note.start_s + min(note.end_s - note.start_s, 0.13))
            for note in ordered
        ]
    if style == "rests":
        return [note for phrase in phrases_of(ordered) if rng.random() < 0.5 for note in phrase]
    return ordered


def phrases_of(notes: Sequence[MidiNote]) -> list[list[MidiNote]]:
    """Notes in phrases: a new one where `PHRASE_S` pass without a note, or after eight notes."""
    ordered = leads.one_at_a_time(notes)
    phrases = [ordered[:1]] if ordered else []
    for before, note in pairwise(ordered):
        if note.start_s - before.end_s >= PHRASE_S or len(phrases[-1]) >= 8:
            phrases.append([])
        phrases[-1].append(note)
    return phrases


def faded(
    waveform: np.ndarray, f0: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fade a stretch of 2 to 6 s to 45 to 65 dB below: there is no melody there any more.

    Where it is 22 to 45 dB below, whether there is one is not known (NaN).
    """
    seconds = rng.uniform(*FADED_S)
    start_s = rng.uniform(1.0, max(1.1, len(f0) / F0_RATE - seconds - 1.0))
    slope_s = rng.uniform(0.05, 1.5)
    times = np.arange(len(waveform)) / SAMPLE_RATE
    depth = rng.uniform(*FADED_DB)
    inside = np.minimum(times - start_s, start_s + seconds + 2 * slope_s - times) / slope_s
    below_db = depth * np.clip(inside, 0, 1)
    softer = below_db[: len(f0) * F0_HOP : F0_HOP]
    labels = np.where(softer < DOUBTFUL_DB, f0, np.where(f0 == 0, 0.0, np.nan))
    labels = np.where(softer >= FADED_DB[0], 0.0, labels)
    return (
        (waveform * 10 ** (-below_db / 20)).astype(np.float32),
        labels.astype(np.float32),
    )


COLLECTIONS.register(
    Collection(
        name="leads_steady",
        rendered=True,
        description="POP909: lines played by steady synthesisers, clean guitars, organs and "
        "whistles, with and without a band; single tones; hum, engines, pitched noise and speech, "
        "which are no melody; labels: melody",
        obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) into src/pop909, check out the "
        "GitHub repositories skratchdot/philharmonia-samples into src/philharmonia and, at commit "
        "553c8f1, karolpiczak/ESC-10 into src/esc10, and install the extra 'studio' and the "
        "Debian package flite.",
        licence="MIT; CC BY-SA 3.0 (notes); CC BY 3.0 (noises); soundfonts and voices under their "
        "own licences",
        commercial="yes",
        grouping="song, divided as songs_pop909 is; one soundfont is held out for testing",
        items=items,
        maker=lambda home: partial(
            render,
            sounds=home / "src" / "esc10",
            samples=home / "src" / "philharmonia" / "audio",
        ),
        source="pop909",
        packages=PACKAGES,
        programs=("fluidsynth", nuisances.PROGRAM),
    )
)
