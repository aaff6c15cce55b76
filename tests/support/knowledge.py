"""Waiting for what becomes of passages."""

from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import select

from app.core.db import SYSTEM
from app.knowledge.passages.models import Passage
from tests.support.identity import until


async def indexed(app: FastAPI, workspace_id: UUID | str) -> None:
    """Wait until a workspace's passages have vectors, by whichever job took them up."""
    waiting = select(Passage.id).where(
        Passage.workspace_id == UUID(str(workspace_id)), Passage.due_at.is_not(None)
    )

    async def nothing_waits() -> bool:
        await app.state.knowledge.indexer.catch_up()
        async with app.state.kernel.database.unit(SYSTEM) as session:
            return await session.scalar(waiting.limit(1)) is None

    await until(nothing_waits, 30)
