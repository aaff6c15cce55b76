"""What happens to a person rather than in a workspace: noted in their personal workspace."""

import asyncio
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from app.core.audit import Note, note
from app.core.db import SYSTEM, AsyncSession, Database
from app.core.log import get_logger
from app.identity.workspaces import crud as workspaces

log = get_logger(__name__)

SESSION: Final = "user_session"

_telling: set[asyncio.Task[None]] = set()


async def note_of_person(
    session: AsyncSession,
    user_id: UUID,
    action: str,
    resource_type: str,
    resource_id: UUID | None = None,
    *,
    outcome: Literal["success", "refused"] = "success",
    **detail: Any,
) -> None:
    """Note what a person did, or what was refused to who claimed to be that person."""
    own = await workspaces.personal(session, user_id)
    note(
        session,
        Note(
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            outcome=outcome,
            workspace_id=own.id if own else None,
            actor_id=user_id,
            detail=detail,
        ),
    )


def tell_refusal_soon(database: Database, user_id: UUID, action: str, **detail: Any) -> None:
    """Note a refusal in the background: it takes no time that would tell of the account."""
    task = asyncio.create_task(_tell(database, user_id, action, detail))
    _telling.add(task)
    task.add_done_callback(_telling.discard)


async def _tell(database: Database, user_id: UUID, action: str, detail: dict[str, Any]) -> None:
    try:
        async with database.unit(SYSTEM) as session:
            await note_of_person(session, user_id, action, SESSION, outcome="refused", **detail)
    except (SQLAlchemyError, OSError) as error:
        log.warning("refusal_unnoted", action=action, reason=repr(error))
