"""Keras layers that Kapre lacks, each registered so that saved models find it.

After ``import mirzoo.models.layers`` a ``.keras`` file made with them loads by plain
``keras.models.load_model``, without custom objects.
"""

from mirzoo.models.layers.chroma import CQTChroma, STFTChroma
from mirzoo.models.layers.constraints import Clip
from mirzoo.models.layers.cqt import CQT, HCQT, VQT
from mirzoo.models.layers.frames import EachFrame, StandardisedFrames
from mirzoo.models.layers.halving_cqt import HalvingCQT, ScaledDecibel, StackedHarmonics
from mirzoo.models.layers.leaf import GaborFilters, GaussianPooling
from mirzoo.models.layers.mel import MelFilterbank
from mirzoo.models.layers.mfcc import MFCC
from mirzoo.models.layers.normalisation import BatchNormalization
from mirzoo.models.layers.patches import MeanOverPatches
from mirzoo.models.layers.pcen import PCEN
from mirzoo.models.layers.peak import DecibelsBelowPeak
from mirzoo.models.layers.pitch import (
    BatchAsGroups,
    FoldOctaves,
    GroupsAsBatch,
    PitchClassLogits,
    PitchLogits,
    PitchSummary,
    WrapPitchClasses,
)
from mirzoo.models.layers.pooling import AttentionPooling
from mirzoo.models.layers.recurrent import BothWaysGRU, keras2_hard_sigmoid
from mirzoo.models.layers.scaling import Decibel, Logarithm
from mirzoo.models.layers.sinc import SincFilters
from mirzoo.models.layers.stft import STFT, InverseSTFT, Spectrogram

__all__ = [
    "CQT",
    "HCQT",
    "MFCC",
    "PCEN",
    "STFT",
    "VQT",
    "AttentionPooling",
    "BatchAsGroups",
    "BatchNormalization",
    "BothWaysGRU",
    "CQTChroma",
    "Clip",
    "Decibel",
    "DecibelsBelowPeak",
    "EachFrame",
    "FoldOctaves",
    "GaborFilters",
    "GaussianPooling",
    "GroupsAsBatch",
    "HalvingCQT",
    "InverseSTFT",
    "Logarithm",
    "MeanOverPatches",
    "MelFilterbank",
    "PitchClassLogits",
    "PitchLogits",
    "PitchSummary",
    "STFTChroma",
    "ScaledDecibel",
    "SincFilters",
    "Spectrogram",
    "StackedHarmonics",
    "StandardisedFrames",
    "WrapPitchClasses",
    "keras2_hard_sigmoid",
]
