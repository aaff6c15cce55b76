"""Messages in Postgres: who gets which, in which order, and for how long.

Of one sender's messages to one mailbox (a pair), only the first that is neither acknowledged nor
dead is ever leased. Between pairs the smallest `rank` goes first: the moment a message became
available, less its priority times the mailbox's `ageing_seconds`. So effective priority is
`priority + waiting / ageing_seconds`, and nothing that comes later can overtake for ever.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.agents.mailbox.message_schemas import MailboxMessageQuery
from app.agents.mailbox.models import Mailbox, MailboxMessage
from app.core.paging import Cursors, Keyset, Slice, fetch_page

M = MailboxMessage


def _free(at: datetime) -> ColumnElement[bool]:
    return and_(M.status == "waiting", or_(M.leased_until.is_(None), M.leased_until <= at))


def _first_of_its_pair() -> ColumnElement[bool]:
    earlier = aliased(M)
    return ~(
        select(earlier.id)
        .where(
            earlier.mailbox_id == M.mailbox_id,
            earlier.sender == M.sender,
            earlier.status == "waiting",
            earlier.position < M.position,
        )
        .exists()
    )


def _due(workspace_id: UUID, mailbox: Mailbox, at: datetime) -> Select[Any]:
    """What can be leased, the most urgent first."""
    return (
        select(M)
        .where(
            M.workspace_id == workspace_id,
            M.mailbox_id == mailbox.id,
            _free(at),
            M.available_at <= at,
            M.expires_at > at,
            M.deliveries < mailbox.max_deliveries,
            _first_of_its_pair(),
        )
        .order_by(M.rank, M.position)
    )


async def add(session: AsyncSession, message: MailboxMessage, ageing: timedelta) -> None:
    """Store a new one; its rank is reckoned here."""
    message.rank = message.available_at - message.priority * ageing
    session.add(message)
    await session.flush()


async def take_turn(session: AsyncSession, *of: str) -> None:
    """Wait until no other transaction has the turn of this; it ends with the transaction."""
    key = func.hashtextextended("\0".join(of).replace("\0", "\x1f"), 7)
    await session.execute(select(func.pg_advisory_xact_lock(key)))


async def duplicates(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    sender: str,
    addressed_to: str,
    dedup_id: str,
    since: datetime,
) -> Sequence[MailboxMessage]:
    """What came of an earlier message with this `dedup_id`."""
    statement = select(M).where(
        M.workspace_id == workspace_id,
        M.sender == sender,
        M.dedup_id == dedup_id,
        M.addressed_to == addressed_to,
        M.in_reply_to_id.is_(None),
        M.created_at > since,
    )
    return (await session.scalars(statement.order_by(M.position))).all()


async def answers(
    session: AsyncSession, workspace_id: UUID, message_id: UUID
) -> Sequence[MailboxMessage]:
    """What came of an answer to a message."""
    statement = select(M).where(M.workspace_id == workspace_id, M.in_reply_to_id == message_id)
    return (await session.scalars(statement.order_by(M.position))).all()


async def depth(session: AsyncSession, workspace_id: UUID, mailbox_id: UUID) -> int:
    statement = select(func.count()).where(
        M.workspace_id == workspace_id, M.mailbox_id == mailbox_id, M.status == "waiting"
    )
    return await session.scalar(statement) or 0


async def bury(session: AsyncSession, workspace_id: UUID, mailbox: Mailbox, at: datetime) -> int:
    """Make dead letters of what has expired or was delivered too often; how many there were."""
    return await _bury(
        session,
        at,
        M.workspace_id == workspace_id,
        M.mailbox_id == mailbox.id,
        or_(M.expires_at <= at, M.deliveries >= mailbox.max_deliveries),
    )


async def bury_expired(session: AsyncSession, at: datetime) -> int:
    """The same for a few of any workspace that have expired; under SYSTEM."""
    return await _bury(session, at, M.expires_at <= at)


async def _bury(session: AsyncSession, at: datetime, *which: ColumnElement[bool]) -> int:
    dead = select(M.id).where(*which, _free(at)).limit(500).with_for_update(skip_locked=True)
    reason = text("case when expires_at <= :at then 'expired' else 'max_deliveries' end")
    gone = await session.scalars(
        update(M)
        .where(M.id.in_(dead.scalar_subquery()))
        .values(status="dead", dead_reason=reason.bindparams(at=at), ended_at=at)
        .returning(M.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


async def is_due(session: AsyncSession, workspace_id: UUID, mailbox: Mailbox, at: datetime) -> bool:
    statement = _due(workspace_id, mailbox, at).with_only_columns(M.id).limit(1)
    return await session.scalar(statement) is not None


async def lease(
    session: AsyncSession,
    workspace_id: UUID,
    mailbox: Mailbox,
    *,
    most: int,
    at: datetime,
    until: datetime,
) -> Sequence[MailboxMessage]:
    """The most urgent messages, each leased to whoever called; of a pair at most one."""
    await bury(session, workspace_id, mailbox, at)
    statement = (
        _due(workspace_id, mailbox, at)
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    taken = (await session.scalars(statement)).all()
    for message in taken:
        message.lease_id, message.leased_until = uuid4(), until
        message.deliveries += 1
    await session.flush()
    return taken


async def leased(
    session: AsyncSession, workspace_id: UUID, mailbox_id: UUID, receipt: UUID
) -> MailboxMessage | None:
    """The message that a lease is (or was last) of, locked."""
    statement = (
        select(M)
        .where(M.workspace_id == workspace_id, M.mailbox_id == mailbox_id, M.lease_id == receipt)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def get(
    session: AsyncSession,
    workspace_id: UUID,
    mailbox_id: UUID,
    message_id: UUID,
    *,
    for_update: bool = False,
) -> MailboxMessage | None:
    statement = select(M).where(
        M.workspace_id == workspace_id, M.mailbox_id == mailbox_id, M.id == message_id
    )
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def sent(
    session: AsyncSession, workspace_id: UUID, message_id: UUID
) -> MailboxMessage | None:
    """A message, whichever mailbox it is in."""
    return await session.scalar(select(M).where(M.workspace_id == workspace_id, M.id == message_id))


async def of_run(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> MailboxMessage | None:
    """The message that a run answers."""
    statement = select(M).where(M.workspace_id == workspace_id, M.run_id == run_id).limit(1)
    return await session.scalar(statement)


async def reply_to(
    session: AsyncSession, workspace_id: UUID, mailbox_id: UUID, message_id: UUID
) -> MailboxMessage | None:
    """The first answer to a message in a mailbox, locked."""
    statement = (
        select(M)
        .where(
            M.workspace_id == workspace_id,
            M.mailbox_id == mailbox_id,
            M.in_reply_to_id == message_id,
        )
        .order_by(M.position)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def is_awaited(
    session: AsyncSession, workspace_id: UUID, mailbox_id: UUID, message_id: UUID
) -> bool:
    """Whether an answer to a message can still come and has not: it waits, or was acknowledged."""
    answers = select(M.id).where(
        M.workspace_id == workspace_id,
        M.mailbox_id == mailbox_id,
        M.in_reply_to_id == message_id,
    )
    if await session.scalar(answers.limit(1)) is not None:
        return False
    request = await sent(session, workspace_id, message_id)
    return request is not None and request.status in ("waiting", "acked")


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    mailbox_id: UUID,
    query: MailboxMessageQuery,
    cursors: Cursors,
    *,
    sender: str | None = None,
) -> Slice[MailboxMessage]:
    """Newest first; `sender` is the canonical address of the one that the query names."""
    statement = select(M).where(M.workspace_id == workspace_id, M.mailbox_id == mailbox_id)
    for column, wanted in (
        (M.status, query.status),
        (M.sender, sender),
        (M.type, query.type),
        (M.correlation_id, query.correlation_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return await fetch_page(
        session,
        statement,
        Keyset(M.created_at, M.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(mailbox_id),
    )


async def dead(
    session: AsyncSession,
    workspace_id: UUID,
    mailbox_id: UUID,
    ids: Sequence[UUID] | None,
    most: int,
) -> Sequence[MailboxMessage]:
    """Dead letters, oldest first, locked; of `ids`, or whichever."""
    statement = select(M).where(
        M.workspace_id == workspace_id, M.mailbox_id == mailbox_id, M.status == "dead"
    )
    if ids is not None:
        statement = statement.where(M.id.in_(ids))
    statement = statement.order_by(M.position).limit(most).with_for_update()
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def requeue(
    session: AsyncSession, message: MailboxMessage, mailbox: Mailbox, at: datetime
) -> None:
    """Let a dead letter wait again, behind all that its sender has sent meanwhile."""
    rank = at - timedelta(seconds=message.priority * mailbox.ageing_seconds)
    await session.execute(
        update(M)
        .where(M.id == message.id, M.workspace_id == message.workspace_id)
        .values(
            status="waiting",
            position=text("default"),
            rank=rank,
            deliveries=0,
            available_at=at,
            expires_at=at + timedelta(seconds=mailbox.ttl_seconds),
            dead_reason=None,
            ended_at=None,
            lease_id=None,
            leased_until=None,
            run_id=None,
            reserved_usd=None,
        )
        .execution_options(synchronize_session=False)
    )


async def in_hand(
    session: AsyncSession, workspace_id: UUID, mailbox_id: UUID, at: datetime
) -> tuple[int, Decimal]:
    """How many messages runs are answering now, and what these and orphaned runs may still cost."""
    held = or_(M.leased_until > at, M.available_at > at)
    row = await session.execute(
        select(func.count().filter(held), func.coalesce(func.sum(M.reserved_usd), 0)).where(
            M.workspace_id == workspace_id,
            M.mailbox_id == mailbox_id,
            M.status == "waiting",
            M.run_id.is_not(None),
        )
    )
    count, reserved = row.one()
    return count, reserved or Decimal(0)


async def prune(session: AsyncSession, *, acked_before: datetime, dead_before: datetime) -> int:
    """Delete a few of what has ended long ago; under SYSTEM."""
    old = (
        select(M.id)
        .where(
            or_(
                and_(M.status.in_(("acked", "dropped")), M.ended_at < acked_before),
                and_(M.status == "dead", M.ended_at < dead_before),
            )
        )
        .limit(500)
    )
    gone = await session.scalars(delete(M).where(M.id.in_(old)).returning(M.id))
    return len(gone.all())
