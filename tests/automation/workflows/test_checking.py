"""What is wrong with a definition is told where it is; what is only missing does not stop it."""

import jsonschema_rs

from app.automation.workflows import checking
from tests.automation.workflows.conftest import Maker, flow, saying
from tests.support.identity import new_person

AT = "/body/definition"


def codes(problems):
    return {each["pointer"]: each["code"] for each in problems}


def node(node_type, node_id="a", **settings):
    return {"id": node_id, "type": node_type, "with": settings}


async def test_all_mistakes_are_told_at_once_and_nothing_is_saved(workflows):
    broken = flow(
        node("transform", value="{{ nodes.b.output }}"),
        node("no-such", "b"),
        edges=[{"from": "a", "to": "c"}],
    )
    told = await workflows.validated(broken)
    assert not told["valid"]
    found = codes(told["errors"])
    assert found[f"{AT}/edges/0/to"] == "edge_node_unknown"
    assert found[f"{AT}/nodes/1/type"] == "node_type_unknown"
    assert f"{AT}/nodes/0/with/value" in found
    refused = await workflows.make(definition=broken, expect=422)
    assert refused["code"] == "flow_invalid"
    assert codes(refused["errors"]) == found
    made = await workflows.make()
    patch = {"definition": {"edges": [{"from": "hello", "to": "c"}]}}
    patched = await workflows.call("PATCH", f"/{made['id']}", patch, expect=422)
    assert codes(patched.json()["errors"]) == {f"{AT}/edges/0/to": "edge_node_unknown"}
    assert (await workflows.call("GET", f"/{made['id']}")).json()["current_version"] == 1


async def test_what_is_not_there_is_a_warning_wherever_it_is_named(workflows):
    body = {"nodes": [node("agent", "inner", agent="nobody", input="Hi")]}
    over = {"id": "each", "type": "map", "with": {"items": "{{ inputs.items }}"}, "body": body}
    named = flow(
        node("subworkflow", "sub", workflow="nothing"),
        node("retrieve", "find", query="Who?", collections=["handbook"]),
        node("tool", "call", tool="custom:nothing"),
        over,
    )
    made = await workflows.make(slug="caller", definition=named)
    assert codes(made["warnings"]) == {
        f"{AT}/nodes/0/with/workflow": "workflow_not_found",
        f"{AT}/nodes/1/with/collections/0": "collection_not_found",
        f"{AT}/nodes/2/with/tool": "tool_unknown",
        f"{AT}/nodes/3/body/nodes/0/with/agent": "agent_not_found",
    }
    assert (await workflows.validated(named))["valid"]


async def test_what_is_there_by_slug_or_id_is_no_warning(workflows, client, person):
    post = {"headers": person.headers}
    handbook = await client.post("/v1/collections", json={"name": "H", "slug": "h"}, **post)
    agent = await client.post("/v1/agents", json={"name": "W", "slug": "w"}, **post)
    other = await workflows.make(slug="other")
    named = flow(
        node("subworkflow", "itself", workflow="caller"),
        node("subworkflow", "sub", workflow=other["id"]),
        node("retrieve", "find", query="Who?", collections=["h", handbook.json()["id"]]),
        node("agent", "ask", agent="w", input="Hi"),
        node("agent", "again", agent=agent.json()["id"], input="Hi"),
        node("agent", "later", agent="{{ inputs.agent }}", input="Hi"),
    )
    assert (await workflows.make(slug="caller", definition=named))["warnings"] == []
    stranger = Maker(client, await new_person(client))
    assert len((await stranger.validated(named))["warnings"]) == 6


async def test_a_tool_that_a_person_must_agree_to_is_an_error_and_not_a_warning(workflows):
    told = await workflows.validated(flow(node("tool", tool="{{ inputs.tool }}")))
    assert codes(told["errors"]) == {f"{AT}/nodes/0/with/tool": "tool_not_fixed"}


async def test_somebody_who_changes_the_definition_meanwhile_is_not_overwritten(
    workflows, monkeypatch
):
    made = await workflows.make()
    path = f"/{made['id']}"
    look_over = checking.look_over

    async def interrupted(*given, **more):
        found = await look_over(*given, **more)
        monkeypatch.setattr(checking, "look_over", look_over)
        await workflows.call("PATCH", path, {"definition": saying("Theirs")})
        return found

    monkeypatch.setattr(checking, "look_over", interrupted)
    await workflows.call("PATCH", path, {"definition": {"vars": {"mine": 1}}}, expect=412)
    assert (await workflows.call("GET", path)).json()["definition"] == saying("Theirs")


async def test_the_language_has_a_schema_at_a_stable_address(client):
    told = await client.get("/v1/workflows/schema")
    assert told.status_code == 200, told.text
    valid = jsonschema_rs.validator_for(told.json()).is_valid
    assert valid(flow())
    assert not valid(flow({"id": "a", "type": "no-such"}))
    again = await client.get(
        "/v1/workflows/schema", headers={"If-None-Match": told.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == told.headers["etag"]


async def test_node_types_are_listed_with_an_example_that_is_valid(workflows, client, person):
    async def listed(query=""):
        answer = await client.get(f"/v1/workflow-node-types?{query}", headers=person.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = await listed("limit=5")
    names = [each["type"] for each in first["data"]]
    assert first["has_more"]
    rest = await listed(f"limit=200&cursor={first['next_cursor']}")
    found = {each["type"]: each for each in [*first["data"], *rest["data"]]}
    assert list(found) == sorted(found)
    assert names == list(found)[:5]
    assert {"agent", "approval", "code", "condition", "emit", "http", "llm", "loop", "map",
            "parallel", "retrieve", "subworkflow", "switch", "tool", "transform", "try",
            "wait"} <= set(found)  # fmt: skip
    assert found["condition"]["ports"] == ["false", "true"]
    assert found["try"]["scopes"] == ["body", "catch", "finally"]
    assert all(each["ready"] == (each["missing"] is None) for each in found.values())
    assert {each["type"] for each in (await listed("kind=container"))["data"]} == {
        "loop", "map", "parallel", "try"
    }  # fmt: skip
    for each in found.values():
        told = await workflows.validated(flow(each["example"]))
        formal = [e for e in told["errors"] if not e["pointer"].startswith(f"{AT}/nodes/0/with")]
        assert formal == [], each["type"]


async def test_a_secret_that_is_written_out_is_a_warning(workflows):
    """A definition that has one is saved: it runs, and its readers are told what they see."""
    request = {"url": "https://example.com/a", "headers": {"X-Api-Key": "s3cr3t"}}
    options = {**request, "rows": "/data"}
    rows = {"connector": "http_rows", "operation": "read", "options": options}
    nodes = [
        {"id": "a", "type": "http", "with": request},
        {"id": "b", "type": "connector", "with": rows},
    ]
    told = await workflows.validated({"dsl": "flow/1", "nodes": nodes})
    assert told["errors"] == []
    assert [(each["pointer"], each["code"]) for each in told["warnings"]] == [
        ("/body/definition/nodes/0/with/headers/X-Api-Key", "secret_written"),
        ("/body/definition/nodes/1/with/options/headers/X-Api-Key", "secret_written"),
    ]


WANTS = {
    "type": "object",
    "required": ["order", "amount"],
    "properties": {
        "order": {"type": "string", "pattern": "^A"},
        "amount": {"type": "number"},
        "currency": {"type": "string", "default": "EUR"},
    },
    "additionalProperties": False,
    "if": {"properties": {"currency": {"const": "EUR"}}},
    "then": {"properties": {"amount": {"maximum": 100}}},
}


async def test_a_call_of_a_workflow_that_does_not_fit_the_version_it_names_is_an_error(workflows):
    await workflows.make(slug="refunds", definition=flow(inputs=WANTS))
    unfit = {"order": "B1", "colour": "{{ inputs.colour }}"}
    named = flow(
        node("subworkflow", "good", workflow="refunds", version=1,
             inputs={"order": "A1", "amount": 7}),
        node("subworkflow", "later", workflow="refunds", version=1,
             inputs={"order": "{{ inputs.order }}", "amount": "{{ inputs.amount }}"}),
        node("subworkflow", "whole", workflow="refunds", version=1, inputs="{{ inputs }}"),
        node("subworkflow", "bad", workflow="refunds", version=1, inputs=unfit),
    )  # fmt: skip
    told = await workflows.validated(named)
    at = f"{AT}/nodes/3/with/inputs"
    assert {(each["pointer"], each["code"]) for each in told["errors"]} == {
        (f"{at}/order", "schema_pattern"),
        (at, "schema_required"),
        (at, "schema_additionalproperties"),
    }
    assert all("version 1 of `refunds`" in each["detail"] for each in told["errors"])
    refused = await workflows.make(slug="caller", definition=named, expect=422)
    assert refused["errors"] == told["errors"]


async def test_what_a_template_stands_beside_is_an_error_only_where_it_is_one_in_any_case(
    workflows,
):
    await workflows.make(slug="refunds", definition=flow(inputs=WANTS))

    async def mistakes(**inputs):
        named = node("subworkflow", workflow="refunds", version=1, inputs=inputs)
        return set(codes((await workflows.validated(flow(named)))["errors"]).values())

    assert await mistakes(order="A1", amount=101) == {"schema_maximum"}
    assert await mistakes(order="A1", amount=101, currency="{{ inputs.currency }}") == set()
    assert await mistakes(order=["{{ inputs.order }}"], amount=1) == {"schema_type"}


async def test_a_call_that_may_fit_later_is_a_warning(workflows):
    made = await workflows.make(slug="refunds", definition=flow(inputs=WANTS))
    whole = {"order": "A1", "amount": 7}
    named = flow(
        node("subworkflow", "newest", workflow="refunds", inputs={"order": "A1"}),
        node("subworkflow", "labelled", workflow=made["id"], label="draft", inputs={"amount": 7}),
        node("subworkflow", "version", workflow="refunds", version=2, inputs=whole),
        node("subworkflow", "label", workflow="refunds", label="stable", inputs=whole),
    )
    written = await workflows.make(slug="caller", definition=named)
    assert codes(written["warnings"]) == {
        f"{AT}/nodes/0/with/inputs": "schema_required",
        f"{AT}/nodes/1/with/inputs": "schema_required",
        f"{AT}/nodes/2/with/version": "workflow_version_not_found",
        f"{AT}/nodes/3/with/label": "workflow_label_not_found",
    }
    open_to_all = {"definition": {"inputs": {"required": None, "additionalProperties": None}}}
    await workflows.call("PATCH", f"/{made['id']}", open_to_all)
    await workflows.call("PUT", f"/{made['id']}/labels/stable", {"version": 2})
    assert (await workflows.validated(named))["warnings"] == []


async def test_a_workflow_that_calls_itself_is_not_held_to_what_it_was_before(workflows):
    made = await workflows.make(slug="itself", definition=flow(inputs=WANTS))
    nodes = [node("subworkflow", workflow=name, inputs={}) for name in ("itself", made["id"])]
    nodes[1]["id"] = "b"
    patch = {"definition": {"inputs": {"required": None}, "nodes": nodes}}
    patched = await workflows.call("PATCH", f"/{made['id']}", patch)
    assert patched.json()["warnings"] == []
