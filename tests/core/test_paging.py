"""Keyset pages: cursors that cannot be forged, and walks that miss and repeat nothing."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.errors import BadRequest
from app.core.paging import CursorInvalid, Cursors, Keyset, PageQuery, fetch_page
from app.runs.runs.models import Run
from tests.support.runs import new_access

CURSORS = Cursors(b"k" * 32)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
POSITION = st.lists(st.none() | st.integers(-(2**53), 2**53) | TEXT, max_size=3)


@given(POSITION, TEXT)
def test_a_cursor_holds_its_position(position, binding):
    assert CURSORS.decode(CURSORS.encode(position, binding), binding) == position


@given(TEXT, TEXT)
def test_a_cursor_opens_no_other_list(here, there):
    cursor = CURSORS.encode([1, "a"], here)
    if here != there:
        with pytest.raises(CursorInvalid):
            CURSORS.decode(cursor, there)


@given(st.data())
def test_a_changed_cursor_is_refused(data):
    cursor = CURSORS.encode(["2026-01-01T00:00:00+00:00", str(UUID(int=7))], "runs")
    at = data.draw(st.integers(0, len(cursor)))
    less = data.draw(st.integers(0, 3))
    changed = cursor[:at] + data.draw(st.text(max_size=3)) + cursor[at + less :]
    if changed != cursor:
        with pytest.raises(CursorInvalid):
            CURSORS.decode(changed, "runs")


@given(st.text(max_size=200))
def test_garbage_is_no_cursor(text):
    with pytest.raises(CursorInvalid):
        CURSORS.decode(text, "runs")


def test_another_key_makes_other_cursors():
    cursor = Cursors(b"x" * 32).encode([1], "runs")
    with pytest.raises(CursorInvalid):
        CURSORS.decode(cursor, "runs")


def test_a_refused_cursor_is_a_400_that_points_to_it():
    error = CursorInvalid()
    assert isinstance(error, BadRequest)
    assert [e.pointer for e in error.errors] == ["/query/cursor"]


class Rows:
    """Runs of one workspace; their times come in few values, so that many are equal."""

    def __init__(self, kernel, access):
        self.kernel = kernel
        self.access = access
        self.start = now()

    async def add(self, count, spread=5):
        rows = [
            Run(
                workspace_id=self.access.workspace_id,
                user_id=self.access.user_id,
                kind="scripted",
                status="completed",
                subject_id=None,
                input={},
                created_at=self.start + timedelta(microseconds=random.randrange(spread)),  # noqa: S311
                ended_at=self.start,
            )
            for _ in range(count)
        ]
        async with self.kernel.database.unit(self.access.scope) as session:
            session.add_all(rows)
        return {row.id for row in rows}

    async def page(self, limit, cursor=None, *, descending=True, within="", access=None, **query):
        access = access or self.access
        keyset = Keyset(Run.created_at, Run.id, descending=descending)
        statement = select(Run).where(Run.workspace_id == access.workspace_id)
        async with self.kernel.database.unit(access.scope) as session:
            return await fetch_page(
                session, statement, keyset, PageQuery(limit=limit, cursor=cursor, **query),
                cursors=self.kernel.cursors, workspace_id=access.workspace_id, within=within,
            )  # fmt: skip

    async def walk(self, limit, *, descending=True, between=None):
        seen, cursor = [], None
        while True:
            page = await self.page(limit, cursor, descending=descending)
            assert len(page.data) <= limit
            assert page.has_more is (page.next_cursor is not None)
            seen += [(row.created_at, row.id) for row in page.data]
            if not page.has_more:
                return seen
            assert len(page.data) == limit
            cursor = page.next_cursor
            if between:
                await between()


@pytest.fixture
async def rows(kernel):
    made = Rows(kernel, await new_access(kernel))
    yield made
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(delete(Run).where(Run.workspace_id == made.access.workspace_id))


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 7, 29, 30, 31, 200])
async def test_a_walk_meets_every_row_once_and_in_order(rows, limit, descending):
    ids = await rows.add(30)
    seen = await rows.walk(limit, descending=descending)
    assert seen == sorted(seen, reverse=descending)
    assert [row_id for _, row_id in seen if row_id not in ids] == []
    assert len(seen) == len({row_id for _, row_id in seen}) == 30


@pytest.mark.parametrize("descending", [True, False])
async def test_a_walk_among_writers_misses_and_repeats_none_that_stays(rows, descending):
    staying = await rows.add(40)
    leaving = await rows.add(40)

    async def write():
        """New rows before and after the place of the walk, some gone, some changed."""
        await rows.add(3)
        gone = [leaving.pop() for _ in range(min(3, len(leaving)))]
        changed = random.sample(sorted(staying), 3)
        async with rows.kernel.database.unit(rows.access.scope) as session:
            await session.execute(delete(Run).where(Run.id.in_(gone)))
            await session.execute(update(Run).where(Run.id.in_(changed)).values(kind="changed"))

    seen = await rows.walk(4, descending=descending, between=write)
    ids = [row_id for _, row_id in seen]
    assert seen == sorted(seen, reverse=descending)
    assert len(ids) == len(set(ids))
    assert staying <= set(ids)


STEP = st.tuples(st.sampled_from(["add", "delete", "change"]), st.integers(1, 4), st.integers(1, 6))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    staying=st.integers(0, 15),
    leaving=st.integers(0, 15),
    limit=st.integers(1, 6),
    order=st.sampled_from(["asc", "desc", None]),
    steps=st.lists(st.lists(STEP, max_size=3), max_size=20),
)
async def test_no_mix_of_writers_makes_a_walk_repeat_or_skip_a_row_that_stays(
    kernel, staying, leaving, limit, order, steps
):
    rows = Rows(kernel, await new_access(kernel))
    stay, leave = await rows.add(staying), sorted(await rows.add(leaving))

    async def write(step):
        act, count, spread = step
        if act == "add":
            await rows.add(count, spread)
            return
        chosen = sorted(stay)[:count] if act == "change" else [leave.pop() for _ in leave[:count]]
        statement = update(Run).values(kind="x") if act == "change" else delete(Run)
        async with kernel.database.unit(rows.access.scope) as session:
            await session.execute(statement.where(Run.id.in_(chosen)))

    seen, cursor, writers = [], None, iter(steps)
    while True:
        page = await rows.page(limit, cursor, order=order)
        seen += [(row.created_at, row.id) for row in page.data]
        if not page.has_more:
            break
        cursor = page.next_cursor
        await asyncio.gather(*(write(step) for step in next(writers, ())))
    ids = [row_id for _, row_id in seen]
    assert seen == sorted(seen, reverse=order != "asc")
    assert len(ids) == len(set(ids))
    assert stay <= set(ids)


async def test_an_order_that_is_asked_for_goes_before_the_list_s_own(rows):
    await rows.add(9)

    async def ids(**query):
        return [row.id for row in (await rows.page(9, **query)).data]

    newest = await ids()
    assert await ids(order="desc") == await ids(order="desc", descending=False) == newest
    assert await ids(order="asc") == await ids(descending=False) == newest[::-1]


async def test_a_cursor_belongs_to_one_order_and_to_any_page_size_or_count(rows):
    await rows.add(4)
    cursor = (await rows.page(2)).next_cursor
    with pytest.raises(CursorInvalid):
        await rows.page(2, cursor, order="asc")
    assert len((await rows.page(1, cursor, order="desc")).data) == 1
    assert (await rows.page(1, cursor, include="total")).total == 4


async def test_the_total_is_of_the_whole_list_and_only_on_demand(rows):
    await rows.add(5)
    assert (await rows.page(2)).total is None
    assert (await rows.page(2, include="total")).total == 5


async def test_a_walk_goes_on_from_a_row_that_has_gone(rows):
    await rows.add(6)
    first = await rows.page(3)
    async with rows.kernel.database.unit(rows.access.scope) as session:
        await session.execute(delete(Run).where(Run.id == first.data[-1].id))
    rest = await rows.page(3, first.next_cursor)
    assert len(rest.data) == 3
    assert {row.id for row in first.data} & {row.id for row in rest.data} == set()


async def test_an_empty_list_is_one_empty_page(rows):
    page = await rows.page(10)
    assert (list(page.data), page.has_more, page.next_cursor) == ([], False, None)


async def test_a_cursor_is_bound_to_workspace_order_and_place(rows, kernel):
    await rows.add(3)
    cursor = (await rows.page(1, within="a")).next_cursor
    other = await new_access(kernel)
    for change in ({"within": "b"}, {"within": "a", "descending": False}, {"access": other}):
        with pytest.raises(CursorInvalid):
            await rows.page(1, cursor, **change)
    assert len((await rows.page(5, cursor, within="a")).data) == 2
