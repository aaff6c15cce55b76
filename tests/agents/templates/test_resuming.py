"""A process dies while a template is written: another one goes on with what is known already."""

import asyncio
from uuid import UUID

import pytest

from app.agents.templates.generation import service
from app.agents.templates.generation.work import KIND, Generating
from app.agents.templates.schemas import TemplateGenerate
from app.core.auth import Access, Permission
from tests.agents.templates.test_generation import (
    BRIEF,
    DRAFT,
    WISH,
    ended,
    events_of,
    told,
    verdict,
)
from tests.support.chat import connected
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import until
from tests.support.runs import Process

ANSWERS = [BRIEF, DRAFT, "A.", verdict(1, 0.5), "B.", verdict(0.5, 0.5)]


def holding():
    """An answer that never comes."""

    async def act(_fake, _exchange, _body):
        await asyncio.Event().wait()

    return act


async def killed_at(app, kernel, templates, fake, held):
    """Have a generation die while it waits for an answer; its run."""
    fake.will(*told(*ANSWERS[:held]), holding())
    [own] = [each for each in app.state.agents.works if each.kind == KIND]
    process = await Process(kernel, Generating(kernel.database, own._calls)).start()
    user_id = UUID(templates.person.user_id)
    access = Access(
        UUID(templates.person.workspace_id), user_id, frozenset(Permission), "session", user_id
    )
    wish = TemplateGenerate.model_validate({**WISH, "model": "openai/gpt-4o"})
    async with kernel.database.unit(access.scope) as session:
        run = await service.begin(session, access, process.runs.executor.id, wish)
    process.runs.executor.launch(run)

    async def is_held():
        return len(posted(fake)) == held + 1

    await until(is_held)
    # What came before stands in the log for good, as seconds of waiting would have it.
    [active] = process.runs.executor._active.values()
    await active.ctx.flush()
    await process.kill()
    return run


def posted(fake):
    return [request for request in fake.requests if request.method == "POST"]


@pytest.mark.parametrize(
    ("held", "again_from"),
    [(0, 0), (1, 1), (2, 2), (3, 2), (5, 4)],
    ids=["brief", "draft", "first answer", "first verdict", "last verdict"],
)
async def test_a_killed_generation_goes_on_where_it_was(app, kernel, templates, held, again_from):
    fake = FakeOpenAI()
    async with connected(templates, fake):
        run = await killed_at(app, kernel, templates, fake, held)
        fake.will(*told(*ANSWERS[again_from:]))
        await app.state.runs.recovery.sweep()
        over = await ended(templates, str(run.id))
    assert over["status"] == "completed", over["error"]
    assert len(posted(fake)) == held + 1 + len(ANSWERS) - again_from
    assert over["result"]["score"] == pytest.approx(0.625)
    version = await templates.at("GET", f"/{over['result']['template_id']}/versions/1")
    cases = version.json()["evidence"]["cases"]
    assert [(each["name"], each["answer"]) for each in cases] == [("Angry", "A."), ("Calm", "B.")]
    used = [each for each in await events_of(templates, over) if each["type"] == "usage.updated"]
    assert over["input_tokens"] == sum(each["input_tokens"] for each in used)
    kept = (await templates.at("GET")).json()["data"]
    assert [each["id"] for each in kept] == [over["result"]["template_id"]]
