"""Random changes of training examples that leave their labels true, or move them along.

What may be changed, and how much, is a recipe's `mirzoo.recipe.Augmentation`; `CHANGES` gives each
change a name and a usual strength, and `chosen_changes` makes settings of names. Taggers learn from
waveforms, which `AlteredWaveforms` changes in the graph; chord and melody models from cached
magnitudes (`alter_magnitudes`), transposed together with their labels. `MaskedFeatures` hides parts
of the features of either in the graph, and `mix_up` mixes examples of taggers with their targets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from mirzoo.dsp.transposition import transpose, transpose_spectrum
from mirzoo.errors import DataError
from mirzoo.recipe import Augmentation

EQUALISER_BANDS = 9
EQUALISER_DB = 8.0
NOISE_DB = (-75.0, -35.0)
STRONGEST_TILT = 0.7
WAVEFORM_NOISE_DB = (-60.0, -30.0)
LOW_CUT = (0.002, 0.04)
HIGH_CUT = (0.35, 1.0)
"""Where bands end, as shares of half the sample rate."""

LOW_CUT_ORDER, HIGH_CUT_ORDER = 2, 12
SILENCE_DB = (-90.0, -63.0)
SILENCE_IS_DIGITAL = 0.3
"""How often silence has no noise at all."""

MASKS = 2
NO_CHANGES = "none"

TRANSPOSE = "transpose"
USUAL_TRANSPOSITION = (-5, 6)
"""Semitones: every key once."""


__all__ = [
    "CHANGES",
    "AlteredWaveforms",
    "Change",
    "MaskedFeatures",
    "alter",
    "alter_magnitudes",
    "chosen_changes",
    "fall_silent",
    "masked",
    "mix_up",
    "transpose",
    "transpose_spectrum",
    "usual_strengths",
]


@dataclass(frozen=True)
class Change:
    """A change that can be asked for by name.

    Parameters
    ----------
    settings : dict of str to Any
        The settings of `Augmentation` that are its strength, with their usual values.
    taggers, frames : bool
        Whether it serves models with one result a clip, and those with one a frame.
    why_not : str
        Why not the others.
    """

    settings: dict[str, Any]
    taggers: bool = True
    frames: bool = True
    why_not: str = ""


CHANGES: dict[str, Change] = {
    "gain": Change({"gain_db": (-9.0, 3.0)}),
    "noise": Change({"noise_probability": 0.5}),
    "filter": Change({"equaliser_probability": 0.8}),
    "mask": Change({"mask_frames": 0.15, "mask_bins": 0.15}),
    "shift": Change(
        {"shift": 0.1},
        frames=False,
        why_not="models with a result for each frame learn from stretches that begin anywhere, "
        "without it",
    ),
    "band": Change(
        {"band_probability": 0.3},
        frames=False,
        why_not="of features the change 'filter' weakens the lowest and highest bins too",
    ),
    "tempo": Change(
        {"tempo": (0.8, 1.25)},
        taggers=False,
        why_not="of a tagger's waveform the tempo is not changed",
    ),
    "mixup": Change(
        {"mixup": 0.2}, frames=False, why_not="of two songs at once no chord or melody is true"
    ),
    TRANSPOSE: Change(
        {}, taggers=False, why_not="the pitch of an instrument or a voice is part of its tags"
    ),
}


def chosen_changes(
    wanted: str | Sequence[str] | Augmentation, usual: Augmentation, *, framewise: bool
) -> tuple[Augmentation, bool | None]:
    """Make settings of the names of changes.

    Parameters
    ----------
    wanted : str, sequence of str or Augmentation
        Names of `CHANGES`, in one text with commas between them or several; ``"none"`` for none.
        Settings are taken as they are.
    usual : Augmentation
        Where it has a change, that is its strength.
    framewise : bool
        Of what the changes are: of a model with a result for each frame.

    Returns
    -------
    Augmentation
    bool or None
        Whether examples are transposed; None where settings were given, which do not tell.

    Raises
    ------
    DataError
        If there is no such change, or not for such models.

    Examples
    --------
    >>> chosen_changes("gain,mixup", Augmentation(gain_db=(-3, 3)), framewise=False)[0]
    ... # doctest: +NORMALIZE_WHITESPACE
    Augmentation(gain_db=(-3.0, 3.0), noise_probability=0.0, noise_db=None,
        equaliser_probability=0.0, shift=0.0, mixup=0.2, band_probability=0.0,
        silence_probability=0.0, mask_frames=0.0, mask_bins=0.0, tempo=(1.0, 1.0))
    """
    if isinstance(wanted, Augmentation):
        _require_suiting(wanted, framewise)
        return wanted, None
    listed = wanted.split(",") if isinstance(wanted, str) else wanted
    if not (isinstance(listed, Iterable) and all(isinstance(name, str) for name in listed)):
        raise DataError(f"augmentation is {wanted!r}; allowed are names of changes, or settings")
    names = [name.strip() for name in listed if name.strip()]
    if NO_CHANGES in names and set(names) != {NO_CHANGES}:
        raise DataError(f"augmentation is {wanted!r}; '{NO_CHANGES}' goes with no other change")
    names = [name for name in names if name != NO_CHANGES]
    settings: dict[str, Any] = {"noise_db": usual.noise_db}
    for name in names:
        if name not in CHANGES:
            raise DataError(
                f"augmentation names '{name}'; allowed are {', '.join(CHANGES)} and {NO_CHANGES}"
            )
        change = CHANGES[name]
        _require_suitable(name, framewise)
        for key, value in change.settings.items():
            own = getattr(usual, key)
            settings[key] = value if own == Augmentation.model_fields[key].default else own
    return Augmentation(**settings), TRANSPOSE in names


def _require_suiting(settings: Augmentation, framewise: bool) -> None:
    if settings.silence_probability:
        raise DataError(
            f"silence_probability is {settings.silence_probability:g}, but it is for taggers that "
            "learn from teachers; with labels of your own allowed is 0"
        )
    for name, change in CHANGES.items():
        for key in change.settings:
            if getattr(settings, key) != Augmentation.model_fields[key].default:
                _require_suitable(name, framewise)


def _require_suitable(name: str, framewise: bool) -> None:
    change = CHANGES[name]
    if not (change.frames if framewise else change.taggers):
        others = "chords and melodies" if framewise else "taggers"
        raise DataError(f"the change '{name}' is not for {others}: {change.why_not}; leave it out")


def usual_strengths(names: Sequence[str]) -> dict[str, Any]:
    """The settings of some changes at their usual strength."""
    return {key: value for name in names for key, value in CHANGES[name].settings.items()}


@keras.saving.register_keras_serializable(package="mirzoo")
class AlteredWaveforms(keras.layers.Layer):
    """Change level, polarity, spectrum, noise floor and beginning at random; the music stays.

    It does so in training alone. Waveforms are float32 ``(batch, samples)``. The tilt is ``y[n] =
    x[n] - a x[n - 1]`` with ``a`` in ±`STRONGEST_TILT`. A band has the magnitudes of Butterworth
    filters of orders `LOW_CUT_ORDER` and `HIGH_CUT_ORDER` and no phase, its ends in `LOW_CUT` and
    `HIGH_CUT`, each on a logarithmic scale. The noise is white, by default
    `WAVEFORM_NOISE_DB` below full scale; what a shift leaves empty is silent.

    Parameters
    ----------
    augmentation : Augmentation
    seed : int
    """

    def __init__(
        self, augmentation: Augmentation | dict[str, Any], seed: int = 0, **options: Any
    ) -> None:
        super().__init__(**{**options, "dtype": "float32"})
        self._augmentation = Augmentation.model_validate(augmentation)
        self._seed = seed
        self._random = keras.random.SeedGenerator(seed)

    def get_config(self) -> dict[str, Any]:
        """The settings and the seed."""
        settings = self._augmentation.model_dump(mode="json")
        return {**super().get_config(), "augmentation": settings, "seed": self._seed}

    def call(self, waveforms: Any, training: bool = False) -> Any:
        """Give changed waveforms, or the same ones where nothing learns."""
        return self.altered(waveforms) if training else waveforms

    def altered(self, waveforms: Any) -> Any:
        """Give changed waveforms."""
        settings = self._augmentation
        count, samples = ops.shape(waveforms)[0], ops.shape(waveforms)[1]

        def drawn(low: float, high: float) -> Any:
            return keras.random.uniform((count, 1), low, high, seed=self._random)

        def some(probability: float) -> Any:
            return ops.cast(drawn(0.0, 1.0) < probability, "float32")

        gain = 10 ** (drawn(*settings.gain_db) / 20) * (1 - 2 * some(0.5))
        altered = waveforms
        if settings.equaliser_probability:
            tilt = drawn(-STRONGEST_TILT, STRONGEST_TILT) * some(settings.equaliser_probability)
            before = ops.pad(waveforms[:, :-1], ((0, 0), (1, 0)))
            altered = altered - tilt * before
        if settings.band_probability:
            narrowed = some(settings.band_probability)
            low, high = (
                ops.exp(drawn(math.log(least), math.log(most)))
                for least, most in (LOW_CUT, HIGH_CUT)
            )
            altered = narrowed * _in_band(altered, low, high) + (1 - narrowed) * altered
        altered = altered * gain
        if settings.noise_probability:
            level = 10 ** (drawn(*(settings.noise_db or WAVEFORM_NOISE_DB)) / 20)
            level = level * some(settings.noise_probability)
            white = keras.random.normal((count, samples), seed=self._random)
            altered = altered + level * white
        if settings.shift:
            by = ops.cast(drawn(-settings.shift, settings.shift) * ops.cast(samples, "float32"),
                          "int32")  # fmt: skip
            source = ops.arange(samples)[None] - by
            inside = ops.cast((source >= 0) & (source < samples), "float32")
            taken = ops.take_along_axis(altered, ops.clip(source, 0, samples - 1), axis=1)
            altered = taken * inside
        return altered

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape


@keras.saving.register_keras_serializable(package="mirzoo")
class MaskedFeatures(keras.layers.Layer):
    """Set stretches of frames and of bins to the mean of a clip's features: SpecAugment.

    It does so in training alone. Features are ``(batch, frames, bins, channels)``; each of
    `MASKS` masks along an axis covers up to a share of it.

    Parameters
    ----------
    frames, bins : float
        The largest shares.
    seed : int

    References
    ----------
    Park et al., "SpecAugment: A simple data augmentation method for automatic speech recognition",
    Interspeech 2019, arXiv:1904.08779, without the warping of time.
    """

    def __init__(self, frames: float, bins: float, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self._shares = {1: frames, 2: bins}
        self._seed = seed
        self._random = keras.random.SeedGenerator(seed)

    def get_config(self) -> dict[str, Any]:
        """The shares and the seed."""
        frames, bins = self._shares.values()
        return {**super().get_config(), "frames": frames, "bins": bins, "seed": self._seed}

    def call(self, features: Any, training: bool = False) -> Any:
        """Give masked features, or the same ones where nothing learns."""
        if not training:
            return features
        shape = ops.shape(features)
        mean = ops.mean(features, axis=(1, 2), keepdims=True)
        for axis, share in self._shares.items():
            for _ in range(MASKS if share else 0):
                size = ops.cast(shape[axis], "float32")
                width = size * keras.random.uniform((shape[0], 1), 0.0, share, seed=self._random)
                start = keras.random.uniform((shape[0], 1), seed=self._random) * (size - width)
                place = ops.arange(shape[axis], dtype="float32")[None]
                hidden = (place >= start) & (place < start + width)
                hidden = hidden[:, :, None, None] if axis == 1 else hidden[:, None, :, None]
                features = ops.where(hidden, mean, features)
        return features

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape stays."""
        return input_shape


def masked(augmentation: Augmentation, features: Any, seed: int) -> Any:
    """Put `MaskedFeatures` behind features where settings ask for it."""
    if not (augmentation.mask_frames or augmentation.mask_bins):
        return features
    layer = MaskedFeatures(augmentation.mask_frames, augmentation.mask_bins, seed)
    return layer(features)


def alter(
    waveforms: np.ndarray, augmentation: Augmentation, rng: np.random.Generator
) -> np.ndarray:
    """Change waveforms, float32 ``(batch, samples)``, as `AlteredWaveforms` does in a graph."""
    layer = AlteredWaveforms(augmentation, int(rng.integers(2**31)))
    return np.asarray(layer.altered(ops.convert_to_tensor(waveforms)))


def _in_band(waveforms: Any, low: Any, high: Any) -> Any:
    """Cut off what lies outside a band for each waveform; its ends are shares of half the rate."""
    samples = waveforms.shape[1] or ops.shape(waveforms)[1]
    real, imaginary = ops.rfft(waveforms)
    place = ops.arange(ops.shape(real)[1], dtype="float32")[None] * 2.0 / samples
    place = ops.maximum(place, 1e-6)  # the offset goes, without a division by 0
    below = 1.0 + (low / place) ** (2 * LOW_CUT_ORDER)
    above = 1.0 + (place / high) ** (2 * HIGH_CUT_ORDER)
    gain = ops.rsqrt(below) * ops.rsqrt(above)
    return ops.irfft((real * gain, imaginary * gain), fft_length=samples)


def fall_silent(
    waveforms: np.ndarray,
    targets: dict[str, np.ndarray],
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Replace some examples by silence, and their targets by 0.

    Silence is digital or noise, white or weaker by 3 or 6 dB an octave, of `SILENCE_DB`.

    Parameters
    ----------
    waveforms : np.ndarray
        Float32 ``(batch, samples)``.
    targets : dict of str to np.ndarray
        Float ``(batch, size)`` each.
    augmentation : Augmentation
        Its ``silence_probability`` is how often; 0 changes nothing.
    rng : np.random.Generator
    """
    if not augmentation.silence_probability:
        return waveforms, targets
    silent = np.flatnonzero(rng.random(len(waveforms)) < augmentation.silence_probability)
    waveforms = waveforms.copy()
    samples = waveforms.shape[1]
    for row in silent:
        level = 10 ** (rng.uniform(*SILENCE_DB) / 20) * (rng.random() >= SILENCE_IS_DIGITAL)
        spectrum = np.fft.rfft(rng.standard_normal(samples))
        noise = np.fft.irfft(
            spectrum / np.arange(1, len(spectrum) + 1) ** rng.choice([0, 0.5, 1]), samples
        )
        waveforms[row] = level * noise / np.std(noise)
    changed = {name: rows.copy() for name, rows in targets.items()}
    for rows in changed.values():
        rows[silent] = 0
    return waveforms, changed


def mix_up(
    waveforms: np.ndarray,
    targets: dict[str, np.ndarray],
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Mix each example, and its targets, with another one of the batch.

    Parameters
    ----------
    waveforms : np.ndarray
        Float32 ``(batch, samples)``.
    targets : dict of str to np.ndarray
        Float ``(batch, size)`` each.
    augmentation : Augmentation
        Its ``mixup`` is the parameter of the distribution of shares; 0 changes nothing.
    rng : np.random.Generator
    """
    if not augmentation.mixup:
        return waveforms, targets
    count = len(waveforms)
    share = rng.beta(augmentation.mixup, augmentation.mixup, (count, 1)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = rng.permutation(count)

    def mixed(rows: np.ndarray) -> np.ndarray:
        return share * rows + (1 - share) * rows[other]

    return mixed(waveforms), {name: mixed(rows) for name, rows in targets.items()}


def alter_magnitudes(
    magnitudes: np.ndarray,
    augmentation: Augmentation,
    rng: np.random.Generator,
    frequencies: np.ndarray,
) -> np.ndarray:
    """Change noise floor, equalisation and level of clips at random, in this order.

    Noise is added as to a spectrum whose phase isn't known: two normal parts in each bin, each
    `NOISE_DB` strong by default.

    Parameters
    ----------
    magnitudes : np.ndarray
        Float32 ``(batch, frames, bins, channels)``.
    augmentation : Augmentation
        The range of gains (dB), how often a clip is equalised or gets noise, and how loud.
    rng : np.random.Generator
    frequencies : np.ndarray
        Of each bin and channel, ``(bins, channels)`` (Hz): a gain belongs to a frequency, so
        channels that stand for the same frequency are changed alike.

    Returns
    -------
    np.ndarray
        Float32, of the same shape.
    """
    batch = len(magnitudes)
    altered = magnitudes.copy()
    for clip in np.flatnonzero(rng.random(batch) < augmentation.noise_probability):
        level = np.float32(10 ** (rng.uniform(*(augmentation.noise_db or NOISE_DB)) / 20))
        noise = level * rng.standard_normal((2, *altered[clip].shape), dtype=np.float32)
        altered[clip] = np.hypot(altered[clip] + noise[0], noise[1])
    gain_db = np.broadcast_to(
        rng.uniform(*augmentation.gain_db, batch)[:, None, None], (batch, *frequencies.shape)
    ).copy()
    height = np.log(frequencies / frequencies.min()) / np.log(
        max(frequencies.max() / frequencies.min(), 1.001)
    )
    for clip in np.flatnonzero(rng.random(batch) < augmentation.equaliser_probability):
        bands = rng.uniform(-EQUALISER_DB, EQUALISER_DB, EQUALISER_BANDS)
        gain_db[clip] += np.interp(height, np.linspace(0, 1, EQUALISER_BANDS), bands)
    altered *= np.float32(10) ** (gain_db[:, None].astype(np.float32) / 20)
    return altered
