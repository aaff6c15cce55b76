"""A run changes hands while a step is written: whoever takes it up sees all that is ever kept."""

import asyncio

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.automation.engine import crud
from app.automation.engine.keeping import Checkpoints, Hold
from app.automation.engine.models import WorkflowRun
from app.automation.engine.steps import Step
from app.core.clock import now
from app.core.db import SYSTEM
from app.core.ids import new_id
from app.runs.events.errors import RunLost
from app.runs.runs import crud as runs_crud
from tests.support.runs import create_run, new_access

# Nothing else takes up runs of this kind.
KIND = "changes_hands"
WAITING = """
    select count(*) from pg_locks join pg_stat_activity using (pid)
    where not granted and datname = current_database()
"""


@pytest_asyncio.fixture(loop_scope="session")
async def run(kernel):
    """Of a process that is taken for dead."""
    access = await new_access(kernel)
    run = await create_run(kernel, access, f"old-{new_id()}", KIND)
    async with kernel.database.unit(access.scope) as session:
        row = WorkflowRun(
            id=run.id,
            workspace_id=run.workspace_id,
            user_id=run.user_id,
            workflow_slug="a",
            workflow_name="A",
            definition={},
            inputs={},
            interpreter=1,
            trigger="manual",
            priority=5,
        )
        session.add(row)
    return run


def ended(path, position):
    return Step(path, 0, path, "tool", "ok", now(), position)


async def taken_up(session, run):
    claimed = await runs_crud.claim(
        session, "new", kinds=[KIND], dead=[run.executor_id], forgotten=None, limit=1
    )
    return [each.id for each, _ in claimed]


async def test_a_run_is_taken_up_only_once_the_step_that_is_written_stands(kernel, run):
    step = ended("a", 1)
    row = {name: getattr(step, name) for name in Step.__slots__} | {
        "id": new_id(),
        "workspace_id": run.workspace_id,
        "run_id": run.id,
        "run_attempt": run.attempt,
    }
    async with kernel.database.unit(SYSTEM) as writing:
        assert await crud.keep_steps(writing, [row]) == {(run.id, "a", 0)}
        async with kernel.database.unit(SYSTEM) as session:
            assert await taken_up(session, run) == []
    async with kernel.database.unit(SYSTEM) as session:
        assert await taken_up(session, run) == [run.id]
        [kept] = await crud.steps(session, run.workspace_id, run.id)
    assert kept.position == 1


async def test_a_step_that_comes_while_a_run_is_taken_up_is_not_kept(kernel, run):
    checkpoints = Checkpoints(kernel.database)
    hold = Hold(run.workspace_id, run.id, run.attempt)
    async with kernel.database.unit(SYSTEM) as taking:
        assert await taken_up(taking, run) == [run.id]
        keeping = asyncio.create_task(checkpoints.keep(hold, ended("a", 1)))
        async with kernel.database.unit(SYSTEM) as looking:
            async with asyncio.timeout(10):
                while not keeping.done() and not await looking.scalar(text(WAITING)):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert not keeping.done()
    with pytest.raises(RunLost):
        await keeping
    async with kernel.database.unit(SYSTEM) as session:
        assert await crud.steps(session, run.workspace_id, run.id) == []
