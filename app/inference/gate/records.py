"""What the ledger is told of a call: its row, as JSON, when it starts and once more when it ends."""

from dataclasses import replace
from functools import lru_cache
from typing import Final

import orjson

from app.core.clock import now
from app.core.errors import AppError
from app.inference.gate.call import OpenCall, Settlement
from app.inference.prices.price import Price
from app.inference.providers.types import Usage

# What the columns hold; a provider may say anything.
MOST_TOKENS: Final = 2**31 - 1
NOTHING: Final = Usage()


def head_of(call: OpenCall, executor_id: str) -> bytes:
    """What a row says of its call whatever comes of it: the inside of a JSON object."""
    payer, load, target = call.payer, call.load, call.candidate.target
    endpoint = target.endpoint
    return orjson.dumps(
        {
            "id": call.id,
            "request_id": call.request_id,
            "attempt": call.attempt,
            "workspace_id": payer.workspace_id,
            "user_id": payer.user_id,
            "api_key_id": payer.api_key_id,
            "customer": payer.customer,
            "agent_id": payer.agent_id,
            "run_id": payer.run_id,
            "conversation_id": payer.conversation_id,
            "tags": payer.tags,
            "purpose": payer.purpose,
            "operation": load.operation,
            "dialect": load.dialect,
            "route": load.route,
            "category": load.category,
            "integration_id": endpoint.integration_id,
            "provider": endpoint.kind,
            "model": target.model,
            "reference": target.reference,
            "executor_id": executor_id,
            "created_at": call.created_at,
        }
    )[1:-1]


def start_of(call: OpenCall) -> bytes:
    """The rest of the row before the provider has answered."""
    price = call.candidate.price
    return orjson.dumps(
        {
            "status": "started",
            "input_tokens": bounded(call.load.input_tokens),
            "output_tokens": 0,
            "estimated": True,
            "price": None if price is None else orjson.Fragment(written(price)),
            "reserved_nano": call.reserved,
        }
    )[1:-1]


def end_of(call: OpenCall, end: Settlement) -> bytes:
    """The rest of the row after it; the call has its usage and its cost by now."""
    usage = call.usage or NOTHING
    return orjson.dumps(
        {
            "status": end.status,
            "input_tokens": bounded(usage.input_tokens),
            "output_tokens": bounded(usage.output_tokens),
            "cached_input_tokens": bounded(usage.cached_input_tokens),
            "cache_write_tokens": bounded(usage.cache_write_tokens),
            "reasoning_tokens": bounded(usage.reasoning_tokens),
            "estimated": end.usage is None or end.usage_is_partial,
            "cost_nano": call.cost,
            "first_token_ms": end.first_token_ms,
            "error_code": None if end.error is None else error_code(end.error),
            "ended_at": now(),
        }
    )[1:-1]


def usage_of(call: OpenCall, end: Settlement) -> Usage:
    """What a call has used, estimated where the provider gave no count."""
    usage = end.usage
    if usage is None:
        answered = end.status != "failed" or end.output_tokens > 0
        return Usage(call.load.input_tokens if answered else 0, end.output_tokens)
    if end.usage_is_partial and usage.output_tokens < end.output_tokens:
        return replace(usage, output_tokens=end.output_tokens)
    return usage


def error_code(error: AppError) -> str:
    return error.code


def bounded(tokens: int) -> int:
    return min(int(tokens), MOST_TOKENS)


@lru_cache(maxsize=4096)
def written(price: Price) -> bytes:
    """A price as an open call's row keeps it."""
    return orjson.dumps(price)
