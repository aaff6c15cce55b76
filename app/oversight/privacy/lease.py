"""Long work on one row, by one process at a time, taken over from one that died."""

from datetime import timedelta

LEASE = timedelta(seconds=60)
RENEW_SECONDS = 2.0
MOST_ATTEMPTS = 8


class LeaseLost(Exception):
    """The row is another process's by now, or is gone; what was begun here counts no more."""
