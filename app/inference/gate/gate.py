"""The gate: one question to Valkey before a call is made, one note of how it ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.core.auth import Access
from app.core.limits import Policy, Verdict
from app.inference.gate.call import Admission, Load, OpenCall, Settlement
from app.inference.routing.plan import Candidate
from app.inference.usage.payer import Payer

__all__ = ["Admission", "CacheHit", "Gate", "Load", "OpenCall", "Settlement"]

Noted = Callable[[Verdict], None]


@dataclass(frozen=True, slots=True)
class CacheHit:
    """An answer that cost nothing: `status` is `hit` or `semantic_hit`, `saved` nano-dollars."""

    candidate: Candidate
    status: str
    saved: int | None = None


class Gate:
    """Admits calls and settles them."""

    async def admit(
        self,
        payer: Payer,
        access: Access | None,
        policies: Sequence[Policy],
        candidates: Sequence[Candidate],
        load: Load,
        *,
        noted: Noted | None = None,
    ) -> Admission:
        """Take everything that one request needs, or nothing; the first attempt is then open.

        `noted` hears how the request stands with its limits, refused or not. Raises RateLimited,
        TooManyCalls, CustomerBlocked, BudgetExceeded, PriceUnknown, NoCandidateReady, GateAway
        (a hard budget while Valkey is away) and LedgerFull.
        """
        raise NotImplementedError

    async def admit_next(
        self, call: OpenCall, candidates: Sequence[Candidate], load: Load | None = None
    ) -> OpenCall:
        """Open the next attempt of the same request; limits and concurrency count on.

        Raises BudgetExceeded, PriceUnknown, NoCandidateReady, GateAway and LedgerFull.
        """
        raise NotImplementedError

    async def admit_cached(
        self,
        payer: Payer,
        policies: Sequence[Policy],
        hit: CacheHit,
        load: Load,
        *,
        noted: Noted | None = None,
    ) -> Verdict:
        """Count a request that the cache answers, and leave its row; raises RateLimited."""
        raise NotImplementedError

    def settle(self, call: OpenCall, end: Settlement) -> None:
        """Say how an attempt ended; the first time counts. Sets `call.usage` and `call.cost`."""
        raise NotImplementedError

    async def flush(self) -> None:
        """Bring everything recorded so far into Postgres."""
        raise NotImplementedError
