"""What a workflow keeps between its runs: read, and changed by whoever has read the newest."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.automation.state import crud
from app.automation.state.errors import StateMoved, TooMuchState
from app.core.auth import Access
from app.core.db import AsyncSession

MOST_KEYS: Final = 100


@dataclass(frozen=True, slots=True)
class Kept:
    """A value, and the number of its change: null and 0 where nothing was kept yet."""

    value: Any = None
    number: int = 0

    def told(self) -> dict[str, Any]:
        return {"value": self.value, "number": self.number}


async def read(session: AsyncSession, access: Access, workflow_id: UUID, key: str) -> Kept:
    row = await crud.get(session, access.workspace_id, workflow_id, key)
    return Kept() if row is None else Kept(row.value, row.number)


async def write(
    session: AsyncSession,
    access: Access,
    workflow_id: UUID,
    key: str,
    value: Any,
    *,
    after: int | None,
    step: str,
) -> Kept:
    """Keep a value in place of the one with the number `after`; None: of whichever there is.

    What `step` has kept already stays as it is. Raises StateMoved and TooMuchState.
    """
    row = await crud.begin(session, access.workspace_id, workflow_id, key)
    if row.step != step or row.number == 0:
        if after is not None and row.number != after:
            raise StateMoved(f"`{key}` was changed {row.number} times, and not {after}.")
        if row.number == 0:
            kept = await crud.count(session, access.workspace_id, workflow_id)
            if kept > MOST_KEYS:
                raise TooMuchState(f"A workflow keeps at most {MOST_KEYS} values.")
        await crud.save(session, row, access.user_id, value, step)
    return Kept(row.value, row.number)
