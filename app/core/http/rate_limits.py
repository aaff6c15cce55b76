"""Counting requests at the edge, and telling the client how it stands."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from fastapi import Depends
from starlette.types import Scope

from app.core.auth import Access
from app.core.errors import AppError, Unauthenticated
from app.core.http.context import add_headers
from app.core.kernel import Kernel
from app.core.limits import Verdict

VERDICT: Final = "luminous.verdict"
SENSITIVE: Final = "luminous_sensitive"


async def _mark() -> None:
    """Marks a route; its guard reads the mark."""


_mark.__dict__[SENSITIVE] = True

sensitive = Depends(_mark)
"""`dependencies=[public, sensitive]`: a route that is a target for guessing or a heavy one.

An address has a stricter limit on it, and it is refused (503) while nothing can be counted.
"""


async def resolve_counted(
    scope: Scope, kernel: Kernel, bearer: str, workspace_id: UUID | None
) -> Access:
    """The caller, with the request counted.

    Raises RateLimited, what the resolver raises, and on a sensitive route LimiterUnavailable.
    """
    if kernel.resolver is None:
        raise Unauthenticated
    async with attempts_counted(scope, kernel):
        access = await kernel.resolver.resolve(bearer, workspace_id, address_of(scope))
    await count(scope, kernel, access)
    return access


@asynccontextmanager
async def attempts_counted(scope: Scope, kernel: Kernel) -> AsyncIterator[None]:
    """Around the reading of a credential: one that is refused is an attempt of its address.

    Raises RateLimited, before anything is looked up, where the address has had its attempts.
    """
    address = address_of(scope)
    kernel.admission.check_attempts(address)
    try:
        yield
    except Unauthenticated:
        _note(scope, await kernel.admission.count_refused_credential(address))
        raise
    except AppError:
        await count(scope, kernel)
        raise


async def count(scope: Scope, kernel: Kernel, access: Access | None = None) -> None:
    """Count this request, once; raises RateLimited.

    On a sensitive route it raises LimiterUnavailable where nothing can be counted.
    """
    if VERDICT in scope:
        return
    route = scope.get("route")
    sensitive_route = route.path if route and getattr(route, SENSITIVE, False) else ""
    verdict = await kernel.admission.admit(
        address_of(scope), access, sensitive_route=sensitive_route
    )
    _note(scope, verdict)


def address_of(scope: Scope) -> str:
    """The client's address; empty where the connection has none."""
    client = scope.get("client")
    return client[0] if client else ""


def _note(scope: Scope, verdict: Verdict) -> None:
    scope[VERDICT] = verdict
    if verdict.standings:
        add_headers(scope, headers_of(verdict))
    if verdict.refused:
        raise verdict.refusal()


def headers_of(verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """`RateLimit-Policy` and `RateLimit`, as structured fields (draft-ietf-httpapi-ratelimit)."""
    policies, standings = [], []
    for standing in verdict.standings:
        limit = standing.limit
        policies.append(f'"{limit.name}";q={limit.requests};w={limit.seconds}')
        standings.append(f'"{limit.name}";r={standing.left};t={math.ceil(standing.reset_seconds)}')
    return [
        (b"ratelimit-policy", ", ".join(policies).encode()),
        (b"ratelimit", ", ".join(standings).encode()),
    ]


def vendor_headers_of(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The same of the policy that will refuse first, in the words that OpenAI's clients read."""
    verdict: Verdict | None = scope.get(VERDICT)
    tightest = verdict.tightest if verdict else None
    if tightest is None:
        return []
    return [
        (b"x-ratelimit-limit-requests", b"%d" % tightest.limit.requests),
        (b"x-ratelimit-remaining-requests", b"%d" % tightest.left),
        (b"x-ratelimit-reset-requests", _duration(tightest.reset_seconds).encode()),
    ]


def _duration(seconds: float) -> str:
    """As OpenAI writes it: `120ms`, `6.5s`, `1m12s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s"
