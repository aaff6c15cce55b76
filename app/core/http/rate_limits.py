"""Counting requests at the edge, and telling the client how it stands."""

import math
from types import TracebackType
from typing import Final
from uuid import UUID

from fastapi import Depends
from starlette.types import Scope

from app.core.auth import Access
from app.core.errors import AppError, Unauthenticated
from app.core.http.context import add_headers
from app.core.kernel import Kernel
from app.core.limits import Limit, TokenLimit, Verdict

VERDICT: Final = "luminous.verdict"
SENSITIVE: Final = "luminous_sensitive"
# What OpenAI's clients read of a unit: its limit, what remains, and when it is full again.
NAMES: Final = {
    unit: tuple(f"x-ratelimit-{said}-{unit}".encode() for said in ("limit", "remaining", "reset"))
    for unit in (Limit.unit, TokenLimit.unit)
}


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


class attempts_counted:  # noqa: N801 - it is read as a verb
    """Around the reading of a credential: one that is refused is an attempt of its address.

    Raises RateLimited, before anything is looked up, where the address has had its attempts.
    """

    __slots__ = ("_kernel", "_scope")

    def __init__(self, scope: Scope, kernel: Kernel) -> None:
        self._scope = scope
        self._kernel = kernel

    async def __aenter__(self) -> None:
        self._kernel.admission.check_attempts(address_of(self._scope))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Unauthenticated):
            address = address_of(self._scope)
            _note(self._scope, await self._kernel.admission.count_refused_credential(address))
        elif isinstance(error, AppError):
            await count(self._scope, self._kernel)


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
    standings = [
        f'"{limit.name}";r={left};t={math.ceil(reset_seconds)}'
        for limit, left, reset_seconds, *_ in verdict.standings
    ]
    return [
        (b"ratelimit-policy", b", ".join([s.limit.told for s in verdict.standings])),
        (b"ratelimit", ", ".join(standings).encode()),
    ]


def vendor_headers_of(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The same of the limits that will refuse first, in the words that OpenAI's clients read."""
    verdict: Verdict | None = scope.get(VERDICT)
    if verdict is None:
        return []
    told: list[tuple[bytes, bytes]] = []
    for unit, (limit, remaining, reset) in NAMES.items():
        tightest = verdict.tightest_of(unit)
        if tightest is not None:
            told += (
                (limit, b"%d" % tightest.limit.requests),
                (remaining, b"%d" % tightest.left),
                (reset, _duration(tightest.reset_seconds).encode()),
            )
    return told


def _duration(seconds: float) -> str:
    """As OpenAI writes it: `120ms`, `6.5s`, `1m12s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s"
