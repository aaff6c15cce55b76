"""/v1/memories/settings and /v1/memories/extractions: what draws facts, and from what."""

from typing import Annotated

from fastapi import Query, Response

from app.agents.memory import extraction, settings
from app.agents.memory.edge import Deciding, Reader, Writer, starting_of
from app.agents.memory.errors import ExtractionMade, ExtractionOff
from app.agents.memory.extraction_schemas import (
    MemoryExtractionCreate,
    MemoryExtractionQuery,
    MemoryExtractionRead,
)
from app.agents.memory.models import MemorySettings
from app.agents.memory.settings_schemas import MemorySettingsRead, MemorySettingsUpdate
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.runs.runs.bundle import RunsDep

router = guarded_router(prefix="/v1/memories", tag="memory-extraction")


@router.get(
    "/settings",
    operation_id="memory_settings_get",
    summary="Show how the workspace remembers",
    response_model=MemorySettingsRead,
    responses=problems(),
)
async def get_settings(access: Reader, session: Session) -> MemorySettings:
    return await settings.show(session, access)


@router.patch(
    "/settings",
    operation_id="memory_settings_update",
    summary="Say whether facts are drawn, by which model, for how much a day, and who reviews them",
    response_model=MemorySettingsRead,
    responses=problems(),
)
async def update_settings(
    access: Deciding, session: Session, change: MemorySettingsUpdate
) -> MemorySettings:
    return await settings.update(session, access, change)


@router.get(
    "/extractions",
    operation_id="memory_extractions_list",
    summary="List what facts were drawn from, newest first",
    response_model=Page[MemoryExtractionRead],
    responses=problems(CursorInvalid),
)
async def list_extractions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[MemoryExtractionQuery, Query()],
) -> object:
    return await extraction.page(session, access, query, kernel.cursors)


@router.post(
    "/extractions",
    operation_id="memory_extractions_create",
    summary="Have facts drawn from what you said",
    description=(
        "A run asks a model for facts about you, each with the words that say it; those that your "
        "words do not bear out are dropped. From one source facts are drawn once."
    ),
    status_code=201,
    response_model=MemoryExtractionRead,
    responses=problems(ExtractionOff, ExtractionMade),
)
async def create_extraction(
    access: Writer,
    session: Session,
    running: RunsDep,
    new: MemoryExtractionCreate,
    response: Response,
) -> MemoryExtractionRead:
    made = await extraction.start(session, access, new, starting_of(running))
    response.headers["Location"] = f"/v1/runs/{made.run_id}"
    return made
