"""The bundled clip is short, small, and what its notes say."""

import shutil

import numpy as np
import pytest
import soundfile

from mirzoo import audio
from mirzoo.studio import _demo_clip as make_clip
from mirzoo.studio.score.midi import Part
from mirzoo.studio.sound.render import synthesise


def test_the_clip_is_short_and_small(demo_clip):
    assert demo_clip == make_clip.CLIP
    assert demo_clip.stat().st_size < 200_000
    info = soundfile.info(demo_clip)
    assert 19 < info.duration < 21
    waveform = audio.read(demo_clip, 16000)
    assert 0.05 < np.sqrt(np.mean(waveform**2)) < 0.2
    assert np.abs(waveform).max() <= 1


def test_the_melody_follows_the_chords():
    for phrase, chord in zip(make_clip.MELODY, make_clip.CHORDS, strict=True):
        assert sum(beats for _, beats in phrase) == make_clip.BAR_BEATS
        names = {name[:-1] for name in chord}
        chord_beats = sum(beats for name, beats in phrase if name[:-1] in names)
        assert chord_beats >= make_clip.BAR_BEATS / 2


@pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not make_clip.SOUNDFONT.exists(),
    reason="fluidsynth or the soundfont FluidR3 GM is not installed",
)
def test_the_clip_holds_the_flute_that_the_notes_write(demo_clip):
    clip = audio.read(demo_clip, 16000)
    flute = synthesise([Part(make_clip.flute(), make_clip.FLUTE)], make_clip.SOUNDFONT, reverb=0)
    frames = [int(note.start_s * 16000) + 1600 for note in make_clip.flute()]
    for note, start in zip(make_clip.flute(), frames, strict=True):
        spectra = [
            np.abs(np.fft.rfft(wave[start : start + 2048] * np.hanning(2048), 1 << 14))
            for wave in (clip, flute)
        ]
        hz = 440 * 2 ** ((note.pitch - 69) / 12)
        near = slice(round((hz - 15) * (1 << 14) / 16000), round((hz + 15) * (1 << 14) / 16000))
        for spectrum in spectra:
            assert spectrum[near].max() > 0.03 * spectrum.max()
