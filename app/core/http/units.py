"""The HTTP unit of work: one transaction a request, committed before the response leaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import REQUEST, current_request
from app.core.db import SYSTEM, Scope
from app.core.http.guard import Caller, KernelDep
from app.core.http.rails import Rails, RailsDep
from app.core.kernel import Kernel


@asynccontextmanager
async def request_unit(kernel: Kernel, rails: Rails, scope: Scope) -> AsyncIterator[AsyncSession]:
    """The transaction of a request's effect, on its rails and known to the audit trail."""
    async with kernel.database.unit(scope, dry_run=rails.dry_run) as session:
        await _board(session, rails)
        yield session


@asynccontextmanager
async def run_unit(
    kernel: Kernel, rails: Rails, scope: Scope, run_id: UUID
) -> AsyncIterator[AsyncSession]:
    """The transaction of a request that starts a run: a repeated request finds the run again.

    Raises AlreadyStarted.
    """
    async with kernel.database.unit(scope, dry_run=rails.dry_run, late=True) as session:
        await _board(session, rails)
        yield session
        await rails.keep_run(run_id)


async def _board(session: AsyncSession, rails: Rails) -> None:
    session.info[REQUEST] = current_request.get()
    await rails.board(session)


async def _workspace_unit(
    kernel: KernelDep, access: Caller, rails: RailsDep
) -> AsyncIterator[AsyncSession]:
    async with request_unit(kernel, rails, access.scope) as session:
        yield session


async def _system_unit(kernel: KernelDep, rails: RailsDep) -> AsyncIterator[AsyncSession]:
    async with request_unit(kernel, rails, SYSTEM) as session:
        yield session


Session = Annotated[AsyncSession, Depends(_workspace_unit, scope="function")]
"""A transaction that sees the caller's workspace and nothing else."""

SystemSession = Annotated[AsyncSession, Depends(_system_unit, scope="function")]
"""A transaction for routes that serve someone who has no workspace yet (sign-in, registration)."""
