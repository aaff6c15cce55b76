"""kill -9 of processes and stores under load: nothing is lost, doubled, or held for ever."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.db import Database
from app.core.kernel import connect_valkey
from app.inference.prices.money import to_nano
from app.inference.usage.models import ModelCall
from tests.inference.chaos.answers import events_of
from tests.inference.chaos.books import Books, assert_balanced, by_request, cost_of
from tests.inference.chaos.clients import ROUTE, ask
from tests.inference.chaos.load import Results, load
from tests.inference.chaos.processes import (
    LEASE_SECONDS,
    Engines,
    Process,
    own_engines,
    two_processes,
)
from tests.inference.chaos.providers import VENDORS, Script, Scripted
from tests.inference.chaos.site import LONG, RATES, Site, open_site
from tests.inference.chaos.tasks import Task
from tests.support.identity import new_person, until

CLIENTS = 24
SECONDS = 6.0
SLOWLY = {"slow": 1.0}


@pytest.fixture(scope="module")
def pair(settings: Settings) -> Iterator[tuple[Engines, list[Process]]]:
    # Not in pytest's folder, whose mode another run of pytest resets under Postgres's feet.
    with (
        TemporaryDirectory(prefix="luminous-chaos-", ignore_cleanup_errors=True) as folder,
        own_engines(Path(folder)) as engines,
        two_processes(
            settings.model_copy(
                update={
                    "database_url": SecretStr(engines.database_url),
                    "redis_url": SecretStr(engines.redis_url),
                    "data_dir": Path(folder),
                }
            )
        ) as processes,
    ):
        yield engines, processes


@dataclass(frozen=True)
class Stage:
    """Two processes in front of the scripted providers."""

    engines: Engines
    one: Process
    other: Process
    site: Site
    books: Books
    providers: dict[str, Scripted]

    @property
    def addresses(self) -> list[str]:
        return [self.one.address, self.other.address]


@pytest.fixture
async def stage(pair: tuple[Engines, list[Process]]) -> AsyncIterator[Stage]:
    engines, (one, other) = pair
    for process in (one, other):
        process.revive()
    async with AsyncExitStack() as stack:
        providers = {
            kind: await stack.enter_async_context(made(Script(seed=3, weights=SLOWLY)))
            for kind, made in VENDORS.items()
        }
        http = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=other.address, timeout=30)
        )
        person = await new_person(http)
        site = await open_site(http, person.headers, providers, timeouts=LONG)
        valkey = await stack.enter_async_context(connect_valkey(engines.redis_url))
        database = Database(engines.database_url, pool_size=3)
        stack.push_async_callback(database.close)
        yield Stage(engines, one, other, site, Books(database, valkey, site), providers)


def assert_each_answer_is_settled_once(
    rows: list[ModelCall], results: Results, providers: dict[str, Scripted]
) -> None:
    """What a client got is in one row, with the provider's count, and no row is there twice.

    An end waits ten milliseconds to travel: one that dies with its process is settled as lost.
    """
    requests = by_request(rows)
    for answer in results.whole:
        *_, last = requests[answer.request_id]
        assert last.status in ("succeeded", "interrupted")
        if last.status == "interrupted":
            continue
        (served,) = [
            each
            for each in providers[last.provider].served
            if each.asked.task == answer.task and each.finished
        ]
        assert last.output_tokens == served.output_tokens
        assert cost_of(last) == RATES[last.provider].cost(served)


async def test_a_killed_process_loses_nothing_and_the_other_serves_on(stage):
    results = Results()
    loading = asyncio.create_task(
        load(stage.addresses, stage.site.key, CLIENTS, SECONDS, results=results)
    )

    async def both_are_busy() -> bool:
        return len(await stage.books.holds()) > CLIENTS * 0.7

    await until(both_are_busy)
    stage.one.kill()
    whole = len(results.whole)
    await asyncio.sleep(2 * LEASE_SECONDS + 1)
    await loading
    # Clients of the dead one were cut off; those of the other noticed nothing.
    assert results.broken
    assert all("the connection broke" in each for each in results.broken)
    assert len(results.whole) > whole + CLIENTS / 2
    rows = await assert_balanced(stage.books)
    assert_each_answer_is_settled_once(rows, results, stage.providers)
    lost = [row for row in rows if row.status == "interrupted"]
    assert lost, Counter(row.status for row in rows)
    told = {answer.request_id for answer in results.whole}
    assert sum(str(row.request_id) in told for row in lost) <= 2
    assert all(row.estimated and row.input_tokens and cost_of(row) for row in lost)
    assert {row.status for row in rows} <= {"succeeded", "interrupted", "failed", "cancelled"}
    stage.one.revive()
    async with httpx2.AsyncClient(base_url=stage.one.address, timeout=20) as http:
        assert (await ask(http, stage.site.key, Task("again", 5))).whole
    await assert_balanced(stage.books)


async def test_what_a_dead_process_had_reserved_is_free_again(stage):
    for provider in stage.providers.values():
        provider.play = Script(weights={"endless": 1.0})
    asking = [asyncio.create_task(silent(stage, Task(f"held{number}", 400))) for number in range(8)]

    async def all_under_way() -> bool:
        return len(await stage.books.holds()) == 8

    await until(all_under_way)
    assert (await stage.books.told()).reserved > 0
    stage.one.kill()
    await asyncio.gather(*asking)

    async def free() -> bool:
        return not (await stage.books.told()).reserved

    await until(free)
    rows = await assert_balanced(stage.books)
    assert [row.status for row in rows] == ["interrupted"] * 8


async def silent(stage: Stage, task: Task) -> None:
    async with httpx2.AsyncClient(base_url=stage.one.address, timeout=30) as http:
        with pytest.raises(AssertionError, match="the connection broke"):
            await ask(http, stage.site.key, task)


async def hear_some(http: httpx2.AsyncClient, process: Process, body: dict) -> str:
    """Hear how a turn begins, kill its process, and give its run's id."""
    begun = b""
    async with http.stream("POST", f"{process.address}/v1/chat", json=body) as answer:
        try:
            async for piece in answer.aiter_raw():
                begun += piece
                if begun.count(b"event: text.delta") >= 3:
                    process.kill()
        except httpx2.HTTPError:
            return answer.headers["x-run-id"]
    raise AssertionError(begun)


async def test_a_killed_chat_turn_goes_on_elsewhere_and_is_paid_once(stage):
    task = Task("turn", 60)
    body = {"model": ROUTE, "stream": True}
    body["messages"] = [{"role": "user", "content": task.prompt}]
    async with httpx2.AsyncClient(timeout=30, headers=stage.site.headers) as http:
        run_id = await hear_some(http, stage.one, body)
        path = f"{stage.other.address}/v1/runs/{run_id}"
        raw = (await http.get(f"{path}/events")).content
        run = (await http.get(path)).json()
    events = [document for _, document in events_of(raw)[0]]
    said = "".join(event["text"] for event in events if event["type"] == "text.delta")
    assert (said, run["status"]) == (task.text, "completed")
    rows = await assert_balanced(stage.books)
    assert [row.status for row in rows] == ["interrupted", "succeeded"]
    assert {str(row.run_id) for row in rows} == {run_id}
    assert to_nano(Decimal(events[-1]["usage"]["cost_usd"])) == sum(map(cost_of, rows))


@asynccontextmanager
async def under_load(stage: Stage, seconds: float) -> AsyncIterator[Results]:
    """Clients of both processes while the block runs, and a while after it."""
    await answered_again(stage, results := Results())
    loading = asyncio.create_task(
        load(stage.addresses, stage.site.key, CLIENTS, seconds, results=results)
    )
    await asyncio.sleep(1)
    try:
        yield results
    finally:
        await loading
    await answered_again(stage, results)


async def answered_again(stage: Stage, results: Results) -> None:
    """Ask as every client until each of them has its whole answer."""

    async def all_are() -> bool:
        before = len(results.answers)
        name = f"again{before}t"
        await load(stage.addresses, stage.site.key, CLIENTS, 0.1, results=results, name=name)
        return all(answer.whole for answer in results.answers[before:])

    await until(all_are)


async def test_valkey_restarts_under_load_and_no_call_is_lost(stage):
    async with under_load(stage, SECONDS) as results:
        stage.engines.kill_valkey()

        async def refused_for_a_while() -> bool:
            await asyncio.sleep(1)
            return any(not answer.whole for answer in results.answers)

        await until(refused_for_a_while)
        refused = [answer for answer in results.answers if not answer.whole]
        stage.engines.restart()
    assert results.broken == []
    assert {answer.status for answer in refused} == {503}
    rows = await assert_balanced(stage.books)
    assert_each_answer_is_settled_once(rows, results, stage.providers)


async def test_postgres_restarts_under_load_and_no_call_is_lost(stage):
    async with under_load(stage, SECONDS) as results:
        stage.engines.kill_postgres()
        await asyncio.sleep(1.5)
        stage.engines.restart()
    assert results.broken == []
    # Anthropic has a 529 for what is unavailable.
    assert {answer.status for answer in results.answers} <= {200, 503, 529}, results.summary()
    rows = await assert_balanced(stage.books)
    assert_each_answer_is_settled_once(rows, results, stage.providers)
