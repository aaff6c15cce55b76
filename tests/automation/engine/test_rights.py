"""Runs that are taken up again: with the rights that whoever began them still has."""

import asyncio

import pytest_asyncio

from tests.support.identity import new_person
from tests.support.teams import new_team

ASK = {"id": "ask", "type": "approval", "with": {"title": "Go on?"}}
CALL = {"tool": "calculator", "arguments": {"expression": "1 + 1"}}
GONE = ("failed", "run_starter_without_access")


class Shop:
    """A team whose guest begins runs that wait for the owner."""

    def __init__(self, team, owner, guest, member_id) -> None:
        self.team, self.owner, self.guest, self.member_id = team, owner, guest, member_id

    async def call(self, person, method, path, body=None):
        answer = await self.team.call(person, method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def make(self, slug, *nodes, edges=()):
        body = {"name": slug, "slug": slug, "visibility": "workspace"}
        body["definition"] = {"dsl": "flow/1", "nodes": list(nodes), "edges": list(edges)}
        await self.call(self.owner, "POST", "/v1/workflows", body)

    async def begin(self, slug, person=None):
        """A run of the guest's, where it waits."""
        run = await self.call(person or self.guest, "POST", f"/v1/workflows/{slug}/runs", {})
        assert run["status"] == "paused", run
        return run

    async def ended(self, run):
        """The run at its end, once the owner has agreed."""
        [task] = (await self.call(self.owner, "GET", "/v1/tasks?status=open"))["data"]
        decision = {"decision": "approve"}
        await self.call(self.owner, "POST", f"/v1/tasks/{task['id']}/decide", decision)
        async with asyncio.timeout(30):
            while True:
                found = await self.call(self.owner, "GET", f"/v1/workflow-runs/{run['id']}")
                if found["status"] not in ("queued", "running", "paused"):
                    return found
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(client):
    owner, guest = [await new_person(client), await new_person(client)]
    team = await new_team(client, owner)
    return Shop(team, owner, guest, await team.take_in(owner, guest))


def outcome(run):
    return run["status"], (run["error"] or {}).get("code")


async def test_a_run_of_one_who_has_left_fails(shop):
    await shop.make("left", ASK)
    run = await shop.begin("left")
    await shop.call(shop.owner, "DELETE", f"/v1/members/{shop.member_id}")
    assert outcome(await shop.ended(run)) == GONE


async def test_a_run_of_one_who_is_suspended_fails(shop):
    await shop.make("suspended", ASK)
    run = await shop.begin("suspended")
    await shop.call(shop.owner, "POST", f"/v1/members/{shop.member_id}/suspend")
    assert outcome(await shop.ended(run)) == GONE


async def test_a_run_of_one_with_a_smaller_role_may_no_more_than_that_role(shop):
    await shop.make("child", {"id": "t", "type": "transform", "with": {"value": 1}})
    sub = {"id": "sub", "type": "subworkflow", "with": {"workflow": "child"}}
    await shop.make("smaller", ASK, sub, edges=[{"from": "ask", "to": "sub"}])
    run = await shop.begin("smaller")
    await shop.call(shop.owner, "PATCH", f"/v1/members/{shop.member_id}", {"role": "viewer"})
    run = await shop.ended(run)
    assert run["error"]["errors"][0]["code"] == "permission_denied", run


async def test_a_run_of_a_key_that_was_revoked_fails_and_says_what_is_not_undone(shop):
    scopes = ["workflows:run", "workflows:read", "runs:read"]
    made = await shop.call(shop.guest, "POST", "/v1/api-keys", {"name": "k", "scopes": scopes})
    undo = {"type": "tool", "with": CALL}
    before = {"id": "before", "type": "tool", "with": CALL, "compensate": undo}
    await shop.make("keyed", before, ASK, edges=[{"from": "before", "to": "ask"}])
    headers = {"Authorization": f"Bearer {made['key']}"}
    answer = await shop.team.http.post("/v1/workflows/keyed/runs", json={}, headers=headers)
    assert answer.status_code == 200, answer.text
    await shop.call(shop.guest, "DELETE", f"/v1/api-keys/{made['id']}")
    run = await shop.ended(answer.json())
    assert outcome(run) == GONE
    result = (await shop.call(shop.guest, "GET", f"/v1/runs/{run['id']}"))["result"]
    assert [each["path"] for each in result["not_undone"]] == ["before"]


async def test_a_run_of_one_who_is_still_there_goes_on(shop):
    await shop.make("there", ASK)
    assert outcome(await shop.ended(await shop.begin("there"))) == ("completed", None)


async def test_a_run_of_a_key_is_held_to_what_the_key_may_ask_by_now(shop):
    scopes = ["workflows:run", "workflows:read", "runs:read", "models:invoke"]
    made = await shop.call(shop.guest, "POST", "/v1/api-keys", {"name": "k", "scopes": scopes})
    say = {"id": "say", "type": "llm", "with": {"model": "demo/chat?tokens=2", "prompt": "Hello"}}
    await shop.make("narrowed", ASK, say, edges=[{"from": "ask", "to": "say"}])
    headers = {"Authorization": f"Bearer {made['key']}"}
    ends = []
    for change in ({"limits": []}, {"models": ["other/*"]}):
        answer = await shop.team.http.post("/v1/workflows/narrowed/runs", json={}, headers=headers)
        assert answer.json()["status"] == "paused", answer.text
        await shop.call(shop.guest, "PATCH", f"/v1/api-keys/{made['id']}", change)
        ends.append(await shop.ended(answer.json()))
    assert [each["status"] for each in ends] == ["completed", "failed"]
    assert ends[1]["error"]["errors"][0]["code"] == "model_not_allowed", ends[1]
