"""The mail of a budget that is running out."""

from collections.abc import Sequence

from app.inference.budgets.crud import Crossing
from app.inference.budgets.models import Budget

MOST_LINES = 20
_SPANS = {"day": "today", "month": "this month", "total": "in total"}


def subject(budget: Budget, crossed: Sequence[Crossing]) -> str:
    """One line of at most 200 characters, whatever the budget is called."""
    name = "".join(c if c.isprintable() else " " for c in budget.name)
    return f"{max(c.threshold for c in crossed)} % of the budget {name[:150]} are used"


def text(budget: Budget, crossed: Sequence[Crossing]) -> str:
    """What was crossed, the highest first; of many customers the first twenty."""
    span = _SPANS[budget.window]
    highest = sorted(crossed, key=lambda c: c.threshold, reverse=True)
    lines = [_line(crossing) for crossing in highest[:MOST_LINES]]
    if len(highest) > MOST_LINES:
        lines.append(f"- and {len(highest) - MOST_LINES} more")
    then = (
        "Calls that could go beyond the amount are refused until it is raised or a new span begins."
        if budget.hard
        else "Calls go on: the budget only tells."
    )
    amount = f"{budget.amount.normalize():f}"
    told = "\n".join(lines)
    return f"The budget “{budget.name}” allows ${amount} {span}.\n\n{told}\n\n{then}\n\nLuminous\n"


def _line(crossing: Crossing) -> str:
    whose = f" by customer {crossing.customer}" if crossing.customer else ""
    return f"- {crossing.threshold} %: ${crossing.spent.normalize():f} spent{whose}"
