"""A cache policy as calls use it."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal
from uuid import UUID

from app.inference.usage.call_scope import AppliesTo
from app.inference.usage.payer import Payer

Scope = Literal["workspace", "user", "customer"]


@dataclass(frozen=True, slots=True)
class CacheRule:
    """`models` are patterns of what a request asks for; None means all.

    `threshold` is the cosine similarity from which a question counts as the same; None: exact only.
    `generation` counts purges: an entry of an earlier one is never found.
    """

    id: UUID
    generation: int
    scope: Scope
    ttl_seconds: int
    max_entries: int
    max_answer_bytes: int
    exact: bool = True
    threshold: float | None = None
    embedding_model: str | None = None
    zero_temperature_only: bool = False
    caches_tool_calls: bool = False
    coalesces: bool = True
    models: tuple[str, ...] | None = None
    applies_to: AppliesTo = field(default_factory=AppliesTo)

    def takes(self, payer: Payer, model: str, route_id: str | None) -> bool:
        """Tell whether a call may be answered from here; who is apart must have a name."""
        if self.scope == "customer" and payer.customer is None:
            return False
        if self.models is not None and not any(fnmatchcase(model, p) for p in self.models):
            return False
        return self.applies_to.takes(payer, route_id)

    def owner(self, payer: Payer) -> str:
        """Among whose answers a call is looked up, within the workspace."""
        if self.scope == "user":
            return f"user:{payer.user_id}"
        return f"customer:{payer.customer}" if self.scope == "customer" else "workspace"
