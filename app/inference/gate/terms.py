"""What a request is under: the limits of its key and of its customer, and what it may cost."""

from typing import Final
from uuid import UUID

from app.core.auth import Access
from app.core.limits import Limit, Policy
from app.inference.customers.limits import CustomerLimits
from app.inference.gate.bounds import LONGEST_ANSWER
from app.inference.gate.call import Bucket, Load, Terms
from app.inference.gate.records import MOST_TOKENS
from app.inference.prices.price import Price

# A million dollars: what a client asks for must not run over a counter.
MOST_RESERVED: Final = 10**15


def terms_of(
    policies: tuple[Policy, ...],
    access: Access | None,
    workspace_id: UUID,
    customer: CustomerLimits | None,
) -> Terms:
    """Everything that is counted for a request beside money."""
    tokens: list[Policy] = []
    slots: list[tuple[str, int]] = []
    if access is not None and access.credential == "api_key":
        subject = f"key:{access.credential_id}"
        tokens += _tokens(access.rules.tokens, subject)
        if access.rules.concurrency is not None:
            slots.append((f"slots:{subject}", access.rules.concurrency))
    if customer is not None:
        subject = f"customer:{workspace_id}:{customer.customer}"
        policies += tuple(Policy(limit, subject) for limit in customer.requests)
        tokens += _tokens(customer.tokens, subject)
        if customer.concurrency is not None:
            slots.append((f"slots:{subject}", customer.concurrency))
    return Terms(policies, tuple(tokens), tuple(map(_bucket, tokens)), tuple(slots))


def _tokens(limits: tuple[Limit, ...], subject: str) -> list[Policy]:
    return [Policy(limit, f"{subject}:tokens") for limit in limits]


def _bucket(policy: Policy) -> Bucket:
    return Bucket(policy.key, policy.limit.microseconds_each, policy.limit.requests)


def correcting(terms: Terms, taken: int, used: int) -> tuple[int, ...]:
    """What is to be taken more of each bucket, or given back, once it is known what was used."""
    return tuple([used - min(taken, bucket.most) for bucket in terms.buckets])


def reservation(price: Price, load: Load, beyond: int = 0, longest: int = LONGEST_ANSWER) -> int:
    """Nano-dollars that a call may come to: its input counted double, and its longest answer.

    `beyond` are tokens of pictures and files, `longest` is an answer that the request leaves open.
    """
    images, milliseconds = load.images, load.milliseconds
    tokens = min(2 * load.input_tokens + beyond, MOST_TOKENS)
    answer = load.most_output_tokens
    answer = min(longest * load.answers if answer is None else answer, MOST_TOKENS)
    mixed = beyond > 0
    cost = price.most(tokens, answer, mixed=mixed, images=images, milliseconds=milliseconds)
    return min(cost, MOST_RESERVED)
