"""The smallest value that satisfies a JSON schema, chosen deterministically."""

from typing import Any

DEPTH_LIMIT = 12
# A small schema can ask for a value that fills the memory.
NODE_LIMIT = 5_000
FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "demo@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-7000-8000-000000000000",
    "ipv4": "192.0.2.1",
}


def example(schema: Any) -> Any:
    """Make a value of the schema: what it names as an example, else what is required, smallest."""
    return Examples(schema).make(schema)


class Examples:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = NODE_LIMIT

    def make(self, schema: Any, depth: int = 0) -> Any:
        self._left -= 1
        if not isinstance(schema, dict) or depth > DEPTH_LIMIT or self._left < 0:
            return None
        if "$ref" in schema:
            return self.make(resolve(str(schema["$ref"]), self._root), depth + 1)
        if "const" in schema:
            return schema["const"]
        for named in ("enum", "examples"):
            if isinstance(schema.get(named), list) and schema[named]:
                return schema[named][0]
        for choice in ("anyOf", "oneOf"):
            if schema.get(choice):
                return self.make(schema[choice][0], depth + 1)
        return self._of_type(merged(schema), depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type") or ("object" if "properties" in schema else "string")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            properties = schema.get("properties") or {}
            fewest = int(schema.get("minProperties", 0))
            wanted = schema.get("required") or list(properties)[:fewest]
            return {name: self.make(properties.get(name, {}), depth + 1) for name in wanted}
        if kind == "array":
            count = min(int(schema.get("minItems", 0)), 1_000)
            return [self.make(schema.get("items", {}), depth + 1) for _ in range(count)]
        if kind in ("integer", "number"):
            return number(schema)
        simple: dict[str, Any] = {"boolean": True, "null": None}
        return simple[kind] if kind in simple else string(schema)


def merged(schema: dict[str, Any]) -> dict[str, Any]:
    """Fold `allOf` into one schema."""
    whole = {**schema}
    for part in whole.pop("allOf", ()):
        folded = merged(part)
        properties = {**whole.get("properties", {}), **folded.get("properties", {})}
        required = [*whole.get("required", ()), *folded.get("required", ())]
        whole = {**folded, **whole}
        if properties:
            whole |= {"properties": properties, "required": required}
    return whole


def number(schema: dict[str, Any]) -> int | float:
    low = schema.get("minimum")
    if low is None and "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + 1
    if low is None:
        high = schema.get("maximum", schema.get("exclusiveMaximum", 2))
        low = 1 if high > 1 else high - 1
    step = schema.get("multipleOf")
    value: int | float = -(-low // step) * step if step else low
    return value


def string(schema: dict[str, Any]) -> str:
    text = FORMATS.get(str(schema.get("format")), "demo")
    text = text.ljust(min(int(schema.get("minLength", 0)), 1_000), "o")
    return text[: int(schema.get("maxLength", len(text)))]


def resolve(reference: str, root: Any) -> Any:
    """Follow `#/$defs/Name`; an unknown place is any value."""
    place = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        place = place.get(step, {}) if isinstance(place, dict) and step else place
    return place
