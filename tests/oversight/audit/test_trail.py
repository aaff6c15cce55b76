"""What a write leaves in the audit trail, as seen through the API."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, text, update

from app.chat.conversations.models import Conversation
from app.core.audit import REQUEST, Note, RequestFacts, note
from app.core.auth import Access
from app.core.db import Scope
from tests.support.audit import trail
from tests.support.identity import bearer, new_key, new_person

CANARY = "sk-canary-0123456789abcdef"


async def new_conversation(client, person, **body):
    answer = await client.post(
        "/v1/conversations", json={"title": "Plans", **body}, headers=person.headers
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def count(client, person):
    """How many rows the person's workspace has."""
    return (await trail(client, person, limit=1))[0]["sequence"]


async def test_a_write_is_recorded_with_who_what_and_from_where(client, person):
    made = await client.post(
        "/v1/conversations",
        json={"title": "Holiday plans"},
        headers={**person.headers, "X-Request-Id": "my-own-id", "User-Agent": "a test"},
    )
    (row,) = await trail(client, person, resource_id=made.json()["id"])
    assert row["action"] == row["operation"] == "conversations_create"
    assert row["actor"]["id"] == person.user_id
    assert row["actor"]["credential"] == "session"
    assert row["resource"] == {"type": "conversation", "id": made.json()["id"]}
    assert row["request_id"] == "my-own-id"
    assert row["address"] == "127.0.0.1"
    assert row["user_agent"] == "a test"
    assert row["outcome"] == "success"
    assert [change["kind"] for change in row["changes"]] == ["created"]


async def test_a_key_that_acts_is_named(client, person):
    key = await new_key(client, person, scopes=["conversations:write"])
    made = await client.post(
        "/v1/conversations", json={"title": "By key"}, headers=bearer(key["key"])
    )
    (row,) = await trail(client, person, resource_id=made.json()["id"])
    assert row["actor"] == {
        "id": person.user_id, "credential": "api_key", "credential_id": key["id"],
    }  # fmt: skip


async def test_a_change_is_recorded_once_with_before_and_after(client, person):
    made = await new_conversation(client, person, model="one")
    await client.patch(
        f"/v1/conversations/{made['id']}", json={"model": "two"}, headers=person.headers
    )
    changed, _ = await trail(client, person, resource_id=made["id"])
    assert changed["action"] == "conversations_update"
    assert changed["changes"][0]["before"] == {"model": "one"}
    assert changed["changes"][0]["after"] == {"model": "two"}


async def test_a_secret_is_hidden_and_a_credential_is_nowhere_in_the_trail(client, person, kernel):
    made = await client.post(
        "/v1/integrations",
        json={"kind": "openai", "slug": f"canary-{uuid4().hex[:8]}", "api_key": CANARY},
        headers=person.headers,
    )
    assert made.status_code == 201, made.text
    (row,) = await trail(client, person, resource_id=made.json()["id"])
    assert row["changes"][0]["after"]["sealed_credential"] == "[hidden]"
    async with kernel.database.unit(Scope(UUID(person.workspace_id))) as session:
        whole = await session.scalar(text("select string_agg(a::text, '') from audit_logs a"))
    assert CANARY not in whole
    assert CANARY.encode().hex() not in whole


async def test_what_a_person_wrote_is_not_repeated(client, person, kernel):
    words = f"nobody else's business {uuid4()}"
    made = await new_conversation(client, person, title=words, instructions=words)
    (row,) = await trail(client, person, resource_id=made["id"])
    assert row["changes"][0]["after"]["instructions"] == {"characters": len(words) + 2}
    async with kernel.database.unit(Scope(UUID(person.workspace_id))) as session:
        whole = await session.scalar(text("select string_agg(a::text, '') from audit_logs a"))
    assert words not in whole


async def test_what_is_personal_stands_only_in_the_erasable_part(client, person, kernel):
    name = f"Ada {uuid4()}"
    answer = await client.patch("/v1/me", json={"name": name}, headers=person.headers)
    assert answer.status_code == 200, answer.text
    row = (await trail(client, person, resource_type="user"))[0]
    assert row["changes"][0]["after"]["name"] == name
    async with kernel.database.unit(Scope(UUID(person.workspace_id))) as session:
        chained, erasable = (
            await session.execute(
                text(
                    "select (to_jsonb(a) - 'erasable')::text, erasable::text "
                    "from audit_logs a where id = :id"
                ),
                {"id": UUID(row["id"])},
            )
        ).one()
    assert name not in chained
    assert name in erasable


async def test_neither_a_refusal_nor_a_dry_run_nor_a_replay_is_recorded(client, person):
    made = await new_conversation(client, person)
    key = {**person.headers, "Idempotency-Key": uuid4().hex}
    await client.post("/v1/conversations", json={"title": "Once"}, headers=key)
    before = await count(client, person)
    again = await client.post("/v1/conversations", json={"title": "Once"}, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    tried = await client.delete(
        f"/v1/conversations/{made['id']}?dry_run=true", headers=person.headers
    )
    assert tried.headers["dry-run"] == "true"
    stale = await client.delete(
        f"/v1/conversations/{made['id']}", headers={**person.headers, "If-Match": '"v99"'}
    )
    assert stale.status_code == 412
    assert (
        await client.delete(f"/v1/conversations/{uuid4()}", headers=person.headers)
    ).status_code == 404
    assert await count(client, person) == before


async def test_an_item_that_a_bulk_takes_back_is_not_recorded(client, person):
    made = await new_conversation(client, person)
    items = [{"action": "delete", "id": made["id"]}, {"action": "delete", "id": str(uuid4())}]
    done = await client.post(
        "/v1/conversations/bulk", json={"items": items}, headers=person.headers
    )
    assert [item["ok"] for item in done.json()["data"]] == [True, False]
    (row, *_) = await trail(client, person, action="conversations_bulk")
    assert [change["resource_id"] for change in row["changes"]] == [made["id"]]


async def test_a_large_bulk_is_recorded_whole_in_rows_of_bounded_size(client, person, kernel):
    made = [await new_conversation(client, person) for _ in range(60)]
    items = [{"action": "delete", "id": each["id"]} for each in made]
    request_id = uuid4().hex
    await client.post(
        "/v1/conversations/bulk",
        json={"items": items * 2},
        headers={**person.headers, "X-Request-Id": request_id},
    )
    rows = await trail(client, person, request_id=request_id)
    told = {change["resource_id"] for row in rows for change in row["changes"]}
    assert told == {each["id"] for each in made}
    assert len(rows) > 1
    async with kernel.database.unit(Scope(UUID(person.workspace_id))) as session:
        largest = await session.scalar(
            text("select max(length((to_jsonb(a))::text)) from audit_logs a")
        )
    assert largest < 32 * 1024


def following(session, person, operation="tests_try"):
    """Have the session audited as the unit of work of a request."""
    access = Access(
        workspace_id=UUID(person.workspace_id),
        user_id=UUID(person.user_id),
        permissions=frozenset(),
        credential="session",
        credential_id=uuid4(),
    )
    session.info[REQUEST] = RequestFacts(operation, "req_test", "192.0.2.1", "a test", access)


@pytest.fixture
def scope(person):
    return Scope(UUID(person.workspace_id), UUID(person.user_id))


async def test_a_statement_that_no_row_passes_through_is_counted(client, person, kernel, scope):
    made = await new_conversation(client, person)
    async with kernel.database.unit(scope) as session:
        following(session, person, "tests_core_update")
        await session.execute(
            update(Conversation).where(Conversation.id == UUID(made["id"])).values(model="x")
        )
        await session.execute(delete(Conversation).where(Conversation.id == uuid4()))
    (row,) = await trail(client, person, action="tests_core_update")
    (change,) = row["changes"]
    assert (change["kind"], change["resource_type"], change["rows"]) == (
        "updated", "conversation", 1,
    )  # fmt: skip


async def test_a_note_names_the_row_of_its_request(client, person, kernel, scope):
    made = await new_conversation(client, person)
    async with kernel.database.unit(scope) as session:
        following(session, person)
        row = await session.get(Conversation, UUID(made["id"]))
        row.model = "noted"
        what = {"resource_type": "conversation", "resource_id": row.id}
        note(session, Note("conversation.tested", workspace_id=row.workspace_id, **what))
        note(session, Note("secret.used", workspace_id=row.workspace_id, **what))
    second, first, _ = await trail(client, person, resource_id=made["id"])
    assert (first["action"], len(first["changes"])) == ("conversation.tested", 1)
    assert (second["action"], second["changes"]) == ("secret.used", [])


async def test_a_unit_that_is_no_requests_writes_only_its_notes(client, person, kernel, scope):
    made = await new_conversation(client, person)
    async with kernel.database.unit(scope) as session:
        row = await session.get(Conversation, UUID(made["id"]))
        row.model = "unheard"
        where = {"workspace_id": row.workspace_id, "resource_id": row.id}
        note(session, Note("sign_in.refused", "user", outcome="refused", **where))
    (row,) = await trail(client, person, outcome="refused")
    assert (row["action"], row["changes"], row["address"]) == ("sign_in.refused", [], None)
    assert len(await trail(client, person, resource_id=made["id"])) == 2


async def test_a_crash_after_the_effect_leaves_neither_effect_nor_row(
    client, person, kernel, scope
):
    made = await new_conversation(client, person, model="before")
    rows = await count(client, person)

    async def crash(_session):
        raise RuntimeError("between the row and the commit")

    async def change():
        async with kernel.database.unit(scope) as session:
            following(session, person)
            (await session.get(Conversation, UUID(made["id"]))).model = "after"

    kernel.database.before_commit.append(crash)
    try:
        with pytest.raises(RuntimeError, match="between"):
            await change()
    finally:
        kernel.database.before_commit.remove(crash)
    assert await count(client, person) == rows
    shown = await client.get(f"/v1/conversations/{made['id']}", headers=person.headers)
    assert shown.json()["model"] == "before"


async def test_the_list_is_filtered_and_walked_newest_first(client, person):
    for _ in range(3):
        await new_conversation(client, person)
    everything = await trail(client, person, limit=200)
    sequences = [row["sequence"] for row in everything]
    assert sequences == sorted(sequences, reverse=True)
    walked, cursor = [], None
    while True:
        params = {"limit": 7, **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/v1/audit-logs", params=params, headers=person.headers)).json()
        walked += [row["sequence"] for row in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert walked == sequences
    middle = everything[1]["at"]
    later = await trail(client, person, since=middle, limit=200)
    earlier = await trail(client, person, until=middle, limit=200)
    assert len(later) + len(earlier) == len(everything)
    assert await trail(client, person, actor_id=str(uuid4())) == []


async def test_a_row_can_be_shown_and_is_another_workspaces_secret(client, person):
    await new_conversation(client, person)
    (row, *_) = await trail(client, person, limit=1)
    shown = await client.get(f"/v1/audit-logs/{row['id']}", headers=person.headers)
    assert shown.json() == row
    stranger = await new_person(client)
    refused = await client.get(f"/v1/audit-logs/{row['id']}", headers=stranger.headers)
    assert (refused.status_code, refused.json()["code"]) == (404, "audit_log_not_found")
    assert all(r["actor"]["id"] != person.user_id for r in await trail(client, stranger))


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00"])
async def test_a_time_that_cannot_be_is_refused(client, person, since):
    answer = await client.get("/v1/audit-logs", params={"since": since}, headers=person.headers)
    assert answer.status_code == 422
