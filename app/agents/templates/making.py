"""Agents out of templates."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.agents.definitions import service as agents
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.schemas import AgentCreate
from app.agents.templates import crud, filling, using
from app.agents.templates.body import AgentBody, PromptBody
from app.agents.templates.errors import AgentsNotYours, WorkflowEngineMissing
from app.agents.templates.models import TemplateInstance
from app.agents.templates.schemas import TemplateInstantiate
from app.agents.templates.using import Used
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.ids import new_id


async def planned(
    session: AsyncSession, access: Access, template_id: UUID, wanted: TemplateInstantiate
) -> list[AgentDefinition]:
    """The definitions of the agents that would be made, their members named by their keys."""
    used = await using.taken(session, access, template_id, wanted)
    body = used.content.body
    if not isinstance(body, AgentBody):
        return []
    documents = [*(member.definition for member in body.members), body.definition]
    return [using.defined(each, used.values) for each in documents]


async def instantiate(
    session: AsyncSession, access: Access, template_id: UUID, wanted: TemplateInstantiate
) -> dict[str, Any]:
    """The fields of a TemplateInstantiated: an agent, or messages to use.

    Raises WorkflowEngineMissing, AgentsNotYours, and what rendering and making an agent raise.
    """
    used = await using.taken(session, access, template_id, wanted)
    body = used.content.body
    told: dict[str, Any] = {"agent_id": None, "member_ids": {}, "messages": None}
    if isinstance(body, PromptBody):
        told["messages"] = using.said_by(body, used.values)
    elif isinstance(body, AgentBody):
        if Permission.AGENTS_WRITE not in access.permissions:
            raise AgentsNotYours("To make an agent takes `agents:write`.")
        told |= await _make(session, access, used, body, wanted.name or used.template.name)
    else:
        raise WorkflowEngineMissing("The template is kept; this version cannot run workflows.")
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
        metadata={"template_id": str(template.id), "template_version": used.version.number},
    )
    agent_id = (await agents.create(session, access, sheet)).id
    made = TemplateInstance(
        id=new_id(),
        workspace_id=access.workspace_id,
        version_id=used.version.id,
        agent_id=agent_id,
        created_by_id=access.user_id,
        variables=used.values,
    )
    await crud.add(session, made)
    return {"agent_id": agent_id, "member_ids": members}


def _with_members(
    document: Mapping[str, Any], members: Mapping[str, UUID], values: Mapping[str, Any]
) -> AgentDefinition:
    """The definition with the ids of the members that it names by their keys."""
    named = {key: str(agent_id) for key, agent_id in members.items()}
    return using.defined(filling.point_members(document, named), values)


def _note(used: Used) -> str:
    return f"Made of the template `{used.template.slug}`, version {used.version.number}."
