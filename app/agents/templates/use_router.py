"""/v1/templates/{template_id}: rendering, trying out, making agents, and how often."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from app.agents.definitions import checking
from app.agents.definitions.edge import DeskDep, find_later
from app.agents.definitions.errors import (
    AgentSlugTaken,
    CapabilityMismatch,
    DefinitionInvalid,
    TooManyAgents,
)
from app.agents.templates import listing, making, previewing, using
from app.agents.templates.edge import MakersDep
from app.agents.templates.errors import (
    MakingNotAllowed,
    NoRoomForWorkflows,
    TemplateArchived,
    TemplateLabelNotFound,
    TemplateNotFound,
    TemplateVariablesInvalid,
    TemplateVersionNotFound,
)
from app.agents.templates.previewing import Tasting
from app.agents.templates.schemas import TemplateInstantiate, TemplatePreview, TemplateRender
from app.agents.templates.schemas_read import (
    TemplateInstantiated,
    TemplatePreviewed,
    TemplateRendered,
    TemplateUsageRead,
)
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.inference.calls.edge import CallsDep
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed

Reader = Annotated[Access, require(Permission.TEMPLATES_READ)]
Asker = Annotated[Access, require(Permission.MODELS_INVOKE, Permission.TEMPLATES_READ)]

router = guarded_router(prefix="/v1/templates/{template_id}", tag="templates")


@router.post(
    "/render",
    operation_id="templates_render",
    summary="Put values into a template",
    description=(
        "Messages of a prompt, or an agent's definition, with about how many tokens they are. "
        "Values that are missing (`variable_missing`), that nobody declared "
        "(`variable_undeclared`) or that do not satisfy the schema are each told with a pointer."
    ),
    response_model=TemplateRendered,
    responses=problems(
        TemplateNotFound,
        TemplateVersionNotFound,
        TemplateLabelNotFound,
        TemplateArchived,
        TemplateVariablesInvalid,
    ),
)
async def render_template(
    access: Reader, session: Session, template_id: UUID, wanted: TemplateRender
) -> object:
    return await using.render(session, access, template_id, wanted)


@router.post(
    "/preview",
    operation_id="templates_preview",
    summary="Have a model answer what a template says",
    description=(
        "Of an agent, its instructions are tried out, without its tools. It is paid for as every "
        "call; the answer says what it cost. Of a workflow nothing is asked: its definition is "
        "shown, and what is wrong with it."
    ),
    response_model=TemplatePreviewed,
    responses=problems(
        TemplateNotFound,
        TemplateVersionNotFound,
        TemplateLabelNotFound,
        TemplateArchived,
        TemplateVariablesInvalid,
        ModelUnknown,
        NoModel,
        ModelNotAllowed,
    ),
    dependencies=[off_rails("each preview asks a model anew")],
)
async def preview_template(
    access: Asker,
    kernel: KernelDep,
    calls: CallsDep,
    makers: MakersDep,
    template_id: UUID,
    wanted: TemplatePreview,
) -> object:
    tasting = Tasting(kernel.database, calls, makers)
    return await previewing.preview(tasting, access, template_id, wanted)


async def _usable(
    access: Reader,
    kernel: KernelDep,
    desk: DeskDep,
    makers: MakersDep,
    template_id: UUID,
    wanted: TemplateInstantiate,
) -> making.Planned:
    """What is wanted, once agents have their tools and a model that fits, or a workflow can run."""
    async with kernel.database.unit(access.scope) as session:
        used = await using.taken(session, access, template_id, wanted)
    for definition in making.agents_of(used):
        await checking.expect_usable(desk, access, definition)
    return await making.planned(access, used, wanted, makers)


Usable = Annotated[making.Planned, Depends(_usable)]


@router.post(
    "/instantiate",
    operation_id="templates_instantiate",
    summary="Make an agent or a workflow of a template, or a prompt's messages",
    description=(
        "An agent takes `agents:write`; those that work in it are made with it. A workflow takes "
        "`workflows:write`. A prompt gives its messages and makes nothing."
    ),
    status_code=201,
    response_model=TemplateInstantiated,
    responses=problems(
        TemplateNotFound,
        TemplateVersionNotFound,
        TemplateLabelNotFound,
        TemplateArchived,
        TemplateVariablesInvalid,
        MakingNotAllowed,
        DefinitionInvalid,
        CapabilityMismatch,
        AgentSlugTaken,
        TooManyAgents,
        NoRoomForWorkflows,
    ),
)
async def instantiate_template(
    access: Reader,
    planned: Usable,
    session: Session,
    desk: DeskDep,
    makers: MakersDep,
    template_id: UUID,
    response: Response,
) -> object:
    made = await making.instantiate(session, access, template_id, planned, makers)
    for kind in ("agent", "workflow"):
        if (made_id := made[f"{kind}_id"]) is not None:
            find_later(session, desk)
            response.headers["Location"] = f"/v1/{kind}s/{made_id}"
    return made


@router.get(
    "/usage",
    operation_id="template_usage_get",
    summary="Show how often each version was used",
    response_model=TemplateUsageRead,
    responses=problems(TemplateNotFound),
)
async def get_usage(access: Reader, session: Session, template_id: UUID) -> object:
    return await listing.usage(session, access, template_id)
