"""Versions of workflows: made, named, compared, taken back."""

from app.identity.versioned import versions
from tests.automation.workflows.conftest import flow, saying


async def test_every_edit_of_the_definition_is_a_version_that_stays(workflows):
    made = await workflows.make(definition=saying("One"), note="First.")
    path = f"/{made['id']}"
    patch = {"definition": {"settings": {"max_steps": 8}}, "note": "Shorter."}
    changed = (await workflows.call("PATCH", path, patch)).json()
    assert (changed["current_version"], changed["definition_version"]) == (2, 2)
    assert changed["definition"] == {**saying("One"), "settings": {"max_steps": 8}}
    listed = (await workflows.call("GET", f"{path}/versions")).json()["data"]
    assert [(each["number"], each["note"]) for each in listed] == [(2, "Shorter."), (1, "First.")]
    old = (await workflows.call("GET", f"{path}/versions/1")).json()
    assert old["definition"] == saying("One")
    shown = (await workflows.call("GET", f"{path}?version=1")).json()
    assert shown["definition"] == saying("One")
    missing = await workflows.call("GET", f"{path}/versions/3", expect=404)
    assert missing.json()["code"] == "workflow_version_not_found"


async def test_a_definition_that_only_writes_out_defaults_is_no_version(workflows):
    made = await workflows.make(definition=saying("One"))
    same = {"vars": {}, "settings": {"priority": 5}, "edges": []}
    again = await workflows.call("PATCH", f"/{made['id']}", {"definition": same})
    assert again.json()["current_version"] == 1


async def test_a_null_in_a_patch_takes_a_field_away(workflows):
    made = await workflows.make(definition={**saying("One"), "vars": {"a": 1, "b": 2}})
    patch = {"definition": {"vars": {"a": None}}}
    changed = (await workflows.call("PATCH", f"/{made['id']}", patch)).json()
    assert changed["definition"]["vars"] == {"b": 2}


async def test_of_two_writers_with_one_etag_the_second_is_refused(workflows):
    made = await workflows.make()
    for number, status in ((1, 200), (2, 412)):
        patch = {"definition": saying(f"By {number}")}
        await workflows.call("PATCH", f"/{made['id']}", patch, expect=status, If_Match='"v1"')
    assert (await workflows.call("GET", f"/{made['id']}")).json()["current_version"] == 2


async def test_a_label_names_one_version_and_moves(workflows):
    made = await workflows.make(definition=saying("One"))
    path = f"/{made['id']}"
    await workflows.call("PATCH", path, {"definition": saying("Two")})
    put = await workflows.call("PUT", f"{path}/labels/production", {"version": 1})
    assert put.json()["labels"] == {"production": 1}
    shown = (await workflows.call("GET", f"{path}?label=production")).json()
    assert (shown["definition_version"], shown["definition"]) == (1, saying("One"))
    moved = await workflows.call("PUT", f"{path}/labels/production", {"version": 2})
    assert moved.json()["labels"] == {"production": 2}
    none = await workflows.call("PUT", f"{path}/labels/production", {"version": 9}, expect=404)
    assert none.json()["code"] == "workflow_version_not_found"
    await workflows.call("DELETE", f"{path}/labels/production", expect=204)
    gone = await workflows.call("GET", f"{path}?label=production", expect=404)
    assert gone.json()["code"] == "workflow_label_not_found"
    draft = await workflows.call("PUT", f"{path}/labels/draft", {"version": 1}, expect=422)
    assert draft.json()["code"] == "label_reserved"


async def test_labels_and_versions_are_bounded(workflows, monkeypatch):
    monkeypatch.setattr(versions, "MOST_LABELS", 1)
    monkeypatch.setattr(versions, "MOST_VERSIONS", 1)
    made = await workflows.make()
    path = f"/{made['id']}"
    await workflows.call("PUT", f"{path}/labels/one", {"version": 1})
    full = await workflows.call("PUT", f"{path}/labels/two", {"version": 1}, expect=409)
    assert full.json()["code"] == "too_many_workflow_labels"
    more = await workflows.call("PATCH", path, {"definition": saying("Two")}, expect=409)
    assert more.json()["code"] == "too_many_workflow_versions"


async def test_a_rollback_makes_a_new_version_of_an_old_one(workflows):
    made = await workflows.make(definition=saying("One"))
    path = f"/{made['id']}"
    await workflows.call("PATCH", path, {"definition": saying("Two")})
    back = (await workflows.call("POST", f"{path}/rollback", {"version": 1})).json()
    assert (back["current_version"], back["definition"]) == (3, saying("One"))
    listed = (await workflows.call("GET", f"{path}/versions?limit=1")).json()
    assert listed["data"][0]["note"] == "Back to version 1."
    again = (await workflows.call("POST", f"{path}/rollback", {"version": 1})).json()
    assert again["current_version"] == 3


async def test_a_diff_speaks_of_nodes_and_edges(workflows):
    add = {"id": "more", "type": "transform", "with": {"value": "{{ nodes.hello.output }}"}}
    made = await workflows.make(definition=saying("One"))
    path = f"/{made['id']}"
    two = flow(
        *saying("Two")["nodes"], add, edges=[{"from": "hello", "to": "more"}], outputs="done"
    )
    await workflows.call("PATCH", path, {"definition": two})
    told = (await workflows.call("GET", f"{path}/diff")).json()
    assert (told["old_version"], told["new_version"]) == (1, 2)
    (whole,) = told["scopes"]
    assert (whole["scope"], whole["nodes_added"], whole["nodes_removed"]) == ("", ["more"], [])
    changed = {"pointer": "/with/value", "kind": "changed", "before": "One", "after": "Two"}
    assert whole["nodes_changed"] == [{"id": "hello", "changes": [changed]}]
    assert [(e["source"], e["target"]) for e in whole["edges_added"]] == [("hello", "more")]
    assert [each["pointer"] for each in whole["changes"]] == ["/outputs"]
    back = (await workflows.call("GET", f"{path}/diff?old=2&new=1")).json()["scopes"][0]
    assert (back["nodes_added"], back["nodes_removed"]) == ([], ["more"])
    same = await workflows.call("GET", f"{path}/diff?old=2&new=2")
    assert same.json()["scopes"] == []
