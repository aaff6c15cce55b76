"""What help from a model is given with, and what a request for it comes to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.agents.templates.asking import Asked
from app.automation.generation.suggesting import SUGGESTION, Suggesting
from app.automation.generation.surroundings import Workbench
from app.automation.generation.work import GENERATION, REPAIR, Drafting
from app.inference.calls.calls import Calls
from app.runs.runs.work import Work

__all__ = ["GENERATION", "REPAIR", "SUGGESTION", "Helping", "Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that may be begun, and what it is given. `asked` works its first question out.

    `model` is who is to answer; `asks` is False where no model is asked.
    """

    kind: str
    wish: dict[str, Any]
    asked: Callable[[], Awaitable[Asked | None]]
    model: str | None = None
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Helping:
    """One a process."""

    workbench: Workbench
    calls: Calls

    def works(self) -> tuple[Work, ...]:
        return (
            Drafting(GENERATION, self.workbench, self.calls),
            Drafting(REPAIR, self.workbench, self.calls),
            Suggesting(self.workbench, self.calls),
        )
