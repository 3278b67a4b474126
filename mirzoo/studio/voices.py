"""Real voices with their f0, over their own music, over other music, and on other melodies.

Makers for `mirzoo.data.corpus.prepare`, for solo voices whose accompaniment lies under the same
name in the folder ``accompaniment`` beside theirs (MIR-1K's layout).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import signal

from mirzoo import audio
from mirzoo.data.corpus import F0_HOP, SAMPLE_RATE, Item, item_rng
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.studio import effects, guitar_bands, leads, mixes, renditions, songs, stems
from mirzoo.studio.stems import Studio
from mirzoo.studio.tracking import LOWEST_HZ, loudness_db, need, track_voice

OWN_DB, RENDERED_DB, OTHER_DB = (-5.0, 10.0), (-5.0, 10.0), (3.0, 12.0)
WORLD_PERIOD_S = 0.005
LONGEST_PAUSE_S = 0.2
SYNTHETIC_S = (12.0, 25.0)
CHOIR_VOICE = 52
THROATS = (0.82, 1.22)
BREATH = (0.4, 2.0)
VIBRATO_HZ, VIBRATO_SEMITONES = (4.5, 7.0), (0.15, 1.0)
ATTEMPTS = 10


def sing_over_own(item: Item) -> tuple[np.ndarray, Labels]:
    """A voice over its own accompaniment; the item's name says how.

    ``own/…`` is -5 to 10 dB above it and goes through effects, ``level/…`` has exactly as much
    energy and no effects, ``without/…`` is the accompaniment alone.
    """
    rng = item_rng(item)
    voice = audio.read(item.path, SAMPLE_RATE)
    path = Path(item.path)
    music = audio.read(path.parent.parent / "accompaniment" / path.name, SAMPLE_RATE)
    music = np.pad(music, (0, max(0, len(voice) - len(music))))[: len(voice)]
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
    mixed = sum(
        part / max(float(np.sqrt(np.mean(np.square(part)))), 1e-9) for part in (voice, music)
    )
    return effects.level(mixed, -18.0)


def _in_a_room(voice: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.3:
        voice = effects.equalise(voice, rng)
    if rng.random() < 0.3:
        voice = effects.compress(voice, rng)
    return effects.reverberate(voice, rng) if rng.random() < 0.6 else voice


def moved(voice: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The voice as it is, played faster or slower, or moved by WORLD; and its f0."""
    f0 = track_voice(voice)
    drawn = rng.random()
    if drawn < 0.25:
        return voice, f0
    if drawn < 0.65:
        return shift_by_speed(voice, f0, rng.uniform(-3, 3))
    return shift_by_world(voice, f0, rng.uniform(-4, 4))


def disguised(voice: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What another throat would have sung, up to 7 semitones away; and its f0.

    Formants move apart from the pitch; some voices get vibrato, more or less breath, or are driven
    until they distort.
    """
    f0 = track_voice(voice)
    semitones = np.full(len(f0), rng.uniform(-7, 7))
    if rng.random() < 0.4:
        phase = 2 * np.pi * rng.uniform(*VIBRATO_HZ) * np.arange(len(f0)) / F0_RATE
        semitones += rng.uniform(*VIBRATO_SEMITONES) * np.sin(phase + rng.uniform(0, 2 * np.pi))
    throat = float(np.exp(rng.uniform(*np.log(THROATS))))
    breath = float(np.exp(rng.uniform(*np.log(BREATH)))) if rng.random() < 0.5 else 1.0
    voice, f0 = shift_by_world(voice, f0, semitones, throat=throat, breath=breath)
    if rng.random() < 0.15:
        voice = effects.drive(voice, rng.uniform(3, 25))
    return voice, f0


def sing_over_other(
    item: Item,
    *,
    songs_of: Mapping[str, Sequence[str]],
    music: Path,
    change: Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]] = moved,
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
        backing = mixes.stretch_of(mixes.opened(music), len(voice), item.split, rng)
        mixed = effects.mix(voice, backing, rng.uniform(*OTHER_DB))
    return effects.produce(mixed, rng), Labels(f0=f0)


def sing_over_band(
    item: Item, *, songs_of: Mapping[str, Sequence[str]], samples: Path
) -> tuple[np.ndarray, Labels]:
    """A voice, moved or disguised, over a guitar band that plays a song of the item's split.

    ``samples`` is the folder of Philharmonia's instruments (`mirzoo.studio.guitar_bands`).
    """
    rng = item_rng(item)
    voice, f0 = _changed(item, disguised if rng.random() < 0.5 else moved, rng)
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
    path = Path(paths[rng.integers(len(paths))])
    return renditions.draw_stretch(songs.read(path), samples / SAMPLE_RATE + 0.1, rng)


def _as_long(stem: np.ndarray, samples: int) -> np.ndarray:
    """A stem with silence behind it, or cut."""
    return np.pad(stem, (0, max(0, samples - len(stem))))[:samples]


def shift_by_speed(
    voice: np.ndarray, f0: np.ndarray, semitones: float
) -> tuple[np.ndarray, np.ndarray]:
    """Play a voice faster and so higher, or slower and lower; formants and timing go along."""
    rounded = round(2 ** (semitones / 12) * 100)
    faster = signal.resample_poly(voice, 100, rounded).astype(np.float32)
    ratio = rounded / 100
    frames = len(faster) // F0_HOP
    nearest = np.round(np.arange(frames) * ratio).astype(int)
    return faster, f0[np.minimum(nearest, len(f0) - 1)] * np.float32(ratio)


def shift_by_world(
    voice: np.ndarray,
    f0: np.ndarray,
    semitones: float | np.ndarray,
    *,
    throat: float = 1.0,
    breath: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Move a voice's pitch with WORLD, by the same everywhere or by frames of the f0; timing stays.

    The formants are multiplied by ``throat``; ``breath`` below 1 makes the voice breathier, above
    1 purer.
    """
    ratio = np.broadcast_to(2 ** (np.asarray(semitones) / 12), f0.shape)
    analysed = analyse(voice)
    times = np.arange(len(analysed.f0)) * WORLD_PERIOD_S
    sung = replace(
        analysed.with_formants(throat) if throat != 1.0 else analysed,
        f0=analysed.f0 * np.interp(times * F0_RATE, np.arange(len(f0)), ratio),
    )
    sung = replace(sung, aperiodicity=sung.aperiodicity**breath).synthesise()
    sung = np.pad(sung, (0, max(0, len(voice) - len(sung))))[: len(voice)]
    return sung, (f0 * ratio).astype(np.float32)


@dataclass(frozen=True)
class Analysed:
    """A voice as WORLD sees it, a frame every 5 ms.

    ``f0`` is float64 ``(frames,)`` in Hz, 0 where unvoiced; ``envelope`` and ``aperiodicity`` are
    float64 ``(frames, bins)``.
    """

    f0: np.ndarray
    envelope: np.ndarray
    aperiodicity: np.ndarray

    def frames(self, chosen: np.ndarray) -> Analysed:
        """The frames chosen by index or mask."""
        return Analysed(self.f0[chosen], self.envelope[chosen], self.aperiodicity[chosen])

    def with_formants(self, scale: float) -> Analysed:
        """The same in a throat whose resonances lie ``scale`` times as high."""
        bins = self.envelope.shape[1]
        source = np.minimum(np.arange(bins) / scale, bins - 1)
        below = np.minimum(source.astype(int), bins - 2)
        part = source - below

        def stretched(frames: np.ndarray) -> np.ndarray:
            return (1 - part) * frames[:, below] + part * frames[:, below + 1]

        return replace(
            self,
            envelope=np.exp(stretched(np.log(self.envelope))),
            aperiodicity=stretched(self.aperiodicity),
        )

    def synthesise(self) -> np.ndarray:
        """The waveform, float32 ``(samples,)`` at 16 kHz."""
        return (
            need("pyworld")
            .synthesize(
                self.f0,
                np.ascontiguousarray(self.envelope),
                np.ascontiguousarray(self.aperiodicity),
                SAMPLE_RATE,
                1000 * WORLD_PERIOD_S,
            )
            .astype(np.float32)
        )


def analyse(voice: np.ndarray) -> Analysed:
    """Analyse a voice, float32 ``(samples,)`` at 16 kHz."""
    pyworld = need("pyworld")
    samples = voice.astype(np.float64)
    coarse, times = pyworld.dio(
        samples, SAMPLE_RATE, f0_floor=LOWEST_HZ, frame_period=1000 * WORLD_PERIOD_S
    )
    f0 = pyworld.stonemask(samples, coarse, times, SAMPLE_RATE)
    return Analysed(
        f0,
        pyworld.cheaptrick(samples, f0, times, SAMPLE_RATE),
        pyworld.d4c(samples, f0, times, SAMPLE_RATE),
    )


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
    """Which frames to keep: all but what is longer than `LONGEST_PAUSE_S` without voice."""
    kept = np.ones(len(voiced), bool)
    longest = round(LONGEST_PAUSE_S / WORLD_PERIOD_S)
    since = 0
    for place, sounds in enumerate(voiced):
        since = 0 if sounds else since + 1
        kept[place] = since <= longest
    return kept


def _for_voice(song: songs.Song, median_hz: float) -> list[songs.Note]:
    """The melody, moved by octaves to where the singer is at home."""
    if not song.melody:
        return []
    home = 69 + 12 * np.log2(median_hz / 440)
    middle = np.median([note.pitch for note in song.melody])
    octaves = 12 * round((home - middle) / 12)
    return [replace(note, pitch=int(note.pitch + octaves)) for note in song.melody]


def _on_contour(
    source: Analysed, lead: leads.Lead, seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sing a lead's contour with a source's sounds; silent between the notes."""
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
    heard = loud_db > loud_db.max() - 40
    f0 = np.where(sounding, np.interp(frame_times, times, contour), 0.0)
    return voice, np.where(sounding & ~heard, np.nan, f0).astype(np.float32)
