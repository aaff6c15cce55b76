"""What the routes of agents' runs take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.agents.definitions.errors import (
    AgentLabelNotFound,
    AgentNotFound,
    AgentVersionNotFound,
    CapabilityMismatch,
    InstructionsFailed,
    VariablesInvalid,
)
from app.agents.runtime.errors import AgentsTooDeep
from app.agents.runtime.launching import Launcher
from app.core.auth import Access, Permission
from app.core.http.guard import require
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.runs.events.errors import EventIdInvalid


def _launcher_of(request: Request) -> Launcher:
    launcher: Launcher = request.app.state.agents.launcher
    return launcher


LauncherDep = Annotated[Launcher, Depends(_launcher_of)]


Reader = Annotated[Access, require(Permission.RUNS_READ)]
Runner = Annotated[Access, require(Permission.AGENTS_RUN, Permission.MODELS_INVOKE)]
# Why a run is not begun.
FAILURES = (
    AgentNotFound, AgentVersionNotFound, AgentLabelNotFound, CapabilityMismatch, VariablesInvalid,
    InstructionsFailed, AgentsTooDeep, ModelUnknown, NoModel, NoCandidate, ModelNotAllowed,
    EventIdInvalid,
)  # fmt: skip
