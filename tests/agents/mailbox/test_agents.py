"""Agents at their mail: the real runtime, a scripted provider."""

import asyncio

import pytest_asyncio

from tests.support.fakes.base import Said, say
from tests.support.identity import until


class Post:
    """One person's mailboxes, at the API."""

    def __init__(self, agency):
        self.agency = agency

    async def ok(self, method, path, body=None, status=200):
        answer = await self.agency.talker.call(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def box(self, name, **settings):
        made = {"address": f"service:{name}", **settings}
        return f"/v1/mailboxes/{(await self.ok('POST', '/v1/mailboxes', made, 201))['address']}"

    async def lease(self, box, **wanted):
        return (await self.ok("POST", f"{box}/lease", wanted))["data"]

    async def runs(self):
        return (await self.ok("GET", "/v1/runs?kind=agent_run"))["data"]


@pytest_asyncio.fixture(loop_scope="session")
async def post(agency):
    return Post(agency)


async def test_an_agent_answers_its_mail_by_itself(agency, post):
    agent = await agency.make("Oracle")
    asks = await post.box("asks")
    box = f"/v1/mailboxes/agent:{agent['slug']}"
    await post.ok("POST", "/v1/mailbox-subscriptions", {"address": f"agent:{agent['slug']}"}, 201)
    agency.says("Forty-two.")
    letter = {"content": {"question": "?"}, "sender": "service:asks", "reply_to": "service:asks"}
    sent = await post.ok("POST", f"{box}/messages", letter)
    [delivery] = sent["deliveries"]
    assert delivery["address"] == f"agent:{agent['id']}"
    wanted = {"message_id": delivery["id"], "wait_seconds": 20}
    reply = await post.ok("POST", f"{asks}/await-reply", wanted)
    assert (reply["content"], reply["sender"]) == ("Forty-two.", f"agent:{agent['id']}")
    assert reply["correlation_id"] == sent["correlation_id"]
    read = await post.ok("GET", f"{box}/messages/{delivery['id']}")
    [run] = await post.runs()
    assert (read["status"], read["run_id"]) == ("acked", run["id"])
    assert '{"question":"?"}' in agency.fake.last.body["messages"][-1]["content"]


async def test_an_agent_whose_model_fails_tries_again_later(agency, post):
    agent = await agency.make("Broken", output_schema={"type": "object", "required": ["x"]})
    box = f"/v1/mailboxes/agent:{agent['id']}"
    await post.ok("POST", "/v1/mailbox-subscriptions", {"address": f"agent:{agent['id']}"}, 201)
    agency.says(*["no JSON"] * 10)
    letter = {"content": "hello"}
    sent = await post.ok("POST", f"{box}/messages", letter)
    path = f"{box}/messages/{sent['deliveries'][0]['id']}"

    async def given_back():
        return (await post.ok("GET", path))["last_error"]

    await until(given_back)
    read = await post.ok("GET", path)
    assert (read["status"], read["run_id"], read["deliveries"]) == ("waiting", None, 1)
    assert read["available_at"] > read["created_at"]
    agency.fake.script.clear()


async def test_a_message_to_whom_the_author_named_needs_nobodys_agreement(agency, post):
    box = await post.box("named")
    tool = {"tool": "send_message", "config": {"to": ["service:named"]}}
    agent = await agency.make("Sender", tools=[tool])
    sending = {"to": "service:named", "content": {"n": 1}, "type": "note", "priority": 3}
    agency.calls(("send_message", sending))
    agency.says("Sent.")
    run = await agency.run(agent)
    assert (run["status"], run["text"]) == ("completed", "Sent.")
    [leased] = await post.lease(box)
    message = leased["message"]
    assert message["sender"] == f"agent:{agent['id']}"
    assert (message["content"], message["type"], message["priority"]) == ({"n": 1}, "note", 3)


async def test_a_message_to_somebody_else_waits_for_a_person(agency, post):
    await post.box("named")
    box = await post.box("elsewhere")
    anyone = await agency.make("Anyone", tools=[{"tool": "send_message"}])
    agency.calls(("send_message", {"to": "service:elsewhere", "content": "x"}))
    run = await agency.run(anyone)
    assert run["status"] == "paused"
    assert await post.lease(box) == []
    tool = {"tool": "send_message", "config": {"to": ["service:named"]}}
    bound = await agency.make("Bound", tools=[tool])
    agency.calls(("send_message", {"to": "service:elsewhere", "content": "x"}))
    agency.says("I may not.")
    ended = await agency.run(bound)
    assert ended["text"] == "I may not."
    assert await post.lease(box) == []


async def test_an_agent_waits_for_an_answer(agency, post):
    box = await post.box("colleague")
    tool = {"tool": "send_message", "config": {"to": ["service:colleague"]}}
    agent = await agency.make("Asker", tools=[tool])
    asking = {"to": "service:colleague", "content": "How many?", "wait_seconds": 20}
    agency.calls(("send_message", asking))
    agency.says("Seven.")
    running = asyncio.create_task(agency.run(agent))
    [leased] = await post.lease(box, wait_seconds=20)
    said = {"content": {"count": 7}, "receipt": leased["receipt"]}
    await post.ok("POST", f"{box}/messages/{leased['message']['id']}/reply", said)
    assert (await running)["text"] == "Seven."
    assert '{"count":7}' in agency.fake.last.body["messages"][-1]["content"]


async def test_an_agent_reads_its_mailbox_and_answers(agency, post):
    asks = await post.box("customer")
    agent = await agency.make(
        "Reader", tools=[{"tool": "check_mailbox"}, {"tool": "reply_message"}]
    )
    own = f"/v1/mailboxes/agent:{agent['id']}"
    letter = {"content": "Hello?", "sender": "service:customer", "reply_to": "service:customer"}
    sent = await post.ok("POST", f"{own}/messages", letter)
    await post.ok("POST", f"{own}/messages", {"content": "for your information"})
    first = sent["deliveries"][0]["id"]
    agency.calls(("check_mailbox", {}))
    agency.calls(("reply_message", {"message_id": first, "content": "Hi!"}))
    agency.says("Read.")
    run = await agency.run(agent)
    assert run["text"] == "Read."
    wanted = {"message_id": first}
    assert (await post.ok("POST", f"{asks}/await-reply", wanted))["content"] == "Hi!"
    waiting = (await post.ok("GET", f"{own}/messages?status=waiting"))["data"]
    [second] = waiting
    assert second["leased_until"] is not None
    agency.calls(("check_mailbox", {"done": [second["id"]]}))
    agency.says("All done.")
    await agency.run(agent)
    assert (await post.ok("GET", own))["depth"] == 0


async def test_two_agents_that_write_to_each_other_stop_at_the_hop_limit(agency, post):
    """Each message of either is a run that sends another one."""
    tool = {"tool": "send_message", "config": {"to": ["tag:ring"]}}
    for name in ("ping", "pong"):
        address = f"agent:{(await agency.make(name, tools=[tool]))['id']}"
        box = await post.ok("POST", "/v1/mailboxes", {"address": address, "tags": ["ring"]}, 201)
        await post.ok("POST", "/v1/mailbox-subscriptions", {"address": address}, 201)
    agency.fake.will(*[_passes_on] * 60)
    await post.ok("POST", f"/v1/mailboxes/{box['address']}/messages", {"content": "start"})

    async def at_rest():
        boxes = (await post.ok("GET", "/v1/mailboxes"))["data"]
        runs = await post.runs()
        return len(runs) >= 17 and not any(each["depth"] for each in boxes)

    await until(at_rest, 8)
    assert len(await post.runs()) == 17
    agency.fake.script.clear()
    told = agency.fake.last.body["messages"][-1]["content"]
    assert "16 rules and answers are behind it" in told


async def _passes_on(fake, exchange, body):
    """A model that sends a message once, and is done when that is."""
    asked = body["messages"][-1]["role"] == "user"
    call = (f"call_{len(fake.requests)}", "send_message", {"to": "tag:ring", "content": "on"})
    said = Said((), calls=(call,)) if asked else Said(("Sent.",))
    await say(said)(fake, exchange, body)
