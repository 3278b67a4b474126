"""A voice made of partials."""

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE


def sung(hz, seconds=2.0, pause=(0.9, 1.2)):
    """A voice-like tone (harmonics under two formants) with a pause."""
    time_s = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    contour = hz * 2 ** (0.3 * np.sin(2 * np.pi * 5 * time_s) / 12)
    phase = 2 * np.pi * np.cumsum(contour) / SAMPLE_RATE
    wave = sum(
        np.sin(k * phase) * (1 / (1 + ((k * hz - 700) / 200) ** 2) + 0.3 / k) for k in range(1, 12)
    )
    silent = (time_s >= pause[0]) & (time_s < pause[1])
    noise = np.random.default_rng(0).standard_normal(len(wave)) * 1e-4
    return (0.2 * wave * ~silent + noise).astype(np.float32), contour[::160]
