"""What a definition may not be: each mistake with its pointer."""

import asyncio
from uuid import uuid4

import pytest

from tests.support.identity import bearer, new_key

AT = "/body/definition"
DEEP: dict = {}
_node = DEEP
for _ in range(20):
    _node["properties"] = {"a": {}}
    _node = _node["properties"]["a"]
DOUBLING = {
    "$ref": "#/$defs/0",
    "$defs": {
        str(n): {"anyOf": [{"$ref": f"#/$defs/{n + 1}"}, {"$ref": f"#/$defs/{n + 1}"}]}
        for n in range(40)
    }
    | {"40": {"type": "string"}},
}


@pytest.mark.parametrize(
    ("definition", "pointer", "code"),
    [
        ({"limits": {"steps": 0}}, "/limits/steps", "greater_than_equal"),
        ({"pattern": {"type": "chain"}}, "/pattern/agents", "missing"),
        ({"pattern": {"type": "choir", "agents": []}}, "/pattern", "union_tag_invalid"),
        ({"tools": [{"tool": "a"}, {"tool": "a"}]}, "", "value_error"),
        ({"code": "print()"}, "/code", "extra_forbidden"),
        ({"instructions": "{{ name }}"}, "/instructions", "unknown_variable"),
        ({"instructions": "{% for x in range(10**9) %}"}, "/instructions", "template_invalid"),
        ({"instructions": "{{ 'a' * 10**9 }}"}, "/instructions", "template_invalid"),
        ({"variables": {"type": "objekt"}}, "/variables", "schema_invalid"),
        ({"variables": {"type": "array"}}, "/variables/type", "schema_invalid"),
        ({"variables": {"properties": {"today": {}}}}, "/variables/properties/today",
         "variable_reserved"),
        ({"variables": {"properties": {"n": {"type": "integer", "default": "x"}}}},
         "/variables/properties/n/default", "schema_type"),
        ({"output_schema": {"$ref": "https://elsewhere.example/schema"}}, "/output_schema",
         "schema_invalid"),
        ({"output_schema": {"pattern": "(?=a)a"}}, "/output_schema", "schema_invalid"),
        ({"output_schema": {"description": "x" * 70_000}}, "/output_schema", "schema_invalid"),
        ({"output_schema": DEEP}, "/output_schema", "schema_invalid"),
        ({"output_schema": DOUBLING}, "/output_schema", "schema_invalid"),
        ({"variables": {"properties": {"a": {"type": "string"},
                                       "b/c": {"$ref": "#/properties/a", "default": 1}}}},
         "/variables/properties/b~1c/default", "schema_type"),
        ({"tools": [{"tool": "x", "approval": {"when": {"type": 1}}}]}, "/tools/0/approval/when",
         "schema_invalid"),
        ({"tools": [{"tool": "nobody-has-this"}]}, "/tools/0", "tool_unknown"),
        ({"model": "nobody/nothing"}, "/model", "model_unknown"),
        ({"compaction": {"model": "nobody/x"}}, "/compaction/model", "model_unknown"),
        ({"agents": ["nobody"]}, "/agents/0", "agent_not_found"),
        ({"pattern": {"type": "router", "agents": ["nobody"]}}, "/pattern/agents/0",
         "agent_not_found"),
        ({"collections": [str(uuid4())]}, "/collections/0", "collections_not_found"),
        ({"dictionaries": [str(uuid4())]}, "/dictionaries/0", "dictionaries_not_found"),
        ({"guardrails": [str(uuid4())]}, "/guardrails/0", "guardrails_not_found"),
    ],
)  # fmt: skip
async def test_a_mistake_is_told_by_its_pointer(agents, definition, pointer, code):
    validated = await agents.call("POST", "/validate", {"definition": definition})
    told = validated.json()
    assert not told["valid"]
    assert {each["pointer"]: each["code"] for each in told["errors"]}[f"{AT}{pointer}"] == code
    assert (await agents.refused(definition))[f"{AT}{pointer}"] == code
    assert (await agents.call("GET", "")).json()["data"] == []


async def test_all_mistakes_are_told_at_once(agents):
    definition = {
        "instructions": "{{ a }} {{ b }}",
        "output_schema": {"type": "objekt"},
        "agents": ["nobody"],
        "model": "nobody/nothing",
    }
    told = (await agents.call("POST", "/validate", {"definition": definition})).json()
    codes = sorted(each["code"] for each in told["errors"])
    assert codes == [
        "agent_not_found",
        "model_unknown",
        "schema_invalid",
        "unknown_variable",
        "unknown_variable",
    ]


async def test_a_valid_one_is_told_with_what_it_needs(agents):
    definition = {
        "instructions": "You help {{ company }} in {{ locale }}, as {{ agent }}, {{ today }}.",
        "variables": {"type": "object", "properties": {"company": {"type": "string"}}},
        "output_schema": {"type": "object"},
    }
    told = (await agents.call("POST", "/validate", {"definition": definition})).json()
    assert (told["valid"], told["errors"], told["needs"]) == (True, [], ["structured_output"])
    assert told["context_tokens"] > 500


async def test_what_is_there_may_be_named(agents, client, person):
    made = {}
    for path, body in (
        ("collections", {"name": "Handbook"}),
        ("dictionaries", {"slug": "own-words", "languages": ["en"]}),
        ("guardrails", {"name": "No secrets", "checks": [{"kind": "secrets"}]}),
    ):
        answer = await client.post(f"/v1/{path}", json=body, headers=person.headers)
        made[path] = [answer.json()["id"]]
    member = await agents.make(slug="member")
    pattern = {"type": "evaluator_optimizer", "generator": "member", "evaluator": member["id"]}
    await agents.make(definition={**made, "pattern": pattern, "model": "demo/chat"})


async def test_a_cycle_of_agents_is_allowed_and_an_agent_that_names_itself_is_not(agents):
    one = await agents.make(slug="one")
    await agents.make(slug="two", definition={"agents": ["one"]})
    await agents.call("PATCH", f"/{one['id']}", {"definition": {"agents": ["two"]}})
    for name in ("one", one["id"]):
        patch = {"definition": {"agents": [name]}}
        refused = await agents.call("PATCH", f"/{one['id']}", patch, expect=422)
        assert refused.json()["errors"][0]["code"] == "agent_names_itself"


async def test_a_patch_is_checked_as_what_it_comes_to(agents):
    made = await agents.make(definition={"instructions": "{{ a }}", "variables": {
        "properties": {"a": {"type": "string"}}}})  # fmt: skip
    patch = {"definition": {"variables": None}}
    refused = await agents.call("PATCH", f"/{made['id']}", patch, expect=422)
    assert refused.json()["code"] == "definition_invalid"
    assert refused.json()["errors"][0]["pointer"] == f"{AT}/instructions"


async def test_a_key_may_only_name_models_that_it_may_use(agents, client, person):
    key = await new_key(client, person, models=["other/*"])
    answer = await client.post(
        "/v1/agents",
        json={"name": "X", "definition": {"model": "demo/chat"}},
        headers=bearer(key["key"]),
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "model_not_allowed"


async def test_the_schema_of_a_definition_is_shown(agents):
    told = (await agents.call("GET", "/schema")).json()
    assert told["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "instructions" in told["properties"]


async def test_a_default_may_be_of_a_type_that_stands_elsewhere(agents):
    variables = {
        "$id": "https://example.com/variables",
        "properties": {
            "a": {"type": "string"},
            "b": {"$ref": "#/properties/a", "default": "x"},
            "c": {"$ref": "#/$defs/word", "default": "y"},
        },
        "$defs": {"word": {"type": "string"}},
    }
    plain = {name: value for name, value in variables.items() if name != "$id"}
    old = {**plain, "$schema": "http://json-schema.org/draft-04/schema#"}
    for wanted in (variables, plain, old):
        told = await agents.call("POST", "/validate", {"definition": {"variables": wanted}})
        assert told.json()["errors"] == []


async def test_two_changes_at_once_do_not_make_what_each_was_refused(agents):
    """Each is sound by itself; together they name a variable that is not declared."""
    declared = {"type": "object", "properties": {"a": {"type": "string", "default": ""}}}
    for _ in range(3):
        made = await agents.make(definition={"variables": declared})
        path = f"/v1/agents/{made['id']}"
        changes = [{"instructions": "{{ a }}"}, {"variables": {"properties": {"a": None}}}]
        answers = await asyncio.gather(
            *(
                agents.http.patch(path, json={"definition": change}, headers=agents.person.headers)
                for change in changes
            )
        )
        assert sorted(each.status_code for each in answers) == [200, 422]
