"""Whatever happened in between: the graph is what its passages, its merges and its people say."""

import random
from uuid import UUID, uuid5

import pytest

from app.core.paging import PageQuery
from app.knowledge.graph.entities import service as entities
from app.knowledge.graph.errors import (
    EntityExists,
    EntityNotFound,
    MergeBlocked,
    MergeInvalid,
    MergeNotFound,
)
from app.knowledge.graph.keys import entity_id
from app.knowledge.graph.merges import service as merges
from app.knowledge.graph.merges.schemas import MergeCreate, SplitCreate

NAMES = ("Acme", "Bolt", "Crane", "Drill", "Easel")
SPACE = UUID(int=7)
STEPS = (
    "ingest",
    "ingest",
    "delete",
    "merge",
    "merge",
    "split_names",
    "split_contributions",
    "undo",
)


class History:
    """Documents that come, change and go, and merges and splits that are made and undone."""

    def __init__(self, desk, seed):
        self.desk = desk
        self.dice = random.Random(seed)  # noqa: S311 - a draw
        self.collection = desk.collection()
        self.documents = {}
        self.done = []

    async def ingest(self, number):
        """A document with some words, which tell of some names; the one before it goes."""
        told = [self.dice.sample(NAMES, self.dice.randint(1, 3)) for _ in range(2)]
        await self.put(number, told)
        self.documents[number] = told

    async def put(self, number, told):
        document = uuid5(SPACE, f"{self.desk.workspace_id} {number}")
        texts = [" and ".join(names) + f" {number} {at}" for at, names in enumerate(told)]
        passages = await self.desk.put(texts, self.collection, document)
        for passage, names in zip(passages, told, strict=True):
            ties = {names[0].casefold(): names[1].casefold()} if len(names) > 1 else {}
            await self.desk.tell(passage, *names, **ties)

    async def delete(self, number):
        await self.desk.remove(uuid5(SPACE, f"{self.desk.workspace_id} {number}"))
        self.documents.pop(number, None)

    async def merge(self):
        into, part = (self.id_of(name) for name in self.dice.sample(NAMES, 2))
        wish = MergeCreate(**{"into": into, "from": [part]})
        await self.do(lambda *on: merges.merge(*on, wish))

    async def split_names(self):
        """Merged names become another entity, which may be called something else."""
        name = self.dice.choice([None, "Another"])
        wish = SplitCreate(aliases=self.dice.sample(NAMES, 2), name=name)
        whole = self.id_of(self.dice.choice(NAMES))
        await self.do(lambda *on: merges.split(*on, whole, wish))

    async def split_contributions(self):
        """Some of what tells of a name means another thing of the same name."""
        whole = self.id_of(self.dice.choice(NAMES))

        async def split(session, viewer):
            told = await entities.contributions(
                session, viewer, whole, PageQuery(), self.desk.kernel.cursors
            )
            some = [each.id for each in told.data if self.dice.random() < 0.5]
            wish = SplitCreate(contributions=some or [UUID(int=0)], name=f"Split {len(self.done)}")
            return await merges.split(session, viewer, whole, wish)

        await self.do(split)

    async def do(self, act):
        try:
            async with self.desk.viewing() as on:
                done, _ = await act(*on)
        except (EntityNotFound, EntityExists, MergeInvalid):
            return
        self.done.append(done.id)

    async def undo(self):
        """Any of them, unless a later one stands on it, or nothing tells of it now."""
        if not self.done:
            return
        merge_id = self.dice.choice(self.done)
        try:
            async with self.desk.viewing() as on:
                await merges.undo(*on, merge_id)
        except (MergeBlocked, MergeNotFound):
            return
        self.done.remove(merge_id)

    async def undo_all(self):
        """The last one first, which nothing stands on."""
        for merge_id in reversed(self.done):
            async with self.desk.viewing() as on:
                await merges.undo(*on, merge_id)

    def id_of(self, name):
        return entity_id(self.desk.workspace_id, name.casefold())

    async def go_on(self, steps):
        for _ in range(steps):
            step = self.dice.choice(STEPS)
            if step in ("ingest", "delete"):
                await getattr(self, step)(self.dice.randint(1, 4))
            else:
                await getattr(self, step)()


def names_of(state):
    """What the state says, by names in place of the ids of passages."""
    return {
        "entities": state["entities"],
        "relations": state["relations"],
        "contributions": sorted(
            (str(entity), str(relation), name)
            for _, entity, relation, _, name in state["contributions"]
        ),
    }


@pytest.mark.parametrize("seed", range(3))
async def test_ingesting_and_deleting_leaves_the_graph_as_it_was(desk, seed):
    history = History(desk, seed)
    await history.go_on(16)
    before = await desk.state()
    await history.ingest(99)
    await history.ingest(99)
    await history.delete(99)
    assert await desk.state() == before


@pytest.mark.parametrize("seed", range(3))
async def test_a_graph_with_a_history_equals_one_that_was_never_anything_else(desk, seed):
    history = History(desk, seed)
    await history.go_on(24)
    # Whatever was merged is told of, so that it can be seen, and undone.
    history.documents[5] = [list(NAMES)]
    await history.put(5, history.documents[5])
    await history.undo_all()
    lived = names_of(await desk.state())
    kept = dict(history.documents)
    for number in list(history.documents):
        await history.delete(number)
    assert not any((await desk.state()).values())
    for number, told in kept.items():
        await history.put(number, told)
    assert names_of(await desk.state()) == lived
