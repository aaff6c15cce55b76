"""Erasures: nothing of the person is left anywhere, everything of the others is."""

import asyncio
import base64
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from qdrant_client import models
from sqlalchemy import func, select, update

from app.chat.conversations.models import Conversation
from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.users.models import User
from app.inference.usage.models import ModelCall
from app.oversight.privacy.certificates import is_signed
from app.oversight.privacy.erasures.jobs import NAME, Erasing
from app.oversight.privacy.erasures.models import PrivacyErasure
from app.oversight.privacy.service import request_erasure
from app.oversight.privacy.tables import NOBODY
from app.runs.events.appender import HOLD_SECONDS
from tests.oversight.privacy.conftest import join, new_team, say
from tests.support.identity import new_key, new_person, sign_in, until
from tests.support.jobs import by_hand
from tests.support.kept_runs import Keeper, flow, node, wait
from tests.support.privacy import (
    ask_for_erasure,
    carry_out,
    certificate,
    make_due,
    new_export,
    tables_with,
)

COLLECTION = "privacy_tests"


async def remember(kernel, person, words):
    """A point in Qdrant about a person."""
    vectors = await kernel.vectors.client()
    if not await vectors.collection_exists(COLLECTION):
        await vectors.create_collection(
            COLLECTION, models.VectorParams(size=2, distance=models.Distance.COSINE)
        )
    payload = {"user_id": person.user_id, "text": words}
    point = models.PointStruct(id=str(uuid4()), vector=[0.1, 0.2], payload=payload)
    await vectors.upsert(COLLECTION, [point], wait=True)


async def valkey_with(kernel, *words):
    """Every key that has one of these words in its name or its value."""
    found = []
    async for key in kernel.valkey.scan_iter(count=1000):
        kind = (await kernel.valkey.type(key)).decode()
        if kind == "none":  # it has lapsed since
            continue
        read = {
            "string": kernel.valkey.get,
            "hash": kernel.valkey.hgetall,
            "stream": kernel.valkey.xrange,
            "zset": lambda name: kernel.valkey.zrange(name, 0, -1),
            "set": kernel.valkey.smembers,
            "list": lambda name: kernel.valkey.lrange(name, 0, -1),
        }[kind]
        shown = f"{key!r} {await read(key)!r}"
        found += [shown[:300] for word in words if word in shown]
    return found


async def points_with(kernel, *words):
    vectors = await kernel.vectors.client()
    points, _ = await vectors.scroll(COLLECTION, limit=1000)
    return [p.payload for p in points if any(word in json.dumps(p.payload) for word in words)]


def files_with(kernel, *words):
    found = []
    for folder, _, names in os.walk(kernel.settings.data_dir):
        for path in [Path(folder, name) for name in names]:
            with suppress(FileNotFoundError):  # Qdrant may write them anew just now
                content = path.read_bytes()
                if any(word in str(path) or word.encode() in content for word in words):
                    found.append(str(path))
    return found


async def everywhere(kernel, *words):
    hexed = [word.encode().hex() for word in words]  # how Postgres shows bytes
    return {
        "postgres": await tables_with(kernel, *words, *hexed),
        "valkey": await valkey_with(kernel, *words),
        "qdrant": await points_with(kernel, *words),
        "files": files_with(kernel, *words),
    }


NOWHERE = {"postgres": [], "valkey": [], "qdrant": [], "files": []}


@pytest.mark.timeout(400)
async def test_nothing_of_an_erased_person_is_found_in_any_store(client, kernel):
    team = await new_team(client, kernel)
    person, words = team.member, f"canary{uuid4().hex}"
    name = f"Name{uuid4().hex}"
    await client.patch("/v1/me", json={"name": name}, headers=person.headers)
    for headers in (person.headers, team.headers(person)):
        await say(client, {**headers, "Idempotency-Key": uuid4().hex}, words)
    await new_key(client, person, name=words)
    await client.post(
        "/v1/privacy/consents",
        json={"purpose": words, "text_version": "1", "granted": True},
        headers=person.headers,
    )
    await client.post(
        "/v1/auth/login", json={"email": person.email, "password": "not the password"}
    )
    await new_export(client, person)
    await kernel.valkey.set(f"cache:{person.user_id}:search", words)
    await remember(kernel, person, words)
    await remember(kernel, team.owner, "what the others know")
    (kernel.settings.data_dir / "mailbox").mkdir(exist_ok=True)
    (kernel.settings.data_dir / "mailbox" / "1.eml").write_text(f"To: {person.email}\n\nHello")
    before = await everywhere(kernel, person.email, name, words)
    assert all(before.values()), before
    shown = await carry_out(client, kernel, await ask_for_erasure(client, person))

    async def files_are_clean():
        return not files_with(kernel, person.email, name, words)

    await until(files_are_clean)  # Qdrant's engine writes its own anew a little later
    assert await everywhere(kernel, person.email, name, words) == NOWHERE
    digest = hashlib.sha256(person.email.encode()).hexdigest()
    assert await valkey_with(kernel, person.user_id, person.workspace_id, digest) == []
    assert await points_with(kernel, "what the others know")
    assert person.user_id not in json.dumps(shown)


async def test_a_shared_workspace_lives_on_with_all_that_is_the_others(client, kernel):
    team = await new_team(client, kernel)
    theirs = f"canary{uuid4().hex}"
    kept = await say(client, team.headers(team.owner), theirs)
    gone = await say(client, team.headers(team.member), "of the one who goes")
    await carry_out(client, kernel, await ask_for_erasure(client, team.member))
    path = f"/v1/conversations/{kept['conversation_id']}/messages"
    answer = await client.get(path, headers=team.headers(team.owner))
    assert answer.status_code == 200
    assert theirs in answer.text
    async with kernel.database.unit(SYSTEM) as session:
        assert await session.get(Conversation, UUID(gone["conversation_id"])) is None
        assert await session.get(User, UUID(team.member.user_id)) is None
        # The workspace's costs stay countable, and are nobody's now.
        calls = ModelCall.workspace_id == UUID(team.workspace_id)
        users = (await session.scalars(select(ModelCall.user_id).where(calls))).all()
    assert UUID(team.member.user_id) not in users
    assert {UUID(int=0), UUID(team.owner.user_id)} == set(users)


async def test_a_customer_of_others_outlives_the_account_with_the_same_address(
    client, kernel, person, team
):
    listed = {"external_id": person.email, "name": "Their own customer"}
    theirs = team.headers(team.owner)
    made = await client.post("/v1/customers", json=listed, headers=theirs)
    assert made.status_code == 201, made.text
    await client.post("/v1/customers", json=listed, headers=person.headers)
    await carry_out(client, kernel, await ask_for_erasure(client, person))
    path = f"/v1/customers/{made.json()['id']}"
    kept = await client.get(path, headers=theirs)
    assert (kept.status_code, kept.json()["external_id"]) == (200, person.email)
    # Those of the erased one's own workspace went with it; these go when their workspace says so.
    left = await tables_with(kernel, person.email)
    assert [row.partition(":")[0] for row in left] == ["audit_logs", "customers"]
    assert (await client.post(f"{path}/erase", headers=theirs)).status_code == 204
    assert await tables_with(kernel, person.email) == []


async def test_the_programs_of_an_erased_persons_own_workspace_go_with_it(client, kernel, person):
    async def program(headers):
        made = await client.post(
            "/v1/service-accounts", json={"name": "Nightly", "role": "viewer"}, headers=headers
        )
        assert made.status_code == 201, made.text
        return UUID(made.json()["user_id"])

    team = await new_team(client, kernel)
    gone = await program(person.headers)
    await join(kernel, team.workspace_id, person)
    stays = await program(team.headers(team.owner))
    shown = await carry_out(client, kernel, await ask_for_erasure(client, person))
    async with kernel.database.unit(SYSTEM) as session:
        assert await session.get(User, gone) is None
        assert await session.get(User, stays) is not None
    (users,) = [p for p in shown["certificate"]["places"] if p["place"] == "postgres/users"]
    assert users["deleted"] == 2


async def test_the_certificate_says_what_was_done_and_is_proved_offline(client, kernel, person):
    await say(client, person.headers, "Hello")
    erasure = await ask_for_erasure(client, person)
    shown = await carry_out(client, kernel, erasure)
    said = shown["certificate"]
    places = {place["place"]: place for place in said["places"]}
    assert places["postgres/users"]["deleted"] == 1
    assert places["postgres/messages"]["deleted"] == 2
    assert places["postgres/conversations"]["deleted"] == 1
    assert places["postgres/privacy_erasures"]["kept"] == 1
    assert places["postgres/audit_logs"]["reason"]
    assert (said["requested_by"], said["left"]) == ("person", 0)
    # With nothing of ours but the description in the API's document.
    message = (
        b"luminous-erasure-1\0"
        + json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(shown["public_key"]))
    signature = base64.b64decode(shown["signature"])
    key.verify(signature, message)
    with pytest.raises(InvalidSignature):
        key.verify(signature, message.replace(b'"left":0', b'"left":1'))
    raw = key.public_bytes_raw()
    assert is_signed(said, signature, raw)
    assert not is_signed({**said, "requested_by": "operator"}, signature, raw)


async def test_every_credential_of_an_erased_person_is_dead(client, kernel, person):
    key = await new_key(client, person)
    await carry_out(client, kernel, await ask_for_erasure(client, person))
    for bearer in (person.access_token, key["key"]):
        answer = await client.get("/v1/me", headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code == 401
    login = await client.post(
        "/v1/auth/login", json={"email": person.email, "password": "a few plain words"}
    )
    assert login.status_code == 401
    again = await client.post(
        "/v1/auth/register", json={"email": person.email, "password": "a few plain words"}
    )
    assert again.status_code == 201  # the address is free


async def test_the_only_owner_of_a_shared_workspace_is_told_which(client, kernel, team):
    refused = await client.post("/v1/privacy/erasures", headers=team.owner.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "workspaces_need_owner")
    assert "Shared" in refused.json()["detail"]
    assert team.workspace_id in refused.json()["detail"]
    heir = await new_person(client)
    await join(kernel, team.workspace_id, heir, role="owner")
    await ask_for_erasure(client, team.owner)


async def test_a_workspace_that_became_shared_meanwhile_holds_the_erasure_up(client, kernel):
    owner, guest = await new_person(client), await new_person(client)
    made = await client.post("/v1/workspaces", json={"name": "Late"}, headers=owner.headers)
    erasure = await ask_for_erasure(client, owner)
    await join(kernel, made.json()["id"], guest)
    await make_due(kernel, erasure)
    kernel.nudge("privacy erasures")

    async def is_blocked():
        path = f"/v1/privacy/erasures/{erasure['id']}"
        return (await client.get(path, headers=owner.headers)).json()["status"] == "blocked"

    await until(is_blocked)
    assert (await sign_in(client, owner.email))["access_token"]
    await join(kernel, made.json()["id"], await new_person(client), role="owner")
    await carry_out(client, kernel, erasure)


async def test_an_erasure_can_be_cancelled_until_it_begins(client, kernel, person):
    erasure = await ask_for_erasure(client, person)
    assert erasure["due_at"] > erasure["created_at"]
    twice = await client.post("/v1/privacy/erasures", headers=person.headers)
    assert (twice.status_code, twice.json()["code"]) == (409, "erasure_under_way")
    path = f"/v1/privacy/erasures/{erasure['id']}"
    for _ in range(2):
        cancelled = await client.post(f"{path}/cancel", headers=person.headers)
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    await make_due(kernel, erasure)
    kernel.nudge("privacy erasures")
    await asyncio.sleep(0.3)
    assert (await client.get(path, headers=person.headers)).json()["status"] == "cancelled"
    begun = await ask_for_erasure(client, person)
    await set_row(kernel, begun, status="running", leased_until=now() + timedelta(days=1))
    late = await client.post(f"/v1/privacy/erasures/{begun['id']}/cancel", headers=person.headers)
    assert (late.status_code, late.json()["code"]) == (409, "erasure_begun")
    await set_row(kernel, begun, status="cancelled")


async def set_row(kernel, erasure, **values):
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(PrivacyErasure).where(PrivacyErasure.id == UUID(erasure["id"])).values(**values)
        )


async def test_a_stranger_finds_no_erasure(client, person):
    erasure = await ask_for_erasure(client, person)
    stranger = await new_person(client)
    path = f"/v1/privacy/erasures/{erasure['id']}"
    for answer in (
        await client.get(path, headers=stranger.headers),
        await client.post(f"{path}/cancel", headers=stranger.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "erasure_not_found")
    unknown = await client.get(f"/v1/privacy/certificates/{uuid4()}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "certificate_not_found")


class Killed(BaseException):
    """What ends a process ends it without a clean-up."""


class Dying:
    """A store that works until its process is killed, before or after it has counted."""

    def __init__(self, store, step):
        self.name = store.name
        self._store = store
        self._step = step

    def export(self, person):
        return self._store.export(person)

    async def erase(self, person, tally):
        await self._store.erase(person, Countdown(tally, self._step))
        raise Killed

    async def left(self, person):
        return await self._store.left(person)


class Countdown:
    def __init__(self, tally, steps):
        self._tally = tally
        self._steps = steps

    async def add(self, *arguments, **options):
        await self._tally.add(*arguments, **options)
        self._steps -= 1
        if self._steps == 0:
            raise Killed


@pytest_asyncio.fixture(loop_scope="session")
async def erased_by_hand(kernel):
    async with by_hand(kernel, NAME):
        yield


@pytest.mark.parametrize("step", [1, 4, 100])
@pytest.mark.usefixtures("erased_by_hand")
async def test_an_erasure_that_is_killed_goes_on_and_counts_nothing_twice(
    client, kernel, app, step
):
    person, words = await new_person(client), f"canary{uuid4().hex}"
    for _ in range(2):
        await say(client, person.headers, words)
    erasure = await ask_for_erasure(client, person)
    await make_due(kernel, erasure)
    privacy = app.state.privacy
    for position in range(len(privacy.stores)):
        stores = [*privacy.stores]
        stores[position] = Dying(stores[position], step)
        with pytest.raises(Killed):
            await Erasing(kernel, replace(privacy, stores=stores)).run()
        await set_row(kernel, erasure, leased_until=now())
    # The account itself may be gone by now: the work goes on by what the request remembers.
    await asyncio.gather(*(Erasing(kernel, privacy).run() for _ in range(3)))
    shown = await certificate(client, erasure)
    assert await tables_with(kernel, words, person.email) == []
    places = {place["place"]: place for place in shown["certificate"]["places"]}
    assert places["postgres/messages"]["deleted"] == 4
    assert places["postgres/conversations"]["deleted"] == 2
    assert places["postgres/users"]["deleted"] == 1


async def test_another_room_has_a_person_erased_once(client, kernel, person):
    async with kernel.database.unit(SYSTEM) as session:
        first = await request_erasure(
            session, user_id=UUID(person.user_id), reason="account_deleted"
        )
        again = await request_erasure(
            session, user_id=UUID(person.user_id), reason="account_deleted"
        )
        assert first.id == again.id
    kernel.nudge("privacy erasures")
    shown = await certificate(client, {"certificate_id": str(first.certificate_id)})
    assert shown["certificate"]["requested_by"] == "account_deleted"
    async with kernel.database.unit(SYSTEM) as session:
        left = await session.scalar(
            select(func.count()).where(PrivacyErasure.user_id == UUID(person.user_id))
        )
    assert left == 0


@pytest.mark.parametrize("held", [HOLD_SECONDS, 0.8])
async def test_runs_under_way_are_ended_and_their_live_logs_removed(
    client, kernel, person, monkeypatch, held
):
    monkeypatch.setattr("app.runs.events.appender.HOLD_SECONDS", held)
    body = {
        "messages": [{"role": "user", "content": "Talk for long"}],
        "model": "demo/chat?tokens=2000&delay_ms=50",
        "stream": True,
    }
    async with client.stream("POST", "/v1/chat", json=body, headers=person.headers) as stream:
        run_id = stream.headers["x-run-id"]
        async for line in stream.aiter_lines():
            if "text.delta" in line:
                break
    assert await kernel.valkey.exists(f"run:{{{run_id}}}:log") == 1
    await carry_out(client, kernel, await ask_for_erasure(client, person))
    await asyncio.sleep(held)  # what would come after all has come by then
    assert await valkey_with(kernel, run_id) == []


async def test_request_and_completion_stand_in_the_audit_trail(client, kernel, person):
    erasure = await ask_for_erasure(client, person)
    mine = await client.get("/v1/audit-logs", headers=person.headers)
    assert "erasure.requested" in [row["action"] for row in mine.json()["data"]]
    await carry_out(client, kernel, erasure)
    assert len(await tables_with(kernel, f"erasure.completed%{erasure['certificate_id']}")) == 1


class Late:
    """A store that something comes to while it is being erased."""

    def __init__(self, store):
        self.name = store.name
        self._store = store
        self._still = 1
        self.erased = 0

    async def export(self, person):
        return self._store.export(person)

    async def erase(self, person, tally):
        self.erased += 1
        await self._store.erase(person, tally)

    async def left(self, person):
        self._still -= 1
        return self._still + 1 or await self._store.left(person)


@pytest.mark.usefixtures("erased_by_hand")
async def test_what_came_meanwhile_is_erased_by_the_same_job(client, kernel, app):
    erasure = await ask_for_erasure(client, await new_person(client))
    await make_due(kernel, erasure)
    first, *others = app.state.privacy.stores
    late = Late(first)
    await Erasing(kernel, replace(app.state.privacy, stores=(late, *others))).run()
    path = f"/v1/privacy/certificates/{erasure['certificate_id']}"
    assert (await client.get(path)).json()["status"] == "completed"
    assert late.erased == 2


async def test_what_others_keep_forgets_who_made_it(client, kernel):
    team = await new_team(client, kernel)
    ours, theirs = team.headers(team.owner), team.headers(team.member)
    collection = await made(client, "/v1/collections", {"name": "Handbook"}, ours)
    wish = {"name": "People", "parent_id": collection["id"], "entity_types": [{"name": "person"}]}
    schema = await made(client, "/v1/graph/schemas", wish, theirs)
    document = await made(client, f"/v1/collections/{collection['id']}/documents", b"One", ours)
    versions = f"/v1/documents/{document['id']}/versions"
    await made(client, versions, b"Two", theirs)

    async def is_read():
        shown = (await client.get(f"/v1/documents/{document['id']}", headers=ours)).json()
        return (shown["status"], shown["current_version"]) == ("ready", 2)

    # An erasure ends what is under way: then there is no passage to keep.
    await until(is_read, seconds=60)
    named = {row.partition(":")[0] for row in await tables_with(kernel, team.member.user_id)}
    assert named >= {"passages", "document_versions", "graph_schemas"}
    shown = await carry_out(client, kernel, await ask_for_erasure(client, team.member))
    left = await tables_with(kernel, team.member.user_id)
    assert {row.partition(":")[0] for row in left} == {"audit_logs"}  # the evidence keeps the id
    places = {place["place"]: place for place in shown["certificate"]["places"]}
    assert places["postgres/passages"]["cleared"] == 1
    assert places["postgres/passages"]["reason"]
    kept = (await client.get(versions, headers=ours)).json()["data"]
    assert [each["created_by_id"] for each in kept] == [None, team.owner.user_id]
    path = f"/v1/graph/schemas/{schema['id']}"
    assert (await client.get(path, headers=ours)).json()["owner_id"] is None


async def made(client, path, body, headers):
    """What a POST of JSON, or of a file, gives."""
    is_file = isinstance(body, bytes)
    sent = {"content": body, "params": {"name": "a.md"}} if is_file else {"json": body}
    answer = await client.post(path, headers=headers, **sent)
    assert answer.status_code in (201, 202), answer.text
    return answer.json()


async def test_who_was_to_decide_is_forgotten_and_nobody_else_comes_by_it(client, kernel):
    team = await new_team(client, kernel)
    keeper = Keeper(kernel, UUID(team.workspace_id), UUID(team.owner.user_id))
    ours, theirs = team.owner.user_id, team.member
    await keeper.run(
        await keeper.workflow(),
        flow(node("ask", type="approval")),
        status="paused",
        waits=[
            wait("by_id", 1, assignees=[theirs.user_id]),
            wait("by_mail", 2, assignees=[ours, theirs.email.upper()]),
            wait("given", 3, assignees=[ours]),
        ],
    )
    headers = team.headers(team.owner)
    found = (await client.get("/v1/tasks", headers=headers)).json()["data"]
    [task_id] = [task["id"] for task in found if task["node_id"] == "given"]
    # It is the owner who does so: the audit row is about them.
    to = {"assignees": [theirs.email.upper()]}
    given = await client.post(f"/v1/tasks/{task_id}/assign", json=to, headers=headers)
    assert given.status_code == 200, given.text
    asked = {"action": "workflow_task.assigned"}
    [row] = (await client.get("/v1/audit-logs", params=asked, headers=headers)).json()["data"]
    assert row["detail"]["to"] == [theirs.user_id]
    await carry_out(client, kernel, await ask_for_erasure(client, theirs))
    assert await tables_with(kernel, theirs.email) == []
    left = await tables_with(kernel, theirs.user_id)
    assert {row.partition(":")[0] for row in left} == {"audit_logs"}  # the evidence keeps the id
    found = (await client.get("/v1/tasks", headers=headers)).json()["data"]
    kept = {task["node_id"]: (task["assignees"], task["may_decide"]) for task in found}
    assert kept == {
        "by_id": ([str(NOBODY)], False),
        "by_mail": ([ours, str(NOBODY)], True),
        "given": ([str(NOBODY)], False),
    }
