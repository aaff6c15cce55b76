"""/v1/customers."""

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
from app.identity.forgetting import forget_on_commit
from app.inference.budgets.counters import drop_counters
from app.inference.customers import service
from app.inference.customers.edge import CustomersDep
from app.inference.customers.errors import CustomerExists, CustomerNotFound, TooManyCustomers
from app.inference.customers.models import Customer, CustomerDefaults
from app.inference.customers.schemas import (
    CustomerCreate,
    CustomerDefaultsRead,
    CustomerDefaultsUpdate,
    CustomerQuery,
    CustomerRead,
    CustomerUpdate,
)

Reader = Annotated[Access, require(Permission.CUSTOMERS_READ)]
Writer = Annotated[Access, require(Permission.CUSTOMERS_WRITE)]

router = guarded_router(prefix="/v1/customers", tag="customers")


@router.get(
    "",
    operation_id="customers_list",
    summary="List customers",
    description="The end users of your own product that have limits of their own, newest first.",
    response_model=Page[CustomerRead],
    responses=problems(CursorInvalid),
)
async def list_customers(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[CustomerQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="customers_create",
    summary="List a customer",
    status_code=201,
    response_model=CustomerRead,
    responses=problems(CustomerExists, TooManyCustomers),
)
async def create_customer(
    access: Writer, session: Session, book: CustomersDep, new: CustomerCreate, response: Response
) -> Customer:
    on_commit(session, lambda: book.forget(access.workspace_id))
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/customers/{made.id}"
    return made


@router.get(
    "/defaults",
    operation_id="customer_defaults_get",
    summary="Show what holds for customers who are not listed",
    response_model=CustomerDefaultsRead,
    responses=problems(),
)
async def get_defaults(access: Reader, session: Session) -> CustomerDefaults:
    return await service.defaults(session, access)


@router.patch(
    "/defaults",
    operation_id="customer_defaults_update",
    summary="Change what holds for customers who are not listed",
    response_model=CustomerDefaultsRead,
    responses=problems(),
)
async def update_defaults(
    access: Writer, session: Session, book: CustomersDep, change: CustomerDefaultsUpdate
) -> CustomerDefaults:
    on_commit(session, lambda: book.forget(access.workspace_id))
    return await service.update_defaults(session, access, change)


@router.get(
    "/{customer_id}",
    operation_id="customers_get",
    summary="Show a customer",
    response_model=CustomerRead,
    responses=problems(CustomerNotFound),
)
async def get_customer(access: Reader, session: Session, customer_id: UUID) -> Customer:
    return await service.get(session, access, customer_id)


@router.patch(
    "/{customer_id}",
    operation_id="customers_update",
    summary="Change a customer's limits, or block one",
    response_model=CustomerRead,
    responses=problems(CustomerNotFound),
)
async def update_customer(
    access: Writer,
    session: Session,
    book: CustomersDep,
    customer_id: UUID,
    change: CustomerUpdate,
) -> Customer:
    on_commit(session, lambda: book.forget(access.workspace_id))
    return await service.update(session, access, customer_id, change)


@router.delete(
    "/{customer_id}",
    operation_id="customers_delete",
    summary="Take a customer from the list; they can be restored for 30 days",
    status_code=204,
    responses=problems(CustomerNotFound),
)
async def delete_customer(
    access: Writer, session: Session, book: CustomersDep, customer_id: UUID
) -> None:
    on_commit(session, lambda: book.forget(access.workspace_id))
    await service.delete(session, access, customer_id)


@router.post(
    "/{customer_id}/restore",
    operation_id="customers_restore",
    summary="Bring a deleted customer back",
    response_model=CustomerRead,
    responses=problems(CustomerNotFound, CustomerExists, TooManyCustomers, RestoreExpired),
)
async def restore_customer(
    access: Writer, session: Session, book: CustomersDep, customer_id: UUID
) -> Customer:
    on_commit(session, lambda: book.forget(access.workspace_id))
    return await service.restore(session, access, customer_id)


@router.post(
    "/{customer_id}/erase",
    operation_id="customers_erase",
    summary="Erase a customer for good",
    description=(
        "The row goes, deleted or not, and the budgets that are about them; API keys that are for "
        "them alone end. Their id is taken from the calls made for them; what those cost stays "
        "countable. Nothing brings it back."
    ),
    status_code=204,
    responses=problems(CustomerNotFound),
)
async def erase_customer(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    book: CustomersDep,
    customer_id: UUID,
) -> None:
    on_commit(session, lambda: book.forget(access.workspace_id))
    gone = await service.erase(session, access, customer_id)
    forget_on_commit(session, kernel, *gone.keys)
    on_commit(session, lambda: drop_counters(kernel, access.workspace_id, gone.external_id))
