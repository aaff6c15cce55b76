"""Sending: to one mailbox, to a group, and back as an answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.agents.mailbox import crud, finding, queue_crud
from app.agents.mailbox.addresses import TAG, of_user, parse
from app.agents.mailbox.errors import (
    HopLimitReached,
    MailboxFull,
    MailboxNotFound,
    NoRecipients,
    NoReplyWanted,
    ReplyAddressUnknown,
    SenderUnknown,
)
from app.agents.mailbox.message_schemas import MailboxDelivery, MailboxLetter, MailboxSent
from app.agents.mailbox.models import Mailbox, MailboxMessage, MailboxRule
from app.agents.mailbox.room import Mailroom
from app.agents.mailbox.routing import MOST_HOPS, Envelope, Landed, land
from app.core.auth import Access
from app.core.causes import runs_behind
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.json_limits import storable

DEDUP_WINDOW: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Post:
    """A message before it is in a mailbox; `sender` and `reply_to` are canonical addresses."""

    sender: str
    content: Any
    type: str = "message"
    tags: tuple[str, ...] = ()
    priority: int = 0
    delay: timedelta = timedelta()
    ttl: timedelta | None = None
    deadline: datetime | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    dedup_id: str | None = None
    in_reply_to_id: UUID | None = None
    hops: int = 0
    at: datetime = field(default_factory=now)


async def post_of(
    session: AsyncSession, room: Mailroom, access: Access, letter: MailboxLetter
) -> Post:
    """What a request wants sent; raises SenderUnknown and ReplyAddressUnknown."""
    sender = await _sender(session, room, access, letter.sender)
    reply_to = letter.reply_to
    if reply_to is not None:
        found = await finding.reachable(session, room.agents, access, reply_to)
        if found is None:
            raise ReplyAddressUnknown
        reply_to = found.address
    return Post(
        sender=sender,
        content=letter.content,
        type=letter.type,
        tags=tuple(letter.tags),
        priority=letter.priority,
        delay=timedelta(seconds=letter.delay_seconds),
        ttl=None if letter.ttl_seconds is None else timedelta(seconds=letter.ttl_seconds),
        deadline=letter.deadline,
        correlation_id=letter.correlation_id or (str(new_id()) if reply_to else None),
        reply_to=reply_to,
        dedup_id=letter.dedup_id,
    )


async def send(
    session: AsyncSession, room: Mailroom, access: Access, post: Post, to: str
) -> MailboxSent:
    """To one mailbox, and from there to where rules lead.

    Raises MailboxNotFound, MailboxFull, GroupTooLarge and HopLimitReached.
    """
    mailbox = await finding.reachable(session, room.agents, access, to)
    if mailbox is None:
        raise MailboxNotFound
    return await _put(session, room, access, post, mailbox)


async def broadcast(
    session: AsyncSession, room: Mailroom, access: Access, post: Post, tag: str
) -> MailboxSent:
    """To each mailbox of a group but the sender's own; a full one refuses its copy.

    Raises NoRecipients, GroupTooLarge and HopLimitReached.
    """
    group = await finding.group(session, access, tag)
    others = [each for each in group if each.address != post.sender]
    if not others:
        raise NoRecipients
    return await _deliver(session, room, access, post, f"{TAG}:{tag}", others)


async def reply(
    session: AsyncSession,
    room: Mailroom,
    access: Access,
    to: MailboxMessage,
    post: Post,
) -> MailboxSent:
    """Answer a message, once: a second answer, whoever gives it, is taken for the first.

    Whoever asked may name an agent that is theirs alone. Raises NoReplyWanted, and what `send`
    raises.
    """
    if to.reply_to is None:
        raise NoReplyWanted
    mailbox = await finding.living(session, access, to.reply_to)
    if mailbox is None:
        raise MailboxNotFound("The mailbox that the answer is wanted in is gone.")
    answer = replace(
        post,
        correlation_id=to.correlation_id,
        in_reply_to_id=to.id,
        hops=to.hops + 1,
    )
    return await _put(session, room, access, answer, mailbox)


async def _put(
    session: AsyncSession, room: Mailroom, access: Access, post: Post, mailbox: Mailbox
) -> MailboxSent:
    """Into one mailbox, or where rules lead; raises MailboxFull."""
    sent = await _deliver(session, room, access, post, mailbox.address, [mailbox])
    if sent.deliveries and all(each.status == "refused" for each in sent.deliveries):
        raise MailboxFull
    return sent


async def _deliver(
    session: AsyncSession,
    room: Mailroom,
    access: Access,
    post: Post,
    addressed_to: str,
    first: Sequence[Mailbox],
) -> MailboxSent:
    if post.hops > MOST_HOPS:
        raise HopLimitReached(f"{MOST_HOPS} rules and answers are behind it.")
    known = await _sent_before(session, access, post, addressed_to)
    if known:
        return MailboxSent(
            duplicate=True,
            correlation_id=known[0].correlation_id,
            deliveries=await _told(session, access, known),
        )
    landed = await _ways(session, room, access, post, first)
    held = await crud.lock(session, access.workspace_id, [end.mailbox.id for end in landed])
    deliveries = []
    for end in landed:
        mailbox = held.get(end.mailbox.id)
        if mailbox is None or await _is_full(session, mailbox, end):
            reason = "mailbox_full" if mailbox else "no_route"
            deliveries.append(_refused(end.mailbox, reason))
            continue
        message = _message(access, post, addressed_to, end)
        await queue_crud.add(session, message, timedelta(seconds=mailbox.ageing_seconds))
        deliveries.append(_delivery(message, mailbox.address))
    room.bell.ring(session, list(held.values()))
    return MailboxSent(duplicate=False, correlation_id=post.correlation_id, deliveries=deliveries)


async def _ways(
    session: AsyncSession,
    room: Mailroom,
    access: Access,
    post: Post,
    first: Sequence[Mailbox],
) -> list[Landed]:
    """Where the copies for `first` come to, each mailbox once."""
    rules = await crud.rules(session, access.workspace_id)

    found: dict[str, Sequence[Mailbox]] = {}
    allowed: dict[tuple[UUID, UUID], bool] = {}

    async def find(target: str) -> Sequence[Mailbox]:
        if target not in found:
            found[target] = await finding.reached(session, room.agents, access, target)
        return found[target]

    async def has_say(rule: MailboxRule, of: Mailbox) -> bool:
        key = rule.created_by_id or finding.NOBODY, of.id
        if key not in allowed:
            allowed[key] = await finding.has_say(session, room.agents, access, rule, of)
        return allowed[key]

    begins = [Landed(mailbox, _envelope(post, mailbox)) for mailbox in first]
    return await land(rules, begins, find, has_say)


def _envelope(post: Post, mailbox: Mailbox) -> Envelope:
    return Envelope(
        mailbox.address,
        tuple(mailbox.tags),
        post.sender,
        post.type,
        post.tags,
        post.content,
        post.hops,
    )


async def _sent_before(
    session: AsyncSession, access: Access, post: Post, addressed_to: str
) -> Sequence[MailboxMessage]:
    if post.in_reply_to_id is not None:
        question = post.in_reply_to_id
        await queue_crud.take_turn(session, str(access.workspace_id), "reply", str(question))
        return await queue_crud.answers(session, access.workspace_id, question)
    if post.dedup_id is None:
        return ()
    await queue_crud.take_turn(
        session, str(access.workspace_id), post.sender, addressed_to, post.dedup_id
    )
    return await queue_crud.duplicates(
        session,
        access.workspace_id,
        sender=post.sender,
        addressed_to=addressed_to,
        dedup_id=post.dedup_id,
        since=post.at - DEDUP_WINDOW,
    )


async def _is_full(session: AsyncSession, mailbox: Mailbox, end: Landed) -> bool:
    if end.status != "waiting":
        return False
    waiting = await queue_crud.depth(session, mailbox.workspace_id, mailbox.id)
    return waiting >= mailbox.capacity


def _message(access: Access, post: Post, addressed_to: str, end: Landed) -> MailboxMessage:
    available_at = post.at + post.delay
    ttl = post.ttl or timedelta(seconds=end.mailbox.ttl_seconds)
    expires_at = available_at + ttl
    if post.deadline is not None:
        # What is over is over now: Postgres does not know every moment that Python knows.
        expires_at = max(min(expires_at, post.deadline), post.at)
    return MailboxMessage(
        id=new_id(),
        created_at=post.at,
        workspace_id=access.workspace_id,
        mailbox_id=end.mailbox.id,
        user_id=access.user_id,
        sender=post.sender,
        addressed_to=addressed_to,
        type=post.type,
        content=storable(post.content),
        tags=list(end.envelope.tags),
        priority=post.priority,
        correlation_id=post.correlation_id,
        reply_to=post.reply_to,
        in_reply_to_id=post.in_reply_to_id,
        dedup_id=post.dedup_id,
        hops=end.envelope.hops,
        runs_behind=runs_behind(),
        status=end.status,
        deliveries=0,
        available_at=available_at,
        expires_at=expires_at,
        dead_reason=end.reason,
        ended_at=None if end.status == "waiting" else post.at,
    )


def _delivery(message: MailboxMessage, address: str) -> MailboxDelivery:
    return MailboxDelivery.model_validate(
        {
            "id": message.id,
            "address": address,
            "status": message.status,
            "reason": message.dead_reason,
        }
    )


def _refused(mailbox: Mailbox, reason: str) -> MailboxDelivery:
    return MailboxDelivery(id=None, address=mailbox.address, status="refused", reason=reason)


async def _told(
    session: AsyncSession, access: Access, messages: Sequence[MailboxMessage]
) -> list[MailboxDelivery]:
    ids = [message.mailbox_id for message in messages]
    held = await crud.addresses(session, access.workspace_id, ids)
    return [_delivery(message, held[message.mailbox_id]) for message in messages]


async def _sender(session: AsyncSession, room: Mailroom, access: Access, wanted: str | None) -> str:
    if wanted is None:
        return of_user(access.user_id)
    address = parse(wanted)
    if address is None or (address.kind == "user" and address.id != access.user_id):
        raise SenderUnknown
    if address.kind == "agent":  # only agents themselves speak as such
        raise SenderUnknown
    if await finding.reachable(session, room.agents, access, wanted) is None:
        raise SenderUnknown
    return str(address)
