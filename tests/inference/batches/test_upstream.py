"""Batches that the providers' own batch APIs carry out."""

import pytest

from app.core.db import SYSTEM
from app.inference.batches import parts
from app.inference.batches.batching import Batching
from app.inference.batches.parts import Outside
from app.inference.gate.bounds import LONGEST_ANSWER
from app.runs.events.errors import RunLost
from app.runs.runs.models import Run
from tests.inference.batches.test_batches import calls_of, ended, line, make, results
from tests.inference.budgets.test_budgets import make as make_budget
from tests.support.chat import connected
from tests.support.fakes.anthropic_batches import FakeAnthropicBatches
from tests.support.fakes.base import body_of, status
from tests.support.fakes.openai_batches import FakeOpenAIBatches
from tests.support.runs import processes, read, until

# Of gpt-4o in a batch: 1.25 and 5 dollars a million tokens, half of what they cost else.
COST = (120 * 1.25 + 50 * 5) / 1e6


async def test_openai_carries_out_its_lines_at_its_batch_price(talker, kernel, app):
    fake = FakeOpenAIBatches()
    fake.at_once = True
    async with connected(talker, fake):
        batch = await make(
            talker,
            line(1, "openai/gpt-4o"),
            line(2, "demo/chat?tokens=1&delay_ms=0"),
            line(3, "openai/gpt-4o", user="fail"),
        )
        done = await ended(talker, batch)
    assert (done["status"], done["succeeded"], done["failed"]) == ("completed", 2, 1)
    assert len(fake.batches) == 1
    assert not any(request.path.endswith("/chat/completions") for request in fake.requests)
    rows = await results(talker, batch)
    assert [row["custom_id"] for row in rows] == ["line-1", "line-2", "line-3"]
    assert rows[0]["response"]["body"]["choices"][0]["message"]["content"] == "Hello, wörld 🌍"
    assert rows[2]["response"]["status_code"] == 400
    calls = [c for c in await calls_of(kernel, app, batch["run_id"]) if c.provider == "openai"]
    assert sorted(call.status for call in calls) == ["failed", "succeeded"]
    costs = sorted(float(call.cost_usd) for call in calls)
    assert costs == [0.0, pytest.approx(COST, rel=1e-3)]


async def test_anthropic_carries_out_messages(talker, kernel, app):
    fake = FakeAnthropicBatches()
    async with connected(talker, fake):
        lines = [
            line(n, "anthropic/claude-sonnet-4-5", "/v1/messages", max_tokens=n) for n in (1, 2)
        ]
        batch = await make(talker, *lines)
        done = await ended(talker, batch)
    assert (done["succeeded"], done["failed"]) == (1, 1)
    assert len(fake.batches["msgbatch_1"]) == 2
    assert fake.batches["msgbatch_1"][0]["params"]["model"] == "claude-sonnet-4-5"
    (row,) = await results(talker, batch, status="succeeded")
    assert row["response"]["body"]["content"][0]["text"] == "Hello, wörld 🌍"
    calls = await calls_of(kernel, app, batch["run_id"])
    assert sorted(call.status for call in calls) == ["failed", "succeeded"]


async def test_under_a_hard_budget_a_line_without_a_limit_is_handed_over_with_one(talker):
    fake = FakeOpenAIBatches()
    fake.at_once = True
    await make_budget(talker, {"type": "workspace"}, "100")
    async with connected(talker, fake):
        batch = await make(talker, line(1, "openai/gpt-4o"), line(2, "openai/gpt-4o", max_tokens=7))
        assert (await ended(talker, batch))["succeeded"] == 2
    upload = next(sent.body for sent in fake.requests if sent.path.endswith("/files"))
    assert upload.count(b'"max_completion_tokens":%d' % LONGEST_ANSWER) == 1
    assert upload.count(b'"max_tokens":7') == 1


async def test_where_a_batch_is_not_taken_its_lines_are_paced(talker, kernel, app):
    fake = FakeOpenAIBatches()
    fake.will(status(404))
    async with connected(talker, fake):
        batch = await make(talker, line(1, "openai/gpt-4o"))
        done = await ended(talker, batch)
    assert (done["status"], done["succeeded"]) == ("completed", 1)
    calls = await calls_of(kernel, app, batch["run_id"])
    assert sorted(call.status for call in calls) == ["failed", "succeeded"]
    assert min(float(call.cost_usd) for call in calls) == 0.0


async def test_a_cancelled_batch_is_cancelled_upstream(talker):
    fake = FakeOpenAIBatches()
    async with connected(talker, fake):
        batch = await make(talker, line(1, "openai/gpt-4o"))
        await until(lambda: fake.looks > 0)
        await talker.call("POST", f"/v1/batches/{batch['id']}/cancel")
        assert (await ended(talker, batch))["status"] == "cancelled"
        await until(lambda: fake.batches["batch_1"]["status"] == "cancelling")


async def test_after_a_crash_the_next_process_brings_the_same_answers_in_once(talker, kernel, app):
    fake = FakeOpenAIBatches()
    async with connected(talker, fake):
        batch = await make(talker, *(line(n, "openai/gpt-4o") for n in range(5)))
        await until(lambda: fake.looks > 0)
        async with kernel.database.unit(SYSTEM) as session:
            run = await session.get(Run, batch["run_id"])
            run.executor_id = None
        app.state.runs.executor._active[run.id].stop(RunLost())
        inference = app.state.inference
        outside = Outside(inference.transport, inference.directory, inference.prices)
        batching = Batching(kernel.database, inference.calls, outside, 8)
        async with processes(kernel, batching) as (other,):
            await other.runs.recovery.sweep()
            fake.finish()
            await read(other.runs, run)
        done = await ended(talker, batch)
    assert (done["status"], done["succeeded"]) == ("completed", 5)
    assert len(fake.batches) == 1
    calls = await calls_of(kernel, app, batch["run_id"])
    assert [call.status for call in calls] == ["succeeded"] * 5
    assert sum(float(call.cost_usd) for call in calls) == pytest.approx(5 * COST, rel=1e-3)


async def test_a_batch_whose_answer_was_lost_is_found_again_by_its_label(talker, kernel, app):
    """Nothing is handed over twice, however many batches the account has made since."""
    fake = FakeOpenAIBatches()
    fake.loses_answers, fake.at_once = "breaks", True
    async with connected(talker, fake):
        batch = await make(talker, *(line(n, "openai/gpt-4o") for n in range(3)))
        await until(lambda: fake.batches)
        for number in range(150):
            fake.batches[f"theirs_{number}"] = {"id": f"theirs_{number}", "metadata": None}
        done = await ended(talker, batch)
    assert (done["status"], done["succeeded"]) == ("completed", 3)
    assert [name for name in fake.batches if name.startswith("batch_")] == ["batch_1"]
    assert not any(request.path.endswith("/chat/completions") for request in fake.requests)
    calls = await calls_of(kernel, app, batch["run_id"])
    assert [call.status for call in calls] == ["succeeded"] * 3


async def test_where_nothing_is_labelled_a_lost_batch_is_known_by_its_lines(talker, kernel, app):
    fake = FakeAnthropicBatches()
    fake.loses_answers = True
    theirs = {"custom_id": "theirs", "params": {"model": "m", "max_tokens": 9}}
    fake.make([theirs, theirs])
    async with connected(talker, fake):
        lines = [
            line(n, "anthropic/claude-sonnet-4-5", "/v1/messages", max_tokens=9) for n in (1, 2)
        ]
        batch = await make(talker, *lines)
        done = await ended(talker, batch)
    assert (done["status"], done["succeeded"]) == ("completed", 2)
    assert len(fake.batches) == 2
    calls = await calls_of(kernel, app, batch["run_id"])
    assert [call.status for call in calls] == ["succeeded"] * 2


async def test_what_a_provider_never_took_is_asked_by_us_after_a_while(talker, monkeypatch):
    monkeypatch.setattr(parts, "UNSEEN_SECONDS", 0.3)
    fake = FakeOpenAIBatches()
    fake.will(body_of(b'{"id": "file-1"}'), status(500))
    async with connected(talker, fake):
        batch = await make(talker, line(1, "openai/gpt-4o"))
        done = await ended(talker, batch)
    assert (done["status"], done["succeeded"]) == ("completed", 1)
    assert fake.batches == {}
    assert any(request.method == "GET" for request in fake.requests if "batches" in request.path)
