"""The outbox: what was committed is delivered, whatever dies, and one failure holds up no other."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from app.core.clock import now
from app.core.db import SYSTEM, Database, Scope, sync_engine
from app.core.dispatching import AT_ONCE, MOST_ATTEMPTS, Dispatcher
from app.core.ids import new_id
from app.core.outbox import MOST_DATA, EventTooLarge, OutboxEvent, emit, nudging
from app.core.turns import Turns
from tests.conftest import migrated_database
from tests.support.identity import counted_queries


class Notes:
    """A subscriber that writes what it is told in the delivery's transaction."""

    def __init__(self, name="notes", poison=(), concerned="true"):
        self.name = name
        self.concerned = concerned
        self.poison = set(poison)
        self.seen = []
        self.entered, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def on_events(self, session, events):
        for event in events:
            row = {"name": self.name, "n": event.data["n"]}
            await session.execute(text("insert into told values (:name, :n)"), row)
        self.seen.append([event.data["n"] for event in events])
        self.entered.set()
        await self.go_on.wait()
        if any(event.data["n"] in self.poison for event in events):
            await session.execute(text("select 1 / 0"))


@pytest.fixture(scope="module")
def url(stores, worker_number):
    """A database that no service delivers the events of."""
    made = migrated_database(stores[0], f"outbox_{worker_number}")
    engine = sync_engine(made)
    with engine.begin() as owner:
        owner.execute(text("create table told (name text, n int, primary key (name, n))"))
        owner.execute(text("grant all on told to luminous_app"))
    engine.dispose()
    return made


@pytest_asyncio.fixture
async def database(url):
    opened = Database(url)
    async with opened.unit(SYSTEM) as session:
        await session.execute(text("delete from told"))
        await session.execute(text("delete from outbox_events"))
    yield opened
    await opened.close()


async def new_workspace(database):
    made = uuid4()
    async with database.unit(SYSTEM) as session:
        await session.execute(
            text("insert into workspaces (id, name, kind) values (:id, 'w', 'team')"), {"id": made}
        )
    return made


@pytest_asyncio.fixture
async def workspace_id(database):
    return await new_workspace(database)


async def emitted(database, workspace_id, *numbers):
    for number in numbers:
        async with database.unit(Scope(workspace_id)) as session:
            await emit(session, workspace_id, "thing.done", {"n": number})


async def told(database):
    async with database.unit(SYSTEM) as session:
        rows = await session.execute(text("select name, n from told order by name, n"))
        return [tuple(row) for row in rows]


async def statuses(database):
    """Status and attempts of each event, by its number."""
    async with database.unit(SYSTEM) as session:
        rows = await session.execute(
            select(OutboxEvent.data, OutboxEvent.status, OutboxEvent.attempts)
        )
        return {data["n"]: (status, attempts) for data, status, attempts in rows}


async def make_due(database):
    async with database.unit(SYSTEM) as session:
        await session.execute(update(OutboxEvent).values(due_at=now() - timedelta(seconds=1)))


async def test_every_subscriber_is_told_once_by_however_many_processes(database, workspace_id):
    await emitted(database, workspace_id, *range(120))
    processes = [Dispatcher(database, [Notes("a"), Notes("b")]) for _ in range(3)]
    await asyncio.gather(*(process.run() for process in processes))
    assert await told(database) == [(name, n) for name in "ab" for n in range(120)]
    assert set((await statuses(database)).values()) == {("delivered", 0)}


async def test_what_was_not_committed_is_not_told_and_what_was_nudges(database, workspace_id):
    nudges = []
    database.before_commit.append(nudging(lambda: nudges.append(1)))
    async with database.unit(SYSTEM, dry_run=True) as session:
        await emit(session, workspace_id, "thing.done", {"n": 1})
    with pytest.raises(RuntimeError):
        await _fails(database, workspace_id)
    assert (nudges, await statuses(database)) == ([], {})
    await emitted(database, workspace_id, 3)
    async with database.unit(SYSTEM):
        pass  # a transaction without events
    assert (nudges, await statuses(database)) == ([1], {3: ("pending", 0)})


async def _fails(database, workspace_id):
    async with database.unit(SYSTEM) as session:
        await emit(session, workspace_id, "thing.done", {"n": 2})
        raise RuntimeError


async def test_what_concerns_nobody_is_done_with_in_one_message(database, workspace_id):
    some = "outbox_events.data ->> 'n' = '2'"
    notes = Notes("a", concerned=some), Notes("b", concerned="false")
    dispatcher = Dispatcher(database, notes)
    await emitted(database, workspace_id, 1)
    async with counted_queries(SimpleNamespace(database=database)) as sent:
        await dispatcher.run()
    assert len(sent) == 2  # the scope and the one statement
    assert (notes[0].seen, await statuses(database)) == ([], {1: ("delivered", 0)})
    await emitted(database, workspace_id, 2, 3)
    await dispatcher.run()
    assert notes[0].seen == [[2]]
    assert set((await statuses(database)).values()) == {("delivered", 0)}


async def test_one_that_fails_holds_up_no_other_and_comes_again(database, workspace_id):
    failing, other = Notes("a", poison=[2]), Notes("b")
    dispatcher = Dispatcher(database, [failing, other])
    await emitted(database, workspace_id, 1, 2, 3)
    await dispatcher.run()
    assert await told(database) == [("a", 1), ("a", 3), ("b", 1), ("b", 2), ("b", 3)]
    assert await statuses(database) == {
        1: ("delivered", 0),
        2: ("pending", 1),
        3: ("delivered", 0),
    }
    await dispatcher.run()  # not due yet
    assert (await statuses(database))[2] == ("pending", 1)
    failing.poison.clear()
    await make_due(database)
    await dispatcher.run()
    assert ("a", 2) in await told(database)
    assert (await statuses(database))[2] == ("delivered", 1)


async def test_one_that_always_fails_is_given_up(database, workspace_id):
    dispatcher = Dispatcher(database, [Notes(poison=[1])])
    await emitted(database, workspace_id, 1)
    for _ in range(MOST_ATTEMPTS + 2):
        await make_due(database)
        await dispatcher.run()
    assert await statuses(database) == {1: ("failed", MOST_ATTEMPTS)}


async def test_a_process_that_dies_in_the_middle_leaves_it_to_the_next(database, workspace_id):
    dying = Notes()
    dying.go_on.clear()
    await emitted(database, workspace_id, 1)
    death = asyncio.create_task(Dispatcher(database, [dying]).run())
    await dying.entered.wait()
    await emitted(database, workspace_id, 2)
    living = Dispatcher(database, [Notes()])
    await living.run()  # leaves what the other has in hand, and does what comes behind it
    assert await told(database) == [("notes", 2)]
    death.cancel()
    await asyncio.gather(death, return_exceptions=True)
    await living.run()
    assert await told(database) == [("notes", 1), ("notes", 2)]


async def test_a_workspace_with_many_holds_up_no_other(database, workspace_id):
    """Those of the others are in the first transaction, though they came behind all of its."""
    await emitted(database, workspace_id, *range(3 * AT_ONCE))
    for number in (1001, 1002):
        await emitted(database, await new_workspace(database), number)
    first = Notes()
    first.go_on.clear()
    dispatcher = Dispatcher(database, [first])
    running = asyncio.create_task(dispatcher.run())
    await first.entered.wait()
    assert {1001, 1002} < set(first.seen[0])
    assert len(first.seen[0]) <= AT_ONCE
    first.go_on.set()
    await running
    assert set((await statuses(database)).values()) == {("delivered", 0)}


async def test_each_of_many_workspaces_has_its_turn(database):
    """More of them than are delivered at once, and each has more than one share."""
    places = [await new_workspace(database) for _ in range(5)]
    for turn in range(3):
        for number, place in enumerate(places):
            await emitted(database, place, 10 * turn + number)
    turns = Turns(OutboxEvent, 2)
    served = []
    for _ in range(5):
        async with database.unit(SYSTEM) as session:
            taken = await turns.take(session, now(), "id", "workspace_id")
            served += [row.workspace_id for row in taken.rows]
            done = update(OutboxEvent).where(OutboxEvent.id.in_(row.id for row in taken.rows))
            await session.execute(done.values(status="delivered"))
        assert taken.more
    assert {served.count(place) for place in places} == {2}


async def test_one_of_a_known_id_is_the_same_one(database, workspace_id):
    event_id = new_id()
    for _ in range(2):
        async with database.unit(Scope(workspace_id)) as session:
            await emit(session, workspace_id, "thing.done", {"n": 1}, event_id=event_id)
    async with database.unit(SYSTEM) as session:
        assert await session.scalar(select(func.count()).select_from(OutboxEvent)) == 1


async def test_it_is_bounded_and_of_the_own_workspace(database, workspace_id):
    async with database.unit(Scope(workspace_id)) as session:
        with pytest.raises(EventTooLarge):
            await emit(session, workspace_id, "thing.done", {"text": "x" * MOST_DATA})
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.unit(Scope(uuid4())) as session:
            await emit(session, workspace_id, "thing.done", {})


async def test_what_happened_long_ago_is_forgotten(database, workspace_id):
    await emitted(database, workspace_id, 1)
    async with database.unit(SYSTEM) as session:
        await session.execute(update(OutboxEvent).values(created_at=now() - timedelta(days=8)))
    await emitted(database, workspace_id, 2)
    await Dispatcher(database, []).prune()
    assert [*await statuses(database)] == [2]
