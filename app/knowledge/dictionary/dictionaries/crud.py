"""Dictionaries in Postgres."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.dictionary.errors import DictionarySlugTaken
from app.knowledge.dictionary.models import Dictionary, Entry

_TAKE_TURNS: Final = text("select pg_advisory_xact_lock(hashtextextended(:name, 5))")


async def counts(
    session: AsyncSession, workspace_id: UUID, dictionary_ids: Sequence[UUID]
) -> dict[UUID, dict[str, int]]:
    """How many living entries each has, by their status."""
    statement = (
        select(Entry.dictionary_id, Entry.status, func.count())
        .where(
            Entry.workspace_id == workspace_id,
            Entry.dictionary_id.in_(dictionary_ids),
            Entry.deleted_at.is_(None),
        )
        .group_by(Entry.dictionary_id, Entry.status)
    )
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    for dictionary_id, status, count in await session.execute(statement):
        found[dictionary_id][status] = count
    return found


def expired_entries(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which entries were deleted before then, each rule by an index: alone, or all of them."""
    expired = select(Dictionary.id).where(Dictionary.deleted_at < before)
    return (Entry.deleted_at < before, Entry.dictionary_id.in_(expired))


async def take_turns(session: AsyncSession, workspace_id: UUID) -> None:
    """Let nobody else add to the workspace's dictionaries until this transaction ends."""
    await session.execute(_TAKE_TURNS, {"name": f"dictionaries/{workspace_id}"})


async def living_ids(session: AsyncSession, workspace_id: UUID) -> Sequence[UUID]:
    statement = select(Dictionary.id).where(
        Dictionary.workspace_id == workspace_id, Dictionary.deleted_at.is_(None)
    )
    return (await session.scalars(statement)).all()


@asynccontextmanager
async def slug_of_its_own(session: AsyncSession, dictionary: Dictionary) -> AsyncIterator[None]:
    """Write what is done within, or raise DictionarySlugTaken with nothing done."""
    slug = dictionary.slug
    try:
        async with session.begin_nested():
            yield
            slug = dictionary.slug
            session.add(dictionary)
    except IntegrityError as error:
        raise DictionarySlugTaken(f"The slug {slug!r} is in use; choose another.") from error
