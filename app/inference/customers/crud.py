"""Customers in Postgres."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.customers.errors import CustomerExists
from app.inference.customers.models import Customer, CustomerDefaults
from app.inference.customers.schemas import CustomerQuery


def _living(workspace_id: UUID) -> Select[Customer]:
    return select(Customer).where(
        Customer.workspace_id == workspace_id, Customer.deleted_at.is_(None)
    )


async def get(
    session: AsyncSession, workspace_id: UUID, customer_id: UUID, *, for_update: bool = False
) -> Customer | None:
    """A customer, deleted ones included."""
    statement = select(Customer).where(
        Customer.workspace_id == workspace_id, Customer.id == customer_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def every(session: AsyncSession, workspace_id: UUID) -> Sequence[Customer]:
    return (await session.scalars(_living(workspace_id))).all()


async def count_living(session: AsyncSession, workspace_id: UUID) -> int:
    statement = select(func.count()).where(
        Customer.workspace_id == workspace_id, Customer.deleted_at.is_(None)
    )
    return await session.scalar(statement) or 0


async def stamp(session: AsyncSession, workspace_id: UUID) -> tuple[object, ...]:
    """What is another after any change: rows, their versions, the last change, the defaults'."""
    customers = select(
        func.count(), func.sum(Customer.version), func.max(Customer.updated_at)
    ).where(Customer.workspace_id == workspace_id)
    rows = (await session.execute(customers)).one()
    defaults = select(CustomerDefaults.version).where(CustomerDefaults.workspace_id == workspace_id)
    return (*rows, await session.scalar(defaults))


async def page(
    session: AsyncSession, workspace_id: UUID, query: CustomerQuery, cursors: Cursors
) -> Slice[Customer]:
    deleted = Customer.deleted_at
    statement = select(Customer).where(
        Customer.workspace_id == workspace_id,
        deleted.is_not(None) if query.deleted else deleted.is_(None),
    )
    if query.external_id is not None:
        statement = statement.where(Customer.external_id == query.external_id)
    if query.blocked is not None:
        statement = statement.where(Customer.blocked == query.blocked)
    if query.q is not None:
        statement = statement.where(
            or_(
                Customer.external_id.icontains(query.q, autoescape=True),
                Customer.name.icontains(query.q, autoescape=True),
            )
        )
    keyset = Keyset(Customer.created_at, Customer.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def add(session: AsyncSession, customer: Customer) -> Customer:
    """Raises CustomerExists."""
    async with _id_of_its_own(session, customer.external_id):
        session.add(customer)
    return customer


async def restore(session: AsyncSession, customer: Customer) -> None:
    """Have a deleted one live again; raises CustomerExists."""
    async with _id_of_its_own(session, customer.external_id):
        customer.deleted_at = None


@asynccontextmanager
async def _id_of_its_own(session: AsyncSession, external_id: str) -> AsyncIterator[None]:
    """Write what is done within, or raise CustomerExists with nothing done."""
    try:
        async with session.begin_nested():
            yield
            await session.flush()
    except IntegrityError as error:
        if "uq_customers_external_id" not in str(error.orig):
            raise
        raise CustomerExists(f"`{external_id}` is listed already.") from None


async def erase(session: AsyncSession, workspace_id: UUID, customer: Customer) -> None:
    """Delete a customer's row, and take their id from the calls and alerts that name it."""
    for statement in _FORGET:
        await session.execute(
            statement, {"workspace_id": workspace_id, "customer": customer.external_id}
        )
    await session.delete(customer)
    await session.flush()


async def forget_deleted(session: AsyncSession, before: datetime) -> None:
    """Forget those of any workspace that were deleted before a moment; under SYSTEM."""
    await session.execute(delete(Customer).where(Customer.deleted_at < before))


async def defaults(session: AsyncSession, workspace_id: UUID) -> CustomerDefaults | None:
    statement = select(CustomerDefaults).where(CustomerDefaults.workspace_id == workspace_id)
    return (await session.scalars(statement)).one_or_none()


# Text, because budgets and usage stand beside this package.
_FORGET = (
    text(
        "update model_calls set customer = null "
        "where workspace_id = :workspace_id and customer = :customer"
    ),
    text("delete from budget_alerts where workspace_id = :workspace_id and customer = :customer"),
)
# Two first questions at once make one row.
_MAKE_DEFAULTS = text(
    "insert into customer_defaults (id, workspace_id, blocked, requests, tokens) "
    "values (:id, :workspace_id, false, '[]', '[]') on conflict (workspace_id) do nothing"
)


async def make_defaults(
    session: AsyncSession, workspace_id: UUID, row_id: UUID
) -> CustomerDefaults:
    """A workspace's defaults, made where there are none."""
    await session.execute(_MAKE_DEFAULTS, {"id": row_id, "workspace_id": workspace_id})
    statement = select(CustomerDefaults).where(CustomerDefaults.workspace_id == workspace_id)
    return (await session.scalars(statement)).one()
