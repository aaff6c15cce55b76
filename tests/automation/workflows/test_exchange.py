"""Import and export: what goes out comes back."""

import json

import pytest

from tests.automation.workflows.conftest import flow

FULL = flow(
    {
        "id": "each",
        "type": "map",
        "with": {"items": "{{ inputs.items }}", "concurrency": 2},
        "body": {
            "nodes": [{"id": "say", "type": "transform", "with": {"value": "no: {{ item }}"}}],
            "outputs": "{{ nodes.say.output }}",
        },
        "retry": {"max": 2, "delay": "1m30s"},
        "ui": {"x": 1.5, "y": 2.0},
    },
    inputs={"type": "object", "properties": {"items": {"type": "array"}}},
    vars={"day": "2026-11-02", "yes": "no", "rate": 1.5, "most": 2**64 - 1},
    settings={"timeout": "1h", "budget_usd": "0.50"},
    outputs={"said": "{{ nodes.each.output }}"},
)


async def take_in(workflows, *contents, expect=201, **more):
    documents = [each if isinstance(each, dict) else {"content": each} for each in contents]
    body = {"documents": documents, **more}
    return (await workflows.call("POST", "/import", body, expect=expect)).json()


@pytest.mark.parametrize("form", ["json", "yaml"])
async def test_what_is_exported_is_imported_as_it_was(workflows, form):
    made = await workflows.make(
        "Full “one”", slug="full", definition=FULL, description="All.", tags=["a"],
        metadata={"a": [1]},
    )  # fmt: skip
    assert made["definition"] == FULL
    exported = await workflows.call("GET", f"/{made['id']}/export?format={form}")
    assert f'filename="full.{form}"' in exported.headers["content-disposition"]
    for named in (None, form):
        back = await take_in(workflows, exported.text, format=named)
        (copy,) = back["data"]
        shown = (await workflows.call("GET", f"/{copy['id']}")).json()
        assert shown["definition"] == FULL
        for field in ("name", "description", "tags", "metadata", "visibility"):
            assert copy[field] == made[field]
        assert [each["code"] for each in back["warnings"]] == ["slug_changed"]


async def test_documents_call_each_other_by_the_slugs_that_they_get(workflows):
    await workflows.make(slug="child")
    call = {"id": "call", "type": "subworkflow", "with": {"workflow": "child"}}
    back = await take_in(
        workflows,
        json.dumps({"format": "luminous/workflow@1", "slug": "parent", "definition": flow(call)}),
        {"name": "dir/child.yaml", "content": "dsl: flow/1\nnodes: [{id: a, type: transform, "
         "with: {value: 1}}]\n"},
        visibility="private",
    )  # fmt: skip
    parent, child = back["data"]
    assert (parent["slug"], parent["visibility"]) == ("parent", "private")
    assert child["name"] == "child"
    assert child["slug"].startswith("child-")
    shown = (await workflows.call("GET", f"/{parent['id']}")).json()
    assert shown["definition"]["nodes"][0]["with"] == {"workflow": child["slug"]}
    assert codes(back["warnings"]) == {"/body/documents/1": "slug_changed"}


def codes(problems):
    return {each["pointer"]: each["code"] for each in problems}


async def test_all_are_imported_or_none(workflows):
    broken = json.dumps({"name": "B", "definition": flow({"id": "a", "type": "no-such"})})
    refused = await take_in(workflows, json.dumps(flow()), broken, expect=422)
    assert codes(refused["errors"]) == {
        "/body/documents/1/definition/nodes/0/type": "node_type_unknown"
    }
    twice = json.dumps({"slug": "same", "definition": flow()})
    refused = await take_in(workflows, twice, twice, expect=422)
    assert set(codes(refused["errors"]).values()) == {"name_twice"}
    assert (await workflows.call("GET", "")).json()["data"] == []


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("{", "no JSON"),
        ("- a", "no object"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("dsl: flow/1\nnodes: []\nvars: {}\nnodes: []\n", "in line 4, `nodes` is there a second"),
        ("vars: {most: 18446744073709551616}\n", "number that is too large"),
        ('{"format": "luminous/workflow@2", "definition": {}}', "luminous/workflow@1"),
    ],
)
async def test_what_cannot_be_read_is_refused(workflows, content, detail):
    refused = await take_in(workflows, content, expect=422)
    assert refused["code"] == "workflow_document_unreadable"
    assert detail in refused["detail"]


async def test_a_mistake_is_told_once(workflows):
    refused = await take_in(workflows, "", expect=422)
    assert [(each["pointer"], each["detail"]) for each in refused["errors"]] == [
        ("/body/documents/0/content", "String should have at least 1 character")
    ]


async def test_a_dry_import_makes_nothing(workflows):
    body = {"documents": [{"content": json.dumps(flow())}]}
    tried = await workflows.call("POST", "/import?dry_run=true", body, expect=201)
    assert len(tried.json()["data"]) == 1
    assert (await workflows.call("GET", "")).json()["data"] == []
