"""Erasing someone from the trail: the values go, the chain stays provable."""

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
    return await _erase(session, "user", user_id)


async def erase_customer(session: AsyncSession, customer_id: UUID) -> int:
    """The same for a customer of the session's workspace, by the id of their row."""
    return await _erase(session, "customer", customer_id)


async def _erase(session: AsyncSession, resource_type: str, subject_id: UUID) -> int:
    session.info.setdefault(FORGOTTEN, set()).add(subject_id)
    rows: Counter[UUID] = Counter()
    while found := await crud.erase(session, subject_id, AT_ONCE):
        rows.update(found)
    for workspace_id, count in rows.items():
        what = Note(
            action="audit_log.erased",
            resource_type=resource_type,
            resource_id=subject_id,
            workspace_id=workspace_id,
            detail={"rows": count},
        )
        note(session, what)
    return rows.total()
