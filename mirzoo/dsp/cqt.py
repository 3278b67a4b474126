"""The constant-Q transform by octaves: which kernels meet the waveform at which sample rate.

The highest octave is analysed at the full rate. For each octave below, the waveform and the hop
are halved, so that the same short kernels serve all octaves (Schörkhuber & Klapuri 2010). Where
even the highest octave lies far below the Nyquist frequency, the waveform is halved before the
first octave too. Octaves, early halving and scaling are those of ``librosa.vqt``.

References
----------
C. Schörkhuber, A. Klapuri, "Constant-Q transform toolbox for music processing", 7th Sound and
Music Computing Conference, 2010, section 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mirzoo.dsp.resampling import FramedDecimator, framed_decimator, half_band_filter
from mirzoo.dsp.wavelets import (
    HANN_BANDWIDTH_BINS,
    HANN_MAIN_LOBE_BINS,
    band_edges,
    constant_q_frequencies,
    sparse_wavelet_bank,
    wavelet_bank,
    wavelet_lengths,
)
from mirzoo.errors import RecipeError


@dataclass(frozen=True)
class KernelBank:
    """Kernels of one octave.

    Attributes
    ----------
    matrix : numpy.ndarray
        float32, shape ``(taps, 2 * bins)``: real parts, then imaginary parts.
    centre : int
        Index of the tap that lies on the frame's centre.
    """

    matrix: np.ndarray
    centre: int

    @property
    def taps(self) -> int:
        """Samples that a frame takes."""
        return self.matrix.shape[0]

    @property
    def n_bins(self) -> int:
        """Bins in the octave."""
        return self.matrix.shape[1] // 2


@dataclass(frozen=True)
class Octave:
    """One octave of a transform.

    Attributes
    ----------
    level : int
        How many times the waveform is halved before it is analysed.
    hop_length : int
        Samples from one frame to the next, at that rate.
    bank : int
        Index into `Transform.banks`.
    averaged : int
        How many magnitudes, evenly spaced over the hop and centred on the frame, a frame is the
        mean of: 1, or a power of 2.
    """

    level: int
    hop_length: int
    bank: int
    averaged: int = 1

    @property
    def spacing(self) -> int:
        """Samples from one magnitude to the next, at the octave's rate."""
        return self.hop_length // self.averaged

    @property
    def ahead(self) -> int:
        """Samples from the first of a frame's magnitudes to its centre, at the octave's rate."""
        return (self.averaged - 1) * self.spacing // 2


@dataclass(frozen=True)
class Transform:
    """A constant-Q or variable-Q transform as a list of octaves.

    Attributes
    ----------
    octaves : tuple of Octave
        From the highest to the lowest. The lowest may hold bins below ``fmin``: the transform is
        the highest ``n_bins`` of all.
    banks : tuple of KernelBank
        The kernels; octaves at halved rates share them.
    n_bins : int
        Bins of the whole transform.
    pass_band : float
        The widest part of a halved waveform's spectrum that an octave takes, as a share of the
        halved Nyquist frequency.
    """

    octaves: tuple[Octave, ...]
    banks: tuple[KernelBank, ...]
    n_bins: int
    pass_band: float


def plan_transform(
    *,
    sample_rate: int,
    hop_length: int,
    fmin: float,
    n_bins: int,
    bins_per_octave: int,
    filter_scale: float = 1.0,
    gamma: float = 0.0,
    sparsity: float = 0.0,
    gapless: bool = False,
) -> Transform:
    """Split a constant-Q or variable-Q transform into octaves and build their kernels.

    ``|librosa.vqt(y, sr=sample_rate, hop_length=hop_length, fmin=fmin, n_bins=n_bins,
    bins_per_octave=bins_per_octave, filter_scale=filter_scale, gamma=gamma,
    sparsity=sparsity)|`` is the magnitude of the bins. Kernels carry ``sqrt(length)`` of the rate
    that they are used at; a halving therefore multiplies the waveform by ``sqrt(2)``, see
    `plan_decimator`.

    An octave shares the one above's rate where the hop is odd, and its kernels are then twice as
    long: choose a hop that can be halved ``n_bins / bins_per_octave - 1`` times.

    Parameters
    ----------
    sample_rate : int
        Hz.
    hop_length : int
        Samples from one frame to the next.
    fmin : float
        Frequency of the lowest bin (Hz).
    n_bins, bins_per_octave : int
        How many bins, and how many of them make an octave.
    filter_scale : float
        Below 1 for finer time, above 1 for finer frequency.
    gamma : float
        Added to each bandwidth (Hz); 0 for constant Q.
    sparsity : float
        What each kernel's spectrum loses, see `mirzoo.dsp.wavelets.sparse_wavelet_bank`; 0 for
        whole kernels.
    gapless : bool
        Whether octaves whose kernels are short next to the hop take so many magnitudes over it
        that their kernels overlap by half, and give the mean. Without it what happens between two
        such frames is missed, and features depend on where the first frame lies.

    Returns
    -------
    Transform

    Raises
    ------
    RecipeError
        If the highest band reaches above half the sample rate.

    Examples
    --------
    >>> transform = plan_transform(
    ...     sample_rate=22050, hop_length=512, fmin=32.703, n_bins=84, bins_per_octave=12
    ... )
    >>> [octave.hop_length for octave in transform.octaves]
    [512, 256, 128, 64, 32, 16, 8]
    >>> len(transform.banks)
    1
    """
    frequencies = constant_q_frequencies(fmin=fmin, n_bins=n_bins, bins_per_octave=bins_per_octave)
    lengths = wavelet_lengths(
        frequencies,
        sample_rate=sample_rate,
        bins_per_octave=bins_per_octave,
        filter_scale=filter_scale,
        gamma=gamma,
    )
    nyquist = sample_rate / 2
    cutoff = band_edges(
        frequencies, lengths, sample_rate=sample_rate, width_bins=HANN_BANDWIDTH_BINS / 2
    ).max()
    if cutoff > nyquist:
        raise RecipeError(
            f"the highest of {n_bins} bins from fmin {fmin:g} Hz reaches up to {cutoff:.0f} Hz, "
            f"above half the sample rate ({nyquist:g} Hz); take fewer octaves, a lower fmin or a "
            "higher sample_rate"
        )
    main_lobe_edges = band_edges(
        frequencies, lengths, sample_rate=sample_rate, width_bins=HANN_MAIN_LOBE_BINS
    )
    n_octaves = math.ceil(n_bins / bins_per_octave)
    level = early_halvings(
        nyquist=nyquist, cutoff=cutoff, hop_length=hop_length, n_octaves=n_octaves
    )
    hop = hop_length >> level
    octaves: list[Octave] = []
    banks: list[KernelBank] = []
    pass_band = 0.0
    for index in range(n_octaves):
        bins = slice(
            max(n_bins - (index + 1) * bins_per_octave, 0), n_bins - index * bins_per_octave
        )
        rate_halved = index > 0 and level > octaves[-1].level
        if not (rate_halved and gamma == 0):
            kernels, centre = wavelet_bank(
                frequencies[bins], lengths[bins] / 2**level, sample_rate=sample_rate / 2**level
            )
            if sparsity > 0:
                kernels, centre = sparse_wavelet_bank(kernels, centre, sparsity=sparsity)
            matrix = np.concatenate([kernels.real, kernels.imag], axis=1).astype(np.float32)
            banks.append(KernelBank(matrix=matrix, centre=centre))
        averaged = magnitudes_in_a_hop(hop, banks[-1].taps) if gapless else 1
        octaves.append(Octave(level=level, hop_length=hop, bank=len(banks) - 1, averaged=averaged))
        if level > 0:
            pass_band = max(pass_band, main_lobe_edges[bins].max() / (nyquist / 2**level))
        if hop % 2 == 0:
            hop //= 2
            level += 1
    return Transform(octaves=tuple(octaves), banks=tuple(banks), n_bins=n_bins, pass_band=pass_band)


def magnitudes_in_a_hop(hop_length: int, taps: int) -> int:
    """How many magnitudes a hop must hold so that kernels of ``taps`` samples overlap by half.

    A power of 2, since kernels of the octaves differ by one, and no more than whole samples allow
    with the hop's magnitudes centred on its frame.

    Examples
    --------
    >>> magnitudes_in_a_hop(1600, 500), magnitudes_in_a_hop(100, 500), magnitudes_in_a_hop(300, 20)
    (8, 1, 2)
    """
    count = 1
    while hop_length / count > taps / 2 and hop_length % (4 * count) == 0:
        count *= 2
    return count


def reach_of(transforms: tuple[Transform, ...]) -> tuple[int, int]:
    """How far before and behind its centre a frame depends on the waveform (samples).

    Half the longest kernel at each octave's rate, and the filters of all halvings before it.

    Examples
    --------
    >>> transform = plan_transform(
    ...     sample_rate=16000, hop_length=512, fmin=110.0, n_bins=36, bins_per_octave=12
    ... )
    >>> reach_of((transform,))
    (1397, 1430)
    """
    filters = plan_decimator(transforms).reach
    before = behind = 0
    for transform in transforms:
        for octave in transform.octaves:
            bank, step = transform.banks[octave.bank], 2**octave.level
            halvings = filters * (step - 1)
            to_centre = octave.ahead + bank.centre
            to_end = octave.ahead + bank.taps - 1 - bank.centre
            before = max(before, to_centre * step + halvings)
            behind = max(behind, to_end * step + halvings + 1)
    return before, behind


def early_halvings(*, nyquist: float, cutoff: float, hop_length: int, n_octaves: int) -> int:
    """Count the halvings of the sample rate that come before the highest octave.

    ``min(ceil(log2(nyquist / cutoff)) - 2, twos(hop_length) - (n_octaves - 1))``, at least 0, as
    librosa has it: the first keeps the highest band below half the Nyquist frequency, the second
    leaves the hop a factor of two for each octave but the highest.

    Examples
    --------
    >>> early_halvings(nyquist=22050, cutoff=2200, hop_length=4096, n_octaves=6)
    2
    """
    by_spectrum = math.ceil(math.log2(nyquist / cutoff)) - 2
    factors_of_two = (hop_length & -hop_length).bit_length() - 1
    return max(0, min(by_spectrum, factors_of_two - n_octaves + 1))


def plan_decimator(transforms: tuple[Transform, ...]) -> FramedDecimator:
    """Design the halving of the rate that serves all of ``transforms``, with gain ``sqrt(2)``.

    Examples
    --------
    >>> transform = plan_transform(
    ...     sample_rate=22050, hop_length=512, fmin=32.703, n_bins=84, bins_per_octave=12
    ... )
    >>> plan_decimator((transform,)).matrix.shape
    (81, 32)
    """
    pass_band = max(transform.pass_band for transform in transforms)
    return framed_decimator(half_band_filter(pass_band), gain=math.sqrt(2.0))
