"""Decisions about an entry, and going back to what it was."""

from typing import Any, Literal
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.dictionary.entries import checking, finding
from app.knowledge.dictionary.entries.content import FIELDS, content_of
from app.knowledge.dictionary.entries.locking import locked
from app.knowledge.dictionary.entries.reads import EntryRead, shown
from app.knowledge.dictionary.entries.reviewing import (
    DECISIONS,
    after_change,
    after_transition,
    expect_approver,
    may_approve,
)
from app.knowledge.dictionary.entries.saving import Deed, save
from app.knowledge.dictionary.entries.writes import EntryRevert
from app.knowledge.dictionary.errors import RevisionNotFound

Action = Literal["propose", "approve", "reject", "deprecate"]
DONE: dict[Action, str] = {
    "propose": "proposed",
    "approve": "approved",
    "reject": "rejected",
    "deprecate": "deprecated",
}


async def transition(
    session: AsyncSession,
    access: Access,
    entry_id: UUID,
    action: Action,
    *,
    comment: str | None = None,
    replaced_by_id: UUID | None = None,
    at: str = "/body",
    expected: int | None = None,
) -> EntryRead:
    """Put an entry in its next status, and tell the audit trail who decided and why.

    Raises EntryNotFound, TransitionRefused, ApprovalNeeded, EntryInvalid and PreconditionFailed.
    """
    if action in DECISIONS:
        expect_approver(access)
    # Two that name each other's at once would lead in a circle, each unseen by the other.
    relates = replaced_by_id is not None
    concept = await locked(session, access, entry_id, expected, relates=relates)
    before = concept.entry.status
    status = after_transition(action, before)
    changed: dict[str, Any] = {"status": status}
    if action in ("propose", "deprecate"):
        changed["replaced_by_id"] = replaced_by_id
    if replaced_by_id is not None:
        await checking.check_replacement(session, concept.entry, replaced_by_id, at)
    deed = Deed(DONE[action], comment, at, is_review=action in DECISIONS)
    saved = await save(session, access, concept, content_of(concept), deed, **changed)
    note(
        session,
        Note(
            f"dictionary_entries_{action}",
            "terminology_entry",
            entry_id,
            workspace_id=access.workspace_id,
            detail={"from": before, "to": status, "comment": comment},
        ),
    )
    return shown(saved)


async def revert(
    session: AsyncSession, access: Access, entry_id: UUID, wanted: EntryRevert
) -> EntryRead:
    """Have an entry say again what it said at a version; its status changes as by an update.

    Raises EntryNotFound, RevisionNotFound, EntryInvalid, ExternalIdTaken, PreconditionFailed.
    """
    concept = await locked(session, access, entry_id, relates=True)
    revision = await finding.revision(session, access.workspace_id, entry_id, wanted.version)
    if revision is None:
        raise RevisionNotFound
    content = {name: revision.snapshot[name] for name in FIELDS}
    if content == content_of(concept):
        return shown(concept)
    status = concept.entry.status
    deed = Deed(
        "reverted",
        wanted.comment or f"To version {wanted.version}.",
        "",
        is_review=status == "approved" and may_approve(access),
    )
    status = after_change(access, status)
    return shown(await save(session, access, concept, content, deed, status=status))
