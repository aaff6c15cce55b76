"""What holds for one customer, as the gate and the routes apply it; no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.limits import Limit, TokenLimit
from app.inference.customers.models import Customer, CustomerDefaults

Stored = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class CustomerLimits:
    """Limits in requests and in tokens, calls at once, and patterns of models; None allows all."""

    customer: str
    blocked: bool = False
    requests: tuple[Limit, ...] = ()
    tokens: tuple[TokenLimit, ...] = ()
    concurrency: int | None = None
    models: tuple[str, ...] | None = None

    @property
    def holds_nothing(self) -> bool:
        limited = self.blocked or self.requests or self.tokens
        return not limited and self.concurrency is None and self.models is None


@dataclass(frozen=True, slots=True)
class Terms:
    """The same of nobody in particular; None where it is left open."""

    blocked: bool = False
    requests: tuple[Limit, ...] | None = None
    tokens: tuple[TokenLimit, ...] | None = None
    concurrency: int | None = None
    models: tuple[str, ...] | None = None


OPEN = Terms()


@dataclass(frozen=True, slots=True)
class Standings:
    """A workspace's listed customers, and what holds for all others."""

    listed: Mapping[str, Terms] = field(default_factory=dict)
    others: Terms = OPEN

    def limits(self, customer: str | None) -> CustomerLimits | None:
        """What holds for a customer; None where nothing does, or a call names none."""
        if customer is None or (not self.listed and self.others == OPEN):
            return None
        own, other = self.listed.get(customer), self.others
        found = _limits(customer, other if own is None else own, other)
        return None if found.holds_nothing else found


def _limits(customer: str, own: Terms, other: Terms) -> CustomerLimits:
    return CustomerLimits(
        customer,
        own.blocked,
        (other.requests or ()) if own.requests is None else own.requests,
        (other.tokens or ()) if own.tokens is None else own.tokens,
        other.concurrency if own.concurrency is None else own.concurrency,
        other.models if own.models is None else own.models,
    )


def terms_of(row: Customer | CustomerDefaults) -> Terms:
    return Terms(
        blocked=row.blocked,
        requests=_requests(row.requests),
        tokens=_tokens(row.tokens),
        concurrency=row.concurrency,
        models=None if row.models is None else tuple(row.models),
    )


def _requests(stored: Stored | None) -> tuple[Limit, ...] | None:
    if stored is None:
        return None
    return tuple(Limit(f"customer-{s['seconds']}s", s["requests"], s["seconds"]) for s in stored)


def _tokens(stored: Stored | None) -> tuple[TokenLimit, ...] | None:
    if stored is None:
        return None
    return tuple(
        TokenLimit(f"customer-tokens-{s['seconds']}s", s["tokens"], s["seconds"]) for s in stored
    )
