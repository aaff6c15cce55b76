"""Agents of other services as tools: `a2a:<slug>`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.agents.a2a import remote_crud
from app.agents.a2a.models import A2aAgent
from app.agents.credentials.finding import Credentials
from app.agents.mcp_servers.pinning import visible
from app.agents.tools.errors import ToolUnfit, ToolUnknown
from app.agents.tools.tool import Listed, Outcome, Tool, ToolContext, ToolFault, ToolTraits, Wanted
from app.core.auth import Access, Permission
from app.core.db import Database
from app.core.errors import AppError
from app.core.outbound import Outbound

SECONDS: Final = 300.0
LONGEST: Final = 2000
PARAMETERS: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "minLength": 1, "maxLength": 100_000},
        "context_id": {
            "type": "string",
            "maxLength": 200,
            "description": "Of an earlier answer: the conversation goes on.",
        },
        "task_id": {
            "type": "string",
            "maxLength": 200,
            "description": "Of an answer that asked for input: its task goes on.",
        },
    },
    "required": ["message"],
    "additionalProperties": False,
}


class A2aSource:
    """The source `a2a` of a process."""

    kind = "a2a"

    def __init__(self, database: Database, credentials: Credentials, outbound: Outbound) -> None:
        self._database = database
        self.credentials = credentials
        self.outbound = outbound

    async def open(self, access: Access, wanted: Wanted) -> list[Tool]:
        """Raises ToolUnknown and ToolUnfit."""
        if wanted.config:
            raise ToolUnfit(f"`{wanted.reference}` takes no settings.")
        async with self._database.unit(access.scope) as session:
            found = await remote_crud.named(session, access.workspace_id, wanted.rest)
        if found is None:
            raise ToolUnknown(
                f"`{wanted.reference}`: there is no agent `{wanted.rest}` of another service."
            )
        return [RemoteAgent(self, found)]

    async def listed(self, access: Access) -> list[Listed]:
        async with self._database.unit(access.scope) as session:
            known = await remote_crud.living(session, access.workspace_id)
        tools = [RemoteAgent(self, each) for each in known]
        return [
            Listed(
                f"a2a:{tool.agent.slug}", tool.name, tool.description, tool.parameters, tool.traits
            )
            for tool in tools
        ]


@dataclass(frozen=True, slots=True)
class RemoteAgent:
    """One agent elsewhere. What it says is quoted data, whatever it asks for."""

    source: A2aSource
    agent: A2aAgent

    @property
    def name(self) -> str:
        return f"ask_{re.sub(r'[^a-zA-Z0-9_-]', '_', self.agent.slug)}"

    @property
    def description(self) -> str:
        skills = ", ".join(str(each.get("name", "")) for each in self.agent.card.get("skills", ()))
        said = f"{self.agent.name}, an agent of another service: {self.agent.description}"
        return visible(f"{said} It can: {skills}." if skills else said)[:LONGEST]

    @property
    def parameters(self) -> Mapping[str, Any]:
        return PARAMETERS

    @property
    def traits(self) -> ToolTraits:
        return ToolTraits(
            "external",
            idempotent=True,  # the message's id is the same in every attempt
            seconds=SECONDS,
            scopes=frozenset({Permission.AGENTS_RUN}),
            approval="never" if self.agent.trusted else "always",
            echoes=True,
        )

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        from app.agents.a2a.asking import Unanswered, ask  # noqa: PLC0415 - it loads the SDK

        source, named = self.source, self.agent.credential
        message = {"text": arguments["message"], "message_id": ctx.key}
        going_on = ("task_id", "context_id")
        message |= {name: arguments[name] for name in going_on if arguments.get(name)}
        try:
            held = await source.credentials.find(ctx.access, named) if named else None
            said = await ask(source.outbound, self.agent.card, held, message, seconds=SECONDS)
        except AppError as error:
            raise ToolFault(error.code, error.detail) from error
        except Unanswered as error:
            raise ToolFault("a2a_unanswered", f"The agent could not be asked: {error}") from error
        if said.state in ("failed", "rejected", "canceled"):
            raise ToolFault(f"a2a_{said.state}", said.text or f"Its task is {said.state}.")
        told = {
            "state": said.state,
            "task_id": said.task_id,
            "context_id": said.context_id,
            "data": said.data,
        }
        if said.state == "completed":
            return Outcome(said.text or "(It said nothing.)", told)
        more = f"Its task is {said.state}; task_id {said.task_id}, context_id {said.context_id}."
        return Outcome(visible(f"{said.text}\n\n{more}"), told)
