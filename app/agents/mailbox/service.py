"""Mailboxes: made, listed, changed."""

from app.agents.mailbox import crud, finding
from app.agents.mailbox.errors import MailboxNotFound, TooManyMailboxes
from app.agents.mailbox.models import Mailbox
from app.agents.mailbox.room import Mailroom
from app.agents.mailbox.schemas import MailboxCreate, MailboxQuery, MailboxUpdate
from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match

MOST_MAILBOXES = 10_000


async def create(
    session: AsyncSession, room: Mailroom, access: Access, new: MailboxCreate
) -> Mailbox:
    """Raises MailboxNotFound, MailboxNotYours, MailboxExists and TooManyMailboxes."""
    address = await finding.canonical(session, room.agents, access, new.address)
    if address is None:
        raise MailboxNotFound("There is no agent or member to make a mailbox for.")
    user_id = address.id if address.kind == "user" else None
    finding.expect_own(access, user_id)
    if await restorable.count_living(session, Mailbox, access.workspace_id) >= MOST_MAILBOXES:
        raise TooManyMailboxes(f"A workspace has at most {MOST_MAILBOXES}; delete some.")
    mailbox = Mailbox(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=user_id,
        kind=address.kind,
        address=str(address),
        **new.model_dump(exclude={"address"}),
    )
    await crud.add(session, mailbox)
    return mailbox


async def page(
    session: AsyncSession, access: Access, query: MailboxQuery, cursors: Cursors
) -> Slice[Mailbox]:
    found = await crud.page(session, access.workspace_id, access.user_id, query, cursors)
    await crud.count_into(session, access.workspace_id, found.data)
    return found


async def show(session: AsyncSession, room: Mailroom, access: Access, address: str) -> Mailbox:
    """One, with its counts; raises MailboxNotFound and MailboxNotYours."""
    found = await _any(session, room, access, address)
    if found.deleted_at is not None:
        raise MailboxNotFound
    await crud.count_into(session, access.workspace_id, [found])
    return found


async def update(
    session: AsyncSession, room: Mailroom, access: Access, address: str, change: MailboxUpdate
) -> Mailbox:
    """What waits already keeps the rank and the time to live that it has."""
    found = await finding.own(session, room.agents, access, address)
    await match(session, found)
    for name, value in change.given().items():
        setattr(found, name, value)
    await session.flush()
    await session.refresh(found)
    await crud.count_into(session, access.workspace_id, [found])
    return found


async def delete(session: AsyncSession, room: Mailroom, access: Access, address: str) -> None:
    """Nothing is sent to it or read from it any more, until it is restored."""
    found = await finding.own(session, room.agents, access, address)
    await match(session, found)
    found.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, room: Mailroom, access: Access, address: str) -> Mailbox:
    """Raises MailboxNotFound, MailboxNotYours and RestoreExpired."""
    found = await _any(session, room, access, address)
    await restorable.bring_back(session, found)
    await crud.count_into(session, access.workspace_id, [found])
    return found


async def _any(session: AsyncSession, room: Mailroom, access: Access, address: str) -> Mailbox:
    """A mailbox that there is, a deleted one included."""
    called = await finding.canonical(session, room.agents, access, address)
    found = called and await crud.find(session, access.workspace_id, str(called))
    if not found:
        raise MailboxNotFound
    finding.expect_own(access, found.user_id)
    return found
