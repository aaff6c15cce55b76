"""Workflows as a resource: made, changed, deleted, shared, found, and resolved for a run."""

import json
from uuid import UUID

from app.automation.workflows import service
from app.automation.workflows.models import WORKFLOW_KIND
from app.identity.versioned import keeping
from app.identity.versioned.personal import PrivateStore
from app.oversight.privacy.people import Person
from tests.agents.definitions.support import access_of
from tests.automation.workflows.conftest import Maker, flow, saying
from tests.support.identity import new_person
from tests.support.teams import new_team


async def test_a_workflow_is_made_changed_deleted_and_restored(workflows):
    made = await workflows.make(slug="greeting", tags=["a", "b", "a"], metadata={"team": "blue"})
    assert (made["slug"], made["current_version"], made["labels"]) == ("greeting", 1, {})
    assert (made["tags"], made["enabled"], made["warnings"]) == (["a", "b"], True, [])
    assert made["definition"] == flow()
    path = f"/{made['id']}"
    await workflows.call("PATCH", path, {"enabled": False}, expect=412, If_Match='"v9"')
    changed = await workflows.call("PATCH", path, {"enabled": False, "tags": None, "name": "X"})
    assert changed.headers["etag"] == '"v2"'
    told = changed.json()
    assert (told["enabled"], told["tags"], told["name"]) == (False, [], "X")
    assert (told["metadata"], told["current_version"]) == ({"team": "blue"}, 1)
    await workflows.call("DELETE", path, expect=204)
    await workflows.call("GET", path, expect=404)
    gone = (await workflows.call("GET", "?deleted=true")).json()
    assert [each["id"] for each in gone["data"]] == [made["id"]]
    back = await workflows.call("POST", f"{path}/restore")
    assert back.json()["deleted_at"] is None


async def test_no_slug_looks_like_an_id(workflows):
    made = await workflows.make()
    for slug in (made["id"], made["id"].replace("-", "")):
        refused = await workflows.make(slug=slug, expect=422)
        assert [each["pointer"] for each in refused["errors"]] == ["/body/slug"]
        path = f"/{made['id']}"
        await workflows.call("PATCH", path, {"slug": slug}, expect=422)
    document = {"format": "luminous/workflow@1", "name": made["id"], "definition": flow()}
    body = {"documents": [{"content": json.dumps(document)}]}
    (imported,) = (await workflows.call("POST", "/import", body, expect=201)).json()["data"]
    assert imported["slug"] == "workflow-1"


async def test_a_slug_is_made_of_the_name_and_taken_once(workflows):
    made = await workflows.make("Müller & Söhne")
    assert made["slug"].startswith("muller-sohne-")
    await workflows.make(slug="hi")
    assert (await workflows.make(slug="hi", expect=409))["code"] == "workflow_slug_taken"


async def test_a_list_is_filtered(workflows, client, person):
    team = await new_team(client, person)
    other = await new_person(client)
    await team.take_in(person, other)
    body = {"name": "Plain", "definition": flow()}
    plain = (await team.call(person, "POST", "/v1/workflows", body)).json()
    body = {"name": "Tagged", "definition": flow(), "tags": ["sales"], "enabled": False}
    tagged = (await team.call(other, "POST", "/v1/workflows", body)).json()

    async def found(query):
        answer = await team.call(person, "GET", f"/v1/workflows?{query}")
        return [each["id"] for each in answer.json()["data"]]

    assert await found("") == [tagged["id"], plain["id"]]
    assert await found("q=lai") == [plain["id"]]
    assert await found("tag=sales") == [tagged["id"]]
    assert await found("tag=sale") == []
    assert await found("enabled=true") == [plain["id"]]
    assert await found("mine=true") == [plain["id"]]
    assert await found("visibility=private") == []
    first = (await team.call(person, "GET", "/v1/workflows?limit=1")).json()
    assert await found(f"limit=1&cursor={first['next_cursor']}") == [plain["id"]]


async def test_many_are_deleted_and_restored_at_once(workflows):
    one, two = await workflows.make(), await workflows.make()
    for action in ("delete", "restore"):
        items = [{"action": action, "id": each["id"]} for each in (one, two)]
        done = await workflows.call("POST", "/bulk", {"items": items})
        assert [each["ok"] for each in done.json()["data"]] == [True, True]
    assert len((await workflows.call("GET", "")).json()["data"]) == 2


async def test_a_copy_has_the_definition_of_the_version_that_is_asked_for(workflows):
    made = await workflows.make("One", definition=saying("Old"), tags=["a"])
    await workflows.call("PATCH", f"/{made['id']}", {"definition": saying("New")})
    newest = await workflows.call("POST", f"/{made['id']}/duplicate", {}, expect=201)
    older = await workflows.call("POST", f"/{made['id']}/duplicate", {"version": 1}, expect=201)
    assert newest.json()["definition"] == saying("New")
    assert older.json()["definition"] == saying("Old")
    assert (older.json()["name"], older.json()["tags"]) == ("One copy", ["a"])


async def test_a_dry_run_makes_nothing(workflows):
    body = {"name": "Trial", "definition": flow()}
    made = await workflows.call("POST", "?dry_run=true", body, expect=201)
    assert made.headers["dry-run"] == "true"
    assert (await workflows.call("GET", "")).json()["data"] == []


async def test_a_workspace_has_a_bounded_number_of_workflows(workflows, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_LIVING", 1)
    await workflows.make()
    assert (await workflows.make(expect=409))["code"] == "too_many_workflows"


async def test_a_private_workflow_is_seen_by_its_owner_and_whom_it_is_shared_with(client, person):
    team = await new_team(client, person)
    other = await new_person(client)
    await team.take_in(person, other)
    member = await team.member_of(person, other)
    body = {"name": "Secret", "visibility": "private", "definition": flow()}
    made = (await team.call(person, "POST", "/v1/workflows", body)).json()
    path = f"/v1/workflows/{made['id']}"
    assert (await team.call(other, "GET", path)).status_code == 404
    grantee = {"type": "member", "member_id": member["id"]}
    shared = await team.call(person, "POST", f"{path}/shares", {"grantee": grantee})
    assert shared.status_code == 201, shared.text
    assert (await team.call(other, "GET", path)).json()["name"] == "Secret"
    refused = await team.call(other, "PATCH", path, {"definition": saying("Hi")})
    assert (refused.status_code, refused.json()["code"]) == (403, "workflow_read_only")
    await team.call(person, "PATCH", f"{path}/shares/{shared.json()['id']}", {"level": "write"})
    assert (await team.call(other, "PATCH", path, {"name": "Ours"})).status_code == 200
    kept = await team.call(other, "DELETE", path)
    assert (kept.status_code, kept.json()["code"]) == (403, "workflow_not_yours")


async def test_another_workspace_sees_nothing(workflows, client):
    made = await workflows.make()
    stranger = Maker(client, await new_person(client))
    for path in ("", "/versions", "/versions/1", "/export", "/diff?old=1"):
        await stranger.call("GET", f"/{made['id']}{path}", expect=404)
    assert (await stranger.call("GET", "")).json()["data"] == []


async def test_a_search_finds_workflows_by_rights_and_as_they_are_now(client, person):
    team = await new_team(client, person)
    other = await new_person(client)
    await team.take_in(person, other)
    node = {"id": "a", "type": "transform", "name": "Weigh oysters", "with": {"value": 1}}
    body = {"name": "Kitchen", "visibility": "private", "definition": flow(node)}
    made = (await team.call(person, "POST", "/v1/workflows", body)).json()

    async def found(by, words):
        wanted = {"query": words, "mode": "lexical", "filters": {"kinds": ["workflow"]}}
        answer = await team.call(by, "POST", "/v1/search", wanted)
        assert answer.status_code == 200, answer.text
        return [each["workflow_id"] for each in answer.json()["data"]]

    assert await found(person, "oysters") == [made["id"]]
    assert await found(other, "oysters") == []
    path = f"/v1/workflows/{made['id']}"
    change = {"visibility": "workspace", "description": "Beer.", "definition": flow()}
    assert (await team.call(person, "PATCH", path, change)).status_code == 200
    assert await found(other, "beer") == [made["id"]]
    assert await found(other, "oysters") == []
    await team.call(person, "DELETE", path)
    assert await found(person, "beer") == []


async def test_a_private_workflow_goes_with_its_owner(workflows, person, kernel):
    await workflows.make(visibility="private")
    await workflows.make(slug="stays")
    store = PrivateStore(kernel.database, WORKFLOW_KIND)
    who = Person(UUID(person.user_id))
    assert await store.left(who) == 1
    told = []

    class Tally:
        async def add(self, *what, session=None):
            told.append(what)

    await store.erase(who, Tally())
    assert told == [("postgres/workflows", "deleted", 1)]
    assert await store.left(who) == 0
    left = (await workflows.call("GET", "")).json()["data"]
    assert [each["slug"] for each in left] == ["stays"]


async def test_a_run_takes_what_is_in_production_or_else_the_newest(workflows, person, kernel):
    made = await workflows.make(slug="runner")
    await workflows.call("PATCH", f"/{made['id']}", {"definition": saying("Two")})
    access = access_of(person)

    async def taken(reference="runner", **choice):
        async with kernel.database.unit(access.scope) as session:
            _, version = await service.resolve(session, access, reference, **choice)
            return version.number

    assert await taken() == 2
    await workflows.call("PUT", f"/{made['id']}/labels/production", {"version": 1})
    assert await taken() == 1
    assert await taken(made["id"], label="draft") == 2
    assert await taken(version=2) == 2
