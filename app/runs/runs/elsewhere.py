"""Runs that are driven elsewhere: another engine says when each is taken up, and by whom."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID


class Elsewhere(Protocol):
    """Has runs of some `kinds` taken up, in place of this room's sweeper.

    What a run has done stays with us, and so do its lease, its log, its pause and its end.
    """

    @property
    def kinds(self) -> Collection[str]: ...

    def wake(self, run_id: UUID) -> None:
        """A run that paused may go on, or is to be cancelled; it may be one of another kind."""
        ...
