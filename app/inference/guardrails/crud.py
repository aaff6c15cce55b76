"""Guardrails in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.guardrails.models import Guardrail
from app.inference.guardrails.schemas import GuardrailQuery


async def get(
    session: AsyncSession, workspace_id: UUID, guardrail_id: UUID, *, for_update: bool = False
) -> Guardrail | None:
    """A guardrail, deleted ones included."""
    statement = select(Guardrail).where(
        Guardrail.workspace_id == workspace_id, Guardrail.id == guardrail_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def in_force(session: AsyncSession, workspace_id: UUID) -> Sequence[Guardrail]:
    """Those that are on, oldest first."""
    statement = select(Guardrail).where(
        Guardrail.workspace_id == workspace_id,
        Guardrail.deleted_at.is_(None),
        Guardrail.enabled.is_(True),
    )
    return (await session.scalars(statement.order_by(Guardrail.id))).all()


async def page(
    session: AsyncSession, workspace_id: UUID, query: GuardrailQuery, cursors: Cursors
) -> Slice[Guardrail]:
    deleted = Guardrail.deleted_at
    statement = select(Guardrail).where(
        Guardrail.workspace_id == workspace_id,
        deleted.is_not(None) if query.deleted else deleted.is_(None),
    )
    if query.enabled is not None:
        statement = statement.where(Guardrail.enabled.is_(query.enabled))
    keyset = Keyset(Guardrail.created_at, Guardrail.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def add(session: AsyncSession, guardrail: Guardrail) -> Guardrail:
    session.add(guardrail)
    await session.flush()
    return guardrail
