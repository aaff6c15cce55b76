"""What the routes of workflows' runs take from the running process."""

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
from app.inference.calls.calls import Calls


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
