"""Sample arguments for a tool, made from its JSON schema: enough to rehearse the call, with no thought behind them."""

from typing import Any

from sim.model.checks import JsonObject

_BY_NAME = {
    "city": "Boston",
    "location": "Boston",
    "place": "Boston",
    "country": "US",
    "name": "Alex Example",
    "email": "alex@example.com",
    "phone": "+15550100",
    "date": "2030-01-31",
    "time": "10:00",
}
_BY_FORMAT = {
    "date": "2030-01-31",
    "time": "10:00:00Z",
    "date-time": "2030-01-31T10:00:00Z",
    "email": "alex@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
MAX_DEPTH = 8


def sample(schema: Any, name: str = "", root: Any = None, depth: int = 0) -> Any:
    """Return a value that the schema accepts; patterns and conditions are beyond it."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return None
    root = schema if root is None else root
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    inner = _chosen(schema, root)
    if inner is not None:
        return sample(inner, name, root, depth + 1)
    return _of_type(schema, name, root, depth)


def _chosen(schema: JsonObject, root: JsonObject) -> Any:
    """Follow a reference, or the first of several alternatives."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = root
        for step in reference.removeprefix("#/").split("/"):
            target = target.get(step, {}) if isinstance(target, dict) else {}
        return target
    alternatives = next((schema[key] for key in ("anyOf", "oneOf", "allOf") if schema.get(key)), None)
    return alternatives[0] if alternatives else None


def _of_type(schema: JsonObject, name: str, root: JsonObject, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else None)
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "object":
            properties: JsonObject = schema.get("properties", {})
            wanted = schema.get("required", properties)
            return {key: sample(properties.get(key, {}), key, root, depth + 1) for key in wanted}
        case "array":
            return [sample(schema.get("items", {}), name, root, depth + 1)] * max(1, schema.get("minItems", 1))
        case "boolean":
            return True
        case "integer" | "number":
            return _number(schema)
        case "null":
            return None
        case _:
            return _text(schema, name)


def _number(schema: JsonObject) -> Any:
    if "minimum" in schema:
        return schema["minimum"]
    above = schema.get("exclusiveMinimum")
    if above is not None:
        return above + schema.get("multipleOf", 1)
    return min(1, schema.get("maximum", 1))


def _text(schema: JsonObject, name: str) -> str:
    guess = _BY_FORMAT.get(schema.get("format", ""), _BY_NAME.get(name.lower(), "example"))
    return guess.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]
