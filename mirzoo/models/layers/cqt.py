"""Constant-Q, variable-Q and harmonic constant-Q transforms of a waveform.

The graph halves the waveform octave by octave, cuts each into frames and multiplies the frames
with one octave's kernels (`mirzoo.dsp.cqt`). Framing and halving are reshapes and matrix
products, so the layers export to LiteRT's builtin operations, and the kernels of a seven-octave
transform take some tens of kilobytes.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from mirzoo.dsp.cqt import Octave, Transform, plan_decimator, plan_transform
from mirzoo.dsp.wavelets import erb_gamma
from mirzoo.errors import RecipeError

SMALLEST_POWER = 1e-36
"""Powers below this count as this, which keeps the magnitude's gradient finite on silence."""


class _ConstantQ(keras.layers.Layer):
    """Magnitudes of transforms of one waveform, which share its halved versions.

    A subclass gives in ``_plan_transforms`` which transforms it takes, and in ``_arrange`` how
    their magnitudes, each ``(batch, frames, bins)``, become features.
    """

    def __init__(
        self,
        *,
        sample_rate: int,
        hop_length: int = 512,
        fmin: float = 32.70319566257483,
        n_bins: int = 84,
        bins_per_octave: int = 12,
        filter_scale: float = 1.0,
        sparsity: float = 0.0,
        gapless: bool = False,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.sample_rate = sample_rate
        self.hop_length = hop_length
        self.fmin = fmin
        self.n_bins = n_bins
        self.bins_per_octave = bins_per_octave
        self.filter_scale = filter_scale
        self.sparsity = sparsity
        self.gapless = gapless

    def build(self, input_shape):
        self._transforms = self._plan_transforms()
        self._decimator = plan_decimator(self._transforms)
        super().build(input_shape)

    def _plan_transform(self, *, fmin: float, n_bins: int, gamma: float = 0.0) -> Transform:
        return plan_transform(
            sample_rate=self.sample_rate,
            hop_length=self.hop_length,
            fmin=fmin,
            n_bins=n_bins,
            bins_per_octave=self.bins_per_octave,
            filter_scale=self.filter_scale,
            gamma=gamma,
            sparsity=self.sparsity,
            gapless=self.gapless,
        )

    def call(self, inputs):
        n_frames = 1 + _size(inputs, 1) // self.hop_length
        levels = self._halve(inputs)
        return self._arrange(
            [_magnitudes(levels, transform, n_frames) for transform in self._transforms]
        )

    def _halve(self, waveform: tf.Tensor) -> list[tf.Tensor]:
        deepest = max(octave.level for plan in self._transforms for octave in plan.octaves)
        matrix = tf.constant(self._decimator.matrix)
        levels = [waveform]
        for _ in range(deepest):
            n_samples = (_size(levels[-1], 1) + 1) // 2
            n_blocks = (2 * n_samples + self._decimator.hop - 1) // self._decimator.hop
            blocks = _frames(
                levels[-1],
                n_frames=n_blocks,
                frame_length=self._decimator.frame_length,
                hop_length=self._decimator.hop,
                centre=self._decimator.reach,
            )
            halved = tf.reshape(blocks @ matrix, [_size(waveform, 0), n_blocks * matrix.shape[1]])
            levels.append(halved[:, :n_samples])
        return levels

    def _frame_count(self, n_samples: int | None) -> int | None:
        return None if n_samples is None else 1 + n_samples // self.hop_length

    def get_config(self):
        return {
            **super().get_config(),
            "sample_rate": self.sample_rate,
            "hop_length": self.hop_length,
            "fmin": self.fmin,
            "n_bins": self.n_bins,
            "bins_per_octave": self.bins_per_octave,
            "filter_scale": self.filter_scale,
            "sparsity": self.sparsity,
            "gapless": self.gapless,
        }


@keras.saving.register_keras_serializable(package="mirzoo")
class CQT(_ConstantQ):
    """Magnitude of the constant-Q transform.

    Input ``(batch, samples)``, output ``(batch, frames, bins, 1)``. Frame ``k`` is centred at
    ``k * hop_length / sample_rate`` s, samples beyond the waveform count as zeros, and there are
    ``1 + samples // hop_length`` frames. Bin ``b`` lies at
    ``fmin * 2**(b / bins_per_octave)`` Hz.

    ``|librosa.cqt(y, sr=sample_rate, hop_length=hop_length, fmin=fmin, n_bins=n_bins,
    bins_per_octave=bins_per_octave, filter_scale=filter_scale, sparsity=sparsity)|``

    Parameters
    ----------
    sample_rate : int
        Hz.
    hop_length : int
        Samples from one frame to the next. It should be halvable
        ``n_bins / bins_per_octave - 1`` times; if it is not, low octaves are slow and their
        kernels long.
    fmin : float
        Frequency of the lowest bin (Hz).
    n_bins, bins_per_octave : int
        How many bins, and how many of them make an octave.
    filter_scale : float
        Below 1 for finer time, above 1 for finer frequency.
    sparsity : float
        Share of each kernel's spectrum that is left out, see
        `mirzoo.dsp.wavelets.sparse_wavelet_bank`; librosa's default is 0.01.
    gapless : bool
        Whether frames of octaves whose kernels are shorter than twice the hop are means over it,
        see `mirzoo.dsp.cqt.plan_transform`; librosa has no such thing.

    Raises
    ------
    RecipeError
        When it is built, if the highest band reaches above half the sample rate.

    References
    ----------
    Brown 1991, doi:10.1121/1.400476; Schörkhuber & Klapuri 2010. See `mirzoo.dsp.cqt`.

    Examples
    --------
    >>> import numpy as np
    >>> CQT(sample_rate=22050)(np.zeros((2, 22050), "float32")).shape
    TensorShape([2, 44, 84, 1])
    """

    def _plan_transforms(self):
        return (self._plan_transform(fmin=self.fmin, n_bins=self.n_bins),)

    def _arrange(self, magnitudes):
        return tf.expand_dims(magnitudes[0], -1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self._frame_count(input_shape[1]), self.n_bins, 1)


@keras.saving.register_keras_serializable(package="mirzoo")
class VQT(CQT):
    """Magnitude of the variable-Q transform: a `CQT` whose low bins are faster.

    Shapes, frames and the other parameters are those of `CQT`.

    ``|librosa.vqt(y, ..., gamma=gamma, sparsity=sparsity)|``

    Parameters
    ----------
    gamma : float or None
        Added to each bin's bandwidth (Hz); 0 gives the constant-Q transform. None takes
        `mirzoo.dsp.wavelets.erb_gamma`, with bandwidths proportional to the ear's.

    References
    ----------
    Schörkhuber, Klapuri, Holighaus & Dörfler 2014. See `mirzoo.dsp.wavelets`.

    Examples
    --------
    >>> import numpy as np
    >>> VQT(sample_rate=22050, gamma=20.0)(np.zeros((2, 22050), "float32")).shape
    TensorShape([2, 44, 84, 1])
    """

    def __init__(self, *, gamma: float | None = None, **kwargs):
        super().__init__(**kwargs)
        self.gamma = gamma

    def _plan_transforms(self):
        gamma = erb_gamma(self.bins_per_octave) if self.gamma is None else self.gamma
        return (self._plan_transform(fmin=self.fmin, n_bins=self.n_bins, gamma=gamma),)

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma}


@keras.saving.register_keras_serializable(package="mirzoo")
class HCQT(_ConstantQ):
    """Harmonic constant-Q transform: a channel for each harmonic, aligned by fundamental.

    Channel ``c`` is the `CQT` whose lowest bin lies at ``harmonics[c] * fmin``, so that a tone
    and its overtones share a bin. Harmonics whose bins coincide, such as 1, 2 and 4, are slices
    of one transform; the others have one of their own.

    Input ``(batch, samples)``, output ``(batch, frames, bins, harmonics)``; frames and the other
    parameters are those of `CQT`.

    Parameters
    ----------
    harmonics : sequence of float
        Factors on ``fmin``, above 0 (0.5 is the octave below).

    References
    ----------
    R. M. Bittner, B. McFee, J. Salamon, P. Li, J. P. Bello, "Deep salience representations for
    F0 estimation in polyphonic music", ISMIR 2017, section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> hcqt = HCQT(sample_rate=22050, harmonics=(1.0, 2.0, 3.0), n_bins=60)
    >>> hcqt(np.zeros((2, 22050), "float32")).shape
    TensorShape([2, 44, 60, 3])
    """

    def __init__(self, *, harmonics=(0.5, 1.0, 2.0, 3.0, 4.0), n_bins: int = 60, **kwargs):
        super().__init__(n_bins=n_bins, **kwargs)
        self.harmonics = tuple(float(harmonic) for harmonic in harmonics)
        if not self.harmonics or min(self.harmonics) <= 0:
            raise RecipeError(
                f"harmonics = {list(self.harmonics)}: allowed is at least one factor on fmin, "
                "each above 0"
            )

    def build(self, input_shape):
        self._slices = _shared_transforms(self.harmonics, self.bins_per_octave)
        super().build(input_shape)

    def _plan_transforms(self):
        lowest: dict[int, float] = {}
        widest: dict[int, int] = {}
        for harmonic, (group, first_bin) in zip(self.harmonics, self._slices, strict=True):
            if first_bin == 0:
                lowest[group] = harmonic
            widest[group] = max(widest.get(group, 0), first_bin)
        return tuple(
            self._plan_transform(fmin=self.fmin * lowest[group], n_bins=self.n_bins + widest[group])
            for group in range(len(lowest))
        )

    def _arrange(self, magnitudes):
        channels = [
            magnitudes[group][..., first_bin : first_bin + self.n_bins]
            for group, first_bin in self._slices
        ]
        return tf.stack(channels, axis=-1)

    def compute_output_shape(self, input_shape):
        frames = self._frame_count(input_shape[1])
        return (input_shape[0], frames, self.n_bins, len(self.harmonics))

    def get_config(self):
        return {**super().get_config(), "harmonics": list(self.harmonics)}


def _shared_transforms(harmonics: tuple[float, ...], bins_per_octave: int) -> list[tuple[int, int]]:
    """For each harmonic, the transform that holds it and its first bin there."""
    shifts = [bins_per_octave * math.log2(harmonic) for harmonic in harmonics]
    origins: list[float] = []
    for shift in sorted(shifts):
        if not any(_is_whole(shift - origin) for origin in origins):
            origins.append(shift)
    return [
        next(
            (group, round(shift - origin))
            for group, origin in enumerate(origins)
            if _is_whole(shift - origin)
        )
        for shift in shifts
    ]


def _is_whole(bins: float) -> bool:
    return abs(bins - round(bins)) < 1e-6


def _magnitudes(levels: list[tf.Tensor], transform: Transform, n_frames) -> tf.Tensor:
    """Magnitudes of a transform, ``(batch, frames, bins)``, from the halved waveforms."""
    whole = [octave for octave in reversed(transform.octaves) if octave.averaged == 1]
    averaged = [octave for octave in reversed(transform.octaves) if octave.averaged > 1]
    matrices = [tf.constant(bank.matrix) for bank in transform.banks]

    def spectrum(octave: Octave) -> tf.Tensor:
        """Real and imaginary parts, ``(batch, magnitudes, 2, bins)``."""
        bank, count = transform.banks[octave.bank], n_frames * octave.averaged
        frames = _frames(
            levels[octave.level],
            n_frames=count,
            frame_length=bank.taps,
            hop_length=octave.spacing,
            centre=octave.ahead + bank.centre,
        )
        products = frames @ matrices[octave.bank]
        return tf.reshape(products, [_size(levels[0], 0), count, 2, bank.n_bins])

    parts = []
    if whole:  # the lower octaves, whose kernels are longer
        parts.append(_absolute(tf.concat([spectrum(octave) for octave in whole], axis=-1)))
    for octave in averaged:
        magnitudes = _absolute(spectrum(octave))
        each = [_size(levels[0], 0), n_frames, octave.averaged, magnitudes.shape[-1]]
        parts.append(tf.reduce_mean(tf.reshape(magnitudes, each), axis=2))
    magnitudes = parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)
    return magnitudes[..., -transform.n_bins :]


def _absolute(real_and_imaginary: tf.Tensor) -> tf.Tensor:
    power = tf.reduce_sum(tf.square(real_and_imaginary), axis=2)
    return tf.sqrt(tf.maximum(power, SMALLEST_POWER))


def _frames(waveform, *, n_frames, frame_length: int, hop_length: int, centre: int) -> tf.Tensor:
    """Cut ``(batch, samples)`` into frames, ``(batch * frames, frame_length)``.

    Frame ``k`` starts at sample ``k * hop_length - centre``; samples beyond the waveform are
    zeros. The frames are put together from hop-sized blocks by doubling, because `tf.signal.frame`
    gathers sample by sample unless the hop divides the length.
    """
    batch = _size(waveform, 0)
    hops_per_frame = -(-frame_length // hop_length)
    n_blocks = n_frames + hops_per_frame - 1
    room = n_blocks * hop_length - centre
    samples = waveform[:, :room]
    samples = tf.pad(samples, [[0, 0], [centre, room - _size(samples, 1)]])
    runs, hops = tf.reshape(samples, [batch, n_blocks, hop_length]), 1
    while hops < hops_per_frame:
        more = min(hops, hops_per_frame - hops)
        runs = tf.concat([runs[:, :-more], runs[:, more:, (hops - more) * hop_length :]], axis=-1)
        hops += more
    return tf.reshape(runs[..., :frame_length], [batch * n_frames, frame_length])


def _size(tensor: tf.Tensor, axis: int):
    """The static size of an axis where it is known, else the dynamic one."""
    static = tensor.shape[axis]
    return tf.shape(tensor)[axis] if static is None else static
