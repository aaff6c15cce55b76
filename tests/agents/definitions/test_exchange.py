"""Import and export: what goes out comes back, and no code comes in."""

import json

import pytest
import yaml
from a2a.types import AgentCard
from google.protobuf.json_format import ParseDict

from app.agents.definitions.documents import Unreadable, read_json, read_yaml

FULL = {
    "instructions": "You help {{ company }}.\n{% if vip %}Be quick.{% endif %}\n",
    "variables": {
        "type": "object",
        "properties": {
            "company": {"type": "string", "default": "no"},
            "vip": {"type": "boolean", "default": False},
        },
    },
    "model": "demo/chat",
    "parameters": {"temperature": 0.5, "stop": ["1:30", "2026-11-02"]},
    "agents": ["helper"],
    "memory": {"scopes": ["user"], "tokens": 500},
    "output_schema": {"type": "object", "properties": {"on": {"type": "string"}}},
    "output": {"links": "allow", "domains": ["example.com"]},
    "limits": {"steps": 8, "budget_usd": "0.50"},
    "locale": "no",
}


async def take_in(agents, *contents, expect=201, **more):
    documents = [c if isinstance(c, dict) else {"content": c} for c in contents]
    body = {"documents": documents, **more}
    return (await agents.call("POST", "/import", body, expect=expect)).json()


async def definition_of(agents, agent_id):
    return (await agents.call("GET", f"/{agent_id}")).json()["definition"]


@pytest.mark.parametrize("form", ["json", "yaml"])
async def test_what_is_exported_is_imported_as_it_was(agents, form):
    await agents.make(slug="helper")
    made = await agents.make(
        "Full “one”", slug="full", definition=FULL, description="All of it.", metadata={"a": [1]}
    )
    document = (await agents.call("GET", f"/{made['id']}/export?format={form}")).text
    for named in (None, form):
        back = await take_in(agents, document, format=named)
        (copy,) = back["data"]
        assert await definition_of(agents, copy["id"]) == made["definition"]
        for field in ("name", "description", "metadata", "visibility"):
            assert copy[field] == made[field]
        assert [each["code"] for each in back["warnings"]] == ["slug_changed"]


@pytest.mark.parametrize("form", ["json", "yaml"])
async def test_a_bundle_brings_its_members_and_new_names_for_them(agents, form):
    one = await agents.make(slug="one", definition={"instructions": "One."})
    await agents.make(slug="two", definition={"agents": ["one"]})
    pattern = {"type": "chain", "agents": ["two", one["id"]]}
    boss = await agents.make(slug="boss", definition={"pattern": pattern})
    path = f"/{boss['id']}/export?format={form}&members=true"
    back = await take_in(agents, (await agents.call("GET", path)).text)
    slugs = {each["slug"].rpartition("-")[0]: each for each in back["data"]}
    assert set(slugs) == {"boss", "one", "two"}
    copy = await definition_of(agents, slugs["boss"]["id"])
    assert copy["pattern"]["agents"] == [slugs["two"]["slug"], slugs["one"]["slug"]]
    assert (await definition_of(agents, slugs["two"]["id"]))["agents"] == [slugs["one"]["slug"]]


async def test_a_bare_definition_is_an_agent_of_its_files_name(agents):
    back = await take_in(agents, {"name": "desk.yaml", "content": "instructions: Help.\n"})
    assert back["data"][0]["slug"] == "desk"
    assert (await definition_of(agents, back["data"][0]["id"]))["instructions"] == "Help."


async def test_an_import_is_whole_or_not_at_all(agents):
    good, bad = "definition: {instructions: Help.}", "definition: {limits: {steps: 0}}"
    answer = await take_in(
        agents, {"name": "a.yaml", "content": good}, {"name": "b.yaml", "content": bad}, expect=422
    )
    assert answer["errors"][0]["pointer"] == "/body/documents/1/definition/limits/steps"
    lost = "definition: {pattern: {type: chain, agents: [nobody]}}"
    answer = await take_in(
        agents, {"name": "a.yaml", "content": good}, {"name": "b.yaml", "content": lost}, expect=422
    )
    place = "/body/documents/1/definition/pattern/agents/0"
    assert answer["errors"][0]["pointer"] == place
    trial = {"documents": [{"name": "a.yaml", "content": good}]}
    await agents.call("POST", "/import?dry_run=true", trial, expect=201)
    assert (await agents.call("GET", "")).json()["data"] == []


async def test_what_is_not_here_becomes_a_warning(agents):
    definition = {
        "tools": [{"tool": "custom:crm"}],
        "model": "elsewhere/model-x",
        "agents": ["nobody"],
        "collections": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"],
    }
    back = await take_in(agents, json.dumps({"name": "X", "definition": definition}))
    at = "/body/documents/0/definition"
    told = {each["pointer"]: each["code"] for each in back["warnings"]}
    assert told.keys() == {
        f"{at}/tools/0",
        f"{at}/model",
        f"{at}/agents/0",
        f"{at}/collections/0",
    }
    assert told[f"{at}/model"] == "model_unknown"
    kept = await definition_of(agents, back["data"][0]["id"])
    assert [each["tool"] for each in kept["tools"]] == ["custom:crm"]
    assert (kept["model"], kept["agents"], kept["collections"]) == (None, [], [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: !!python/object/apply:os.system ['true']", "tags"),
        ("a: !local 1", "tags"),
        ("a: " + "[" * 60 + "]" * 60, "nested too deeply"),
        ("[" + "1," * 30_000 + "1]", "too many parts"),
        ("1: a", "text"),
        ("a: [", "no YAML"),
        ("- a", "no object"),
        ('{"a": ', "no JSON"),
        ("---\ntype: custom\nname: x\n---\nHi", "type `custom`"),
        ("---\ntype: maker\nworker: x\n---\nHi", "type `maker`"),
        ("format: luminous.agents/1", "bundle"),
    ],
)
async def test_a_document_that_is_none_is_refused(agents, content, said):
    answer = await take_in(agents, content, expect=422)
    assert answer["code"] == "agent_document_unreadable"
    assert said in answer["detail"]
    assert answer["errors"][0]["pointer"] == "/body/documents/0/content"


def test_yaml_says_what_json_could():
    told = read_yaml("a: no\nb: 1:30\nc: 2026-11-02\nd: 012\ne: 1.5\nf: -3\ng: true\nh: ~\ni: 1e3")
    assert told == {
        "a": "no", "b": "1:30", "c": "2026-11-02", "d": "012", "e": 1.5, "f": -3, "g": True,
        "h": None, "i": "1e3",
    }  # fmt: skip


def test_a_document_with_nul_is_refused():
    for read, text in ((read_yaml, 'a: "\\0"'), (read_json, '{"a": "\\u0000"}')):
        with pytest.raises(Unreadable, match="NUL"):
            read(text)


async def test_two_agents_of_one_name_are_refused(agents):
    same = {"name": "x.yaml", "content": "instructions: Help."}
    answer = await take_in(agents, same, same, expect=422)
    assert {each["code"] for each in answer["errors"]} == {"name_twice"}


async def test_an_a2a_card_is_one_by_the_official_sdk_and_comes_back_as_a_sketch(agents):
    made = await agents.make(
        "Support", slug="support", description="Answers {{customers}}.",
        definition={"instructions": "Secret instructions."},
    )  # fmt: skip
    answer = await agents.call("GET", f"/{made['id']}/export?format=a2a")
    assert "Secret" not in answer.text
    card = ParseDict(answer.json(), AgentCard())
    assert (card.name, card.skills[0].id, card.version) == ("Support", "support", "1")
    interface = card.supported_interfaces[0]
    assert (interface.protocol_binding, interface.protocol_version) == ("JSONRPC", "1.0")
    assert interface.url.endswith("/a2a/agents/support")
    assert list(card.security_requirements[0].schemes) == ["bearer"]
    back = await take_in(agents, answer.text)
    assert back["data"][0]["name"] == "Support"
    sketch = await definition_of(agents, back["data"][0]["id"])
    assert "You are Support. Answers {{ '{{' }}customers}}." in sketch["instructions"]
    assert "left_out" in {each["code"] for each in back["warnings"]}


CARD = """---
type: agent
name: researcher
description: Finds things.
model: demo.chat
servers: [wiki, crm]
tools:
  crm: [lookup]
request_params: {maxTokens: 500, temperature: 0.2, max_iterations: 7, parallel_tool_calls: true}
function_tools: ["tools.py:steal"]
tool_hooks: {before: "hooks.py:run"}
shell: true
cwd: /etc
api_key: sk-secret
mcp_connect: [{target: "npx evil"}]
skills: [x]
---
---SYSTEM
You are {{agentName}}; it is {{currentDate}}. Ask {{who}}. {{url:https://evil.example}}{{env}}
{% for x in y %}
---USER
Hello
"""


async def test_a_fast_agent_card_is_taken_without_its_code(agents):
    back = await take_in(agents, CARD)
    (made,) = back["data"]
    assert (made["slug"], made["description"]) == ("researcher", "Finds things.")
    got = await definition_of(agents, made["id"])
    assert got["instructions"] == (
        "You are {{ agent }}; it is {{ today }}. Ask {{ who }}. \n{{ '{%' }} for x in y %}"
    )
    assert [each["tool"] for each in got["tools"]] == ["mcp:wiki/*", "mcp:crm/lookup"]
    assert (got["model"], got["limits"]["steps"]) == ("demo/chat", 7)
    assert got["parameters"]["max_output_tokens"] == 500
    left = " ".join(each["detail"] for each in back["warnings"] if each["code"] == "left_out")
    for name in (
        "function_tools", "tool_hooks", "shell", "cwd", "mcp_connect", "api_key", "skills",
        "parallel_tool_calls", "url:https://evil.example", "env", "messages",
    ):  # fmt: skip
        assert name in left, name
    assert "sk-secret" not in json.dumps(back)
    assert "steal" not in json.dumps(got)


PATTERNS = {
    "chain": {"type": "chain", "agents": ["one", "two"], "cumulative": True},
    "parallel": {"type": "parallel", "agents": ["one", "two"], "combine": "join"},
    "parallel with a model": {"type": "parallel", "agents": ["one", "two"], "combine": "model"},
    "router": {"type": "router", "agents": ["one", "two"], "fallback": None},
    "orchestrator": {"type": "orchestrator", "agents": ["one", "two"], "rounds": 4},
    "evaluator_optimizer": {
        "type": "evaluator_optimizer",
        "generator": "one",
        "evaluator": "two",
        "rounds": 2,
        "good_enough": 0.9,
    },
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
async def test_a_pattern_goes_to_fast_agent_and_back(agents, pattern):
    for name in ("one", "two"):
        await agents.make(slug=name, definition={"instructions": f"You are {name}."})
    definition = {"instructions": "Work for {{ agent }} until {{ today }}.", "pattern": pattern}
    boss = await agents.make(slug="boss", description="Leads.", definition=definition)
    path = f"/{boss['id']}/export?format=fast_agent&members=true"
    body = (await agents.call("GET", path)).json()
    heads = [yaml.safe_load(each["content"].split("---")[1]) for each in body["documents"]]
    assert heads[0]["type"] == pattern["type"]
    for agent in (await agents.call("GET", "")).json()["data"]:
        await agents.call("DELETE", f"/{agent['id']}", expect=204)
    back = (await agents.call("POST", "/import", body, expect=201)).json()
    assert back["warnings"] == []
    assert {each["slug"] for each in back["data"]} == {"boss", "one", "two"}
    found = {each["slug"]: each for each in back["data"]}
    assert found["boss"]["description"] == "Leads."
    assert await definition_of(agents, found["boss"]["id"]) == boss["definition"]
    one = await definition_of(agents, found["one"]["id"])
    assert one["instructions"] == "You are one."


async def test_a_plain_agent_goes_to_fast_agent_and_back(agents):
    definition = {
        "instructions": "Help.",
        "model": "demo/chat",
        "parameters": {"max_output_tokens": 9, "stop": ["x"]},
        "limits": {"steps": 3},
    }
    made = await agents.make(slug="plain", definition=definition)
    card = (await agents.call("GET", f"/{made['id']}/export?format=fast_agent")).text
    assert "model: demo.chat" in card
    back = await take_in(agents, card)
    assert await definition_of(agents, back["data"][0]["id"]) == made["definition"]


async def test_what_a_card_has_no_words_for_stands_in_it_as_a_comment(agents):
    made = await agents.make(definition={"memory": {"scopes": ["user"]}})
    card = (await agents.call("GET", f"/{made['id']}/export?format=fast_agent")).text
    assert "# Left out: memory\n" in card


async def test_a_pattern_that_fast_agent_has_not_is_refused(agents):
    await agents.make(slug="one")
    pattern = {"type": "voting", "agents": ["one"]}
    made = await agents.make(definition={"pattern": pattern})
    path = f"/{made['id']}/export?format=fast_agent"
    assert (await agents.call("GET", path, expect=409)).json()["code"] == "export_unfit"


@pytest.mark.parametrize(
    "document",
    [
        {"name": "x", "skills": [], "url": "u", "defaultInputModes": 5},
        {"name": "x", "skills": [None, 3], "url": "u", "defaultInputModes": [None, {}]},
    ],
)
async def test_an_odd_agent_card_is_taken_as_far_as_it_goes(agents, document):
    (made,) = (await take_in(agents, json.dumps(document)))["data"]
    assert (await definition_of(agents, made["id"]))["inputs"] == []


@pytest.mark.parametrize("fan_in", ["b", ["b"], 3])
async def test_a_definition_has_no_field_of_foreign_cards(agents, fan_in):
    documents = [{"slug": "a", "definition": {"fan_in": fan_in}}, {"slug": "b", "definition": {}}]
    refused = await take_in(agents, *map(json.dumps, documents), expect=422)
    assert [each["pointer"] for each in refused["errors"]] == [
        "/body/documents/0/definition/fan_in"
    ]


@pytest.mark.parametrize("number", ["-9999999999999999999", "18446744073709551616", "1.0e999"])
async def test_numbers_that_json_cannot_keep_are_refused(agents, number):
    text = f"definition:\n  tools:\n  - tool: calculator\n    config:\n      a: {number}\n"
    refused = await take_in(agents, text, expect=422)
    assert refused["code"] == "agent_document_unreadable"


async def test_members_are_exported_in_their_newest_version_alone(agents):
    writer = await agents.make(slug="writer", definition={"instructions": "One."})
    for words in ("Two.", "Three."):
        path = f"/{writer['id']}"
        await agents.call("PATCH", path, {"definition": {"instructions": words}})
    chief = await agents.make(slug="chief", definition={"agents": ["writer"]})
    answer = await agents.call("GET", f"/{chief['id']}/export?members=true")
    told = {each["slug"]: each["definition"] for each in answer.json()["agents"]}
    assert told["writer"]["instructions"] == "Three."
