"""Memories over HTTP: who sees them, what changes them, what undoes it, and what is left."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from app.agents.memory import keeping
from app.agents.memory.jobs import memories_job
from app.agents.memory.models import Memory, MemoryRevision
from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM, Scope
from app.core.purging import purging_job
from app.knowledge.passages.models import Passage, VectorRemoval
from tests.agents.memory.conftest import (
    act,
    iso,
    listed,
    lives_in,
    new_agent,
    remember,
    texts,
)
from tests.support.chat import Talker
from tests.support.identity import bearer, new_person
from tests.support.knowledge import indexed
from tests.support.teams import new_team


async def two_in_a_team(client, role):
    """The owner of a team and someone else in it, both at work there."""
    owner, other = await new_person(client), await new_person(client)
    team = await new_team(client, owner)
    await team.take_in(owner, other, role)

    def there(person):
        return replace(person, workspace_id=team.id, headers=team.headers(person))

    return Talker(client, there(owner)), Talker(client, there(other)), team


async def show(talker, memory, status=200):
    answer = await talker.call("GET", f"/v1/memories/{memory['id']}")
    assert answer.status_code == status, answer.text
    return answer.json()


async def history(talker, memory):
    answer = await talker.call("GET", f"/v1/memories/{memory['id']}/history")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def change(talker, memory, body, **options):
    return await talker.call("PATCH", f"/v1/memories/{memory['id']}", json=body, **options)


async def forget(talker, memory, **params):
    answer = await talker.call("DELETE", f"/v1/memories/{memory['id']}", params=params)
    assert answer.status_code == 204, answer.text


async def test_a_memory_says_what_it_is_and_why(talker):
    quote = {"kind": "message", "message_id": str(uuid4()), "quote": "I am from Graz."}
    made = await remember(talker, "The user is from Graz.", kind="fact", origin=quote)
    shown = await show(talker, made)
    assert shown == made
    assert (shown["scope"], shown["user_id"]) == ("user", talker.person.user_id)
    assert shown["origin"]["quote"] == "I am from Graz."
    assert shown["origin"]["message_id"] == quote["message_id"]
    assert (shown["revision"], shown["version"], shown["status"]) == (1, 2, "active")


async def test_a_new_object_closes_the_old_fact_and_names_what_closed_it(talker):
    linz = await lives_in(talker, "Linz", 0)
    vienna = await lives_in(talker, "Vienna", 9)
    closed = await show(talker, linz)
    assert closed["valid_to"][:10] == iso(9)[:10]
    assert closed["superseded_by_id"] == vienna["id"]
    told = [(each["cause"], each["valid_to"]) for each in await history(talker, linz)]
    assert [cause for cause, _ in told] == ["superseded", "told"]
    assert told[1][1] is None
    assert closed["version"] > linz["version"]


@pytest.mark.parametrize(
    ("predicate", "held"), [("lives in", ["B"]), ("Speaks ", ["A", "B"]), ("has_skill", ["A", "B"])]
)
async def test_only_what_has_one_value_is_superseded(talker, predicate, held):
    for name in "AB":
        await remember(talker, name, subject="user", predicate=predicate, object=name)
    assert await texts(talker, valid_at=now().isoformat()) == held


async def test_a_workspace_says_what_is_multi_valued(talker):
    body = {"multi_valued": ["Works For"]}
    answer = await talker.call("PATCH", "/v1/memories/settings", json=body)
    assert answer.status_code == 200, answer.text
    for name in "AB":
        await remember(talker, name, subject="user", predicate="works_for", object=name)
    assert await texts(talker, valid_at=now().isoformat()) == ["A", "B"]


async def test_what_is_known_is_confirmed_and_not_told_twice(talker):
    first = await remember(talker, "The user likes tea.")
    again = await remember(talker, "the user  likes tea")
    assert again["id"] == first["id"]
    assert again["confirmed_at"] > first["confirmed_at"]
    assert len(await history(talker, first)) == 1
    vienna = await lives_in(talker, "Vienna", 0)
    assert (await lives_in(talker, "VIENNA", 4))["id"] == vienna["id"]


async def test_a_correction_keeps_what_was_believed(talker):
    made = await lives_in(talker, "Wein", 0)
    before = now().isoformat()
    answer = await change(talker, made, {"object": "Wien", "text": "The user lives in Wien."})
    assert answer.status_code == 200, answer.text
    assert answer.json()["object"] == "Wien"
    assert await texts(talker) == ["The user lives in Wien."]
    assert await texts(talker, known_at=before) == ["The user lives in Wein."]
    assert (await act(talker, made, "undo"))["object"] == "Wein"
    assert (await act(talker, made, "undo"))["object"] == "Wien"
    causes = [each["cause"] for each in await history(talker, made)]
    assert causes == ["undone", "undone", "edited", "told"]


async def test_a_supersede_is_undone_from_either_side(talker):
    linz = await lives_in(talker, "Linz", 0)
    vienna = await lives_in(talker, "Vienna", 9)
    assert (await act(talker, linz, "undo"))["valid_to"] is None
    assert (await show(talker, vienna))["periods"] == []
    assert await texts(talker) == ["The user lives in Linz."]
    await act(talker, vienna, "undo")
    assert (await show(talker, linz))["valid_to"] is not None
    assert (await show(talker, vienna))["valid_to"] is None


async def test_what_was_changed_again_is_not_undone_from_behind(talker):
    linz = await lives_in(talker, "Linz", 0)
    vienna = await lives_in(talker, "Vienna", 9)
    await change(talker, vienna, {"confidence": 0.5})
    refused = await act(talker, linz, "undo", 409)
    assert refused["code"] == "memory_changed_since"
    await act(talker, vienna, "undo")
    assert (await show(talker, vienna))["confidence"] == 1.0


async def test_an_etag_keeps_two_corrections_apart(talker):
    made = await remember(talker, "The user is tall.")
    answer = await talker.call("GET", f"/v1/memories/{made['id']}")
    etag = {"If-Match": answer.headers["ETag"]}
    assert (await change(talker, made, {"confidence": 0.9}, headers=etag)).status_code == 200
    assert (await change(talker, made, {"confidence": 0.1}, headers=etag)).status_code == 412


async def test_a_correction_that_makes_no_fact_is_refused(talker):
    made = await remember(talker, "Tall.", valid_from=iso(5))
    assert (await change(talker, made, {"predicate": "is"})).json()["code"] == (
        "memory_fact_incomplete"
    )
    wrong = await change(talker, made, {"valid_to": iso(5)})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "memory_period_invalid")
    body = {"text": "x", "valid_from": iso(5), "valid_to": iso(4)}
    assert (await talker.call("POST", "/v1/memories", json=body)).status_code == 422


async def test_a_forgotten_one_comes_back_for_the_time_that_is_free(talker):
    linz = await lives_in(talker, "Linz", 0)
    await forget(talker, linz)
    assert await texts(talker) == []
    assert [each["id"] for each in await listed(talker, deleted=True)] == [linz["id"]]
    await show(talker, linz, 404)
    await lives_in(talker, "Vienna", 9)
    assert await texts(talker, valid_at=iso(3)) == []
    back = await act(talker, linz, "restore")
    assert back["valid_to"][:10] == iso(9)[:10]
    assert await texts(talker, valid_at=iso(3)) == ["The user lives in Linz."]
    await forget(talker, linz)
    assert (await act(talker, linz, "undo"))["deleted_at"] is None


async def test_what_is_forgotten_for_good_leaves_nothing(talker, app, kernel):
    made = await remember(talker, "The user has a canary named Kiki.")
    await indexed(app, talker.person.workspace_id)
    ids = await traces(kernel, made["id"])
    assert ids == {"memories": 1, "memory_revisions": 1, "passages": 1}
    await forget(talker, made, forever=True)
    assert set((await traces(kernel, made["id"])).values()) == {0}
    await app.state.knowledge.indexer.catch_up()
    assert await vectors(app, talker) == 0
    assert (await talker.call("POST", f"/v1/memories/{made['id']}/restore")).status_code == 404


async def test_after_thirty_days_it_is_purged_with_its_vector(talker, app, kernel):
    made = await remember(talker, "The user has a canary named Kiki.")
    await indexed(app, talker.person.workspace_id)
    await forget(talker, made)
    await indexed(app, talker.person.workspace_id)
    assert await vectors(app, talker) == 0
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(Memory)
            .where(Memory.id == UUID(made["id"]))
            .values(deleted_at=now() - RESTORABLE - timedelta(hours=2))
        )
    expired = await act(talker, made, "restore", 410)
    assert expired["code"] == "restore_expired"
    await purging_job(kernel.database, Memory).run()
    assert set((await traces(kernel, made["id"])).values()) == {0}


async def test_one_whose_time_is_up_is_forgotten_by_itself(talker, kernel):
    made = await remember(talker, "On leave.", expires_at=(now() + timedelta(days=1)).isoformat())
    assert await texts(talker) == ["On leave."]
    past = (now() - timedelta(seconds=1)).isoformat()
    assert (await change(talker, made, {"expires_at": past})).status_code == 200
    assert await texts(talker) == []
    await memories_job(kernel.database).run()
    assert (await listed(talker, deleted=True))[0]["id"] == made["id"]
    assert (await traces(kernel, made["id"]))["passages"] == 0


async def traces(kernel, memory_id):
    wanted = {
        "memories": select(func.count()).where(Memory.id == UUID(memory_id)),
        "memory_revisions": select(func.count()).where(MemoryRevision.memory_id == UUID(memory_id)),
        "passages": select(func.count()).where(Passage.subject_id == UUID(memory_id)),
    }
    async with kernel.database.unit(SYSTEM) as session:
        return {name: await session.scalar(each) for name, each in wanted.items()}


async def vectors(app, talker):
    """How many vectors the workspace has, once those that are to go are gone."""
    workspace_id = UUID(talker.person.workspace_id)
    async with app.state.kernel.database.unit(SYSTEM) as session:
        waiting = select(func.count()).where(VectorRemoval.workspace_id == workspace_id)
        assert await session.scalar(waiting) == 0
    index = app.state.knowledge.index
    return sum([await index.count(workspace_id, space) for space in await index.spaces()])


async def test_nobody_else_sees_a_users_own_not_even_the_owner(client, kernel):
    owner, viewer, _ = await two_in_a_team(client, "admin")
    mine = await remember(viewer, "The admin is ill.")
    ours = await remember(viewer, "We close at five.", scope="workspace")
    await show(owner, mine, 404)
    assert (await show(owner, ours))["text"] == "We close at five."
    assert await texts(owner) == ["We close at five."]
    assert (await change(owner, mine, {"text": "x"})).status_code == 404
    for verb in ("undo", "restore", "accept", "decline"):
        await act(owner, mine, verb, 404)
    export = await owner.call("GET", "/v1/memories/export")
    assert "ill" not in export.text
    asked = {"question": "Who is ill?", "scopes": ["user", "workspace"]}
    found = (await owner.call("POST", "/v1/memories/recall", json=asked)).json()
    assert mine["id"] not in json.dumps(found)
    async with kernel.database.unit(owner_scope(owner)) as session:
        assert await session.scalar(select(Memory.id).where(Memory.id == UUID(mine["id"]))) is None


def owner_scope(talker):
    return Scope(UUID(talker.person.workspace_id), UUID(talker.person.user_id))


async def test_an_agents_memories_are_for_those_who_see_the_agent(client, kernel):
    owner, other, _ = await two_in_a_team(client, "editor")
    private = await new_agent(kernel, owner, "own", visibility="private")
    open_one = await new_agent(kernel, owner, "open")
    for agent in (private, open_one):
        await remember(owner, f"Known to {agent}.", scope="agent", agent_id=str(agent))
    assert len(await listed(owner, scope="agent")) == 2
    assert [each["agent_id"] for each in await listed(other, scope="agent")] == [str(open_one)]
    body = {"text": "Mine now.", "scope": "agent", "agent_id": str(private)}
    refused = await other.call("POST", "/v1/memories", json=body)
    assert (refused.status_code, refused.json()["code"]) == (404, "agent_not_found")
    made = await owner.call(
        "POST", "/v1/api-keys", json={"name": "Blind", "scopes": ["memories:read"]}
    )
    blind = await client.get("/v1/memories", headers=bearer(made.json()["key"]))
    assert (blind.status_code, blind.json()["data"]) == (200, [])


async def test_of_two_workspaces_neither_sees_the_other(client, talker):
    stranger = Talker(client, await new_person(client))
    ours = await remember(talker, "We close at five.", scope="workspace")
    await show(stranger, ours, 404)
    assert await texts(stranger) == []


async def test_a_proposal_counts_once_it_is_accepted(talker, kernel):
    linz = await lives_in(talker, "Linz", 0)
    vienna = await lives_in(talker, "Vienna", 9)
    await act(talker, linz, "undo")
    async with kernel.database.unit(SYSTEM) as session:
        for table, column in ((Memory, Memory.id), (MemoryRevision, MemoryRevision.memory_id)):
            await session.execute(
                update(table).where(column == UUID(vienna["id"])).values(status="proposed")
            )
    await act(talker, linz, "accept", 409)
    assert await texts(talker) == ["The user lives in Linz."]
    await act(talker, vienna, "accept")
    assert (await show(talker, vienna))["status"] == "active"
    assert (await act(talker, vienna, "undo"))["status"] == "proposed"
    declined = await act(talker, vienna, "decline")
    assert (declined["status"], declined["deleted_at"] is None) == ("declined", False)
    assert (await act(talker, vienna, "restore"))["status"] == "proposed"


async def test_lists_are_filtered_and_paged(talker):
    await lives_in(talker, "Linz", 0)
    await remember(talker, "Prefers mornings.", kind="preference")
    await remember(talker, "We ship on Fridays.", scope="workspace")
    assert await texts(talker, scope="workspace") == ["We ship on Fridays."]
    assert await texts(talker, kind="preference") == ["Prefers mornings."]
    assert await texts(talker, q="MORN") == ["Prefers mornings."]
    assert await texts(talker, subject="User", predicate="lives in") == ["The user lives in Linz."]
    first = (await talker.call("GET", "/v1/memories", params={"limit": 2})).json()
    rest = {"limit": 2, "cursor": first["next_cursor"]}
    second = (await talker.call("GET", "/v1/memories", params=rest)).json()
    assert [len(first["data"]), len(second["data"])] == [2, 1]


async def test_bulk_does_each_on_its_own(talker):
    first, second = await remember(talker, "One."), await remember(talker, "Two.")
    items = [
        {"action": "forget", "id": first["id"]},
        {"action": "accept", "id": second["id"]},
        {"action": "restore", "id": first["id"]},
        {"action": "forget", "id": str(uuid4())},
    ]
    answer = await talker.call("POST", "/v1/memories/bulk", json={"items": items})
    assert [each["ok"] for each in answer.json()["data"]] == [True, False, True, False]
    assert await texts(talker) == ["One.", "Two."]


async def test_an_export_has_each_memory_with_its_history(talker):
    linz = await lives_in(talker, "Linz", 0)
    await lives_in(talker, "Vienna", 9)
    await forget(talker, await remember(talker, "Gone."))
    answer = await talker.call("GET", "/v1/memories/export")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["object"] for line in lines] == ["Linz", "Vienna"]
    assert lines[0]["id"] == linz["id"]
    assert [each["cause"] for each in lines[0]["history"]] == ["told", "superseded"]


async def test_a_search_finds_what_holds_now(talker, app):
    await lives_in(talker, "Linz", 0)
    await lives_in(talker, "Vienna", 9)
    await indexed(app, talker.person.workspace_id)
    body = {"query": "In which town does the user live?", "filters": {"kinds": ["memory"]}}
    found = await talker.call("POST", "/v1/search", json=body)
    assert found.status_code == 200, found.text
    assert [each["text"] for each in found.json()["data"]] == ["The user lives in Vienna."]


@pytest.mark.parametrize(
    "field", ["valid_from", "valid_to", "expires_at"], ids=["from", "to", "expiry"]
)
async def test_an_instant_beyond_the_calendar_is_refused(talker, field):
    body = {"text": "Late.", field: "9999-12-31T23:59:59-14:00"}
    told = await talker.call("POST", "/v1/memories", json=body)
    assert (told.status_code, told.json()["errors"][0]["pointer"]) == (422, f"/body/{field}")
    query = {"valid_at": "0001-01-01T00:00:00+14:00"}
    assert (await talker.call("GET", "/v1/memories", params=query)).status_code == 422


async def test_a_known_fact_is_not_confirmed_for_a_time_that_ends_before_it_begins(talker):
    await lives_in(talker, "Vienna")
    body = {
        "text": "The user lives in Vienna.", "subject": "user", "predicate": "lives in",
        "object": "Vienna", "valid_from": iso(9), "valid_to": iso(5),
    }  # fmt: skip
    told = await talker.call("POST", "/v1/memories", json=body)
    assert (told.status_code, told.json()["code"]) == (422, "memory_period_invalid")


async def test_what_is_brought_back_needs_room_too(talker, monkeypatch):
    first = await remember(talker, "One.")
    await talker.call("DELETE", f"/v1/memories/{first['id']}")
    monkeypatch.setattr(keeping, "MOST_MEMORIES", 1)
    await remember(talker, "Two.")
    for verb in ("restore", "undo"):
        assert (await act(talker, first, verb, 409))["code"] == "too_many_memories"
