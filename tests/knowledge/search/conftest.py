"""A shelf of documents that a search may look through, without the rooms that take them in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest
import pytest_asyncio

from app.core.auth import Access
from app.core.db import Scope
from app.core.ids import new_id
from app.inference.usage.payer import payer_of
from app.knowledge.passages import service
from app.knowledge.passages.draft import Draft, Subject
from app.knowledge.search.question import Question
from app.knowledge.search.reranking import Rerankers
from app.knowledge.search.searching import Searching
from app.knowledge.vectors.index import Reach
from tests.support.identity import Person, new_person
from tests.support.knowledge import indexed


@dataclass
class Shelf:
    """A Source of documents: everybody sees the collections in `open`, but nothing `hidden`."""

    kind: str = "document"
    open: list[UUID] | None = None
    hidden: set[UUID] = field(default_factory=set)
    by_parent: Mapping[UUID, str] = field(default_factory=dict)

    async def reach(self, session, access) -> Reach | None:
        return Reach(self.kind, parents=None if self.open is None else tuple(self.open))

    async def models(self, session, workspace_id):
        return self.by_parent

    async def visible(self, session, access, subject_ids: Sequence[UUID]) -> set[UUID]:
        return set(subject_ids) - self.hidden


@dataclass
class Library:
    """Documents of one workspace, and searches over them."""

    app: object
    access: Access
    shelf: Shelf
    searching: Searching

    async def put(self, *texts: str | Draft, parent_id=None, subject_id=None, embed=True) -> UUID:
        subject = Subject(
            self.access.workspace_id,
            self.shelf.kind,
            subject_id or new_id(),
            self.access.user_id,
            parent_id=parent_id or new_id(),
        )
        drafts = [each if isinstance(each, Draft) else Draft(each, language="en") for each in texts]
        async with self.app.state.kernel.database.unit(self.access.scope) as session:
            await service.put(session, subject, drafts)
        if embed:
            await indexed(self.app, self.access.workspace_id)
        return subject.id

    async def remove(self, subject_id: UUID) -> None:
        async with self.app.state.kernel.database.unit(self.access.scope) as session:
            await service.remove(session, self.access.workspace_id, self.shelf.kind, subject_id)
        await self.app.state.knowledge.indexer.catch_up()

    async def ask(self, text: str, **more):
        payer = payer_of(self.access, "search", new_id())
        return await self.searching.find(self.access, payer, Question(text, **more))

    async def texts(self, text: str, **more) -> list[str]:
        return [each.passage.text for each in (await self.ask(text, **more)).found]


async def new_library(app, client) -> Library:
    return await library_of(app, await new_person(client))


async def library_of(app, person: Person) -> Library:
    access = await app.state.kernel.resolver.resolve(person.access_token, None)
    shelf = Shelf()
    inference, knowledge = app.state.inference, app.state.knowledge
    searching = Searching(
        app.state.kernel.database,
        inference.embedders,
        knowledge.index,
        {shelf.kind: shelf},
        Rerankers(inference.directory, inference.own),
    )
    return Library(app, access, shelf, searching)


@pytest_asyncio.fixture(loop_scope="session")
async def library(app, kernel, client) -> Library:
    return await new_library(app, client)


@pytest.fixture
def scope(library) -> Scope:
    return library.access.scope
