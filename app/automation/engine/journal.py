"""What a run has done so far: the memory of the interpreter, kept step by step."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Protocol

from app.automation.engine.errors import TooManySteps
from app.automation.engine.steps import UNDO, Place, Step


class Keeping(Protocol):
    """Where steps are kept."""

    async def keep(self, step: Step) -> Step:
        """Keep a step for good; the one that stands at its place already, where one does.

        Raises RunLost where the run is another process's by now.
        """
        ...


class Journal:
    """The steps of one run by path and attempt; what has ended is never done again."""

    def __init__(self, keeping: Keeping, steps: Iterable[Step], most_steps: int) -> None:
        self._keeping = keeping
        self._most = most_steps
        self.steps: dict[Place, Step] = {each.place: each for each in steps}
        self._held: set[Place] = set()
        self._finals = {each.path: each for each in self.steps.values() if each.is_final}
        self._position = max((each.position for each in self.steps.values()), default=0)
        self._spent: dict[str, Decimal] = {}
        self._is_priced = True
        for each in self.steps.values():
            self._count(each)

    def final(self, path: str) -> Step | None:
        """How the node there has ended."""
        return self._finals.get(path)

    def at(self, path: str, attempt: int) -> Step | None:
        return self.steps.get((path, attempt))

    @contextmanager
    def room(self, place: Place) -> Iterator[None]:
        """Hold a place for what is to be done, so that nothing is done which could not be kept.

        Raises TooManySteps where there is none. To undo what was done takes none.
        """
        is_new = place not in self.steps and not place[0].endswith(UNDO)
        if is_new:
            if len(self.steps) + len(self._held) >= self._most:
                raise TooManySteps(f"A run of this workflow may take {self._most} steps.")
            self._held.add(place)
        try:
            yield
        finally:
            self._held.discard(place)

    async def keep(self, step: Step) -> Step:
        """Keep an end, or the beginning of what must not be begun twice."""
        if step.status != "started":
            self._position += 1
            step.position = self._position
        try:
            kept = await self._keeping.keep(step)
        except asyncio.CancelledError:
            # It was done, and is kept all the same: what undoes things has to know of it.
            self._note(step)
            raise
        self._note(kept)
        return kept

    def _note(self, step: Step) -> None:
        self.steps[step.place] = step
        self._held.discard(step.place)
        if step.is_final:
            self._finals[step.path] = step
        self._count(step)

    def _count(self, step: Step) -> None:
        """Add what a step cost to what steps of its type did."""
        if step.copied or step.status == "started":
            return
        if step.cost_usd is None:
            self._is_priced = False
        elif step.cost_usd:
            before = self._spent.get(step.node_type, Decimal(0))
            self._spent[step.node_type] = before + step.cost_usd

    def under(self, prefix: str) -> list[Step]:
        """The final steps whose paths begin so, by position."""
        found = [each for path, each in self._finals.items() if path.startswith(prefix)]
        return sorted(found, key=lambda each: each.position)

    @property
    def cost_usd(self) -> Decimal | None:
        """Of all steps of this run itself; None where one has no known price."""
        return sum(self._spent.values(), Decimal(0)) if self._is_priced else None

    @property
    def spent_usd(self) -> Mapping[str, Decimal]:
        """What is known of it, by type of node."""
        return self._spent

    @property
    def tokens(self) -> tuple[int, int]:
        """Read and written."""
        mine = [each for each in self.steps.values() if not each.copied]
        return sum(each.input_tokens for each in mine), sum(each.output_tokens for each in mine)
