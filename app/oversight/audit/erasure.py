"""Erasing a person from the trail: the values go, the chain stays provable."""

from collections import Counter
from uuid import UUID

from app.core.audit import Note, note
from app.core.db import AsyncSession
from app.oversight.audit import crud
from app.oversight.audit.entries import FORGOTTEN

AT_ONCE = 1000


async def erase_person(session: AsyncSession, user_id: UUID) -> int:
    """Drop every value about a person, of all workspaces; how many rows held one.

    Needs SYSTEM. What is left of the person is the id. Each chain notes what it lost; nothing new
    is written about the person by this transaction.
    """
    session.info.setdefault(FORGOTTEN, set()).add(user_id)
    rows: Counter[UUID] = Counter()
    while found := await crud.erase(session, user_id, AT_ONCE):
        rows.update(found)
    for workspace_id, count in rows.items():
        what = Note(
            action="audit_log.erased",
            resource_type="user",
            resource_id=user_id,
            workspace_id=workspace_id,
            detail={"rows": count},
        )
        note(session, what)
    return rows.total()
