"""Front-ends: from a waveform to features, one module a type.

Each module has a subclass of `mirzoo.recipe.Frontend`, registered in `FRONTENDS`: its fields are
the settings of a recipe, its methods where the frames lie and which layers make them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirzoo.errors import RecipeError
from mirzoo.recipe.frontends import FRONTENDS, Frontend

if TYPE_CHECKING:
    import keras

__all__ = ["FRONTENDS", "Frontend", "build_frontend", "level_layers", "split_frontend"]


def build_frontend(config: Frontend) -> keras.Model:
    """Build the front-end that a recipe describes.

    Parameters
    ----------
    config : Frontend
        The settings.

    Returns
    -------
    keras.Model
        Named ``frontend``: waveform ``(batch, samples)``, float32 in [-1, 1], to features
        ``(batch, frames, config.n_bins, config.n_channels)``. Any batch; any number of samples
        from ``config.grid.min_samples`` up, which gives ``config.grid.frames(samples)`` frames.

    Raises
    ------
    RecipeError
        If it is no front-end.

    Examples
    --------
    >>> from mirzoo.models.frontends.mel import MelConfig
    >>> build_frontend(MelConfig(n_mels=64)).output_shape
    (None, None, 64, 1)
    """
    import keras

    if not isinstance(config, Frontend):
        name = getattr(config, "type", type(config).__name__)
        raise RecipeError(f"unknown front-end {name!r}; allowed are {', '.join(FRONTENDS)}")
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    features = waveform
    for layer in [*level_layers(config), *config.layers()]:
        features = layer(features)
    return keras.Model(waveform, features, name="frontend")


def level_layers(config: Frontend) -> list[keras.layers.Layer]:
    """List the layer that brings windows to one level; none where the settings do not ask for it.

    Examples
    --------
    >>> from mirzoo.models.frontends.mel import MelConfig
    >>> from mirzoo.recipe import Level
    >>> [type(layer).__name__ for layer in level_layers(MelConfig(level=Level()))]
    ['WindowLevel']
    >>> level_layers(MelConfig())
    []
    """
    from mirzoo.models.layers.level import WindowLevel

    return [] if config.level is None else [WindowLevel(**config.level.model_dump())]


def split_frontend(
    frontend: keras.Model, config: Frontend
) -> tuple[keras.Model, list[keras.layers.Layer]]:
    """Divide a built front-end into its transform and the scaling layers behind it.

    Parameters
    ----------
    frontend : keras.Model
        From `build_frontend`, or `mirzoo.models.model.Model.frontend`.
    config : Frontend
        Its settings.

    Returns
    -------
    transform : keras.Model
        Waveform to magnitudes; it shares the front-end's layers.
    scaling : list of keras.layers.Layer
        Magnitudes to features.

    Examples
    --------
    >>> from mirzoo.models.frontends.mel import MelConfig
    >>> config = MelConfig(n_mels=64)
    >>> transform, scaling = split_frontend(build_frontend(config), config)
    >>> transform.output_shape, [type(layer).__name__ for layer in scaling]
    ((None, None, 64, 1), ['Logarithm'])
    """
    import keras

    layers = frontend.layers[1:]
    end = len(layers) - len(config.scaling_layers())
    return keras.Model(frontend.input, layers[end - 1].output), layers[end:]
