"""Schemas of OpenAPI as JSON Schema 2020-12 that stands by itself: no references, no cycles."""

from collections.abc import Mapping
from typing import Any, Final

from app.agents.custom_tools.openapi.document import find

DEEPEST: Final = 16
MOST_NODES: Final = 3_000
_PLAIN_WORDS: Final = (
    "type enum const default minimum maximum exclusiveMinimum exclusiveMaximum multipleOf "
    "minLength maxLength pattern format minItems maxItems uniqueItems minProperties "
    "maxProperties required minContains maxContains"
)
_PLAIN: Final = frozenset(_PLAIN_WORDS.split())
_ONE: Final = frozenset(
    {"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"}
)
_MANY: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED: Final = frozenset({"properties", "patternProperties"})
_LONGEST: Final = 500


class TooLarge(Exception):
    """A schema that would not be told to a model."""


class Schemas:
    """Turns the schemas of one operation; `cut` says whether a cycle was cut."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._old = str(document.get("openapi", "")).startswith("3.0")
        self._nodes = 0
        self.cut = False

    def turn(self, schema: Any, *, through: tuple[str, ...] = ()) -> dict[str, Any]:
        """Raises LookupError for a reference that leads nowhere, and TooLarge."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise TooLarge("its schema is too large")
        if not isinstance(schema, Mapping):
            return {} if schema is not False else {"not": {}}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            if reference in through or len(through) >= DEEPEST:
                self.cut = True
                return {"description": "The same again; left open here."}
            beside = {name: value for name, value in schema.items() if name != "$ref"}
            found = self.turn(find(self._document, reference), through=(*through, reference))
            return {**found, **self._turned(beside, through)} if not self._old else found
        return self._turned(schema, through)

    def _turned(self, schema: Mapping[str, Any], through: tuple[str, ...]) -> dict[str, Any]:
        made = {name: schema[name] for name in schema if name in _PLAIN}
        if isinstance(said := schema.get("description"), str):
            made["description"] = said[:_LONGEST]
        for name in schema:
            value = schema[name]
            if name in _ONE:
                made[name] = value if isinstance(value, bool) else self.turn(value, through=through)
            elif name in _MANY and isinstance(value, list):
                made[name] = [self.turn(each, through=through) for each in value]
            elif name in _NAMED and isinstance(value, Mapping):
                made[name] = self._properties(value, through)
        if "properties" in made and isinstance(made.get("required"), list):
            # What only answers have is not asked for.
            made["required"] = [
                each for each in made["required"] if str(each) in made["properties"]
            ]
            if not made["required"]:
                del made["required"]
        return self._modern(made, schema) if self._old else made

    def _properties(self, value: Mapping[str, Any], through: tuple[str, ...]) -> dict[str, Any]:
        return {
            str(name): self.turn(child, through=through)
            for name, child in value.items()
            if not (isinstance(child, Mapping) and child.get("readOnly") is True)
        }

    def _modern(self, made: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
        """What 3.0 writes in its own way."""
        for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            told = made.get(exclusive)
            if isinstance(told, bool):
                del made[exclusive]
            if told is True and bound in made:
                made[exclusive] = made.pop(bound)
        if schema.get("nullable") is True:
            if isinstance(made.get("type"), str):
                made["type"] = [made["type"], "null"]
            if isinstance(made.get("enum"), list) and None not in made["enum"]:
                made["enum"] = [*made["enum"], None]
        return made


def without_patterns(schema: Any) -> Any:
    """A schema without `pattern`: some are written for another engine than ours."""
    if isinstance(schema, dict):
        return {
            name: without_patterns(child)
            for name, child in schema.items()
            if name != "patternProperties" and not (name == "pattern" and isinstance(child, str))
        }
    if isinstance(schema, list):
        return [without_patterns(each) for each in schema]
    return schema
