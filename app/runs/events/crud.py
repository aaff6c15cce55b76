"""The kept events of ended runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import DateTime, Integer, Text, Uuid, bindparam, delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.statements import Statement
from app.core.storing import later
from app.runs.events.event import Event
from app.runs.events.models import RunEvent

PAGE = 500
# When those of a run that only pauses are put down as kept: they are not purged.
OPEN = datetime(9999, 12, 31, tzinfo=UTC)
_INSERT_ROWS = 5000

# Two texts of lines make one statement of thousands of rows: JSON has no line break as it is
# encoded, and to pack and read as many elements of an array takes several times as long.
_ARCHIVE = Statement(
    text(
        "insert into run_events (run_id, seq, workspace_id, type, body, kept_at) "
        "select :run_id, :before + e.nth, :workspace_id, e.type, e.body, :kept_at "
        "from unnest(string_to_array(:types, chr(10)), string_to_array(:bodies, chr(10))) "
        "with ordinality as e(type, body, nth)"
    ).bindparams(
        bindparam("run_id", type_=Uuid()),
        bindparam("workspace_id", type_=Uuid()),
        bindparam("kept_at", type_=DateTime(timezone=True)),
        bindparam("before", type_=Integer()),
        bindparam("types", type_=Text()),
        bindparam("bodies", type_=Text()),
    )
)
_FORGET = Statement(delete(RunEvent).where(RunEvent.run_id == bindparam("run_id", type_=Uuid())))


async def archive(
    session: AsyncSession,
    workspace_id: UUID,
    run_id: UUID,
    events: Sequence[Event],
    kept_at: datetime,
    *,
    again: bool = False,
) -> None:
    """Keep a whole log; `again` in place of what was kept of it before."""
    if again:
        await later(session, _FORGET, {"run_id": run_id})
    for start in range(0, len(events), _INSERT_ROWS):
        rows = events[start : start + _INSERT_ROWS]
        values = {
            "run_id": run_id,
            "workspace_id": workspace_id,
            "kept_at": kept_at,
            "before": rows[0].seq - 1,
            "types": "\n".join([event.type for event in rows]),
            "bodies": b"\n".join([event.raw for event in rows]).decode(),
        }
        await later(session, _ARCHIVE, values)


async def read(session: AsyncSession, workspace_id: UUID, run_id: UUID, after: int) -> list[Event]:
    """The next events after a position, at most a page of them."""
    rows = await session.execute(
        select(RunEvent.seq, RunEvent.type, RunEvent.body)
        .where(
            RunEvent.run_id == run_id,
            RunEvent.workspace_id == workspace_id,
            RunEvent.seq > after,
        )
        .order_by(RunEvent.seq)
        .limit(PAGE)
    )
    return [Event(seq, kind, body.encode()) for seq, kind, body in rows]


async def purge(session: AsyncSession, kept_before: datetime, limit: int) -> int:
    """Delete some of the events of every workspace that are older; how many (SYSTEM scope)."""
    old = (
        select(RunEvent.run_id, RunEvent.seq)
        .where(RunEvent.kept_at < kept_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .subquery()
    )
    deleted = await session.scalars(
        delete(RunEvent)
        .where(RunEvent.run_id == old.c.run_id, RunEvent.seq == old.c.seq)
        .returning(RunEvent.seq)
        .execution_options(synchronize_session=False)
    )
    return len(deleted.all())
