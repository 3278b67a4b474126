"""The errors mirzoo raises, all under one root.

A message names the thing, what was received, what is allowed and the likely mistake.
"""


class MirzooError(Exception):
    """Root of every error that mirzoo raises on purpose."""


class UnknownNameError(MirzooError, KeyError):
    """A model, recipe or data set name that does not exist."""

    def __str__(self) -> str:
        return Exception.__str__(self)


class RecipeError(MirzooError, ValueError):
    """A recipe that cannot be read, or whose values do not fit together."""


class CardError(MirzooError, ValueError):
    """A model card that cannot be read or lacks what it must state."""


class ArtefactError(MirzooError):
    """A saved model whose files are missing, altered or do not reproduce their outputs."""


class MissingCardError(ArtefactError, AttributeError):
    """A model whose card was asked for and that has none."""


class AudioError(MirzooError, ValueError):
    """Audio that cannot be decoded, or does not fit the model that is to process it."""


class TooShortError(AudioError):
    """A recording that is shorter than a model's minimum."""


class AnnotationError(MirzooError, ValueError):
    """A result that cannot be written or read in the format asked for."""


class DataError(MirzooError, ValueError):
    """A data set that is missing, malformed or too small for what is asked of it."""


class TrainingError(MirzooError):
    """A training run that cannot go on."""


class ExportError(MirzooError):
    """An export that could not be made, or whose numbers differ from the model's."""


class PullError(MirzooError):
    """A published model whose package could not be brought, verified or converted."""
