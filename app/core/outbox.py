"""The outbox: what happened, written with the change itself, and told to the rooms above.

`emit` writes a row into the caller's transaction; a job (`dispatching`) hands it to each subscriber
that it concerns, at least once and in no promised order. What a subscriber writes commits together
with the mark that the event was delivered, so a process may be killed at any moment. An event that
a subscriber fails is tried again after growing pauses, by itself, and holds up no other; nor does a
workspace that has many.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.causes import runs_behind
from app.core.clock import now
from app.core.data import Category, Handling, personal, plain
from app.core.db import AsyncSession, Row, on_commit, table_of
from app.core.errors import Unprocessable
from app.core.ids import new_id
from app.core.statements import Statement, insertion
from app.core.storing import later

OUTBOX: Final = "outbox"
MOST_DATA: Final = 64 * 1024
MOST_TYPE: Final = 100
_EMITTED = "luminous_emitted"


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
    """Who is told of events. `name` is stable: it is what a delivery is marked with."""

    @property
    def name(self) -> str: ...

    @property
    def concerned(self) -> str:
        """SQL for whether it may have to do anything about a row of `outbox_events`, by SYSTEM."""
        ...

    async def on_events(self, session: AsyncSession, events: Sequence[Event]) -> None:
        """Take these up, of any workspaces, in the transaction that marks them as delivered.

        Some may concern others alone. Under SYSTEM, in a savepoint of its own. Where it raises for
        several, it is asked again for each alone; where it raises for one, that one comes again
        later. It calls nobody outside.
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
