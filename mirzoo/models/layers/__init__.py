"""Keras layers that Kapre lacks, each registered so that saved models find it.

After ``import mirzoo.models.layers`` a ``.keras`` file made with them loads by plain
``keras.models.load_model``, without custom objects. Layers that serve one published model alone
are in `mirzoo.ports`; importing `mirzoo.models.model` registers them all.
"""

from mirzoo.models.layers.chroma import CQTChroma, STFTChroma
from mirzoo.models.layers.constraints import Clip
from mirzoo.models.layers.cqt import CQT, HCQT, VQT
from mirzoo.models.layers.leaf import GaborFilters, GaussianPooling
from mirzoo.models.layers.level import WindowLevel
from mirzoo.models.layers.mel import MelFilterbank
from mirzoo.models.layers.mfcc import MFCC
from mirzoo.models.layers.normalisation import BatchNormalization
from mirzoo.models.layers.pcen import PCEN
from mirzoo.models.layers.pitch import (
    BatchAsGroups,
    FoldOctaves,
    GroupsAsBatch,
    PitchClassLogits,
    PitchLogits,
    PitchSummary,
    WrapPitchClasses,
)
from mirzoo.models.layers.pooling import AttentionPooling, TrailingPooling
from mirzoo.models.layers.scaling import Decibel, Logarithm
from mirzoo.models.layers.sinc import SincFilters
from mirzoo.models.layers.stft import STFT, InverseSTFT, Spectrogram
from mirzoo.models.layers.tuning import AtConcertPitch, MeanTuning, TuningPhase, WithoutTuning
from mirzoo.models.layers.voicing import (
    AtLikelyPitch,
    FrameLevels,
    PitchCertainty,
    SurroundingLevels,
    TrailingLevels,
)

__all__ = [
    "CQT",
    "HCQT",
    "MFCC",
    "PCEN",
    "STFT",
    "VQT",
    "AtConcertPitch",
    "AtLikelyPitch",
    "AttentionPooling",
    "BatchAsGroups",
    "BatchNormalization",
    "CQTChroma",
    "Clip",
    "Decibel",
    "FoldOctaves",
    "FrameLevels",
    "GaborFilters",
    "GaussianPooling",
    "GroupsAsBatch",
    "InverseSTFT",
    "Logarithm",
    "MeanTuning",
    "MelFilterbank",
    "PitchCertainty",
    "PitchClassLogits",
    "PitchLogits",
    "PitchSummary",
    "STFTChroma",
    "SincFilters",
    "Spectrogram",
    "SurroundingLevels",
    "TrailingLevels",
    "TrailingPooling",
    "TuningPhase",
    "WindowLevel",
    "WithoutTuning",
    "WrapPitchClasses",
]
