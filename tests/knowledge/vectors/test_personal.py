"""What a person leaves behind in the stores of vectors when they are erased: nothing."""

from dataclasses import dataclass, field
from uuid import uuid4

from sqlalchemy import delete, select

from app.core.db import SYSTEM
from app.inference.embeddings.models import EmbeddingCache
from app.knowledge.passages.models import Passage
from app.knowledge.vectors.index import Reach
from app.knowledge.vectors.qdrant import QdrantIndex
from app.oversight.privacy.people import Person
from app.oversight.privacy.qdrant import QdrantStore
from tests.knowledge.vectors.conftest import keep, new_workspaces, passage, point


@dataclass
class Counted:
    counts: dict[str, int] = field(default_factory=dict)

    async def add(self, place, action, count, *, reason="", session=None):
        self.counts[place] = count


async def test_a_persons_own_points_and_workspaces_go_from_qdrant(kernel, space):
    index, store = QdrantIndex(kernel.vectors), QdrantStore(kernel.vectors)
    shared, alone = await new_workspaces(kernel, 2)
    person = Person(uuid4(), workspaces=frozenset({alone}))
    own, others = point([1, 0], user_id=person.user_id), point([1, 0], user_id=uuid4())
    await keep(kernel, index, shared, space, own, others)
    await keep(kernel, index, alone, space, point([1, 0]))
    assert await store.left(person) == 2
    told = [line async for entry in store.export(person) async for line in entry.pieces]
    assert str(own.id).encode() in b"".join(told)
    await store.erase(person, counted := Counted())
    assert sum(counted.counts.values()) == 2
    assert await store.left(person) == 0
    (left,) = await index.search(shared, space, [1, 0], [Reach("document")], 5)
    assert left.passage_id == others.id


async def test_what_a_person_wrote_leaves_no_embedding(kernel, workspace_id):
    """By any way a passage goes; what is the workspace's stays, to be indexed again."""
    own, common = point([1, 0], user_id=uuid4()), point([1, 0])
    digests = {own.id: b"o" * 32, common.id: b"c" * 32}
    async with kernel.database.unit(SYSTEM) as session:
        for each in (own, common):
            session.add(
                EmbeddingCache(
                    workspace_id=workspace_id, model="m", sha256=digests[each.id], vector=b"1234"
                )
            )
            session.add(made := passage(workspace_id, each))
            made.content_sha256 = digests[each.id]
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(delete(Passage).where(Passage.workspace_id == workspace_id))
        kept = select(EmbeddingCache.sha256).where(EmbeddingCache.workspace_id == workspace_id)
        assert (await session.scalars(kept)).all() == [digests[common.id]]
