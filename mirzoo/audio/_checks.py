"""What is odd about a recording's samples: too loud, offset, cancelling channels, silent.

The thresholds are stated here once. What passes without a word: mp3s that peak at 1.5, float mixes
at +12 dB, stereo that is nearly mono, an offset of -60 dB.
"""

from __future__ import annotations

import numpy as np

from mirzoo.errors import AudioError

INTEGER_PEAK = 64.0  # +36 dB: floats this large are integers that nobody scaled
LOUD_PEAK = 8.0  # +18 dB above full scale
OFFSET = 0.01  # -40 dB: no music has such a mean
SILENT_PEAK = 1e-3  # -60 dB
CANCELLED_DB = -15.0  # the mean of the channels against the channels; unrelated ones lose 3 dB


class Levels:
    """Collects the levels of a recording block by block.

    Parameters
    ----------
    name : str
        The recording, for messages.
    is_float : bool
        Whether its samples are floats, which may lie beyond [-1, 1].
    """

    def __init__(self, name: str, *, is_float: bool) -> None:
        self._name = name
        self._is_float = is_float
        self._samples = 0
        self._peak = 0.0
        self._sum = 0.0
        self._energy = 0.0
        self._channels_energy = 0.0

    def add(self, block: np.ndarray, mono: np.ndarray, rate: float) -> None:
        """Take the next block, ``(frames, channels)``, and what was made of it, ``(frames,)``.

        Raises
        ------
        AudioError
            Where a sample is not finite, or the samples are integers in the guise of floats.
        """
        if not len(mono):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            energy = float(np.dot(mono, mono))
        if not np.isfinite(energy) and not np.isfinite(mono).all():
            raise AudioError(
                f"{self._name} holds NaN or infinite samples (first seen after "
                f"{self._samples / rate:.1f} s); every sample must be a finite number"
            )
        peak = max(float(mono.max()), -float(mono.min()))
        if self._is_float and peak >= INTEGER_PEAK:
            raise AudioError(
                f"{self._name} has samples up to {peak:,.0f}, but floats are taken for a waveform "
                "in [-1, 1]; are they 16-bit integers? Divide them by 32768, or give them as int16"
            )
        self._peak = max(self._peak, peak)
        self._samples += len(mono)
        self._sum += float(mono.sum(dtype=np.float64))
        self._energy += energy
        if block.shape[1] > 1:
            flat = block.reshape(-1)
            with np.errstate(over="ignore"):
                self._channels_energy += float(np.dot(flat, flat)) / block.shape[1]
        else:
            self._channels_energy += energy

    def warnings(self, channel: str) -> list[str]:
        """What is odd about the whole recording, a sentence each."""
        found: list[str] = []
        if self._samples == 0:
            return found
        if self._channels_energy > 0:
            lost = 10 * np.log10(max(self._energy / self._channels_energy, 1e-12))
            if lost <= CANCELLED_DB:
                found.append(
                    f"its channels cancel each other: their mean ({channel!r}) is {-lost:.0f} dB "
                    "quieter than they are; take one of them with channel='left' or 'right' "
                    "(--channel left)"
                )
        if self._peak < SILENT_PEAK:
            level = "digital silence" if self._peak == 0 else f"at most {_db(self._peak):.0f} dBFS"
            found.append(f"it is silent ({level}): what is found in it means nothing")
            return found
        if self._peak > LOUD_PEAK:
            found.append(
                f"its samples reach {self._peak:.1f} (+{_db(self._peak):.0f} dBFS); a waveform "
                "lies in [-1, 1]: is its scale right?"
            )
        offset = self._sum / self._samples
        if abs(offset) >= OFFSET:
            found.append(
                f"its samples have a constant offset of {offset:+.3f} ({_db(abs(offset)):.0f} "
                "dBFS), which no music has: subtract their mean"
            )
        return found


def _db(amplitude: float) -> float:
    return 20 * float(np.log10(amplitude))
