"""What the ledger, the counters and the providers say of the same calls."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis
from sqlalchemy import select

from app.core import restorable
from app.core.db import SYSTEM, Database
from app.inference.budgets import standing
from app.inference.budgets.counters import ValkeyCounters
from app.inference.budgets.models import Budget
from app.inference.prices.money import to_nano
from app.inference.usage.models import ModelCall
from tests.inference.chaos.answers import Answer
from tests.inference.chaos.providers import Scripted, Served
from tests.inference.chaos.site import RATES, Site

CALM_SECONDS = 15.0
GIVEN_UP = frozenset({"provider_timed_out", "call_timed_out"})


@dataclass(frozen=True)
class Held:
    settled: int
    reserved: int


@dataclass(frozen=True)
class Books:
    """Looks into the stores themselves."""

    database: Database
    valkey: Redis
    site: Site

    async def rows(self) -> Sequence[ModelCall]:
        found = select(ModelCall).where(ModelCall.workspace_id == self.site.workspace_id)
        async with self.database.unit(SYSTEM) as session:
            return (
                await session.scalars(found.order_by(ModelCall.request_id, ModelCall.attempt))
            ).all()

    async def held(self) -> Held | None:
        """The budget's counter; None while it is not loaded."""
        found = await self.valkey.hmget(f"budget:{self.site.budget_id}:total", "s", "r")
        return None if found[0] is None else Held(int(found[0]), int(found[1]))

    async def told(self) -> Held:
        """How the budget stands, as its API tells: by the rows where the counter has lapsed."""
        async with self.database.unit(SYSTEM) as session:
            budget = await restorable.find(
                session, Budget, self.site.workspace_id, self.site.budget_id
            )
            assert budget is not None
            shown = await standing.shown(session, ValkeyCounters(self.valkey), budget)
        assert shown.spent is not None
        assert shown.reserved is not None
        return Held(to_nano(shown.spent), to_nano(shown.reserved))

    async def holds(self) -> set[str]:
        """Ids of all calls that hold something."""
        names = [name async for name in self.valkey.scan_iter(match="holds:*")]
        return {call.decode() for name in names for call in await self.valkey.hkeys(name)}

    async def slots(self) -> int:
        return int(await self.valkey.hlen(f"slots:key:{self.site.key_id}"))

    async def calm(self, seconds: float = CALM_SECONDS) -> Sequence[ModelCall]:
        """Every row once nothing is under way any more; fails if that takes too long."""
        deadline = time.monotonic() + seconds
        while True:
            rows, held = await self.rows(), await self.held()
            under_way = [row for row in rows if row.status == "started"]
            quiet = rows and not under_way and (held is None or not held.reserved)
            if quiet and not await self.valkey.xlen("usage:calls"):
                return await self.rows()
            assert time.monotonic() < deadline, (held, len(rows), len(under_way))
            await asyncio.sleep(0.1)


async def assert_balanced(books: Books) -> Sequence[ModelCall]:
    """The budget and the rows agree to the nano-dollar, and nothing is held by anybody."""
    rows = await books.calm()
    held = await books.told()
    spent = sum(cost_of(row) for row in rows)
    assert held == Held(spent, 0), (held, spent)
    assert await books.slots() == 0
    assert not await books.holds() & {str(row.id) for row in rows}
    return rows


def cost_of(row: ModelCall) -> int:
    assert row.cost_usd is not None, row.id
    return to_nano(row.cost_usd)


def by_request(rows: Iterable[ModelCall]) -> dict[str, list[ModelCall]]:
    found: dict[str, list[ModelCall]] = defaultdict(list)
    for row in rows:
        found[str(row.request_id)].append(row)
    return found


def assert_calls_add_up(
    rows: Sequence[ModelCall], answers: Sequence[Answer], providers: Mapping[str, Scripted]
) -> None:
    """Every answer has its row, with the tokens and the money that its provider counted."""
    requests = by_request(rows)
    for attempts in requests.values():
        assert [row.attempt for row in attempts] == list(range(1, len(attempts) + 1))
        assert [row.status for row in attempts[:-1]] == ["failed"] * (len(attempts) - 1)
    billed = {
        kind: {each.asked.task: each for each in provider.served if each.finished}
        for kind, provider in providers.items()
    }
    paid: Counter[str] = Counter()
    for answer in answers:
        if not answer.request_id:
            assert not answer.whole, answer
            continue
        attempts = requests[answer.request_id]
        last = attempts[-1]
        assert last.status == ("succeeded" if answer.whole else "failed"), (answer, last.status)
        if answer.whole:
            served = billed[last.provider].pop(answer.task, None)
            assert served is not None, (answer, faults_of(answer, providers))
            assert_paid_as_billed(last, served)
            told = tuple(map(sum, zip(*map(tokens_of_row, attempts), strict=True)))
            assert answer.usage == told, (answer, told)
            paid[last.provider] += 1
    good = Counter(row.provider for row in rows if row.status == "succeeded")
    assert paid == good
    for kind, provider in providers.items():
        # What a provider finished and nobody had: we had stopped waiting for it.
        late = [row for row in rows if row.provider == kind and row.error_code in GIVEN_UP]
        assert len(billed[kind]) <= len(late), (kind, list(billed[kind].values()))
        assert provider.wrong == []


def assert_paid_as_billed(row: ModelCall, served: Served) -> None:
    counted = (row.input_tokens, row.output_tokens, row.cached_input_tokens)
    told = (served.asked.input_tokens, served.output_tokens, served.cached_tokens)
    assert counted == told, (counted, told)
    assert not row.estimated
    assert cost_of(row) == RATES[row.provider].cost(served)


def faults_of(answer: Answer, providers: Mapping[str, Scripted]) -> list[tuple[str, str, int]]:
    """Vendor, fault and frames written of everything that was asked for an answer."""
    return [
        (kind, served.fault, served.written)
        for kind, provider in providers.items()
        for served in provider.served
        if served.asked.task == answer.task
    ]


def tokens_of_row(row: ModelCall) -> tuple[int, int]:
    return row.input_tokens, row.output_tokens
