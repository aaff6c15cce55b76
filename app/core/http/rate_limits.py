"""Counting requests at the edge, and telling the client how it stands."""

import math
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from fastapi import Depends
from starlette.types import Scope

from app.core.auth import Access, AccessResolver
from app.core.errors import AppError, Unauthenticated
from app.core.http.context import add_headers
from app.core.kernel import Kernel
from app.core.limits import MICROSECONDS, Limit, Policy, TokenLimit, Verdict

VERDICT: Final = "luminous.verdict"
WORDINGS: Final = "http.wordings"
MOST_WORDINGS: Final = 8  # of one caller
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
    access = await resolve(scope, kernel, kernel.resolver, bearer, workspace_id)
    await count(scope, kernel, access)
    return access


async def resolve(
    scope: Scope, kernel: Kernel, resolver: AccessResolver, bearer: str, workspace_id: UUID | None
) -> Access:
    """The caller; raises RateLimited where its address has had its attempts at credentials."""
    address = address_of(scope)
    kernel.admission.check_attempts(address)
    try:
        return await resolver.resolve(bearer, workspace_id, address)
    except AppError as error:
        await count_refused(scope, kernel, error)
        raise


async def count_refused(scope: Scope, kernel: Kernel, error: AppError) -> None:
    """Count a credential that was refused: one that is no good is an attempt of its address.

    Raises RateLimited.
    """
    if isinstance(error, Unauthenticated):
        _note(scope, await kernel.admission.count_refused_credential(address_of(scope)))
    else:
        await count(scope, kernel)


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
    _note(scope, verdict, access)


def address_of(scope: Scope) -> str:
    """The client's address; empty where the connection has none."""
    client = scope.get("client")
    return client[0] if client else ""


def _note(scope: Scope, verdict: Verdict, access: Access | None = None) -> None:
    scope[VERDICT] = verdict
    if verdict.policies:
        add_headers(scope, wording_of(verdict, access).headers(verdict))
    if verdict.refused:
        raise verdict.refusal()


class Wording:
    """How it is told where a request stands with these policies: in most of it nothing changes."""

    __slots__ = ("_limits", "_policies", "_standing", "_told", "_told_of", "_units", "policies")

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.policies = policies
        self._limits = limits = [policy.limit for policy in policies]
        names = [limit.told.partition(b";q=")[0].replace(b"%", b"%%") for limit in limits]
        self._policies = b"ratelimit-policy", b", ".join([limit.told for limit in limits])
        self._standing = b", ".join([b"%b;r=%%d;t=%%d" % name for name in names])
        self._told_of: Sequence[int] | None = None
        self._told: list[tuple[bytes, bytes]] = []
        self._units = [(unit, places) for unit in NAMES if (places := _places(limits, unit))]

    def headers(self, verdict: Verdict) -> list[tuple[bytes, bytes]]:
        """`RateLimit-Policy`, `RateLimit`, as structured fields (draft-ietf-httpapi-ratelimit)."""
        return self._in_own_words(self._numbers(verdict))

    def vendor_headers(self, verdict: Verdict) -> list[tuple[bytes, bytes]]:
        """The same of the limits that refuse first, in the words that OpenAI's clients read."""
        return self._in_vendors_words(verdict, self._numbers(verdict))

    def all_headers(self, verdict: Verdict) -> list[tuple[bytes, bytes]]:
        """Both; worked out once for those who were counted at once."""
        if verdict.standing is not self._told_of:
            numbers = self._numbers(verdict)
            self._told = self._in_own_words(numbers) + self._in_vendors_words(verdict, numbers)
            self._told_of = verdict.standing
        return self._told

    def _numbers(self, verdict: Verdict) -> list[int]:
        """Of each limit, what is left of it, and the seconds until it is full."""
        numbers: list[int] = []
        for limit, full in zip(self._limits, verdict.standing, strict=True):
            numbers.append(limit.left(full))
            numbers.append(-(-full // MICROSECONDS))
        return numbers

    def _in_own_words(self, numbers: list[int]) -> list[tuple[bytes, bytes]]:
        return [self._policies, (b"ratelimit", self._standing % tuple(numbers))]

    def _in_vendors_words(self, verdict: Verdict, numbers: list[int]) -> list[tuple[bytes, bytes]]:
        left, short = numbers[::2], verdict.short
        told: list[tuple[bytes, bytes]] = []
        for unit, places in self._units:
            at, limit = places[0]
            for other, its_limit in places[1:]:
                least = left[at]
                if left[other] < least or (
                    left[other] == least and short and short[other] > short[at]
                ):
                    at, limit = other, its_limit
            _, remaining, reset = NAMES[unit]
            told += (
                limit,
                (remaining, b"%d" % left[at]),
                (reset, _duration(verdict.standing[at] / MICROSECONDS)),
            )
        return told


def wording_of(verdict: Verdict, access: Access | None) -> Wording:
    """How a verdict is told, which is worked out once for a caller's policies."""
    policies = verdict.policies
    if access is None:
        return Wording(policies)
    known: dict[int, Wording] = access.memo.setdefault(WORDINGS, {})
    wording = known.get(id(policies))
    if wording is None:
        if len(known) >= MOST_WORDINGS:
            known.clear()
        # It holds them, so that nothing else comes to have their id.
        wording = known[id(policies)] = Wording(policies)
    return wording


def _places(limits: Sequence[Limit], unit: str) -> list[tuple[int, tuple[bytes, bytes]]]:
    """The places of the limits of a unit, and how each is told."""
    name = NAMES[unit][0]
    return [
        (place, (name, b"%d" % limit.requests))
        for place, limit in enumerate(limits)
        if limit.unit == unit
    ]


def _duration(seconds: float) -> bytes:
    """As OpenAI writes it: `120ms`, `6.5s`, `1m12s`."""
    if seconds < 1:
        return b"%dms" % math.ceil(seconds * 1000)
    if seconds < 60:
        return (b"%.3f" % seconds).rstrip(b"0").rstrip(b".") + b"s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return b"%dm%ds" % (minutes, rest)
