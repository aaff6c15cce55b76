"""What the routes of a model's help take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.automation.generation.beginning import Beginning
from app.automation.generation.helping import Helping
from app.core.http.guard import Caller, KernelDep
from app.core.http.rails import RailsDep
from app.inference.calls.edge import CallsDep
from app.runs.runs.bundle import RunsDep


def _helping_of(request: Request) -> Helping:
    helping: Helping = request.app.state.automation.helping
    return helping


def _beginning_of(
    access: Caller, kernel: KernelDep, rails: RailsDep, running: RunsDep, calls: CallsDep
) -> Beginning:
    return Beginning(kernel, rails, running, calls, access)


HelpingDep = Annotated[Helping, Depends(_helping_of)]
BeginningDep = Annotated[Beginning, Depends(_beginning_of)]
