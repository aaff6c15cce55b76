"""What the ledger's rows say of a budget, in one statement: at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Numeric,
    ScalarSelect,
    Text,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.inference.usage.models import ModelCall

# What was carried for someone of whom no rows are ever deleted while they count.
NOTHING: ScalarSelect[Decimal] = select(cast(literal(0), Numeric)).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Counted:
    """Amounts in nano-dollars. `opens` are the calls under way: id, executor, what is reserved.

    `merged` are the ids among the settled ones that were stored lately.
    """

    settled: int
    opens: Sequence[tuple[str, str, int]]
    merged: Sequence[str]


async def counted(
    session: AsyncSession,
    about: Sequence[ColumnElement[bool]],
    carried: ScalarSelect[Decimal],
    since: datetime,
) -> Counted:
    """Sum up the calls that `about` selects, and what is `carried` of those that are deleted.

    `merged` are those stored `since`.
    """
    nano, none = literal(10**9), literal("")
    total = select(
        none.label("kind"), none.label("id"), none.label("executor"),
        (func.coalesce(func.sum(ModelCall.cost_usd), 0) + carried).label("amount"),
    ).where(*about, ModelCall.status != "started")  # fmt: skip
    call = cast(ModelCall.id, Text)
    opens = select(
        literal("open"), call, ModelCall.executor_id, func.coalesce(ModelCall.reserved_usd, 0)
    ).where(*about, ModelCall.status == "started")
    merged = select(literal("merged"), call, none, literal(0)).where(
        *about, ModelCall.status != "started", ModelCall.updated_at >= since
    )
    every = union_all(total, opens, merged).subquery()
    columns = (every.c.kind, every.c.id, every.c.executor, every.c.amount * nano)
    settled, open_calls, stored = 0, [], []
    for kind, identity, executor, amount in await session.execute(select(*columns)):
        if kind == "open":
            open_calls.append((identity, executor, int(amount)))
        elif kind == "merged":
            stored.append(identity)
        else:
            settled = int(amount)
    return Counted(settled, open_calls, stored)


def of_run(workspace_id: UUID, run_id: UUID) -> list[ColumnElement[bool]]:
    """The calls of one run."""
    return [ModelCall.workspace_id == workspace_id, ModelCall.run_id == run_id]


async def clock(session: AsyncSession) -> datetime:
    """The time by the database's clock."""
    moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment
