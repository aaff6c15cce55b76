"""Clients who leave: the upstream is closed at once, and what was used is billed."""

import asyncio

from tests.inference.chaos.books import assert_balanced, cost_of
from tests.inference.chaos.faults import WELL
from tests.inference.chaos.leaving import leave_early
from tests.inference.chaos.providers import Script
from tests.inference.chaos.site import LONG
from tests.inference.chaos.tasks import Task
from tests.support.identity import until

# Other tests run beside this one: the least disturbed round says how fast it goes.
ROUNDS = 5
ABORTS = 500
AT_ONCE = 20
AT_ONCE_SECONDS = 0.1
LATEST_SECONDS = 5.0


async def test_streams_whose_clients_leave_are_closed_billed_and_forgotten(stage):
    opened = await stage(Script(weights={"endless": 1.0}), timeouts=LONG)
    await leave_early(opened.address, opened.site.key, Task("first", 50), 1)
    before = len(asyncio.all_tasks())
    turns, rounds = asyncio.Semaphore(AT_ONCE), [[] for _ in range(ROUNDS)]

    async def client(number: int) -> None:
        async with turns:
            task = Task(f"a{number}", 200)
            left = await leave_early(opened.address, opened.site.key, task, 1 + number % 7)
            rounds[number * ROUNDS // ABORTS].append(left)

    for number in range(ROUNDS):
        begun = number * ABORTS // ROUNDS
        await asyncio.gather(*map(client, range(begun, begun + ABORTS // ROUNDS)))
    found = [left for each in rounds for left in each]
    served = {
        each.asked.task.name: each
        for provider in opened.providers.values()
        for each in provider.served
    }

    async def closed() -> bool:
        return all(each.ended for each in served.values())

    await until(closed)
    late = [sorted(served[left.task.name].gone_at - left.at for left in each) for each in rounds]
    assert min(each[len(each) // 2] for each in late) < AT_ONCE_SECONDS, late
    assert max(each[-1] for each in late) < LATEST_SECONDS
    rows = await assert_balanced(opened.books)
    assert {row.status for row in rows} == {"cancelled"}
    assert len(rows) == ABORTS + 1
    assert all(row.estimated and row.input_tokens and cost_of(row) for row in rows)
    assert sum(row.output_tokens for row in rows) >= sum(left.heard for left in found)

    async def gone() -> bool:
        return not any(provider.in_flight for provider in opened.providers.values())

    async def quiet() -> bool:
        return len(asyncio.all_tasks()) <= before + 3

    await until(gone)
    await until(quiet)


async def test_a_provider_that_is_well_again_serves_on_after_many_have_left(stage):
    opened = await stage(Script(weights=WELL), timeouts=LONG)
    for number in range(20):
        await leave_early(opened.address, opened.site.key, Task(f"b{number}", 60), 3)
    standing = await opened.gate.standing(
        opened.site.workspace_id, list(opened.site.deployments.values())
    )
    assert {each.state for each in standing.values()} == {"closed"}
