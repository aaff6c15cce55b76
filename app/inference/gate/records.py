"""What the ledger is told of a call: its row as JSON, when it starts and again when it ends."""

from dataclasses import replace
from typing import Any, Final

import orjson

from app.core.clock import now
from app.inference.gate.call import OpenCall, Settlement
from app.inference.prices.price import Price, Tier
from app.inference.providers.types import Usage
from app.inference.routing.plan import Candidate

# What the columns hold; a provider may say anything.
MOST_TOKENS: Final = 2**31 - 1
NOTHING: Final = Usage()
ASKED: Final = "asked"
STARTED: Final = (
    b'"status":"started","input_tokens":%d,"output_tokens":%d,"estimated":true,'
    b'"price":%b,"reserved_nano":%b'
)


def head_of(call: OpenCall, executor_id: str) -> bytes:
    """What a row says of its call whatever comes of it: the inside of a JSON object."""
    return b"%b,%b" % (beginning_of(call, executor_id), asked_of(call.candidate)[0])


def asked_of(candidate: Candidate) -> tuple[bytes, bytes]:
    """What it says of who is asked, and their price as an open call's row keeps it."""
    known: tuple[bytes, bytes] | None = candidate.memo.get(ASKED)
    if known is None:
        endpoint, target = candidate.target.endpoint, candidate.target
        said = {
            "integration_id": endpoint.integration_id,
            "provider": endpoint.kind,
            "model": target.model,
            "reference": target.reference,
        }
        known = orjson.dumps(said, default=str)[1:-1], orjson.dumps(candidate.price)
        candidate.memo[ASKED] = known
    return known


def beginning_of(call: OpenCall, executor_id: str) -> bytes:
    """What it says of who asks, and for what."""
    payer, load = call.payer, call.load
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
            "executor_id": executor_id,
            "created_at": call.created_at,
        },
        # A database's driver has an own kind of UUID.
        default=str,
    )[1:-1]


def start_of(call: OpenCall, output_tokens: int = 0) -> bytes:
    """The rest of the row before the provider has answered; what of it may be known already."""
    return started(call.candidate, call.load.input_tokens, output_tokens, call.reserved)


def started(
    candidate: Candidate, input_tokens: int, output_tokens: int, reserved: int | None
) -> bytes:
    """The same of an attempt at a candidate, by what it is made of."""
    return STARTED % (
        bounded(input_tokens),
        bounded(output_tokens),
        asked_of(candidate)[1],
        b"null" if reserved is None else b"%d" % reserved,
    )


def end_of(call: OpenCall, end: Settlement) -> bytes:
    """The rest of the row after it; the call has its usage and its cost by now."""
    usage = call.usage or NOTHING
    return orjson.dumps(
        {
            "status": end.status,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_input_tokens": bounded(usage.cached_input_tokens),
            "cache_write_tokens": bounded(usage.cache_write_tokens),
            "reasoning_tokens": bounded(usage.reasoning_tokens),
            "estimated": end.usage is None or end.usage_is_partial,
            "cost_nano": call.cost,
            "first_token_ms": end.first_token_ms,
            "error_code": None if end.error is None else end.error.code,
            "guardrails": end.findings,
            "ended_at": now(),
        }
    )[1:-1]


def usage_of(call: OpenCall, end: Settlement) -> Usage:
    """What a call has used, estimated where the provider gave no count, within what rows hold."""
    usage = end.usage
    if usage is None:
        answered = end.status != "failed" or end.output_tokens > 0
        usage = Usage(call.load.input_tokens if answered else 0, end.output_tokens)
    elif end.usage_is_partial and usage.output_tokens < end.output_tokens:
        usage = replace(usage, output_tokens=end.output_tokens)
    if usage.input_tokens <= MOST_TOKENS and usage.output_tokens <= MOST_TOKENS:
        return usage
    return replace(
        usage,
        input_tokens=bounded(usage.input_tokens),
        output_tokens=bounded(usage.output_tokens),
    )


def cost_of(call: OpenCall, end: Settlement) -> int | None:
    """Nano-dollars; None where no price is known. A failure that used nothing costs nothing."""
    if end.cost is not None:
        return end.cost
    if call.usage == NOTHING and end.status == "failed":
        return 0
    price = call.candidate.price
    if price is None or call.usage is None:
        return None
    return price.cost(call.usage, images=end.images, milliseconds=end.milliseconds)


def cached_of(status: str, saved: int | None) -> bytes:
    """The rest of the row of an answer that came out of the cache."""
    return orjson.dumps(
        {
            "status": "succeeded",
            "input_tokens": 0,
            "output_tokens": 0,
            "estimated": False,
            "cost_nano": 0,
            "cache_status": status,
            "saved_nano": saved,
            "ended_at": now(),
        }
    )[1:-1]


def bounded(tokens: int) -> int:
    return min(int(tokens), MOST_TOKENS)


def read_price(kept: dict[str, Any] | None) -> Price | None:
    """The price that an open call's row keeps."""
    if kept is None:
        return None
    tiers = []
    for tier in kept["tiers"]:
        rest = tier.get("rest")
        tiers.append(Tier(**(tier | {"rest": None if rest is None else tuple(rest)})))
    return Price(**(kept | {"tiers": tuple(tiers)}))
