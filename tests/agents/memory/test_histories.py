"""Random lives of facts, against days that are cells."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.agents.memory import crud, keeping
from app.agents.memory.errors import MemoryChangedSince
from app.agents.memory.facts import Fact, Place, Said
from app.agents.memory.timeline import holds, restored
from tests.agents.memory.conftest import day
from tests.agents.memory.reference import DAYS, Timeline
from tests.agents.memory.test_truth_table import Teller
from tests.support.chat import Talker
from tests.support.identity import new_person

SPAN = st.tuples(st.integers(0, DAYS - 2), st.none() | st.integers(1, DAYS)).filter(
    lambda span: span[1] is None or span[0] < span[1]
)
WHICH = st.integers(0, 5)
STEP = st.one_of(
    st.tuples(st.just("tell"), SPAN),
    st.tuples(st.just("tell"), SPAN),
    st.tuples(st.just("edit"), WHICH, SPAN),
    st.tuples(st.just("undo"), WHICH),
    st.tuples(st.just("forget"), WHICH),
    st.tuples(st.just("restore"), WHICH),
)


class Naive(Timeline):
    """The reference with undoing and forgetting: each change remembers whose days it changed."""

    def __init__(self):
        super().__init__()
        self.own = {}  # by memory: its days, the forgotten ones' too
        self.past = {}  # by memory: its changes, each with what its days were before
        self.gone = set()
        self.changes = {}  # by change: the memories that it touched

    def _cells(self):
        self.cells = [None] * DAYS
        for name, days in self.own.items():
            if name not in self.gone:
                for each in days:
                    assert self.cells[each] is None, "two hold at once"
                    self.cells[each] = name

    def _change(self, new):
        """Take new days over; `new` is by memory."""
        change = len(self.changes)
        self.changes[change] = list(new)
        for name, days in new.items():
            self.past.setdefault(name, []).append((change, self.own.get(name)))
            self.own[name] = days
        self._cells()

    def claim(self, name, start, end):
        self.cells = [None if cell == name else cell for cell in self.cells]
        before = list(self.cells)
        if end is None:
            end = next(
                (
                    each
                    for each in range(start + 1, DAYS)
                    if before[each] is not None and before[each] != before[each - 1]
                ),
                DAYS,
            )
        mine = set(range(start, end))
        new = {name: mine}
        for other, days in self.own.items():
            if other not in self.gone and other != name and days & mine:
                new[other] = days - mine
        self._change(new)

    def undo(self, name):
        change, _ = self.past[name][-1]
        living = [each for each in self.changes[change] if each not in self.gone]
        if any(self.past[each][-1][0] != change for each in living):
            return False
        others = [
            days for each, days in self.own.items() if each not in living and each not in self.gone
        ]
        taken = set().union(*others)
        self._change({each: (self.past[each][-1][1] or set()) - taken for each in living})
        return True

    def restore(self, name):
        self.gone.discard(name)
        held = (d for each, d in self.own.items() if each != name and each not in self.gone)
        taken = set().union(*held)
        left = self.own[name] - taken
        if left != self.own[name]:
            self._change({name: left})
        self._cells()


class Life:
    """The same steps in the database and in the reference."""

    def __init__(self, kernel, talker):
        self.teller, self.naive = Teller(kernel, talker), Naive()
        self.ids, self.instants = [], []

    async def take(self, step):
        kind, *rest = step
        if kind == "tell":
            await self.tell(*rest[0])
        elif self.ids:
            which = rest[0] % len(self.ids)
            await getattr(self, kind)(which, *rest[1:])
        await self.agree()

    async def tell(self, start, end):
        name = len(self.ids)
        author = self.teller.author
        said = Said(f"It is {name}.", "user", "lives in", str(name))
        fact = Fact(Place("user", author.user_id), said, day(start), end and day(end))
        async with self.teller.unit() as session:
            memory, revision, is_new = await keeping.tell(session, author, fact)
        assert is_new
        self.ids.append(memory.id)
        self.naive.claim(name, start, end)
        self.instants.append((revision.known_from, list(self.naive.cells)))

    async def edit(self, which, span):
        if which in self.naive.gone:
            return
        start, end = span
        at = await self.teller.edit(self.ids[which], str(which), start, end)
        self.naive.claim(which, start, end)
        self.instants.append((at, list(self.naive.cells)))

    async def undo(self, which):
        if which in self.naive.gone:
            return
        undone = False
        with suppress(MemoryChangedSince):
            await self.teller.undo(self.ids[which])
            undone = True
        assert self.naive.undo(which) is undone

    async def forget(self, which):
        if which in self.naive.gone:
            return
        async with self.teller.unit() as session:
            memory = await crud.find(session, self.teller.author, self.ids[which])
            await keeping.forget(session, self.teller.author, memory)
        self.naive.gone.add(which)
        self.naive._cells()
        self.instants.clear()  # of what is forgotten no instant tells any more

    async def restore(self, which):
        if which not in self.naive.gone:
            return
        async with self.teller.unit() as session:
            memory = await crud.find(session, self.teller.author, self.ids[which])
            await keeping.bring_back(session, self.teller.author, memory)
        self.naive.restore(which)
        self.instants.clear()

    async def agree(self):
        living = {each: name for name, each in enumerate(self.ids) if name not in self.naive.gone}
        for at, cells in (*self.instants, (None, self.naive.cells)):
            async with self.teller.unit() as session:
                workspace_id = self.teller.author.workspace_id
                found = await crud.as_known(session, workspace_id, living, at)
            for number in range(DAYS):
                holders = [
                    living[each]
                    for each, row in found.items()
                    if holds(restored(row.periods), day(number))
                ]
                assert holders == ([] if cells[number] is None else [cells[number]])


# Jobs of the service draw from `random` while hypothesis does in its thread, and has nothing of it.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
async def test_a_life_of_changes_leaves_what_the_naive_one_leaves(client, kernel):
    """Hypothesis draws the steps in a thread of its own; they are taken here."""
    running = asyncio.get_running_loop()

    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(STEP, min_size=2, max_size=12))
    def lives(steps):
        asyncio.run_coroutine_threadsafe(live(steps), running).result(60)

    async def live(steps):
        life = Life(kernel, Talker(client, await new_person(client)))
        for step in steps:
            await life.take(step)

    await asyncio.to_thread(lives)
