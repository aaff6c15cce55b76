"""An agent in production as a tool of the endpoint."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import anyio

from app.agents.mcp_endpoint.ports import AgentRuns, Ended, ServedAgent
from app.agents.tools.tool import (
    MOST_OUTPUT_CHARACTERS,
    Outcome,
    ToolContext,
    ToolFault,
    ToolTraits,
)
from app.core.auth import Access, Permission
from app.core.errors import AppError

PREFIX: Final = "run_agent_"
SECONDS: Final = 3600.0
MOST_INPUT: Final = 100_000
Begun = Callable[[UUID], Awaitable[None]]


@dataclass(slots=True, eq=False)
class AgentTool:
    """`begun` is told of the run, so that it can be cancelled from elsewhere."""

    runs: AgentRuns
    agent: ServedAgent
    begun: Begun | None = None

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.agent.slug}"

    @property
    def description(self) -> str:
        about = f" {self.agent.description}" if self.agent.description else ""
        return f"Have the agent “{self.agent.name}” work on something and answer.{about}"

    @property
    def parameters(self) -> Mapping[str, Any]:
        asked = {"type": "string", "minLength": 1, "maxLength": MOST_INPUT}
        return {
            "type": "object",
            "properties": {
                "input": {**asked, "description": "What the agent is asked."},
                "variables": {
                    "type": "object",
                    "description": "What its instructions are filled in with, if they have gaps.",
                },
            },
            "required": ["input"],
            "additionalProperties": False,
        }

    @property
    def traits(self) -> ToolTraits:
        return ToolTraits(
            effects="external",
            seconds=SECONDS,
            characters=MOST_OUTPUT_CHARACTERS,
            scopes=frozenset({Permission.AGENTS_RUN}),
        )

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        """Raises ToolFault; a cancelled call cancels the run."""
        steps = 0

        def tell(what: str) -> None:
            nonlocal steps
            steps += 1
            ctx.tell({"progress": steps, "total": None, "message": what})

        # A start that was cut off would leave a run that nobody carries out.
        starting = asyncio.create_task(
            self.runs.start(
                ctx.access, self.agent.slug, arguments["input"], arguments.get("variables") or {}
            )
        )
        ended = False
        try:
            run_id = await asyncio.shield(starting)
            if self.begun is not None:
                await self.begun(run_id)
            done = await self.runs.finished(ctx.access, run_id, tell)
            ended = True
        except AppError as error:
            raise ToolFault(error.code, error.detail) from None
        finally:
            if not ended:
                with anyio.CancelScope(shield=True):
                    await self._cancel(ctx.access, starting)
        return _outcome(done)

    async def _cancel(self, access: Access, starting: "asyncio.Task[UUID]") -> None:
        with suppress(AppError):
            await self.runs.cancel(access, await starting)


def _outcome(done: Ended) -> Outcome:
    said = {"run_id": str(done.run_id), "status": done.status, "output": done.output}
    if done.status == "completed":
        return Outcome(done.text, said)
    if done.status == "paused":
        waits = f"The run {done.run_id} waits for a person's approval; it goes on from there."
        return Outcome(waits, said)
    raise ToolFault(f"run_{done.status}", done.failure or f"The run was {done.status}.")
