"""Batches that are paced by us."""

import asyncio
import json

import pytest
from sqlalchemy import select, text

from app.core.db import SYSTEM
from app.inference.batches import batching
from app.inference.batches.batching import Batching
from app.inference.batches.models import Batch
from app.inference.batches.parts import Outside
from app.inference.usage.models import ModelCall
from app.runs.events.errors import RunLost
from app.runs.runs.models import Run
from tests.support.chat import connected
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import Said, say, status
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import bearer, new_key
from tests.support.locking import waits
from tests.support.runs import processes, read

MESSAGES = [{"role": "user", "content": "Hello"}]
QUICK = "demo/chat?tokens=2&delay_ms=0"


def line(number, model=QUICK, url="/v1/chat/completions", **body):
    body = {"model": model, "messages": MESSAGES, **body}
    return {"custom_id": f"line-{number}", "url": url, "body": body}


async def make(talker, *lines, expected=201, **more):
    answer = await talker.call("POST", "/v1/batches", json={"requests": lines, **more})
    assert answer.status_code == expected, answer.text
    return answer.json()


async def ended(talker, batch):
    async with asyncio.timeout(30):
        while True:
            now = (await talker.call("GET", f"/v1/batches/{batch['id']}")).json()
            if now["ended_at"]:
                return now
            await asyncio.sleep(0.05)


async def results(talker, batch, **query):
    answer = await talker.call("GET", f"/v1/batches/{batch['id']}/results", params=query)
    assert answer.status_code == 200, answer.text
    return [json.loads(row) for row in answer.text.splitlines()]


async def answered(talker, batch, count):
    """Wait until so many lines have an answer."""
    async with asyncio.timeout(20):
        while True:
            if len(await results(talker, batch)) >= count:
                return
            await asyncio.sleep(0.05)


async def calls_of(kernel, app, run_id):
    await app.state.inference.gate.flush()
    async with kernel.database.unit(SYSTEM) as session:
        found = select(ModelCall).where(ModelCall.run_id == run_id)
        return list((await session.scalars(found)).all())


async def test_every_line_is_answered_by_any_provider_and_paid_for(talker, kernel, app):
    async with connected(talker, FakeOpenAI()), connected(talker, FakeAnthropic()):
        batch = await make(
            talker,
            line(1, "openai/gpt-4o"),
            line(2, "anthropic/claude-sonnet-4-5"),
            line(3, "openai/gpt-4o", "/v1/messages", max_tokens=50),
            {
                "custom_id": "line-4",
                "url": "/v1/embeddings",
                "body": {"model": "openai/text-embedding-3-small", "input": "Hello"},
            },
            {
                "custom_id": "line-5",
                "url": "/v1/responses",
                "body": {"model": "anthropic/claude-sonnet-4-5", "input": "Hello"},
            },
            processing="paced",
            metadata={"night": "run"},
        )
        done = await ended(talker, batch)
    assert (done["status"], done["succeeded"], done["failed"]) == ("completed", 5, 0)
    assert done["metadata"] == {"night": "run"}
    rows = await results(talker, batch)
    assert [row["custom_id"] for row in rows] == [f"line-{n}" for n in range(1, 6)]
    bodies = [row["response"]["body"] for row in rows]
    assert bodies[1]["choices"][0]["message"]["content"] == "Hello, wörld 🌍"
    assert bodies[2]["content"][0]["text"] == "Hello, wörld 🌍"
    assert bodies[3]["data"][0]["embedding"] == [0.5, -1.0]
    calls = await calls_of(kernel, app, batch["run_id"])
    assert [call.purpose for call in calls] == ["batch"] * 5
    run = (await talker.call("GET", f"/v1/runs/{batch['run_id']}")).json()
    assert float(run["cost_usd"]) == pytest.approx(float(sum(c.cost_usd for c in calls)))


async def test_a_line_that_fails_tells_it_as_its_operation_would(talker):
    batch = await make(talker, line(1), line(2, "demo/content-filter"))
    done = await ended(talker, batch)
    assert (done["succeeded"], done["failed"]) == (1, 1)
    (failed,) = await results(talker, batch, status="failed")
    assert failed["response"]["status_code"] == 400
    assert failed["response"]["body"]["error"]["code"] == "content_filter"


async def test_a_line_waits_as_long_as_the_provider_asks_and_is_asked_again(talker):
    fake = FakeOpenAI()
    fake.will(*[status(429, headers={"retry-after": "1"})] * 3, say(Said(("At last",))))
    async with connected(talker, fake):
        batch = await make(talker, line(1, "openai/gpt-4o"), processing="paced")
        await ended(talker, batch)
    (row,) = await results(talker, batch)
    assert row["response"]["body"]["choices"][0]["message"]["content"] == "At last"


async def test_a_budget_that_is_used_up_refuses_lines_and_not_the_batch(talker):
    body = {"name": "Tiny", "subject": {"type": "workspace"}, "amount": "0.0000001"}
    made = await talker.call("POST", "/v1/budgets", json={**body, "window": "total"})
    assert made.status_code == 201, made.text
    async with connected(talker, FakeOpenAI()):
        batch = await make(talker, line(1, "openai/gpt-4o"), processing="paced")
        done = await ended(talker, batch)
    assert (done["status"], done["failed"]) == ("completed", 1)
    (row,) = await results(talker, batch)
    assert row["response"]["body"]["error"]["code"] == "budget_exceeded"


async def test_a_cancelled_batch_keeps_what_was_answered(talker):
    lines = [line(n, "demo/chat?tokens=2&delay_ms=100") for n in range(200)]
    batch = await make(talker, *lines)
    await answered(talker, batch, 1)
    cancelled = await talker.call("POST", f"/v1/batches/{batch['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelling")
    done = await ended(talker, batch)
    assert done["status"] == "cancelled"
    assert 0 < done["succeeded"] < 200
    assert len(await results(talker, batch)) == done["succeeded"]


async def test_a_cancel_and_an_end_do_not_wait_for_each_other(talker, kernel):
    """A run that ends holds itself, then its batch."""
    batch = await make(talker, *(line(n, "demo/chat?delay_ms=100") for n in range(200)))
    async with asyncio.timeout(30), kernel.database.unit(SYSTEM) as session:
        await session.execute(select(Run.id).where(Run.id == batch["run_id"]).with_for_update())
        cancelling = asyncio.create_task(talker.call("POST", f"/v1/batches/{batch['id']}/cancel"))
        await waits(kernel, "cancel_requested_at=")
        held = select(Batch.id).where(Batch.id == batch["id"]).with_for_update(nowait=True)
        await session.execute(held)
    assert (await cancelling).json()["status"] == "cancelling"
    assert (await ended(talker, batch))["status"] == "cancelled"


async def test_a_killed_batch_goes_on_at_the_lines_that_have_no_answer(talker, kernel, app):
    lines = [line(n, "demo/chat?tokens=2&delay_ms=40") for n in range(60)]
    batch = await make(talker, *lines)
    await answered(talker, batch, 10)
    async with kernel.database.unit(SYSTEM) as session:
        run = await session.get(Run, batch["run_id"])
        run.executor_id = None
    app.state.runs.executor._active[run.id].stop(RunLost())
    inference = app.state.inference
    outside = Outside(inference.transport, inference.directory, inference.prices)
    async with processes(kernel, Batching(kernel.database, inference.calls, outside, 8)) as (
        other,
    ):
        await other.runs.recovery.sweep()
        events = await read(other.runs, run)
    assert [event.type for event in events].count("run.resumed") == 1
    done = await ended(talker, batch)
    assert (done["status"], done["succeeded"]) == ("completed", 60)
    calls = await calls_of(kernel, app, batch["run_id"])
    assert 60 <= len(calls) <= 60 + 2 * 8
    assert all(call.ended_at for call in calls)


async def test_a_process_that_has_lost_its_batch_unawares_asks_no_further_line(talker, kernel, app):
    lines = [line(n, "demo/chat?tokens=2&delay_ms=60") for n in range(120)]
    batch = await make(talker, *lines)
    await answered(talker, batch, 10)
    async with kernel.database.unit(SYSTEM) as session:
        run = await session.get(Run, batch["run_id"])
        run.executor_id = None
    inference = app.state.inference
    outside = Outside(inference.transport, inference.directory, inference.prices)
    async with processes(kernel, Batching(kernel.database, inference.calls, outside, 8)) as (
        other,
    ):
        await other.runs.recovery.sweep()
        await read(other.runs, run)
    done = await ended(talker, batch)
    assert (done["status"], done["succeeded"]) == ("completed", 120)
    # What was under way when it was taken over was asked twice, and nothing else.
    assert 120 <= len(await calls_of(kernel, app, batch["run_id"])) <= 120 + 8


async def test_a_batch_outlasts_a_postgres_that_drops_its_connections(talker, kernel):
    batch = await make(talker, *(line(n, "demo/chat?tokens=2&delay_ms=40") for n in range(40)))
    drop = text(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and usename = session_user"
        " and pid <> pg_backend_pid()"
    )
    hold = text("select id from batches where id = :batch for update")
    await answered(talker, batch, 1)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(text("set role none"))
        # Whoever has an answer to write down waits for this, in the middle of a transaction.
        await session.execute(hold, {"batch": batch["id"]})
        await asyncio.sleep(0.3)
        await session.execute(drop)
    done = await ended(talker, batch)
    assert (done["status"], done["succeeded"]) == ("completed", 40)


async def test_an_answer_that_postgres_cannot_hold_is_kept_without_what_it_refuses(talker):
    fake = FakeOpenAI()
    fake.will(say(Said(("a\x00b \\u0000",))))
    async with connected(talker, fake):
        batch = await make(talker, line(1, "openai/gpt-4o"), processing="paced")
        done = await ended(talker, batch)
    assert (done["status"], done["succeeded"]) == ("completed", 1)
    (row,) = await results(talker, batch)
    said = row["response"]["body"]["choices"][0]["message"]["content"]
    assert said == "a\ufffdb \\u0000"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line(1), line(1)], "custom_id_repeated"),
        ([line(1, stream=True)], "stream_not_allowed"),
        ([{**line(1), "body": {"messages": MESSAGES}}], "model_missing"),
    ],
)
async def test_what_is_wrong_with_a_line_is_told_before_any_is_asked(talker, lines, code):
    refused = await make(talker, *lines, expected=422)
    assert refused["code"] == "batch_invalid"
    assert refused["errors"][0]["code"] == code


async def test_a_batch_ends_with_the_key_that_made_it(talker, client, monkeypatch):
    monkeypatch.setattr(batching, "WATCH_SECONDS", 0.1)
    key = await new_key(client, talker.person)
    lines = [line(n, "demo/chat?tokens=2&delay_ms=100") for n in range(400)]
    answer = await client.post("/v1/batches", json={"requests": lines}, headers=bearer(key["key"]))
    batch = answer.json()
    await answered(talker, batch, 1)
    assert (await talker.call("DELETE", f"/v1/api-keys/{key['id']}")).status_code == 204
    done = await ended(talker, batch)
    assert done["status"] == "failed"
    assert 0 < done["succeeded"] < 400
    run = (await talker.call("GET", f"/v1/runs/{batch['run_id']}")).json()
    assert run["error"]["code"] == "batch_key_ended"


async def test_a_key_may_only_batch_what_it_may_ask(talker, client):
    key = await new_key(client, talker.person, models=["openai/*"])
    answer = await client.post(
        "/v1/batches", json={"requests": [line(1)]}, headers=bearer(key["key"])
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "model_not_allowed")
