"""Retention: what is too old goes, by the policy of its own workspace, and nothing else."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import now
from app.core.db import SYSTEM
from app.oversight.privacy.retention.jobs import Retention
from tests.oversight.privacy.conftest import say
from tests.support.identity import new_person, sign_in

PATH = "/v1/privacy/retention"
# The tables of the two classes with nothing due: what batches and comparisons keep ages as runs do.
NOTHING = dict.fromkeys(
    [
        "batches",
        "comparisons",
        "conversations",
        "dictionary_imports",
        "executions",
        "experiments",
        "fine_tuning_jobs",
        "runs",
        "search_evaluations",
        "stored_files",
        "workflow_runs",
    ],
    0,
)


async def make_old(kernel, days, **chats):
    """Move conversations into the past, with their runs."""
    then = now() - timedelta(days=days)
    async with kernel.database.unit(SYSTEM) as session:
        for chat in chats.values():
            await session.execute(
                text("update conversations set last_active_at = :then where id = :id"),
                {"then": then, "id": UUID(chat["conversation_id"])},
            )
            await session.execute(
                text("update runs set ended_at = :then where id = :id"),
                {"then": then, "id": UUID(chat["run_id"])},
            )


async def are_there(client, person, *chats):
    answers = [
        await client.get(f"/v1/conversations/{chat['conversation_id']}", headers=person.headers)
        for chat in chats
    ]
    return [answer.status_code == 200 for answer in answers]


def due(answer):
    return {row["table"]: row["rows"] for row in answer.json()["due"]}


async def test_the_job_deletes_what_is_too_old_and_nothing_else(client, kernel, app, person):
    other = await new_person(client)
    old, young = [await say(client, person.headers, "Hello") for _ in range(2)]
    theirs = await say(client, other.headers, "Hello")
    await make_old(kernel, 40, old=old, theirs=theirs)
    await make_old(kernel, 20, young=young)
    set_ = await client.put(PATH, json={"conversations": 30, "runs": 30}, headers=person.headers)
    assert set_.status_code == 200, set_.text
    assert due(set_) == {**NOTHING, "conversations": 1, "runs": 1}
    await Retention(kernel, app.state.privacy).run()
    assert await are_there(client, person, old, young) == [False, True]
    assert await are_there(client, other, theirs) == [True]
    async with kernel.database.unit(SYSTEM) as session:
        left = await session.scalars(
            text("select count(*) from messages where conversation_id = :id"),
            {"id": UUID(old["conversation_id"])},
        )
        assert left.one() == 0
    shown = await client.get(PATH, headers=person.headers)
    assert due(shown) == NOTHING


async def test_a_policy_that_fails_holds_up_no_other(client, kernel, app, person):
    first = await new_person(client)
    await client.put(PATH, json={"runs": 30}, headers=first.headers)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text("update retention_policies set days = :days where workspace_id = :id"),
            {"days": f'{{"runs": {10**12}}}', "id": UUID(first.workspace_id)},
        )
    old = await say(client, person.headers, "Hello")
    await make_old(kernel, 40, old=old)
    await client.put(PATH, json={"conversations": 30}, headers=person.headers)
    await Retention(kernel, app.state.privacy).run()
    assert await are_there(client, person, old) == [False]


async def test_a_dry_run_tells_what_would_go_and_changes_nothing(client, kernel, app, person):
    old = await say(client, person.headers, "Hello")
    await make_old(kernel, 40, old=old)
    tried = await client.put(
        PATH, params={"dry_run": True}, json={"conversations": 30}, headers=person.headers
    )
    assert due(tried) == {"conversations": 1}
    assert (await client.get(PATH, headers=person.headers)).json()["days"]["conversations"] is None
    await Retention(kernel, app.state.privacy).run()
    assert await are_there(client, person, old) == [True]


async def test_without_a_policy_everything_is_kept(client, person):
    answer = await client.get(PATH, headers=person.headers)
    assert answer.status_code == 200
    assert set(answer.json()["days"].values()) == {None}
    assert (answer.json()["due"], answer.json()["version"]) == ([], 1)


async def test_ended_sessions_follow_the_policy_of_the_personal_workspace(
    client, kernel, app, person
):
    await sign_in(client, person.email)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text(
                "update user_sessions set expires_at = :then where id = "
                "(select id from user_sessions where user_id = :user order by id desc limit 1)"
            ),
            {"then": now() - timedelta(days=10), "user": UUID(person.user_id)},
        )
    set_ = await client.put(PATH, json={"sessions": 7}, headers=person.headers)
    assert due(set_) == {"user_sessions": 1}
    await Retention(kernel, app.state.privacy).run()
    async with kernel.database.unit(SYSTEM) as session:
        left = await session.scalars(
            text("select count(*) from user_sessions where user_id = :user"),
            {"user": UUID(person.user_id)},
        )
        assert left.one() == 1
    assert (await client.get("/v1/me", headers=person.headers)).status_code == 200


async def test_the_trail_is_shortened_by_its_policy_and_stays_provable(client, kernel, app, person):
    await client.patch("/v1/me", json={"name": "Ada"}, headers=person.headers)
    set_ = await client.put(PATH, json={"audit": 400}, headers=person.headers)
    assert due(set_) == {"audit_logs": 0}
    await Retention(kernel, app.state.privacy).run()
    rows = (await client.get("/v1/audit-logs", headers=person.headers)).json()["data"]
    assert rows  # nothing in it is that old


async def test_of_two_who_set_a_policy_the_second_is_told(client, person):
    shown = await client.get(PATH, headers=person.headers)
    headers = {**person.headers, "If-Match": shown.headers["etag"]}
    first = await client.put(PATH, json={"runs": 10}, headers=headers)
    assert (first.status_code, first.json()["version"]) == (200, 2)
    second = await client.put(PATH, json={"runs": 20}, headers=headers)
    assert (second.status_code, second.json()["code"]) == (412, "precondition_failed")


@pytest.mark.parametrize("days", [0, -1, 36_526, "long", 1.5])
async def test_a_time_out_of_bounds_is_refused(client, person, days):
    answer = await client.put(PATH, json={"runs": days}, headers=person.headers)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/body/runs"]


async def test_another_class_is_refused(client, person):
    answer = await client.put(PATH, json={"photos": 3}, headers=person.headers)
    assert answer.status_code == 422


async def test_ended_sign_ins_are_kept_for_a_month_at_most(client):
    person = await new_person(client)
    refused = await client.put(PATH, json={"sessions": 31}, headers=person.headers)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/body/sessions"
