"""What the routers of memory share."""

from typing import Annotated

from fastapi import Depends, Request

from app.agents.memory.extraction import Starting
from app.agents.memory.recalling import Recalling
from app.core.auth import Access, Permission
from app.core.db import AsyncSession, on_commit
from app.core.http.guard import require
from app.core.kernel import Kernel
from app.knowledge.passages.indexer import JOB
from app.runs.runs.bundle import Runs

Reader = Annotated[Access, require(Permission.MEMORIES_READ)]
Writer = Annotated[Access, require(Permission.MEMORIES_WRITE)]
Deciding = Annotated[Access, require(Permission.WORKSPACES_WRITE)]


def recalling_of(request: Request) -> Recalling:
    recalling: Recalling = request.app.state.agents.recalling
    return recalling


RecallingDep = Annotated[Recalling, Depends(recalling_of)]


def index_after(session: AsyncSession, kernel: Kernel) -> None:
    """Have vectors made, and taken away, as soon as this transaction commits."""
    on_commit(session, lambda: kernel.nudge(JOB))


def starting_of(runs: Runs) -> Starting:
    return Starting(runs.executor.id, runs.executor.launch)
