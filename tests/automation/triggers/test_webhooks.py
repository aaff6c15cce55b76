"""Webhooks and forms: what is signed and new starts a run, and nothing else does."""

import asyncio
import hashlib
import hmac
import time
from dataclasses import replace
from uuid import UUID

from sqlalchemy import text

from app.automation.triggers import receiving
from app.core.db import SYSTEM
from app.core.limits import Limit
from tests.automation.triggers.conftest import Bench, signed
from tests.support.identity import new_person
from tests.support.teams import Team, new_team

SIGNED = {"kind": "webhook"}
UNSIGNED = {"kind": "webhook", "verification": {"type": "none", "allow_unsigned": True}}
ORDER = {"order": "{{ body.id }}", "from": "{{ headers['x-shop'] }}"}
BODY = b'{"id": 42}'


async def test_a_signed_message_is_one_run_however_often_it_comes(bench):
    trigger = await bench.trigger(await bench.workflow(), SIGNED, inputs=ORDER)
    told = signed(trigger["secret"], "msg_1", BODY)
    answers = await asyncio.gather(
        *(bench.post(trigger, BODY, **told, x_shop="Graz") for _ in range(5))
    )
    assert len({(each["run_id"], each["delivery_id"]) for each in answers}) == 1
    (delivery,) = await bench.deliveries(trigger)
    assert (delivery["status"], delivery["run_id"]) == ("started", answers[0]["run_id"])
    assert await bench.output(delivery["run_id"]) == {"order": 42, "from": "Graz"}
    another = signed(trigger["secret"], "msg_2", BODY)
    second = await bench.post(trigger, BODY, **another, x_shop="Wien")
    assert await bench.output(second["run_id"]) == {"order": 42, "from": "Wien"}


async def test_what_is_not_signed_well_starts_nothing_and_is_told_to_the_owner(bench):
    trigger = await bench.trigger(await bench.workflow(), SIGNED, inputs=ORDER)
    good = signed(trigger["secret"], "msg_1", BODY)
    old = signed(trigger["secret"], "msg_2", BODY, at=time.time() - 301)
    forged = await bench.post(trigger, b'{"id": 43}', **good, expect=401)
    assert forged["code"] == "workflow_hook_signature_invalid"
    late = await bench.post(trigger, BODY, **old, expect=401)
    assert late["code"] == "workflow_hook_timestamp_invalid"
    none = await bench.post(trigger, BODY, expect=401)
    assert none["code"] == "workflow_hook_signature_invalid"
    found = await bench.deliveries(trigger)
    assert {(each["status"], each["run_id"]) for each in found} == {("refused", None)}
    assert [each["reason"] for each in found] == [none["code"], late["code"], forged["code"]]


async def test_a_rotated_secret_overlaps_with_the_one_before_for_a_day(bench, kernel):
    trigger = await bench.trigger(await bench.workflow(), SIGNED)
    path = f"/v1/workflow-triggers/{trigger['id']}/rotate"
    rotated = await bench.call("POST", path, {"what": "secret"})
    assert rotated["secret"] != trigger["secret"]
    for number, secret in enumerate((trigger["secret"], rotated["secret"])):
        await bench.post(trigger, BODY, **signed(secret, f"msg_{number}", BODY))
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text(
                "update workflow_triggers set previous_until = previous_until - interval '24 hours'"
                " where id = :id"
            ),
            {"id": UUID(trigger["id"])},
        )
    await bench.post(trigger, BODY, **signed(trigger["secret"], "msg_3", BODY), expect=401)
    await bench.post(trigger, BODY, **signed(rotated["secret"], "msg_4", BODY))
    moved = await bench.call("POST", path, {"what": "url"})
    assert moved["secret"] is None
    await bench.post(trigger, BODY, **signed(rotated["secret"], "msg_5", BODY), expect=404)
    await bench.post(moved, BODY, **signed(rotated["secret"], "msg_5", BODY))


async def test_an_hmac_of_the_senders_own_secret_is_taken_once_a_body(bench):
    secret, how = "the secret of a sender", {"type": "hmac_sha256"}
    on = {"kind": "webhook", "verification": how, "secret": secret, "headers": ["User-Agent"]}
    trigger = await bench.trigger(await bench.workflow(), on, inputs={"all": "{{ headers }}"})
    assert trigger["secret"] == secret
    proof = "sha256=" + hmac.digest(secret.encode(), BODY, hashlib.sha256).hex()
    first, again = [
        await bench.post(
            trigger,
            BODY,
            x_hub_signature_256=proof,
            x_shop="a",
            authorization="Bearer x",
            x_api_key="k",
        )
        for _ in range(2)
    ]
    assert first == again
    seen = (await bench.output(first["run_id"]))["all"]
    assert seen["x-shop"] == "a"
    assert not {"authorization", "x-api-key", "x-hub-signature-256"} & set(seen)
    await bench.post(trigger, BODY + b" ", x_hub_signature_256=proof, expect=401)


async def test_bodies_are_read_as_what_they_are_and_bounded(bench):
    trigger = await bench.trigger(await bench.workflow(), UNSIGNED, inputs={"it": "{{ body }}"})
    form = "application/x-www-form-urlencoded"
    for body, kind, expected in (
        (b"[1, 2]", "application/vnd.api+json; charset=utf-8", [1, 2]),
        (b"a=1&b=x%20y", form, {"a": "1", "b": "x y"}),
        ("Grüße".encode(), "text/plain", "Grüße"),
    ):
        taken = await bench.post(trigger, body, content_type=kind)
        assert await bench.output(taken["run_id"]) == {"it": expected}
    for body, kind, status in (
        (b'{"id": ', "application/json", 400),
        (b'{"id": "\\u0000"}', "application/json", 400),
        (b"[" * 70 + b"]" * 70, "application/json", 400),
        (b"a=%00", form, 400),
        (b"\xff\xfe", "text/plain", 400),
        (b"x" * (1024 * 1024 + 1), "text/plain", 413),
    ):
        await bench.post(trigger, body, content_type=kind, expect=status)


async def test_an_address_of_another_kind_or_of_nothing_leads_nowhere(bench):
    workflow = await bench.workflow()
    trigger = await bench.trigger(workflow, UNSIGNED)
    token = trigger["url"].rpartition("/")[2]
    wrong = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    for address in (f"/hooks/{wrong}", "/hooks/x", "/hooks/" + "A" * 43):
        answer = await bench.http.post(address, content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (404, "workflow_hook_not_found")
    assert (await bench.http.get(f"/v1/workflow-forms/{token}")).status_code == 404
    await bench.change(trigger, enabled=False)
    refused = await bench.post(trigger, b"{}", expect=409)
    assert refused["code"] == "workflow_trigger_disabled"
    await bench.call("DELETE", f"/v1/workflow-triggers/{trigger['id']}", expect=204)
    await bench.post(trigger, b"{}", expect=404)


async def test_an_address_takes_so_many_calls_a_minute(bench, monkeypatch):
    monkeypatch.setattr(receiving, "CALLS", Limit("workflow-hook", 2, 60))
    trigger = await bench.trigger(await bench.workflow(), UNSIGNED)
    other = await bench.trigger(await bench.workflow(), UNSIGNED)
    for _ in range(2):
        await bench.post(trigger, b"{}")
    assert (await bench.post(trigger, b"{}", expect=429))["code"] == "rate_limited"
    await bench.post(other, b"{}")


FORM = {
    "kind": "form",
    "title": "Ask us",
    "json_schema": {
        "type": "object",
        "properties": {"question": {"type": "string", "minLength": 3}},
        "required": ["question"],
        "additionalProperties": False,
    },
}


async def test_a_public_form_starts_a_run_for_whoever_fills_it_in_as_it_asks(bench):
    trigger = await bench.trigger(await bench.workflow(), {**FORM, "access": "public"})
    path = "/v1/workflow-forms/" + trigger["url"].rpartition("/")[2]
    shown = (await bench.http.get(path)).json()
    assert (shown["title"], shown["json_schema"]) == ("Ask us", FORM["json_schema"])
    wrong = await bench.http.post(path, json={"data": {"question": "?"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "workflow_form_invalid")
    assert wrong.json()["errors"][0]["pointer"] == "/body/data/question"
    headers = {"Idempotency-Key": trigger["id"]}
    sent = [
        await bench.http.post(path, json={"data": {"question": "Why?"}}, headers=headers)
        for _ in range(2)
    ]
    assert [each.status_code for each in sent] == [202, 202]
    assert sent[0].json() == sent[1].json()
    assert await bench.output(sent[0].json()["run_id"]) == {"question": "Why?"}


async def test_a_form_of_the_workspace_is_for_its_members_alone(bench):
    team = await new_team(bench.http, bench.person)
    owner = Bench(bench.http, _in(team, bench.person))
    trigger = await owner.trigger(await owner.workflow(visibility="private"), FORM)
    path = f"/v1/workflow-triggers/{trigger['id']}/form"
    editor, viewer, stranger = [await new_person(bench.http) for _ in range(3)]
    await team.take_in(bench.person, editor, "editor")
    await team.take_in(bench.person, viewer, "viewer")
    statuses = [
        (await team.call(editor, "POST", path, {"data": {"question": "Why?"}})).status_code,
        (await team.call(viewer, "POST", path, {"data": {"question": "Why?"}})).status_code,
        (await bench.http.get(path, headers=stranger.headers)).status_code,
        (await bench.http.get(path)).status_code,
    ]
    assert statuses == [202, 403, 404, 401]
    # They may fill it in, and see nothing else of it.
    assert (await team.call(editor, "GET", path.removesuffix("/form"))).status_code == 404


def _in(team: Team, person):
    """The person, working in the team's workspace."""
    return replace(person, workspace_id=team.id, headers=team.headers(person))


async def test_what_is_no_address_leads_nowhere(bench):
    for token in ("~" * 43, "A" * 42 + "~", "A" * 43):
        path = f"/hooks/{token}"
        assert (await bench.http.post(path, content=b"{}")).status_code == 404, token
        assert (await bench.http.get(f"/v1/workflow-forms/{token}")).status_code == 404, token
