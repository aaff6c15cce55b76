"""/v1/dictionary/suggestions."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.db import on_commit
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.detection.errors import SuggestionDecided, SuggestionNotFound, SuggestionStale
from app.knowledge.detection.suggestions import service
from app.knowledge.detection.suggestions.models import DictionarySuggestion
from app.knowledge.detection.suggestions.schemas import (
    SuggestionAccept,
    SuggestionBulk,
    SuggestionQuery,
    SuggestionRead,
    SuggestionScan,
)
from app.knowledge.dictionary.errors import DictionaryNotFound, EntryInvalid
from app.runs.runs.bundle import RunsDep
from app.runs.runs.models import Run
from app.runs.runs.schemas import RunRead

Reader = Annotated[Access, require(Permission.DICTIONARY_READ)]
Writer = Annotated[Access, require(Permission.DICTIONARY_WRITE)]

router = guarded_router(prefix="/v1/dictionary/suggestions", tag="dictionary_suggestions")


@router.get(
    "",
    operation_id="dictionary_suggestions_list",
    summary="List suggestions about entries, newest first",
    response_model=Page[SuggestionRead],
    responses=problems(CursorInvalid),
)
async def list_suggestions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[SuggestionQuery, Query()],
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "/scan",
    operation_id="dictionary_suggestions_scan",
    summary="Look through a dictionary for subject fields and duplicates to suggest",
    description=(
        "Answers with the run that does it. What was dismissed stays dismissed; what is pending "
        "and not found any more goes. The dictionary's policy says which subject fields are taken "
        "without asking anyone."
    ),
    status_code=202,
    response_model=RunRead,
    responses=problems(DictionaryNotFound),
)
async def scan_dictionary(
    access: Writer, session: Session, running: RunsDep, scan: SuggestionScan, response: Response
) -> Run:
    run = await service.scan(session, access, running.executor.id, scan.dictionary_id)
    on_commit(session, lambda: running.executor.launch(run))
    response.headers["Location"] = f"/v1/runs/{run.id}"
    response.headers["X-Run-Id"] = str(run.id)
    return run


@router.post(
    "/bulk",
    operation_id="dictionary_suggestions_bulk",
    summary="Accept or dismiss up to 500 suggestions",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_suggestions(
    access: Writer, session: Session, kernel: KernelDep, request: SuggestionBulk
) -> BulkResult:
    on_commit(session, lambda: kernel.nudge("passages"))
    return await service.decide_each(session, access, request.items)


@router.get(
    "/{suggestion_id}",
    operation_id="dictionary_suggestions_get",
    summary="Show a suggestion with its evidence",
    response_model=SuggestionRead,
    responses=problems(SuggestionNotFound),
)
async def get_suggestion(
    access: Reader, session: Session, suggestion_id: UUID
) -> DictionarySuggestion:
    return await service.get(session, access, suggestion_id)


@router.post(
    "/{suggestion_id}/accept",
    operation_id="dictionary_suggestions_accept",
    summary="Have the entry say what is suggested",
    description="The entry is changed as by its own update: what a writer changes of an approved "
    "one is proposed again.",
    response_model=SuggestionRead,
    responses=problems(SuggestionNotFound, SuggestionDecided, SuggestionStale, EntryInvalid),
)
async def accept_suggestion(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    suggestion_id: UUID,
    how: SuggestionAccept | None = None,
) -> DictionarySuggestion:
    on_commit(session, lambda: kernel.nudge("passages"))
    resolution = (how or SuggestionAccept()).resolution
    return await service.accept(session, access, suggestion_id, resolution)


@router.post(
    "/{suggestion_id}/dismiss",
    operation_id="dictionary_suggestions_dismiss",
    summary="Have something not suggested again",
    response_model=SuggestionRead,
    responses=problems(SuggestionNotFound, SuggestionDecided),
)
async def dismiss_suggestion(
    access: Writer, session: Session, suggestion_id: UUID
) -> DictionarySuggestion:
    return await service.dismiss(session, access, suggestion_id)
