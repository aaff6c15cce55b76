"""Policies as calls use them: their checks built once, apart by stage and by how they work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from app.core.errors import AppError
from app.inference.embeddings.embedder import Embedder
from app.inference.guardrails.findings import Action, Finding, Span, Stage
from app.inference.guardrails.unseen import Folded
from app.inference.providers.types import ChatRequest, ChatResult, Role
from app.inference.usage.call_scope import AppliesTo
from app.inference.usage.payer import Payer


class Asking(Protocol):
    """Calls a model of the payer's workspace, in the ledger like every call."""

    async def __call__(self, payer: Payer, model: str, request: ChatRequest) -> ChatResult: ...


class Moderating(Protocol):
    """Asks a moderation endpoint of the workspace: scores by category."""

    async def __call__(self, workspace_id: UUID, model: str, text: str) -> dict[str, float]: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What checks need that is not in this process's own hands."""

    ask: Asking
    moderate: Moderating
    embedder: Embedder


@dataclass(frozen=True, slots=True)
class Asked:
    """Of what call a text is; its payer pays for what a check asks of models."""

    stage: Stage
    payer: Payer
    outside: Outside


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check thinks of a whole text that it does not let pass."""

    label: str
    reason: str = ""
    score: float | None = None


class LocalCheck(Protocol):
    """Finds spans in a text, at once. `reach` is how long a match of it can be, in characters."""

    @property
    def action(self) -> Action: ...

    @property
    def replacement(self) -> str: ...

    @property
    def restores(self) -> bool: ...

    @property
    def reach(self) -> int: ...

    def looks_at(self, role: Role) -> bool: ...

    def find(
        self, text: Folded, policy: "Policy", stage: Stage
    ) -> Iterator[tuple[Span, Finding]]: ...


class RemoteCheck(Protocol):
    """Judges a text as a whole; it takes time, and may fail.

    `at_end` ones judge only a complete text. `fails_closed` tells what a failure means.
    """

    @property
    def kind(self) -> str: ...

    @property
    def action(self) -> Action: ...

    @property
    def at_end(self) -> bool: ...

    @property
    def fails_closed(self) -> bool: ...

    @property
    def seconds(self) -> float: ...

    async def judge(self, text: str, asked: Asked) -> Verdict | None:
        """None where nothing is wrong; raises AppError where that cannot be told."""
        ...


class CheckFailed(AppError):
    """A check of a policy could not be made."""

    status = 502
    code = "guardrail_check_failed"
    title = "A check could not be made"


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of one stage."""

    local: Sequence[LocalCheck] = ()
    remote: Sequence[RemoteCheck] = ()

    def __bool__(self) -> bool:
        return bool(self.local or self.remote)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, ready to be used."""

    id: UUID
    version: int
    name: str
    applies_to: AppliesTo = field(default_factory=AppliesTo)
    input: Checks = field(default_factory=Checks)
    output: Checks = field(default_factory=Checks)
