"""Searches that go on along the graph."""

import pytest_asyncio
from sqlalchemy import select

from app.knowledge.graph.findings import Findings, Mention
from app.knowledge.graph.telling import tell
from app.knowledge.passages.models import Passage
from tests.knowledge.search.conftest import new_library

FROG = "The pond of Doctor Miller has frogs."
CAR = "A blue car stands in the garage."
BOAT = "Another boat was painted last summer."


@pytest_asyncio.fixture(loop_scope="session")
async def library(app, client):
    return await new_library(app, client)


async def about(library, **names):
    """Have passages, by their first word, tell of someone."""
    workspace = library.access.workspace_id
    async with library.app.state.kernel.database.unit(library.access.scope) as session:
        for passage in (await session.scalars(select(Passage))).all():
            name = names.get(passage.text.split()[0])
            if name is not None:
                found = Findings([Mention(name.casefold(), name, "person")])
                await tell(session, workspace, passage.id, "rules", "1", found)


async def test_a_passage_about_the_same_person_is_found_along_the_graph(library):
    await library.put(FROG, CAR, BOAT, embed=False)
    await about(library, The="Miller", A="Miller", Another="Somebody")
    assert await library.texts("frogs", mode="lexical") == [FROG]
    found = (await library.ask("frogs", mode="lexical", graph=True)).found
    assert [each.passage.text for each in found] == [FROG, CAR]
    assert [each.scores.graph_rank for each in found] == [None, 1]


async def test_the_graph_leads_to_nothing_that_the_caller_may_not_see(library):
    hidden = await library.put(CAR, embed=False)
    await library.put(FROG, embed=False)
    await about(library, The="Miller", A="Miller")
    library.shelf.hidden.add(hidden)
    found = (await library.ask("frogs", mode="lexical", graph=True)).found
    assert [each.passage.text for each in found] == [FROG]
