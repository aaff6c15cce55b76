"""Mailboxes over HTTP: sent, routed, leased, answered, dead."""

import asyncio
from uuid import uuid4

import pytest_asyncio

from tests.support.identity import new_person


class Desk:
    """One person at the API."""

    def __init__(self, http, person):
        self.http, self.person = http, person

    async def call(self, method, path, body=None, *, status=None, **headers):
        answer = await self.http.request(
            method, path, json=body, headers={**self.person.headers, **headers}
        )
        if status is not None:
            assert answer.status_code == status, answer.text
        return answer

    async def ok(self, method, path, body=None, status=200):
        return (await self.call(method, path, body, status=status)).json()

    async def box(self, name, **settings):
        made = await self.ok(
            "POST", "/v1/mailboxes", {"address": f"service:{name}", **settings}, 201
        )
        return f"/v1/mailboxes/{made['address']}"

    async def send(self, box, content="hello", **letter):
        return await self.ok("POST", f"{box}/messages", {"content": content, **letter})

    async def lease(self, box, **wanted):
        return (await self.ok("POST", f"{box}/lease", wanted))["data"]

    async def ack(self, box, leased):
        receipts = [each["receipt"] for each in leased]
        return (await self.ok("POST", f"{box}/ack", {"receipts": receipts}))["data"]


def contents(leased):
    return [each["message"]["content"] for each in leased]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(client):
    return Desk(client, await new_person(client))


async def test_a_message_is_delivered_until_it_is_acknowledged(desk):
    box = await desk.box("orders")
    sent = await desk.send(box, {"order": 1}, type="order.placed")
    assert [each["status"] for each in sent["deliveries"]] == ["waiting"]
    [leased] = await desk.lease(box)
    message = leased["message"]
    assert message["content"] == {"order": 1}
    assert message["sender"] == f"user:{desk.person.user_id}"
    assert message["deliveries"] == 1
    assert await desk.lease(box) == []
    shown = await desk.ok("GET", box)
    assert (shown["depth"], shown["leased"], shown["oldest_at"]) == (1, 1, message["created_at"])
    given = {"receipts": [leased["receipt"]], "error": "not now"}
    assert (await desk.ok("POST", f"{box}/nack", given))["data"][0]["ok"]
    [again] = await desk.lease(box)
    assert again["receipt"] != leased["receipt"]
    assert (again["message"]["deliveries"], again["message"]["last_error"]) == (2, "not now")
    [lost] = await desk.ack(box, [leased])
    assert lost["error"]["code"] == "lease_lost"
    for _ in range(2):  # again is no error
        assert (await desk.ack(box, [again]))[0]["ok"]
    assert await desk.lease(box) == []
    assert (await desk.ok("GET", box))["depth"] == 0
    kept = await desk.ok("GET", f"{box}/messages/{message['id']}")
    assert kept["status"] == "acked"


async def test_of_one_sender_messages_come_in_order_whatever_their_priority(desk):
    box, other = await desk.box("in-order"), await desk.box("other")
    await desk.send(box, "first")
    await desk.send(box, "second", priority=9)
    await desk.send(box, "elsewhere", priority=9, sender="service:other")
    both = await desk.lease(box)
    assert contents(both) == ["elsewhere", "first"]
    assert await desk.lease(box) == []
    assert other
    await desk.ack(box, both)
    assert contents(await desk.lease(box)) == ["second"]


async def test_a_delayed_message_holds_back_what_its_sender_sends_later(desk):
    box = await desk.box("delayed")
    await desk.send(box, "first", delay_seconds=3600)
    await desk.send(box, "second")
    assert await desk.lease(box) == []


async def test_the_same_dedup_id_is_delivered_once(desk):
    box = await desk.box("once")
    sent = await asyncio.gather(
        *(desk.send(box, "x", dedup_id="d", correlation_id="c") for _ in range(8))
    )
    assert sorted(each["duplicate"] for each in sent) == [False] + [True] * 7
    assert len({each["deliveries"][0]["id"] for each in sent}) == 1
    assert {each["correlation_id"] for each in sent} == {"c"}
    [leased] = await desk.lease(box)
    await desk.ack(box, [leased])
    assert (await desk.send(box, "x", dedup_id="d"))["duplicate"]
    assert not (await desk.send(box, "x", dedup_id="e"))["duplicate"]
    await desk.box("peer")
    assert not (await desk.send(box, "x", dedup_id="d", sender="service:peer"))["duplicate"]


async def test_an_idempotency_key_sends_once_and_a_dry_run_sends_nothing(desk):
    box = await desk.box("railed")
    key, body = {"Idempotency-Key": str(uuid4())}, {"content": 1}
    first = await desk.call("POST", f"{box}/messages", body, status=200, **key)
    again = await desk.call("POST", f"{box}/messages", body, status=200, **key)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    await desk.ok("POST", f"{box}/messages?dry_run=true", body)
    assert len(await desk.lease(box)) == 1
    await desk.ok("POST", f"{box}/lease?dry_run=true", {"wait_seconds": 20})


async def test_a_message_that_is_over_when_it_comes_is_a_dead_letter(desk):
    box = await desk.box("over")
    for deadline in ("1900-01-01T00:00:00Z", "2020-01-01T00:00:00+14:00"):
        await desk.send(box, deadline, deadline=deadline)
    kept = await desk.send(box, "kept", deadline="9990-12-31T23:59:59-12:00")
    assert contents(await desk.lease(box)) == ["kept"]
    dead = (await desk.ok("GET", f"{box}/dead"))["data"]
    assert [each["dead_reason"] for each in dead] == ["expired", "expired"]
    assert kept["deliveries"][0]["status"] == "waiting"


async def test_a_full_mailbox_says_so_and_takes_more_once_it_is_read(desk):
    box = await desk.box("small", capacity=2)
    await desk.send(box)
    await desk.send(box)
    full = await desk.call("POST", f"{box}/messages", {"content": 3}, status=429)
    assert full.json()["code"] == "mailbox_full"
    assert full.json()["retryable"]
    assert full.headers["retry-after"] == "5"
    await desk.ack(box, await desk.lease(box))
    await desk.send(box)


async def test_a_body_that_is_too_large_is_refused(desk):
    box = await desk.box("narrow")
    await desk.send(box, "x" * (256 * 1024 - 2))
    refused = await desk.call("POST", f"{box}/messages", {"content": "x" * 256 * 1024}, status=422)
    assert refused.json()["errors"][0]["pointer"] == "/body/content"


async def test_a_broadcast_reaches_each_of_a_group_but_its_sender(desk):
    for name in ("one", "two", "three"):
        await desk.box(name, tags=["team"], capacity=1)
    two = "/v1/mailboxes/service:two"
    await desk.send(two, "already there")
    sent = await desk.ok(
        "POST", "/v1/mailboxes/broadcast", {"tag": "team", "content": 1, "sender": "service:one"}
    )
    told = {each["address"]: (each["status"], each["reason"]) for each in sent["deliveries"]}
    assert told == {
        "service:two": ("refused", "mailbox_full"),
        "service:three": ("waiting", None),
    }
    nobody = await desk.call(
        "POST", "/v1/mailboxes/broadcast", {"tag": "nobody", "content": 1}, status=404
    )
    assert nobody.json()["code"] == "no_recipients"


async def test_an_answer_is_awaited_and_sent_once(desk):
    asks, answers = await desk.box("asks"), await desk.box("answers")
    sent = await desk.send(answers, {"question": 6}, sender="service:asks", reply_to="service:asks")
    wanted = {"message_id": sent["deliveries"][0]["id"]}
    pending = await desk.call("POST", f"{asks}/await-reply", wanted, status=404)
    assert (pending.json()["code"], pending.json()["retryable"]) == ("reply_pending", True)
    waiting = asyncio.create_task(
        desk.ok("POST", f"{asks}/await-reply", {**wanted, "wait_seconds": 20})
    )
    [leased] = await desk.lease(answers, wait_seconds=5)
    said = {"content": {"answer": 42}, "receipt": leased["receipt"]}
    reply = f"{answers}/messages/{leased['message']['id']}/reply"
    assert not (await desk.ok("POST", reply, said))["duplicate"]
    assert (await desk.ok("POST", reply, said))["duplicate"]
    answer = await waiting
    assert answer["content"] == {"answer": 42}
    assert answer["correlation_id"] == sent["correlation_id"]
    assert answer["in_reply_to_id"] == wanted["message_id"]
    assert (answer["sender"], answer["status"]) == ("service:answers", "acked")
    assert await desk.ok("POST", f"{asks}/await-reply", wanted) == answer
    assert await desk.lease(asks) == []
    assert (await desk.ok("GET", answers))["depth"] == 0


async def test_whoever_awaits_an_answer_learns_that_the_question_died(desk):
    asks, answers = await desk.box("asks-in-vain"), await desk.box("rejects")
    sent = await desk.send(answers, 1, reply_to="service:asks-in-vain")
    wanted = {"message_id": sent["deliveries"][0]["id"], "wait_seconds": 20}
    [leased] = await desk.lease(answers)
    waiting = asyncio.create_task(desk.call("POST", f"{asks}/await-reply", wanted))
    await desk.ok("POST", f"{answers}/nack", {"receipts": [leased["receipt"]], "reject": True})
    told = await waiting
    assert (told.status_code, told.json()["code"]) == (409, "request_dead")
    other = await desk.call("POST", f"{answers}/await-reply", wanted, status=404)
    assert other.json()["code"] == "mailbox_message_not_found"


async def test_a_lease_waits_for_the_first_message(desk):
    box = await desk.box("waits")
    waiting = asyncio.create_task(desk.lease(box, wait_seconds=20))
    await asyncio.sleep(0)
    await desk.send(box, "at last")
    assert contents(await waiting) == ["at last"]


async def test_of_many_leasers_each_message_has_one(desk):
    box = await desk.box("crowded")
    for number in range(12):
        await desk.box(f"sender-{number}")
        await desk.send(box, number, sender=f"service:sender-{number}")
    taken = await asyncio.gather(*(desk.lease(box, max=3) for _ in range(10)))
    assert sorted(c for leased in taken for c in contents(leased)) == list(range(12))


async def test_a_dead_letter_says_why_and_waits_again_when_redriven(desk):
    box = await desk.box("mortal", max_deliveries=2)
    await desk.send(box, "broken")
    await desk.send(box, "fine")
    for _ in range(2):
        [leased] = await desk.lease(box)
        assert leased["message"]["content"] == "broken"
        await desk.ok("POST", f"{box}/nack", {"receipts": [leased["receipt"]], "error": "boom"})
    [dead] = (await desk.ok("GET", f"{box}/dead"))["data"]
    assert (dead["dead_reason"], dead["last_error"], dead["deliveries"]) == (
        "max_deliveries", "boom", 2,
    )  # fmt: skip
    assert await desk.ok("POST", f"{box}/redrive", {"ids": [dead["id"]]}) == {"redriven": 1}
    refused = await desk.call("POST", f"{box}/redrive", {"ids": [dead["id"]]}, status=409)
    assert refused.json()["code"] == "mailbox_message_not_dead"
    [first] = await desk.lease(box)
    assert first["message"]["content"] == "fine"  # what was redriven stands behind it
    await desk.ack(box, [first])
    [again] = await desk.lease(box)
    assert (again["message"]["content"], again["message"]["deliveries"]) == ("broken", 1)


async def test_a_lease_is_extended_by_whoever_has_it(desk):
    box = await desk.box("extended")
    await desk.send(box)
    [leased] = await desk.lease(box, lease_seconds=1)
    wanted = {"receipts": [leased["receipt"], str(uuid4())], "lease_seconds": 3600}
    done, lost = (await desk.ok("POST", f"{box}/extend", wanted))["data"]
    assert done["ok"]
    assert lost["error"]["code"] == "lease_lost"
    kept = await desk.ok("GET", f"{box}/messages/{leased['message']['id']}")
    assert kept["leased_until"] > leased["leased_until"]


async def test_members_have_mailboxes_that_nobody_else_reads(desk, client):
    own = f"/v1/mailboxes/user:{desk.person.user_id}"
    await desk.send(own, "to myself")
    assert contents(await desk.lease(own)) == ["to myself"]
    stranger = Desk(client, await new_person(client))
    for path in (own, await desk.box("private-here")):
        told = await stranger.call("POST", f"{path}/messages", {"content": 1}, status=404)
        assert told.json()["code"] == "mailbox_not_found"
        await stranger.call("POST", f"{path}/lease", {}, status=404)
    listed = (await stranger.ok("GET", "/v1/mailboxes"))["data"]
    assert listed == []


async def test_nobody_sends_as_somebody_else(desk, client):
    box, stranger = await desk.box("target"), await new_person(client)
    agent = await desk.ok("POST", "/v1/mailboxes", {"address": "service:real"}, 201)
    assert agent
    for sender in (f"user:{stranger.user_id}", f"agent:{uuid4()}", "service:unreal", "nonsense"):
        refused = await desk.call(
            "POST", f"{box}/messages", {"content": 1, "sender": sender}, status=422
        )
        assert refused.json()["code"] == "sender_unknown"


async def test_a_mailbox_is_deleted_and_restored_with_its_messages(desk):
    box = await desk.box("short-lived")
    await desk.send(box, "kept")
    await desk.call("DELETE", box, status=204)
    await desk.call("POST", f"{box}/messages", {"content": 1}, status=404)
    await desk.call("GET", box, status=404)
    taken = await desk.call("POST", "/v1/mailboxes", {"address": "service:short-lived"}, status=409)
    assert taken.json()["code"] == "mailbox_exists"
    assert (await desk.ok("POST", f"{box}/restore"))["depth"] == 1
    assert contents(await desk.lease(box)) == ["kept"]


async def test_rules_lead_tag_drop_and_bury_in_their_order(desk):
    orders, finance = await desk.box("orders-in"), await desk.box("finance")
    rules = [
        ({"to": "service:orders-in", "type": "order.*"}, {"type": "tag", "tags": ["order"]}),
        (
            {"tags": ["order"], "content": [{"pointer": "/kind", "one_of": ["refund"]}]},
            {"type": "deliver", "to": "service:finance"},
        ),
        ({"content": [{"pointer": "/spam", "exists": True}]}, {"type": "drop"}),
        ({"content": [{"pointer": "/a~1b/1", "one_of": [1]}]}, {"type": "dead_letter"}),
        ({"content": [{"pointer": "/lost", "exists": True}]},
         {"type": "deliver", "to": "service:nowhere"}),
    ]  # fmt: skip
    for position, (condition, action) in enumerate(rules):
        rule = {"name": "R", "position": position, "condition": condition, "action": action}
        await desk.ok("POST", "/v1/mailbox-rules", rule, 201)
    ends = []
    for content, kind in (
        ({"kind": "refund"}, "order.placed"),
        ({"kind": "refund"}, "note"),
        ({"spam": 1}, "note"),
        ({"a/b": [0, 1]}, "note"),
        ({"a/b": [0, True]}, "note"),
        ({"lost": 1}, "note"),
    ):
        [end] = (await desk.send(orders, content, type=kind))["deliveries"]
        ends.append((end["address"].removeprefix("service:"), end["status"], end["reason"]))
    assert ends == [
        ("finance", "waiting", None),
        ("orders-in", "waiting", None),
        ("orders-in", "dropped", "rule"),
        ("orders-in", "dead", "rejected"),
        ("orders-in", "waiting", None),
        ("orders-in", "dead", "no_route"),
    ]
    [moved] = await desk.lease(finance)
    assert (moved["message"]["tags"], moved["message"]["hops"]) == (["order"], 1)
    assert moved["message"]["addressed_to"] == "service:orders-in"


async def test_rules_that_lead_in_circles_end_in_a_dead_letter(desk):
    await desk.box("ping")
    await desk.box("pong")
    for here, there in (("ping", "pong"), ("pong", "ping")):
        action = {"type": "deliver", "to": f"service:{there}"}
        rule = {"name": here, "condition": {"to": f"service:{here}"}, "action": action}
        await desk.ok("POST", "/v1/mailbox-rules", rule, 201)
    [end] = (await desk.send("/v1/mailboxes/service:ping"))["deliveries"]
    assert (end["status"], end["reason"]) == ("dead", "hop_limit")


async def test_a_group_that_is_led_into_itself_gets_each_message_once(desk):
    for name in ("spin-a", "spin-b", "spin-c"):
        await desk.box(name, tags=["spin"])
    rule = {"name": "R", "condition": {}, "action": {"type": "deliver", "to": "tag:spin"}}
    await desk.ok("POST", "/v1/mailbox-rules", rule, 201)
    sent = await desk.send("/v1/mailboxes/service:spin-a")
    addresses = [each["address"] for each in sent["deliveries"]]
    assert len(addresses) == len(set(addresses)) <= 3


async def test_a_rule_is_changed_with_its_etag_and_deleted(desk):
    rule = {"name": "R", "condition": {}, "action": {"type": "drop"}}
    made = await desk.call("POST", "/v1/mailbox-rules", rule, status=201)
    path, box = made.headers["location"], await desk.box("quiet")
    assert (await desk.send(box))["deliveries"][0]["status"] == "dropped"
    stale = await desk.call("PATCH", path, {"enabled": False}, status=412, **{"If-Match": '"v9"'})
    assert stale.headers["etag"] == '"v1"'
    assert (await desk.ok("PATCH", path, {"enabled": False}))["version"] == 2
    assert (await desk.send(box))["deliveries"][0]["status"] == "waiting"
    await desk.call("DELETE", path, status=204)
    assert (await desk.ok("GET", "/v1/mailbox-rules"))["data"] == []
    await desk.ok("POST", f"{path}/restore")


async def test_lists_are_pages_bound_to_their_mailbox(desk):
    box, other = await desk.box("paged"), await desk.box("not-it")
    for number in range(3):
        await desk.send(box, number)
    first = await desk.ok("GET", f"{box}/messages?limit=2&status=waiting")
    assert [each["content"] for each in first["data"]] == [2, 1]
    cursor = first["next_cursor"]
    rest = await desk.ok("GET", f"{box}/messages?limit=2&status=waiting&cursor={cursor}")
    assert [each["content"] for each in rest["data"]] == [0]
    await desk.call("GET", f"{other}/messages?status=waiting&cursor={cursor}", status=400)
