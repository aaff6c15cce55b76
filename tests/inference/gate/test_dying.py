"""Whoever dies, and whatever Valkey loses: nothing is lost, doubled or held for ever."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from app.core.auth import Access, KeyRules
from app.core.clock import now
from app.core.db import SYSTEM
from app.core.ids import new_id
from app.core.kernel import connect_valkey
from app.inference.gate.errors import GateAway, TooManyCalls
from app.inference.gate.gate import Settlement
from app.inference.providers.types import Usage
from app.runs.runs.models import Run
from tests.inference.gate.conftest import (
    LOAD,
    RESERVED,
    Counter,
    candidate,
    cost_of_rows,
    counter,
    new_budget,
    process,
    rows,
)
from tests.inference.gate.test_admitting import COST, DONE

# A lost call is settled with its input as estimated.
LOST = 100 * 1_000


def key_access(payer, rules: KeyRules) -> Access:
    return Access(
        payer.workspace_id, payer.user_id, frozenset(), "api_key", payer.api_key_id, rules=rules
    )


async def new_run(kernel, payer, *, ended: bool = False):
    """The id of a run: under way, or over."""
    run = Run(
        id=new_id(), workspace_id=payer.workspace_id, user_id=payer.user_id, kind="test",
        status="completed" if ended else "running", input={}, attempt=1,
        executor_id="nobody:1", started_at=now(), ended_at=now() if ended else None,
    )  # fmt: skip
    async with kernel.database.unit(SYSTEM) as session:
        session.add(run)
    return run.id


@pytest.fixture
def keyed(payer):
    return replace(payer, api_key_id=uuid4())


async def test_of_a_dead_process_everything_is_given_back_once(kernel, keyed):
    budget = await new_budget(kernel, keyed, "1")
    access = key_access(keyed, KeyRules(concurrency=2))
    async with process(kernel) as dead, process(kernel) as alive:
        ended = (await dead.gate.admit(keyed, access, (), [candidate()], LOAD)).call
        await dead.gate.admit(keyed, access, (), [candidate()], LOAD)
        with pytest.raises(TooManyCalls):
            await alive.gate.admit(keyed, access, (), [candidate()], LOAD)
        dead.gate.settle(ended, DONE)
        await dead.outbox.flush()
        await dead.die(kernel)
        assert await counter(kernel, budget) == Counter(COST, RESERVED)
        await alive.drain.catch_up()
        for _ in range(2):
            await alive.gate._lost.sweep()
            await alive.gate.flush()
        assert await counter(kernel, budget) == Counter(COST + LOST, 0)
        assert await kernel.valkey.hlen(f"slots:key:{keyed.api_key_id}") == 0
    found = await rows(kernel, keyed)
    assert sorted(row.status for row in found) == ["interrupted", "succeeded"]
    assert await cost_of_rows(kernel, keyed) == COST + LOST


@pytest.mark.parametrize("stored", [False, True])
async def test_an_answer_that_goes_on_without_its_process_is_paid_as_expected(
    kernel, payer, stored
):
    """Whether or not its row was there already when that became known."""
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel) as dead, process(kernel) as alive:
        call = (await dead.gate.admit(payer, None, (), [candidate()], LOAD)).call
        if stored:
            await dead.gate.flush()
        dead.gate.expect(call, 5000)
        await dead.outbox.flush()
        await dead.die(kernel)
        await alive.drain.catch_up()
        await alive.gate._lost.sweep()
        await alive.gate.flush()
        assert await counter(kernel, budget) == Counter(LOST + 5000 * 2_000, 0)
    (row,) = await rows(kernel, payer)
    assert (row.status, row.output_tokens, row.estimated) == ("interrupted", 5000, True)


def test_what_a_process_holds_hangs_on_one_lease(address, app):
    assert app.state.inference.gate.executor_id == app.state.runs.executor.id


async def test_two_who_sweep_at_once_settle_once(kernel, payer):
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel) as dead, process(kernel) as one, process(kernel) as two:
        for _ in range(20):
            await dead.gate.admit(payer, None, (), [candidate()], LOAD)
        await dead.die(kernel)
        await one.drain.catch_up()
        await asyncio.gather(one.gate._lost.sweep(), two.gate._lost.sweep())
        await asyncio.gather(one.gate.flush(), two.gate.flush())
        assert await counter(kernel, budget) == Counter(20 * LOST, 0)
        assert await cost_of_rows(kernel, payer) == 20 * LOST


async def test_an_end_that_comes_after_the_guess_takes_its_place(kernel, payer):
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel) as slow, process(kernel) as other:
        call = (await slow.gate.admit(payer, None, (), [candidate()], LOAD)).call
        await kernel.valkey.delete(f"executor:{slow.lease.executor_id}")
        await other.drain.catch_up()
        await other.gate._lost.sweep()
        await other.gate.flush()
        assert await counter(kernel, budget) == Counter(LOST, 0)
        slow.gate.settle(call, DONE)
        await slow.gate.flush()
        assert await counter(kernel, budget) == Counter(COST, 0)
    (row,) = await rows(kernel, payer)
    assert (row.status, row.estimated) == ("succeeded", False)
    assert await cost_of_rows(kernel, payer) == COST


async def test_a_run_that_is_taken_over_settles_its_lost_call_with_its_text(kernel, payer):
    budget = await new_budget(kernel, payer, "1")
    payer = replace(payer, run_id=await new_run(kernel, payer))
    async with process(kernel) as dead, process(kernel) as heir:
        await dead.gate.admit(payer, None, (), [candidate()], LOAD)
        await dead.die(kernel)
        await heir.drain.catch_up()
        await heir.gate._lost.sweep()
        await heir.gate.settle_interrupted(payer.workspace_id, payer.run_id, "x" * 400)
        await heir.gate.settle_interrupted(payer.workspace_id, payer.run_id, "x" * 400)
        assert await counter(kernel, budget) == Counter(LOST + 100 * 2_000, 0)
    (row,) = await rows(kernel, payer)
    assert (row.status, row.output_tokens) == ("interrupted", 100)


@pytest.mark.parametrize("left", ["ended", "never_made"])
async def test_a_call_of_a_run_that_nobody_takes_up_is_settled_like_any_other(kernel, payer, left):
    budget = await new_budget(kernel, payer, "1")
    run_id = await new_run(kernel, payer, ended=True) if left == "ended" else new_id()
    async with process(kernel) as dead, process(kernel) as alive:
        await dead.gate.admit(replace(payer, run_id=run_id), None, (), [candidate()], LOAD)
        await dead.die(kernel)
        await alive.drain.catch_up()
        await alive.gate._lost.sweep()
        await alive.gate.flush()
        assert await counter(kernel, budget) == Counter(LOST, 0)
    (row,) = await rows(kernel, payer)
    assert (row.status, row.run_id) == ("interrupted", run_id)


async def test_a_counter_comes_back_from_the_rows_after_valkey_lost_its_data(
    kernel, payer, own_valkey
):
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel, own_valkey.url) as mine, connect_valkey(own_valkey.url) as valkey:

        async def stands() -> Counter:
            return Counter(*map(int, await valkey.hmget(f"budget:{budget.id}:total", "s", "r")))

        calls = [
            (await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call for _ in range(4)
        ]
        mine.gate.settle(calls[0], DONE)
        await mine.gate.flush()
        await valkey.flushall()
        await mine.lease._renew()
        # One ends while nobody knows the counter, one while it is loaded, one after that.
        mine.gate.settle(calls[1], DONE)
        asking = asyncio.create_task(mine.gate.admit(payer, None, (), [candidate()], LOAD))
        await asyncio.sleep(0.003)
        mine.gate.settle(calls[2], DONE)
        late = (await asking).call
        await mine.gate.flush()
        assert await stands() == Counter(3 * COST, 2 * RESERVED)
        mine.gate.settle(calls[3], DONE)
        mine.gate.settle(late, DONE)
        await mine.gate.flush()
        assert await stands() == Counter(5 * COST, 0)
        assert await cost_of_rows(kernel, payer) == 5 * COST


async def test_while_valkey_is_away_only_hard_budgets_refuse(kernel, payer, own_valkey):
    hard = replace(payer, user_id=uuid4())
    budget = await new_budget(kernel, payer, "1", hard=False)
    await new_budget(kernel, payer, "1", subject_type="user", subject_id=str(hard.user_id))
    async with process(kernel, own_valkey.url) as mine, connect_valkey(own_valkey.url) as valkey:
        first = (await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call
        await mine.gate.admit(hard, None, (), [candidate()], LOAD)
        await mine.gate.flush()
        own_valkey.kill()
        with pytest.raises(GateAway):
            await mine.gate.admit(hard, None, (), [candidate()], LOAD)
        more = [
            (await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call for _ in range(5)
        ]
        calls = [first, *more]
        for call in calls[:4]:
            mine.gate.settle(call, DONE)
        assert mine.outbox.backlog >= 9
        own_valkey.start()
        await mine.outbox.flush(20)
        await mine.gate.admit(payer, None, (), [candidate()], LOAD)
        for call in calls[4:]:
            mine.gate.settle(call, DONE)
        await mine.gate.flush()
        settled, reserved = await valkey.hmget(f"budget:{budget.id}:total", "s", "r")
        assert (int(settled), int(reserved)) == (6 * COST, 2 * RESERVED)
    found = [row.status for row in await rows(kernel, payer)]
    assert found.count("succeeded") == 6
    assert found.count("started") == 2


async def test_a_batch_whose_answer_was_lost_is_applied_once(kernel, payer):
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel) as mine:
        calls = [
            (await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call for _ in range(3)
        ]
        script, lost = mine.gate._script, []
        heard, evaluate = script._heard, script._evaluate

        def deaf(answer):
            """On the line first, whose time is then up …"""
            if not lost and any(b'"notes"' in group[0].wire for group in script._asked):
                lost.append("line")
                script._due = 0
                script._look_at_clock()
            else:
                heard(answer)

        async def deaf_client(questions, attached):
            """… and then by the client."""
            answer = await evaluate(questions, attached)
            if b'"notes"' in questions and lost == ["line"]:
                lost.append("client")
                raise TimeoutError
            return answer

        script._line._heard = deaf
        script._evaluate = deaf_client
        for call in calls:
            mine.gate.settle(call, replace(DONE, usage=Usage(100, 40)))
        await mine.gate.flush()
        assert lost == ["line", "client"]
        assert await counter(kernel, budget) == Counter(3 * COST, 0)
    assert await cost_of_rows(kernel, payer) == 3 * COST


async def test_a_failed_call_that_used_nothing_costs_nothing(kernel, payer):
    async with process(kernel) as mine:
        call = (await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call
        mine.gate.settle(call, Settlement("failed"))
        await mine.gate.flush()
    (row,) = await rows(kernel, payer)
    assert (row.status, row.cost_usd, row.input_tokens) == ("failed", 0, 0)
