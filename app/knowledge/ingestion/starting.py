"""Starting the run that takes a version of a document in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.core.db import AsyncSession
from app.knowledge.collections.documents import UNFINISHED
from app.knowledge.collections.models import Document
from app.runs.runs import service as runs
from app.runs.runs.models import Run
from app.runs.runs.service import Owner

KIND: Final = "ingestion"


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts runs in this process, for whoever asks.

    `launch` and `cancelled` are told of runs, to act once the transaction has committed. `depth`
    counts the workflows' runs behind them.
    """

    owner: Owner
    executor_id: str
    launch: Callable[[Run], None]
    cancelled: Callable[[UUID], None]
    depth: int = 0

    async def ingest(
        self, session: AsyncSession, document: Document, number: int, **more: Any
    ) -> Run:
        """Have a version of a document found instead of what is found of it now.

        A run that has not ended is cancelled: the later one counts.
        """
        if document.run_id is not None and document.status in UNFINISHED:
            await runs.request_cancel_idle(session, document.workspace_id, document.run_id)
            self.cancelled(document.run_id)
        run = await runs.create(
            session,
            self.owner,
            executor_id=self.executor_id,
            kind=KIND,
            subject_id=document.id,
            input={
                "document_id": str(document.id),
                "number": number,
                "fresh": document.current_version is None,
                "depth": self.depth,
                **more,
            },
        )
        document.run_id, document.wanted_version = run.id, number
        document.status, document.error = "queued", None
        await session.flush()
        self.launch(run)
        return run
