"""Customers in Postgres."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
from app.inference.customers.errors import CustomerExists
from app.inference.customers.models import Customer, CustomerDefaults
from app.inference.customers.schemas import CustomerQuery


def _living(workspace_id: UUID) -> Select[Customer]:
    return select(Customer).where(
        Customer.workspace_id == workspace_id, Customer.deleted_at.is_(None)
    )


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
    wanted = []
    if query.external_id is not None:
        wanted.append(Customer.external_id == query.external_id)
    if query.blocked is not None:
        wanted.append(Customer.blocked == query.blocked)
    if query.q is not None:
        named = (Customer.external_id, Customer.name)
        wanted.append(or_(*(column.icontains(query.q, autoescape=True) for column in named)))
    return await restorable.page(session, Customer, workspace_id, query, cursors, *wanted)


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


@dataclass(frozen=True, slots=True)
class Erased:
    """Ids of the budgets that went with a customer, and of the keys that were for them alone."""

    budgets: Sequence[UUID]
    keys: Sequence[UUID]


async def erase(session: AsyncSession, workspace_id: UUID, customer: Customer) -> Erased:
    """Delete a customer's row and budgets, end their keys, and take their id from what names it."""
    about = {"workspace_id": workspace_id, "customer": customer.external_id}
    budgets = (await session.scalars(_DROP_BUDGETS, about)).all()
    keys = (await session.scalars(_END_KEYS, about)).all()
    await session.execute(_CARRY, {"told": "off"})
    for statement in _FORGET:
        await session.execute(statement, about)
    await session.execute(_CARRY, {"told": "on"})
    await session.delete(customer)
    await session.flush()
    return Erased(budgets, keys)


async def forget_deleted(session: AsyncSession, before: datetime) -> None:
    """Forget those of any workspace that were deleted before a moment; under SYSTEM."""
    await session.execute(delete(Customer).where(Customer.deleted_at < before))


async def defaults(session: AsyncSession, workspace_id: UUID) -> CustomerDefaults | None:
    statement = select(CustomerDefaults).where(CustomerDefaults.workspace_id == workspace_id)
    return (await session.scalars(statement)).one_or_none()


# Text, because budgets and usage stand beside this package.
_DROP_BUDGETS = text(
    "delete from budgets where workspace_id = :workspace_id and subject_type = 'customer' "
    "and subject_id = :customer returning id"
)
_END_KEYS = text(
    "update api_keys set customer = null, revoked_at = coalesce(revoked_at, now()) "
    "where workspace_id = :workspace_id and customer = :customer returning id"
)
# Whether what calls cost is kept, under the customer's id, when the id is taken from them.
_CARRY = text("select set_config('luminous.carry', :told, true)")
_FORGET = (
    text(
        "update model_calls set customer = null "
        "where workspace_id = :workspace_id and customer = :customer"
    ),
    text("delete from budget_carries where workspace_id = :workspace_id and customer = :customer"),
    text("delete from budget_alerts where workspace_id = :workspace_id and customer = :customer"),
    # What runs keep of the key that they were begun with.
    text(
        "update runs set input = jsonb_set(input, '{customer}', 'null') "
        "where workspace_id = :workspace_id and input ->> 'customer' = :customer"
    ),
    text(
        "update runs set input = jsonb_set(input, '{rules,customer}', 'null') "
        "where workspace_id = :workspace_id and input #>> '{rules,customer}' = :customer"
    ),
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
