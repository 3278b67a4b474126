"""Voices over their own music and over other music."""

import numpy as np
import pytest
import soundfile

from mirzoo.data.corpus import SAMPLE_RATE, Item, prepare
from mirzoo.errors import DataError
from mirzoo.studio import mir1k


def make_tone(item):
    return (
        0.3 * np.sin(2 * np.pi * float(item.path) * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE)
    ).astype(np.float32)


def test_a_voice_is_mixed_over_its_own_or_other_music_of_its_split(tmp_path):
    for kind, hz in (("vocal", 300), ("accompaniment", 1000)):
        (tmp_path / kind).mkdir()
        tone = make_tone(Item("", "", "", str(hz), ""))[:32000]
        soundfile.write(tmp_path / kind / "amy_1.wav", tone, SAMPLE_RATE)
    backing = prepare(
        [Item("a", "d", "a", "2000", "train"), Item("b", "d", "b", "3000", "valid")],
        tmp_path / "backing",
        make=make_tone,
        min_seconds=1,
        processes=1,
    )
    voice = str(tmp_path / "vocal" / "amy_1.wav")
    for name, split, music_hz in (
        ("own/amy_1", "train", 1000), ("other/amy_1", "train", 2000),
        ("other/amy_1", "valid", 3000),
    ):  # fmt: skip
        mix = mir1k.sing(Item(name, "mir1k", "amy", voice, split), backing=backing.directory)
        assert len(mix) == 32000
        spectrum = np.abs(np.fft.rfft(mix * np.hanning(len(mix))))
        peaks = {hz: spectrum[hz * 2 - 2 : hz * 2 + 3].max() for hz in (300, 1000, 2000, 3000)}
        ratio_db = 20 * np.log10(peaks[300] / peaks[music_hz])
        assert mir1k.VOICE_DB[0] - 0.5 < ratio_db < mir1k.VOICE_DB[1] + 0.5
        assert all(peaks[hz] < 0.01 * peaks[300] for hz in peaks if hz not in (300, music_hz))
    with pytest.raises(DataError, match="split 'test'"):
        mir1k.sing(Item("other/x", "mir1k", "amy", voice, "test"), backing=backing.directory)
