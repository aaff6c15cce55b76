"""What a request is under: the limits of its key and of its customer, and what it may cost."""

from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from app.core.auth import Access, KeyRules
from app.core.limits import Limit, Policy
from app.inference.customers.limits import CustomerLimits
from app.inference.gate.bounds import LONGEST_ANSWER
from app.inference.gate.call import Load, Terms
from app.inference.gate.records import bounded
from app.inference.prices.price import Price
from app.inference.providers.types import Usage

# A million dollars: what a client asks for must not run over a counter.
MOST_RESERVED: Final = 10**15
Slots = tuple[tuple[str, int], ...]


def terms_of(
    policies: tuple[Policy, ...],
    access: Access | None,
    workspace_id: UUID,
    customer: CustomerLimits | None,
    load: Load,
) -> Terms:
    """Everything that is counted for this request beside money."""
    tokens: tuple[Policy, ...] = ()
    slots: Slots = ()
    if access is not None and access.credential == "api_key":
        tokens, slots = _of_key(access.credential_id, access.rules)
    if customer is not None:
        requests, more_tokens, more_slots = _of_customer(workspace_id, customer)
        policies, tokens, slots = policies + requests, tokens + more_tokens, slots + more_slots
    taken = load.input_tokens + (load.most_output_tokens or 0) if tokens else 0
    return Terms(policies, tokens, taken, slots)


@lru_cache(maxsize=10_000)
def _of_key(key_id: UUID, rules: KeyRules) -> tuple[tuple[Policy, ...], Slots]:
    slots = ((f"slots:key:{key_id}", rules.concurrency),) if rules.concurrency is not None else ()
    return _tokens(rules.tokens, f"key:{key_id}"), slots


@lru_cache(maxsize=10_000)
def _of_customer(
    workspace_id: UUID, limits: CustomerLimits
) -> tuple[tuple[Policy, ...], tuple[Policy, ...], Slots]:
    subject = f"customer:{workspace_id}:{limits.customer}"
    slots: Slots = ()
    if limits.concurrency is not None:
        slots = ((f"slots:{subject}", limits.concurrency),)
    requests = tuple(Policy(limit, subject) for limit in limits.requests)
    return requests, _tokens(limits.tokens, subject), slots


def _tokens(limits: tuple[Limit, ...], subject: str) -> tuple[Policy, ...]:
    return tuple(Policy(limit, f"{subject}:tokens") for limit in limits)


def taking(policy: Policy, tokens: int) -> list[Any]:
    """So many tokens out of a bucket, as the script is told; at most the whole of it."""
    limit = policy.limit
    return [policy.key, limit.microseconds_each, limit.requests, min(tokens, limit.requests)]


def correcting(terms: Terms, used: int) -> list[list[Any]]:
    """What is to be taken more, or given back, once it is known what was used."""
    found = []
    for policy in terms.tokens:
        limit = policy.limit
        difference = used - min(terms.taken, limit.requests)
        if difference:
            found.append([policy.key, limit.microseconds_each, limit.requests, difference])
    return found


def reservation(price: Price, load: Load, beyond: int = 0, longest: int = LONGEST_ANSWER) -> int:
    """Nano-dollars that a call may come to: its input counted double, and its longest answer.

    `beyond` are tokens of pictures and files, `longest` is an answer that the request leaves open.
    """
    tokens = bounded(2 * load.input_tokens + beyond)
    answer = load.most_output_tokens
    answer = bounded(longest * load.answers if answer is None else answer)
    used = Usage(tokens, answer)
    cost = price.cost(used, images=load.images, milliseconds=load.milliseconds)
    if price.is_steep:
        dearest = Usage(tokens, answer, 0, tokens, answer)
        most = price.cost(dearest, images=load.images, milliseconds=load.milliseconds)
        cost = max(cost, most)
    return min(cost, MOST_RESERVED)
