"""The outbox: what happened, written with the change itself, and told to the rooms above.

`emit` writes a row into the caller's transaction; a job hands it to each subscriber, at least once
and in no promised order. What a subscriber writes commits together with the mark that the event
was delivered, so a process may be killed at any moment. An event that a subscriber fails is tried
again after growing pauses, by itself, and holds up no other; nor does a workspace that has many.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ForeignKey, Index, Uuid, any_, bindparam, delete, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.core.causes import runs_behind
from app.core.clock import now
from app.core.data import Category, Handling, personal, plain
from app.core.db import SYSTEM, AsyncSession, Database, Row, on_commit, table_of
from app.core.errors import Unprocessable
from app.core.ids import new_id
from app.core.jobs import Job
from app.core.log import get_logger
from app.core.statements import Statement, insertion
from app.core.storing import later
from app.core.turns import Turns

log = get_logger(__name__)

OUTBOX: Final = "outbox"
MOST_DATA: Final = 64 * 1024
MOST_TYPE: Final = 100
AT_ONCE: Final = 100
REST_SECONDS: Final = 0.04
KEPT: Final = timedelta(days=7)
PRUNED_AT_ONCE: Final = 1000
BACKOFF: Final = timedelta(seconds=5)
LONGEST_BACKOFF: Final = timedelta(hours=1)
MOST_ATTEMPTS: Final = 12
MOST_ERROR: Final = 500
_EMITTED = "luminous_emitted"
_CLAIMED: Final = (
    "id", "workspace_id", "type", "subject_id", "user_id", "data", "depth", "created_at",
    "delivered_to", "attempts",
)  # fmt: skip


class EventTooLarge(Unprocessable):
    """An event says what happened; what is large stays where it is, and the event names it."""

    code = "event_too_large"
    title = "The event's data is too large"

    def __init__(self) -> None:
        super().__init__(f"An event's data has at most {MOST_DATA:,} bytes of JSON.")


class OutboxEvent(Row):
    """Something that happened to `subject_id`, caused by `user_id` where a person did.

    `status`: pending, delivered or failed. While it is pending, `delivered_to` names the
    subscribers that have it. `depth` counts the runs of workflows that led to it, one by one.
    """

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index(
            "ix_outbox_events_turn",
            "workspace_id",
            "due_at",
            "id",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_outbox_events_created_at", "created_at"),
        Index("ix_outbox_events_workspace_id", "workspace_id"),
        Index("ix_outbox_events_user_id", "user_id"),
    )
    __handling__ = Handling("tell of what happened", subject="user_id", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(info=plain())
    subject_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
    depth: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default="pending", info=plain())
    delivered_to: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    last_error: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))


# Made once: to put such a statement together costs more than to run it.
_EVENTS = table_of(OutboxEvent)
_EMIT = Statement(insertion(_EVENTS).on_conflict_do_nothing(index_elements=["id"]))
_DELIVERED = Statement(
    update(_EVENTS)
    .where(_EVENTS.c.id == any_(bindparam("delivered", type_=ARRAY(Uuid))))
    .values(status="delivered", updated_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class Event:
    """What a subscriber is told."""

    id: UUID
    workspace_id: UUID
    type: str
    subject_id: UUID | None
    user_id: UUID | None
    data: Mapping[str, Any]
    depth: int
    created_at: datetime


class Subscriber(Protocol):
    """Who is told of every event. `name` is stable: it is what a delivery is marked with."""

    @property
    def name(self) -> str: ...

    async def concerned(self, session: AsyncSession, events: Sequence[Event]) -> Sequence[Event]:
        """Those of them that it may have to do anything about. It only reads, under SYSTEM."""
        ...

    async def on_events(self, session: AsyncSession, events: Sequence[Event]) -> None:
        """Take these up, of any workspaces, in the transaction that marks them as delivered.

        Under SYSTEM, in a savepoint of its own. Where it raises for several, it is asked again for
        each alone; where it raises for one, that one comes again later. It calls nobody outside.
        """
        ...


async def emit(
    session: AsyncSession,
    workspace_id: UUID,
    type: str,  # noqa: A002 - what events call it everywhere
    data: Mapping[str, Any],
    *,
    subject_id: UUID | None = None,
    user_id: UUID | None = None,
    depth: int = 0,
    event_id: UUID | None = None,
) -> None:
    """Have subscribers told if, and soon after, the session's transaction commits.

    `type` is `<what>.<became>`; `user_id` is whom it is about, so that an erasure finds it. Its
    depth is at least that of the run that emits it. Emitted again with the `event_id` of one that
    is known, it is that one. Raises EventTooLarge, and ValueError for an empty or overlong type.
    """
    if not 0 < len(type) <= MOST_TYPE:
        raise ValueError(f"an event's type has 1 to {MOST_TYPE} characters")
    if len(orjson.dumps(data, default=str)) > MOST_DATA:
        raise EventTooLarge
    moment = now()
    values = {
        "id": event_id or new_id(),
        "workspace_id": workspace_id,
        "type": type,
        "subject_id": subject_id,
        "user_id": user_id,
        "data": dict(data),
        "depth": max(depth, runs_behind()),
        "status": "pending",
        "delivered_to": [],
        "attempts": 0,
        "due_at": moment,
        "created_at": moment,
        "updated_at": moment,
    }
    await later(session, _EMIT, values)
    session.info[_EMITTED] = True


def nudging(nudge: Callable[[], None]) -> Callable[[AsyncSession], Awaitable[None]]:
    """What a database does before each commit: have the events delivered right after it."""

    async def act(session: AsyncSession) -> None:
        if session.info.pop(_EMITTED, False):
            on_commit(session, nudge)

    return act


class Dispatcher:
    """Hands events to subscribers, many in a transaction."""

    def __init__(self, database: Database, subscribers: Sequence[Subscriber]) -> None:
        self._database = database
        self._subscribers = tuple(subscribers)
        self._turns = Turns(OutboxEvent, AT_ONCE)

    def jobs(self) -> tuple[Job, ...]:
        """The one that delivers, and the one that forgets what happened a week ago."""
        return (
            Job(OUTBOX, timedelta(seconds=5), self._run_and_rest),
            Job("outbox-pruning", timedelta(hours=1), self.prune),
        )

    async def run(self) -> None:
        """Deliver until nothing is due."""
        while await self._deliver_some():
            pass

    async def _run_and_rest(self) -> None:
        """A lone event leaves at once; what comes just after it leaves together."""
        await self.run()
        await asyncio.sleep(REST_SECONDS)

    async def prune(self) -> None:
        gone = PRUNED_AT_ONCE
        while gone == PRUNED_AT_ONCE:
            async with self._database.unit(SYSTEM) as session:
                gone = await _prune(session, now() - KEPT)

    async def _deliver_some(self) -> bool:
        """Whether there may be more."""
        async with self._database.unit(SYSTEM) as session:
            taken = await self._turns.take(session, now(), *_CLAIMED)
            rows = taken.rows
            events = [_told(row) for row in rows]
            failures: dict[UUID, dict[str, str]] = {row.id: {} for row in rows}
            for subscriber in self._subscribers:
                waiting = [
                    event
                    for event, row in zip(events, rows, strict=True)
                    if subscriber.name not in row.delivered_to
                ]
                for event_id, reason in (await _tell(session, subscriber, waiting)).items():
                    failures[event_id][subscriber.name] = reason
            await _mark_delivered(session, [row.id for row in rows if not failures[row.id]])
            for row in rows:
                if failed := failures[row.id]:
                    await self._put_off(session, row, failed)
            return taken.more

    async def _put_off(self, session: AsyncSession, row: Any, failed: Mapping[str, str]) -> None:
        """Have it again later for those that failed it; after many attempts, not any more."""
        attempts = row.attempts + 1
        over = attempts >= MOST_ATTEMPTS
        log.warning(
            "event_not_delivered", event_id=str(row.id), type=row.type, attempt=attempts, **failed
        )
        names = [each.name for each in self._subscribers if each.name not in failed]
        error = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
        await session.execute(
            update(OutboxEvent)
            .where(OutboxEvent.id == row.id)
            .values(
                status="failed" if over else "pending",
                delivered_to=names,
                attempts=attempts,
                due_at=now() + min(BACKOFF * (1 << (attempts - 1)), LONGEST_BACKOFF),
                last_error=error[:MOST_ERROR],
            )
        )


async def _tell(
    session: AsyncSession, subscriber: Subscriber, events: Sequence[Event]
) -> dict[UUID, str]:
    """Tell of them all at once, or of each alone where that fails; the failures, by event."""
    events = await subscriber.concerned(session, events) if events else ()
    if not events:
        return {}
    reason = await _try(session, subscriber, [*events])
    if reason is None:
        return {}
    if len(events) == 1:
        return {event.id: reason for event in events}
    alone = {event.id: await _try(session, subscriber, [event]) for event in events}
    return {event_id: failed for event_id, failed in alone.items() if failed is not None}


async def _try(
    session: AsyncSession, subscriber: Subscriber, events: Sequence[Event]
) -> str | None:
    """Why it failed, if it did: nothing that it wrote is left then."""
    try:
        async with session.begin_nested():
            await subscriber.on_events(session, events)
    except Exception as error:  # noqa: BLE001 - whatever it was, the others' events go on
        return repr(error)
    return None


def _told(row: Any) -> Event:
    return Event(
        row.id,
        row.workspace_id,
        row.type,
        row.subject_id,
        row.user_id,
        row.data,
        row.depth,
        row.created_at,
    )


async def _mark_delivered(session: AsyncSession, event_ids: Sequence[UUID]) -> None:
    if event_ids:
        await later(session, _DELIVERED, {"delivered": event_ids, "at": now()})


async def _prune(session: AsyncSession, before: datetime) -> int:
    old = select(OutboxEvent.id).where(OutboxEvent.created_at < before).limit(PRUNED_AT_ONCE)
    gone = await session.scalars(
        delete(OutboxEvent).where(OutboxEvent.id.in_(old)).returning(OutboxEvent.id)
    )
    return len(gone.all())
