"""Which entry a concept of a file means, and which those that it leads to."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.dictionary import texts
from app.knowledge.exchange import crud, entries_crud
from app.knowledge.exchange.concept import Concept
from app.knowledge.exchange.errors import RowRefused
from app.knowledge.exchange.models import DictionaryImport

_WRITTEN: Final = ("pending", "waiting")


async def entry_of(
    session: AsyncSession, access: Access, started: DictionaryImport, concept: Concept
) -> UUID | None:
    """By external id, else by our own id, else by its terms, preferred ones first.

    Raises RowRefused where several have them.
    """
    if concept.external_id is not None:
        known = await entries_crud.by_external_ids(
            session, access.workspace_id, started.dictionary_id, [concept.external_id]
        )
        if known:
            return known[concept.external_id]
    if (own := uuid_of(concept.id)) is not None:
        entry = (await entries_crud.by_ids(session, access.workspace_id, [own])).get(own)
        if entry is not None and entry.dictionary_id == started.dictionary_id:
            return entry.id
    return await _by_terms(session, started, concept)


async def _by_terms(
    session: AsyncSession, started: DictionaryImport, concept: Concept
) -> UUID | None:
    preferred = [each for each in concept.terms if each.status == "preferred"]
    told = [(each.language, texts.fold(each.text)) for each in preferred or concept.terms]
    if not told:
        return None
    found = [
        entry
        for entry in await entries_crud.with_terms(
            session, started, told, preferred=bool(preferred)
        )
        if concept.external_id is None or entry.external_id is None
    ]
    if len(found) > 1:
        found = [e for e in found if e.subject_fields == list(concept.subject_fields)] or found
    if len(found) > 1:
        raise RowRefused(
            f"{len(found)} entries have this term; an id or an external id tells which"
        )
    return found[0].id if found else None


async def targets(
    session: AsyncSession,
    access: Access,
    started: DictionaryImport,
    names: Collection[str],
) -> tuple[Mapping[str, UUID], bool]:
    """The entries that these names mean, and whether some are of rows that are not written yet.

    Raises RowRefused for one that nothing is called by.
    """
    rows = await crud.rows_called(session, started, names) if names else {}
    found = {name: row.entry_id for name, row in rows.items() if row.entry_id is not None}
    later = {name for name, row in rows.items() if row.entry_id is None and row.status in _WRITTEN}
    rest = set(names) - set(found) - later
    found |= await _known(session, access, started, rest) if rest else {}
    unknown = sorted(rest - set(found))
    if unknown and started.unknown_targets == "refuse":
        raise RowRefused(
            f"leads to {unknown[0][:200]!r}, which is neither in the file nor in the dictionary"
        )
    return found, bool(later)


async def _known(
    session: AsyncSession, access: Access, started: DictionaryImport, names: Collection[str]
) -> dict[str, UUID]:
    workspace_id = access.workspace_id
    by_id = {own: name for name in names if (own := uuid_of(name)) is not None}
    living = {
        by_id[entry.id]: entry.id
        for entry in (await entries_crud.by_ids(session, workspace_id, by_id)).values()
        if entry.deleted_at is None
    }
    return {
        **await entries_crud.by_external_ids(session, workspace_id, started.dictionary_id, names),
        **living,
    }


def uuid_of(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
