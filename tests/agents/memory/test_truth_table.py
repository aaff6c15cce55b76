"""The bi-temporal truth table: each relation of two intervals, by each way to learn of them."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.agents.memory import crud, keeping
from app.agents.memory.facts import Author, Fact, Place, Said
from app.agents.memory.keeping import Span
from app.agents.memory.timeline import holds, restored
from app.core.clock import now
from app.core.db import Scope
from tests.agents.memory.conftest import day, iso, lives_in, texts
from tests.agents.memory.reference import DAYS, Timeline

# Allen's thirteen relations of the second interval (told later) to the first one, which is [3, 5).
RELATIONS = {
    "before": (1, 2),
    "meets": (1, 3),
    "overlaps": (2, 4),
    "finished by": (2, 5),
    "contains": (2, 6),
    "starts": (3, 4),
    "equals": (3, 5),
    "started by": (3, 6),
    "during": (3.25, 4.75),
    "finishes": (4, 5),
    "overlapped by": (4, 6),
    "met by": (5, 6),
    "after": (6, 7),
}
# The same for a first interval without an end, or a second one, or both: all that differ.
OPEN = {
    "later, open over open": ((3, None), (5, None)),
    "late arrival, open before open": ((5, None), (3, None)),
    "the same begin, open over open": ((3, None), (3, None)),
    "within an open one": ((3, None), (4, 5)),
    "before an open one": ((3, None), (1, 2)),
    "up to an open one": ((3, None), (1, 3)),
    "into an open one": ((3, None), (1, 5)),
    "open within": ((3, 5), (4, None)),
    "open after": ((3, 5), (6, None)),
    "late arrival, open before": ((3, 5), (1, None)),
    "open from the same begin": ((3, 5), (3, None)),
    "open from the end": ((3, 5), (5, None)),
}
CASES = {name: ((3, 5), second) for name, second in RELATIONS.items()} | OPEN
WAYS = ("supersede", "other key", "multi-valued", "correction", "undone", "taken back twice")


class Teller:
    """Tells facts about one user, and looks at what is known."""

    def __init__(self, kernel, talker):
        self.database = kernel.database
        self.author = Author(UUID(talker.person.workspace_id), UUID(talker.person.user_id))
        self.scope = (self.author.workspace_id, self.author.user_id)

    def unit(self):
        return self.database.unit(Scope(*self.scope))

    async def tell(self, name, start, end, predicate="lives in"):
        said = Said(f"It is {name}.", "user", predicate, name)
        fact = Fact(Place("user", self.author.user_id), said, day(start), end and day(end))
        async with self.unit() as session:
            memory, revision, _ = await keeping.tell(session, self.author, fact)
        return memory.id, revision.known_from

    async def edit(self, memory_id, name, start, end):
        said = Said(f"It is {name}.", "user", "lives in", name)
        async with self.unit() as session:
            memory = await crud.find(session, self.author, memory_id)
            span = Span(day(start), end and day(end))
            revision = await keeping.edit(session, self.author, memory, said, span)
        return revision.known_from

    async def undo(self, memory_id):
        async with self.unit() as session:
            memory = await crud.find(session, self.author, memory_id)
            revision = await keeping.undo(session, self.author, memory)
        return revision.known_from

    async def known(self, known_at, names):
        """Who holds each quarter of a day, as it was known at an instant."""
        async with self.unit() as session:
            found = await crud.as_known(session, self.author.workspace_id, names, known_at)
        row = []
        for quarter in range(DAYS * 4):
            holders = [
                names[each]
                for each, revision in found.items()
                if holds(restored(revision.periods), day(quarter / 4))
            ]
            row.append(tuple(sorted(holders)))
        return row


def quarters(case):
    return [None if edge is None else int(edge * 4) for edge in case]


class Fine(Timeline):
    """The reference in quarters of a day."""

    def __init__(self):
        super().__init__([None] * DAYS * 4)


def alone(span):
    start, end = span
    end = DAYS * 4 if end is None else end
    return [("A",) if start <= each < end else () for each in range(DAYS * 4)]


@pytest.fixture(name="teller")
async def _teller(kernel, talker):
    return Teller(kernel, talker)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
async def test_what_holds_and_what_was_known(teller, case, way):
    first, second = CASES[case]
    predicate = "speaks" if way == "multi-valued" else "lives in"
    a, told_a = await teller.tell("A", *first, predicate)
    names = {a: "A"}
    one, two = quarters(first), quarters(second)
    reference = Fine()
    reference.tell("A", *one)
    known = [told_a]
    if way == "correction":
        known.append(await teller.edit(a, "A", *second))
        reference.edit("A", *two)
    else:
        other = {"other key": "works for"}.get(way, predicate)
        b, told_b = await teller.tell("B", *second, other)
        names[b] = "B"
        known.append(told_b)
        if way in ("other key", "multi-valued"):
            both = await teller.known(known[-1], names)
            held_a = alone(one)
            held_b = [("B",) if each else () for each in alone(two)]
            assert both == [x + y for x, y in zip(held_a, held_b, strict=True)]
            assert await teller.known(known[0], names) == held_a
            return
        reference.tell("B", *two)
    for _ in range({"undone": 1, "taken back twice": 2}.get(way, 0)):
        known.append(await teller.undo(b))
        reference.cells = list(reference.states[-2])
        reference.note()
    for at, cells in zip(known, reference.states, strict=True):
        expected = [() if cell is None else (cell,) for cell in cells]
        assert await teller.known(at, names) == expected, (case, way, at)


async def test_what_was_superseded_can_be_asked_for_by_both_times(talker):
    await lives_in(talker, "Linz", 0)
    before = now()
    await lives_in(talker, "Vienna", 10)
    assert await texts(talker, valid_at=iso(5)) == ["The user lives in Linz."]
    assert await texts(talker, valid_at=iso(15)) == ["The user lives in Vienna."]
    then = before.isoformat()
    assert await texts(talker, valid_at=iso(15), known_at=then) == ["The user lives in Linz."]
    assert await texts(talker, known_at=datetime(2020, 1, 1, tzinfo=UTC).isoformat()) == []


async def test_two_who_tell_at_once_leave_one_that_holds(talker):
    await asyncio.gather(*(lives_in(talker, f"Town {n}", 0) for n in range(6)))
    (held,) = await texts(talker, valid_at=iso(3))
    assert held.startswith("The user lives in Town")
