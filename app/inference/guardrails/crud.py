"""Guardrails in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
from app.inference.guardrails.models import Guardrail
from app.inference.guardrails.schemas import GuardrailQuery


async def in_force(session: AsyncSession, workspace_id: UUID) -> Sequence[Guardrail]:
    """Those that are on, oldest first."""
    return await restorable.all_living(
        session, Guardrail, workspace_id, Guardrail.enabled.is_(True)
    )


async def page(
    session: AsyncSession, workspace_id: UUID, query: GuardrailQuery, cursors: Cursors
) -> Slice[Guardrail]:
    wanted = [] if query.enabled is None else [Guardrail.enabled.is_(query.enabled)]
    return await restorable.page(session, Guardrail, workspace_id, query, cursors, *wanted)


async def add(session: AsyncSession, guardrail: Guardrail) -> Guardrail:
    session.add(guardrail)
    await session.flush()
    return guardrail
