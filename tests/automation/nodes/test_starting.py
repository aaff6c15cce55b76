"""`subworkflow` and `emit`: what a step begins elsewhere, once."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from app.automation.nodes.node_type import Awaited, Given, StepFault
from app.core.db import SYSTEM
from app.core.outbox import EventTooLarge, OutboxEvent

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_child_run_is_the_same_in_every_process(steps, starter):
    settings = {"workflow": "child", "label": "production", "inputs": {"n": 1}}
    awaited = await steps.begun("subworkflow", settings, path="m[3]/x")
    await steps.begun("subworkflow", settings, path="m[3]/x")
    await steps.begun("subworkflow", settings, path="m[3]/x", attempt=1)

    assert isinstance(awaited, Awaited)
    assert awaited.kind == "run"
    first, again, later = starter.wanted
    assert first == again
    assert first.key != later.key
    assert (first.parent_run_id, first.parent_path) == (steps.run_id, "m[3]/x")
    assert (first.trigger, first.inputs, first.label) == ("subworkflow", {"n": 1}, "production")


async def test_a_run_that_is_left_to_itself_is_told_at_once(steps, starter):
    given = await steps.begun("subworkflow", {"workflow": "child", "wait": False})
    assert isinstance(given, Given)
    assert given.output["run_id"]


async def test_workflows_call_each_other_eight_deep_at_most(steps, starter):
    await steps.begun("subworkflow", {"workflow": "child"}, depth=7)
    with pytest.raises(StepFault) as fault:
        await steps.begun("subworkflow", {"workflow": "child"}, depth=8)
    assert (fault.value.code, len(starter.wanted)) == ("too_deep", 1)


async def test_what_a_child_came_to_is_given(steps):
    node, config = steps.types["subworkflow"], steps.config("subworkflow", {"workflow": "child"})
    brought = {"status": "completed", "result": {"output": [1]}, "error": None, "run_id": "r"}
    given = node.finish(config, {**brought, "input_tokens": 3, "cost_usd": "0.5"})
    assert given.output == {"output": [1], "run_id": "r"}
    assert (given.input_tokens, given.cost_usd) == (3, Decimal("0.5"))
    assert node.finish(config, brought).cost_usd == 0
    with pytest.raises(StepFault) as fault:
        node.finish(config, {"status": "failed", "result": None, "error": {"code": "timeout"}})
    assert (fault.value.code, fault.value.detail["code"]) == ("subworkflow_failed", "timeout")


async def test_an_event_is_emitted_once(app, steps):
    settings = {"type": "order.approved", "data": {"order_id": 7}}
    first = await steps.output("emit", settings)
    again = await steps.output("emit", settings)
    other = await steps.output("emit", settings, path="other")

    assert first == again != other
    async with app.state.kernel.database.unit(SYSTEM) as session:
        found = await session.scalars(
            select(OutboxEvent).where(OutboxEvent.subject_id == steps.run_id)
        )
        events = found.all()
    assert len(events) == 2
    assert {(each.type, each.data["order_id"]) for each in events} == {("order.approved", 7)}
    assert {each.workspace_id for each in events} == {steps.access.workspace_id}


async def test_an_events_data_is_bounded(steps):
    with pytest.raises(EventTooLarge):
        await steps.given("emit", {"type": "a.b", "data": {"x": "y" * 70_000}})
