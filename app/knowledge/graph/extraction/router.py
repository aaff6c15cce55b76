"""/v1/graph/extractions."""

from fastapi import Response

from app.core.db import on_commit
from app.core.http.guard import guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.inference.calls.edge import CallsDep
from app.inference.calls.features import FeatureNotAllowed
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.knowledge.dictionary.errors import DictionaryNotFound
from app.knowledge.graph.edge import SourcesDep, Writer
from app.knowledge.graph.errors import SchemaNotFound, TargetNotFound
from app.knowledge.graph.extraction import service
from app.knowledge.graph.extraction.schemas import ExtractionCreate, ExtractionRead
from app.knowledge.graph.sight import viewer_of
from app.runs.runs.bundle import RunsDep

router = guarded_router(prefix="/v1/graph/extractions", tag="graph-extractions")


@router.post(
    "",
    operation_id="graph_extractions_create",
    summary="Have entities and relations found in collections, dictionaries and conversations",
    description=(
        "A run reads the passages that were not read like this before; with `dry_run`, how many "
        "these are and what reading them may cost is all that happens."
    ),
    status_code=201,
    response_model=ExtractionRead,
    responses=problems(
        TargetNotFound,
        SchemaNotFound,
        DictionaryNotFound,
        FeatureNotAllowed,
        ModelUnknown,
        NoModel,
        ModelNotAllowed,
        NoCandidate,
    ),
)
async def create_extraction(
    access: Writer,
    session: Session,
    sources: SourcesDep,
    calls: CallsDep,
    running: RunsDep,
    new: ExtractionCreate,
    response: Response,
) -> ExtractionRead:
    viewer = await viewer_of(session, access, sources)
    begun, run = await service.start(session, calls, viewer, running.executor.id, new)
    on_commit(session, lambda: running.executor.launch(run))
    response.headers["Location"] = f"/v1/runs/{run.id}"
    return begun
