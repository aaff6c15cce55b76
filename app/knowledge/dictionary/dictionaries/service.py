"""What a person does with dictionaries."""

from typing import Final
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.knowledge.dictionary.dictionaries import crud
from app.knowledge.dictionary.dictionaries.schemas import (
    DictionaryCreate,
    DictionaryQuery,
    DictionaryRead,
    DictionaryUpdate,
    EntryCounts,
)
from app.knowledge.dictionary.errors import DictionaryNotFound, TooManyDictionaries
from app.knowledge.dictionary.models import Dictionary

MOST_DICTIONARIES: Final = 200


async def create(session: AsyncSession, access: Access, new: DictionaryCreate) -> DictionaryRead:
    """Raises DictionarySlugTaken and TooManyDictionaries."""
    await _expect_room(session, access.workspace_id)
    dictionary = Dictionary(
        id=new_id(),
        workspace_id=access.workspace_id,
        slug=new.slug,
        name=new.name or new.slug,
        description=new.description or "",
        languages=_distinct(new.languages),
        is_default=new.is_default,
        labels=new.metadata,
    )
    async with crud.slug_of_its_own(session, dictionary):
        session.add(dictionary)
    return shown(dictionary)


async def get(
    session: AsyncSession, access: Access, dictionary_id: UUID, *, counted: bool = False
) -> DictionaryRead:
    """A living one, with counts of its entries where they are wanted; raises DictionaryNotFound."""
    dictionary = await _living(session, access, dictionary_id)
    counts = await crud.counts(session, access.workspace_id, [dictionary_id]) if counted else None
    return shown(dictionary, counts)


async def page(
    session: AsyncSession, access: Access, query: DictionaryQuery, cursors: Cursors
) -> Slice[DictionaryRead]:
    found = await restorable.page(session, Dictionary, access.workspace_id, query, cursors)
    counts = None
    if query.include == "counts":
        ids = [dictionary.id for dictionary in found.data]
        counts = await crud.counts(session, access.workspace_id, ids)
    return found.map(lambda dictionary: shown(dictionary, counts))


async def update(
    session: AsyncSession, access: Access, dictionary_id: UUID, change: DictionaryUpdate
) -> DictionaryRead:
    """Raises DictionaryNotFound, DictionarySlugTaken and PreconditionFailed."""
    dictionary = await _living(session, access, dictionary_id, for_update=True)
    await match(session, dictionary)
    given = change.given()
    if "metadata" in given:
        given["labels"] = given.pop("metadata") or {}
    if "description" in given:
        given["description"] = given["description"] or ""
    if "languages" in given:
        given["languages"] = _distinct(given["languages"])
    async with crud.slug_of_its_own(session, dictionary):
        for name, value in given.items():
            setattr(dictionary, name, value)
    return shown(dictionary)


async def delete(session: AsyncSession, access: Access, dictionary_id: UUID) -> None:
    """Soft: its entries are found no more until `restore` brings it back, for 30 days."""
    dictionary = await _living(session, access, dictionary_id, for_update=True)
    await match(session, dictionary)
    dictionary.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, dictionary_id: UUID) -> DictionaryRead:
    """Bring a deleted one back with its entries; a living one stays as it is.

    Raises DictionaryNotFound, RestoreExpired, DictionarySlugTaken and TooManyDictionaries.
    """
    dictionary = await restorable.find(
        session, Dictionary, access.workspace_id, dictionary_id, for_update=True
    )
    if dictionary is None:
        raise DictionaryNotFound
    await match(session, dictionary)
    restorable.expect_restorable(dictionary)
    if dictionary.deleted_at:
        await _expect_room(session, access.workspace_id)
        async with crud.slug_of_its_own(session, dictionary):
            dictionary.deleted_at = None
    return shown(dictionary)


def shown(
    dictionary: Dictionary, counts: dict[UUID, dict[str, int]] | None = None
) -> DictionaryRead:
    told = {name: getattr(dictionary, name, None) for name in DictionaryRead.model_fields}
    told |= {"labels": dictionary.labels, "counts": None}
    if counts is not None:
        own = counts.get(dictionary.id, {})
        names = ("draft", "proposed", "approved", "deprecated")
        by_status = {name: own.get(name, 0) for name in names}
        told["counts"] = EntryCounts(**by_status, total=sum(own.values()))
    return DictionaryRead.model_validate(told)


async def _living(
    session: AsyncSession, access: Access, dictionary_id: UUID, *, for_update: bool = False
) -> Dictionary:
    found = await restorable.find(
        session, Dictionary, access.workspace_id, dictionary_id, for_update=for_update
    )
    if found is None or found.deleted_at:
        raise DictionaryNotFound
    return found


async def _expect_room(session: AsyncSession, workspace_id: UUID) -> None:
    await crud.take_turns(session, workspace_id)
    if await restorable.count_living(session, Dictionary, workspace_id) >= MOST_DICTIONARIES:
        raise TooManyDictionaries(f"A workspace has at most {MOST_DICTIONARIES} dictionaries.")


def _distinct(languages: list[str]) -> list[str]:
    return list(dict.fromkeys(languages))
