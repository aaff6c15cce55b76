"""What the routes share that start runs."""

from typing import Annotated

from fastapi import Depends

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.http.guard import require
from app.core.http.units import Session
from app.knowledge.ingestion.starting import Starter
from app.runs.runs.bundle import RunsDep
from app.runs.runs.models import Run

Writer = Annotated[Access, require(Permission.COLLECTIONS_WRITE)]


async def _starter(access: Writer, session: Session, running: RunsDep) -> Starter:
    def launch(run: Run) -> None:
        on_commit(session, lambda: running.executor.launch(run))

    return Starter(access, running.executor.id, launch, running.canceller(session))


StarterDep = Annotated[Starter, Depends(_starter, scope="function")]
