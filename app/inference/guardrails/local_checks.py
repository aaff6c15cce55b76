"""Checks of this machine: what they look for, and what becomes of what they find."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from app.inference.guardrails.compiled import Policy
from app.inference.guardrails.detectors.injection import suspect
from app.inference.guardrails.findings import Action, Finding, Span, Stage
from app.inference.guardrails.unseen import Folded
from app.inference.providers.types import Role

EVERYONE: frozenset[Role] = frozenset({"system", "user", "assistant", "tool"})
# Whose words may be somebody else's than the application's.
OTHERS: frozenset[Role] = frozenset({"user", "tool"})


@dataclass(frozen=True, slots=True)
class SpanCheck:
    """Finds spans by a detector."""

    kind: str
    action: Action
    detect: Callable[[str], Iterable[Span]]
    replacement: str = ""
    restores: bool = False
    reach: int = 0
    roles: frozenset[Role] = field(default=EVERYONE)

    def looks_at(self, role: Role) -> bool:
        return role in self.roles

    def find(self, text: Folded, policy: Policy, stage: Stage) -> Iterator[tuple[Span, Finding]]:
        for span in self.detect(text.plain):
            yield (
                text.original(span),
                Finding(policy.id, policy.name, self.kind, span.label, self.action, stage),
            )


@dataclass(frozen=True, slots=True)
class InjectionCheck:
    """Finds a text as a whole that looks like an attempt to take the model over."""

    action: Action
    threshold: float
    kind: str = "prompt_injection"
    replacement: str = ""
    restores: bool = False
    reach: int = 0

    def looks_at(self, role: Role) -> bool:
        return role in OTHERS

    def find(self, text: Folded, policy: Policy, stage: Stage) -> Iterator[tuple[Span, Finding]]:
        found = suspect(text.read)
        if found.score >= self.threshold:
            label = found.rules[0]
            reason = "; ".join(found.reasons)
            finding = Finding(
                policy.id, policy.name, self.kind, label, self.action, stage, found.score, reason
            )
            yield Span(0, text.size, label), finding
