"""Consents in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.oversight.privacy.consents.models import Consent
from app.oversight.privacy.consents.schemas import ConsentQuery


def _current(user_id: UUID) -> Select[UUID]:
    """The ids of a person's last word on each purpose."""
    return (
        select(Consent.id)
        .where(Consent.user_id == user_id)
        .ext(distinct_on(Consent.purpose))
        .order_by(Consent.purpose, Consent.created_at.desc(), Consent.id.desc())
    )


async def page(
    session: AsyncSession, user_id: UUID, query: ConsentQuery, cursors: Cursors
) -> Slice[Consent]:
    """A person's words, newest first."""
    statement = select(Consent).where(Consent.user_id == user_id)
    if query.purpose:
        statement = statement.where(Consent.purpose == query.purpose)
    if query.current:
        statement = statement.where(Consent.id.in_(_current(user_id)))
    return await fetch_page(
        session,
        statement,
        Keyset(Consent.created_at, Consent.id),
        query,
        cursors=cursors,
        workspace_id=user_id,
    )


async def current_among(session: AsyncSession, user_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these are the last word on their purpose."""
    found = await session.scalars(
        select(Consent.id).where(Consent.id.in_(ids), Consent.id.in_(_current(user_id)))
    )
    return set(found)


async def add(session: AsyncSession, consent: Consent) -> Consent:
    session.add(consent)
    await session.flush()
    return consent
