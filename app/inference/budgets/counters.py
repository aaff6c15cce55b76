"""The gate's counters, as budgets show them, and how those of a customer are forgotten."""

from datetime import timedelta
from typing import Final, cast
from uuid import UUID

from redis.exceptions import RedisError

from app.core.clock import now
from app.core.db import Scope
from app.core.kernel import Kernel, Valkey
from app.core.log import get_logger
from app.inference.budgets import crud
from app.inference.budgets.models import Budget
from app.inference.budgets.rules import counter_of
from app.inference.budgets.standing import Held
from app.inference.budgets.windows import WindowKind, window_at

log = get_logger(__name__)

# Counters are there for two days; days have 23 hours to 25.
AGES: Final = [timedelta(hours=12 * n) for n in range(5)]


class ValkeyCounters:
    """Reads what calls are held to; while Valkey is away nobody says."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def read(self, key: str) -> Held | None:
        try:
            settled, reserved = await self._valkey.hmget(key, ["s", "r"])
        except (RedisError, OSError) as error:
            log.warning("budget_counter_unread", reason=repr(error))
            return None
        return None if settled is None else Held(int(settled), int(reserved or 0))


def drop_counters(kernel: Kernel, workspace_id: UUID, customer: str) -> None:
    """Soon delete what is counted for one customer, whose id is in its counters' names.

    A counter that is asked for afterwards is loaded from the ledger.
    """

    async def drop() -> None:
        async with kernel.database.unit(Scope(workspace_id=workspace_id)) as session:
            budgets = await crud.of_all_customers(session, workspace_id)
        keys = [key for budget in budgets for key in _counters(budget, customer)]
        if keys:
            # Whoever is loading one finds that it has lost its turn, and begins anew.
            await kernel.valkey.unlink(*keys, *(f"{key}:load" for key in keys))

    kernel.background.soon("customer_counters_dropped", drop)


def _counters(budget: Budget, customer: str) -> set[str]:
    kind, at = cast("WindowKind", budget.window), now()
    windows = (window_at(kind, budget.timezone, at - age) for age in AGES)
    return {counter_of(budget.id, window.name, customer) for window in windows}
