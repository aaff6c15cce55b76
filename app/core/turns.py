"""Work of many workspaces, taken by turns: one that has much of it holds up no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Uuid,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.orm import aliased

from app.core.db import AsyncSession, Row
from app.core.statements import Statement, within

NOBODY: Final = UUID(int=0)
# As the index has it, word for word.
_PENDING: Final[ColumnElement[str]] = literal_column("'pending'")
_AT: Final = bindparam("at", type_=DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows that were locked, and whether there may be more."""

    rows: Sequence[Any]
    more: bool


class Turns:
    """Of one table in one process.

    Its rows have a `workspace_id`, a `status` that is `pending` until they are done, and a
    `due_at`; an index over (workspace_id, due_at, id) of the pending ones finds them.
    """

    def __init__(self, row: type[Row], most: int) -> None:
        self._row: Any = row
        self._most = most
        self._last = NOBODY
        # Made once: to put such statements together costs more than to run them.
        self._due: dict[tuple[str, ...], Statement] = {}

    async def take(self, session: AsyncSession, at: datetime, *columns: str) -> Taken:
        """Lock some that are due, the same number of each workspace that has any; under SYSTEM.

        What another process has in hand is left to it. Where more workspaces wait than can have a
        turn, the next call goes on behind them. Among the columns is the `id`.
        """
        if columns not in self._due:
            self._due[columns] = Statement(self.due(*columns))
        quick = await within(session)
        found = await quick.rows(self._due[columns], {"behind": self._last, "at": at})
        rows = [SimpleNamespace(**each) for each in found if each["id"] is not None]
        waiting = found[0]["waiting"] if found else 0
        # Those before where this one began have not been looked at.
        before = self._last != NOBODY and waiting <= self._most
        self._last = max(each["place"] for each in found) if waiting > self._most else NOBODY
        return Taken(rows, more=before or self.more(len(rows), waiting))

    def more(self, found: int, waiting: int) -> bool:
        """Whether there may be more than these rows of so many workspaces that were `waiting`."""
        return found > 0 and (waiting > self._most or found >= self._most // waiting)

    def due(self, *columns: str) -> Select[Any]:
        """What `take` asks: those of the workspaces behind `behind` that are due `at`, locked.

        Each of the workspaces whose turn it is has a row at least, which may be empty: `place` is
        the workspace, and `waiting` how many of them wait, or one more than can have a turn.
        """
        waiting = self._waiting_behind().cte("waiting")
        place = select(waiting.c.workspace_id.label("id")).limit(self._most).cte("place")
        share = select(literal(self._most) // func.count()).select_from(place).correlate(None)
        row = self._row
        due = (
            select(*(getattr(row, name) for name in columns))
            .where(row.workspace_id == place.c.id, row.status == _PENDING, row.due_at <= _AT)
            .order_by(row.due_at, row.id)
            .limit(share.scalar_subquery())
            .with_for_update(skip_locked=True)
            .lateral("due")
        )
        count = select(func.count()).select_from(waiting).scalar_subquery()
        return select(place.c.id.label("place"), count.label("waiting"), *due.c).select_from(
            place.outerjoin(due, true())
        )

    def _waiting_behind(self) -> Select[UUID]:
        """The workspaces behind one which have something due: one look into the index each."""
        row: Any = aliased(self._row)
        first = self._first(row, row.workspace_id > bindparam("behind", type_=Uuid())).subquery()
        places = select(first.c.workspace_id, first.c.due_at).cte("places", recursive=True)
        row = aliased(self._row)
        following = self._first(row, row.workspace_id > places.c.workspace_id).lateral()
        places = places.union_all(
            select(following.c.workspace_id, following.c.due_at).select_from(
                places.join(following, true())
            )
        )
        found: Select[UUID] = select(places.c.workspace_id).where(places.c.due_at <= _AT)
        return found.limit(self._most + 1)

    def _first(self, row: Any, behind: Any) -> Select[UUID, datetime]:
        return (
            select(row.workspace_id, row.due_at)
            .where(row.status == _PENDING, behind)
            .order_by(row.workspace_id, row.due_at)
            .limit(1)
        )
