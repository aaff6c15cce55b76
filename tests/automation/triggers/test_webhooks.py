"""Webhooks and forms: what is signed and new starts a run, and nothing else does."""

import asyncio
import hashlib
import hmac
import time
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.automation.engine.models import WorkflowRun
from app.automation.triggers import receiving
from app.automation.triggers.models import WorkflowDelivery, WorkflowTrigger
from app.automation.triggers.telling import query_shown
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


SECRETS = ("token", "access_token", "apiKey", "X-Amz-Signature", "sig", "pass", "code")
SECRETS += ("authorization", "hub.verify_token")
PLAIN = ("page", "keyword", "author", "assignee", "zip_code", "design")
QUERY = {name: f"of-{name}" for name in (*SECRETS, *PLAIN)}
HEADERS = {
    "x-shop": "a",
    "x-api-key": "k",
    "x-shopify-hmac-sha256": "h",
    "x-session-id": "s",
    "authorization": "Bearer x",
    "cookie": "c=1",
    "x-forwarded-for": "192.0.2.1",
}
SEEN = {"query": "{{ event.query }}", "headers": "{{ headers }}"}


@pytest.mark.parametrize("name", [
    *SECRETS, "key", "keys", "X-Api-Key", "APIKey", "apikey", "subscription-key", "x-functions-key",
    "oauth2", "authCode", "x-authenticated-user", "accesstoken", "csrfToken", "client_secret",
    "PHPSESSID", "JSESSIONID", "sessionId", "passwd", "userPassword", "x-hmac-sha256", "id_jwt",
    "signed_request", "webhookSignature", "OTP", "set-cookie", "aws-credentials",
])  # fmt: skip
def test_names_that_sound_like_a_credential(name):
    assert query_shown({name: "x"}, {}) == {}


@pytest.mark.parametrize("name", [
    *PLAIN, "monkey", "sortKey", "sort_key", "PrimaryKey", "x-idempotency-key", "keyboard",
    "turkey", "assigned_to", "designed", "bypass", "compass", "authority", "authored_by",
    "secretary", "tokenizer", "possession", "promo_code", "signal", "passenger", "hotkey",
])  # fmt: skip
def test_names_that_do_not(name):
    assert query_shown({name: "x"}, {}) == {name: "x"}


async def sent(bench, workflow, on):
    """A trigger that was sent all of it, and the run that this begins."""
    trigger = await bench.trigger(workflow, on, inputs=SEEN)
    path = "/hooks/" + trigger["url"].rpartition("/")[2]
    answer = await bench.http.post(path, content=b"{}", params=QUERY, headers=HEADERS)
    assert answer.status_code == 202, answer.text
    return trigger, answer.json()["run_id"]


async def test_what_sounds_like_a_credential_is_seen_only_where_it_is_asked_for(bench):
    workflow = await bench.workflow()
    trigger, run_id = await sent(bench, workflow, UNSIGNED)
    shown = await bench.output(run_id)
    assert shown["query"] == {name: QUERY[name] for name in PLAIN}
    assert set(HEADERS) & set(shown["headers"]) == {"x-shop"}
    assert trigger["on"]["query"] == []
    named = {**UNSIGNED, "query": ["token"], "headers": ["Authorization", "X-Api-Key"]}
    trigger, run_id = await sent(bench, workflow, named)
    shown = await bench.output(run_id)
    assert shown["query"] == {name: QUERY[name] for name in (*PLAIN, "token")}
    assert set(HEADERS) & set(shown["headers"]) == {"x-shop", "x-api-key"}
    assert trigger["on"]["query"] == ["token"]


async def test_a_delivery_does_not_keep_it_either(bench, kernel):
    trigger, _ = await sent(bench, await bench.workflow(enabled=False), UNSIGNED)
    await bench.deliveries(trigger)
    rows = select(WorkflowDelivery.event).where(WorkflowDelivery.trigger_id == UUID(trigger["id"]))
    async with kernel.database.unit(SYSTEM) as session:
        [kept] = await session.scalars(rows)
    assert set(kept["event"]["query"]) == set(PLAIN)


async def test_a_trigger_of_before_names_no_parameter(bench, kernel):
    trigger = await bench.trigger(await bench.workflow(), UNSIGNED)
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(WorkflowTrigger, UUID(trigger["id"]))
        row.settings = {name: each for name, each in row.settings.items() if name != "query"}
    assert (await bench.show(trigger))["on"]["query"] == []
    await bench.post(trigger, b"{}")


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


async def test_a_workflow_that_calls_its_own_address_comes_to_an_end(bench, kernel):
    trigger = await bench.trigger(await bench.workflow(), UNSIGNED)
    deep = await bench.post(trigger, b"{}", x_luminous_runs_behind="8")
    await bench.output(deep["run_id"])
    async with kernel.database.unit(SYSTEM) as session:
        assert (await session.get(WorkflowRun, UUID(deep["run_id"]))).depth == 8
    too_deep = await bench.post(trigger, b"{}", x_luminous_runs_behind="9", expect=409)
    assert too_deep["code"] == "workflow_chain_too_long"
    assert (await bench.deliveries(trigger))[0]["status"] == "refused"


async def test_a_run_that_a_workflow_begins_over_http_is_as_deep(bench):
    workflow = await bench.workflow()
    path, statuses = f"/v1/workflows/{workflow['slug']}/runs", []
    for behind in ("8", "9"):
        headers = {**bench.person.headers, "X-Luminous-Runs-Behind": behind}
        answer = await bench.http.post(path, json={"inputs": {}}, headers=headers)
        statuses.append((answer.status_code, answer.json().get("code")))
    assert statuses == [(200, None), (422, "workflows_too_deep")]


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
