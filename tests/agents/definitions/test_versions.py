"""Versions of definitions: made, named, compared, taken back."""

import pytest

from app.agents.definitions.changes import differences, patched_definition
from app.identity.versioned import versions


async def test_every_edit_of_the_definition_is_a_version_that_stays(agents):
    made = await agents.make(definition={"instructions": "One."}, note="First.")
    path = f"/{made['id']}"
    change = {"definition": {"instructions": "Two.", "limits": {"steps": 8}}, "note": "Shorter."}
    changed = (await agents.call("PATCH", path, change)).json()
    assert (changed["current_version"], changed["definition_version"]) == (2, 2)
    assert changed["definition"]["limits"]["steps"] == 8
    listed = (await agents.call("GET", f"{path}/versions")).json()["data"]
    assert [(each["number"], each["note"]) for each in listed] == [(2, "Shorter."), (1, "First.")]
    old = (await agents.call("GET", f"{path}/versions/1")).json()
    assert old["definition"]["instructions"] == "One."
    assert (await agents.call("GET", f"{path}?version=1")).json()["definition"] == old["definition"]
    missing = await agents.call("GET", f"{path}/versions/3", expect=404)
    assert missing.json()["code"] == "agent_version_not_found"


async def test_the_same_definition_again_is_no_version(agents):
    made = await agents.make(definition={"instructions": "One."})
    same = {"definition": {"instructions": "One.", "limits": {"steps": 20}}}
    again = await agents.call("PATCH", f"/{made['id']}", same)
    assert again.json()["current_version"] == 1
    listed = (await agents.call("GET", f"/{made['id']}/versions")).json()["data"]
    assert len(listed) == 1


async def test_a_null_in_a_patch_brings_the_default_back(agents):
    made = await agents.make(definition={"instructions": "One.", "parameters": {"seed": 7}})
    patch = {"definition": {"parameters": {"seed": None}, "instructions": None}}
    changed = (await agents.call("PATCH", f"/{made['id']}", patch)).json()["definition"]
    assert (changed["parameters"]["seed"], changed["instructions"]) == (None, "")


async def test_of_two_writers_with_one_etag_the_second_is_refused(agents):
    made = await agents.make()
    path, etag = f"/{made['id']}", '"v1"'
    for number, status in ((1, 200), (2, 412)):
        patch = {"definition": {"instructions": f"By {number}."}}
        await agents.call("PATCH", path, patch, expect=status, If_Match=etag)
    assert (await agents.call("GET", path)).json()["current_version"] == 2


async def test_a_label_names_one_version_and_moves(agents):
    made = await agents.make(definition={"instructions": "One."})
    path = f"/{made['id']}"
    await agents.call("PATCH", path, {"definition": {"instructions": "Two."}})
    put = await agents.call("PUT", f"{path}/labels/production", {"version": 1})
    assert put.json()["labels"] == {"production": 1}
    shown = (await agents.call("GET", f"{path}?label=production")).json()
    assert (shown["definition_version"], shown["definition"]["instructions"]) == (1, "One.")
    stale = {"If_Match": '"v1"'}
    await agents.call("PUT", f"{path}/labels/production", {"version": 2}, expect=412, **stale)
    moved = await agents.call("PUT", f"{path}/labels/production", {"version": 2})
    assert moved.json()["labels"] == {"production": 2}
    none = await agents.call("PUT", f"{path}/labels/production", {"version": 9}, expect=404)
    assert none.json()["code"] == "agent_version_not_found"
    await agents.call("DELETE", f"{path}/labels/production", expect=204)
    gone = await agents.call("GET", f"{path}?label=production", expect=404)
    assert gone.json()["code"] == "agent_label_not_found"
    await agents.call("DELETE", f"{path}/labels/production", expect=404)


async def test_the_draft_follows_by_itself(agents):
    made = await agents.make()
    refused = await agents.call("PUT", f"/{made['id']}/labels/draft", {"version": 1}, expect=422)
    assert refused.json()["code"] == "label_reserved"
    assert (await agents.call("GET", f"/{made['id']}?label=draft")).status_code == 200


async def test_labels_are_bounded(agents, monkeypatch):
    monkeypatch.setattr(versions, "MOST_LABELS", 1)
    made = await agents.make()
    await agents.call("PUT", f"/{made['id']}/labels/one", {"version": 1})
    full = await agents.call("PUT", f"/{made['id']}/labels/two", {"version": 1}, expect=409)
    assert full.json()["code"] == "too_many_agent_labels"


async def test_a_rollback_makes_a_new_version_of_an_old_one(agents):
    made = await agents.make(definition={"instructions": "One."})
    path = f"/{made['id']}"
    await agents.call("PATCH", path, {"definition": {"instructions": "Two."}})
    back = (await agents.call("POST", f"{path}/rollback", {"version": 1})).json()
    assert (back["current_version"], back["definition"]["instructions"]) == (3, "One.")
    listed = (await agents.call("GET", f"{path}/versions?limit=1")).json()
    assert listed["data"][0]["note"] == "Back to version 1."
    again = (await agents.call("POST", f"{path}/rollback", {"version": 1})).json()
    assert again["current_version"] == 3


async def test_a_diff_names_each_change_by_its_pointer(agents):
    await agents.make(slug="other")
    made = await agents.make(definition={"instructions": "One.", "limits": {"steps": 9}})
    path = f"/{made['id']}"
    await agents.call("PATCH", path, {"definition": {"limits": {"steps": 8}, "agents": ["other"]}})
    told = (await agents.call("GET", f"{path}/diff")).json()
    assert told == {
        "from_version": 1,
        "to_version": 2,
        "changes": [
            {"pointer": "/agents/0", "action": "added", "old": None, "new": "other"},
            {"pointer": "/limits/steps", "action": "replaced", "old": 9, "new": 8},
        ],
    }
    other = (await agents.call("GET", f"{path}/diff?from=2&to=1")).json()["changes"]
    assert other[0] == {"pointer": "/agents/0", "action": "removed", "old": "other", "new": None}


@pytest.mark.parametrize(
    ("old", "new", "pointers"),
    [
        ({"a/b": 1, "c~d": 1}, {"a/b": 2, "c~d": 2}, ["/a~1b", "/c~0d"]),
        ({"a": [1, 2, 3]}, {"a": [1, 3]}, ["/a/1", "/a/2"]),
        ({"a": 1}, {"a": True}, ["/a"]),
        ({"a": None}, {}, ["/a"]),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, []),
    ],
)
def test_differences_are_found_where_they_are(old, new, pointers):
    assert [change.pointer for change in differences(old, new)] == pointers


def test_a_pattern_of_another_type_has_nothing_of_the_old_one():
    group = {"pattern": {"type": "group", "agents": ["a", "b"], "turns": 3}}
    chain = {"pattern": {"type": "chain", "agents": ["a"]}}
    assert patched_definition(group, chain) == chain
    fewer = patched_definition(group, {"pattern": {"turns": 2}})
    assert fewer == {"pattern": {"type": "group", "agents": ["a", "b"], "turns": 2}}
