"""Sharing of conversations: with members, with roles, and by link."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from app.chat.messages.finding import finding_job
from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.sharing.models import Share
from tests.support.identity import new_person, until
from tests.support.teams import code, new_team

QUICK = "demo/chat?tokens=2&delay_ms=0"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(address):
    """Whose conversation it is, and two others."""
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return [await new_person(http) for _ in range(3)]


@pytest_asyncio.fixture(loop_scope="session")
async def team(client, people):
    return await new_team(client, people[0])


@pytest_asyncio.fixture(loop_scope="session")
async def conversation(team, people):
    asked = {"messages": [{"role": "user", "content": "Where to?"}], "model": QUICK}
    answer = await team.call(people[0], "POST", "/v1/chat", {**asked, "stream": False})
    assert answer.status_code == 200, answer.text
    return answer.json()["conversation_id"]


async def share(team, owner, conversation, grantee, **body):
    path = f"/v1/conversations/{conversation}/shares"
    made = await team.call(owner, "POST", path, {"grantee": grantee, **body})
    assert made.status_code == 201, made.text
    return made.json()


async def turn(team, person, conversation):
    body = {"content": "And then?", "model": QUICK, "stream": False}
    return await team.call(person, "POST", f"/v1/conversations/{conversation}/turns", body)


async def opened(team, token, end=""):
    path = f"/v1/shared-links/conversation{end}"
    return await team.http.get(path, headers={"X-Share-Token": token})


async def test_a_colleague_sees_nothing_that_is_not_shared(team, people, conversation):
    owner, other, _ = people
    await team.take_in(owner, other, "admin")
    path = f"/v1/conversations/{conversation}"
    for answer in (
        await team.call(other, "GET", path),
        await team.call(other, "GET", f"{path}/messages"),
        await team.call(other, "PATCH", path, {"title": "Mine"}),
        await team.call(other, "GET", f"{path}/shares"),
        await turn(team, other, conversation),
    ):
        assert code(answer) == (404, "conversation_not_found")
    assert conversation not in (await team.call(other, "GET", "/v1/conversations?shared=true")).text


async def test_shared_to_read_is_read_and_no_more(team, people, conversation):
    owner, reader, third = people
    member_id = await team.take_in(owner, reader)
    await team.take_in(owner, third)
    made = await share(team, owner, conversation, {"type": "member", "member_id": member_id})
    assert (made["level"], made["token"]) == ("read", None)
    path = f"/v1/conversations/{conversation}"
    shown = await team.call(reader, "GET", path)
    assert shown.json()["user_id"] == owner.user_id
    messages = (await team.call(reader, "GET", f"{path}/messages")).json()["data"]
    assert [m["role"] for m in messages] == ["user", "assistant"]
    one = await team.call(reader, "GET", f"{path}/messages/{messages[0]['id']}")
    assert one.json() == messages[0]
    choose = f"{path}/messages/{messages[0]['id']}/choose"
    for answer in (
        await turn(team, reader, conversation),
        await team.call(reader, "POST", choose),
    ):
        assert code(answer) == (403, "shared_to_read")
    for method, end, body in (
        ("PATCH", "", {"title": "Mine"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("GET", "/shares", None),
        ("POST", "/shares", {"grantee": {"type": "link"}}),
        ("DELETE", f"/shares/{made['id']}", None),
    ):
        assert code(await team.call(reader, method, path + end, body)) == (403, "not_yours")
    assert code(await team.call(third, "GET", path)) == (404, "conversation_not_found")


async def test_the_list_keeps_what_is_shared_apart(team, people, conversation):
    owner, reader, _ = people
    member_id = await team.take_in(owner, reader)
    await share(team, owner, conversation, {"type": "member", "member_id": member_id})
    await share(team, owner, conversation, {"type": "role", "role": "editor"})
    own = await team.call(reader, "POST", "/v1/conversations", {"title": "Own"})

    async def ids(person, query=""):
        listed = await team.call(person, "GET", f"/v1/conversations{query}")
        return [c["id"] for c in listed.json()["data"]]

    assert await ids(reader, "?shared=true") == [conversation]
    assert await ids(reader) == [own.json()["id"]]
    assert await ids(owner, "?shared=true") == []
    assert await ids(reader, "?shared=true&q=Where") == [conversation]


async def test_whoever_may_write_takes_part(team, people, conversation):
    owner, writer, _ = people
    member_id = await team.take_in(owner, writer)
    made = await share(
        team, owner, conversation, {"type": "member", "member_id": member_id}, level="write"
    )
    answered = await turn(team, writer, conversation)
    assert answered.status_code == 200, answered.text
    run = await team.call(writer, "GET", f"/v1/runs/{answered.json()['run_id']}")
    assert run.json()["status"] == "completed"
    path = f"/v1/conversations/{conversation}"
    messages = (await team.call(owner, "GET", f"{path}/messages")).json()["data"]
    assert len(messages) == 4
    again = await turn(team, owner, conversation)
    assert again.status_code == 200, again.text
    lowered = await team.call(owner, "PATCH", f"{path}/shares/{made['id']}", {"level": "read"})
    assert lowered.json()["level"] == "read"
    assert code(await turn(team, writer, conversation)) == (403, "shared_to_read")


async def test_shared_with_a_role_is_shared_with_whoever_has_it(team, people, conversation):
    owner, editor, member = people
    editor_id = await team.take_in(owner, editor, "editor")
    role = await team.call(
        owner, "POST", "/v1/roles", {"name": "Guest", "permissions": ["conversations:read"]}
    )
    role_id = role.json()["id"]
    await team.take_in(owner, member, "custom", role_id=role_id)
    path = f"/v1/conversations/{conversation}"
    await share(team, owner, conversation, {"type": "role", "role": "editor"})
    assert (await team.call(editor, "GET", path)).status_code == 200
    assert (await team.call(member, "GET", path)).status_code == 404
    custom = {"type": "role", "role": "custom", "role_id": role_id}
    await share(team, owner, conversation, custom)
    assert (await team.call(member, "GET", path)).status_code == 200
    await team.call(owner, "PATCH", f"/v1/members/{editor_id}", {"role": "viewer"})
    assert (await team.call(editor, "GET", path)).status_code == 404


async def test_a_link_shows_the_title_and_what_was_said_and_nothing_else(
    team, people, conversation
):
    owner = people[0]
    made = await share(team, owner, conversation, {"type": "link"})
    assert made["expires_at"] > made["created_at"]
    first = (await turn(team, owner, conversation)).json()["message"]
    regenerate = {"regenerate_message_id": first["id"], "model": QUICK, "stream": False}
    path = f"/v1/conversations/{conversation}/turns"
    second = (await team.call(owner, "POST", path, regenerate)).json()["message"]
    shown = await opened(team, made["token"])
    assert shown.status_code == 200
    assert shown.json().keys() == {"title", "last_active_at"}
    listed = (await opened(team, made["token"], "/messages")).json()["data"]
    assert [m["role"] for m in listed] == ["user", "assistant", "user", "assistant"]
    assert {key for m in listed for key in m} == {"id", "role", "status", "parts", "created_at"}
    assert first["id"] not in str(listed)
    assert listed[-1]["id"] == second["id"]
    page = (await opened(team, made["token"], "/messages?limit=3")).json()
    rest = await opened(team, made["token"], f"/messages?limit=3&cursor={page['next_cursor']}")
    assert page["data"] + rest.json()["data"] == listed
    again = await team.call(owner, "GET", f"/v1/conversations/{conversation}/shares")
    assert made["token"] not in again.text


async def test_a_link_that_has_ended_leads_nowhere(team, people, conversation, kernel):
    owner = people[0]
    path = f"/v1/conversations/{conversation}"
    for ending in ("revoked", "expired", "deleted", "workspace"):
        made = await share(team, owner, conversation, {"type": "link"})
        assert (await opened(team, made["token"])).status_code == 200
        if ending == "revoked":
            gone = await team.call(owner, "DELETE", f"{path}/shares/{made['id']}")
            assert gone.status_code == 204
        elif ending == "expired":
            async with kernel.database.unit(SYSTEM) as session:
                row = await session.get(Share, UUID(made["id"]))
                row.expires_at = now() - timedelta(seconds=1)
        elif ending == "deleted":
            await team.call(owner, "DELETE", path)
        else:
            await team.call(owner, "POST", f"{path}/restore")
            await team.http.delete(f"/v1/workspaces/{team.id}", headers=owner.headers)
        for end in ("", "/messages"):
            answer = await opened(team, made["token"], end)
            assert code(answer) == (404, "shared_link_not_found"), ending
        if ending == "deleted":
            await team.call(owner, "POST", f"{path}/restore")
    assert code(await opened(team, "x" * 43)) == (404, "shared_link_not_found")


async def test_a_link_ends_with_the_membership_of_who_made_it(team, people):
    owner, member, _ = people
    member_id = await team.take_in(owner, member)
    made = await team.call(member, "POST", "/v1/conversations", {"title": "A"})
    link = await share(team, member, made.json()["id"], {"type": "link"})
    assert (await opened(team, link["token"], "/messages")).json()["data"] == []
    await team.call(owner, "POST", f"/v1/members/{member_id}/suspend")
    assert (await opened(team, link["token"])).status_code == 404
    await team.call(owner, "POST", f"/v1/members/{member_id}/unsuspend")
    assert (await opened(team, link["token"])).status_code == 200
    await team.call(owner, "DELETE", f"/v1/members/{member_id}")
    assert (await opened(team, link["token"])).status_code == 404


async def test_what_was_shared_with_a_member_ends_with_the_share(
    team, people, conversation, kernel
):
    owner, reader, _ = people
    member_id = await team.take_in(owner, reader)
    grantee = {"type": "member", "member_id": member_id}
    made = await share(team, owner, conversation, grantee)
    path = f"/v1/conversations/{conversation}"
    again = await team.call(owner, "POST", f"{path}/shares", {"grantee": grantee})
    assert code(again) == (409, "already_shared")
    async with kernel.database.unit(SYSTEM) as session:
        (await session.get(Share, UUID(made["id"]))).expires_at = now() - timedelta(seconds=1)
    assert (await team.call(reader, "GET", path)).status_code == 404
    renewed = await team.call(owner, "PATCH", f"{path}/shares/{made['id']}", {"expires_at": None})
    assert renewed.json()["expires_at"] is None
    assert (await team.call(reader, "GET", path)).status_code == 200
    await team.call(owner, "DELETE", f"{path}/shares/{made['id']}")
    assert (await team.call(reader, "GET", path)).status_code == 404
    noted = (await team.call(owner, "GET", "/v1/audit-logs")).json()["data"]
    assert {"share.created", "share.revoked"} <= {line["action"] for line in noted}


async def test_a_search_finds_what_is_shared_for_as_long_as_it_is(
    team, people, conversation, kernel
):
    owner, reader, _ = people
    member_id = await team.take_in(owner, reader)
    await finding_job(kernel).run()

    async def found(person):
        body = {"query": "where to", "mode": "lexical", "filters": {"kinds": ["message"]}}
        answer = await team.call(person, "POST", "/v1/search", body)
        assert answer.status_code == 200, answer.text
        return {hit["conversation_id"] for hit in answer.json()["data"]}

    await until(lambda: found(owner))
    assert await found(owner) == {conversation}
    assert await found(reader) == set()
    made = await share(team, owner, conversation, {"type": "member", "member_id": member_id})
    assert await found(reader) == {conversation}
    path = f"/v1/conversations/{conversation}"
    await team.call(owner, "DELETE", f"{path}/shares/{made['id']}")
    assert await found(reader) == set()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/body/grantee"),
        ({"grantee": {"type": "everyone"}}, "/body/grantee"),
        ({"grantee": {"type": "member", "member_id": str(uuid4())}}, "/body/grantee/member_id"),
        ({"grantee": {"type": "link"}, "level": "write"}, "/body/level"),
        ({"grantee": {"type": "link"}, "expires_at": "2020-01-01T00:00:00Z"}, "/body/expires_at"),
        ({"grantee": {"type": "link"}, "expires_at": "2090-01-01T00:00:00Z"}, "/body/expires_at"),
        ({"grantee": {"type": "role", "role": "custom"}}, "/body/grantee/role_id"),
    ],
)
async def test_a_bad_field_is_named(team, people, conversation, body, pointer):
    path = f"/v1/conversations/{conversation}/shares"
    answer = await team.call(people[0], "POST", path, body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_share_of_another_conversation_is_not_there(team, people, conversation):
    owner = people[0]
    other = (await team.call(owner, "POST", "/v1/conversations", {"title": "A"})).json()
    made = await share(team, owner, conversation, {"type": "link"})
    for share_id in (made["id"], str(uuid4())):
        path = f"/v1/conversations/{other['id']}/shares/{share_id}"
        assert code(await team.call(owner, "GET", path)) == (404, "share_not_found")
