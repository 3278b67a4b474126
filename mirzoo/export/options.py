"""The options of an export: one object that holds them, each checked by itself.

Which of them go together, and with which format and model, is in `mirzoo.export.rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mirzoo.errors import ExportError
from mirzoo.recipe.reading import describe_validation_error

ALL = "all"
ANY = "any"
MOST_WINDOWS = 4096
LONGEST_WINDOW_S = 600


class ExportOptions(BaseModel):
    """What is asked of an export, the same words in every format.

    Its parameters are those of `mirzoo.export`, which describes each. Here each is checked by
    itself; lists become tuples.

    Examples
    --------
    >>> ExportOptions(outputs=["tags"], input_type="int16").given()
    {'outputs': ('tags',), 'input_type': 'int16'}
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    quantize: Literal["float16", "dynamic", "int8"] | None = None
    calibration: Any = None
    outputs: Any = None
    window_s: Any = None
    batch: Any = None
    input_rate: Annotated[int, Field(ge=1, strict=True)] | None = None
    input_type: Literal["float32", "int16"] = "float32"
    decode: bool = False
    dft: Literal["fft", "conv"] | None = None
    streaming: bool = False

    @field_validator("outputs")
    @classmethod
    def _is_a_choice(cls, outputs: Any) -> tuple[str, ...] | str | None:
        if outputs is None or outputs == ALL:
            return outputs
        names = outputs if isinstance(outputs, list | tuple) else ()
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError(f"allowed are a list of names, as ['tags'], and '{ALL}'")
        return tuple(names)

    @field_validator("window_s")
    @classmethod
    def _is_a_length(cls, window_s: Any) -> float | str | None:
        if window_s is None or window_s == ANY:
            return window_s
        if not isinstance(window_s, Real) or isinstance(window_s, bool):
            raise ValueError(f"allowed are seconds and '{ANY}'")
        seconds = float(window_s)
        if not 0 < seconds <= LONGEST_WINDOW_S:
            raise ValueError(f"allowed are seconds above 0, {LONGEST_WINDOW_S} at most")
        return seconds

    @field_validator("batch")
    @classmethod
    def _is_a_number_of_windows(cls, batch: Any) -> int | str | None:
        if batch is None or batch == ANY:
            return batch
        is_whole = isinstance(batch, Integral) and not isinstance(batch, bool)
        if not is_whole or not 1 <= batch <= MOST_WINDOWS:
            raise ValueError(f"allowed are whole numbers from 1 to {MOST_WINDOWS} and '{ANY}'")
        return int(batch)

    @field_validator("input_rate", mode="before")
    @classmethod
    def _is_a_rate(cls, input_rate: Any) -> Any:
        is_whole = isinstance(input_rate, Integral) and not isinstance(input_rate, bool)
        return int(input_rate) if is_whole else input_rate

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Check options given by name.

        Raises
        ------
        ExportError
            If there is no such option, or it has a value that is not allowed.
        """
        try:
            return cls.model_validate(dict(options))
        except ValidationError as error:
            raise ExportError(f"export: {describe_validation_error(error)}") from error

    def given(self) -> dict[str, Any]:
        """The options that are not at their default, by name."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value
            for name, value in values.items()
            if value is not None and value is not False and (name, value) not in _DEFAULTS
        }


_DEFAULTS = (("input_type", "float32"),)
