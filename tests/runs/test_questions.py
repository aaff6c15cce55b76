"""Questions to Valkey over a line of their own, where it is broken off and where it is lost."""

import asyncio

import pytest
import pytest_asyncio

from app.runs.events.questions import Questions


@pytest_asyncio.fixture(loop_scope="session")
async def questions(kernel):
    opened = Questions(kernel.valkey)
    yield opened
    await opened.close()


async def test_the_answer_to_what_was_broken_off_is_not_taken_for_the_next_one(kernel, questions):
    assert await questions.ask("ECHO", b"before") == b"before"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await questions.ask("BLPOP", "line:late", 0)
    await kernel.valkey.rpush("line:late", "late")
    assert await questions.ask("ECHO", b"now") == b"now"
    await kernel.valkey.delete("line:late")


async def test_a_lost_connection_is_made_anew(kernel, questions):
    before = await questions.ask("CLIENT", "ID")
    await kernel.valkey.client_kill_filter(_id=before)
    assert await questions.ask("CLIENT", "ID") != before
