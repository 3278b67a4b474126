"""A front-end and a head of our own."""

from typing import Literal

from mirzoo.models.frontends import FRONTENDS
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.heads import HEADS, Head


@FRONTENDS.register
class LevelledMelConfig(MelConfig):
    """Log-mel spectrogram, each band normalised with statistics from training."""

    type: Literal["levelled_mel"] = "levelled_mel"

    def scaling_layers(self):
        import keras

        return [*super().scaling_layers(), keras.layers.BatchNormalization(axis=2)]


@HEADS.register
class AverageConfig(Head):
    """The average frame, under a dense layer."""

    type: Literal["average"] = "average"

    def embed(self, features):
        import keras

        frames = keras.layers.TimeDistributed(keras.layers.Flatten())(features)
        average = keras.layers.GlobalAveragePooling1D()(frames)
        return keras.layers.Dense(self.embedding, activation="relu")(average)
