"""Agents as a resource: made, changed, deleted, shared, found."""

from uuid import UUID

from app.agents.definitions import service
from app.agents.definitions.models import AGENT_KIND
from app.identity.versioned import keeping
from app.identity.versioned.personal import PrivateStore
from app.oversight.privacy.people import Person
from tests.agents.definitions.conftest import Maker
from tests.agents.definitions.support import access_of
from tests.support.identity import new_person
from tests.support.teams import new_team


async def test_an_agent_is_made_changed_deleted_and_restored(agents):
    made = await agents.make(
        slug="helper",
        definition={"instructions": "Help.", "limits": {"budget_usd": "0.50"}},
        metadata={"team": "blue"},
    )
    assert (made["slug"], made["current_version"], made["labels"]) == ("helper", 1, {})
    assert made["definition"]["limits"]["budget_usd"] == "0.50"
    assert made["metadata"] == {"team": "blue"}
    path = f"/{made['id']}"
    await agents.call("PATCH", path, {"name": "X"}, expect=412, If_Match='"v9"')
    changed = await agents.call("PATCH", path, {"name": "Aide", "metadata": None})
    assert (changed.json()["name"], changed.headers["etag"]) == ("Aide", '"v2"')
    assert (changed.json()["metadata"], changed.json()["current_version"]) == ({}, 1)
    await agents.call("DELETE", path, expect=204)
    await agents.call("GET", path, expect=404)
    gone = (await agents.call("GET", "?deleted=true")).json()
    assert [each["id"] for each in gone["data"]] == [made["id"]]
    back = await agents.call("POST", f"{path}/restore")
    assert back.json()["deleted_at"] is None


async def test_a_slug_is_made_of_the_name_and_taken_once(agents):
    made = await agents.make("Müller & Söhne")
    assert made["slug"].startswith("muller-sohne-")
    await agents.make(slug="aide")
    taken = await agents.make(slug="aide", expect=409)
    assert taken["code"] == "agent_slug_taken"


async def test_a_list_is_filtered_by_name_model_and_tool(agents, person, client):
    plain = await agents.make("Plain")
    named = await agents.make("Named", definition={"model": "demo/chat"}, visibility="private")

    async def found(query):
        answer = await agents.call("GET", f"?{query}")
        return [each["id"] for each in answer.json()["data"]]

    assert await found("") == [named["id"], plain["id"]]
    assert await found("q=lai") == [plain["id"]]
    assert await found("model=demo/chat") == [named["id"]]
    assert await found("visibility=private") == [named["id"]]
    assert await found("tool=calculator") == []
    first = (await agents.call("GET", "?limit=1")).json()
    assert first["has_more"]
    assert await found(f"limit=1&cursor={first['next_cursor']}") == [plain["id"]]


async def test_many_are_deleted_and_restored_at_once(agents):
    one, two = await agents.make(), await agents.make()
    for action in ("delete", "restore"):
        items = [{"action": action, "id": each["id"]} for each in (one, two)]
        done = await agents.call("POST", "/bulk", {"items": items})
        assert [each["ok"] for each in done.json()["data"]] == [True, True]
    assert len((await agents.call("GET", "")).json()["data"]) == 2


async def test_a_copy_has_the_definition_of_the_version_that_is_asked_for(agents):
    made = await agents.make("One", definition={"instructions": "Old."}, metadata={"a": 1})
    await agents.call("PATCH", f"/{made['id']}", {"definition": {"instructions": "New."}})
    newest = await agents.call("POST", f"/{made['id']}/duplicate", {}, expect=201)
    older = await agents.call("POST", f"/{made['id']}/duplicate", {"version": 1}, expect=201)
    assert newest.json()["definition"]["instructions"] == "New."
    assert older.json()["definition"]["instructions"] == "Old."
    assert (older.json()["name"], older.json()["metadata"]) == ("One copy", {"a": 1})
    assert older.json()["current_version"] == 1


async def test_a_dry_run_makes_nothing(agents):
    made = await agents.call("POST", "?dry_run=true", {"name": "Trial"}, expect=201)
    assert made.headers["dry-run"] == "true"
    assert (await agents.call("GET", "")).json()["data"] == []


async def test_a_workspace_has_a_bounded_number_of_agents(agents, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_LIVING", 1)
    await agents.make()
    assert (await agents.make(expect=409))["code"] == "too_many_agents"


async def test_a_private_agent_is_seen_by_its_owner_and_whom_it_is_shared_with(client, person):
    team = await new_team(client, person)
    other = await new_person(client)
    await team.take_in(person, other)
    member = await team.member_of(person, other)
    body = {"name": "Secret", "slug": "secret", "visibility": "private"}
    made = (await team.call(person, "POST", "/v1/agents", body)).json()
    path = f"/v1/agents/{made['id']}"
    assert (await team.call(other, "GET", path)).status_code == 404
    naming = {"name": "Boss", "definition": {"agents": ["secret"]}}
    unseen = await team.call(other, "POST", "/v1/agents", naming)
    assert unseen.json()["errors"][0]["code"] == "agent_not_found"
    grantee = {"type": "member", "member_id": member["id"]}
    shared = await team.call(person, "POST", f"{path}/shares", {"grantee": grantee})
    assert shared.status_code == 201, shared.text
    assert (await team.call(other, "GET", path)).json()["name"] == "Secret"
    refused = await team.call(other, "PATCH", path, {"name": "Mine"})
    assert (refused.status_code, refused.json()["code"]) == (403, "agent_read_only")
    await team.call(person, "PATCH", f"{path}/shares/{shared.json()['id']}", {"level": "write"})
    assert (await team.call(other, "PATCH", path, {"name": "Ours"})).status_code == 200
    kept = await team.call(other, "DELETE", path)
    assert (kept.status_code, kept.json()["code"]) == (403, "agent_not_yours")
    link = await team.call(person, "POST", f"{path}/shares", {"grantee": {"type": "link"}})
    assert link.json()["code"] == "share_invalid"


async def test_another_workspace_sees_nothing(agents, client):
    made = await agents.make()
    stranger = Maker(client, await new_person(client))
    for path in ("", "/versions", "/versions/1", "/export", "/diff?from=1"):
        await stranger.call("GET", f"/{made['id']}{path}", expect=404)
    assert (await stranger.call("GET", "")).json()["data"] == []


async def test_a_search_finds_agents_by_rights_and_as_they_are_now(client, person, kernel):
    team = await new_team(client, person)
    other = await new_person(client)
    await team.take_in(person, other)
    body = {
        "name": "Wine steward",
        "visibility": "private",
        "definition": {"instructions": "Recommend a Riesling with the oysters."},
    }
    made = (await team.call(person, "POST", "/v1/agents", body)).json()

    async def found(by, words):
        wanted = {"query": words, "mode": "lexical", "filters": {"kinds": ["agent"]}}
        answer = await team.call(by, "POST", "/v1/search", wanted)
        assert answer.status_code == 200, answer.text
        return [each["agent_id"] for each in answer.json()["data"]]

    assert await found(person, "oysters") == [made["id"]]
    assert await found(other, "oysters") == []
    path = f"/v1/agents/{made['id']}"
    change = {"visibility": "workspace", "definition": {"instructions": "Recommend beer."}}
    assert (await team.call(person, "PATCH", path, change)).status_code == 200
    assert await found(other, "beer") == [made["id"]]
    assert await found(other, "oysters") == []
    await team.call(person, "DELETE", path)
    assert await found(person, "beer") == []


async def test_a_private_agent_goes_with_its_owner(agents, person, kernel):
    await agents.make(visibility="private")
    await agents.make(slug="stays")
    store = PrivateStore(kernel.database, AGENT_KIND)
    who = Person(UUID(person.user_id))
    assert await store.left(who) == 1
    told = []

    class Tally:
        async def add(self, *what, session=None):
            told.append(what)

    await store.erase(who, Tally())
    assert told == [("postgres/agents", "deleted", 1)]
    assert await store.left(who) == 0
    left = (await agents.call("GET", "")).json()["data"]
    assert [each["slug"] for each in left] == ["stays"]


async def test_a_run_takes_what_is_in_production_or_else_the_newest(agents, person, kernel):
    made = await agents.make(slug="runner", definition={"instructions": "One."})
    await agents.call("PATCH", f"/{made['id']}", {"definition": {"instructions": "Two."}})
    access = access_of(person)

    async def taken(ref="runner", **choice):
        async with kernel.database.unit(access.scope) as session:
            _, version = await service.resolve(session, access, ref, **choice)
            return version.number

    assert await taken() == 2
    await agents.call("PUT", f"/{made['id']}/labels/production", {"version": 1})
    assert await taken() == 1
    assert await taken(made["id"], label="draft") == 2
    assert await taken(version=2) == 2


async def test_a_slug_that_is_another_agents_id_does_not_stand_in_for_it(agents, person, kernel):
    one = await agents.make("One")
    two = await agents.make("Two", slug=one["id"], expect=422)
    assert [each["pointer"] for each in two["errors"]] == ["/body/slug"]
    two = await agents.make("Two")
    async with kernel.database.unit(access_of(person).scope) as session:
        # As one may be called that was made before such slugs were refused.
        (await service.find(session, access_of(person), two["id"])).slug = one["id"]
        await session.flush()
        found = await service.find(session, access_of(person), one["id"])
        assert str(found.id) == one["id"]
        assert str((await service.find(session, access_of(person), two["id"])).id) == two["id"]
