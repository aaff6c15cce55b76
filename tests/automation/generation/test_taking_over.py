"""A process dies while it helps: another one goes on with the answers that were paid for."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from app.agents.runtime.work import access_kept
from app.automation.generation import service
from app.automation.generation.schemas import WorkflowGenerate
from app.automation.generation.suggest_schemas import WorkflowSuggest
from app.core.auth import Access, Permission
from app.runs.runs import service as runs
from tests.automation.generation.conftest import MODEL, answer, posted, told
from tests.automation.generation.test_generating import GOOD, WISH
from tests.automation.generation.test_suggesting import MORNING, start
from tests.support.chat import connected
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import until
from tests.support.runs import Process

WRONG = answer({"dsl": "flow/1", "nodes": [{"id": "a", "type": "teleport", "with": {}}]})
_DAY = timedelta(days=1)
ANSWERS = ["no JSON", WRONG, answer(GOOD)]


def holding():
    """An answer that never comes."""

    async def act(_fake, _exchange, _body):
        await asyncio.Event().wait()

    return act


def access_of(talker):
    user_id = UUID(talker.person.user_id)
    workspace_id = UUID(talker.person.workspace_id)
    return Access(workspace_id, user_id, frozenset(Permission), "session", user_id)


async def killed(app, kernel, access, wanted, is_reached):
    """Have a process die over a run once `is_reached`; the run."""
    process = await Process(kernel, *app.state.automation.helping.works()).start()
    async with kernel.database.unit(access.scope) as session:
        run = await runs.create(
            session,
            access,
            executor_id=process.runs.executor.id,
            kind=wanted.kind,
            input={"wish": wanted.wish, **access_kept(access)},
        )
    process.runs.executor.launch(run)
    await until(is_reached, seconds=20)
    # What came before stands in the log for good, as seconds of waiting would have it.
    [active] = process.runs.executor._active.values()
    await active.ctx.flush()
    await process.kill()
    return run


async def taken_over(app, talker, run):
    await app.state.runs.recovery.sweep()
    path = f"/v1/runs/{run.id}"
    streamed = await talker.stream("GET", f"{path}/events")
    return (await talker.call("GET", path)).json(), streamed.events


@pytest.mark.parametrize("held", [0, 1, 2], ids=["first", "a correction", "the last"])
async def test_a_killed_generation_asks_for_nothing_twice(app, kernel, talker, held):
    """All but the question that was under way: its answer has come to nobody."""
    fake = FakeOpenAI()
    async with connected(talker, fake):
        fake.will(*told(*ANSWERS[:held]), holding(), *told(*ANSWERS[held:]))
        access = access_of(talker)
        wish = WorkflowGenerate.model_validate({"description": WISH, "model": MODEL})
        wanted = service.generation(app.state.automation.helping, access, wish)

        async def is_held():
            return len(posted(fake)) == held + 1

        run = await killed(app, kernel, access, wanted, is_held)
        over, events = await taken_over(app, talker, run)
    assert over["status"] == "completed", over["error"]
    assert over["result"]["definition"] == GOOD
    asked = posted(fake)
    assert len(asked) == len(ANSWERS) + 1
    # The one that was under way is asked again word for word, with all that came before it.
    assert asked[held] == asked[held + 1]
    used = [each for each in events if each["type"] == "usage.updated"]
    assert len(used) == over["result"]["usage"]["calls"] == len(ANSWERS)
    assert over["input_tokens"] == sum(each["input_tokens"] for each in used)
    # What a reader was told of an answer, they are told once.
    assert sum(each["type"] == "step.retrying" for each in events) == 2


async def test_a_process_that_dies_after_the_last_answer_asks_nobody(
    app, kernel, talker, monkeypatch
):
    """Killed while the answer is looked at."""
    looking = asyncio.Event()

    async def never(_self, _answer):
        looking.set()
        await asyncio.Event().wait()

    fake = FakeOpenAI()
    async with connected(talker, fake):
        fake.will(*told(answer(GOOD)))
        access = access_of(talker)
        wish = WorkflowGenerate.model_validate({"description": WISH, "model": MODEL})
        wanted = service.generation(app.state.automation.helping, access, wish)

        async def is_looking():
            return looking.is_set()

        with monkeypatch.context() as patched:
            patched.setattr("app.automation.generation.drafting.Checker.written", never)
            run = await killed(app, kernel, access, wanted, is_looking)
        over, _ = await taken_over(app, talker, run)
    assert over["status"] == "completed", over["error"]
    assert len(posted(fake)) == 1
    assert over["result"]["usage"]["model"] == MODEL


async def test_a_suggestion_words_what_was_counted_when_it_was_asked(app, kernel, talker, keeper):
    """What is begun after the count changes neither it nor whom a name is for."""
    report = await keeper.workflow("Report")
    for day in range(4):
        await start(keeper, report, MORNING - day * _DAY)
    fake = FakeOpenAI()
    async with connected(talker, fake):
        words = [{"id": "S1", "name": "A report each morning", "why": "Nobody forgets it."}]
        fake.will(holding(), *told({"automations": words}))
        access = access_of(talker)
        body = {"kind": "behaviour", "words": True, "model": MODEL}
        wish = WorkflowSuggest.model_validate({"from": body})
        wanted = await service.suggestion(app.state.automation.helping, access, wish)

        async def more_has_begun():
            if not posted(fake):
                return False
            other = await keeper.workflow("Another")
            for day in range(6):
                await start(keeper, other, MORNING - day * _DAY)
            return True

        run = await killed(app, kernel, access, wanted, more_has_begun)
        over, _ = await taken_over(app, talker, run)
    assert over["status"] == "completed", over["error"]
    [found] = over["result"]["automations"]
    assert found["name"] == "A report each morning"
    assert found["evidence"]["support"] == 4
    assert over["result"]["looked_at"]["workflow_runs"] == 4
