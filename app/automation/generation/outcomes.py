"""What runs that ask a model for help came to, until they are settled."""

from typing import Any
from uuid import UUID

from app.automation.generation.asking import Spent
from app.core.db import AsyncSession, on_commit
from app.core.schema import Output
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement


class Outcomes:
    """Of this process; a run's result stands nowhere else."""

    def __init__(self) -> None:
        self._spent: dict[UUID, Spent] = {}
        self._results: dict[UUID, dict[str, Any]] = {}

    def begin(self, ctx: RunContext, spent: Spent) -> None:
        self._spent[ctx.run_id] = spent

    def keep(self, ctx: RunContext, result: Output) -> None:
        self._results[ctx.run_id] = result.model_dump(mode="json")

    def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """The result of a run that completed, and what any has cost."""
        spent = self._spent.get(ctx.run_id) or Spent.of(ctx.history)
        result = self._results.get(ctx.run_id, {}) if ending.status == "completed" else {}
        on_commit(session, lambda: self._forget(ctx.run_id))
        total = spent.total
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)

    def _forget(self, run_id: UUID) -> None:
        self._spent.pop(run_id, None)
        self._results.pop(run_id, None)
