"""Schemas that others wrote: how large they may become by what they refer to."""

import pytest

from app.core.json_schemas import validator_of

LEVELS = range(40)
PLAIN = {"type": "object"}


def doubling(reference, level):
    return {
        "anyOf": [
            {"$ref": reference(level + 1)},
            {"properties": {"a": {"$ref": reference(level + 1)}}},
        ]
    }


def by_pointer():
    parts = {f"p{n}": doubling(lambda n: f"#/%24defs/p{n}", n) for n in LEVELS}
    return {"$ref": "#/%24defs/p0", "$defs": {**parts, "p40": PLAIN}}


def by_anchor():
    parts = {f"p{n}": {"$anchor": f"a{n}", **doubling(lambda n: f"#a{n}", n)} for n in LEVELS}
    return {"$ref": "#a0", "$defs": {**parts, "p40": {"$anchor": "a40", **PLAIN}}}


def by_address():
    parts = {f"p{n}": {"$id": f"a{n}", **doubling(lambda n: f"a{n}", n)} for n in LEVELS}
    return {"$id": "https://x.test/r", "$ref": "a0", "$defs": {**parts, "p40": {"$id": "a40"}}}


def by_a_property_called_as_a_shelf():
    parts = {f"p{n}": doubling(lambda n: f"#/properties/$defs/properties/p{n}", n) for n in LEVELS}
    return {"properties": {"$defs": {"properties": {**parts, "p40": PLAIN}}}}


@pytest.mark.parametrize(
    "schema", [by_pointer(), by_anchor(), by_address(), by_a_property_called_as_a_shelf()]
)
def test_references_that_double_are_refused(schema):
    with pytest.raises(ValueError, match="parts once its references are followed"):
        validator_of(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        {"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}},
        {"$ref": "#/$defs/a0", "$defs": {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(500)}
         | {"a500": {}}},
        {"$defs": {"money": PLAIN},
         "properties": {f"p{n}": {"$ref": "#/$defs/money"} for n in range(1000)}},
    ],
)  # fmt: skip
def test_what_people_write_is_taken(schema):
    assert validator_of(schema).is_valid({})
