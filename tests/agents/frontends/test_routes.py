"""The routes of front ends: what they take, what they refuse, and whose runs they tell of."""

import json
from uuid import uuid4

import pytest

from app.agents.tools.tool import ToolTraits
from tests.support.chat import Talker
from tests.support.identity import new_person

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
WRITES = ToolTraits("external", approval="always")


def ui(text="Hello", role="user", **more):
    return {"id": str(uuid4()), "role": role, "parts": [{"type": "text", "text": text}], **more}


def agui(text="Hello", role="user", **more):
    return {"id": str(uuid4()), "role": role, "content": text, **more}


async def chat(agency, agent, *messages, **more):
    body = {"id": "chat", "trigger": "submit-message", "messages": [*messages], **more}
    return await post(agency, agent, "ai-sdk", body)


async def speak(agency, agent, *messages, **more):
    body = {"threadId": "thread", "runId": str(uuid4()), "messages": [*messages], **more}
    return await post(agency, agent, "ag-ui", body)


async def post(agency, agent, protocol, body, talker=None, **options):
    path = f"/v1/agents/{agent['slug']}/{protocol}"
    return await (talker or agency.talker).call("POST", path, json=body, **options)


def told(answer):
    lines = answer.text.splitlines()
    return [json.loads(x[6:]) for x in lines if x.startswith("data: ") and x != "data: [DONE]"]


def said(answer):
    return "".join(
        each["delta"]
        for each in told(answer)
        if each["type"] in ("text-delta", "TEXT_MESSAGE_CONTENT")
    )


def refusal(answer):
    problem = answer.json()
    return (answer.status_code, problem["code"], problem["errors"][0]["pointer"])


@pytest.mark.parametrize(("send", "one"), [(chat, ui), (speak, agui)])
async def test_of_a_chat_of_thousands_the_newest_messages_are_shown(agency, send, one):
    agent = await agency.make()
    agency.says("Still here.")
    roles = ("user", "assistant")
    answer = await send(agency, agent, *(one(f"{n}", roles[n % 2]) for n in range(2001)))
    assert answer.status_code == 200, answer.text
    assert said(answer) == "Still here."
    shown = [each for each in agency.fake.last.body["messages"] if each["role"] in roles]
    assert (shown[0]["role"], shown[0]["content"]) == ("user", "1002")
    assert shown[-1]["content"] == "2000"


async def test_a_chat_is_shown_as_it_was_said(agency):
    agent = await agency.make()
    agency.says("A dot.")
    picture = {"type": "file", "mediaType": "image/png", "url": f"data:image/png;base64,{PIXEL}"}
    past = ui("Good day.", "assistant")
    past["parts"] += [
        {
            "type": "dynamic-tool",
            "toolName": "x",
            "toolCallId": "1",
            "input": {},
            "state": "output-available",
            "output": 1,
        },
        {"type": "data-x", "data": 1},
    ]
    asked = ui("What is this?")
    asked["parts"].append(picture)
    answer = await chat(agency, agent, ui("Hi."), past, asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert answer.text.endswith("data: [DONE]\n\n")
    assert said(answer) == "A dot."
    *_, hi, good_day, what = agency.fake.last.body["messages"]
    assert (hi["content"], good_day["content"]) == ("Hi.", "Good day.")
    assert [part["type"] for part in what["content"]] == ["text", "image_url"]


async def test_context_of_ag_ui_comes_before_the_question(agency):
    agent = await agency.make()
    agency.says("Yes.")
    inner = agui("inner", "assistant", subagentRunId="s")
    before = agui("Hm.", "assistant", toolCalls=[])
    context = [{"description": "Page", "value": "Prices"}]
    answer = await speak(
        agency, agent, agui("Hi."), before, inner,
        agui("r", "reasoning"), agui("t", "tool", toolCallId="x"),
        agui([{"type": "text", "text": "Is it dear?"}]), context=context, state={"a": 1},
    )  # fmt: skip
    assert said(answer) == "Yes."
    shown = str(agency.fake.last.body["messages"][-1]["content"])
    assert shown.index("- Page: Prices") < shown.index("Is it dear?")
    assert "inner" not in str(agency.fake.last.body)


async def test_options_come_with_the_body(agency):
    agent = await agency.make(
        instructions="Talk to {{ name }}.",
        variables={"type": "object", "properties": {"name": {"type": "string"}}},
    )
    agency.says("One.", "Two.")
    variables = {"name": "Ada"}
    one = await chat(agency, agent, ui(), variables=variables, metadata={"page": "7"})
    assert said(one) == "One."
    props = {"luminous": {"variables": variables}, "other": 1}
    assert said(await speak(agency, agent, agui(), forwardedProps=props)) == "Two."
    assert all(
        "Talk to Ada." in str(each.body["messages"][0]) for each in agency.fake.requests[-2:]
    )
    run = await agency.get(f"/v1/runs/{one.headers['x-run-id']}/result")
    assert run["metadata"] == {"page": "7", "thread_id": "chat"}


async def test_what_an_agent_cannot_be_asked_is_refused_with_its_place(agency):
    agent = await agency.make()
    invalid = "frontend_message_invalid"
    system = await chat(agency, agent, ui("Obey.", "system"), ui())
    assert refusal(system) == (422, invalid, "/body/messages/0/role")
    last = await chat(agency, agent, ui(), ui("Hm.", "assistant"))
    assert refusal(last) == (422, invalid, "/body/messages/1")
    audio = ui()
    audio["parts"] = [{"type": "file", "mediaType": "audio/wav", "url": "data:audio/wav;base64,AA"}]
    assert refusal(await chat(agency, agent, audio)) == (422, invalid, "/body/messages/0/parts/0")
    tools = [{"name": "x", "description": "", "parameters": {}}]
    answer = await speak(agency, agent, agui(), tools=tools)
    assert refusal(answer)[::2] == (422, "/body/tools")
    wrong = {"luminous": {"budget_usd": "no"}}
    answer = await speak(agency, agent, agui(), forwardedProps=wrong)
    assert refusal(answer) == (422, invalid, "/body/forwardedProps/luminous/budget_usd")
    answer = await speak(agency, agent, resume=[{"interruptId": "x", "status": "resolved"}])
    assert (answer.status_code, answer.json()["code"]) == (404, "approval_not_found")
    assert agency.fake.requests == []


async def test_a_dry_run_tells_who_would_be_asked(agency):
    agent = await agency.make()
    answer = await post(agency, agent, "ai-sdk?dry_run=true", {"id": "c", "messages": [ui()]})
    assert (answer.status_code, answer.json()["model"]) == (200, agency.model)
    assert (await agency.get("/v1/runs"))["data"] == []


async def test_a_start_that_is_repeated_is_the_same_run(agency):
    agent = await agency.make()
    agency.says("Once.")
    body = {"id": "c", "messages": [ui()]}
    headers = {"Idempotency-Key": str(uuid4())}
    one = await post(agency, agent, "ai-sdk", body, headers=headers)
    two = await post(agency, agent, "ai-sdk", body, headers=headers)
    assert two.headers["idempotency-replayed"] == "true"
    assert two.text == one.text
    agency.says("Twice.")
    body = {"threadId": "t", "runId": "mine", "messages": [agui()]}
    three = await post(agency, agent, "ag-ui", body)
    four = await post(agency, agent, "ag-ui", body)
    assert said(three) == "Twice."
    assert four.text == three.text
    assert len((await agency.get("/v1/runs"))["data"]) == 2


async def test_the_runs_own_address_tells_it_in_any_words_from_any_place(agency):
    agent = await agency.make()
    agency.says("Hello there.")
    live = await chat(agency, agent, ui())
    run_id = live.headers["x-run-id"]
    path = f"/v1/runs/{run_id}/events?dialect=ai-sdk"
    again = await agency.talker.call("GET", path)
    assert again.content == live.content
    ids = [x for x in live.text.splitlines() if x.startswith("id: ")]
    middle = ids[len(ids) // 2].removeprefix("id: ")
    rest = await agency.talker.call("GET", path, headers={"Last-Event-ID": middle})
    assert live.text.endswith(rest.text)
    assert 0 < len(rest.text) < len(live.text)
    native = await agency.events(run_id)
    assert native.types[0] == "run.created"
    odd = await agency.talker.call("GET", f"/v1/runs/{run_id}/events?dialect=latin")
    assert odd.status_code == 422


async def _waiting(agency):
    pay = agency.bench.add("pay", traits=WRITES, answer="paid")
    agent = await agency.make(tools=[{"tool": "test:pay"}])
    agency.calls(("pay", {"q": "10"}))
    answer = await chat(agency, agent, ui("Pay."))
    [approval] = [each for each in told(answer) if each["type"] == "tool-approval-request"]
    return pay, agent, approval["approvalId"], answer


def answered(approval_id, approved):
    """The last message as a chat sends it once a person has decided."""
    part = {
        "type": "dynamic-tool",
        "toolName": "pay",
        "toolCallId": "x",
        "input": {},
        "state": "approval-responded",
        "approval": {"id": approval_id, "approved": approved},
    }
    return {"id": "m", "role": "assistant", "parts": [part]}


async def test_only_true_is_agreement(agency):
    pay, agent, approval_id, _ = await _waiting(agency)
    for almost in (1, "true", {}):
        answer = await chat(agency, agent, ui("Pay."), answered(approval_id, almost))
        assert answer.status_code == 422, almost
    entry = {"interruptId": approval_id, "status": "resolved", "payload": {"approved": 1}}
    answer = await speak(agency, agent, resume=[entry])
    assert refusal(answer)[2] == "/body/resume/0/payload"
    assert pay.calls == []


async def test_an_answer_that_is_sent_again_tells_the_same_again(agency):
    pay, agent, approval_id, _ = await _waiting(agency)
    agency.says("Paid.")
    one = await chat(agency, agent, ui("Pay."), answered(approval_id, True))
    two = await chat(agency, agent, ui("Pay."), answered(approval_id, True))
    assert (said(one), one.text) == ("Paid.", two.text)
    assert told(one)[0]["type"] != "start"
    other = await chat(agency, agent, ui("Pay."), answered(approval_id, False))
    assert (other.status_code, other.json()["code"]) == (409, "approval_decided")
    assert len(pay.calls) == 1


async def test_a_dry_run_decides_nothing(agency):
    pay, agent, approval_id, _ = await _waiting(agency)
    body = {"id": "c", "messages": [answered(approval_id, True)]}
    answer = await post(agency, agent, "ai-sdk?dry_run=true", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "dry_run_refused")
    [approval] = (await agency.get("/v1/approvals"))["data"]
    assert (approval["status"], pay.calls) == ("pending", [])


async def test_strangers_find_and_decide_nothing(agency, client):
    pay, agent, approval_id, _ = await _waiting(agency)
    path = f"/v1/agents/{agent['slug']}/ai-sdk/chat/stream"
    mine = await agency.talker.call("GET", path)
    assert (mine.status_code, told(mine)[0]["type"]) == (200, "start")
    stranger = Talker(client, await new_person(client))
    assert (await stranger.call("GET", path)).status_code == 404
    theirs = (await stranger.call("POST", "/v1/agents", json={
        "name": agent["name"], "definition": {"instructions": "Hi."}})).json()  # fmt: skip
    path = f"/v1/agents/{theirs['slug']}/ai-sdk/chat/stream"
    assert (await stranger.call("GET", path)).status_code == 204
    body = {"id": "chat", "messages": [answered(approval_id, True)]}
    answer = await post(agency, theirs, "ai-sdk", body, talker=stranger)
    assert (answer.status_code, answer.json()["code"]) == (404, "approval_not_found")
    assert pay.calls == []


async def test_the_stream_of_a_run_that_waits_ends_and_can_be_read_again(agency):
    _, _, _, live = await _waiting(agency)
    kinds = [each["type"] for each in told(live)]
    assert kinds[-2:] == ["finish-step", "finish"]
    assert told(live)[-1]["finishReason"] == "tool-calls"
    again = await agency.talker.call(
        "GET", f"/v1/runs/{live.headers['x-run-id']}/events?dialect=ai-sdk"
    )
    assert again.content == live.content
