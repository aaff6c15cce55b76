"""What a caller may do with memories."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import orjson

from app.agents.definitions import crud as definitions
from app.agents.definitions.errors import AgentNotFound
from app.agents.memory import crud, keeping, listing_crud
from app.agents.memory.errors import FactIncomplete, MemoryNotFound, NotProposed
from app.agents.memory.facts import Author, Fact, Place, Said, author_of, said_in
from app.agents.memory.keeping import Span
from app.agents.memory.models import Memory, MemoryRevision
from app.agents.memory.schemas import (
    MemoryBulkItem,
    MemoryCreate,
    MemoryQuery,
    MemoryUpdate,
    RevisionQuery,
    span_of,
)
from app.agents.memory.schemas_read import MemoryRead
from app.agents.memory.telling import told, told_of
from app.core import restorable
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession, Database
from app.core.paging import Cursors, Slice
from app.core.versions import match

PAGE: Final = 200


async def create(session: AsyncSession, access: Access, new: MemoryCreate) -> MemoryRead:
    """One that is known already is confirmed, and shown.

    Raises AgentNotFound, PeriodInvalid and TooManyMemories.
    """
    author = author_of(access)
    place = await place_in(session, author, new.scope, new.agent_id)
    start, end = span_of(new, now())
    origin = new.origin.model_dump(mode="json", exclude_none=True)
    said = Said(new.text, new.subject, new.predicate, new.object, new.confidence)
    fact = Fact(place, said, start, end, new.kind, new.expires_at, origin)
    memory, revision, _ = await keeping.tell(session, author, fact)
    return told(memory, revision)


async def place_in(
    session: AsyncSession, author: Author, scope: str, agent_id: UUID | None
) -> Place:
    """Whose memory is meant; raises AgentNotFound for an agent that the author does not see."""
    if scope == "user":
        return Place("user", author.user_id)
    if scope == "workspace":
        return Place("workspace")
    agent = None
    if agent_id is not None and author.agents:
        agent = await definitions.get(session, author.workspace_id, author.user_id, agent_id)
    if agent is None or agent.deleted_at is not None:
        raise AgentNotFound
    return Place("agent", agent.id)


async def page(
    session: AsyncSession, access: Access, query: MemoryQuery, cursors: Cursors
) -> Slice[MemoryRead]:
    """As they were known at the instant that the query names."""
    found = await listing_crud.page(session, author_of(access), query, cursors)
    ids = [memory.id for memory in found.data]
    revisions = await crud.as_known(session, access.workspace_id, ids, query.known_at)
    if len(revisions) < len(ids):  # of the forgotten some were not known then
        revisions = await crud.current(session, access.workspace_id, ids) | revisions
    # One may have gone for good meanwhile.
    shown = [told(each, revisions[each.id]) for each in found.data if each.id in revisions]
    return Slice(shown, found.has_more, found.next_cursor, found.total)


async def show(session: AsyncSession, access: Access, memory_id: UUID) -> MemoryRead:
    """Raises MemoryNotFound."""
    memory = await find(session, author_of(access), memory_id)
    return told(memory, await _current(session, memory))


async def update(
    session: AsyncSession, access: Access, memory_id: UUID, change: MemoryUpdate
) -> MemoryRead:
    """Raises MemoryNotFound, FactIncomplete and PeriodInvalid."""
    author = author_of(access)
    memory = await _held(session, author, memory_id)
    await match(session, memory)
    current = await _current(session, memory)
    given = change.given("python")
    said = _changed(current, given)
    if "expires_at" in given:
        memory.expires_at = given["expires_at"]
    revision = await keeping.edit(session, author, memory, said, _span(current, given))
    return told(memory, revision)


async def forget(
    session: AsyncSession, access: Access, memory_id: UUID, *, forever: bool = False
) -> None:
    """Soft, for 30 days, or with all that is kept of it. Raises MemoryNotFound."""
    author = author_of(access)
    memory = await _held(session, author, memory_id, forgotten=forever)
    await match(session, memory)
    if forever:
        await crud.delete_one(session, author.workspace_id, memory.id)
    else:
        await keeping.forget(session, author, memory)


async def restore(session: AsyncSession, access: Access, memory_id: UUID) -> MemoryRead:
    """Bring a forgotten one back; a living one stays as it is.

    Raises MemoryNotFound, RestoreExpired and TooManyMemories.
    """
    author = author_of(access)
    memory = await _held(session, author, memory_id, forgotten=True)
    restorable.expect_restorable(memory)
    if memory.deleted_at is None:
        return told(memory, await _current(session, memory))
    return told(memory, await keeping.bring_back(session, author, memory))


async def undo(session: AsyncSession, access: Access, memory_id: UUID) -> MemoryRead:
    """Take its last change back; of a forgotten one that it was forgotten.

    Raises MemoryNotFound, MemoryChangedSince, RestoreExpired and TooManyMemories.
    """
    author = author_of(access)
    memory = await _held(session, author, memory_id, forgotten=True)
    await match(session, memory)
    restorable.expect_restorable(memory)
    if memory.deleted_at is not None:
        return told(memory, await keeping.bring_back(session, author, memory))
    revision = await keeping.undo(session, author, memory)
    return told(memory, revision)


async def accept(session: AsyncSession, access: Access, memory_id: UUID) -> MemoryRead:
    """Raises MemoryNotFound and NotProposed."""
    author = author_of(access)
    memory = await _proposed(session, author, memory_id)
    return told(memory, await keeping.accept(session, author, memory))


async def decline(session: AsyncSession, access: Access, memory_id: UUID) -> MemoryRead:
    """It goes for good after 30 days. Raises MemoryNotFound and NotProposed."""
    author = author_of(access)
    memory = await _proposed(session, author, memory_id)
    memory.status = "declined"
    await keeping.forget(session, author, memory)
    return told(memory, await _current(session, memory))


async def history(
    session: AsyncSession, access: Access, memory_id: UUID, query: RevisionQuery, cursors: Cursors
) -> Slice[Any]:
    """All that was ever believed of it, newest first. Raises MemoryNotFound."""
    memory = await find(session, author_of(access), memory_id)
    found = await listing_crud.history(session, access.workspace_id, memory.id, query, cursors)
    return found.map(told_of)


async def bulk(session: AsyncSession, access: Access, items: list[MemoryBulkItem]) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: MemoryBulkItem) -> UUID:
        if item.action == "forget":
            await forget(session, access, item.id)
        elif item.action == "restore":
            await restore(session, access, item.id)
        elif item.action == "accept":
            await accept(session, access, item.id)
        else:
            await decline(session, access, item.id)
        return item.id

    return await each(session, items, act)


async def export(database: Database, access: Access) -> AsyncIterator[bytes]:
    """All living memories that the caller sees, one a line, each with its history."""
    author, last = author_of(access), None
    while True:
        async with database.unit(access.scope) as session:
            memories = await listing_crud.after(session, author, last, PAGE)
            ids = [memory.id for memory in memories]
            revisions = await listing_crud.revisions_of(session, author.workspace_id, ids)
        if not memories:
            return
        last = memories[-1].id
        by_memory: dict[UUID, list[MemoryRevision]] = {each: [] for each in ids}
        for revision in revisions:
            by_memory[revision.memory_id].append(revision)
        yield b"".join(_line(each, by_memory[each.id]) for each in memories if by_memory[each.id])


async def find(session: AsyncSession, author: Author, memory_id: UUID) -> Memory:
    """A living one that its reader sees; raises MemoryNotFound."""
    memory = await crud.find(session, author, memory_id)
    if memory is None or memory.deleted_at is not None:
        raise MemoryNotFound
    return memory


async def _held(
    session: AsyncSession, author: Author, memory_id: UUID, *, forgotten: bool = False
) -> Memory:
    """One that nobody else changes meanwhile."""
    await crud.lock(session, author.workspace_id)
    memory = await crud.find(session, author, memory_id)
    if memory is None or (memory.deleted_at is not None and not forgotten):
        raise MemoryNotFound
    return memory


async def _proposed(session: AsyncSession, author: Author, memory_id: UUID) -> Memory:
    memory = await _held(session, author, memory_id)
    await match(session, memory)
    if memory.status != "proposed":
        raise NotProposed
    return memory


async def _current(session: AsyncSession, memory: Memory) -> MemoryRevision:
    found = await crud.current(session, memory.workspace_id, [memory.id])
    if memory.id not in found:  # it has gone for good meanwhile
        raise MemoryNotFound
    return found[memory.id]


def _changed(current: MemoryRevision, given: Mapping[str, Any]) -> Said:
    names = ("text", "subject", "predicate", "object", "confidence")
    said = replace(said_in(current), **{name: given[name] for name in names if name in given})
    if len({part is None for part in (said.subject, said.predicate, said.object)}) > 1:
        raise FactIncomplete
    return said


def _span(current: MemoryRevision, given: Mapping[str, Any]) -> Span | None:
    if not {"valid_from", "valid_to"} & given.keys():
        return None
    start = given.get("valid_from") or current.valid_from or now()
    end = given.get("valid_to", current.valid_to)
    return Span(start, end)


def _line(memory: Memory, revisions: list[MemoryRevision]) -> bytes:
    whole = told(memory, revisions[-1]).model_dump(mode="json")
    whole["history"] = [told_of(each).model_dump(mode="json") for each in revisions]
    return orjson.dumps(whole) + b"\n"
