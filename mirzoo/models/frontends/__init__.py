"""Front-ends: Keras models from waveform to features, one module a type.

Each module has ``build(config)``, which returns the layers that make features of a waveform
``(batch, samples)``, in order.
"""

from __future__ import annotations

import importlib

import keras

from mirzoo.errors import RecipeError

TYPES = ("stft", "mel", "mfcc", "cqt", "vqt", "hcqt", "chroma", "raw", "sinc", "leaf")


def build_frontend(config) -> keras.Model:
    """Build the front-end that a recipe describes.

    Parameters
    ----------
    config : mirzoo.recipe.FrontendConfig
        Its ``type`` chooses the module, its other fields the parameters.

    Returns
    -------
    keras.Model
        Named ``frontend``: waveform ``(batch, samples)``, float32 in [-1, 1], to features
        ``(batch, frames, config.n_bins, config.n_channels)``. Any batch; any number of samples
        from ``config.grid.min_samples`` up, which gives ``config.grid.frames(samples)`` frames.

    Raises
    ------
    RecipeError
        If there is no front-end of that type.

    Examples
    --------
    >>> from mirzoo.recipe import MelConfig
    >>> build_frontend(MelConfig(n_mels=64)).output_shape
    (None, None, 64, 1)
    """
    if config.type not in TYPES:
        raise RecipeError(f"unknown front-end {config.type!r}; allowed are {', '.join(TYPES)}")
    module = importlib.import_module(f"{__name__}.{config.type}")
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    features = waveform
    for layer in module.build(config):
        features = layer(features)
    return keras.Model(waveform, features, name="frontend")
