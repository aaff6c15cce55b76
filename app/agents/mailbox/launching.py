"""The dispatcher's port, over the runtime."""

from decimal import Decimal
from typing import Literal, cast
from uuid import UUID

from app.agents.mailbox.answering import Answer, Wanted
from app.agents.runtime.launching import Launcher, RunWanted
from app.agents.runtime.tree import MAIL
from app.core.auth import Access


class RuntimeLauncher:
    """Runs of agents, begun for messages."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher

    async def start(self, access: Access, wanted: Wanted) -> None:
        await self._launcher.start(
            access,
            RunWanted(
                agent=str(wanted.agent_id),
                input=wanted.input,
                label=wanted.label,
                metadata=dict(wanted.metadata),
                budget_usd=wanted.budget_usd,
                run_id=wanted.run_id,
                purpose=MAIL,
            ),
        )

    async def finished(self, access: Access, run_id: UUID) -> Answer:
        run = await self._launcher.finished(access, run_id)
        status = cast("Literal['completed', 'failed', 'cancelled', 'paused']", run.status)
        problem = run.error or {}
        return Answer(
            status,
            output=(run.result or {}).get("output"),
            error=problem.get("detail") or (None if status == "completed" else status),
            cost_usd=run.cost_usd or Decimal(0),
        )
