"""Every node type shows what it is: an example that fits, settings with bounds, connectors' too."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.automation.language.flow import Node
from app.automation.nodes.connector import OPERATIONS
from app.automation.nodes.fields import is_template

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAMES = {
    "agent", "code", "connector", "dagger", "dictionary", "emit", "http", "jsonata", "llm",
    "retrieve", "subworkflow", "tool",
}  # fmt: skip


def unfit(model, settings):
    """What is wrong with settings, but for what stands as a template in them."""
    try:
        model.model_validate(settings)
    except ValidationError as error:
        return [each for each in error.errors() if not is_template(each["input"])]
    return []


async def test_each_example_is_a_node_of_its_type(steps):
    assert set(steps.types) == NAMES
    for name, node_type in steps.types.items():
        node = Node.model_validate(node_type.example)
        assert (node.type, unfit(node_type.config, node.with_)) == (name, [])
        assert node_type.__doc__


async def test_the_documentation_shows_these_examples(steps):
    page = Path(__file__).parents[3] / "docs/automation/node-types.md"
    text = page.read_text(encoding="utf-8")
    blocks = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    assert {each["type"]: each for each in blocks} == {
        name: node_type.example for name, node_type in steps.types.items()
    }
    rows = dict(re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \| (.*?) \|", text, re.MULTILINE))
    for name, node_type in steps.types.items():
        assert set(re.findall(r"`(\w+)`", rows[name])) == set(node_type.config.model_fields)
    operations = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*?) \|", text, re.MULTILINE)
    shown = {(connector, operation): told for connector, operation, told in operations}
    for connector, every in OPERATIONS.items():
        for each in every:
            told = set(re.findall(r"`(\w+)`", shown.pop((connector, each.name))))
            assert set(each.options.model_fields) <= told
    assert not shown


async def test_every_operation_of_a_connector_is_shown(steps):
    node_type = steps.types["connector"]
    there = {
        (name, operation.name)
        for name, connector in node_type.connectors.items()
        for operation in connector.operations
    }
    known = {(name, each.name) for name, every in OPERATIONS.items() for each in every}
    assert there == known
    shown = node_type.config.model_json_schema()["x-operations"]
    assert set(shown) == {f"{name}.{operation}" for name, operation in known}
    for name, operations in OPERATIONS.items():
        for each in operations:
            assert unfit(each.options, dict(each.example)) == [], name


def bounds_missing(schema, at=""):
    """Places where a text, a list or a number has no largest value."""
    if isinstance(schema, list):
        return [place for index, each in enumerate(schema)
                for place in bounds_missing(each, f"{at}/{index}")]  # fmt: skip
    if not isinstance(schema, dict):
        return []
    kind = schema.get("type")
    free = not {"enum", "const", "format", "pattern"} & set(schema)
    wanted = {"string": "maxLength", "array": "maxItems"}.get(kind)
    found = [at] if wanted and free and wanted not in schema else []
    if kind == "integer" and not {"maximum", "le"} & set(schema):
        found.append(at)
    inner = {"properties", "$defs", "items", "anyOf", "allOf", "additionalProperties"} & set(schema)
    for name in inner:
        below = schema[name]
        if name in ("properties", "$defs"):
            for field, each in below.items():
                found += bounds_missing(each, f"{at}/{field}")
        else:
            found += bounds_missing(below, f"{at}/{name}")
    return found


async def test_every_setting_has_a_bound(steps):
    for name, node_type in steps.types.items():
        schema = node_type.config.model_json_schema()
        operations = schema.pop("x-operations", {})
        assert bounds_missing(schema) == [], name
        for operation, shown in operations.items():
            assert bounds_missing(shown["options"]) == [], operation
