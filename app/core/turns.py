"""Work of many workspaces, taken by turns: one that has much of it holds up no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Select,
    Uuid,
    bindparam,
    cast,
    func,
    select,
    true,
)
from sqlalchemy.orm import aliased

from app.core.db import AsyncSession, Row
from app.core.statements import Statement, within

_NOBODY: Final = UUID(int=0)


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
        self._last = _NOBODY
        # Made once: to put such statements together costs more than to run them.
        self._waiting = Statement(self._waiting_behind())
        self._due: dict[tuple[str, ...], Statement] = {}

    async def take(self, session: AsyncSession, at: datetime, *columns: str) -> Taken:
        """Lock some that are due, the same number of each workspace that has any; under SYSTEM.

        What another process has in hand is left to it. Where more workspaces wait than can have a
        turn, the next call goes on behind them.
        """
        quick = await within(session)
        waiting = await quick.rows(self._waiting, {"behind": self._last, "at": at})
        places = [each for (each,) in waiting]
        if self._last != _NOBODY and len(places) <= self._most:
            begin = await quick.rows(self._waiting, {"behind": _NOBODY, "at": at})
            places += [each for (each,) in begin if each not in places]
        chosen = places[: self._most]
        self._last = chosen[-1] if len(places) > self._most else _NOBODY
        if not chosen:
            return Taken([], more=False)
        share = self._most // len(chosen)
        if columns not in self._due:
            self._due[columns] = Statement(self._due_of_each(columns))
        wanted = {"places": list(chosen), "at": at, "share": share}
        found = await quick.rows(self._due[columns], wanted)
        rows = [SimpleNamespace(**each) for each in found]
        more = len(rows) >= share or len(places) > len(chosen)
        return Taken(rows, more=more and bool(rows))

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
        found: Select[UUID] = select(places.c.workspace_id).where(
            places.c.due_at <= bindparam("at", type_=DateTime(timezone=True))
        )
        return found.limit(self._most + 1)

    def _first(self, row: Any, behind: Any) -> Select[UUID, datetime]:
        return (
            select(row.workspace_id, row.due_at)
            .where(row.status == "pending", behind)
            .order_by(row.workspace_id, row.due_at)
            .limit(1)
        )

    def _due_of_each(self, columns: Sequence[str]) -> Select[Any]:
        places = bindparam("places", type_=ARRAY(Uuid))
        place = select(func.unnest(cast(places, ARRAY(Uuid))).label("id")).subquery()
        at = bindparam("at", type_=DateTime(timezone=True))
        row = self._row
        due = (
            select(*(getattr(row, name) for name in columns))
            .where(row.workspace_id == place.c.id, row.status == "pending", row.due_at <= at)
            .order_by(row.due_at, row.id)
            .limit(bindparam("share", type_=Integer()))
            .with_for_update(skip_locked=True)
            .lateral()
        )
        return select(*due.c).select_from(place.join(due, true()))
