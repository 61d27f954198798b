"""How a function is declared to a model: by its signature and its docstring.

What a parameter may hold is pydantic's to say, both in the schema and when the model's arguments become values.
"""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from pydantic_core import PydanticSerializationError

from hooks import docstring
from hooks.asked import Call
from verbs.base import JsonObject
from verbs.tools import ToolError

_NAMELESS = {
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
}
_REFERENCE = "#/$defs/"


@dataclass(frozen=True, slots=True)
class Declared:
    """A function, as a model knows it and as it is called."""

    description: str
    parameters: JsonObject
    "The JSON schema of what the model gives."
    arguments: type[BaseModel]
    "Reads what the model gives; its fields have the parameters' names as aliases."
    calls: tuple[str, ...]
    "The parameters that get the call."

    def bound(self, given: JsonObject, call: Call) -> dict[str, Any]:
        """Give the keyword arguments. What the model left out is left to the function.

        :raises pydantic.ValidationError: they are not what the function takes
        """
        read = self.arguments.model_validate(given)
        fields = self.arguments.model_fields
        named = {str(fields[name].alias): getattr(read, name) for name in read.model_fields_set}
        return named | dict.fromkeys(self.calls, call)


class _Schema(GenerateJsonSchema):
    """Without a title for each name, and without warnings of defaults that JSON cannot say: they are left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # pydantic's signature
        return False

    def encode_default(self, dft: Any) -> Any:
        encoded = super().encode_default(dft)
        if not _is_json(encoded):
            raise PydanticSerializationError("JSON has no such number")
        return encoded

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        pass


def declared(function: Callable[..., Any]) -> Declared:
    """Read a function's declaration.

    :raises ToolError: a model cannot call it; says why, and what to write
    """
    try:
        # A string that stands for a type may be any code: whatever it raises is told.
        signature = inspect.signature(function, eval_str=True)
    except Exception as error:
        raise ToolError(f"its signature cannot be read: {type(error).__name__}: {error}") from error
    parameters = list(signature.parameters.values())
    _check(parameters)
    given = [parameter for parameter in parameters if not _is_call(parameter)]
    model = create_model(
        "Arguments",
        __config__=ConfigDict(extra="forbid", ser_json_inf_nan="constants"),
        # Names of their own: a parameter may be called `json` or `copy`, which a model has already.
        **{f"p{n}": (parameter.annotation, _field(parameter)) for n, parameter in enumerate(given)},  # type: ignore[call-overload]  # fields by name
    )
    told = docstring.read((function.func if isinstance(function, partial) else function).__doc__)
    schema = _flat(model.model_json_schema(schema_generator=_Schema))
    for name, property_ in schema.get("properties", {}).items():
        if text := _text_in(signature.parameters[name]) or told.parameters.get(name):
            property_.setdefault("description", text)
    if not _is_json(schema):
        raise ToolError("a parameter can be nan or inf, or something that no JSON can say: leave that out of its type")
    calls = tuple(parameter.name for parameter in parameters if _is_call(parameter))
    return Declared(told.summary, {"type": "object", "properties": {}, **schema}, model, calls)


def _check(parameters: list[inspect.Parameter]) -> None:
    if nameless := [str(parameter) for parameter in parameters if parameter.kind in _NAMELESS]:
        raise ToolError(f"takes {', '.join(nameless)}: a model gives its arguments by name; name each parameter")
    if bare := [parameter.name for parameter in parameters if parameter.annotation is inspect.Parameter.empty]:
        raise ToolError(f"does not say what {' and '.join(bare)} must be: annotate it, such as `{bare[0]}: str`")
    for parameter in (parameter for parameter in parameters if not _is_call(parameter)):
        try:
            TypeAdapter(parameter.annotation).json_schema(schema_generator=_Schema)
        except (PydanticUserError, PydanticUndefinedAnnotation) as error:
            named = inspect.formatannotation(parameter.annotation)
            raise ToolError(
                f"no model can be told what {parameter.name}: {named} must be; "
                "use str, int, float, bool, Literal, Enum, list, dict or a pydantic BaseModel"
            ) from error


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _is_call(parameter: inspect.Parameter) -> bool:
    return parameter.annotation is Call or Call in get_args(parameter.annotation)


def _field(parameter: inspect.Parameter) -> Any:
    if parameter.default is inspect.Parameter.empty:
        return Field(alias=parameter.name)
    return Field(alias=parameter.name, default=parameter.default)


def _text_in(parameter: inspect.Parameter) -> str | None:
    """`Annotated[str, "what it is"]`."""
    return next((text for text in getattr(parameter.annotation, "__metadata__", ()) if isinstance(text, str)), None)


def _flat(schema: JsonObject) -> JsonObject:
    """Put every definition where it is used: not every model follows references. What contains itself stays."""
    definitions = schema.pop("$defs", {})
    schema.pop("title", None)
    try:
        flat: JsonObject = _inlined(schema, definitions, ())
    except RecursionError:
        return {**schema, "$defs": definitions}
    return flat


def _inlined(value: Any, definitions: JsonObject, within: tuple[str, ...]) -> Any:
    match value:
        case {"$ref": str(reference), **beside} if reference.startswith(_REFERENCE):
            name = reference.removeprefix(_REFERENCE)
            if name in within:
                raise RecursionError(name)
            inner = {key: part for key, part in definitions[name].items() if key != "title"}
            return _inlined({**inner, **beside}, definitions, (*within, name))
        case dict():
            return {key: _inlined(part, definitions, within) for key, part in value.items()}
        case list():
            return [_inlined(part, definitions, within) for part in value]
        case _:
            return value
