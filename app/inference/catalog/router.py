"""/v1/models."""

from typing import Annotated

from fastapi import Query

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.paging import CursorInvalid, Page
from app.inference.catalog import service
from app.inference.catalog.schemas import ModelQuery, ModelRead
from app.inference.integrations.edge import DirectoryDep
from app.inference.prices.edge import PricesDep

Reader = Annotated[Access, require(Permission.MODELS_READ)]

router = guarded_router(prefix="/v1/models", tag="models")


@router.get(
    "",
    operation_id="models_list",
    summary="List the models of every integration",
    response_model=Page[ModelRead],
    responses=problems(CursorInvalid),
)
async def list_models(
    access: Reader,
    kernel: KernelDep,
    directory: DirectoryDep,
    prices: PricesDep,
    query: Annotated[ModelQuery, Query()],
) -> object:
    pricing = await prices.get(access.workspace_id)
    models = await service.every(directory, access.workspace_id, pricing)
    return service.page(kernel, models, access, query)
