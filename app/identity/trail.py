"""What happens to a person rather than in a workspace: noted in their personal workspace."""

from typing import Any, Final, Literal
from uuid import UUID

from app.core.audit import Note, note
from app.core.db import SYSTEM, AsyncSession
from app.core.kernel import Kernel
from app.identity.workspaces import crud as workspaces

SESSION: Final = "user_session"


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


def tell_refusal_soon(kernel: Kernel, user_id: UUID, action: str, **detail: Any) -> None:
    """Note a refusal in the background: it takes no time that would tell of the account."""

    async def tell() -> None:
        async with kernel.database.unit(SYSTEM) as session:
            await note_of_person(session, user_id, action, SESSION, outcome="refused", **detail)

    kernel.background.soon(action, tell)
