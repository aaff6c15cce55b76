"""What happened starts workflows: what matches and nothing else, and never without an end."""

import re
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import select, update

from app.automation.engine.models import WorkflowRun
from app.automation.nodes.emit import EmitConfig
from app.automation.nodes.event_types import EVENT_TYPES
from app.automation.nodes.wait import WaitConfig
from app.automation.triggers.subscriber import TriggersSubscriber
from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.core.outbox import Event, OutboxEvent, emit
from tests.automation.triggers.conftest import Bench
from tests.support.identity import new_person
from tests.support.openapi import QUICK

DONE = {"kind": "event", "type": "thing.done"}


async def happened(kernel, bench, data, *, type="thing.done"):  # noqa: A002 - as emit calls it
    workspace_id = UUID(bench.person.workspace_id)
    async with kernel.database.unit(Scope(workspace_id)) as session:
        await emit(session, workspace_id, type, data)


async def test_an_event_starts_what_matches_it_and_nothing_else(bench, client, kernel):
    workflow = await bench.workflow()
    big = await bench.trigger(workflow, {**DONE, "match": "event.data.size > 10"})
    every = await bench.trigger(workflow, DONE, inputs={"of": "{{ event.type }}"})
    other = await bench.trigger(workflow, {**DONE, "type": "thing.begun"})
    off = await bench.trigger(workflow, DONE, enabled=False)
    stranger = Bench(client, await new_person(client))
    foreign = await stranger.trigger(await stranger.workflow(), DONE)
    for data in ({"size": 11}, {"size": 9}, {"colour": "red"}):
        await happened(kernel, bench, data)
    (one,) = await bench.deliveries(big)
    assert await bench.output(one["run_id"]) == {"size": 11}
    found = await bench.deliveries(every, least=3)
    assert [await bench.output(each["run_id"]) for each in found] == [{"of": "thing.done"}] * 3
    for who, trigger in ((bench, other), (bench, off), (stranger, foreign)):
        path = f"/v1/workflow-triggers/{trigger['id']}/deliveries"
        assert (await who.call("GET", path))["data"] == []


async def test_a_chats_answer_is_an_event(bench):
    trigger = await bench.trigger(
        await bench.workflow(), {"kind": "event", "type": "conversation.completed"}
    )
    said = {"messages": [{"role": "user", "content": "Hello"}], "model": QUICK, "stream": False}
    chat = await bench.call("POST", "/v1/chat", said)
    delivery = await first(bench, trigger)
    told = await bench.output(delivery["run_id"])
    assert told["conversation_id"] == chat["conversation_id"]
    assert told["run_id"] == chat["run_id"]


async def test_an_agents_run_is_an_event(bench):
    trigger = await bench.trigger(
        await bench.workflow(), {"kind": "event", "type": "agent_run.completed"}
    )
    definition = {"instructions": "You help.", "model": QUICK}
    agent = await bench.call(
        "POST", "/v1/agents", {"name": "Clerk", "definition": definition}, expect=201
    )
    asked = {"input": "Hello", "stream": False}
    run = await bench.call("POST", f"/v1/agents/{agent['id']}/runs", asked)
    told = await bench.output((await first(bench, trigger))["run_id"])
    assert (told["run_id"], told["agent"]) == (run["id"], agent["slug"])


async def test_documents_and_memories_are_events(bench):
    workflow = await bench.workflow()
    types = ("document.ingested", "document.failed", "memory.created")
    heard = {each: await bench.trigger(workflow, {"kind": "event", "type": each}) for each in types}
    shelf = await bench.call("POST", "/v1/collections", {"name": "Handbook"}, expect=201)
    for name, content in (("leave.md", b"Thirty days."), ("broken.pdf", b"%PDF-1.7 and no more")):
        path = f"/v1/collections/{shelf['id']}/documents?name={name}"
        sent = await bench.http.post(path, content=content, headers=bench.person.headers)
        assert sent.status_code == 202, sent.text
    told = {"text": "The user lives in Graz."}
    memory = await bench.call("POST", "/v1/memories", told, expect=201)
    came = {
        each: await bench.output((await first(bench, trigger))["run_id"])
        for each, trigger in heard.items()
    }
    assert came["document.ingested"]["collection_id"] == shelf["id"]
    assert came["document.ingested"]["error"] is None
    assert came["document.failed"]["error"] is not None
    assert came["memory.created"]["memory_id"] == memory["id"]


async def test_what_a_workflow_emits_does_not_start_it_for_ever(bench, kernel):
    again = {
        "dsl": "flow/1",
        "nodes": [{"id": "tell", "type": "emit", "with": {"type": "thing.done", "data": {}}}],
    }
    trigger = await bench.trigger(await bench.workflow(again), DONE)
    await happened(kernel, bench, {})
    found = await bench.deliveries(trigger, least=10)
    assert [each["status"] for each in found] == ["refused", *["started"] * (len(found) - 1)]
    assert found[0]["reason"] == "workflow_chain_too_long"
    assert len(found) == 10
    async with kernel.database.unit(SYSTEM) as session:
        emitted = select(OutboxEvent.depth).where(
            OutboxEvent.workspace_id == UUID(bench.person.workspace_id),
            OutboxEvent.type == "thing.done",
        )
        assert sorted(await session.scalars(emitted)) == list(range(10))


@pytest.mark.parametrize("became", ["completed", "failed"])
async def test_the_end_of_a_workflow_starts_another(bench, became):
    fails = {"id": "a", "type": "transform", "with": {"value": "{{ inputs.missing }}"}}
    works = {"id": "a", "type": "transform", "with": {"value": 1}}
    node = fails if became == "failed" else works
    first_one = await bench.workflow({"dsl": "flow/1", "nodes": [node]}, slug="the-first")
    on = {"kind": "event", "type": f"workflow_run.{became}"}
    on["match"] = "event.data.workflow == 'the-first'"
    trigger = await bench.trigger(await bench.workflow(), on)
    begun = await bench.trigger(first_one, DONE)
    fired = await bench.fire(begun)
    (ended,) = await bench.deliveries(begun)
    told = await bench.output((await first(bench, trigger))["run_id"])
    assert (fired["id"], told["run_id"]) == (ended["id"], ended["run_id"])


async def test_what_an_agent_does_for_a_workflow_counts_as_the_workflows(bench, kernel):
    """So that a workflow which an agent's run starts, and which runs the agent, ends, too."""
    begun = await bench.trigger(await bench.workflow(), DONE)
    await bench.fire(begun)
    (started,) = await bench.deliveries(begun)
    workspace_id, run_id = UUID(bench.person.workspace_id), started["run_id"]
    told = Event(
        new_id(),
        workspace_id,
        "agent_run.completed",
        None,
        None,
        {"parent_run_id": run_id},
        0,
        now(),
    )
    on = {"kind": "event", "type": "agent_run.completed"}
    trigger = await bench.trigger(await bench.workflow(), on)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(WorkflowRun).where(WorkflowRun.id == UUID(run_id)).values(depth=8)
        )
    async with kernel.database.unit(SYSTEM) as session:
        await TriggersSubscriber(kernel).on_events(session, [told])
    refused = await first(bench, trigger)
    assert (refused["status"], refused["reason"]) == ("refused", "workflow_chain_too_long")


async def test_what_a_workflow_writes_into_a_collection_counts_as_its_own(bench, kernel):
    """So that one which writes where documents start it ends, too."""
    shelf = await bench.call("POST", "/v1/collections", {"name": "Notes"}, expect=201)
    document = {"name": "{{ run.id }}.md", "text": "{{ run.id }}"}
    write = {"connector": "collection", "operation": "write"}
    write["options"] = {"collection": shelf["id"], "documents": [document]}
    node = {"id": "write", "type": "connector", "with": write}
    workflow = await bench.workflow({"dsl": "flow/1", "nodes": [node]})
    on = {"kind": "event", "type": "document.ingested"}
    trigger = await bench.trigger(workflow, on)
    await bench.fire(trigger)
    await bench.deliveries(trigger, least=2)
    await bench.change(trigger, enabled=False)
    async with kernel.database.unit(SYSTEM) as session:
        ingested = select(OutboxEvent.depth).where(
            OutboxEvent.workspace_id == UUID(bench.person.workspace_id),
            OutboxEvent.type == "document.ingested",
        )
        assert min(await session.scalars(ingested)) == 1


async def test_what_a_workflow_remembers_does_not_start_it_for_ever(bench):
    """Events that the agents' room tells of count as the workflow's that called its tool."""
    remember = {"tool": "remember", "arguments": {"text": "The run was {{ run.id }}."}}
    node = {"id": "note", "type": "tool", "with": remember}
    workflow = await bench.workflow({"dsl": "flow/1", "nodes": [node]})
    trigger = await bench.trigger(workflow, {"kind": "event", "type": "memory.created"})
    await bench.fire(trigger)
    found = await bench.deliveries(trigger, least=10)
    assert [each["status"] for each in found] == ["refused", *["started"] * 9]
    assert found[0]["reason"] == "workflow_chain_too_long"


async def test_an_agents_run_tells_of_it_as_the_workflow_that_began_it(bench, kernel):
    definition = {"instructions": "You help.", "model": QUICK}
    agent = await bench.call(
        "POST", "/v1/agents", {"name": "Clerk", "definition": definition}, expect=201
    )
    asked = {"agent": agent["slug"], "input": "Hello"}
    node = {"id": "ask", "type": "agent", "with": asked}
    trigger = await bench.trigger(await bench.workflow({"dsl": "flow/1", "nodes": [node]}), DONE)
    await bench.fire(trigger)
    (delivery,) = await bench.deliveries(trigger)
    await bench.output(delivery["run_id"])
    async with kernel.database.unit(SYSTEM) as session:
        told = select(OutboxEvent.depth).where(
            OutboxEvent.type == "agent_run.completed",
            OutboxEvent.data["parent_run_id"].astext == delivery["run_id"],
        )
        assert list(await session.scalars(told)) == [1]


async def test_a_match_that_takes_long_is_none(bench, kernel):
    long = "lists.range(1001).all(n, n >= 0)"
    slow = await bench.trigger(await bench.workflow(), {**DONE, "match": long})
    quick = await bench.trigger(
        await bench.workflow(), {**DONE, "match": long.replace("1001", "1000")}
    )
    await happened(kernel, bench, {})
    assert len(await bench.deliveries(quick)) == 1
    path = f"/v1/workflow-triggers/{slow['id']}/deliveries"
    assert (await bench.call("GET", path))["data"] == []


async def first(bench, trigger):
    """The only delivery of a trigger, once it is there."""
    (delivery,) = await bench.deliveries(trigger)
    return delivery


def test_no_workflow_can_emit_what_the_service_itself_tells_of():
    for told in EVENT_TYPES:
        with pytest.raises(ValidationError):
            EmitConfig(type=told)
    assert EmitConfig(type="order.paid").type == "order.paid"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("workflow_run.complete", "did you mean `workflow_run.completed`?"),
        ("memory.lost", "the service does not tell of it"),
        ("Order Paid", "such as `order.paid`"),
        ("paid", "such as `order.paid`"),
    ],
)
async def test_nobody_waits_for_what_is_never_told(bench, kind, said):
    on = {"kind": "event", "type": kind}
    refused = await bench.trigger(await bench.workflow(), on, expect=422)
    assert [each["pointer"] for each in refused["errors"]] == ["/body/on/type"]
    assert said in refused["errors"][0]["detail"]
    with pytest.raises(ValidationError, match=re.escape(said)):
        WaitConfig.model_validate({"event": {"type": kind}})


async def test_a_trigger_names_a_version_or_a_label(bench):
    workflow = await bench.workflow()
    trigger = await bench.trigger(workflow, DONE, workflow_version=1)
    path = f"/v1/workflows/{workflow['id']}/labels/tried"
    await bench.call("PUT", path, {"version": 1})
    refused = await bench.change(trigger, label="tried", expect=422)
    assert [each["pointer"] for each in refused["errors"]] == ["/body/label"]
    changed = await bench.change(trigger, label="tried", workflow_version=None)
    assert (changed["workflow_version"], changed["label"]) == (None, "tried")
