"""What the audit trail is told, by any room; `oversight.audit` writes it down.

A note is kept with the transaction it is about and written in it, right before the commit: an
effect without its audit row, or a row without its effect, cannot be.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession

NOTES = "luminous_audit_notes"
# In the `info` of a request's own unit of work: its RequestFacts. What changes there is audited
# by itself; other transactions write what is noted.
REQUEST = "luminous_request"


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The request a change belongs to: what was called, by whom, from where."""

    operation: str
    request_id: str
    address: str
    user_agent: str
    access: Access | None = None


current_request: ContextVar[RequestFacts | None] = ContextVar("current_request", default=None)


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened, to be written as one audit row.

    Left out, `actor_id` and `workspace_id` are those of the request's caller. The first note of a
    request's own unit names its row in place of the operation. `detail` may hold personal data of
    `subject_id` (of the actor, if left out): it is committed to with a salt and can be erased. It
    never holds a secret.
    """

    action: str
    resource_type: str
    resource_id: UUID | str | None = None
    outcome: Literal["success", "refused"] = "success"
    workspace_id: UUID | None = None
    actor_id: UUID | None = None
    subject_id: UUID | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def note(session: AsyncSession, what: Note) -> None:
    """Have this written to the audit trail if, and when, the session's transaction commits."""
    session.info.setdefault(NOTES, []).append(what)


def notes_of(session: AsyncSession) -> list[Note]:
    """What was noted in this transaction so far."""
    found: list[Note] = session.info.get(NOTES, [])
    return found
