"""What checks find, without ever holding the text that was found."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Action = Literal["mask", "replace", "refuse", "flag"]
Stage = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands in a text, and what it is (`EMAIL`, `AWS_ACCESS_KEY`)."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's finding. `score` is between 0 and 1 where the check gives one, `reason` why."""

    policy_id: UUID
    policy: str
    check: str
    label: str
    action: Action
    stage: Stage
    score: float | None = None
    reason: str = ""

    @property
    def key(self) -> tuple[UUID, str, str, Action, Stage]:
        """What tells two findings apart in a list of them."""
        return self.policy_id, self.check, self.label, self.action, self.stage

    @property
    def told(self) -> dict[str, str]:
        return {
            "guardrail_id": str(self.policy_id), "check": self.check, "label": self.label[:200],
            "action": self.action, "stage": self.stage,
        }  # fmt: skip
