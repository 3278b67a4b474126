"""Arrangements as fluidsynth plays them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.errors import DataError
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.sound import render

SOUNDFONTS = [
    Path(folder, name)
    for folder in render.SOUNDFONT_FOLDERS
    for name in ("TimGM6mb.sf2", "FluidR3_GM.sf2")
    if Path(folder, name).exists()
]


needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not SOUNDFONTS,
    reason="fluidsynth, or a soundfont for it, is not installed",
)


def pitch_at(waveform, start_s, length_s=0.3):
    """The strongest frequency (Hz) in a stretch of a waveform at 16 kHz."""
    start = int(start_s * SAMPLE_RATE)
    stretch = waveform[start : start + int(length_s * SAMPLE_RATE)]
    spectrum = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch)), 1 << 16))
    return np.argmax(spectrum) * SAMPLE_RATE / (1 << 16)


@needs_fluidsynth
def test_synthesis_gives_the_notes_at_their_times_and_the_level_asked_for():
    notes = (MidiNote(0.0, 0.9, 69), MidiNote(1.0, 1.9, 81))
    waveform = render.synthesise([Part(notes, 79)], SOUNDFONTS[0], reverb=0, rms_db=-20)
    assert waveform.dtype == np.float32
    assert pitch_at(waveform, 0.3) == pytest.approx(440, rel=0.02)
    assert pitch_at(waveform, 1.3) == pytest.approx(880, rel=0.02)
    assert 20 * np.log10(np.sqrt(np.mean(waveform**2))) == pytest.approx(-20, abs=0.1)


@needs_fluidsynth
def test_a_rendered_item_is_the_same_each_time(pop909, monkeypatch):
    monkeypatch.setattr(render, "EXCERPT_S", 4.0)
    monkeypatch.setattr(render, "SOUNDFONT_WEIGHTS", {SOUNDFONTS[0].name: 1})
    first, again, other = (
        render.render_item(Item(name, "pop909", name, str(pop909), "train"))
        for name in ("a", "a", "b")
    )
    np.testing.assert_allclose(first, again, atol=1e-3)
    assert len(first) != len(other) or np.abs(first - other).max() > 0.05
    assert len(first) > 4 * SAMPLE_RATE
    assert 0.5 < np.abs(first).max() <= 1 or np.sqrt(np.mean(first**2)) > 0.1


def test_what_synthesis_lacks_is_named(monkeypatch):
    monkeypatch.setattr(render, "SOUNDFONT_FOLDERS", ("/nowhere",))
    with pytest.raises(DataError, match="fluid-soundfont-gm"):
        render.choose_soundfont(np.random.default_rng(0))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(DataError, match="fluidsynth is not installed"):
        render.synthesise([], Path("a.sf2"))
