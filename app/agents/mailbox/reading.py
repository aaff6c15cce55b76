"""Reading mail: leased, acknowledged, given back; answers waited for; dead letters."""

import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from app.agents.mailbox import crud, finding, queue_crud
from app.agents.mailbox.addresses import of_user, parse
from app.agents.mailbox.errors import (
    LeaseLost,
    MailboxFull,
    MailboxMessageNotFound,
    MailboxNotFound,
    NotDead,
    ReplyPending,
    RequestDead,
)
from app.agents.mailbox.lease_schemas import (
    MOST_REDRIVEN,
    LeaseRequest,
    NackRequest,
    RedriveRequest,
)
from app.agents.mailbox.message_schemas import (
    DeadLetterQuery,
    MailboxMessageQuery,
    MailboxReply,
    MailboxSent,
)
from app.agents.mailbox.models import Mailbox, MailboxMessage
from app.agents.mailbox.room import Mailroom
from app.agents.mailbox.sending import Post, reply
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.paging import Cursors, Slice


async def lease(
    session: AsyncSession, room: Mailroom, access: Access, address: str, wanted: LeaseRequest
) -> Sequence[MailboxMessage]:
    """Raises MailboxNotFound and MailboxNotYours."""
    mailbox = await finding.own(session, room.agents, access, address)
    at = now()
    return await queue_crud.lease(
        session,
        access.workspace_id,
        mailbox,
        most=wanted.max,
        at=at,
        until=at + timedelta(seconds=wanted.lease_seconds),
    )


async def ack(
    session: AsyncSession, room: Mailroom, access: Access, address: str, receipts: Sequence[UUID]
) -> BulkResult:
    """Each receipt on its own; one whose lease is lost leaves the others done."""
    mailbox = await finding.own(session, room.agents, access, address)

    async def act(receipt: UUID) -> UUID:
        return (await acknowledge(session, mailbox, receipt)).id

    done = await each(session, receipts, act)
    # The next message of a pair can be leased now.
    room.bell.ring(session, [mailbox])
    return done


async def nack(
    session: AsyncSession, room: Mailroom, access: Access, address: str, wanted: NackRequest
) -> BulkResult:
    """Give messages back, or make dead letters of them."""
    mailbox = await finding.own(session, room.agents, access, address)

    async def act(receipt: UUID) -> UUID:
        message = await _held(session, mailbox, receipt)
        delay = timedelta(seconds=wanted.delay_seconds)
        return_message(message, mailbox, delay, wanted.error, reject=wanted.reject)
        await session.flush()
        return message.id

    done = await each(session, wanted.receipts, act)
    room.bell.ring(session, [mailbox])
    return done


async def extend(
    session: AsyncSession,
    room: Mailroom,
    access: Access,
    address: str,
    receipts: Sequence[UUID],
    lease_for: timedelta,
) -> BulkResult:
    mailbox = await finding.own(session, room.agents, access, address)

    async def act(receipt: UUID) -> UUID:
        message = await _held(session, mailbox, receipt)
        message.leased_until = now() + lease_for
        await session.flush()
        return message.id

    return await each(session, receipts, act)


async def answer(
    session: AsyncSession,
    room: Mailroom,
    access: Access,
    place: tuple[str, UUID],
    said: MailboxReply,
) -> MailboxSent:
    """Answer the message at `place` (address, id); with a receipt it is acknowledged as well.

    Raises MailboxMessageNotFound, LeaseLost, and what `sending.reply` raises.
    """
    mailbox, message = await find(session, room, access, *place)
    if said.receipt is not None:
        if (await acknowledge(session, mailbox, said.receipt)).id != message.id:
            raise LeaseLost
        room.bell.ring(session, [mailbox])
    sender = of_user(access.user_id) if mailbox.kind == "agent" else mailbox.address
    post = Post(sender, said.content, said.type, priority=said.priority)
    return await reply(session, room, access, message, post)


async def take_reply(
    session: AsyncSession, room: Mailroom, access: Access, address: str, message_id: UUID
) -> MailboxMessage:
    """The answer to a message that this mailbox wanted answered; acknowledged, if nobody has it.

    Whoever awaits an answer gets it, whatever else of that sender still waits. Taken again, it
    is the same. Raises MailboxMessageNotFound, ReplyPending and RequestDead.
    """
    mailbox = await finding.own(session, room.agents, access, address)
    request = await queue_crud.sent(session, access.workspace_id, message_id)
    if request is None or request.reply_to != mailbox.address:
        raise MailboxMessageNotFound
    found = await queue_crud.reply_to(session, access.workspace_id, mailbox.id, message_id)
    if found is None:
        if request.status in ("dead", "dropped"):
            raise RequestDead(f"Why: {request.dead_reason}.")
        raise ReplyPending("Ask again later.", retry_after=1)
    at = now()
    if found.status == "waiting" and (found.leased_until is None or found.leased_until <= at):
        found.status, found.ended_at, found.lease_id = "acked", at, None
        await session.flush()
        room.bell.ring(session, [mailbox])
    return found


async def until_answered(
    room: Mailroom, access: Access, address: str, message_id: UUID, seconds: float
) -> None:
    """Wait until a message is answered or dead, `seconds` at most; holds no session meanwhile."""
    unit, ends = room.kernel.database.unit, time.monotonic() + seconds
    async with unit(access.scope) as session:
        mailbox = await finding.own(session, room.agents, access, address)
    async with room.bell.listening(mailbox.id) as rung:
        while True:
            async with unit(access.scope) as session:
                if not await queue_crud.is_awaited(
                    session, access.workspace_id, mailbox.id, message_id
                ):
                    return
            if not await room.rest(rung, ends):
                return


async def redrive(
    session: AsyncSession, room: Mailroom, access: Access, address: str, wanted: RedriveRequest
) -> int:
    """Let dead letters wait again, behind what their senders have sent since; how many.

    As many as the mailbox takes, where none are named. Raises NotDead where one that is named is
    no dead letter, and MailboxFull.
    """
    seen = await finding.own(session, room.agents, access, address)
    # Whoever sends comes before or after: places in a mailbox are given to one at a time.
    held = await crud.lock(session, access.workspace_id, [seen.id])
    if seen.id not in held:
        raise MailboxNotFound
    mailbox = held[seen.id]
    room_left = mailbox.capacity - await queue_crud.depth(session, access.workspace_id, mailbox.id)
    if room_left < len(set(wanted.ids or ("one",))):
        raise MailboxFull
    most = min(room_left, MOST_REDRIVEN)
    found = await queue_crud.dead(session, access.workspace_id, mailbox.id, wanted.ids, most)
    if wanted.ids is not None and len(found) < len(set(wanted.ids)):
        raise NotDead("Nothing was changed.")
    for message in found:
        await queue_crud.requeue(session, message, mailbox, now())
    room.bell.ring(session, [mailbox])
    return len(found)


async def page(
    session: AsyncSession,
    room: Mailroom,
    access: Access,
    address: str,
    query: MailboxMessageQuery,
    cursors: Cursors,
) -> Slice[MailboxMessage]:
    mailbox = await finding.own(session, room.agents, access, address)
    sender = None
    if query.sender is not None:
        # Of an agent or a member who is gone, messages may still be here.
        named = await finding.canonical(session, room.agents, access, query.sender)
        sender = str(named or parse(query.sender) or "")
    place = access.workspace_id, mailbox.id
    return await queue_crud.page(session, *place, query, cursors, sender=sender)


async def dead(
    session: AsyncSession,
    room: Mailroom,
    access: Access,
    address: str,
    query: DeadLetterQuery,
    cursors: Cursors,
) -> Slice[MailboxMessage]:
    narrowed = MailboxMessageQuery(**query.model_dump(), status="dead")
    return await page(session, room, access, address, narrowed, cursors)


async def find(
    session: AsyncSession, room: Mailroom, access: Access, address: str, message_id: UUID
) -> tuple[Mailbox, MailboxMessage]:
    """Raises MailboxMessageNotFound."""
    mailbox = await finding.own(session, room.agents, access, address)
    found = await queue_crud.get(session, access.workspace_id, mailbox.id, message_id)
    if found is None:
        raise MailboxMessageNotFound
    return mailbox, found


async def acknowledge(session: AsyncSession, mailbox: Mailbox, receipt: UUID) -> MailboxMessage:
    """Note that a message was taken care of; again is no error. Raises LeaseLost."""
    message = await queue_crud.leased(session, mailbox.workspace_id, mailbox.id, receipt)
    if message is None or message.status not in ("waiting", "acked"):
        raise LeaseLost
    if message.status == "waiting":
        message.status, message.ended_at, message.reserved_usd = "acked", now(), None
        await session.flush()
    return message


def return_message(
    message: MailboxMessage,
    mailbox: Mailbox,
    delay: timedelta,
    error: str | None,
    *,
    reject: bool = False,
) -> None:
    """Let a leased message wait again after `delay`, or be dead where it was delivered enough."""
    at = now()
    message.lease_id, message.leased_until = None, None
    message.run_id, message.reserved_usd = None, None
    message.last_error = error
    if reject or message.deliveries >= mailbox.max_deliveries:
        message.status, message.ended_at = "dead", at
        message.dead_reason = "rejected" if reject else "max_deliveries"
    else:
        message.available_at = at + delay


async def _held(session: AsyncSession, mailbox: Mailbox, receipt: UUID) -> MailboxMessage:
    """A message by its current lease; raises LeaseLost."""
    message = await queue_crud.leased(session, mailbox.workspace_id, mailbox.id, receipt)
    if message is None or message.status != "waiting":
        raise LeaseLost
    return message
