"""/v1/dictionary/entries, and how they are spread."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.db import AsyncSession, on_commit
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.dictionary.entries import bulk, review, service
from app.knowledge.dictionary.entries.queries import EntryFilter, EntryQuery
from app.knowledge.dictionary.entries.reads import EntryFacets, EntryRead
from app.knowledge.dictionary.entries.writes import (
    EntryBulk,
    EntryComment,
    EntryCreate,
    EntryDeprecation,
    EntryRejection,
    EntryRevert,
    EntryUpdate,
)
from app.knowledge.dictionary.errors import (
    ApprovalNeeded,
    DictionaryNotFound,
    EntryInvalid,
    EntryNotFound,
    ExternalIdTaken,
    RevisionNotFound,
    TooManyEntries,
    TransitionRefused,
)
from app.knowledge.passages.indexer import JOB

Reader = Annotated[Access, require(Permission.DICTIONARY_READ)]
Writer = Annotated[Access, require(Permission.DICTIONARY_WRITE)]
Approver = Annotated[Access, require(Permission.DICTIONARY_APPROVE)]

router = guarded_router(prefix="/v1/dictionary", tag="dictionary_entries")


async def _indexed(session: Session, kernel: KernelDep) -> AsyncSession:
    """Have what changes here embedded as soon as it is committed."""
    on_commit(session, lambda: kernel.nudge(JOB))
    return session


Indexed = Annotated[AsyncSession, Depends(_indexed)]


@router.get(
    "/facets",
    operation_id="dictionary_entries_facets",
    summary="Count entries by status, subject field, language and dictionary",
    response_model=EntryFacets,
    responses=problems(),
)
async def show_facets(
    access: Reader, session: Session, query: Annotated[EntryFilter, Query()]
) -> EntryFacets:
    return await service.facets(session, access, query)


@router.get(
    "/entries",
    operation_id="dictionary_entries_list",
    summary="List entries, newest first",
    response_model=Page[EntryRead],
    responses=problems(CursorInvalid),
)
async def list_entries(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[EntryQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "/entries",
    operation_id="dictionary_entries_create",
    summary="Add an entry to a dictionary",
    status_code=201,
    response_model=EntryRead,
    responses=problems(
        DictionaryNotFound, EntryInvalid, ExternalIdTaken, TooManyEntries, ApprovalNeeded
    ),
)
async def create_entry(
    access: Writer, session: Indexed, new: EntryCreate, response: Response
) -> EntryRead:
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/dictionary/entries/{made.id}"
    return made


@router.post(
    "/entries/bulk",
    operation_id="dictionary_entries_bulk",
    summary="Create, change, delete, restore or decide on up to 500 entries",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_entries(access: Writer, session: Indexed, request: EntryBulk) -> BulkResult:
    return await bulk.run(session, access, request.items)


@router.get(
    "/entries/{entry_id}",
    operation_id="dictionary_entries_get",
    summary="Show an entry",
    response_model=EntryRead,
    responses=problems(EntryNotFound),
)
async def get_entry(access: Reader, session: Session, entry_id: UUID) -> EntryRead:
    return await service.get(session, access, entry_id)


@router.patch(
    "/entries/{entry_id}",
    operation_id="dictionary_entries_update",
    summary="Change what an entry says",
    response_model=EntryRead,
    responses=problems(EntryNotFound, EntryInvalid, ExternalIdTaken),
)
async def update_entry(
    access: Writer, session: Indexed, entry_id: UUID, change: EntryUpdate
) -> EntryRead:
    return await service.update(session, access, entry_id, change)


@router.delete(
    "/entries/{entry_id}",
    operation_id="dictionary_entries_delete",
    summary="Delete an entry; it can be restored for 30 days",
    status_code=204,
    responses=problems(EntryNotFound),
)
async def delete_entry(access: Writer, session: Indexed, entry_id: UUID) -> None:
    await service.delete(session, access, entry_id)


@router.post(
    "/entries/{entry_id}/restore",
    operation_id="dictionary_entries_restore",
    summary="Bring a deleted entry back",
    response_model=EntryRead,
    responses=problems(EntryNotFound, RestoreExpired, ExternalIdTaken),
)
async def restore_entry(access: Writer, session: Indexed, entry_id: UUID) -> EntryRead:
    return await service.restore(session, access, entry_id)


@router.post(
    "/entries/{entry_id}/propose",
    operation_id="dictionary_entries_propose",
    summary="Propose a draft, or a deprecated entry again, for approval",
    response_model=EntryRead,
    responses=problems(EntryNotFound, TransitionRefused),
)
async def propose_entry(
    access: Writer, session: Indexed, entry_id: UUID, said: EntryComment | None = None
) -> EntryRead:
    comment = said.comment if said else None
    return await review.transition(session, access, entry_id, "propose", comment=comment)


@router.post(
    "/entries/{entry_id}/approve",
    operation_id="dictionary_entries_approve",
    summary="Approve a proposed entry",
    response_model=EntryRead,
    responses=problems(EntryNotFound, TransitionRefused),
)
async def approve_entry(
    access: Approver, session: Indexed, entry_id: UUID, said: EntryComment | None = None
) -> EntryRead:
    comment = said.comment if said else None
    return await review.transition(session, access, entry_id, "approve", comment=comment)


@router.post(
    "/entries/{entry_id}/reject",
    operation_id="dictionary_entries_reject",
    summary="Send a proposed entry back to be worked on",
    response_model=EntryRead,
    responses=problems(EntryNotFound, TransitionRefused),
)
async def reject_entry(
    access: Approver, session: Indexed, entry_id: UUID, said: EntryRejection
) -> EntryRead:
    return await review.transition(session, access, entry_id, "reject", comment=said.comment)


@router.post(
    "/entries/{entry_id}/deprecate",
    operation_id="dictionary_entries_deprecate",
    summary="Put an entry out of use, and name what replaces it",
    response_model=EntryRead,
    responses=problems(EntryNotFound, TransitionRefused, EntryInvalid),
)
async def deprecate_entry(
    access: Writer, session: Indexed, entry_id: UUID, said: EntryDeprecation | None = None
) -> EntryRead:
    said = said or EntryDeprecation()
    return await review.transition(
        session,
        access,
        entry_id,
        "deprecate",
        comment=said.comment,
        replaced_by_id=said.replaced_by_id,
    )


@router.post(
    "/entries/{entry_id}/revert",
    operation_id="dictionary_entries_revert",
    summary="Have an entry say what it said at an earlier version",
    response_model=EntryRead,
    responses=problems(EntryNotFound, RevisionNotFound, EntryInvalid, ExternalIdTaken),
)
async def revert_entry(
    access: Writer, session: Indexed, entry_id: UUID, wanted: EntryRevert
) -> EntryRead:
    return await review.revert(session, access, entry_id, wanted)
