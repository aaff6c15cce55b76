"""The budget of an experiment: no case is asked that could go beyond it."""

import asyncio
from decimal import Decimal


class Purse:
    """What is spent, and what those who are under way may still take: the dearest case so far.

    Until one case has told what it costs, one is asked at a time. What has no known price counts
    nothing.
    """

    def __init__(self, budget: Decimal | None, spent: Decimal) -> None:
        self.spent = spent
        self.reached = False
        self._budget = budget
        self._dearest: Decimal | None = None
        self._under_way = 0
        self._changed = asyncio.Condition()

    @property
    def left(self) -> Decimal | None:
        return None if self._budget is None else max(self._budget - self.spent, Decimal(0))

    async def take(self) -> bool:
        """Wait until another case may be asked; False where none may any more."""
        if self._budget is None:
            return True
        async with self._changed:
            while not self.reached:
                needed = self._dearest or Decimal(0)
                fits = self.spent + (self._under_way + 1) * needed <= self._budget
                if not self._under_way and (not fits or self.spent >= self._budget):
                    self.reached = True
                    self._changed.notify_all()
                elif fits and (not self._under_way or self._dearest is not None):
                    self._under_way += 1
                    return True
                else:
                    await self._changed.wait()
        return False

    async def give(self, cost: Decimal) -> None:
        """A case that was let in has ended, and has cost this much."""
        self.spent += cost
        if self._budget is None:
            return
        async with self._changed:
            self._under_way -= 1
            self._dearest = max(self._dearest or Decimal(0), cost)
            self._changed.notify_all()
