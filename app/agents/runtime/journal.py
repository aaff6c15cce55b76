"""What a run has done so far, kept in Postgres step by step: the memory of its loop.

A step is written before it begins and after it has ended. What has ended is never done again. What
leads to nothing but the end of the run is written with that.

A question to a model may be asked again. So it is written only once it has lasted for half a
second, or has ended: no answer waits for Postgres to begin, and a short one is written once.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.agents.runtime import crud
from app.agents.runtime.crud import Change, Place
from app.agents.runtime.models import ExecutionStep, ToolApproval
from app.core.clock import now
from app.core.db import AsyncSession, Database
from app.core.ids import new_id
from app.core.storing import later, new_row
from app.core.waiting import running_loop
from app.runs.events.errors import RunLost
from app.runs.runs.context import RunContext
from app.runs.runs.patience import patiently


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step used; `usd` is None where a price is not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    usd: Decimal | None = Decimal(0)
    first_token_ms: int | None = None


FREE = Cost()
HELD_SECONDS: Final = 0.5


@dataclass(slots=True)
class Held:
    """A step that has begun, and is written when `timer` rings; `writing` from then on."""

    step: ExecutionStep
    timer: asyncio.TimerHandle
    writing: asyncio.Task[list[int]] | None = None


@dataclass(slots=True)
class Journal:
    """The steps and approvals of one run, by their places: path, number, call id.

    Its process is the only one that writes them while it holds the run.
    """

    database: Database
    ctx: RunContext
    steps: dict[Place, ExecutionStep] = field(default_factory=dict)
    approvals: dict[Place, ToolApproval] = field(default_factory=dict)
    seconds: float = 0.0
    _since: float = field(default_factory=time.monotonic)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _held: dict[UUID, Held] = field(default_factory=dict)
    _last: tuple[ExecutionStep, dict[str, Any], float] | None = None

    async def load(self) -> None:
        ctx = self.ctx
        async with self.database.unit(ctx.scope) as session:
            execution = await crud.get(session, ctx.workspace_id, ctx.run_id)
            steps = await crud.steps(session, ctx.workspace_id, ctx.run_id)
            approvals = await crud.approvals(session, ctx.workspace_id, ctx.run_id)
        self.steps = {(each.path, each.number, each.call_id): each for each in steps}
        self.approvals = {(each.path, each.number, each.call_id): each for each in approvals}
        self.seconds = execution.active_seconds if execution is not None else 0.0

    def ended(self, place: Place) -> ExecutionStep | None:
        """A step that has ended."""
        step = self.steps.get(place)
        return step if step is not None and step.status == "ended" else None

    def begun(self, place: Place) -> ExecutionStep | None:
        """A step that was begun, and not ended: its process died over it."""
        step = self.steps.get(place)
        return step if step is not None and step.status == "started" else None

    def answers(self, path: str) -> list[ExecutionStep]:
        """The model's steps of a path that have ended, in order."""
        found: list[ExecutionStep] = []
        while (step := self.ended((path, len(found) + 1, ""))) is not None:
            found.append(step)
        return found

    def count(self, kind: str) -> int:
        """How many steps of a kind there are in the whole tree; copied ones are not counted."""
        return sum(each.kind == kind and not each.copied for each in self.steps.values())

    @property
    def cost(self) -> Cost:
        """Of all steps; None where one has no known price."""
        mine = [each for each in self.steps.values() if not each.copied]
        known = [each.cost_usd for each in mine if each.status == "ended"]
        return Cost(
            sum(each.input_tokens for each in mine),
            sum(each.output_tokens for each in mine),
            None if None in known else sum(filter(None, known), Decimal(0)),
        )

    @property
    def active(self) -> float:
        """Seconds of work so far."""
        return self.seconds + time.monotonic() - self._since

    async def begin(self, place: Place, step: Mapping[str, Any]) -> ExecutionStep:
        """Write that a step begins; raises RunLost where the run is another process's by now."""
        row = self._begun(place, step)
        if await self._written(crud.begun_step(row, self.ctx.attempt)) == [0]:
            raise RunLost
        self.steps[place] = row
        return row

    def begin_held(self, place: Place, step: Mapping[str, Any]) -> ExecutionStep:
        """The same of a step that may be begun again: it is written later."""
        row = self.steps[place] = self._begun(place, step)
        timer = running_loop().call_later(HELD_SECONDS, self._write_held, row.id)
        self._held[row.id] = Held(row, timer)
        return row

    def _begun(self, place: Place, step: Mapping[str, Any]) -> ExecutionStep:
        path, number, call_id = place
        return new_row(
            ExecutionStep,
            id=new_id(),
            workspace_id=self.ctx.workspace_id,
            execution_id=self.ctx.run_id,
            path=path,
            number=number,
            call_id=call_id,
            status="started",
            is_error=False,
            copied=False,
            input_tokens=0,
            output_tokens=0,
            started_at=now(),
            **step,
        )

    def _write_held(self, step_id: UUID) -> None:
        """Write that a step has begun; where the run was lost, its log says so."""
        held = self._held[step_id]
        begun = self._written(crud.begun_step(held.step, self.ctx.attempt))
        held.writing = running_loop().create_task(begun, name="step")

    async def end(
        self,
        step: ExecutionStep,
        outcome: dict[str, Any],
        cost: Cost = FREE,
        *,
        is_error: bool = False,
    ) -> None:
        """Write how a step ended: from now on it is never done again."""
        values = _values(step, outcome, cost, is_error=is_error)
        async with self._turn:
            spent, self._since = time.monotonic() - self._since, time.monotonic()
            await self._written(await self._ended(step, values, spent))
            self.seconds += spent
        self._held.pop(step.id, None)
        step.__dict__.update(values)

    def end_with_run(self, step: ExecutionStep, outcome: dict[str, Any], cost: Cost) -> None:
        """The same of a step after which the run ends: it is written, and told of, with its end."""
        values = _values(step, outcome, cost)
        self._last = step, values, time.monotonic() - self._since
        self.rest()
        step.__dict__.update(values)
        self.ctx.rest()

    async def settle(self, session: AsyncSession) -> None:
        """Write what was left for the run's end, in its transaction."""
        last = None
        if self._last is not None:
            last, values, seconds = self._last
            await later(session, *await self._ended(last, values, seconds))
        for each in self._held.values():
            if each.step is not last and await self._is_unwritten(each.step):
                await later(session, *crud.begun_step(each.step, self.ctx.attempt))

    def rest(self) -> None:
        """Write nothing more unasked."""
        for each in self._held.values():
            each.timer.cancel()

    async def _ended(self, step: ExecutionStep, values: dict[str, Any], seconds: float) -> Change:
        """How a step ended, with all of it where nothing is written."""
        if await self._is_unwritten(step):
            return crud.whole_step(step, values, self.ctx.attempt, seconds)
        return crud.ended_step(step, values, seconds)

    async def _is_unwritten(self, step: ExecutionStep) -> bool:
        """Whether Postgres has nothing of a step, which was held till now."""
        held = self._held.get(step.id)
        if held is None:
            return False
        held.timer.cancel()
        if held.writing is None:
            return True
        await asyncio.wait([held.writing])
        return held.writing.cancelled() or held.writing.exception() is not None

    async def _written(self, change: Change) -> list[int]:
        """Carry out what comes to the same where it is done twice."""
        statement, values = change
        call = statement.call(values)
        return await patiently(lambda: self.database.carry_out(self.ctx.scope, call))

    async def ask(self, place: Place, approval: ToolApproval) -> ToolApproval:
        """Write that a call waits for a person."""
        async with self.database.unit(self.ctx.scope) as session:
            await crud.add(session, approval)
        self.approvals[place] = approval
        return approval


def _values(
    step: ExecutionStep, outcome: dict[str, Any], cost: Cost, *, is_error: bool = False
) -> dict[str, Any]:
    return {
        # Another model may have answered than the one that was asked first.
        "name": step.name,
        "status": "ended",
        "outcome": outcome,
        "is_error": is_error,
        "input_tokens": cost.input_tokens,
        "output_tokens": cost.output_tokens,
        "cost_usd": cost.usd,
        "first_token_ms": cost.first_token_ms,
        "ended_at": now(),
    }


def paths_under(path: str, call_id: str) -> str:
    """The path of what a call of an agent leads to."""
    return f"{path}/{call_id}" if path else call_id


def id_of(run_id: UUID, place: Place) -> str:
    """What a call bears in every attempt at it: its idempotency key."""
    path, number, call_id = place
    return f"{run_id}:{path}:{number}:{call_id}"
