"""Mailboxes and subscriptions in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.mailbox.agents_crud import of_seen_agent
from app.agents.mailbox.errors import MailboxExists, MailboxSubscribed
from app.agents.mailbox.models import Mailbox, MailboxMessage, MailboxRule, MailboxSubscription
from app.agents.mailbox.schemas import MailboxQuery
from app.core import restorable
from app.core.clock import now
from app.core.db import SYSTEM, Database
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.statements import Statement

_DUE = (
    select(MailboxMessage.id)
    .where(
        MailboxMessage.mailbox_id == MailboxSubscription.mailbox_id,
        MailboxMessage.status == "waiting",
        MailboxMessage.available_at <= bindparam("at"),
        or_(MailboxMessage.leased_until.is_(None), MailboxMessage.leased_until <= bindparam("at")),
    )
    .exists()
)
_SUBSCRIBED = Statement(
    select(MailboxSubscription.workspace_id, MailboxSubscription.id)
    .join(Mailbox, Mailbox.id == MailboxSubscription.mailbox_id)
    .where(
        MailboxSubscription.deleted_at.is_(None),
        MailboxSubscription.paused.is_(False),
        Mailbox.deleted_at.is_(None),
        _DUE,
    )
    # Whoever has no budget left stays due: where there are many, each comes at some time.
    .order_by(func.random())
    .limit(500)
)


def _seen_by(workspace_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    """A member's own mailbox is nobody else's to see, nor that of an agent kept to oneself."""
    return or_(
        Mailbox.kind == "service",
        Mailbox.user_id == user_id,
        of_seen_agent(workspace_id, user_id),
    )


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: MailboxQuery,
    cursors: Cursors,
) -> Slice[Mailbox]:
    """Newest first."""
    wanted = [_seen_by(workspace_id, user_id)]
    if query.kind is not None:
        wanted.append(Mailbox.kind == query.kind)
    if query.tag is not None:
        wanted.append(Mailbox.tags.contains([query.tag]))
    return await restorable.page(session, Mailbox, workspace_id, query, cursors, *wanted)


async def find(
    session: AsyncSession, workspace_id: UUID, address: str, *, for_update: bool = False
) -> Mailbox | None:
    """By its canonical address; a deleted one included."""
    statement = select(Mailbox).where(
        Mailbox.workspace_id == workspace_id, Mailbox.address == address
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def ensure(
    session: AsyncSession, workspace_id: UUID, kind: str, address: str, user_id: UUID | None
) -> Mailbox | None:
    """The mailbox of an address, made where there is none; None for a deleted one."""
    found = await find(session, workspace_id, address)
    if found is None:
        fresh = insert(Mailbox).values(
            id=new_id(),
            workspace_id=workspace_id,
            user_id=user_id,
            kind=kind,
            address=address,
            tags=[],
            capacity=10_000,
            max_deliveries=5,
            ttl_seconds=604_800,
            ageing_seconds=60,
        )
        await session.execute(fresh.on_conflict_do_nothing())
        found = await find(session, workspace_id, address)
    return found if found is not None and found.deleted_at is None else None


async def add(session: AsyncSession, mailbox: Mailbox) -> None:
    """Raises MailboxExists."""
    try:
        async with session.begin_nested():
            session.add(mailbox)
            await session.flush()
    except IntegrityError as error:
        raise MailboxExists("Restore it where it was deleted.") from error


async def tagged(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, tag: str, most: int
) -> Sequence[Mailbox]:
    """The living mailboxes of a group, without those of agents that the sender does not see."""
    statement = (
        restorable.living(Mailbox, workspace_id)
        .where(
            Mailbox.tags.contains([tag]),
            or_(Mailbox.kind != "agent", of_seen_agent(workspace_id, user_id)),
        )
        .order_by(Mailbox.id)
        .limit(most)
    )
    return (await session.scalars(statement)).all()


async def lock(
    session: AsyncSession, workspace_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Mailbox]:
    """Living mailboxes, each held until the transaction ends, so that one sender comes at a time.

    Locked in the order of their ids, so that two broadcasts cannot wait for each other.
    """
    statement = (
        restorable.living(Mailbox, workspace_id)
        .where(Mailbox.id.in_(ids))
        .order_by(Mailbox.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {mailbox.id: mailbox for mailbox in await session.scalars(statement)}


async def addresses(
    session: AsyncSession, workspace_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, str]:
    found = await session.execute(
        select(Mailbox.id, Mailbox.address).where(
            Mailbox.workspace_id == workspace_id, Mailbox.id.in_(ids)
        )
    )
    return {row.id: row.address for row in found}


async def count_into(
    session: AsyncSession, workspace_id: UUID, mailboxes: Sequence[Mailbox]
) -> None:
    """Fill the counts of some mailboxes in."""
    waits, at = MailboxMessage.status == "waiting", now()
    rows = await session.execute(
        select(
            MailboxMessage.mailbox_id,
            func.count().filter(waits).label("depth"),
            func.count().filter(waits, MailboxMessage.leased_until > at).label("leased"),
            func.count().filter(MailboxMessage.status == "dead").label("dead"),
            func.min(MailboxMessage.created_at).filter(waits).label("oldest_at"),
        )
        .where(
            MailboxMessage.workspace_id == workspace_id,
            MailboxMessage.mailbox_id.in_([mailbox.id for mailbox in mailboxes]),
            MailboxMessage.status.in_(("waiting", "dead")),
        )
        .group_by(MailboxMessage.mailbox_id)
    )
    counted = {row.mailbox_id: row for row in rows}
    for mailbox in mailboxes:
        row = counted.get(mailbox.id)
        mailbox.depth = row.depth if row else 0
        mailbox.leased = row.leased if row else 0
        mailbox.dead = row.dead if row else 0
        mailbox.oldest_at = row.oldest_at if row else None


async def rules(session: AsyncSession, workspace_id: UUID) -> Sequence[MailboxRule]:
    """Those that hold, in their order."""
    statement = (
        restorable.living(MailboxRule, workspace_id)
        .where(MailboxRule.enabled)
        .order_by(MailboxRule.position, MailboxRule.id)
    )
    return (await session.scalars(statement)).all()


async def add_subscription(session: AsyncSession, subscription: MailboxSubscription) -> None:
    """Store a new one, or one that is brought back; raises MailboxSubscribed."""
    try:
        async with session.begin_nested():
            session.add(subscription)
            await session.flush()
    except IntegrityError as error:
        raise MailboxSubscribed("Change or delete the subscription that it has.") from error


async def subscribed(database: Database, at: datetime) -> list[tuple[UUID, UUID]]:
    """Workspace and id of those with something to do, over all workspaces."""
    found = await database.ask(SYSTEM, _SUBSCRIBED, {"at": at})
    return [(each["workspace_id"], each["id"]) for each in found]


async def hold_subscription(
    session: AsyncSession, workspace_id: UUID, subscription_id: UUID, *, skip: bool
) -> MailboxSubscription | None:
    """One that is active, locked; None where another process has it (`skip`), or it is not."""
    statement = (
        restorable.living(MailboxSubscription, workspace_id)
        .where(MailboxSubscription.id == subscription_id)
        .with_for_update(skip_locked=skip)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()
