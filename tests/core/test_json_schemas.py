"""Schemas that others wrote: how large they may become by what they refer to."""

import pytest

from app.core.json_schemas import TooLarge, validator_of

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


def by_urn():
    return {"$id": "urn:x:r", **by_pointer()}


def by_a_property_called_as_a_shelf():
    parts = {f"p{n}": doubling(lambda n: f"#/properties/$defs/properties/p{n}", n) for n in LEVELS}
    return {"properties": {"$defs": {"properties": {**parts, "p40": PLAIN}}}}


def by_old_anchor():
    parts = {f"p{n}": {"$id": f"#a{n}", **doubling(lambda n: f"#a{n}", n)} for n in LEVELS}
    whole = {"definitions": {**parts, "p40": {"$id": "#a40"}}, "allOf": [{"$ref": "#a0"}]}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **whole}


def by_old_address():
    parts = {f"p{n}": {"id": f"a{n}", **doubling(lambda n: f"a{n}", n)} for n in LEVELS}
    whole = {"definitions": {**parts, "p40": {"id": "a40"}}, "allOf": [{"$ref": "a0"}]}
    return {"$schema": "http://json-schema.org/draft-04/schema#", "id": "http://x.test/r", **whole}


@pytest.mark.parametrize(
    "schema",
    [
        by_pointer(),
        by_anchor(),
        by_address(),
        by_urn(),
        by_a_property_called_as_a_shelf(),
        by_old_anchor(),
        by_old_address(),
    ],
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


def recurring(**node):
    return {"$ref": "#/$defs/node", "$defs": {"node": node}}


ITSELF = {"$ref": "#/$defs/node"}
ITEMS = {"type": "array", "items": ITSELF}
META = "https://json-schema.org/draft/2020-12/schema"


def nested(depth, value, key=None):
    for _ in range(depth):
        value = [value] if key is None else {key: value}
    return value


@pytest.mark.parametrize(
    ("schema", "key"),
    [
        (recurring(anyOf=[ITEMS, {"minItems": 1, **ITEMS}, {"type": "string"}]), None),
        (recurring(oneOf=[ITEMS, {"minItems": 1, **ITEMS}, {"type": "string"}]), None),
        (recurring(type="array", allOf=[ITEMS, ITEMS]), None),
        (recurring(type=["array", "string"], items=ITSELF, unevaluatedItems=ITSELF,
                   anyOf=[ITEMS, {"contains": ITSELF}, {"type": "string"}]), None),
        (recurring(type="object", properties={"a": ITSELF}, patternProperties={"a": ITSELF}), "a"),
        ({"$id": "x:y", "$dynamicAnchor": "meta", "allOf": [{"$ref": META}] * 2}, "not"),
    ],
)  # fmt: skip
def test_branches_that_double_with_each_level_are_not_followed(schema, key):
    """Of any of these alone, the library would take more than the age of the universe."""
    validator = validator_of(schema)
    [mistake] = validator.iter_errors(nested(200, 1, key))
    assert "too many ways" in mistake.message
    assert list(mistake.instance_path) == []
    assert len(list(validator.iter_errors(nested(2, 1, key)))) in range(1, 20)


def test_what_is_valid_stays_so_however_many_ways_lead_there():
    validator = validator_of(recurring(allOf=[{"items": ITSELF}, {"items": ITSELF}]))
    assert list(validator.iter_errors(nested(200, 1))) == []


TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "children": ITEMS},
            "required": ["name"],
            "additionalProperties": False,
        }
    },
}
JSON = recurring(
    anyOf=[{"type": ["string", "number"]}, ITEMS,
           {"type": "object", "additionalProperties": ITSELF}]
)  # fmt: skip


def test_trees_are_held_to_their_schema_place_by_place():
    def tree(depth, leaf):
        return leaf if depth == 0 else {"name": "x", "children": [tree(depth - 1, leaf)] * 2}

    validator = validator_of(TREE)
    assert list(validator.iter_errors(tree(10, {"name": "leaf"}))) == []
    deep = nested(1, {"name": 5})
    for _ in range(50):
        deep = [{"name": "x", "children": deep}]
    [mistake] = validator.iter_errors(deep[0])
    assert (list(mistake.instance_path)[-3:], mistake.message) == (
        ["children", 0, "name"],
        '5 is not of type "string"',
    )


def test_values_of_any_json_are_held_to_their_schema():
    validator = validator_of(JSON)
    assert list(validator.iter_errors({"a": [["b"] * 50] * 50, "c": {"d": nested(50, 1)}})) == []
    [mistake] = validator.iter_errors({"a": nested(50, None)})
    assert "not valid under any of the schemas" in mistake.message


def test_a_value_too_large_for_its_schema_is_refused():
    validator = validator_of({"items": {"allOf": [{"minimum": 0}] * 5000}})
    assert list(validator.iter_errors([1] * 10)) == []
    [mistake] = validator.iter_errors([1] * 5000)
    assert "too large" in mistake.message
    with pytest.raises(TooLarge):
        validator.is_valid([1] * 5000)


def test_each_mistake_of_a_long_list_is_told():
    fields = {f"p{n}": {"type": "string"} for n in range(8)}
    validator = validator_of({"items": {"properties": fields}})
    row = dict.fromkeys(fields, "x")
    [mistake] = validator.iter_errors([*[row] * 5000, {"p1": 1}])
    assert list(mistake.instance_path) == [5000, "p1"]
