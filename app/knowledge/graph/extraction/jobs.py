"""What the graph does by itself: it reads what has come, and takes out what nothing tells of."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from app.core.db import SYSTEM, Database, Scope, on_commit
from app.core.jobs import Job
from app.knowledge.graph.extraction import crud
from app.knowledge.graph.extraction.schemas import ExtractionCreate
from app.knowledge.graph.extraction.service import begin, plan_of
from app.knowledge.graph.telling import settle
from app.runs.runs.models import Run

JOB: Final = "graph"
AT_ONCE: Final = 100
# Of one run; what is still held then waits for the next.
MOST_ORPHANS: Final = 1000


@dataclass(frozen=True, slots=True)
class _Owner:
    workspace_id: UUID
    user_id: UUID


class Launching(Protocol):
    """Where runs are carried out: the executor of this process."""

    id: str

    def launch(self, run: Run) -> None: ...


def graph_job(database: Database, executor: Launching) -> Job:
    """Nudge it where passages have come to a parent that is read by itself."""

    async def run() -> None:
        await sweep(database)
        await read_new(database, executor)

    return Job(JOB, timedelta(seconds=15), run)


async def sweep(database: Database) -> None:
    """Look again at what was held by another transaction when nothing told of it any more."""
    async with database.unit(SYSTEM) as session:
        orphans = await crud.take_orphans(session, MOST_ORPHANS)
        entities = [each.entity_id for each in orphans if each.entity_id]
        relations = [each.relation_id for each in orphans if each.relation_id]
        if orphans:
            await settle(session, entities, relations)


async def read_new(database: Database, executor: Launching) -> None:
    """Start a run for each automatic schema that has passages nobody has read."""
    after: UUID | None = None
    while True:
        async with database.unit(SYSTEM) as session:
            schemas = await crud.idle_schemas(session, after, AT_ONCE)
        for schema in schemas:
            await _read(database, executor, schema.id, schema.workspace_id)
        if len(schemas) < AT_ONCE:
            return
        after = schemas[-1].id


async def _read(
    database: Database,
    executor: Launching,
    schema_id: UUID,
    workspace_id: UUID,
) -> None:
    async with database.unit(Scope(workspace_id)) as session:
        schema = await crud.take_schema(session, schema_id)
        if schema is None or schema.parent_id is None or schema.owner_id is None:
            return
        wish = ExtractionCreate(schema_id=schema.id)
        plan = await plan_of(session, workspace_id, wish, schema, automatic=True)
        passages, _ = await crud.count(session, plan.unread(workspace_id, schema.owner_id))
        if not passages:
            return
        owner = _Owner(workspace_id, schema.owner_id)
        run = await begin(session, owner, executor.id, plan, schema.asked_by, schema)
        on_commit(session, lambda: executor.launch(run))
