"""MIR-1K's voices with their f0: over their own music, over other music, and on other melodies.

The f0 is tracked on the solo voice (`mirzoo.studio.sound.tracking`) or, for synthesised voices,
known exactly.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import F0_HOP, SAMPLE_RATE, SPLITS, Item, item_rng
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items, guitar_bands, mir1k, pop909
from mirzoo.studio.score import songs
from mirzoo.studio.score.midi import MidiNote
from mirzoo.studio.sound import effects, leads, mixing, renditions, stems
from mirzoo.studio.sound.stems import Studio
from mirzoo.studio.sound.tracking import PACKAGES, loudness_db, track_voice
from mirzoo.studio.sound.voices import (
    WORLD_PERIOD_S,
    Analysed,
    analyse,
    shift_by_world,
    shifted,
    transformed,
)

OVER_OTHER, OVER_BANDS, SYNTHETIC = 600, 320, 250
"""How many items of the collections sung_other, sung_bands and sung_synth there are."""

OWN_DB, RENDERED_DB, OTHER_DB = (-5.0, 10.0), (-5.0, 10.0), (3.0, 12.0)
LONGEST_PAUSE_S = 0.2
SYNTHETIC_S = (12.0, 25.0)
CHOIR_VOICE = 52
ATTEMPTS = 10


def _split_of(singer: str) -> str:
    if singer in mir1k.TEST_SINGERS:
        return "test"
    return "valid" if singer in mir1k.VALID_SINGERS else "train"


def _item(name: str, kind: str, path: Path) -> Item:
    singer = path.stem.split("_")[0]
    return Item(f"{kind}/{path.stem}", name, singer, os.fspath(path), _split_of(singer))


def own_items(folder: Path) -> list[Item]:
    """Each clip over its own accompaniment; held-out ones also at 0 dB; some accompaniments."""
    paths = _items.audio_files(folder / "vocal")
    own = [_item("sung_own", "own", path) for path in paths]
    level = [_item("sung_own", "level", path) for path in paths]
    without = [_item("sung_own", "without", path) for path in paths[::15]]
    return own + [item for item in level if item.split != "train"] + without


def some_items(name: str, kind: str, count: int) -> Callable[[Path], list[Item]]:
    """``count`` of the clips, drawn evenly."""

    def items(folder: Path) -> list[Item]:
        paths = _items.audio_files(folder / "vocal")
        chosen = np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)
        return [_item(name, kind, paths[place]) for place in chosen]

    return items


def more_items(name: str, takes: Sequence[str]) -> Callable[[Path], list[Item]]:
    """Each clip of the singers to train on, in several takes."""

    def items(folder: Path) -> list[Item]:
        every = [
            _item(name, take, path)
            for take in takes
            for path in _items.audio_files(folder / "vocal")
        ]
        return [item for item in every if item.split == "train"]

    return items


def synthetic_items(folder: Path) -> list[Item]:
    """Songs of POP909, each for a singer of the song's split in turn."""
    singers: dict[str, list[str]] = {split: [] for split in SPLITS}
    for singer in sorted(
        {path.stem.split("_")[0] for path in _items.audio_files(folder / "vocal")}
    ):
        singers[_split_of(singer)].append(singer)
    in_split = pop909.songs_by_split(folder.parent / "pop909")
    items = []
    for number in range(SYNTHETIC):
        split = _items.split_by_number(number)
        if not singers[split] or not in_split[split]:
            continue
        turn = number // 12 if split != "train" else number
        singer = singers[split][turn % len(singers[split])]
        song = in_split[split][turn % len(in_split[split])]
        items.append(Item(f"{singer}/{number:03d}", "sung_synth", singer, song, split))
    return items


def sing_over_own(item: Item) -> tuple[np.ndarray, Labels]:
    """A voice over its own accompaniment; the item's name states the level.

    ``own/…`` is -5 to 10 dB above it and goes through effects, ``level/…`` has exactly as much
    energy and no effects, ``without/…`` is the accompaniment alone.
    """
    rng = item_rng(item)
    voice = audio.read(item.path, SAMPLE_RATE)
    music = mir1k.accompaniment(Path(item.path), len(voice))
    kind = item.name.split("/")[0]
    if kind == "without":
        return effects.produce(music, rng), Labels(f0=np.zeros(len(music) // F0_HOP, np.float32))
    f0 = track_voice(voice)
    if kind == "level":
        return _equally_loud(voice, music), Labels(f0=f0)
    mixed = effects.mix(_in_a_room(voice, rng), music, rng.uniform(*OWN_DB))
    return effects.produce(mixed, rng), Labels(f0=f0)


def _equally_loud(voice: np.ndarray, music: np.ndarray) -> np.ndarray:
    """Voice and music added with the same energy over the whole, at -18 dB or below clipping."""
    voice, music = (
        part / max(float(np.sqrt(np.mean(np.square(part)))), 1e-9) for part in (voice, music)
    )
    return effects.level(voice + music, -18.0)


def _in_a_room(voice: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.3:
        voice = effects.equalise(voice, rng)
    if rng.random() < 0.3:
        voice = effects.compress(voice, rng)
    return effects.reverberate(voice, rng) if rng.random() < 0.6 else voice


def sing_over_other(
    item: Item,
    *,
    songs_of: Mapping[str, Sequence[str]],
    music: Path,
    change: Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]] = shifted,
) -> tuple[np.ndarray, Labels]:
    """A voice, changed first, over music that isn't its own.

    Over a rendered backing of a song of the item's split (``songs_of``: split → paths), or at
    least 3 dB above a stretch of the prepared corpus ``music``; some voices get a second,
    softer voice in parallel.
    """
    rng = item_rng(item)
    voice, f0 = _changed(item, change, rng)
    if rng.random() < 0.6:
        backing = _rendered(songs_of[item.split], len(voice), item.split, rng)
        mixed = effects.mix(voice, backing, rng.uniform(*RENDERED_DB))
    else:
        backing = mixing.stretch_of(mixing.opened(music), len(voice), item.split, rng)
        mixed = effects.mix(voice, backing, rng.uniform(*OTHER_DB))
    return effects.produce(mixed, rng), Labels(f0=f0)


def sing_over_band(
    item: Item, *, songs_of: Mapping[str, Sequence[str]], samples: Path
) -> tuple[np.ndarray, Labels]:
    """A voice, shifted or of another timbre, over a guitar band playing a song of its split.

    ``samples`` is the folder of Philharmonia's instruments (`mirzoo.studio.guitar_bands`).
    """
    rng = item_rng(item)
    voice, f0 = _changed(item, transformed if rng.random() < 0.5 else shifted, rng)
    song, seconds = _draw_song(songs_of[item.split], len(voice), rng)
    soundfont, tuning_cents = stems.choose_soundfont(item.split, rng), stems.draw_tuning(rng)
    studio = Studio(seconds, soundfont, tuning_cents, samples)
    band = guitar_bands.accompany(song, studio, rng)
    backing = _as_long(band.waveform, len(voice))
    mixed = effects.mix(voice, backing, rng.uniform(*RENDERED_DB))
    return effects.produce(mixed, rng), Labels(f0=f0, tags=(band.style,))


def _changed(
    item: Item,
    change: Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """An item's voice, changed, in a room, sometimes with a softer second one; and its f0."""
    voice, f0 = change(audio.read(item.path, SAMPLE_RATE), rng)
    if rng.random() < 0.15:
        interval = int(rng.choice([-12, -5, -4, -3, 3, 4, 7]))
        second, _ = shift_by_world(voice, np.nan_to_num(f0), interval)
        voice = effects.mix(second, voice, rng.uniform(-14, -5))
    return _in_a_room(voice, rng), f0


def _rendered(
    paths: Sequence[str], samples: int, split: str, rng: np.random.Generator
) -> np.ndarray:
    """A random song's backing, as long as asked."""
    song, seconds = _draw_song(paths, samples, rng)
    backing = renditions.accompany(song, seconds, rng)
    studio = Studio(seconds, stems.choose_soundfont(split, rng))
    return _as_long(studio.play_band(backing.parts), samples)


def _draw_song(
    paths: Sequence[str], samples: int, rng: np.random.Generator
) -> tuple[songs.Song, float]:
    """A stretch of a random song, as long as asked where the song lasts, and its length (s)."""
    path = Path(paths[int(rng.integers(len(paths)))])
    return renditions.draw_stretch(songs.read(path), samples / SAMPLE_RATE + 0.1, rng)


def _as_long(stem: np.ndarray, samples: int) -> np.ndarray:
    """A stem with silence behind it, or cut."""
    return np.pad(stem, (0, max(0, samples - len(stem))))[:samples]


def sing_melody(item: Item, *, voices: Path) -> tuple[np.ndarray, Labels]:
    """Have a singer sing the melody of another song, over that song's rendered backing.

    ``item.path`` is the song, ``item.group`` the singer, whose clips in ``voices`` are analysed and
    synthesised again by WORLD with the melody's contour: the f0 is exact.
    """
    rng = item_rng(item)
    whole, longest_s = songs.read(item.path), rng.uniform(*SYNTHETIC_S)
    for _ in range(ATTEMPTS):
        song, seconds = renditions.draw_stretch(whole, longest_s, rng)
        if len(song.melody) >= seconds / 2:
            break
    source = _singer(voices, item.group, seconds, rng)
    sounding = source.f0[source.f0 > 0]
    melody = _for_voice(song, float(np.median(sounding)) if len(sounding) else 220.0)
    manner = leads.draw_manner(CHOIR_VOICE, rng)
    lead = leads.perform(melody, CHOIR_VOICE, seconds, rng, manner=manner)
    voice, f0 = _on_contour(source, lead, seconds)
    voice = _in_a_room(voice, rng)
    backing = renditions.accompany(song, seconds, rng)
    studio = Studio(seconds, stems.choose_soundfont(item.split, rng))
    mixed = effects.mix(voice, studio.play_band(backing.parts), rng.uniform(*RENDERED_DB))
    return effects.produce(mixed, rng), Labels(
        chords=backing.chords,
        f0=f0,
        beats=song.beats,
        downbeats=song.downbeats,
        key=song.key,
        instruments=backing.instruments,
    )


def _singer(voices: Path, singer: str, seconds: float, rng: np.random.Generator) -> Analysed:
    """Clips of a singer one after the other, without long pauses, ``seconds`` (s) long."""
    paths = sorted(voices.glob(f"{singer}_*"))
    wanted = int(seconds / WORLD_PERIOD_S) + 1
    found: list[Analysed] = []
    while sum(len(part.f0) for part in found) < wanted:
        voice = audio.read(paths[rng.integers(len(paths))], SAMPLE_RATE)
        voice = effects.level(voice, -20.0)
        analysed = analyse(voice)
        loud = np.interp(
            np.arange(len(analysed.f0)) * WORLD_PERIOD_S * F0_RATE,
            np.arange(len(voice) // F0_HOP),
            loudness_db(voice, len(voice) // F0_HOP),
        )
        found.append(analysed.frames(_without_pauses((analysed.f0 > 0) & (loud > -45))))
    whole = Analysed(
        *(
            np.concatenate([getattr(part, name) for part in found])
            for name in ("f0", "envelope", "aperiodicity")
        )
    )
    return whole.frames(np.arange(wanted))


def _without_pauses(voiced: np.ndarray) -> np.ndarray:
    """Choose the frames that are not in a pause longer than `LONGEST_PAUSE_S`."""
    chosen = np.ones(len(voiced), bool)
    longest = round(LONGEST_PAUSE_S / WORLD_PERIOD_S)
    since = 0
    for place, sounds in enumerate(voiced):
        since = 0 if sounds else since + 1
        chosen[place] = since <= longest
    return chosen


def _for_voice(song: songs.Song, median_hz: float) -> list[MidiNote]:
    """The melody, moved by octaves to the range of the singer."""
    if not song.melody:
        return []
    middle_of_range = 69 + 12 * np.log2(median_hz / 440)
    middle = np.median([note.pitch for note in song.melody])
    octaves = 12 * round((middle_of_range - middle) / 12)
    return [replace(note, pitch=int(note.pitch + octaves)) for note in song.melody]


def _on_contour(
    source: Analysed, lead: leads.Lead, seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sing a lead's contour with a source's sounds; silent between the notes."""
    from scipy import signal

    samples = round(seconds * SAMPLE_RATE)
    times = np.arange(len(source.f0)) * WORLD_PERIOD_S
    frame_times = np.arange(samples // F0_HOP) / F0_RATE
    inside = np.zeros(len(times), bool)
    for note in lead.notes:
        inside |= (times >= note.start_s) & (times < note.end_s)
    pitch = np.nan_to_num(lead.pitch, nan=60.0)
    contour = 440 * 2 ** ((np.interp(times, np.arange(len(pitch)) / F0_RATE, pitch) - 69) / 12)
    voiced = inside & (source.f0 > 0)
    sung = replace(source, f0=np.where(voiced, contour, 0.0)).synthesise()
    gate = np.interp(
        np.arange(samples) / SAMPLE_RATE,
        times,
        signal.lfilter(np.ones(4) / 4, 1, inside.astype(float)),
    )
    voice = np.pad(sung, (0, max(0, samples - len(sung))))[:samples] * gate.astype(np.float32)
    sounding = np.interp(frame_times, times, voiced.astype(float)) > 0.5
    loud_db = loudness_db(voice, len(frame_times))
    audible = loud_db > loud_db.max() - 40
    f0 = np.where(sounding, np.interp(frame_times, times, contour), 0.0)
    return voice, np.where(sounding & ~audible, np.nan, f0).astype(np.float32)


_LICENCE = "research data without an open licence"

COLLECTIONS.register(
    Collection(
        name="sung_own",
        description="MIR-1K: each clip over its own accompaniment, and accompaniments alone; "
        "labels: melody",
        obtain="Put MIR-1K's solo voices into src/mir1k/vocal and its accompaniments into "
        "src/mir1k/accompaniment, and install the extra 'studio'.",
        licence=_LICENCE,
        commercial="unstated",
        grouping="singer",
        items=own_items,
        maker=lambda home: sing_over_own,
        min_seconds=3.1,
        source="mir1k",
        packages=PACKAGES,
    )
)
_OTHER = Collection(
    name="sung_other",
    description="MIR-1K: 600 voices, some moved, over rendered backings or the corpus "
    "'debian'; labels: melody",
    obtain="Put MIR-1K's solo voices into src/mir1k/vocal, POP909 into src/pop909, install "
    "the extra 'studio' and prepare 'debian'.",
    licence=_LICENCE,
    commercial="unstated",
    grouping="singer; one soundfont is held out for testing",
    items=some_items("sung_other", "other", OVER_OTHER),
    maker=lambda home: partial(
        sing_over_other,
        music=home / "corpus" / "debian",
        songs_of=pop909.songs_by_split(home / "src" / "pop909"),
    ),
    min_seconds=3.1,
    source="mir1k",
    packages=PACKAGES,
    programs=("fluidsynth",),
    corpora=("debian",),
)
COLLECTIONS.register(_OTHER)
COLLECTIONS.register(
    Collection(
        name="sung_bands",
        description="MIR-1K: 320 voices, moved or with another timbre, over rendered guitar "
        "bands; labels: melody",
        obtain="Put MIR-1K's solo voices into src/mir1k/vocal, POP909 into src/pop909, check "
        "out the GitHub repository skratchdot/philharmonia-samples into src/philharmonia and "
        "install the extra 'studio'.",
        licence=f"{_LICENCE}; CC BY-SA 3.0 (notes)",
        commercial="unstated",
        grouping="singer; the song is of the same split; one soundfont is held out for testing",
        items=some_items("sung_bands", "band", OVER_BANDS),
        maker=lambda home: partial(
            sing_over_band,
            songs_of=pop909.songs_by_split(home / "src" / "pop909"),
            samples=home / "src" / "philharmonia" / "audio",
        ),
        min_seconds=3.1,
        source="mir1k",
        packages=PACKAGES,
        programs=("fluidsynth",),
    )
)
COLLECTIONS.register(
    Collection(
        name="sung_synth",
        rendered=True,
        description="MIR-1K's singers synthesised on melodies of POP909, over rendered "
        "backings; labels: melody, chords, beats",
        obtain="Put MIR-1K's solo voices into src/mir1k/vocal, POP909 into src/pop909 and "
        "install the extra 'studio'.",
        licence=_LICENCE,
        commercial="unstated",
        grouping="singer; the song is of the same split; one soundfont is held out for testing",
        items=synthetic_items,
        maker=lambda home: partial(sing_melody, voices=home / "src" / "mir1k" / "vocal"),
        min_seconds=8.0,
        source="mir1k",
        packages=PACKAGES,
        programs=("fluidsynth",),
    )
)
COLLECTIONS.register(
    replace(
        _OTHER,
        name="sung_more",
        description="MIR-1K: each voice of the singers to train on over two more backings, as "
        "in sung_other; labels: melody",
        grouping="singer; all for training",
        items=more_items("sung_more", ("first", "second")),
    )
)
COLLECTIONS.register(
    replace(
        _OTHER,
        name="sung_disguised",
        description="MIR-1K: each voice of the singers to train on with two other timbres: "
        "moved formants and pitch, vibrato, breath, distortion; over backings as in "
        "sung_other; labels: melody",
        grouping="singer; all for training",
        items=more_items("sung_disguised", ("first", "second")),
        maker=lambda home: partial(
            sing_over_other,
            music=home / "corpus" / "debian",
            songs_of=pop909.songs_by_split(home / "src" / "pop909"),
            change=transformed,
        ),
    )
)
