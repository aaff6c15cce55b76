"""Bulk: one action on each of many items, each on its own."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from app.core.db import AsyncSession
from app.core.errors import AppError
from app.core.schema import Output, Problem

MOST_ITEMS = 500


class BulkOutcome(Output):
    """What became of one item; `id` is null where none was made."""

    id: UUID | None
    ok: bool
    error: Problem | None


class BulkResult(Output):
    """One outcome an item, in their order."""

    data: list[BulkOutcome]


Item = TypeVar("Item")


async def each(
    session: AsyncSession, items: Sequence[Item], act: Callable[[Item], Awaitable[UUID]]
) -> BulkResult:
    """Do `act`, which returns the id it acted on, for every item; one that fails undoes itself.

    An item that fails leaves the others done, and is never half done: it has a savepoint, and what
    was noted within goes with it.
    """
    outcomes = []
    for item in items:
        made: UUID | None = getattr(item, "id", None)
        problem = None
        try:
            async with session.begin_nested():
                made = await act(item)
        except AppError as error:
            problem = Problem.model_validate(error.problem())
        outcomes.append(BulkOutcome(id=made, ok=problem is None, error=problem))
    return BulkResult(data=outcomes)
