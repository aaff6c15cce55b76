"""/v1/dictionaries."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.dictionary.dictionaries import service
from app.knowledge.dictionary.dictionaries.schemas import (
    DictionaryCreate,
    DictionaryQuery,
    DictionaryRead,
    DictionaryUpdate,
)
from app.knowledge.dictionary.errors import (
    DictionaryNotFound,
    DictionarySlugTaken,
    TooManyDictionaries,
)

Reader = Annotated[Access, require(Permission.DICTIONARY_READ)]
Writer = Annotated[Access, require(Permission.DICTIONARY_WRITE)]

router = guarded_router(prefix="/v1/dictionaries", tag="dictionaries")


@router.get(
    "",
    operation_id="dictionaries_list",
    summary="List dictionaries, newest first",
    response_model=Page[DictionaryRead],
    responses=problems(CursorInvalid),
)
async def list_dictionaries(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[DictionaryQuery, Query()],
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="dictionaries_create",
    summary="Start a dictionary",
    status_code=201,
    response_model=DictionaryRead,
    responses=problems(DictionarySlugTaken, TooManyDictionaries),
)
async def create_dictionary(
    access: Writer, session: Session, new: DictionaryCreate, response: Response
) -> DictionaryRead:
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/dictionaries/{made.id}"
    return made


@router.get(
    "/{dictionary_id}",
    operation_id="dictionaries_get",
    summary="Show a dictionary",
    response_model=DictionaryRead,
    responses=problems(DictionaryNotFound),
)
async def get_dictionary(
    access: Reader,
    session: Session,
    dictionary_id: UUID,
    include: Annotated[
        Literal["counts"] | None, Query(description="`counts`: count its entries by status.")
    ] = None,
) -> DictionaryRead:
    return await service.get(session, access, dictionary_id, counted=include is not None)


@router.patch(
    "/{dictionary_id}",
    operation_id="dictionaries_update",
    summary="Change a dictionary",
    response_model=DictionaryRead,
    responses=problems(DictionaryNotFound, DictionarySlugTaken),
)
async def update_dictionary(
    access: Writer, session: Session, dictionary_id: UUID, change: DictionaryUpdate
) -> DictionaryRead:
    return await service.update(session, access, dictionary_id, change)


@router.delete(
    "/{dictionary_id}",
    operation_id="dictionaries_delete",
    summary="Delete a dictionary with its entries; it can be restored for 30 days",
    status_code=204,
    responses=problems(DictionaryNotFound),
)
async def delete_dictionary(access: Writer, session: Session, dictionary_id: UUID) -> None:
    await service.delete(session, access, dictionary_id)


@router.post(
    "/{dictionary_id}/restore",
    operation_id="dictionaries_restore",
    summary="Bring a deleted dictionary back with its entries",
    response_model=DictionaryRead,
    responses=problems(
        DictionaryNotFound, RestoreExpired, DictionarySlugTaken, TooManyDictionaries
    ),
)
async def restore_dictionary(
    access: Writer, session: Session, dictionary_id: UUID
) -> DictionaryRead:
    return await service.restore(session, access, dictionary_id)
