"""/v1/dictionary/entries/{entry_id}/revisions, and what differs between two of them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.dictionary.entries import history
from app.knowledge.dictionary.entries.contents import VersionNumber
from app.knowledge.dictionary.entries.queries import RevisionQuery
from app.knowledge.dictionary.entries.reads import EntryDiff, RevisionDetail, RevisionRead
from app.knowledge.dictionary.errors import EntryNotFound, RevisionNotFound
from app.knowledge.dictionary.models import Revision

Reader = Annotated[Access, require(Permission.DICTIONARY_READ)]

router = guarded_router(prefix="/v1/dictionary/entries/{entry_id}", tag="dictionary_entries")


@router.get(
    "/revisions",
    operation_id="dictionary_revisions_list",
    summary="List the versions of an entry, newest first",
    response_model=Page[RevisionRead],
    responses=problems(CursorInvalid, EntryNotFound),
)
async def list_revisions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    entry_id: UUID,
    query: Annotated[RevisionQuery, Query()],
) -> object:
    return await history.page(session, access, entry_id, query, kernel.cursors)


@router.get(
    "/revisions/{version}",
    operation_id="dictionary_revisions_get",
    summary="Show an entry as it was at a version",
    response_model=RevisionDetail,
    responses=problems(EntryNotFound, RevisionNotFound),
)
async def get_revision(
    access: Reader, session: Session, entry_id: UUID, version: VersionNumber
) -> Revision:
    return await history.get(session, access, entry_id, version)


@router.get(
    "/diff",
    operation_id="dictionary_revisions_diff",
    summary="Show what differs between two versions of an entry",
    response_model=EntryDiff,
    responses=problems(EntryNotFound, RevisionNotFound),
)
async def diff_revisions(
    access: Reader,
    session: Session,
    entry_id: UUID,
    first: Annotated[
        VersionNumber | None, Query(alias="from", description="Default: the one before `to`.")
    ] = None,
    then: Annotated[
        VersionNumber | None, Query(alias="to", description="Default: the current version.")
    ] = None,
) -> EntryDiff:
    return await history.diff(session, access, entry_id, first, then)
