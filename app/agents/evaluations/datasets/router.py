"""/v1/datasets."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.agents.evaluations.bundle import EvaluationsDep
from app.agents.evaluations.datasets import service, taking
from app.agents.evaluations.datasets.errors import (
    CaseFileMalformed,
    CaseFileTooLarge,
    CaseNotFound,
    DatasetFull,
    DatasetNotFound,
)
from app.agents.evaluations.datasets.models import Dataset, DatasetCase
from app.agents.evaluations.datasets.schemas import (
    MOST_FILE_BYTES,
    CaseFileQuery,
    CasesAdded,
    CasesFromRuns,
    DatasetCaseCreate,
    DatasetCaseQuery,
    DatasetCaseRead,
    DatasetCaseUpdate,
    DatasetCreate,
    DatasetQuery,
    DatasetRead,
    DatasetSnapshotQuery,
    DatasetSnapshotRead,
    DatasetUpdate,
)
from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

Reader = Annotated[Access, require(Permission.EVALUATIONS_READ)]
Writer = Annotated[Access, require(Permission.EVALUATIONS_WRITE)]

router = guarded_router(prefix="/v1/datasets", tag="datasets")

FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            media: {"schema": {}}
            for media in ("application/jsonl", "application/octet-stream", "text/csv")
        },
    }
}


async def read_file(request: Request, _: Writer) -> bytes:
    """The body; raises CaseFileTooLarge."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_FILE_BYTES:
            raise CaseFileTooLarge("A file of cases has at most 8 MiB.")
    return bytes(content)


@router.get(
    "",
    operation_id="datasets_list",
    summary="List datasets, newest first",
    response_model=Page[DatasetRead],
    responses=problems(CursorInvalid),
)
async def list_datasets(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[DatasetQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="datasets_create",
    summary="Make a dataset",
    status_code=201,
    response_model=DatasetRead,
    responses=problems(),
)
async def create_dataset(
    access: Writer, session: Session, new: DatasetCreate, response: Response
) -> Dataset:
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/datasets/{made.id}"
    return made


@router.get(
    "/{dataset_id}",
    operation_id="datasets_get",
    summary="Show a dataset",
    response_model=DatasetRead,
    responses=problems(DatasetNotFound),
)
async def get_dataset(access: Reader, session: Session, dataset_id: UUID) -> Dataset:
    return await service.get(session, access, dataset_id)


@router.patch(
    "/{dataset_id}",
    operation_id="datasets_update",
    summary="Change a dataset's name, description or metadata",
    response_model=DatasetRead,
    responses=problems(DatasetNotFound),
)
async def update_dataset(
    access: Writer, session: Session, dataset_id: UUID, change: DatasetUpdate
) -> Dataset:
    return await service.update(session, access, dataset_id, change)


@router.delete(
    "/{dataset_id}",
    operation_id="datasets_delete",
    summary="Delete a dataset; it can be restored for 30 days",
    status_code=204,
    responses=problems(DatasetNotFound),
)
async def delete_dataset(access: Writer, session: Session, dataset_id: UUID) -> None:
    await service.delete(session, access, dataset_id)


@router.post(
    "/{dataset_id}/restore",
    operation_id="datasets_restore",
    summary="Bring a deleted dataset back",
    response_model=DatasetRead,
    responses=problems(DatasetNotFound, RestoreExpired),
)
async def restore_dataset(access: Writer, session: Session, dataset_id: UUID) -> Dataset:
    return await service.restore(session, access, dataset_id)


@router.get(
    "/{dataset_id}/cases",
    operation_id="dataset_cases_list",
    summary="List a dataset's cases in their order",
    response_model=Page[DatasetCaseRead],
    responses=problems(DatasetNotFound, CursorInvalid),
)
async def list_cases(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    dataset_id: UUID,
    query: Annotated[DatasetCaseQuery, Query()],
) -> object:
    return await service.cases(session, access, dataset_id, query, kernel.cursors)


@router.post(
    "/{dataset_id}/cases",
    operation_id="dataset_cases_create",
    summary="Add a case",
    status_code=201,
    response_model=DatasetCaseRead,
    responses=problems(DatasetNotFound, DatasetFull),
)
async def create_case(
    access: Writer,
    session: Session,
    dataset_id: UUID,
    new: DatasetCaseCreate,
    response: Response,
) -> DatasetCase:
    made = await service.add_case(session, access, dataset_id, new)
    response.headers["Location"] = f"/v1/datasets/{dataset_id}/cases/{made.id}"
    return made


@router.post(
    "/{dataset_id}/cases/import",
    operation_id="dataset_cases_import",
    summary="Add the cases of a file",
    description=(
        "The body is the file, of at most 8 MiB: JSON Lines, a JSON array, or CSV. Each row that "
        "is refused says why; the others are added."
    ),
    status_code=201,
    response_model=CasesAdded,
    responses=problems(DatasetNotFound, DatasetFull, CaseFileTooLarge, CaseFileMalformed),
    openapi_extra=FILE_BODY,
)
async def import_cases(
    access: Writer,
    content: Annotated[bytes, Depends(read_file)],
    session: Session,
    dataset_id: UUID,
    query: Annotated[CaseFileQuery, Query()],
) -> CasesAdded:
    return await taking.take_file(session, access, dataset_id, content, query)


@router.post(
    "/{dataset_id}/cases/from-runs",
    operation_id="dataset_cases_create_from_runs",
    summary="Make cases of past runs of your own",
    description=(
        "What was asked becomes the input, and what was answered a draft of the expected: look "
        "through it. Runs of agents and turns of chats that completed are taken."
    ),
    status_code=201,
    response_model=CasesAdded,
    responses=problems(DatasetNotFound, DatasetFull),
)
async def create_cases_from_runs(
    access: Writer,
    session: Session,
    evaluations: EvaluationsDep,
    dataset_id: UUID,
    asked: CasesFromRuns,
) -> CasesAdded:
    return await taking.take_runs(session, access, dataset_id, evaluations.past, asked)


@router.get(
    "/{dataset_id}/cases/{case_id}",
    operation_id="dataset_cases_get",
    summary="Show a case",
    response_model=DatasetCaseRead,
    responses=problems(DatasetNotFound, CaseNotFound),
)
async def get_case(
    access: Reader, session: Session, dataset_id: UUID, case_id: UUID
) -> DatasetCase:
    return await service.get_case(session, access, dataset_id, case_id)


@router.patch(
    "/{dataset_id}/cases/{case_id}",
    operation_id="dataset_cases_update",
    summary="Change a case; experiments keep it as it was",
    response_model=DatasetCaseRead,
    responses=problems(DatasetNotFound, CaseNotFound),
)
async def update_case(
    access: Writer,
    session: Session,
    dataset_id: UUID,
    case_id: UUID,
    change: DatasetCaseUpdate,
) -> DatasetCase:
    return await service.update_case(session, access, dataset_id, case_id, change)


@router.delete(
    "/{dataset_id}/cases/{case_id}",
    operation_id="dataset_cases_delete",
    summary="Take a case away; experiments keep it",
    status_code=204,
    responses=problems(DatasetNotFound, CaseNotFound),
)
async def delete_case(access: Writer, session: Session, dataset_id: UUID, case_id: UUID) -> None:
    await service.delete_case(session, access, dataset_id, case_id)


@router.get(
    "/{dataset_id}/snapshots",
    operation_id="dataset_snapshots_list",
    summary="List what experiments have pinned of a dataset, newest first",
    response_model=Page[DatasetSnapshotRead],
    responses=problems(DatasetNotFound, CursorInvalid),
)
async def list_snapshots(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    dataset_id: UUID,
    query: Annotated[DatasetSnapshotQuery, Query()],
) -> object:
    return await service.snapshots(session, access, dataset_id, query, kernel.cursors)
