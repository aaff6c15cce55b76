"""Having facts drawn from what someone said, in a run of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.agents.memory import extraction_crud as crud
from app.agents.memory import settings_crud
from app.agents.memory.asking import MOST_OUTPUT, MOST_QUESTIONS, own_words, request_of
from app.agents.memory.errors import ExtractionMade, ExtractionOff
from app.agents.memory.extraction_schemas import (
    MemoryExtractionCreate,
    MemoryExtractionQuery,
    MemoryExtractionRead,
)
from app.agents.memory.models import MemoryExtraction
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession, on_commit
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.inference.calls.remembering import remembered
from app.inference.usage.service import estimate_input
from app.runs.runs import service as runs
from app.runs.runs.models import Run

RUN_KIND: Final = "memory_extraction"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a user said in a run or a conversation: their own messages alone, in their order."""

    kind: str
    id: UUID
    messages: Sequence[tuple[UUID | None, str]]
    agent_id: UUID | None = None
    run_id: UUID | None = None
    conversation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Starting:
    """Where runs are carried out: `launch` starts one that `executor_id` was named for."""

    executor_id: str
    launch: Callable[[Run], None]


async def request(
    session: AsyncSession, access: Access, heard: Heard, starting: Starting
) -> Run | None:
    """Have facts drawn once this transaction has committed.

    None where the workspace or the caller's rights do not allow it, where nothing was said, and
    where it was asked for before: the same source is read once, whoever asks again.
    """
    settings = await settings_crud.get(session, access.workspace_id)
    words = own_words(heard.messages)
    if settings is None or not settings.enabled or not words or not _is_for_oneself(access):
        return None
    run_id = new_id()
    is_first = await crud.begin(
        session,
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        source_kind=heard.kind,
        source_id=heard.id,
        agent_id=heard.agent_id,
        run_id=run_id,
    )
    if not is_first:
        return None
    asked = request_of(words, "", now())
    run = await runs.create(
        session,
        access,
        executor_id=starting.executor_id,
        kind=RUN_KIND,
        subject_id=heard.id,
        run_id=run_id,
        input={
            "words": [{"id": each.id and str(each.id), "text": each.text} for each in words],
            "origin": _origin(heard),
            "model": settings.model,
            "most_tokens": MOST_QUESTIONS * (estimate_input(asked.messages) + MOST_OUTPUT),
            **remembered(access),
        },
    )
    on_commit(session, lambda: starting.launch(run))
    return run


async def start(
    session: AsyncSession, access: Access, new: MemoryExtractionCreate, starting: Starting
) -> MemoryExtractionRead:
    """Raises ExtractionOff and ExtractionMade."""
    settings = await settings_crud.get(session, access.workspace_id)
    if settings is None or not settings.enabled:
        raise ExtractionOff("Set `enabled` in /v1/memories/settings.")
    if not _is_for_oneself(access):
        raise ExtractionOff("What a customer says is not remembered of whoever made the key.")
    said = [(each.id, each.text) for each in new.messages]
    run_id = new.source_id if new.source_kind == "run" else None
    conversation_id = new.source_id if new.source_kind == "conversation" else None
    heard = Heard(new.source_kind, new.source_id, said, new.agent_id, run_id, conversation_id)
    run = await request(session, access, heard, starting)
    if run is None:
        raise ExtractionMade("Nothing is left to be drawn from it.")
    made = await crud.of_run(session, access.workspace_id, run.id)
    return MemoryExtractionRead.model_validate(made)


async def page(
    session: AsyncSession, access: Access, query: MemoryExtractionQuery, cursors: Cursors
) -> Slice[MemoryExtraction]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


def _is_for_oneself(access: Access) -> bool:
    """Whether what the caller says is their own, and may be written down.

    A key that stands for a customer is spoken through by others than its owner.
    """
    return Permission.MEMORIES_WRITE in access.permissions and access.rules.customer is None


def _origin(heard: Heard) -> dict[str, str]:
    named = {
        "run_id": heard.run_id,
        "conversation_id": heard.conversation_id,
        "agent_id": heard.agent_id,
    }
    return {name: str(value) for name, value in named.items() if value is not None}
