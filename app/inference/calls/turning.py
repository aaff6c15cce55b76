"""Where a request turns after a failed attempt: again, to another candidate, or back with it."""

from dataclasses import dataclass

from app.core.errors import AppError
from app.inference.dialects.errors import RequestInvalid
from app.inference.providers.errors import (
    ContentFiltered,
    ContextTooLong,
    ProviderError,
    ProviderRejected,
    ProviderUnfit,
)
from app.inference.providers.retry import Retry
from app.inference.routing.plan import Candidate, Plan

# How long an attempt's provider is waited for while there are others to ask.
SHORT_WAIT = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """Wait so many seconds, then ask the first of these that may be asked."""

    wait: float
    candidates: tuple[Candidate, ...]


class Turning:
    """Knows who was asked already; `attempts` counts all askings.

    `left` are those not asked yet, in order.
    """

    __slots__ = ("_failover", "_made", "_most_retries", "_overflow", "attempts", "left")

    def __init__(self, plan: Plan, most_retries: int) -> None:
        self.attempts = 0
        self.left = plan.candidates
        self._failover = plan.failover
        self._most_retries = most_retries
        self._overflow = plan.on_overflow
        self._made: dict[str, int] = {}

    @property
    def may_go_on(self) -> bool:
        return self.attempts < self._failover.most_attempts

    def asked(self, candidate: Candidate) -> None:
        asked = candidate.deployment
        self.attempts += 1
        self._made[asked] = self._made.get(asked, 0) + 1
        self.left = tuple([other for other in self.left if other.deployment != asked])

    def after(
        self, candidate: Candidate, error: AppError, *, in_stream: bool = False
    ) -> Turn | None:
        """What to do after this candidate failed so; None where the error is the answer.

        Who broke off an answer that had begun (`in_stream`) is asked again after all others.
        """
        if not self.may_go_on or self._is_answer(error):
            return None
        if isinstance(error, ContextTooLong):
            self.left = tuple(one for one in self._overflow if one.deployment not in self._made)
        wait = self._wait(candidate, error)
        if in_stream and self.left:
            self.left += (candidate,) if wait is not None else ()
            return Turn(0, self.left)
        if wait is not None and (not self.left or wait <= SHORT_WAIT):
            return Turn(wait, (candidate, *self.left))
        return Turn(0, self.left) if self.left else None

    def _is_answer(self, error: AppError) -> bool:
        """What another candidate would say as well, or the policy does not ask another about."""
        if isinstance(error, ContentFiltered):
            return self._failover.on_content_filter == "pass"
        if isinstance(error, ProviderUnfit | RequestInvalid):
            return False
        return isinstance(error, ProviderRejected) or not isinstance(error, ProviderError)

    def _wait(self, candidate: Candidate, error: AppError) -> float | None:
        if not isinstance(error, ProviderError):
            return None
        retry = Retry(min(self._failover.retries, self._most_retries))
        return retry.wait(error, self._made[candidate.deployment] - 1)
