"""A collection is indexed anew while it is searched: there is never less to find than before."""

import asyncio
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.vectors import VectorsAway
from app.inference.embeddings.local import LocalEmbedder
from app.knowledge.collections import crud
from app.knowledge.collections.models import ReindexedPassage
from app.knowledge.ingestion import chunking
from app.knowledge.passages.models import Passage, VectorRemoval
from tests.knowledge.ingestion.conftest import new_shelf
from tests.support.chat import Talker, connected
from tests.support.fakes.openai import FakeOpenAI

MODEL = "openai/text-embedding-3-small"
LOCAL = LocalEmbedder.name


def long_text(n):
    return f"# Part {n}\n\n" + " ".join(f"Sentence {i} of part {n} is here." for i in range(60))


@pytest.fixture
async def filled(client):
    shelf = await new_shelf(client)
    for n in range(3):
        await shelf.add(long_text(n), f"{n}.md")
    return shelf


@asynccontextmanager
async def other_model(shelf):
    async with connected(Talker(shelf.http, shelf.person), FakeOpenAI()):
        yield


async def reindex(shelf, **change):
    answer = await shelf.call("POST", f"{shelf.path}/reindex", json=change)
    assert answer.status_code == 202, answer.text
    return answer.json()["run_id"]


async def hits(shelf):
    answer = await shelf.call(
        "POST",
        "/v1/search",
        json={
            "query": "Which part is here?",
            "mode": "semantic",
            "limit": 100,
            "filters": {"collections": [shelf.id]},
        },
    )
    assert answer.status_code == 200, answer.text
    return len(answer.json()["data"])


async def spaces(kernel, shelf):
    async with kernel.database.unit(shelf.scope) as session:
        rows = await session.execute(select(Passage.space, Passage.embedding_model).distinct())
        return {tuple(row) for row in rows}


async def noted(kernel, shelf):
    async with kernel.database.unit(shelf.scope) as session:
        return len((await session.scalars(select(ReindexedPassage))).all())


async def let_go(app, shelf):
    """Let the old vectors' time be over, and have them removed."""
    async with app.state.kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(VectorRemoval)
            .where(VectorRemoval.workspace_id == shelf.scope.workspace_id)
            .values(due_at=now())
        )
    await app.state.knowledge.indexer.catch_up()


async def test_the_model_changes_under_a_search_that_never_finds_less(filled, app, kernel):
    index = app.state.knowledge.index
    workspace_id = filled.scope.workspace_id
    async with other_model(filled):
        before = await hits(filled)
        assert before == await filled.passages(kernel) > 3
        seen, done = [], asyncio.Event()

        async def search():
            while not done.is_set():
                seen.append(await hits(filled))

        searching = asyncio.create_task(search())
        run_id = await reindex(filled, embedding_model=MODEL)
        late = await filled.add(long_text(9), "late.md")
        run = await filled.run(run_id)
        await asyncio.sleep(0.1)
        done.set()
        await searching
        assert (run["status"], run["result"]["embedding_model"]) == ("completed", MODEL)
        assert min(seen) >= before
        assert len(seen) > 2
        after = await filled.passages(kernel)
        assert await hits(filled) == after > before
        ((space, model),) = await spaces(kernel, filled)
        assert (model, space != LOCAL) == (MODEL, True)
        assert await index.count(workspace_id, space) == after
        await let_go(app, filled)
        assert await index.count(workspace_id, LOCAL) == 0
        assert await hits(filled) == after
        assert all(chunk["embedded"] for chunk in await filled.chunks(late["id"]))
    assert await noted(kernel, filled) == 0


async def test_there_and_back_again_keeps_every_vector(filled, app, kernel):
    async with other_model(filled):
        before = await hits(filled)
        await filled.run(await reindex(filled, embedding_model=MODEL))
        await filled.run(await reindex(filled, embedding_model=None))
        await let_go(app, filled)
        assert await spaces(kernel, filled) == {(LOCAL, None)}
        assert await hits(filled) == before
        assert await app.state.knowledge.index.count(filled.scope.workspace_id, LOCAL) == before


async def test_the_chunks_change_and_each_has_its_vector(filled, app, kernel):
    before = await filled.passages(kernel)
    run = await filled.run(await reindex(filled, chunking={"tokens": 60, "overlap": 0}))
    assert (run["status"], run["result"]["chunking"]) == ("completed", {"tokens": 60, "overlap": 0})
    after = await filled.passages(kernel)
    assert after > before
    assert await spaces(kernel, filled) == {(LOCAL, None)}
    await app.state.knowledge.indexer.catch_up()
    assert await app.state.knowledge.index.count(filled.scope.workspace_id, LOCAL) == after
    assert await hits(filled) == min(after, 100)
    await filled.run(await reindex(filled, chunking={"tokens": 220, "overlap": 30}))
    assert await filled.passages(kernel) == before


async def test_a_document_that_would_come_to_too_many_chunks_keeps_its_own(
    filled, kernel, monkeypatch
):
    before = await filled.passages(kernel)
    (one, *_) = (await filled.call("GET", f"{filled.path}/documents")).json()["data"]
    monkeypatch.setattr(chunking, "MOST_CHUNKS", before // 3)
    finer = {"tokens": 20, "overlap": 0}
    tried = await filled.call(
        "POST",
        f"{filled.path}/chunk-preview",
        json={"document_id": one["id"], "chunking": finer},
    )
    assert (tried.status_code, tried.json()["code"]) == (422, "too_many_chunks")
    run = await filled.run(await reindex(filled, chunking=finer))
    assert run["status"] == "completed"
    assert await filled.passages(kernel) == before


async def test_documents_come_in_while_a_collection_changes_over(filled, kernel):
    async with kernel.database.unit(filled.scope) as session:
        held = await crud.lock(session, filled.scope.workspace_id, UUID(filled.id), shared=False)
        assert held is not None
        answer = await asyncio.wait_for(filled.upload("Late.", "late.txt"), 25)
        assert answer.status_code == 202
        assert (await filled.show(answer.json()["id"]))["current_version"] is None
    assert (await filled.settled(answer.json()["id"]))["status"] == "ready"


async def test_only_one_run_indexes_a_collection_anew(filled, app, monkeypatch):
    index = app.state.knowledge.indexer._index
    kept = index.upsert

    async def away(*_):
        raise VectorsAway("it is away")

    async with other_model(filled):
        monkeypatch.setattr(index, "upsert", away, raising=False)
        run_id = await reindex(filled, embedding_model=MODEL)
        again = await filled.call("POST", f"{filled.path}/reindex", json={})
        assert (again.status_code, again.json()["code"]) == (409, "reindex_under_way")
        await filled.call("POST", f"/v1/runs/{run_id}/cancel")
        assert (await filled.run(run_id))["status"] == "cancelled"
        monkeypatch.setattr(index, "upsert", kept, raising=False)
    shown = (await filled.call("GET", filled.path)).json()
    assert (shown["embedding_model"], shown["reindex_run_id"]) == (None, None)


async def test_a_model_that_nobody_offers_is_refused(filled):
    answer = await filled.call(
        "POST", f"{filled.path}/reindex", json={"embedding_model": "nobody/nothing"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "embedding_model_not_usable")
