"""The part of the agent's OpenAPI document that the types of its requests say: parameters and bodies.

``make api-docs`` writes it into ``docs/api/agent.openapi.yaml``; a test compares the two.
"""

from typing import Any, cast

import msgspec
from msgspec import inspect

from livewatch.local_api.decoding import struct_of, value_type
from livewatch.local_api.requests import DURATION_CHARACTERS_MAX, Request

_DURATION_PATTERN = r"^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)\s*)+$"


def parameters(kind: type[Request]) -> list[dict[str, Any]]:
    """Return the query parameters of an operation."""
    told: list[dict[str, Any]] = []
    for field in struct_of(kind).fields:
        schema = _schema(field)
        parameter: dict[str, Any] = {"name": field.encode_name, "in": "query"}
        if field.required:
            parameter["required"] = True
        if isinstance(value_type(field.type), inspect.VarTupleType):
            parameter |= {"style": "form", "explode": False}
        description = schema.pop("description", None)
        told.append(parameter | ({"description": description} if description else {}) | {"schema": schema})
    return told


def body(kind: type[Request]) -> dict[str, Any]:
    """Return the request body of an operation."""
    fields = struct_of(kind).fields
    required = [field.encode_name for field in fields if field.required]
    schema: dict[str, Any] = {
        "type": "object",
        **({"required": required} if required else {}),
        "additionalProperties": False,
        "properties": {field.encode_name: _schema(field) for field in fields},
    }
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _schema(field: inspect.Field) -> dict[str, Any]:
    schema = _of_type(value_type(field.type))
    if isinstance(field.type, inspect.Metadata):
        schema |= cast("dict[str, Any] | None", field.type.extra_json_schema) or {}  # pyright: ignore[reportUnknownMemberType]
    whole = isinstance(value_type(field.type), inspect.VarTupleType)  # every label: as good as none
    if field.default not in (msgspec.NODEFAULT, msgspec.UNSET) and not whole:
        schema["default"] = msgspec.to_builtins(field.default)
    return schema


def _of_type(expected: inspect.Type) -> dict[str, Any]:
    match expected:
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType():
            return {"type": "integer", "minimum": expected.ge, "maximum": expected.le}
        case inspect.FloatType():
            return {"type": "number", "minimum": expected.ge, "maximum": expected.le}
        case inspect.StrType():
            return {"type": "string", "minLength": expected.min_length, "maxLength": expected.max_length}
        case inspect.EnumType():
            return {"$ref": f"#/components/schemas/{expected.cls.__name__}"}
        case inspect.VarTupleType():
            return {"type": "array", "minItems": expected.min_length, "items": _of_type(expected.item_type)}
        case _:
            pattern = {"pattern": _DURATION_PATTERN, "maxLength": DURATION_CHARACTERS_MAX}
            return {"type": "string", **pattern, "examples": ["30m", "1h30m"]}
