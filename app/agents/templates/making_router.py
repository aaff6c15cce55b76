"""/v1/templates: packs, generation, and files."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from app.agents.definitions.edge import DeskDep, find_later
from app.agents.templates import exporting, installing, pack
from app.agents.templates.edge import MakersDep
from app.agents.templates.errors import (
    TemplateFileInvalid,
    TemplateInvalid,
    TemplateNotFound,
    TemplatePackNotFound,
    TemplateSlugTaken,
    TooManyTemplates,
)
from app.agents.templates.generation import service as generation
from app.agents.templates.importing import service as importing
from app.agents.templates.importing.own import FORMAT
from app.agents.templates.schemas import (
    TemplateExportQuery,
    TemplateGenerate,
    TemplateImport,
)
from app.agents.templates.schemas_read import (
    TemplateImported,
    TemplatePackInstalled,
    TemplatePackList,
)
from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.http.guard import guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.inference.calls.edge import CallsDep
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed
from app.runs.runs.bundle import RunsDep
from app.runs.runs.models import Run
from app.runs.runs.schemas import RunRead

Reader = Annotated[Access, require(Permission.TEMPLATES_READ)]
Writer = Annotated[Access, require(Permission.TEMPLATES_WRITE)]
Generator = Annotated[Access, require(Permission.TEMPLATES_WRITE, Permission.MODELS_INVOKE)]
EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The template with all its versions.",
        "content": {
            "application/json": {"example": {"format": FORMAT, "name": "Short answers"}},
            "application/yaml": {"example": f"format: {FORMAT}\nname: Short answers\n"},
        },
    }
}

router = guarded_router(prefix="/v1/templates", tag="templates")


@router.get(
    "/packs",
    operation_id="template_packs_list",
    summary="List the packs of templates that come with the service",
    response_model=TemplatePackList,
    responses=problems(),
)
async def list_packs(access: Reader) -> object:  # noqa: ARG001 - the guard
    return {"data": [each.told() for each in pack.packs().values()]}


@router.post(
    "/packs/{pack_name}/install",
    operation_id="template_packs_install",
    summary="Install a pack, or bring it to its newest version",
    description=(
        "Its templates are published at once. Done again, it changes nothing; templates that were "
        "changed here are kept as they are, and named."
    ),
    response_model=TemplatePackInstalled,
    responses=problems(TemplatePackNotFound, TooManyTemplates),
)
async def install_pack(access: Writer, session: Session, desk: DeskDep, pack_name: str) -> object:
    find_later(session, desk)
    return await installing.install(session, access, pack.pack_of(pack_name))


async def _planned(access: Generator, calls: CallsDep, wish: TemplateGenerate) -> TemplateGenerate:
    """The wish, once it is certain that there is a model to ask."""
    await generation.expect_model(calls, access, wish.model)
    return wish


Planned = Annotated[TemplateGenerate, Depends(_planned)]


@router.post(
    "/generate",
    operation_id="templates_generate",
    summary="Have a model write a template",
    description=(
        "A run: it describes what is wanted, writes a template, checks it (mistakes are told to "
        "the model, three times at most), tries its examples out and judges the answers. Its "
        "result names the template, a draft with a score; publish it to use it."
    ),
    status_code=202,
    response_model=RunRead,
    responses=problems(ModelUnknown, NoModel, ModelNotAllowed),
)
async def generate_template(
    access: Generator, wish: Planned, session: Session, running: RunsDep, response: Response
) -> Run:
    run = await generation.begin(session, access, running.executor.id, wish)
    on_commit(session, lambda: running.executor.launch(run))
    response.headers["Location"] = f"/v1/runs/{run.id}"
    response.headers["X-Run-Id"] = str(run.id)
    return run


@router.post(
    "/import",
    operation_id="templates_import",
    summary="Import templates of ours, or prompts that were saved of OpenAI",
    description=(
        "JSON, JSON lines or YAML. Each prompt comes with all the versions that the file has; what "
        "was imported before gets those that are new. What has no place here is named in "
        "`left_out`, and kept in the metadata where it fits. Evaluations go to "
        "`POST /v1/evaluations/import`."
    ),
    response_model=TemplateImported,
    responses=problems(TemplateFileInvalid, TemplateInvalid, TemplateSlugTaken, TooManyTemplates),
)
async def import_templates(
    access: Writer, session: Session, desk: DeskDep, makers: MakersDep, wanted: TemplateImport
) -> object:
    find_later(session, desk)
    return await importing.import_file(session, access, wanted, makers)


@router.get(
    "/{template_id}/export",
    operation_id="templates_export",
    summary="Show a template with all its versions as a file",
    response_class=Response,
    responses={**problems(TemplateNotFound), **EXPORTED},
)
async def export_template(
    access: Reader,
    session: Session,
    template_id: UUID,
    query: Annotated[TemplateExportQuery, Query()],
) -> Response:
    name, text = await exporting.export(session, access, template_id, query.format)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=f"application/{query.format}", headers=headers)
