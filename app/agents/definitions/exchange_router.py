"""/v1/agents/import, and /v1/agents/{agent_id}/export and /probe."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.agents.definitions import exporting, importing, probing
from app.agents.definitions.edge import DeskDep, find_later
from app.agents.definitions.errors import (
    AgentLabelNotFound,
    AgentNotFound,
    AgentVersionNotFound,
    DefinitionInvalid,
    DocumentUnreadable,
    ExportUnfit,
    TooManyAgents,
)
from app.agents.definitions.exchange_schemas import (
    AgentImport,
    AgentImported,
    AgentProbe,
    AgentProbed,
    ExportQuery,
)
from app.agents.definitions.importing import Draft
from app.core.auth import Access, Permission
from app.core.http.guard import guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.identity.versioned.schemas import VersionChoice
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed, NoCandidate

Reader = Annotated[Access, require(Permission.AGENTS_READ)]
Writer = Annotated[Access, require(Permission.AGENTS_WRITE)]
Prober = Annotated[Access, require(Permission.AGENTS_RUN, Permission.MODELS_INVOKE)]

router = guarded_router(prefix="/v1/agents", tag="agents")

EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The document.",
        "content": {name: {} for name in ("application/json", "application/yaml", "text/markdown")},
    }
}


async def _prepared(access: Writer, desk: DeskDep, wanted: AgentImport) -> Sequence[Draft]:
    """What the documents hold, read and asked about before a session is opened."""
    return await importing.prepare(desk, access, wanted)


@router.post(
    "/import",
    operation_id="agents_import",
    summary="Make agents of documents: JSON, YAML, A2A agent cards, fast-agent cards",
    description=(
        "All of them, or none. Documents may name each other's agents; a slug that is taken here "
        "gets another end. Code is never taken: what was left out is told as a warning, and so "
        "are tools that are not there yet. With `dry_run=true` nothing is made."
    ),
    status_code=201,
    response_model=AgentImported,
    responses=problems(DocumentUnreadable, DefinitionInvalid, TooManyAgents),
)
async def import_agents(
    access: Writer,
    drafts: Annotated[Sequence[Draft], Depends(_prepared)],
    wanted: AgentImport,
    session: Session,
    desk: DeskDep,
) -> AgentImported:
    find_later(session, desk)
    return await importing.carry_out(session, access, wanted, drafts)


@router.get(
    "/{agent_id}/export",
    operation_id="agents_export",
    summary="Read an agent as a document: JSON, YAML, an A2A agent card, a fast-agent card",
    description=(
        "JSON and YAML hold all of it. Of what a card has no words for, a comment in it tells. "
        "Several fast-agent cards come as the body of an import."
    ),
    response_class=Response,
    responses=EXPORTED
    | problems(AgentNotFound, AgentVersionNotFound, AgentLabelNotFound, ExportUnfit),
)
async def export_agent(
    request: Request,
    access: Reader,
    session: Session,
    desk: DeskDep,
    agent_id: UUID,
    query: Annotated[ExportQuery, Query()],
) -> Response:
    base_url = desk.public_url or str(request.base_url)
    file = await exporting.export(session, access, agent_id, query, base_url)
    disposition = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, media_type=file.media_type, headers=disposition)


@router.post(
    "/{agent_id}/probe",
    operation_id="agents_probe",
    summary="Ask an agent's model to do what the agent needs",
    description=(
        "One small call for each capability, which is paid for. What is found goes before what "
        "the model declares, in this workspace, until the next probe."
    ),
    dependencies=[off_rails("it is a try itself, and calls the provider")],
    response_model=AgentProbed,
    responses=problems(
        AgentNotFound,
        AgentVersionNotFound,
        AgentLabelNotFound,
        ModelUnknown,
        ModelNotAllowed,
        NoCandidate,
        NoModel,
    ),
)
async def probe_agent(
    access: Prober,
    desk: DeskDep,
    agent_id: UUID,
    choice: Annotated[VersionChoice, Query()],
    wanted: AgentProbe,
) -> AgentProbed:
    return await probing.probe(desk, access, agent_id, choice, wanted)
