"""Budgets' counters, loaded from the ledger's rows where Valkey does not have them.

A counter that is not there is unknown, never zero. To load it, the stream's records are stored
first; what is settled while the rows are summed up is kept apart by Valkey, and added unless the
sum has it already.
"""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import orjson
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import SYSTEM, Database
from app.core.log import get_logger
from app.core.scripts import BatchedScript
from app.inference.budgets.rules import BudgetRule
from app.inference.gate import crud
from app.inference.gate.books import count_rows
from app.inference.gate.errors import GateAway
from app.inference.gate.outbox import Outbox
from app.inference.usage.drain import Drain

log = get_logger(__name__)

# A counter that another process loads is asked for again after this long.
BUSY_SECONDS: Final = 0.03
KEPT_SECONDS: Final = 2 * 86_400
# One of a budget so young that some process may not count under it yet is loaded again soon.
YOUNG_SECONDS: Final = 15
# One of a customer who has spent nothing yet: there may be any number of them.
IDLE_SECONDS: Final = 3600
# How many counters of a workspace's customers are loaded at once, and how many may wait for it.
NEW_AT_ONCE: Final = 4
MOST_NEW: Final = 256
STORES_FAIL: Final = (SQLAlchemyError, RedisError, OSError, TimeoutError)


class Counters:
    """Loads each counter once for all who ask for it at the same time."""

    def __init__(
        self, database: Database, script: BatchedScript, outbox: Outbox, drain: Drain
    ) -> None:
        self._database = database
        self._script = script
        self._outbox = outbox
        self._drain = drain
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._new: Counter[UUID] = Counter()
        self._turns: dict[UUID, asyncio.Semaphore] = {}

    async def load(self, workspace_id: UUID, rule: BudgetRule, at: datetime) -> None:
        """Have a rule's counter in Valkey, for the window of `at`; raises GateAway."""
        task = self._loading.get(rule.key)
        if task is None:
            task = self._begin(workspace_id, rule, at)
        try:
            await asyncio.shield(task)
        except STORES_FAIL as error:
            log.warning("budget_not_loaded", budget=str(rule.budget_id), error=repr(error))
            raise GateAway("Try again in a few seconds.", retry_after=2) from None

    def _begin(self, workspace_id: UUID, rule: BudgetRule, at: datetime) -> "asyncio.Task[None]":
        """Load it; of a workspace's customers a few at a time: their ids are as clients please."""
        if rule.customer is None:
            loading = self._load(workspace_id, rule, at)
        elif self._new[workspace_id] >= MOST_NEW:
            raise GateAway("Too many customers are new at once; try again.", retry_after=1)
        else:
            self._new[workspace_id] += 1
            loading = self._in_turn(workspace_id, rule, at)
        task = asyncio.create_task(loading, name="budget counter")
        self._loading[rule.key] = task
        task.add_done_callback(lambda _: self._loading.pop(rule.key, None))
        return task

    async def _in_turn(self, workspace_id: UUID, rule: BudgetRule, at: datetime) -> None:
        turns = self._turns.setdefault(workspace_id, asyncio.Semaphore(NEW_AT_ONCE))
        try:
            async with turns:
                await self._load(workspace_id, rule, at)
        finally:
            self._new[workspace_id] -= 1
            if not self._new[workspace_id]:
                del self._new[workspace_id], self._turns[workspace_id]

    async def _load(self, workspace_id: UUID, rule: BudgetRule, at: datetime) -> None:
        async with self._database.unit(SYSTEM) as session:
            since = await crud.clock(session)
        token = uuid4().hex
        said = await self._script.ask(orjson.dumps(["load", 0, rule.key, token]))
        if said[0] == "busy":
            await asyncio.sleep(BUSY_SECONDS)
        if said[0] != "go":
            return
        await self._outbox.flush()
        await self._drain.catch_up()
        found = await count_rows(self._database, workspace_id, rule, at=at, since=since)
        counted = found.counted
        kept = KEPT_SECONDS if counted.settled or rule.customer is None else IDLE_SECONDS
        kept = YOUNG_SECONDS if found.young else kept
        loaded = [
            "loaded",
            0,
            rule.key,
            token,
            counted.settled,
            counted.opens,
            counted.merged,
            kept,
        ]
        await self._script.ask(orjson.dumps(loaded))
