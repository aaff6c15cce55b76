"""Why a call is not made.

AppError
├── BudgetExceeded     402
├── PriceUnknown       402
├── CostUnbounded      402
├── CustomerBlocked    403
├── TooManyCalls       429
├── NoCandidateReady   503
│   └── AllResting     429
└── GateAway           503
"""

from app.core.errors import AppError, PermissionDenied, TooManyRequests, Unavailable


class BudgetExceeded(AppError):
    """A hard budget has no room for what this call may cost; `Retry-After` is until it renews."""

    status = 402
    code = "budget_exceeded"
    title = "A budget is used up"


class PriceUnknown(AppError):
    """A hard budget cannot be kept by calls whose price nobody knows: set one for the model."""

    status = 402
    code = "price_unknown"
    title = "The model has no price, and a budget stands"


class CostUnbounded(AppError):
    """A hard budget cannot be kept by a tool that the provider runs and bills as it likes."""

    status = 402
    code = "cost_unbounded"
    title = "What the call may cost has no bound, and a budget stands"


class CustomerBlocked(PermissionDenied):
    code = "customer_blocked"
    title = "This customer is blocked"


class TooManyCalls(TooManyRequests):
    code = "too_many_calls"
    title = "Too many calls at once"


class NoCandidateReady(Unavailable):
    """Every model that could answer fails; `Retry-After` is until the first is tried again."""

    code = "no_candidate_ready"
    title = "No provider is ready"


class AllResting(NoCandidateReady):
    """Every model that could answer has asked for a pause; `Retry-After` is until the first ends.

    A client that knows how to slow down for its vendor does so for this, hence the 429.
    """

    status = 429
    code = "providers_rate_limited"
    title = "Every provider limits the rate of requests"


class GateAway(Unavailable):
    """A hard budget stands, and what is spent of it cannot be read now."""

    code = "gate_away"
    title = "Budgets cannot be checked at the moment"
