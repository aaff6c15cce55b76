"""Which rate limits a request is under: those of its key, person, workspace and address.

All are decided together, once, when the caller is known. Credentials that are refused are counted
by address; an address that has used up its attempts is refused before anything is looked up.
"""

import ipaddress
import time
from collections import OrderedDict
from functools import lru_cache
from typing import Final
from uuid import UUID

from app.core.auth import Access
from app.core.config import Settings
from app.core.limiter import Limiter
from app.core.limits import Limit, Policy, RateLimited, Standing, Verdict

MOST_BLOCKED: Final = 10_000
MOST_REMEMBERED: Final = 10_000
MOST_ADDRESSES: Final = 64  # of one caller
POLICIES: Final = "admission.policies"
IPV6_NETWORK: Final = 64  # what one subscriber is given


class Admission:
    """The policies of this service, applied."""

    def __init__(self, settings: Settings, limiter: Limiter) -> None:
        self._settings = settings
        self._limiter = limiter
        self._blocked: OrderedDict[str, float] = OrderedDict()
        self._of_address = lru_cache(MOST_REMEMBERED)(self._make_for_address)
        self._of_caller = lru_cache(MOST_REMEMBERED)(self._make_for_caller)

    async def admit(
        self, address: str, access: Access | None = None, *, sensitive_route: str = ""
    ) -> Verdict:
        """Count one request; the verdict may be a refusal.

        A sensitive route has a stricter policy of its own by address, and raises LimiterUnavailable
        when it cannot be counted; any other is served then.
        """
        policies = self.policies(address, access, sensitive_route=sensitive_route)
        return await self._limiter.decide(policies, closed=bool(sensitive_route))

    async def admit_to(self, subject: str, limit: Limit) -> Verdict:
        """Count one call of what has a limit of its own, whoever calls; it may be a refusal."""
        return await self._limiter.decide((Policy(limit, subject),))

    def policies(
        self, address: str, access: Access | None = None, *, sensitive_route: str = ""
    ) -> tuple[Policy, ...]:
        """What one request of this address and caller is counted under."""
        if access is None:
            return self._of_address(address, sensitive_route)
        if sensitive_route:
            return self._of_address(address, sensitive_route) + self._of(access)
        # By the same caller from the same place it is the same object, as most requests are.
        known: dict[str, tuple[Policy, ...]] = access.memo.setdefault(POLICIES, {})
        policies = known.get(address)
        if policies is None:
            if len(known) >= MOST_ADDRESSES:
                known.clear()
            policies = known[address] = self._of_address(address, "") + self._of(access)
        return policies

    async def count_refused_credential(self, address: str) -> Verdict:
        """Count a credential that was no good; the verdict may be a refusal."""
        network = network_of(address)
        verdict = await self._limiter.decide(
            _policies((self._settings.rate_limit_attempts, f"address:{network}"))
        )
        if verdict.refused and verdict.tightest is not None:
            self._block(network, verdict.tightest)
        return verdict

    def check_attempts(self, address: str) -> None:
        """Raise RateLimited for an address that sent too many credentials that were no good."""
        if not self._blocked:
            return
        network = network_of(address)
        wait = self._blocked.get(network, 0.0) - time.monotonic()
        limit = self._settings.rate_limit_attempts
        if wait > 0 and limit is not None:
            raise RateLimited(Standing(limit, 0, limit.seconds, wait, refused=True))
        self._blocked.pop(network, None)

    def _block(self, network: str, standing: Standing) -> None:
        self._blocked[network] = time.monotonic() + standing.retry_seconds
        self._blocked.move_to_end(network)
        while len(self._blocked) > MOST_BLOCKED:
            self._blocked.popitem(last=False)

    def _of(self, access: Access) -> tuple[Policy, ...]:
        return self._of_caller(
            access.user_id, access.workspace_id, access.api_key_id, access.limits
        )

    def _make_for_address(self, address: str, sensitive_route: str) -> tuple[Policy, ...]:
        subject = f"address:{network_of(address)}"
        policies = _policies((self._settings.rate_limit_address, subject))
        if sensitive_route:
            policies += _policies(
                (self._settings.rate_limit_sensitive, f"{subject}:{sensitive_route}")
            )
        return policies

    def _make_for_caller(
        self, user_id: UUID, workspace_id: UUID, key_id: UUID | None, limits: tuple[Limit, ...]
    ) -> tuple[Policy, ...]:
        settings = self._settings
        policies = _policies(
            (settings.rate_limit_user, f"user:{user_id}"),
            (settings.rate_limit_workspace, f"workspace:{workspace_id}"),
        )
        if key_id is not None:
            key = f"key:{key_id}"
            policies += _policies((settings.rate_limit_key, key))
            policies += tuple(Policy(limit, key) for limit in limits)
        return policies


def _policies(*wanted: tuple[Limit | None, str]) -> tuple[Policy, ...]:
    return tuple(Policy(limit, subject) for limit, subject in wanted if limit is not None)


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """Whom an address stands for: itself, or of IPv6 the network that one subscriber has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_NETWORK), strict=False).network_address)
