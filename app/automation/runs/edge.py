"""What the routes of workflows' runs take from the running process."""

from contextlib import aclosing
from typing import Annotated

from fastapi import Depends, Request

from app.automation.engine.errors import (
    InputsInvalid,
    WorkflowBusy,
    WorkflowDisabled,
    WorkflowsTooDeep,
)
from app.automation.language.checking import DefinitionUnfit
from app.automation.workflows.errors import (
    WorkflowLabelNotFound,
    WorkflowNotFound,
    WorkflowVersionNotFound,
)
from app.core.auth import Access, Permission
from app.core.http.guard import require
from app.core.kernel import Kernel
from app.inference.calls.calls import Calls
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs
from app.runs.runs.models import Run


def _calls_of(request: Request) -> Calls:
    calls: Calls = request.app.state.inference.calls
    return calls


CallsDep = Annotated[Calls, Depends(_calls_of)]
Reader = Annotated[Access, require(Permission.WORKFLOWS_READ)]
Runner = Annotated[Access, require(Permission.WORKFLOWS_RUN)]
# Why a run is not begun.
FAILURES = (
    WorkflowNotFound, WorkflowVersionNotFound, WorkflowLabelNotFound, WorkflowDisabled,
    WorkflowBusy, WorkflowsTooDeep, DefinitionUnfit, InputsInvalid,
)  # fmt: skip


async def settled(kernel: Kernel, running: Runs, access: Access, run: Run) -> None:
    """Wait until a run of the caller's own has ended, or waits for something."""
    async with aclosing(running.reader.events(run, 0)) as batches:
        async for batch in batches:
            if batch[-1].terminal:
                return
            if batch[-1].type == "run.paused":
                async with kernel.database.unit(access.scope) as session:
                    found = await runs.get(session, access, run.id)
                # It may have been woken meanwhile.
                if found.ended_at is not None or found.status == "paused":
                    return
