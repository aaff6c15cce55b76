"""The HTTP unit of work: one transaction a request, committed before the response leaves."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import SYSTEM
from app.core.http.guard import Caller, KernelDep


async def _workspace_unit(kernel: KernelDep, access: Caller) -> AsyncIterator[AsyncSession]:
    async with kernel.database.unit(access.scope) as session:
        yield session


async def _system_unit(kernel: KernelDep) -> AsyncIterator[AsyncSession]:
    async with kernel.database.unit(SYSTEM) as session:
        yield session


Session = Annotated[AsyncSession, Depends(_workspace_unit, scope="function")]
"""A transaction that sees the caller's workspace and nothing else."""

SystemSession = Annotated[AsyncSession, Depends(_system_unit, scope="function")]
"""A transaction for routes that serve someone who has no workspace yet (sign-in, registration)."""
