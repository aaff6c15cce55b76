"""Agents as evaluations run them: by the launcher that everyone else starts them by."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.agents.definitions import service as definitions
from app.agents.evaluations.graders.sample import Called
from app.agents.evaluations.ports import AgentEnded, AgentWanted
from app.agents.runtime.launching import Launcher, RunWanted
from app.agents.runtime.models import ExecutionStep
from app.agents.runtime.tree import EVALUATION
from app.core.auth import Access
from app.core.db import Database
from app.runs.runs import service as runs
from app.runs.runs.models import Run


class AgentRuns:
    """Runs agents."""

    def __init__(self, database: Database, launcher: Launcher) -> None:
        self._database = database
        self._launcher = launcher

    async def version_of(
        self, access: Access, agent: str, version: int | None, label: str | None
    ) -> tuple[UUID, int]:
        """Raises AgentNotFound, AgentVersionNotFound, AgentLabelNotFound."""
        async with self._database.unit(access.scope) as session:
            found, chosen = await definitions.resolve(session, access, agent, version, label)
            return found.id, chosen.number

    async def start(self, access: Access, wanted: AgentWanted) -> None:
        await self._launcher.start(
            access,
            RunWanted(
                wanted.agent,
                wanted.input,
                dict(wanted.variables),
                wanted.version,
                wanted.label,
                parent_run_id=wanted.parent_run_id,
                budget_usd=wanted.budget_usd,
                purpose=EVALUATION,
                run_id=wanted.run_id,
            ),
        )

    async def ended(self, access: Access, run_id: UUID) -> AgentEnded:
        run = await self._launcher.finished(access, run_id)
        return ended_of(run, await self._launcher.steps(access, run_id))

    async def cancel(self, access: Access, run_id: UUID) -> None:
        async with self._database.unit(access.scope) as session:
            await runs.request_cancel(session, access, run_id)
        self._launcher.runs.recovery.announce_cancel(run_id)


def ended_of(run: Run, steps: Sequence[ExecutionStep]) -> AgentEnded:
    """What its row and its steps say; steps of other agents it gave work to count, too."""
    result: dict[str, Any] = run.result or {}
    output = result.get("output")
    asked = [step for step in steps if step.kind == "model"]
    began, ended = run.started_at or run.created_at, run.ended_at or run.updated_at
    return AgentEnded(
        run.status,
        str(result.get("text") or (output if isinstance(output, str) else "")),
        None if isinstance(output, str) else output,
        run.error,
        [Called(step.name, step.arguments, step.is_error) for step in steps if step.kind == "tool"],
        len(steps),
        run.input_tokens,
        run.output_tokens,
        run.cost_usd,
        (ended - began).total_seconds(),
        asked[0].first_token_ms if asked else None,
        asked[-1].name if asked else None,
    )
