"""A workspace with passages that can be told of, and looked at by several people."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest_asyncio
from sqlalchemy import select

from app.core.auth import Access, Permission
from app.core.kernel import Kernel
from app.knowledge.graph.findings import Findings, Mention, Tie
from app.knowledge.graph.keys import key_of
from app.knowledge.graph.models import GraphContribution, GraphEntity, GraphRelation
from app.knowledge.graph.sight import Viewer, viewer_of
from app.knowledge.graph.telling import tell
from app.knowledge.passages import service as passages
from app.knowledge.passages.draft import Draft, Subject
from app.knowledge.passages.models import Passage
from app.knowledge.vectors.index import Reach
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.runs import new_access


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


def access_of(talker) -> Access:
    person = talker.person
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, frozenset(Permission), "session", uuid4())


async def stranger_of(client) -> Talker:
    return Talker(client, await new_person(client))


@dataclass
class Shelves:
    """A source of documents: the collections that are open, for everyone who asks."""

    kind: str = "document"
    open: set[UUID] = field(default_factory=set)

    async def reach(self, session, access) -> Reach | None:
        return Reach(self.kind, parents=tuple(self.open))

    async def models(self, session, workspace_id):
        return {}

    async def visible(self, session, access, subject_ids):
        found = await session.scalars(
            select(Passage.subject_id).where(
                Passage.subject_id.in_(subject_ids), Passage.parent_id.in_(self.open)
            )
        )
        return set(found)


@dataclass
class Desk:
    """One workspace, its documents, and what is told of it."""

    kernel: Kernel
    access: Access
    shelves: Shelves

    @property
    def workspace_id(self) -> UUID:
        return self.access.workspace_id

    @asynccontextmanager
    async def unit(self):
        async with self.kernel.database.unit(self.access.scope) as session:
            yield session

    @asynccontextmanager
    async def viewing(self):
        """A session, and the viewer who sees all open collections."""
        async with self.unit() as session:
            yield session, await self.viewer(session)

    async def viewer(self, session) -> Viewer:
        return await viewer_of(session, self.access, {"document": self.shelves})

    def collection(self, *, is_open: bool = True) -> UUID:
        made = uuid4()
        if is_open:
            self.shelves.open.add(made)
        return made

    async def put(
        self, text: str | Sequence[str], collection: UUID, document: UUID | None = None
    ) -> list[UUID]:
        """Have a document of these passages; returns their ids."""
        texts = [text] if isinstance(text, str) else text
        document = document or uuid4()
        subject = Subject(
            self.workspace_id, "document", document, self.access.user_id, parent_id=collection
        )
        async with self.unit() as session:
            await passages.put(session, subject, [Draft(each) for each in texts])
            found = select(Passage.id).where(Passage.subject_id == document)
            return list(await session.scalars(found.order_by(Passage.ordinal)))

    async def remove(self, document: UUID) -> None:
        async with self.unit() as session:
            await passages.remove(session, self.workspace_id, "document", document)

    async def tell(
        self, passage_id: UUID, *names: str, extractor: str = "rules", **ties: str
    ) -> None:
        """Have a passage mention names, and related: `a="b"` ties a to b, in both's words."""
        found = Findings(
            [Mention(key_of(name), name, "name", ((0, len(name)),)) for name in names],
            [Tie(key_of(a), key_of(b), "knows") for a, b in ties.items()],
        )
        async with self.unit() as session:
            assert await tell(session, self.workspace_id, passage_id, extractor, "1", found)

    async def state(self) -> dict[str, set]:
        """All rows of the graph, without times and versions."""
        async with self.unit() as session:
            entities = (await session.scalars(select(GraphEntity))).all()
            relations = (await session.scalars(select(GraphRelation))).all()
            told = (await session.scalars(select(GraphContribution))).all()
        return {
            "entities": {
                (e.id, e.key, e.origin, e.name, e.merged_into_id, e.root_id) for e in entities
            },
            "relations": {
                (r.id, r.source_id, r.target_id, r.type, r.origin, r.root_id) for r in relations
            },
            "contributions": {
                (c.passage_id, c.entity_id, c.relation_id, c.extractor, c.name) for c in told
            },
        }


@pytest_asyncio.fixture(loop_scope="session")
async def desk(kernel) -> Desk:
    return Desk(kernel, await new_access(kernel), Shelves())
