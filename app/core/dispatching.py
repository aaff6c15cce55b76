"""Hands what is in the outbox to whom it concerns, many events in a transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Select,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    literal_column,
    not_,
    select,
    update,
)

from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession, Database, table_of
from app.core.jobs import Job
from app.core.log import get_logger
from app.core.outbox import OUTBOX, Event, OutboxEvent, Subscriber
from app.core.statements import Statement
from app.core.storing import later
from app.core.turns import NOBODY, Turns

log = get_logger(__name__)

AT_ONCE: Final = 100
REST_SECONDS: Final = 0.04
KEPT: Final = timedelta(days=7)
PRUNED_AT_ONCE: Final = 1000
BACKOFF: Final = timedelta(seconds=5)
LONGEST_BACKOFF: Final = timedelta(hours=1)
MOST_ATTEMPTS: Final = 12
MOST_ERROR: Final = 500
_CLAIMED: Final = (
    "id", "workspace_id", "type", "subject_id", "user_id", "data", "depth", "created_at",
    "delivered_to", "attempts",
)  # fmt: skip

_EVENTS = table_of(OutboxEvent)
_DELIVERED = Statement(
    update(_EVENTS)
    .where(_EVENTS.c.id == any_(bindparam("delivered", type_=ARRAY(Uuid))))
    .values(status="delivered", updated_at=bindparam("at"))
)


class Dispatcher:
    """Hands events to subscribers, many in a transaction."""

    def __init__(self, database: Database, subscribers: Sequence[Subscriber]) -> None:
        self._database = database
        self._subscribers = tuple(subscribers)
        self._turns = Turns(OutboxEvent, AT_ONCE)
        self._passing = Statement(_passing_by(self._turns, subscribers))

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
        """Whether there may be more. What concerns nobody is done with in one message."""
        values = {"behind": NOBODY, "at": now()}
        [seen] = await self._database.ask(SYSTEM, self._passing, values)
        found, waiting = seen["found"], seen["waiting"]
        more = self._turns.more(found, waiting)
        if seen["passed"] < found:
            more = await self._tell_some() or more
        return more

    async def _tell_some(self) -> bool:
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


def _passing_by(turns: Turns, subscribers: Sequence[Subscriber]) -> Select[Any]:
    """Marks what is due and concerns nobody as delivered, and says how much that is."""
    due = turns.due("id").cte("due")
    concerned = [literal_column(f"({each.concerned})", Boolean()) for each in subscribers]
    passed = (
        update(_EVENTS)
        .where(_EVENTS.c.id == due.c.id, *(not_(each) for each in concerned))
        .values(status="delivered", updated_at=func.now())
        .returning(_EVENTS.c.id)
        .cte("passed")
    )
    return select(
        func.count(due.c.id).label("found"),
        func.coalesce(func.max(due.c.waiting), 0).label("waiting"),
        select(func.count()).select_from(passed).scalar_subquery().label("passed"),
    )


async def _tell(
    session: AsyncSession, subscriber: Subscriber, events: Sequence[Event]
) -> dict[UUID, str]:
    """Tell of them all at once, or of each alone where that fails; the failures, by event."""
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
