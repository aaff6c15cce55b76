"""The guardrails of a process: which apply to a call, from memory."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from app.core.db import Database, Scope
from app.core.fresh import Fresh
from app.inference.guardrails import crud
from app.inference.guardrails.compiled import Outside, Policy
from app.inference.guardrails.compiling import compile_policy
from app.inference.guardrails.guard import Guard
from app.inference.guardrails.judged import Judged
from app.inference.usage.payer import Payer

Policies = tuple[Policy, ...]
# What a check asks of a model is not checked in turn.
PURPOSE: Final = "guardrail"


class Guardrails:
    """One a process. A workspace without guardrails costs a look into a dictionary."""

    def __init__(self, database: Database, outside: Outside) -> None:
        self.outside = outside
        self._database = database
        self._judged = Judged()
        self._known: Fresh[Policies] = Fresh(self._load)

    @property
    def forget(self) -> Callable[[UUID], None]:
        """Load a workspace's guardrails anew at its next call."""
        return self._known.forget

    def are_none(self, workspace_id: UUID) -> bool:
        """Whether a workspace is known to have no guardrails: most have none."""
        return self._known.peek(workspace_id) == ()

    async def of(self, payer: Payer, route_id: str | None = None) -> Guard | None:
        """The guard of a call; None where no guardrail is for it. Waits only for what is stale."""
        if payer.purpose == PURPOSE:
            return None
        policies = self._known.peek(payer.workspace_id)
        if policies is None:
            policies = await self._known.get(payer.workspace_id)
        if not policies:
            return None
        applying = [policy for policy in policies if policy.applies_to.takes(payer, route_id)]
        return Guard(payer, applying, self.outside, self._judged) if applying else None

    async def _load(self, workspace_id: UUID) -> Policies:
        async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
            rows = await crud.in_force(session, workspace_id)
        return tuple(compile_policy(row) for row in rows)
