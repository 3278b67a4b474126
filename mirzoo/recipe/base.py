"""What every part of a recipe is, and how a part is parsed by the registry of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from mirzoo._support.registry import Registry
from mirzoo.errors import UnknownNameError

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]


class Config(BaseModel):
    """Base of everything in a recipe: frozen, no unknown keys, no silent conversions.

    The text below a field is its description, which new recipes show.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    later: ClassVar[frozenset[str]] = frozenset()
    """Fields that older versions of mirzoo do not know: written where they are not at their
    default alone, so that those versions read what does not need them."""

    @model_serializer(mode="wrap")
    def _without_later_defaults(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = dump(self)
        for name in self.later:
            if getattr(self, name) == type(self).model_fields[name].default:
                fields.pop(name, None)
        return fields


class Start(NamedTuple):
    """What a task asks of a new recipe; front-ends and heads suit what they begin with to it.

    Parameters
    ----------
    framewise : bool
        Whether there is a result for each frame.
    sample_rate : int
        Of the model (Hz).
    frame_rate : float
        Frames a second (Hz).
    window_s, context_s : float
        As `mirzoo.recipe.Recipe` has them (s).
    fmin : float, optional
        The lowest pitch (Hz) where the task is of pitches; else None.
    n_octaves : int, optional
        How far pitches reach from there.
    """

    framewise: bool = False
    sample_rate: int = 16000
    frame_rate: float = 31.25
    window_s: float = 3.008
    context_s: float = 0.0
    fmin: float | None = None
    n_octaves: int | None = None

    @property
    def hop_length(self) -> int:
        """Samples from frame to frame."""
        return round(self.sample_rate / self.frame_rate)


def type_of(config: type[Config]) -> str:
    """The name by which a recipe chooses a class: the default of its field ``type``.

    Raises
    ------
    TypeError
        If it is no class of settings, or has no such field.
    """
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise TypeError(f"{config!r} is no class of settings; derive it from a front-end or a head")
    field = config.model_fields.get("type")
    if field is None or not isinstance(field.default, str):
        raise TypeError(
            f"{config.__name__} has no name for recipes; give it a field such as "
            "`type: Literal['mine'] = 'mine'`"
        )
    return field.default


class ParsedBy:
    """Makes a field of a recipe hold whatever class a registry has under the key ``type``.

    Parameters
    ----------
    registry : Registry
        Knows what ``type`` names.
    settings : callable, optional
        Gives the class of the settings of something registered, or None where it has none here;
        by default what is registered is that class.

    Examples
    --------
    >>> SHAPES = Registry("shape", "mirzoo.dsp", name_of=type_of)
    >>> @SHAPES.register
    ... class Circle(Config):
    ...     type: str = "circle"
    ...     radius: float = 1.0
    >>> class Drawing(Config):
    ...     shape: Annotated[Config, ParsedBy(SHAPES)]
    >>> Drawing.model_validate({"shape": {"type": "circle", "radius": 2}}).shape.radius
    2.0
    """

    def __init__(
        self,
        registry: Registry[Any],
        settings: Callable[[Any], type[BaseModel] | None] = lambda thing: thing,
    ) -> None:
        self.registry = registry
        self.settings = settings

    def __get_pydantic_core_schema__(self, source: type[BaseModel], handler: Any) -> Any:
        def parse(value: Any) -> BaseModel:
            return value if isinstance(value, source) else self._parse(value)

        return core_schema.no_info_plain_validator_function(
            parse, serialization=core_schema.simple_ser_schema("any")
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        names = {"type": {"enum": list(self.registry)}}
        return {"type": "object", "properties": names, "required": ["type"]}

    def _parse(self, value: Any) -> BaseModel:
        kind = self.registry.kind
        if not isinstance(value, Mapping):
            raise PydanticCustomError("no_mapping", f"a {kind} is a mapping with the key 'type'")
        if "type" not in value:
            raise self._fault(f"which {kind} is missing; allowed are {', '.join(self.registry)}")
        name = value["type"]
        if not isinstance(name, str):
            raise self._fault(f"the type of a {kind} is a name", name)
        try:
            config = self.settings(self.registry[name])
        except UnknownNameError as error:
            raise self._fault(str(error), name) from None
        if config is None:
            allowed = (known for known, thing in self.registry.items() if self.settings(thing))
            raise self._fault(
                f"the {kind} '{name}' has no settings here; allowed are {', '.join(allowed)}", name
            )
        try:
            return config.model_validate(value)
        except ValidationError as error:
            raise _below(error, name) from None

    def _fault(self, message: str, value: Any = None) -> ValidationError:
        fault = PydanticCustomError("unknown_type", message)
        return ValidationError.from_exception_data(
            self.registry.kind, [InitErrorDetails(type=fault, loc=("type",), input=value)]
        )


def _below(error: ValidationError, name: str) -> ValidationError:
    """The same faults, in the part of a recipe that has this type."""
    return ValidationError.from_exception_data(
        error.title,
        [
            InitErrorDetails(
                type=PydanticCustomError(fault["type"], fault["msg"]),
                loc=(name, *fault["loc"]),
                input=fault["input"],
            )
            for fault in error.errors()
        ],
    )
