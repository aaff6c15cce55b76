"""Subscriptions: agents that answer what comes to their mailboxes."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from app.agents.mailbox import crud, finding, rules_crud
from app.agents.mailbox.addresses import parse
from app.agents.mailbox.errors import MailboxSubscriptionNotFound, NotAnAgent
from app.agents.mailbox.models import MailboxSubscription
from app.agents.mailbox.room import Mailroom
from app.agents.mailbox.subscription_schemas import (
    MailboxSubscriptionCreate,
    MailboxSubscriptionQuery,
    MailboxSubscriptionUpdate,
)
from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.api_keys.limits import limits_of
from app.identity.api_keys.rules import restored
from app.identity.workspaces import service as workspaces
from app.inference.calls.remembering import remembered


async def create(
    session: AsyncSession, room: Mailroom, access: Access, new: MailboxSubscriptionCreate
) -> MailboxSubscription:
    """Raises NotAnAgent, MailboxNotFound and MailboxSubscribed."""
    mailbox = await finding.own(session, room.agents, access, new.address)
    address = parse(mailbox.address)
    if address is None or address.kind != "agent" or address.id is None:
        raise NotAnAgent
    subscription = MailboxSubscription(
        id=new_id(),
        workspace_id=access.workspace_id,
        mailbox_id=mailbox.id,
        address=mailbox.address,
        agent_id=address.id,
        user_id=access.user_id,
        caller=_remembered(access),
        **new.model_dump(exclude={"address"}),
    )
    await crud.add_subscription(session, subscription)
    room.bell.ring(session, [mailbox])
    return subscription


async def page(
    session: AsyncSession, access: Access, query: MailboxSubscriptionQuery, cursors: Cursors
) -> Slice[MailboxSubscription]:
    return await rules_crud.subscriptions(session, access.workspace_id, query, cursors)


async def get(
    session: AsyncSession, access: Access, subscription_id: UUID, *, for_update: bool = False
) -> MailboxSubscription:
    """Raises MailboxSubscriptionNotFound."""
    found = await restorable.find(
        session,
        MailboxSubscription,
        access.workspace_id,
        subscription_id,
        for_update=for_update,
    )
    if found is None or found.deleted_at is not None:
        raise MailboxSubscriptionNotFound
    return found


async def update(
    session: AsyncSession,
    room: Mailroom,
    access: Access,
    subscription_id: UUID,
    change: MailboxSubscriptionUpdate,
) -> MailboxSubscription:
    """From then on it answers on behalf of whoever changed it: they answer for what it does."""
    found = await get(session, access, subscription_id, for_update=True)
    await match(session, found)
    for name, value in change.given("python").items():
        setattr(found, name, value)
    found.user_id, found.caller = access.user_id, _remembered(access)
    found.paused_reason = None
    await session.flush()
    await session.refresh(found)
    mailbox = await finding.reachable(session, room.agents, access, found.address)
    room.bell.ring(session, [mailbox] if mailbox else [])
    return found


async def delete(session: AsyncSession, access: Access, subscription_id: UUID) -> None:
    """What it answers now is answered; nothing more."""
    found = await get(session, access, subscription_id, for_update=True)
    await match(session, found)
    found.deleted_at = now()
    await session.flush()


async def restore(
    session: AsyncSession, access: Access, subscription_id: UUID
) -> MailboxSubscription:
    """Raises MailboxSubscriptionNotFound, MailboxSubscribed and RestoreExpired."""
    found = await restorable.find(
        session, MailboxSubscription, access.workspace_id, subscription_id, for_update=True
    )
    if found is None:
        raise MailboxSubscriptionNotFound
    restorable.expect_restorable(found)
    if found.deleted_at is not None:
        found.deleted_at = None
        await crud.add_subscription(session, found)
        await session.refresh(found)
    return found


async def acting(session: AsyncSession, subscription: MailboxSubscription) -> Access:
    """What the subscription's agent may do: what its person and their credential both may now.

    Raises WorkspaceNotFound and MembershipSuspended.
    """
    known = subscription.caller
    bare = Access(
        subscription.workspace_id,
        subscription.user_id,
        frozenset(),
        known["credential"],
        UUID(known["credential_id"]),
        limits=limits_of(known["limits"]),
        rules=restored(known["rules"]),
    )
    place = await workspaces.living(session, bare, subscription.workspace_id)
    held = {right for right in place.permissions if right.value in known["permissions"]}
    return replace(bare, permissions=frozenset(held), role=place.membership.role)


def _remembered(access: Access) -> dict[str, Any]:
    return {**remembered(access), "permissions": sorted(access.permissions)}
