"""One schema of the language: every node type's example satisfies it, and so does no mistake."""

import jsonschema_rs
import pytest

from app.automation.language.checking import check
from app.automation.language.jsonata import Jsonata
from app.automation.language.schema import language_schema
from app.automation.nodes.jsonata import JsonataNode
from app.automation.nodes.plain import PLAIN
from app.automation.nodes.registry import NodeTypes

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_example_satisfies_the_schema_and_the_checks(steps):
    types = NodeTypes((*PLAIN, *steps.types.values()))
    schema = language_schema(types)
    assert language_schema(types) is schema
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    for each in types:
        document = {"dsl": "flow/1", "nodes": [dict(each.example)]}
        assert [str(error) for error in validator.iter_errors(document)] == [], each.name
        assert check(document, types).nodes[0].type == each.name
        told = next(
            part["then"]
            for part in schema["$defs"]["Node"]["allOf"]
            if part["if"]["properties"]["type"]["const"] == each.name
        )
        assert told["description"]
        assert told["examples"] == [dict(each.example)]


WRONG = [
    {"id": "a", "type": "nope"},
    {"id": "a", "type": "condition"},
    {"id": "a", "type": "condition", "with": {"if": "x"}, "body": {"nodes": []}},
    {"id": "a", "type": "wait", "with": {"for": "1 hour"}},
    {"id": "a", "type": "wait", "with": {"for": "1h", "evnt": 1}},
    {"id": "a", "type": "map", "with": {"items": []}},
    {"id": "a", "type": "map", "with": {"items": 3}, "body": {"nodes": [{"id": "b"}]}},
    {"id": "a", "type": "try", "body": {"nodes": [{"id": "b", "type": "condition"}]}},
    {"id": "a", "type": "transform", "v": 0, "with": {"value": 1}},
    {"id": "a b", "type": "transform", "with": {"value": 1}},
    {"id": "a", "type": "transform", "with": {"value": 1}, "compensate": {"type": "condition"}},
]
RIGHT = [
    {"id": "a", "type": "wait", "with": {"for": "{{ inputs.days }}d"}},
    {"id": "a", "type": "loop", "with": {"max": "{{ vars.most }}"},
     "body": {"nodes": [{"id": "b", "type": "transform", "with": {"value": None}}]}},
    {"id": "a", "type": "approval", "with": {"title": "Go?", "assignees": "{{ inputs.people }}"}},
]  # fmt: skip


async def test_the_schema_says_what_settings_are():
    validator = jsonschema_rs.Draft202012Validator(
        language_schema(NodeTypes((*PLAIN, JsonataNode(Jsonata()))))
    )
    for node in WRONG:
        assert not validator.is_valid({"dsl": "flow/1", "nodes": [node]}), node
    for node in RIGHT:
        assert validator.is_valid({"dsl": "flow/1", "nodes": [node]}), node
