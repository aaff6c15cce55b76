"""Makes workflows of what their templates say, as `POST /v1/workflows` does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.agents.templates.maker import Order, Plan
from app.automation.language.checking import check, findings_of
from app.automation.workflows import service
from app.automation.workflows.checking import Bench, look_over
from app.automation.workflows.schemas import WorkflowCreate
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.errors import FieldError


@dataclass(frozen=True, slots=True)
class WorkflowMaker:
    """The `Maker` of workflows."""

    bench: Bench

    @property
    def permission(self) -> Permission:
        return Permission.WORKFLOWS_WRITE

    def mistakes(self, definition: dict[str, Any], at: str) -> Sequence[FieldError]:
        _, findings = findings_of(definition, self.bench.types, pointer=at)
        return findings.errors

    async def plan(self, access: Access, definition: dict[str, Any], at: str) -> Plan:
        found = await look_over(self.bench, access, definition, at=at)
        return Plan(definition, found.errors, found.warnings)

    async def make(self, session: AsyncSession, access: Access, plan: Plan, order: Order) -> UUID:
        """Raises TooManyWorkflows."""
        new = WorkflowCreate(
            name=order.name,
            description=order.description,
            definition=plan.definition,
            note=order.note,
            metadata=order.metadata,
        )
        flow = check(plan.definition, self.bench.types)
        return (await service.create(session, access, new, flow)).workflow.id
