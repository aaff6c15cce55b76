"""/v1/prices."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.inference.integrations.edge import DirectoryDep
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.prices import service, showing
from app.inference.prices.edge import PricesDep
from app.inference.prices.errors import PriceOverrideNotFound, TooManyOverrides
from app.inference.prices.models import BillingSettings, PriceOverride
from app.inference.prices.schemas import (
    EffectivePriceRead,
    PriceOverrideCreate,
    PriceOverrideQuery,
    PriceOverrideRead,
    PriceOverrideUpdate,
    PriceQuery,
    PriceSettingsRead,
    PriceSettingsUpdate,
)

Reader = Annotated[Access, require(Permission.PRICES_READ)]
Writer = Annotated[Access, require(Permission.PRICES_WRITE)]

router = guarded_router(prefix="/v1/prices", tag="prices")


@router.get(
    "",
    operation_id="prices_get",
    summary="Show what a model costs, and where that price comes from",
    responses=problems(ModelUnknown, NoModel),
)
async def get_price(
    access: Reader,
    directory: DirectoryDep,
    book: PricesDep,
    query: Annotated[PriceQuery, Query()],
) -> EffectivePriceRead:
    return await showing.effective(directory, book, access.workspace_id, query)


@router.get(
    "/settings",
    operation_id="price_settings_get",
    summary="Show the currency and the discounts",
    response_model=PriceSettingsRead,
    responses=problems(),
)
async def get_settings(access: Reader, session: Session) -> BillingSettings:
    return await service.settings(session, access)


@router.patch(
    "/settings",
    operation_id="price_settings_update",
    summary="Change the currency or the discounts",
    response_model=PriceSettingsRead,
    responses=problems(),
)
async def update_settings(
    access: Writer, session: Session, book: PricesDep, change: PriceSettingsUpdate
) -> BillingSettings:
    on_commit(session, lambda: book.forget(access.workspace_id))
    return await service.update_settings(session, access, change)


@router.get(
    "/overrides",
    operation_id="price_overrides_list",
    summary="List price overrides, newest first",
    response_model=Page[PriceOverrideRead],
    responses=problems(CursorInvalid),
)
async def list_overrides(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[PriceOverrideQuery, Query()],
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "/overrides",
    operation_id="price_overrides_create",
    summary="Set your own price for models",
    description=(
        "For models that you host yourself, or that you have terms of your own for. Of several "
        "that fit, the one of an integration goes before that of any, a whole name before a "
        "pattern, a longer pattern before a shorter, and a newer one before an older."
    ),
    status_code=201,
    response_model=PriceOverrideRead,
    responses=problems(TooManyOverrides),
)
async def create_override(
    access: Writer, session: Session, book: PricesDep, new: PriceOverrideCreate, response: Response
) -> PriceOverride:
    on_commit(session, lambda: book.forget(access.workspace_id))
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/prices/overrides/{made.id}"
    return made


@router.get(
    "/overrides/{override_id}",
    operation_id="price_overrides_get",
    summary="Show a price override",
    response_model=PriceOverrideRead,
    responses=problems(PriceOverrideNotFound),
)
async def get_override(access: Reader, session: Session, override_id: UUID) -> PriceOverride:
    return await service.get(session, access, override_id)


@router.patch(
    "/overrides/{override_id}",
    operation_id="price_overrides_update",
    summary="Change a price override",
    response_model=PriceOverrideRead,
    responses=problems(PriceOverrideNotFound),
)
async def update_override(
    access: Writer,
    session: Session,
    book: PricesDep,
    override_id: UUID,
    change: PriceOverrideUpdate,
) -> PriceOverride:
    on_commit(session, lambda: book.forget(access.workspace_id))
    return await service.update(session, access, override_id, change)


@router.delete(
    "/overrides/{override_id}",
    operation_id="price_overrides_delete",
    summary="Delete a price override; it can be restored for 30 days",
    status_code=204,
    responses=problems(PriceOverrideNotFound),
)
async def delete_override(
    access: Writer, session: Session, book: PricesDep, override_id: UUID
) -> None:
    on_commit(session, lambda: book.forget(access.workspace_id))
    await service.delete(session, access, override_id)


@router.post(
    "/overrides/{override_id}/restore",
    operation_id="price_overrides_restore",
    summary="Bring a deleted price override back",
    response_model=PriceOverrideRead,
    responses=problems(PriceOverrideNotFound, TooManyOverrides, RestoreExpired),
)
async def restore_override(
    access: Writer, session: Session, book: PricesDep, override_id: UUID
) -> PriceOverride:
    on_commit(session, lambda: book.forget(access.workspace_id))
    return await service.restore(session, access, override_id)
