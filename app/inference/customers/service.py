"""What a workspace does with its customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.customers import crud
from app.inference.customers.errors import CustomerNotFound, TooManyCustomers
from app.inference.customers.models import Customer, CustomerDefaults
from app.inference.customers.schemas import (
    MOST_CUSTOMERS,
    CustomerCreate,
    CustomerDefaultsUpdate,
    CustomerQuery,
    CustomerUpdate,
)
from app.oversight.audit.erasure import erase_customer


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Whom processes and counters are to forget: a customer's own id, and the ids of their keys."""

    external_id: str
    keys: Sequence[UUID]


async def create(session: AsyncSession, access: Access, new: CustomerCreate) -> Customer:
    """Raises CustomerExists and TooManyCustomers."""
    await _leave_room(session, access.workspace_id)
    told = new.model_dump()
    customer = Customer(
        id=new_id(), workspace_id=access.workspace_id, labels=told.pop("metadata"), **told
    )
    return await crud.add(session, customer)


async def get(session: AsyncSession, access: Access, customer_id: UUID) -> Customer:
    """Raises CustomerNotFound."""
    customer = await restorable.find(session, Customer, access.workspace_id, customer_id)
    if customer is None or customer.deleted_at:
        raise CustomerNotFound
    return customer


async def page(
    session: AsyncSession, access: Access, query: CustomerQuery, cursors: Cursors
) -> Slice[Customer]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession, access: Access, customer_id: UUID, change: CustomerUpdate
) -> Customer:
    customer = await get(session, access, customer_id)
    await match(session, customer)
    _apply(customer, change.given("python"))
    await session.flush()
    await session.refresh(customer)
    return customer


def _apply(row: Customer | CustomerDefaults, told: dict[str, Any]) -> None:
    for name, value in told.items():
        setattr(row, "labels" if name == "metadata" else name, value)


async def delete(session: AsyncSession, access: Access, customer_id: UUID) -> None:
    """Soft: from now on the workspace's defaults hold for them."""
    customer = await get(session, access, customer_id)
    await match(session, customer)
    customer.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, customer_id: UUID) -> Customer:
    """Raises CustomerNotFound, CustomerExists, TooManyCustomers and RestoreExpired."""
    customer = await restorable.find(
        session, Customer, access.workspace_id, customer_id, for_update=True
    )
    if customer is None:
        raise CustomerNotFound
    restorable.expect_restorable(customer)
    if customer.deleted_at:
        await _leave_room(session, access.workspace_id)
        await crud.restore(session, customer)
        await session.refresh(customer)
    return customer


async def erase(session: AsyncSession, access: Access, customer_id: UUID) -> Forgotten:
    """Forget a customer for good, also as the one whom calls were made for; costs stay countable.

    Their budgets go, and keys that are for them alone end. Raises CustomerNotFound.
    """
    customer = await restorable.find(
        session, Customer, access.workspace_id, customer_id, for_update=True
    )
    if customer is None:
        raise CustomerNotFound
    await match(session, customer)
    erased = await crud.erase(session, access.workspace_id, customer)
    for subject_id in (customer.id, *erased.budgets):
        await erase_customer(session, subject_id)
    for key_id in erased.keys:
        note(session, Note("api_key.revoked", "api_key", key_id))
    return Forgotten(customer.external_id, erased.keys)


async def _leave_room(session: AsyncSession, workspace_id: UUID) -> None:
    if await restorable.count_living(session, Customer, workspace_id) >= MOST_CUSTOMERS:
        raise TooManyCustomers(
            f"A workspace lists at most {MOST_CUSTOMERS} customers; give the others defaults."
        )


async def defaults(session: AsyncSession, access: Access) -> CustomerDefaults:
    """What holds for customers who are not listed; made at the first question."""
    found = await crud.defaults(session, access.workspace_id)
    return found or await crud.make_defaults(session, access.workspace_id, new_id())


async def update_defaults(
    session: AsyncSession, access: Access, change: CustomerDefaultsUpdate
) -> CustomerDefaults:
    found = await defaults(session, access)
    await match(session, found)
    told = change.given("python")
    for name in ("requests", "tokens"):
        if name in told and told[name] is None:
            told[name] = []
    _apply(found, told)
    await session.flush()
    await session.refresh(found)
    return found
