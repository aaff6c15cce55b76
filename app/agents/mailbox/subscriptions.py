"""Subscriptions: agents that answer what comes to their mailboxes."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from app.agents.mailbox import crud, finding, rules_crud
from app.agents.mailbox.addresses import parse
from app.agents.mailbox.errors import MailboxKeyEnded, MailboxSubscriptionNotFound, NotAnAgent
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
from app.identity.api_keys import service as api_keys
from app.identity.api_keys.limits import limits_of
from app.identity.api_keys.rules import restored
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.roles import known_permissions
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
    """Those of agents that the caller sees."""
    place = access.workspace_id, access.user_id
    return await rules_crud.subscriptions(session, *place, query, cursors)


async def get(
    session: AsyncSession, access: Access, subscription_id: UUID, *, for_update: bool = False
) -> MailboxSubscription:
    """Raises MailboxSubscriptionNotFound."""
    found = await _any(session, access, subscription_id, for_update=for_update)
    if found.deleted_at is not None:
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
    _take_on(found, access)
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
    """From then on it answers on behalf of whoever restored it.

    Raises MailboxSubscriptionNotFound, MailboxSubscribed and RestoreExpired.
    """
    found = await _any(session, access, subscription_id, for_update=True)
    restorable.expect_restorable(found)
    if found.deleted_at is not None:
        found.deleted_at = None
        _take_on(found, access)
        await crud.add_subscription(session, found)
        await session.refresh(found)
    return found


async def acting(session: AsyncSession, subscription: MailboxSubscription) -> Access:
    """What the subscription's agent may do: what its person and their credential both may now.

    Raises WorkspaceNotFound, MembershipSuspended and MailboxKeyEnded.
    """
    known = subscription.caller
    begun = Access(
        subscription.workspace_id,
        subscription.user_id,
        known_permissions(known["permissions"]),
        known["credential"],
        UUID(known["credential_id"]),
        limits=limits_of(known["limits"]),
        rules=restored(known["rules"]),
    )
    bare = await api_keys.as_it_is(session, begun)
    if bare is None:
        raise MailboxKeyEnded
    place = await workspaces.living(session, bare, subscription.workspace_id)
    held = bare.permissions & place.permissions
    return replace(bare, permissions=held, role=place.membership.role)


async def _any(
    session: AsyncSession, access: Access, subscription_id: UUID, *, for_update: bool
) -> MailboxSubscription:
    """One of an agent that the caller sees, a deleted one included."""
    place = access.workspace_id, access.user_id
    found = await rules_crud.subscription(session, *place, subscription_id, for_update=for_update)
    if found is None:
        raise MailboxSubscriptionNotFound
    return found


def _take_on(subscription: MailboxSubscription, access: Access) -> None:
    subscription.user_id, subscription.caller = access.user_id, _remembered(access)
    subscription.paused_reason = None


def _remembered(access: Access) -> dict[str, Any]:
    return {**remembered(access), "permissions": sorted(access.permissions)}
