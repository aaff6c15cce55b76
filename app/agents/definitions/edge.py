"""What the routes of agents take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.agents.definitions.desk import Desk
from app.core.db import AsyncSession, on_commit
from app.knowledge.passages.indexer import JOB


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.agents.definitions
    return desk


DeskDep = Annotated[Desk, Depends(desk_of)]


def find_later(session: AsyncSession, desk: Desk) -> None:
    """Have searches find what this request changes, once it is committed."""
    on_commit(session, lambda: desk.nudge(JOB))
