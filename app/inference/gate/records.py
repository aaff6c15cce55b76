"""What the ledger is told of a call: its row as JSON, when it starts and again when it ends."""

from dataclasses import asdict, fields, replace
from typing import Any, Final

import orjson

from app.core.clock import now
from app.inference.gate.call import Load, OpenCall, Settlement
from app.inference.prices.listed import at_tier
from app.inference.prices.price import Apart, Price, Tier
from app.inference.providers.types import Usage
from app.inference.routing.plan import Candidate
from app.inference.usage.payer import Payer

# What the columns hold; a provider may say anything.
MOST_TOKENS: Final = 2**31 - 1
NOTHING: Final = Usage()
ASKED: Final = "asked"
APART: Final = frozenset(each.name for each in fields(Apart))
STARTED: Final = b'"status":"started","input_tokens":%d,"output_tokens":%d,"estimated":true'
ENDED: Final = (
    b'"status":"%b","input_tokens":%d,"output_tokens":%d,"estimated":%b,"cost_nano":%b,'
    b'"ended_at":%b%b'
)


def head_of(call: OpenCall) -> bytes:
    """What a row says of its call whatever comes of it: the inside of a JSON object."""
    return b"%b,%b" % (call.began, asked_of(call.candidate)[0])


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
        known = known_of(said), kept_price(candidate.price)
        candidate.memo[ASKED] = known
    return known


def kept_price(price: Price | None) -> bytes:
    """A price as `read_price` reads it, without what it does not tell apart."""
    if price is None:
        return b"null"
    return orjson.dumps({**asdict(price), "tiers": [kept_tier(tier) for tier in price.tiers]})


def kept_tier(tier: Tier) -> dict[str, Any]:
    kept = asdict(tier)
    kept |= kept.pop("apart") or {}
    return {name: value for name, value in kept.items() if value is not None}


def row_of(payer: Payer, load: Load, executor_id: str) -> bytes:
    """What it says of who asks, and for what: the same of all requests of one kind."""
    return known_of(
        {
            "workspace_id": payer.workspace_id,
            "user_id": payer.user_id,
            "api_key_id": payer.api_key_id,
            "customer": payer.customer,
            "agent_id": payer.agent_id,
            "run_id": payer.run_id,
            "conversation_id": payer.conversation_id,
            "tags": payer.tags or None,
            "purpose": payer.purpose,
            "operation": load.operation,
            "dialect": load.dialect,
            "route": load.route,
            "category": load.category,
            "executor_id": executor_id,
        }
    )


def known_of(said: dict[str, Any]) -> bytes:
    """The inside of a JSON object with what is known: what a row does not say is null."""
    known = {name: value for name, value in said.items() if value is not None}
    # A database's driver has an own kind of UUID.
    return orjson.dumps(known, default=str)[1:-1]


def began_of(call: OpenCall, row: bytes) -> bytes:
    """What it says of one call, and of all of its kind."""
    return b'"id":"%b","request_id":"%b","attempt":%d,"created_at":%b,%b' % (
        call.id_text.encode(),
        call.request_text.encode(),
        call.attempt,
        orjson.dumps(call.created_at),
        row,
    )


def start_of(call: OpenCall, output_tokens: int = 0) -> bytes:
    """The rest of the row before the provider has answered; what of it may be known already."""
    return b'%b,"price":%b,"reserved_nano":%b' % (
        started(call.load.input_tokens, output_tokens),
        asked_of(call.candidate)[1],
        number(call.reserved),
    )


def started(input_tokens: int, output_tokens: int = 0) -> bytes:
    """What of it is the same whoever is asked."""
    return STARTED % (bounded(input_tokens), bounded(output_tokens))


def end_of(call: OpenCall, end: Settlement) -> bytes:
    """The rest of the row after it; the call has its usage and its cost by now."""
    usage = call.usage or NOTHING
    return ENDED % (
        end.status.encode(),
        usage.input_tokens,
        usage.output_tokens,
        b"true" if end.usage is None or end.usage_is_partial else b"false",
        number(call.cost),
        orjson.dumps(now()),
        seldom_of(usage, end),
    )


def seldom_of(usage: Usage, end: Settlement) -> bytes:
    """What most rows have nothing to say of."""
    told = b""
    if usage.cached_input_tokens or usage.cache_write_tokens or usage.reasoning_tokens:
        told += b',"cached_input_tokens":%d,"cache_write_tokens":%d,"reasoning_tokens":%d' % (
            bounded(usage.cached_input_tokens),
            bounded(usage.cache_write_tokens),
            bounded(usage.reasoning_tokens),
        )
    if end.first_token_ms is not None:
        told += b',"first_token_ms":%d' % end.first_token_ms
    if end.error is not None:
        told += b',"error_code":%b' % orjson.dumps(end.error.code)
    if end.findings:
        told += b',"guardrails":%b' % orjson.dumps(end.findings)
    return told


def number(known: int | None) -> bytes:
    return b"null" if known is None else b"%d" % known


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
    if end.status == "failed" and call.usage == NOTHING:
        return 0
    price, target = call.candidate.price, call.candidate.target
    if price is None or call.usage is None:
        return None
    price = at_tier(price, target.endpoint.kind, target.model, call.usage.service_tier)
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
    return Price(**(kept | {"tiers": tuple(read_tier(tier) for tier in kept["tiers"])}))


def read_tier(kept: dict[str, Any]) -> Tier:
    apart = {name: price for name, price in kept.items() if name in APART}
    usual = {name: price for name, price in kept.items() if name not in APART}
    rest = tuple(usual.pop("rest", ()))
    return Tier(**usual, rest=rest or None, apart=Apart(**apart) if apart else None)
