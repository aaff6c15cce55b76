"""How deep an event is: as deep as the run that tells of it, whoever began that run."""

import asyncio

import pytest
import pytest_asyncio
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.core.causes import HEADER, count_behind, read, runs_behind
from app.core.db import SYSTEM
from app.core.outbound import Outbound
from app.core.outbox import OutboxEvent, emit
from app.runs.runs import service
from tests.conftest import serve
from tests.support.runs import Process, Scripted, ended, new_access, processes, until

DEEP = 3


@pytest_asyncio.fixture(loop_scope="session")
async def access(kernel):
    return await new_access(kernel)


class Telling(Scripted):
    """Tells of its end in the transaction that ends its run."""

    async def settle(self, ctx, session, ending):
        await emit(session, ctx.workspace_id, "thing.done", {}, subject_id=ctx.run_id)
        return await super().settle(ctx, session, ending)


async def begun(kernel, access, executor_id):
    """A run that something begins which so many runs are behind."""
    count_behind(DEEP)
    async with kernel.database.unit(access.scope) as session:
        return await service.create(
            session, access, executor_id=executor_id, kind=Telling.kind, input={}
        )


async def depth_of(kernel, run_id):
    async with kernel.database.unit(SYSTEM) as session:
        told = select(OutboxEvent.depth).where(OutboxEvent.subject_id == run_id)
        return await session.scalar(told)


async def test_what_a_run_begins_is_as_deep(kernel, access):
    """Over two generations: the second is begun by the first in the midst of its work."""
    children = []

    async def script(ctx):
        assert runs_behind() == DEEP
        if children:
            return
        async with kernel.database.unit(access.scope) as session:
            child = await service.create(
                session, access, executor_id=ctx.executor_id, kind=Telling.kind, input={}
            )
        children.append(child)
        ctx.launch(child)

    async with processes(kernel, Telling(script)) as [process]:
        run = await asyncio.create_task(begun(kernel, access, process.runs.executor.id))
        process.runs.executor.launch(run)
        assert (await ended(kernel, process.runs, run)).status == "completed"
        assert (await ended(kernel, process.runs, children[0])).status == "completed"
        depths = [await depth_of(kernel, each.id) for each in (run, children[0])]
    assert (depths, runs_behind()) == ([DEEP, DEEP], 0)


async def test_another_process_knows_it_too(kernel, access):
    go_on = asyncio.Event()

    async def script(_ctx):
        await go_on.wait()

    async with processes(kernel, Telling(script)) as [other]:
        owner = await Process(kernel, Telling(script)).start()
        run = await asyncio.create_task(begun(kernel, access, owner.runs.executor.id))
        owner.runs.executor.launch(run)
        await owner.stop()
        await until(lambda: run.id in other.runs.executor.active)
        go_on.set()
        assert (await ended(kernel, other.runs, run)).attempt == 2
    assert await depth_of(kernel, run.id) == DEEP


async def test_a_run_that_somebody_begins_is_not_deep(kernel, access):
    """Though the process is in the midst of one that is."""

    async def script(_ctx):
        pass

    async with processes(kernel, Telling(script)) as [process]:
        async with kernel.database.unit(access.scope) as session:
            run = await service.create(
                session,
                access,
                executor_id=process.runs.executor.id,
                kind=Telling.kind,
                input={},
            )

        async def launched():
            count_behind(DEEP)
            process.runs.executor.launch(run)

        await asyncio.create_task(launched())
        await ended(kernel, process.runs, run)
    assert await depth_of(kernel, run.id) == 0


async def test_what_is_asked_of_a_service_says_it_and_nobody_else_does():
    async def said(request):
        return Response(",".join(request.headers.getlist(HEADER)))

    running, task, url = await serve(Starlette(routes=[Route("/", said)]))
    way = Outbound(("127.0.0.1",))

    async def asked(runs):
        count_behind(runs)
        return (await way.fetch("GET", url, headers={HEADER.upper(): "0"})).body

    assert [await asyncio.create_task(asked(runs)) for runs in (0, DEEP)] == [b"", b"3"]
    await way.close()
    running.should_exit = True
    await task


@pytest.mark.parametrize(
    ("said", "runs"), [(b"7", 7), (b"99", 99), (b"100", 0), (b"-1", 0), (b"", 0), (b"1.5", 0)]
)
def test_a_request_says_no_more_than_it_can_mean(said, runs):
    assert read(said) == runs
