"""What a subscription may spend on a day (UTC): settled and reserved together never exceed it."""

from datetime import date
from decimal import ROUND_DOWN, Decimal

from app.agents.mailbox.models import MailboxSubscription

LEAST = Decimal("0.0001")
"""A run that may cost less than that is not begun."""
_DIGITS = Decimal("0.000000001")


def share(
    subscription: MailboxSubscription, reserved: Decimal, places: int, today: date
) -> Decimal | None:
    """What each of the next runs may cost, so that `places` of them stay within the budget.

    None where there is no budget.
    """
    if subscription.budget_usd_per_day is None:
        return None
    spent = subscription.spent_usd if subscription.spent_on == today else Decimal(0)
    left = subscription.budget_usd_per_day - spent - reserved
    each = (left / max(1, places)).quantize(_DIGITS, ROUND_DOWN)
    return each if each >= LEAST else Decimal(0)


def spend(subscription: MailboxSubscription, cost: Decimal, today: date) -> None:
    """Add what a run cost to the day on which it ended."""
    if subscription.spent_on != today:
        subscription.spent_on, subscription.spent_usd = today, Decimal(0)
    subscription.spent_usd += cost
