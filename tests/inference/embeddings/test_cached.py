"""No text of a workspace is embedded twice, and what nobody needs is forgotten."""

from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import delete, func, select, update

from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.identity.workspaces.models import Workspace
from app.inference.embeddings.cached import CachedEmbedder
from app.inference.embeddings.jobs import UNUSED, embedding_cache_job
from app.inference.embeddings.models import EmbeddingCache
from app.inference.usage.payer import Payer


class Counting:
    """Turns a text into numbers, and remembers what it was asked for."""

    dimensions = 2

    def __init__(self, name="a:model", scale=1.0):
        self.name = name
        self.scale = scale
        self.asked = []

    async def embed(self, texts, purpose="document"):
        self.asked.append((list(texts), purpose))
        return [[self.scale * len(text), 0.1] for text in texts]


@pytest_asyncio.fixture(loop_scope="session")
async def workspace_id(kernel):
    return await new_workspace(kernel)


async def new_workspace(kernel):
    made = Workspace(id=new_id(), name="W")
    async with kernel.database.unit(SYSTEM) as session:
        session.add(made)
    return made.id


async def kept(kernel, workspace_id):
    async with kernel.database.unit(Scope(workspace_id)) as session:
        found = select(EmbeddingCache).where(EmbeddingCache.workspace_id == workspace_id)
        return (await session.scalars(found)).all()


async def test_only_what_is_new_is_embedded_and_all_come_in_order(kernel, workspace_id):
    counting = Counting()
    cached = CachedEmbedder(counting, kernel.database, workspace_id)
    assert (cached.name, cached.dimensions) == ("a:model", 2)
    await cached.embed(["one", "three"])
    vectors = await cached.embed(["three", "fifteen", "one", "fifteen", ""])
    assert [round(vector[0]) for vector in vectors] == [5, 7, 3, 7, 0]
    assert [texts for texts, _ in counting.asked] == [["one", "three"], ["fifteen", ""]]
    again = await cached.embed(["one", "three"])
    assert len(counting.asked) == 2
    assert [vector[0] for vector in again] == [3.0, 5.0]
    assert again[0][1] == pytest.approx(0.1, abs=1e-7)  # single precision
    assert await cached.embed([]) == []


async def test_no_text_is_kept(kernel, workspace_id):
    await CachedEmbedder(Counting(), kernel.database, workspace_id).embed(["a secret text"])
    (row,) = await kept(kernel, workspace_id)
    assert (len(row.sha256), len(row.vector)) == (32, 8)


async def test_another_model_and_another_workspace_are_asked_anew(kernel, workspace_id):
    await CachedEmbedder(Counting(), kernel.database, workspace_id).embed(["text"])
    for name, tenant in (("b:model", workspace_id), ("a:model", await new_workspace(kernel))):
        other = Counting(name, scale=2.0)
        vectors = await CachedEmbedder(other, kernel.database, tenant).embed(["text"])
        assert vectors[0][0] == 8
        assert len(other.asked) == 1


async def test_of_a_model_that_was_changed_nothing_older_is_used(kernel, workspace_id):
    """Vectors of two lengths are of no use beside each other."""

    class Longer(Counting):
        async def embed(self, texts, purpose="document"):
            return [[*vector, 0.2] for vector in await super().embed(texts, purpose)]

    await CachedEmbedder(Counting(), kernel.database, workspace_id).embed(["one", "three"])
    longer = Longer()
    cached = CachedEmbedder(longer, kernel.database, workspace_id)
    vectors = await cached.embed(["one", "fifteen", "three"])
    assert [len(vector) for vector in vectors] == [3, 3, 3]
    assert [round(vector[0]) for vector in vectors] == [3, 7, 5]
    asked = len(longer.asked)
    again = await cached.embed(["one", "fifteen", "three"])
    assert again == [pytest.approx(vector) for vector in vectors]
    assert len(longer.asked) == asked


async def test_questions_are_not_kept(kernel, workspace_id):
    counting = Counting()
    cached = CachedEmbedder(counting, kernel.database, workspace_id)
    for _ in range(2):
        await cached.embed(["why?"], "query")
    assert counting.asked == [(["why?"], "query")] * 2
    assert await kept(kernel, workspace_id) == []


async def test_what_two_embed_at_once_is_kept_once(kernel, workspace_id):
    class Late(Counting):
        async def embed(self, texts, purpose="document"):
            await CachedEmbedder(Counting(), kernel.database, workspace_id).embed(texts)
            return await super().embed(texts, purpose)

    await CachedEmbedder(Late(), kernel.database, workspace_id).embed(["text"])
    assert len(await kept(kernel, workspace_id)) == 1


async def test_what_is_not_used_for_a_month_goes_and_use_keeps_it(kernel, workspace_id):
    cached = CachedEmbedder(Counting(), kernel.database, workspace_id)
    await cached.embed(["used", "unused"])
    long_ago = now() - UNUSED - timedelta(minutes=1)
    async with kernel.database.unit(Scope(workspace_id)) as session:
        await session.execute(update(EmbeddingCache).values(used_at=long_ago))
    await cached.embed(["used"])
    await embedding_cache_job(kernel.database).run()
    counting = Counting()
    await CachedEmbedder(counting, kernel.database, workspace_id).embed(["used", "unused"])
    assert counting.asked == [(["unused"], "document")]


async def test_a_workspace_keeps_no_more_than_it_may(kernel, workspace_id):
    cached = CachedEmbedder(Counting(), kernel.database, workspace_id)
    texts = ["x" * length for length in range(1, 8)]
    await cached.embed(texts)
    async with kernel.database.unit(Scope(workspace_id)) as session:
        await session.execute(
            update(EmbeddingCache)
            .where(EmbeddingCache.vector.in_([row.vector for row in await old(session, texts[:2])]))
            .values(used_at=now() - timedelta(days=3))
        )
    await embedding_cache_job(kernel.database, most=5).run()
    assert len(await kept(kernel, workspace_id)) == 5
    counting = Counting()
    await CachedEmbedder(counting, kernel.database, workspace_id).embed(texts)
    assert counting.asked == [(texts[:2], "document")]


async def old(session, texts):
    digests = [sha256(text.encode()).digest() for text in texts]
    found = select(EmbeddingCache).where(EmbeddingCache.sha256.in_(digests))
    return (await session.scalars(found)).all()


async def test_it_goes_with_its_workspace(kernel, workspace_id):
    await CachedEmbedder(Counting(), kernel.database, workspace_id).embed(["text"])
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(delete(Workspace).where(Workspace.id == workspace_id))
        counted = select(func.count()).select_from(EmbeddingCache)
        left = await session.scalar(counted.where(EmbeddingCache.workspace_id == workspace_id))
    assert left == 0


async def test_a_document_that_comes_again_costs_nothing(app, kernel, workspace_id, monkeypatch):
    """The indexer asks the cache, for the local model as for any other."""
    indexer = app.state.knowledge.indexer
    embedder = await indexer._embedders.cached(Payer(workspace_id, new_id(), "test"), None)
    text = f"A text that nobody has seen: {uuid4()}"
    (first,) = await embedder.embed([text])

    async def never(*_):
        raise AssertionError("embedded twice")

    monkeypatch.setattr(indexer._embedders.local, "embed", never)
    (second,) = await embedder.embed([text])
    assert second == pytest.approx(first, abs=1e-7)
