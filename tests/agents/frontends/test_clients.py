"""The AI SDK's and AG-UI's own clients read the same run's log, each in its dialect."""

import asyncio
import json
from decimal import Decimal
from uuid import uuid4

import pytest_asyncio

from app.agents.tools.tool import Outcome, ToolTraits
from tests.support.fakes.base import Said, say
from tests.support.runs import until

WRITES = ToolTraits("external", approval="always")
PASSAGE = {
    "number": 1,
    "kind": "document",
    "passage_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "subject_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
    "parent_id": None,
    "title": "Prices",
    "heading": "Tea",
    "quote": "Tea is 3.",
    "version": 1,
    "page": None,
    "start": 0,
    "end": 9,
    "score": 0.9,
}


class Desk:
    """A person's two front ends."""

    def __init__(self, agency, browser, address):
        self.agency = agency
        self.browser = browser
        self.address = address
        self.headers = agency.talker.person.headers

    async def chat(self, agent, **ask):
        api = f"{self.address}/v1/agents/{agent['slug']}/ai-sdk"
        return await self.browser.ask("ai-sdk", api=api, headers=self.headers, **ask)

    async def agui(self, agent, text=None, **ask):
        api = f"{self.address}/v1/agents/{agent['slug']}/ag-ui"
        said = [{"id": "m-1", "role": "user", "content": text}] if text else []
        ask = {"threadId": "thread", "runId": str(uuid4()), "messages": said, **ask}
        return await self.browser.ask("ag-ui", api=api, headers=self.headers, **ask)

    async def replayed(self, client, run_id):
        url = f"{self.address}/v1/runs/{run_id}/events?dialect={client}"
        more = {"resume": True} if client == "ai-sdk" else {}
        return await self.browser.ask(client, api=url, replay=url, headers=self.headers, **more)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(agency, browser, address):
    return Desk(agency, browser, address)


def in_chat(told):
    """Text, calls with their results, sources and usage, out of a chat's last message."""
    message = told["messages"][-1]
    assert message["role"] == "assistant"
    parts = message["parts"]
    return {
        "text": [p["text"] for p in parts if p["type"] == "text"],
        "reasoning": [p["text"] for p in parts if p["type"] == "reasoning"],
        "tools": {
            p["toolCallId"]: (p["toolName"], p["input"], p.get("output", p.get("errorText")))
            for p in parts
            if p["type"] == "dynamic-tool"
        },
        "sources": [p["data"]["quote"] for p in parts if p["type"] == "data-source"],
        "usage": [message["metadata"]["usage"][k] for k in ("inputTokens", "outputTokens")],
    }


def in_agui(told):
    """The same out of what an AG-UI client has put together."""
    messages, events = told["messages"], told["events"]
    results = {m["toolCallId"]: m["content"] for m in messages if m["role"] == "tool"}
    usage = [entry for event in events for entry in event.get("usage", [])]
    return {
        "text": [m["content"] for m in messages if m["role"] == "assistant" and m.get("content")],
        "reasoning": [m["content"] for m in messages if m["role"] == "reasoning"],
        "tools": {
            call["id"]: (
                call["function"]["name"],
                json.loads(call["function"]["arguments"]),
                results.get(call["id"]),
            )
            for m in messages
            for call in m.get("toolCalls", ())
        },
        "sources": [
            e["value"]["quote"]
            for e in events
            if e["type"] == "CUSTOM" and e["name"] == "source.added"
        ],
        "usage": [sum(e[k] for e in usage) for k in ("inputTokens", "outputTokens")],
    }


def run_of(told):
    return told["messages"][-1]["metadata"]["runId"]


async def _helper(agency):
    agency.bench.add("look", answer=Outcome("Tea is 3.", sources=[PASSAGE]))
    agent = await agency.make(tools=[{"tool": "test:look"}])
    agency.fake.will(say(Said(("I ", "look."), calls=(("call_1", "look", {"q": "tea"}),))))
    agency.fake.will(say(Said(("Tea ", "costs 3 [1]."), reasoning=("It ", "says so."))))
    return agent


async def test_both_read_the_same_run_live_by_one_and_again_by_the_other(desk, agency):
    agent = await _helper(agency)
    live = await desk.chat(agent, send="What is tea?")
    assert (live["status"], live["errors"]) == ("ready", [])
    run_id = run_of(live)
    told = in_chat(live)
    assert told["text"] == ["I look.", "Tea costs 3 [1]."]
    assert list(told["tools"].values()) == [("look", {"q": "tea"}, "Tea is 3.")]
    assert told["sources"] == ["Tea is 3."]
    run = await agency.get(f"/v1/runs/{run_id}/result")
    assert told["usage"] == [run["input_tokens"], run["output_tokens"]]
    again = await desk.replayed("ag-ui", run_id)
    assert in_agui(again) == told
    assert again["outcomes"] == [{"outcome": "success"}]
    assert again["results"][0]["text"] == "Tea costs 3 [1]."
    second_tab = await desk.replayed("ai-sdk", run_id)
    assert second_tab["messages"] == live["messages"][1:]


async def test_both_read_the_same_run_the_other_way_round(desk, agency):
    agent = await _helper(agency)
    live = await desk.agui(agent, "What is tea?")
    assert live["errors"] == []
    assert live["events"][0]["type"] == "RUN_STARTED"
    assert live["events"][0]["threadId"] == "thread"
    run_id = live["events"][0]["runId"]
    assert in_agui(live)["text"] == ["I look.", "Tea costs 3 [1]."]
    again = await desk.replayed("ai-sdk", run_id)
    assert in_chat(again) == in_agui(live)
    second_tab = await desk.replayed("ag-ui", run_id)
    assert second_tab["events"] == live["events"]


async def _payer(agency, answer="paid"):
    pay = agency.bench.add("pay", traits=WRITES, answer=answer)
    agent = await agency.make(tools=[{"tool": "test:pay"}])
    agency.calls(("pay", {"q": "10"}), text="I pay.")
    return pay, agent


async def test_an_approval_is_given_in_a_chat_and_its_message_goes_on(desk, agency):
    pay, agent = await _payer(agency)
    agency.says("Paid.")
    told = await desk.chat(agent, send="Pay.", approve={"approved": True})
    assert (told["errors"], told["status"]) == ([], "ready")
    [waiting] = [p for p in told["snapshots"][0][-1]["parts"] if p["type"] == "dynamic-tool"]
    assert (waiting["state"], waiting["input"]) == ("approval-requested", {"q": "10"})
    assert in_chat(told)["text"] == ["I pay.", "Paid."]
    [call] = [p for p in told["messages"][-1]["parts"] if p["type"] == "dynamic-tool"]
    assert (call["state"], call["output"]) == ("output-available", "paid")
    assert len(pay.calls) == 1
    assert len(told["messages"]) == 2
    again = await desk.replayed("ai-sdk", run_of(told))
    assert in_chat(again) == in_chat(told)
    other = await desk.replayed("ag-ui", run_of(told))
    assert in_agui(other) == in_chat(told)
    assert [o["outcome"] for o in other["outcomes"]] == ["interrupt", "success"]


async def test_an_approval_is_refused_in_a_chat(desk, agency):
    pay, agent = await _payer(agency)
    agency.says("Then not.")
    refusal = {"approved": False, "reason": "Too much."}
    told = await desk.chat(agent, send="Pay.", approve=refusal)
    assert (told["errors"], pay.calls) == ([], [])
    [call] = [p for p in told["messages"][-1]["parts"] if p["type"] == "dynamic-tool"]
    assert call["state"] == "output-denied"
    assert in_chat(told)["text"] == ["I pay.", "Then not."]
    assert "Too much." in agency.fake.last.body["messages"][-1]["content"]


async def test_an_interrupt_is_answered_from_ag_ui(desk, agency):
    pay, agent = await _payer(agency)
    agency.says("Paid.")
    answer = {"status": "resolved", "payload": {"approved": True}}
    told = await desk.agui(agent, "Pay.", answer=answer)
    assert told["errors"] == []
    assert [o["outcome"] for o in told["outcomes"]] == ["interrupt", "success"]
    [interrupt] = told["outcomes"][0]["interrupts"]
    assert interrupt["metadata"]["arguments"] == {"q": "10"}
    assert told["pending"] == []
    assert in_agui(told)["text"] == ["I pay.", "Paid."]
    assert len(pay.calls) == 1
    run_id = told["events"][0]["runId"]
    again = await desk.replayed("ag-ui", run_id)
    assert again["events"] == told["events"]
    assert in_chat(await desk.replayed("ai-sdk", run_id)) == in_agui(told)


async def test_an_interrupt_is_cancelled_from_ag_ui(desk, agency):
    pay, agent = await _payer(agency)
    agency.says("Then not.")
    told = await desk.agui(agent, "Pay.", answer={"status": "cancelled"})
    assert (told["errors"], pay.calls) == ([], [])
    assert in_agui(told)["text"] == ["I pay.", "Then not."]


async def _held(agency):
    """An agent whose tool waits until the test lets it go on."""
    gate = asyncio.Event()

    async def answer(_):
        await gate.wait()
        return "seen"

    agency.bench.add("look", answer=answer)
    agent = await agency.make(tools=[{"tool": "test:look"}])
    agency.calls(("look", {"q": "x"}), text="I look.")
    return agent, gate


async def _dropped(agency, asked, gate):
    """What a client has at last, whose tool goes on once it has found its run again."""
    await until(lambda: any(each.path.endswith("/gate") for each in agency.fake.requests))
    agency.says("Here it is.")
    gate.set()
    return await asked


async def test_a_chat_whose_connection_dropped_finds_its_run_again(desk, agency):
    agent, gate = await _held(agency)
    drop = {"drop": '"toolName":"look"', "gate": f"{agency.fake.url}/gate"}
    asked = asyncio.create_task(desk.chat(agent, id="mine", send="Look.", resume=True, **drop))
    told = await _dropped(agency, asked, gate)
    assert told["finished"][0]["isDisconnect"] is True
    assert (told["status"], len(told["messages"])) == ("ready", 2)
    assert in_chat(told)["text"] == ["I look.", "Here it is."]
    assert len(agency.bench.tools["look"].calls) == 1
    path = f"/v1/agents/{agent['slug']}/ai-sdk/mine/stream"
    assert (await agency.talker.call("GET", path)).status_code == 204


async def test_an_ag_ui_client_whose_connection_dropped_finds_its_run_again(desk, agency):
    agent, gate = await _held(agency)
    drop = {"drop": '"toolCallName":"look"', "gate": f"{agency.fake.url}/gate"}
    asked = asyncio.create_task(desk.agui(agent, "Look.", **drop))
    told = await _dropped(agency, asked, gate)
    assert told["errors"] == ["network error"]
    assert in_agui({**told, "events": []})["text"] == ["I look.", "Here it is."]
    assert len({e["runId"] for e in told["events"] if e["type"] == "RUN_STARTED"}) == 1
    assert len(agency.bench.tools["look"].calls) == 1


async def _failing(agency):
    agency.bench.add("look")
    agent = await agency.make(tools=[{"tool": "test:look"}], limits={"steps": 1})
    agency.calls(("look", {"q": "x"}), text="I look.")
    return agent


async def test_a_failed_run_is_an_error_in_both(desk, agency):
    live = await desk.chat(await _failing(agency), send="Look.")
    assert live["status"] == "error"
    assert live["finished"][0]["isError"] is True
    metadata = live["messages"][-1]["metadata"]
    assert (metadata["status"], metadata["error"]["code"]) == ("failed", "agent_limit_reached")
    assert live["errors"] == [metadata["error"]["detail"]]
    again = await desk.replayed("ag-ui", run_of(live))
    assert again["errors"] == live["errors"]
    assert again["events"][-1]["code"] == "agent_limit_reached"
    assert in_agui(again) == in_chat(live)


async def test_a_cancelled_run_ends_in_both(desk, agency):
    agent, _ = await _held(agency)
    asked = asyncio.create_task(desk.chat(agent, id="gone", send="Look."))
    await until(lambda: agency.bench.tools["look"].calls)
    [run] = (await agency.get("/v1/runs?status=running"))["data"]
    await agency.talker.call("POST", f"/v1/runs/{run['id']}/cancel")
    live = await asked
    assert (live["errors"], live["status"]) == ([], "ready")
    assert live["finished"][0]["finishReason"] == "interrupted"
    assert live["messages"][-1]["metadata"]["status"] == "cancelled"
    again = await desk.replayed("ag-ui", run["id"])
    assert again["outcomes"] == [{"outcome": "cancelled"}]
    assert in_agui(again) == in_chat(live)


async def test_a_teams_result_is_told_and_its_members_are_subagents(desk, agency):
    names = [(await agency.make(name))["slug"] for name in ("One", "Two")]
    team = await agency.make(pattern={"type": "chain", "agents": names})
    agency.says("draft", "polished")
    live = await desk.chat(team, send="Write.")
    assert in_chat(live)["text"] == ["polished"]
    spoken = [
        (p["data"]["agent"], p["data"]["delta"])
        for p in live["data"]
        if p["type"] == "data-agent-text"
    ]
    assert {agent for agent, _ in spoken} == set(names)
    again = await desk.replayed("ag-ui", run_of(live))
    started = [e["name"] for e in again["events"] if e["type"] == "SUBAGENT_STARTED"]
    assert started == names
    by_agent = {m["name"]: m["content"] for m in again["messages"] if m.get("subagentRunId")}
    assert by_agent == dict(zip(names, ("draft", "polished"), strict=True))
    own = [m["content"] for m in again["messages"] if not m.get("subagentRunId")]
    assert own == ["polished"]


async def test_an_agent_below_that_waits_is_answered_through_the_one_above(desk, agency):
    pay = agency.bench.add("pay", traits=WRITES, answer="paid")
    worker = await agency.make("Worker", tools=[{"tool": "test:pay"}])
    chief = await agency.make("Chief", agents=[worker["slug"]])
    name = f"ask_{worker['slug']}".replace("-", "_")
    agency.calls((name, {"task": "Pay."}))
    agency.calls(("pay", {"q": "1"}))
    agency.says("Worker: paid.", "Chief: paid.")
    answer = {"status": "resolved", "payload": {"approved": True}}
    told = await desk.agui(chief, "Pay.", answer=answer)
    assert (told["errors"], len(pay.calls)) == ([], 1)
    [interrupt] = told["outcomes"][0]["interrupts"]
    started = [e for e in told["events"] if e["type"] == "SUBAGENT_STARTED"]
    assert {e["subagentRunId"] for e in started} == {interrupt["subagentRunId"]}
    assert started[0]["parentToolCallId"] == started[0]["subagentRunId"]
    ended = [e.get("outcome") for e in told["events"] if e["type"] == "SUBAGENT_FINISHED"]
    assert ended == [{"type": "suspended", "interruptIds": [interrupt["id"]]}, None]
    run_id = told["events"][0]["runId"]
    assert in_chat(await desk.replayed("ai-sdk", run_id))["text"] == ["Chief: paid."]


async def test_a_chat_turn_is_read_by_both(desk, agency):
    agency.says("Good day.")
    answer = await agency.talker.ask("Hello?", model=agency.model)
    run_id = answer["run_id"]
    chat = await desk.replayed("ai-sdk", run_id)
    assert in_chat(chat)["text"] == ["Good day."]
    again = await desk.replayed("ag-ui", run_id)
    assert in_agui(again) == in_chat(chat)
    assert again["events"][0]["threadId"] == answer["conversation_id"]


async def test_an_answer_of_one_shape_is_told_whole(desk, agency):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    agent = await agency.make(output_schema=schema)
    agency.says('{"n": 3}')
    live = await desk.chat(agent, send="Count.")
    assert in_chat(live)["text"] == ['{"n": 3}']
    assert live["messages"][-1]["metadata"]["output"] == {"n": 3}


async def test_a_budget_that_ends_is_an_interrupt_that_more_money_answers(desk, agency):
    agency.bench.add("look", answer="seen")
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
    agent = await agency.make(
        tools=[{"tool": "test:look"}],
        parameters={"max_output_tokens": 1000},
        limits={"budget_usd": "0.02"},
    )
    calls = (("call_1", "look", {"q": "a"}),)
    agency.fake.will(say(Said((), calls=calls, usage=usage)), say(Said(("Done.",), usage=usage)))
    answer = {"status": "resolved", "payload": {"budget_usd": "0.05"}}
    told = await desk.agui(agent, "Go.", answer=answer)
    assert [o["outcome"] for o in told["outcomes"]] == ["interrupt", "success"]
    assert told["outcomes"][0]["interrupts"][0]["reason"] == "budget"
    assert in_agui(told)["text"] == ["Done."]
    chat = await desk.replayed("ai-sdk", told["events"][0]["runId"])
    cost = chat["messages"][-1]["metadata"]["usage"]["costUsd"]
    assert Decimal(cost) == Decimal("0.025")
