"""Agents and workflows out of templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.agents.definitions import service as agents
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.schemas import AgentCreate
from app.agents.templates import crud, filling, using
from app.agents.templates.body import AgentBody, PromptBody, WorkflowBody
from app.agents.templates.errors import MakingNotAllowed, TemplateVariablesInvalid
from app.agents.templates.maker import Makers, Order, Plan
from app.agents.templates.models import TemplateInstance
from app.agents.templates.schemas import TemplateInstantiate
from app.agents.templates.using import Used
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.ids import new_id


def agents_of(used: Used) -> list[AgentDefinition]:
    """The definitions of the agents that would be made, their members named by their keys."""
    body = used.content.body
    if not isinstance(body, AgentBody):
        return []
    documents = [*(member.definition for member in body.members), body.definition]
    return [using.defined(each, used.values) for each in documents]


@dataclass(frozen=True, slots=True)
class Planned:
    """What is wanted, of one version; `workflow` is what it comes to, of that kind."""

    wanted: TemplateInstantiate
    workflow: Plan | None


async def planned(
    access: Access, used: Used, wanted: TemplateInstantiate, makers: Makers
) -> Planned:
    """What `instantiate` then carries out. No session is open meanwhile.

    Raises MakingNotAllowed, and TemplateVariablesInvalid where the values spoil the definition.
    """
    body = used.content.body
    wanted = wanted.model_copy(update={"version": used.version.number, "label": None})
    if not isinstance(body, WorkflowBody):
        return Planned(wanted, None)
    _expect_allowed(access, makers.workflows.permission)
    plan = await makers.workflows.plan(
        access, filling.fill_flow(body.workflow, used.values), "/definition"
    )
    if plan.errors:
        raise TemplateVariablesInvalid(plan.errors)
    return Planned(wanted, plan)


async def instantiate(
    session: AsyncSession,
    access: Access,
    template_id: UUID,
    planned: Planned,
    makers: Makers,
) -> dict[str, Any]:
    """The fields of a TemplateInstantiated: an agent, a workflow by its plan, or messages to use.

    Raises MakingNotAllowed, and what rendering, and making an agent or a workflow raise.
    """
    wanted, plan = planned.wanted, planned.workflow
    used = await using.taken(session, access, template_id, wanted)
    body = used.content.body
    told: dict[str, Any] = {
        "agent_id": None,
        "member_ids": {},
        "workflow_id": None,
        "warnings": [],
        "messages": None,
    }
    name = wanted.name or used.template.name
    if isinstance(body, PromptBody):
        told["messages"] = using.said_by(body, used.values)
    elif isinstance(body, AgentBody):
        _expect_allowed(access, Permission.AGENTS_WRITE)
        told |= await _make(session, access, used, body, name)
    elif plan is not None:
        order = Order(name, used.template.description, _note(used), _origin(used))
        workflow_id = await makers.workflows.make(session, access, plan, order)
        await _remember(session, access, used, workflow_id=workflow_id)
        told |= {"workflow_id": workflow_id, "warnings": plan.warnings}
    await crud.count_use(session, access.workspace_id, used.version.id, "instantiations")
    return {
        "template_id": used.template.id,
        "version": used.version.number,
        "kind": used.template.kind,
        **told,
    }


async def _make(
    session: AsyncSession, access: Access, used: Used, body: AgentBody, name: str
) -> dict[str, Any]:
    """The agent of a template, after those that work in it."""
    template = used.template
    members: dict[str, UUID] = {}
    for member in body.members:
        sheet = AgentCreate(
            name=f"{name}: {member.name}"[:200],
            description=member.description,
            definition=_with_members(member.definition, members, used.values),
            note=_note(used),
            metadata={},
        )
        members[member.key] = (await agents.create(session, access, sheet)).id
    sheet = AgentCreate(
        name=name,
        description=template.description,
        definition=_with_members(body.definition, members, used.values),
        note=_note(used),
        metadata=_origin(used),
    )
    agent_id = (await agents.create(session, access, sheet)).id
    await _remember(session, access, used, agent_id=agent_id)
    return {"agent_id": agent_id, "member_ids": members}


async def _remember(
    session: AsyncSession,
    access: Access,
    used: Used,
    *,
    agent_id: UUID | None = None,
    workflow_id: UUID | None = None,
) -> None:
    made = TemplateInstance(
        id=new_id(),
        workspace_id=access.workspace_id,
        version_id=used.version.id,
        agent_id=agent_id,
        workflow_id=workflow_id,
        created_by_id=access.user_id,
        variables=used.values,
    )
    await crud.add(session, made)


def _expect_allowed(access: Access, permission: Permission) -> None:
    if permission not in access.permissions:
        raise MakingNotAllowed(f"To make it takes `{permission}`.")


def _with_members(
    document: Mapping[str, Any], members: Mapping[str, UUID], values: Mapping[str, Any]
) -> AgentDefinition:
    """The definition with the ids of the members that it names by their keys."""
    named = {key: str(agent_id) for key, agent_id in members.items()}
    return using.defined(filling.point_members(document, named), values)


def _origin(used: Used) -> dict[str, Any]:
    return {"template_id": str(used.template.id), "template_version": used.version.number}


def _note(used: Used) -> str:
    return f"Made of the template `{used.template.slug}`, version {used.version.number}."
