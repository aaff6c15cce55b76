"""`agent`: one run an attempt, the same however often it is begun."""

from decimal import Decimal
from uuid import UUID

import pytest

from app.automation.nodes.node_type import Awaited, StepFault
from tests.agents.runtime.conftest import bench, fake  # noqa: F401 - fixtures
from tests.support.agents import Agency
from tests.support.chat import connected

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
async def agency(talker, fake, bench):  # noqa: F811
    async with connected(talker, fake) as slug:
        yield Agency(talker, fake, bench, f"{slug}/gpt-4o")


async def test_a_step_begun_twice_is_one_run(app, steps, agency):
    agent = await agency.make()
    agency.says("Found it.")
    settings = {"agent": agent["slug"], "input": "Look.", "budget_usd": "5"}
    first = await steps.begun("agent", settings, budget_usd=Decimal(1))
    again = await steps.begun("agent", settings, budget_usd=Decimal(1))
    later = steps.context(attempt=1)

    assert isinstance(first, Awaited)
    assert (first.kind, first.subject) == ("run", again.subject)
    ended = await agency.ended(first.subject)
    assert (ended["status"], ended["text"]) == ("completed", "Found it.")
    launcher = app.state.agents.launcher
    run = await launcher.finished(steps.access, UUID(first.subject))
    brought = {"status": run.status, "result": run.result, "error": None, "run_id": str(run.id)}
    node = steps.types["agent"]
    given = node.finish(steps.config("agent", settings), brought)
    assert given.output == {"text": "Found it.", "output": "Found it.", "run_id": first.subject}
    agency.says("Again.")
    other = await node.begin(later, steps.config("agent", settings))
    assert other.subject != first.subject
    await agency.ended(other.subject)


async def test_what_a_run_came_to_is_a_fault_unless_it_completed(steps):
    node, config = steps.types["agent"], steps.config("agent", {"agent": "a", "input": "x"})
    error = {"code": "no_output", "detail": "It said nothing.", "retryable": True}
    with pytest.raises(StepFault) as failed:
        node.finish(config, {"status": "failed", "result": None, "error": error})
    assert (failed.value.code, failed.value.retryable) == ("agent_failed", True)
    assert failed.value.detail["code"] == "no_output"
    with pytest.raises(StepFault, match="cancelled"):
        node.finish(config, {"status": "cancelled", "result": None, "error": None})
    with pytest.raises(StepFault) as late:
        node.finish(config, None)
    assert late.value.code == "timeout"


async def test_an_agent_that_is_not_there_is_told_beforehand(steps):
    said = await steps.mistakes("agent", {"agent": "nobody", "input": "x"})
    assert said == {"/agent": "agent_not_found"}
