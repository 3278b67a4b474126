"""Keras layers that Kapre lacks, each registered so that saved models find it.

After ``import mirzoo.layers`` a ``.keras`` file made with them loads by plain
``keras.models.load_model``, without custom objects.
"""

from mirzoo.layers.chroma import CQTChroma, STFTChroma
from mirzoo.layers.constraints import Clip
from mirzoo.layers.cqt import CQT, HCQT, VQT
from mirzoo.layers.frames import EachFrame, StandardisedFrames
from mirzoo.layers.halving_cqt import HalvingCQT, ScaledDecibel, StackedHarmonics
from mirzoo.layers.leaf import GaborFilters, GaussianPooling
from mirzoo.layers.mel import MelFilterbank
from mirzoo.layers.mfcc import MFCC
from mirzoo.layers.normalisation import BatchNormalization
from mirzoo.layers.patches import MeanOverPatches
from mirzoo.layers.pcen import PCEN
from mirzoo.layers.peak import DecibelsBelowPeak
from mirzoo.layers.pitch import (
    BatchAsGroups,
    FoldOctaves,
    GroupsAsBatch,
    PitchClassLogits,
    PitchLogits,
    PitchSummary,
    WrapPitchClasses,
)
from mirzoo.layers.pooling import AttentionPooling
from mirzoo.layers.recurrent import BothWaysGRU, keras2_hard_sigmoid
from mirzoo.layers.scaling import Decibel, Logarithm
from mirzoo.layers.sinc import SincFilters
from mirzoo.layers.stft import STFT, InverseSTFT, Spectrogram

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
