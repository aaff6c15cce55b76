"""Keeping what can be found in step with what it is of, in one transaction with it."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.knowledge.passages import crud
from app.knowledge.passages.draft import Draft, Ready, Subject, config_of
from app.knowledge.passages.models import Passage


async def put(
    session: AsyncSession, subject: Subject, drafts: Sequence[Draft], ready: Ready | None = None
) -> int:
    """Have a subject found by these pieces, and by no others; returns how many wait for vectors.

    Pieces that say what they said, where they said it, keep their vectors. Vectors of the others
    come after the commit: nudge the job `passages`. Those of `ready` are there.
    """
    spare: dict[bytes, list[Passage]] = defaultdict(list)
    held = await crud.of_subject(
        session, subject.workspace_id, subject.kind, subject.id, for_update=True
    )
    for passage in held:
        spare[passage.content_sha256].append(passage)
    fresh, waiting = [], 0
    for ordinal, draft in enumerate(drafts):
        known = spare[draft.sha256]
        passage = known.pop(0) if known else _new(subject, draft, ready)
        if _is_indexed_otherwise(passage, subject):
            passage.due_at, passage.attempts, passage.error = now(), 0, None
            waiting += 1
        _fill(passage, subject, ordinal, draft)
        fresh.append(passage)
    gone = [passage.id for left in spare.values() for passage in left]
    if gone:
        await crud.delete_ids(session, subject.workspace_id, gone)
    await crud.add(session, fresh)
    return waiting


async def retitle(
    session: AsyncSession, workspace_id: UUID, kind: str, subject_id: UUID, title: str
) -> None:
    """Have a subject found by another title, not empty; its vectors follow after the commit."""
    await crud.retitle(session, workspace_id, kind, subject_id, title)


async def remove(session: AsyncSession, workspace_id: UUID, kind: str, subject_id: UUID) -> None:
    """Have a subject found no more; its vectors go after the commit."""
    await crud.delete_subject(session, workspace_id, kind, subject_id)


async def remove_of_parent(
    session: AsyncSession, workspace_id: UUID, kind: str, parent_id: UUID
) -> None:
    """Have everything of a collection, dictionary or conversation found no more."""
    await crud.delete_parent(session, workspace_id, kind, parent_id)


def _is_indexed_otherwise(passage: Passage, subject: Subject) -> bool:
    """Whether its vector is missing, of another model, or filed under another owner."""
    if passage.space is None or passage.embedding_model != subject.embedding_model:
        return True
    return (passage.parent_id, passage.user_id) != (subject.parent_id, subject.user_id)


def _new(subject: Subject, draft: Draft, ready: Ready | None) -> Passage:
    passage = Passage(
        id=new_id(), workspace_id=subject.workspace_id, kind=subject.kind, subject_id=subject.id
    )
    if ready is not None and (ids := ready.ids.get(draft.sha256)):
        passage.id, passage.space = ids.pop(), ready.space
        passage.embedding_model = subject.embedding_model
        passage.parent_id, passage.user_id = subject.parent_id, subject.user_id
    return passage


def _fill(passage: Passage, subject: Subject, ordinal: int, draft: Draft) -> None:
    passage.parent_id, passage.user_id = subject.parent_id, subject.user_id
    passage.created_by_id = subject.created_by_id
    passage.embedding_model = subject.embedding_model
    passage.ordinal = ordinal
    passage.title, passage.heading, passage.text = draft.title, draft.heading, draft.text
    passage.locator = dict(draft.locator)
    passage.config = config_of(draft.language)
    passage.content_sha256 = draft.sha256
