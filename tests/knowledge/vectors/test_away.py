"""Without Qdrant the service goes on: chats answer, passages wait."""

from uuid import UUID

import httpx2
import pytest
import pytest_asyncio

from app.core.db import SYSTEM
from app.core.ids import new_id
from app.core.vectors import VectorsAway
from app.knowledge.passages import crud, service
from app.knowledge.passages.draft import Draft, Subject
from app.knowledge.vectors.index import Reach
from app.main import announce_stop, create_app
from tests.conftest import serve
from tests.knowledge.ingestion.conftest import new_shelf
from tests.support.chat import Talker
from tests.support.identity import new_person, until


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(apart):
    """A service whose Qdrant nobody answers for; and its address."""
    app = create_app(apart("alone").model_copy(update={"qdrant_url": "http://127.0.0.1:1"}))
    server, task, url = await serve(app)
    yield app, url
    announce_stop(app)
    server.should_exit = True
    await task


async def test_chats_go_on_and_passages_wait(alone):
    app, url = alone
    knowledge = app.state.knowledge
    async with httpx2.AsyncClient(base_url=url, timeout=20) as http:
        ready = await http.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["stores"]["qdrant"] == "down"
        person = await new_person(http)
        talker = Talker(http, person)
        answer = await talker.ask("Hello", model="demo/chat?tokens=2&delay_ms=0")
        assert answer["message"]["text"]
        shelf = await new_shelf(http, person)
        assert (await shelf.upload()).status_code == 202

        async def found(mode):
            body = {"query": "leave", "mode": mode, "filters": {"collections": [shelf.id]}}
            return await shelf.call("POST", "/v1/search", json=body)

        async def is_found_by_words():
            return (await found("lexical")).json()["data"]

        await until(is_found_by_words, 30)
        refused = await found("hybrid")
        assert (refused.status_code, refused.json()["code"]) == (503, "search_unavailable")
    workspace_id = UUID(person.workspace_id)
    with pytest.raises(VectorsAway):
        await knowledge.index.search(workspace_id, "a", [1.0], [Reach("document")], 5)
    subject = Subject(workspace_id, "document", new_id(), UUID(person.user_id))
    async with app.state.kernel.database.unit(SYSTEM) as session:
        await service.put(session, subject, [Draft("Frogs live in ponds.")])
    left, reason = await knowledge.indexer.embed_subject(workspace_id, "document", subject.id)
    assert (left, reason) == (1, "vectors_away")
    async with app.state.kernel.database.unit(SYSTEM) as session:
        (passage,) = await crud.of_subject(session, workspace_id, "document", subject.id)
    assert passage.space is None
