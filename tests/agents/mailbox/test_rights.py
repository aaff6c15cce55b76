"""Who sees, leads and answers whose mail, within one workspace."""

import asyncio

import pytest
import pytest_asyncio

from app.agents.mailbox import finding, routing
from tests.support.identity import bearer, new_key, new_person, until
from tests.support.teams import new_team


class Two:
    """Two editors of one workspace."""

    def __init__(self, team, anna, bob):
        self.team, self.anna, self.bob = team, anna, bob

    async def ok(self, who, method, path, body=None, status=200):
        answer = await self.team.call(who, method, path, body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def box(self, who, address, **more):
        body = {"address": address, **more}
        made = await self.ok(who, "POST", "/v1/mailboxes", body, 201)
        return f"/v1/mailboxes/{made['address']}"

    async def secret_agent(self):
        body = {"name": "Secret", "visibility": "private", "definition": {}}
        return await self.ok(self.anna, "POST", "/v1/agents", body, 201)

    async def rule(self, who, condition, action):
        body = {"name": "R", "condition": condition, "action": action}
        return await self.ok(who, "POST", "/v1/mailbox-rules", body, 201)

    async def sent(self, who, box, **more):
        sent = await self.ok(who, "POST", f"{box}/messages", {"content": "hello", **more})
        return [each["address"] for each in sent["deliveries"]]


@pytest_asyncio.fixture(loop_scope="session")
async def two(client):
    anna, bob = await new_person(client), await new_person(client)
    team = await new_team(client, anna)
    await team.take_in(anna, bob)
    return Two(team, anna, bob)


async def test_nobody_leads_another_members_mail_away(two):
    spy, own = await two.box(two.bob, "service:spy"), f"user:{two.anna.user_id}"
    to_spy = {"type": "deliver", "to": "service:spy"}
    rule = await two.rule(two.bob, {}, to_spy)
    mine = await two.rule(two.anna, {"to": own, "type": "bill"}, to_spy)
    assert await two.sent(two.anna, f"/v1/mailboxes/{own}") == [own]
    assert await two.sent(two.bob, f"/v1/mailboxes/{own}", type="bill") == ["service:spy"]
    path = f"/v1/mailbox-rules/{mine['id']}"
    await two.ok(two.bob, "PATCH", path, {"condition": {"to": own}})
    assert await two.sent(two.bob, f"/v1/mailboxes/{own}") == [own]
    await two.ok(two.anna, "DELETE", f"/v1/mailbox-rules/{rule['id']}", status=204)
    await two.ok(two.bob, "POST", f"/v1/mailbox-rules/{rule['id']}/restore")
    assert await two.sent(two.bob, f"/v1/mailboxes/{own}") == [own]
    assert spy


async def test_nobody_leads_the_mail_of_an_agent_away_that_they_do_not_see(two):
    agent = await two.secret_agent()
    await two.box(two.bob, "service:spy")
    await two.rule(two.bob, {}, {"type": "deliver", "to": "service:spy"})
    address = f"agent:{agent['id']}"
    assert await two.sent(two.anna, f"/v1/mailboxes/{address}") == [address]
    await two.ok(two.anna, "PATCH", f"/v1/agents/{agent['id']}", {"visibility": "workspace"})
    assert await two.sent(two.anna, f"/v1/mailboxes/{address}") == ["service:spy"]


async def test_a_group_does_not_name_agents_that_its_sender_does_not_see(two):
    agent = await two.secret_agent()
    await two.box(two.anna, f"agent:{agent['id']}", tags=["crew"])
    await two.box(two.anna, "service:one", tags=["crew"])
    inbox = await two.box(two.anna, "service:inbox")
    await two.rule(two.anna, {"to": "service:inbox"}, {"type": "deliver", "to": "tag:crew"})
    assert await two.sent(two.bob, inbox) == ["service:one"]
    assert len(await two.sent(two.anna, inbox)) == 2


async def test_a_group_that_is_too_large_is_refused_and_not_cut(two, monkeypatch):
    monkeypatch.setattr(finding, "MOST_RECIPIENTS", 1)
    await two.box(two.anna, "service:one", tags=["crew"])
    letter = {"tag": "crew", "content": 1}
    await two.ok(two.bob, "POST", "/v1/mailboxes/broadcast", letter)
    await two.box(two.anna, "service:two", tags=["crew"])
    told = await two.ok(two.bob, "POST", "/v1/mailboxes/broadcast", letter, 409)
    assert told["code"] == "mailbox_group_too_large"


async def test_the_copies_of_a_broadcast_share_what_rules_may_lead(two, monkeypatch):
    monkeypatch.setattr(routing, "MOST_LED", 4)
    for name in ("a", "b", "c"):
        await two.box(two.anna, f"service:{name}", tags=["ring"])
    await two.rule(two.anna, {}, {"type": "deliver", "to": "tag:ring"})
    letter = {"tag": "ring", "content": 1}
    sent = await two.ok(two.bob, "POST", "/v1/mailboxes/broadcast", letter)
    assert [each["reason"] for each in sent["deliveries"]] == ["hop_limit"] * 3


async def test_a_subscription_is_seen_and_changed_only_by_those_who_see_its_agent(two):
    agent = await two.secret_agent()
    body = {"address": f"agent:{agent['id']}", "paused": True}
    made = await two.ok(two.anna, "POST", "/v1/mailbox-subscriptions", body, 201)
    path = f"/v1/mailbox-subscriptions/{made['id']}"
    listed = await two.ok(two.bob, "GET", "/v1/mailbox-subscriptions")
    assert listed["data"] == []
    await two.ok(two.bob, "GET", path, status=404)
    await two.ok(two.bob, "PATCH", path, {"paused": False}, 404)
    await two.ok(two.bob, "DELETE", path, status=404)
    await two.ok(two.anna, "DELETE", path, status=204)
    await two.ok(two.bob, "POST", f"{path}/restore", status=404)
    await two.ok(two.anna, "PATCH", f"/v1/agents/{agent['id']}", {"visibility": "workspace"})
    restored = await two.ok(two.bob, "POST", f"{path}/restore")
    assert restored["user_id"] == two.bob.user_id


async def test_an_agent_called_as_anothers_id_gets_none_of_its_mail(two):
    agent = await two.secret_agent()
    body = {"name": "Evil", "slug": agent["id"], "definition": {}}
    made = await two.team.call(two.bob, "POST", "/v1/agents", body)
    assert made.status_code in (201, 422)
    address = f"agent:{agent['id']}"
    assert await two.sent(two.anna, f"/v1/mailboxes/{address}") == [address]


async def test_an_answer_reaches_an_agent_that_only_the_asker_sees_and_only_one_does(two):
    agent, box = await two.secret_agent(), await two.box(two.anna, "service:oracle")
    address = f"agent:{agent['id']}"
    await two.sent(two.anna, box, reply_to=address)
    [question] = (await two.ok(two.bob, "GET", f"{box}/messages"))["data"]
    path = f"{box}/messages/{question['id']}/reply"
    # A message that looks like the answer is not taken for it.
    named = {"sender": "service:oracle", "dedup_id": f"reply:{question['id']}"}
    await two.sent(two.anna, f"/v1/mailboxes/{address}", **named)
    both = await asyncio.gather(
        *(two.ok(each, "POST", path, {"content": 42}) for each in (two.anna, two.bob))
    )
    assert sorted(each["duplicate"] for each in both) == [False, True]
    assert both[0]["deliveries"] == both[1]["deliveries"]


async def test_mail_of_a_sender_is_found_by_the_agents_slug(two):
    box = await two.box(two.anna, "service:in")
    own = f"user:{two.anna.user_id}"
    await two.sent(two.anna, box)
    found = await two.ok(two.anna, "GET", f"{box}/messages?sender=user:{own[5:].upper()}")
    assert [each["sender"] for each in found["data"]] == [own]
    assert (await two.ok(two.anna, "GET", f"{box}/messages?sender=nonsense"))["data"] == []


async def test_dead_letters_do_not_overfill_a_mailbox(two):
    box = await two.box(two.anna, "service:small", capacity=2)
    for _ in range(2):
        await two.sent(two.anna, box)
        [leased] = (await two.ok(two.anna, "POST", f"{box}/lease", {}))["data"]
        rejected = {"receipts": [leased["receipt"]], "reject": True}
        await two.ok(two.anna, "POST", f"{box}/nack", rejected)
    await two.sent(two.anna, box)
    assert (await two.ok(two.anna, "POST", f"{box}/redrive", {}))["redriven"] == 1
    assert (await two.ok(two.anna, "POST", f"{box}/redrive", {}, 429))["code"] == "mailbox_full"


@pytest.mark.parametrize("deadline", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_deadline_beyond_the_calendar_is_refused(two, deadline):
    box = await two.box(two.anna, "service:late")
    body = {"content": 1, "deadline": deadline}
    told = await two.ok(two.anna, "POST", f"{box}/messages", body, 422)
    assert told["errors"][0]["pointer"] == "/body/deadline"


async def test_a_revoked_key_answers_no_mail(client):
    owner = await new_person(client)
    scopes = ["agents:read", "agents:run", "mailboxes:read", "mailboxes:write"]
    key = await new_key(client, owner, scopes=scopes)
    body = {"name": "Clerk", "definition": {}}
    agent = (await client.post("/v1/agents", json=body, headers=owner.headers)).json()
    new = {"address": f"agent:{agent['id']}"}
    made = await client.post("/v1/mailbox-subscriptions", json=new, headers=bearer(key["key"]))
    assert made.status_code == 201, made.text
    gone = await client.delete(f"/v1/api-keys/{key['id']}", headers=owner.headers)
    assert gone.status_code == 204
    box = f"/v1/mailboxes/agent:{agent['id']}/messages"
    await client.post(box, json={"content": "hi"}, headers=owner.headers)

    async def why():
        path = f"/v1/mailbox-subscriptions/{made.json()['id']}"
        told = (await client.get(path, headers=owner.headers)).json()
        return told["paused_reason"] == "mailbox_key_ended"

    await until(why)
