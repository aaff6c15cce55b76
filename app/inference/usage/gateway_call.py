"""A call through the gateway, as the ledger carries it from its start to its end."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.clock import now
from app.core.ids import new_id
from app.inference.providers.types import Usage

Record = dict[str, Any]
# What the columns hold; a provider may say anything.
MOST_TOKENS = 2**31 - 1


@dataclass(slots=True)
class GatewayCall:
    """`input_tokens` is an estimate, used where the provider gives no count."""

    workspace_id: UUID
    user_id: UUID
    integration_id: UUID | None
    provider: str
    model: str
    input_tokens: int
    id: UUID = field(default_factory=new_id)
    created_at: datetime = field(default_factory=now)
    settled: bool = False

    def record(self, executor_id: str) -> Record:
        """The row of model_calls as it stands before the provider has answered."""
        return {
            "id": str(self.id),
            "workspace_id": str(self.workspace_id),
            "user_id": str(self.user_id),
            "integration_id": str(self.integration_id) if self.integration_id else None,
            "provider": self.provider,
            "model": self.model,
            "executor_id": executor_id,
            "created_at": self.created_at,
            "status": "started",
            "input_tokens": self.input_tokens,
            "output_tokens": 0,
            "cached_input_tokens": 0,
            "cache_write_tokens": 0,
            "reasoning_tokens": 0,
            "estimated": True,
            "first_token_ms": None,
            "error_code": None,
            "ended_at": None,
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a gateway call ended.

    Without `usage`, or where it is that of a part only, `output_tokens` is what was seen go by.
    """

    status: str
    usage: Usage | None = None
    usage_is_partial: bool = False
    output_tokens: int = 0
    first_token_ms: int | None = None
    error_code: str | None = None


def settled_record(call: GatewayCall, executor_id: str, end: Settlement) -> Record:
    """The whole row once more, so that the order in which the two arrive does not matter."""
    usage = end.usage
    if usage is None:
        answered = end.status != "failed" or end.output_tokens > 0
        usage = Usage(call.input_tokens if answered else 0, end.output_tokens)
    elif end.usage_is_partial:
        usage = replace(usage, output_tokens=max(usage.output_tokens, end.output_tokens))
    return call.record(executor_id) | {
        "status": end.status,
        "input_tokens": bounded(usage.input_tokens),
        "output_tokens": bounded(usage.output_tokens),
        "cached_input_tokens": bounded(usage.cached_input_tokens),
        "cache_write_tokens": bounded(usage.cache_write_tokens),
        "reasoning_tokens": bounded(usage.reasoning_tokens),
        "estimated": end.usage is None or end.usage_is_partial,
        "first_token_ms": end.first_token_ms,
        "error_code": end.error_code,
        "ended_at": now(),
    }


def bounded(tokens: int) -> int:
    return min(int(tokens), MOST_TOKENS)
