"""Changes to what is remembered: each closes what was believed and says what is believed instead.

One change at a time in a workspace, each at an instant of its own, later than the one before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.agents.memory import crud, indexing
from app.agents.memory.errors import MemoryChangedSince, PeriodInvalid, TooManyMemories
from app.agents.memory.facts import Author, Fact, Keys, Place, Said, keys_of, place_of, said_in
from app.agents.memory.models import Memory, MemoryRevision
from app.agents.memory.settings_crud import multi_valued
from app.agents.memory.timeline import (
    Period,
    Periods,
    covers,
    hull,
    restored,
    stored,
    told,
    without,
    yielding,
)
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.outbox import emit

MOST_MEMORIES: Final = 20_000
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Change:
    """`id` is one for all revisions that it makes, and so is the instant `at`."""

    id: UUID
    author: Author
    at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Span:
    """When a fact is to hold; without an end, up to what is known to begin later."""

    start: datetime
    end: datetime | None


async def tell(
    session: AsyncSession, author: Author, fact: Fact
) -> tuple[Memory, MemoryRevision, bool]:
    """Remember a fact; whether it is new. One that is known already is confirmed.

    Raises PeriodInvalid and TooManyMemories.
    """
    _expect_time(fact.start, fact.end)
    change = await _begin(session, author, "told")
    keys = keys_of(fact.place, fact.said, await multi_valued(session, author.workspace_id))
    known = await _known(session, author, fact, keys)
    if known is not None:
        memory = (await crud.by_ids(session, author.workspace_id, [known.memory_id]))[
            known.memory_id
        ]
        memory.confirmed_at = change.at
        await crud.add(session, memory)
        return memory, known, False
    await _expect_room(session, author, fact.place)
    memory = Memory(
        id=new_id(),
        workspace_id=author.workspace_id,
        scope=fact.place.scope,
        user_id=fact.place.user_id,
        agent_id=fact.place.agent_id,
        created_by_id=author.user_id,
        kind=fact.kind,
        status=fact.said.status,
        origin=dict(fact.origin),
        expires_at=fact.expires_at,
        confirmed_at=change.at,
    )
    await crud.add(session, memory)
    made = await _claim(session, change, memory, fact.said, keys, Span(fact.start, fact.end))
    named = {"memory_id": memory.id, "scope": memory.scope, "status": memory.status}
    await emit(
        session,
        memory.workspace_id,
        "memory.created",
        named,
        subject_id=memory.id,
        user_id=memory.user_id,
    )
    return memory, made, True


async def edit(
    session: AsyncSession, author: Author, memory: Memory, said: Said, span: Span | None
) -> MemoryRevision:
    """Correct what a memory says, and with `span` when it holds. Raises PeriodInvalid."""
    change = await _begin(session, author, "edited")
    current = await _current(session, memory)
    keys = keys_of(place_of(memory), said, await multi_valued(session, author.workspace_id))
    if span is None and keys.timeline == current.key:
        periods = restored(current.periods)
        return await _revise(session, change, memory, said, keys, periods)
    if span is None:
        start, end = hull(restored(current.periods))
        span = Span(start or change.at, end)
    return await _claim(session, change, memory, said, keys, span)


async def accept(session: AsyncSession, author: Author, memory: Memory) -> MemoryRevision:
    """Have a proposal count, as if it were told now."""
    change = await _begin(session, author, "accepted")
    current = await _current(session, memory)
    start, end = hull(restored(current.periods))
    said, keys = replace(said_in(current), status="active"), Keys(current.key, current.same)
    memory.confirmed_at = change.at
    return await _claim(session, change, memory, said, keys, Span(start or change.at, end))


async def forget(session: AsyncSession, author: Author, memory: Memory) -> None:
    """Have it found and recalled no more. What it took time from stays as it is."""
    await crud.lock(session, author.workspace_id)
    memory.deleted_at = now()
    await crud.add(session, memory)
    await indexing.remove(session, memory)


async def bring_back(session: AsyncSession, author: Author, memory: Memory) -> MemoryRevision:
    """Have a forgotten one live again, for as much of its time as nothing else was told of.

    Raises TooManyMemories.
    """
    await _expect_room(session, author, place_of(memory))
    change = await _begin(session, author, "restored")
    memory.deleted_at = None
    if memory.status == "declined":
        memory.status = "proposed"
    current = await _current(session, memory)
    periods = restored(current.periods)
    left = periods
    if current.key is not None and memory.status == "active":
        left = without(periods, await _taken(session, author, current.key, [memory.id]))
    if left != periods:
        keys = Keys(current.key, current.same)
        return await _revise(session, change, memory, said_in(current), keys, left)
    await crud.add(session, memory)
    await indexing.put(session, author, memory, current)
    return current


async def undo(session: AsyncSession, author: Author, memory: Memory) -> MemoryRevision:
    """Take the last change back, with all that it did to other memories; undone twice, it holds.

    Of what is forgotten nothing comes back. Raises MemoryChangedSince.
    """
    change = await _begin(session, author, "undone")
    last = await _current(session, memory)
    made = await crud.of_change(session, author.workspace_id, last.change_id)
    touched = await crud.by_ids(session, author.workspace_id, [each.memory_id for each in made])
    living = {each.id: each for each in touched.values() if each.deleted_at is None}
    undone = [each for each in made if each.memory_id in living]
    if any(each.known_to is not None for each in undone):
        raise MemoryChangedSince("Undo the later change first.")
    for each in undone:
        await _take_back(session, change, living[each.memory_id], each, list(living))
    return await _current(session, memory)


async def _take_back(
    session: AsyncSession,
    change: Change,
    memory: Memory,
    revision: MemoryRevision,
    together: list[UUID],
) -> None:
    """Say again what the revision before this one said; what is told first was never so."""
    author = change.author
    before = await crud.revision(session, author.workspace_id, memory.id, revision.number - 1)
    if before is None:
        keys = Keys(revision.key, revision.same)
        await _revise(session, change, memory, said_in(revision), keys, ())
        return
    periods = restored(before.periods)
    if before.key is not None and before.status == "active":
        periods = without(periods, await _taken(session, author, before.key, together))
    keys = Keys(before.key, before.same)
    await _revise(session, change, memory, said_in(before), keys, periods)


async def _begin(session: AsyncSession, author: Author, cause: str) -> Change:
    await crud.lock(session, author.workspace_id)
    last = await crud.last_known(session, author.workspace_id)
    at = now() if last is None else max(now(), last + _TICK)
    return Change(new_id(), author, at, cause)


async def _known(
    session: AsyncSession, author: Author, fact: Fact, keys: Keys
) -> MemoryRevision | None:
    """What says the same for all of this time."""
    for status in dict.fromkeys(("active", fact.said.status)):
        found = await crud.equals(session, author.workspace_id, keys.same, status)
        periods = {each: restored(row.periods) for each, row in found.items()}
        span = yielding(periods.values(), fact.start, fact.end)
        for each, row in found.items():
            if covers(periods[each], span.start, span.end):
                return row
    return None


async def _claim(
    session: AsyncSession, change: Change, memory: Memory, said: Said, keys: Keys, span: Span
) -> MemoryRevision:
    """Have a memory say this for this time, and take the time from those on its timeline."""
    _expect_time(span.start, span.end)
    mine: Periods = (Period(span.start, span.end),)
    rows: Mapping[UUID, MemoryRevision] = {}
    changed: Mapping[UUID, Periods] = {}
    workspace_id = change.author.workspace_id
    if keys.timeline is not None and said.status == "active":
        rows = await crud.on_timeline(session, workspace_id, keys.timeline, [memory.id])
        others = {each: restored(row.periods) for each, row in rows.items()}
        mine, changed = told(others, span.start, span.end)
    made = await _revise(session, change, memory, said, keys, mine)
    memories = await crud.by_ids(session, workspace_id, list(changed))
    superseding = replace(change, cause="superseded")
    for each, left in changed.items():
        row = rows[each]
        cut = await _revise(
            session, superseding, memories[each], said_in(row), Keys(row.key, row.same), left
        )
        cut.by_memory_id = memory.id
        await crud.add(session, cut)
    return made


async def _expect_room(session: AsyncSession, author: Author, place: Place) -> None:
    if await crud.count_of(session, author.workspace_id, place) >= MOST_MEMORIES:
        raise TooManyMemories


def _expect_time(start: datetime, end: datetime | None) -> None:
    if end is not None and end <= start:
        raise PeriodInvalid


async def _taken(session: AsyncSession, author: Author, key: str, but: list[UUID]) -> list[Period]:
    """The time that others on a timeline hold."""
    rows = await crud.on_timeline(session, author.workspace_id, key, but)
    return [period for row in rows.values() for period in restored(row.periods)]


async def _revise(
    session: AsyncSession,
    change: Change,
    memory: Memory,
    said: Said,
    keys: Keys,
    periods: Periods,
) -> MemoryRevision:
    """Close what is believed of a memory, and believe this from now on."""
    found = await crud.current(session, memory.workspace_id, [memory.id])
    before = found.get(memory.id)
    if before is not None:
        before.known_to = change.at
        await crud.add(session, before)
    start, end = hull(periods)
    revision = MemoryRevision(
        id=new_id(),
        workspace_id=memory.workspace_id,
        memory_id=memory.id,
        user_id=memory.user_id,
        number=before.number + 1 if before else 1,
        status=said.status,
        text=said.text,
        subject=said.subject,
        predicate=said.predicate,
        object=said.object,
        confidence=said.confidence,
        key=keys.timeline,
        same=keys.same,
        periods=stored(periods),
        valid_from=start,
        valid_to=end,
        known_from=change.at,
        cause=change.cause,
        change_id=change.id,
        changed_by_id=change.author.user_id,
    )
    memory.status = said.status
    memory.updated_at = change.at  # a new revision is a new version
    await crud.add(session, revision, memory)
    await indexing.put(session, change.author, memory, revision)
    return revision


async def _current(session: AsyncSession, memory: Memory) -> MemoryRevision:
    found = await crud.current(session, memory.workspace_id, [memory.id])
    return found[memory.id]
