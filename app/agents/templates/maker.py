"""Who makes what templates of a kind say, where a room above knows that kind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from app.agents.templates import filling
from app.agents.templates import variables as variable
from app.agents.templates.body import WorkflowBody
from app.agents.templates.content import Content
from app.agents.templates.errors import TemplateInvalid
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.errors import FieldError


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition that was looked over; with an error, nothing can be made of it."""

    definition: dict[str, Any]
    errors: Sequence[FieldError]
    warnings: Sequence[FieldError]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made, beside what its plan says."""

    name: str
    description: str
    note: str
    metadata: dict[str, Any] = field(default_factory=dict)


class Maker(Protocol):
    """Makes one kind of thing out of definitions; whoever has it made needs its `permission`."""

    @property
    def permission(self) -> Permission: ...

    def mistakes(self, definition: dict[str, Any], at: str) -> Sequence[FieldError]:
        """What is wrong with a definition by itself; `at` is its pointer."""
        ...

    async def plan(self, access: Access, definition: dict[str, Any], at: str) -> Plan:
        """The same with what it names, as the caller sees it. No session is open meanwhile."""
        ...

    async def make(self, session: AsyncSession, access: Access, plan: Plan, order: Order) -> UUID:
        """The id of what was made of a plan without errors; raises AppError."""
        ...


@dataclass(slots=True)
class Makers:
    """Filled by the rooms above when they open."""

    workflows: Maker = field(init=False)

    def expect_sound(self, content: Content) -> None:
        """Raises TemplateInvalid for what could not be made, whatever the values are."""
        if not isinstance(content.body, WorkflowBody):
            return
        values = variable.stand_ins(content.variables)
        definition = filling.fill_flow(content.body.workflow, values)
        wrong = self.workflows.mistakes(definition, "/body/body/workflow")
        if wrong:
            raise TemplateInvalid(wrong)
