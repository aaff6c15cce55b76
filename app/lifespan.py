"""What is open for as long as the service runs, built out of the rooms."""

import ctypes
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)

from fastapi import FastAPI
from starlette.datastructures import State

from app.automation.temporal.opening import open_driver
from app.core.config import Settings
from app.core.dispatching import Dispatcher
from app.core.jobs import Jobs
from app.core.kernel import Kernel, open_kernel
from app.first_use import Lower, UpperRooms
from app.identity.access import IdentityResolver
from app.identity.first_start import first_workspace
from app.identity.sso.ways import Ways
from app.inference.batches.batching import Batching
from app.inference.batches.parts import Outside
from app.inference.compare.comparing import Comparing
from app.inference.fine_tuning.training import Training
from app.inference.inference import Inference, open_inference
from app.inference.integrations.discovery import sync_environment
from app.inference.providers.transport import Transport
from app.inference.relay.app import RelayApp
from app.knowledge.storage.open import open_files
from app.oversight.audit.writing import keep_trail
from app.recurring import recurring_jobs
from app.runs.runs.bundle import open_runs
from app.runs.runs.lease import open_lease
from app.runs.runs.work import Work


def lifespan_of(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            kernel = await stack.enter_async_context(open_kernel(settings))
            keep_trail(kernel.database)
            app.state.files = files = open_files(settings)
            resolver = await stack.enter_async_context(IdentityResolver(kernel))
            kernel.resolver, app.state.signing_keys = resolver, resolver.signing_keys
            # Closed last: what a process holds is written before another one may take it up.
            lease = await stack.enter_async_context(open_lease(kernel))
            inference = await stack.enter_async_context(open_inference(kernel, lease))
            app.state.kernel, app.state.inference = kernel, inference
            app.state.relay, app.state.ways = RelayApp(kernel, inference), Ways(kernel)
            driver = await open_driver(kernel)
            works = _works(kernel, inference, app.state)
            beneath = await stack.enter_async_context(AsyncExitStack())
            app.state.runs = runs = await stack.enter_async_context(
                open_runs(kernel, works, lease, driver.elsewhere)
            )
            above = await stack.enter_async_context(AsyncExitStack())
            jobs = await stack.enter_async_context(Jobs(kernel.valkey))
            kernel.nudge = jobs.nudge
            app.state.upper = upper = UpperRooms(
                Lower(app.state, kernel, files, inference, driver, runs, jobs, beneath, above)
            )
            stack.push_async_callback(upper.close)
            jobs.take_on(
                (
                    *recurring_jobs(kernel),
                    *Dispatcher(kernel.database, upper.subscribers()).jobs(),
                )
            )
            await upper.begin()
            await _begin_well(kernel, inference.transport)
            yield

    return lifespan


def _works(kernel: Kernel, inference: Inference, state: State) -> tuple[Work, ...]:
    """What the inference room carries out as runs."""
    outside = Outside(inference.transport, inference.directory, inference.prices)
    state.comparing = comparing = Comparing(kernel.database, inference.calls)
    state.training = training = Training(kernel.database, inference.calls, outside)
    at_once = kernel.settings.batch_concurrency
    return (comparing, Batching(kernel.database, inference.calls, outside, at_once), training)


def _spare_the_collector() -> None:
    """Leave what is loaded now out of every later collection: it took a sixth of a turn's CPU.

    The first start of a process leaves no garbage worth a third of a second; one that another
    service ran in before, as in tests, holds all that this one was.
    """
    if gc.get_freeze_count():
        gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    # What the start alone needed goes back to the system; only glibc has the call.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


async def _begin_well(kernel: Kernel, transport: Transport) -> None:
    """What is left to do once everything is open."""
    await _take_up_environment(kernel, transport)
    _spare_the_collector()


async def _take_up_environment(kernel: Kernel, transport: Transport) -> None:
    workspace_id = await first_workspace(kernel)
    if workspace_id is not None:
        await sync_environment(kernel, workspace_id, transport)
