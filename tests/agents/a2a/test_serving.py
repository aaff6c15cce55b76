"""Our agents, asked by the official A2A client."""

import asyncio

import httpx
import pytest
from a2a.types import (
    CancelTaskRequest,
    GetExtendedAgentCardRequest,
    GetTaskRequest,
    ListTasksRequest,
    Part,
    SubscribeToTaskRequest,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import (
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value

from app.agents.tools.tool import ToolTraits
from tests.agents.a2a.conftest import Peer, asked, held_up
from tests.support.fakes.base import Said, say
from tests.support.identity import bearer, new_key, new_person

COMPLETED = TaskState.TASK_STATE_COMPLETED


async def task_of(client, request):
    """What comes of a message that is not streamed: one task."""
    [event] = [event async for event in client.send_message(request)]
    return event.task


def text_of(task):
    return "".join(part.text for artifact in task.artifacts for part in artifact.parts)


async def test_the_services_card_is_for_everyone_and_tells_of_nobody(client, agency):
    agent = await agency.make("Hidden helper")
    answer = await client.get("/.well-known/agent-card.json")
    card = answer.json()
    assert answer.status_code == 200
    assert card["supportedInterfaces"][0]["protocolVersion"] == "1.0"
    assert card["capabilities"]["extendedAgentCard"]
    assert agent["slug"] not in answer.text
    assert "Hidden" not in answer.text


async def test_an_agents_card_is_for_those_who_see_it(client, agency, peer):
    agent = await agency.make("Helper")
    path = f"/a2a/agents/{agent['slug']}/.well-known/agent-card.json"
    card = (await client.get(path, headers=peer.headers)).json()
    assert card["name"] == "Helper"
    assert card["supportedInterfaces"][0]["url"].endswith(f"/a2a/agents/{agent['slug']}")
    nobody = await client.get(path)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "credential_missing")
    stranger = await new_person(client)
    foreign = await client.get(path, headers=stranger.headers)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "agent_not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/.well-known/agent-card.json", "GET, HEAD"),
        ("PUT", "/a2a/agents/helper/.well-known/agent-card.json", "GET, HEAD"),
        ("GET", "/a2a/agents/helper", "POST"),
        ("OPTIONS", "/a2a", "POST"),
    ],
)
async def test_another_method_is_told_those_that_are_taken(client, peer, method, path, allow):
    answer = await client.request(method, path, headers=peer.headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


async def test_a_card_is_asked_for_by_its_head_alone(client):
    path = "/.well-known/agent-card.json"
    whole, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


async def test_a_message_is_a_task_that_is_a_run(agency, peer):
    agent = await agency.make()
    agency.says("Forty-two.")
    async with peer.client(agent["slug"]) as client:
        task = await task_of(client, asked("What is it?", history_length=5))
        assert (task.status.state, text_of(task)) == (COMPLETED, "Forty-two.")
        assert [part.text for part in task.history[0].parts] == ["What is it?"]
        assert task.context_id
        run = await agency.get(f"/v1/runs/{task.id}/result")
        assert (run["status"], run["text"]) == ("completed", "Forty-two.")
        again = await client.get_task(GetTaskRequest(id=task.id))
        assert text_of(again) == "Forty-two."
        with pytest.raises(TaskNotFoundError):
            await client.get_task(GetTaskRequest(id="01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"))


async def test_a_message_that_is_sent_again_is_the_same_task(agency, peer):
    agent = await agency.make()
    agency.says("Once.")
    request = asked("Do it.", message_id="m-1")
    async with peer.client(agent["slug"]) as client:
        first, second = await task_of(client, request), await task_of(client, request)
    assert first.id == second.id
    assert len(agency.fake.script) == 0


async def test_a_stream_gives_the_answer_in_pieces_and_then_whole(agency, peer):
    agent = await agency.make()
    agency.fake.will(say(Said(("Hel", "lo, ", "you."))))
    async with peer.client(agent["slug"], streaming=True) as client:
        events = [event async for event in client.send_message(asked())]
    kinds = [event.WhichOneof("payload") for event in events]
    assert kinds[0] == "task"
    assert set(kinds[1:-1]) == {"artifact_update"}
    assert events[-1].status_update.status.state == COMPLETED
    *pieces, whole = [event.artifact_update for event in events[1:-1]]
    assert "".join(part.text for piece in pieces for part in piece.artifact.parts) == "Hello, you."
    assert not pieces[0].append
    assert all(piece.append for piece in pieces[1:])
    assert (whole.last_chunk, whole.append) == (True, False)
    assert whole.artifact.parts[0].text == "Hello, you."


async def test_a_structured_result_is_data(agency, peer):
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    agent = await agency.make(output_schema=schema)
    agency.says('{"n": 7}')
    async with peer.client(agent["slug"]) as client:
        task = await task_of(client, asked())
    assert MessageToDict(task.artifacts[0].parts[0].data) == {"n": 7}


async def test_a_context_goes_on_where_it_was(agency, peer):
    agent = await agency.make()
    agency.says("Nice to meet you.", "You are Ada.")
    async with peer.client(agent["slug"]) as client:
        first = await task_of(client, asked("I am Ada."))
        second = await task_of(client, asked("Who am I?", context_id=first.context_id))
    assert (second.context_id, text_of(second)) == (first.context_id, "You are Ada.")
    shown = [each["content"] for each in agency.fake.last.body["messages"][-3:]]
    assert shown == ["I am Ada.", "Nice to meet you.", "Who am I?"]


async def test_a_run_that_waits_for_a_person_asks_for_input_and_takes_the_decision(agency, peer):
    pay = agency.bench.add("pay", traits=ToolTraits("external", approval="always"), answer="paid")
    agent = await agency.make(tools=[{"tool": "test:pay"}])
    agency.calls(("pay", {"q": "10 USD"}))
    async with peer.client(agent["slug"]) as client:
        task = await task_of(client, asked("Pay."))
        assert (task.status.state, pay.calls) == (TaskState.TASK_STATE_INPUT_REQUIRED, [])
        wanted = MessageToDict(task.status.message.parts[1].data)["approvals"][0]
        assert (wanted["tool"], wanted["arguments"]) == ("pay", {"q": "10 USD"})
        with pytest.raises(InvalidParamsError):
            await task_of(client, asked("Yes, do it!", task_id=task.id))
        agency.says("It is paid.")
        agreed = {"approval_id": wanted["approval_id"], "decision": "approve"}
        decision = [Part(data=ParseDict(agreed, Value()))]
        done = await task_of(client, asked(parts=decision, task_id=task.id))
        assert (done.status.state, text_of(done), len(pay.calls)) == (COMPLETED, "It is paid.", 1)
        with pytest.raises(UnsupportedOperationError):
            await task_of(client, asked("More!", task_id=task.id))


async def test_a_stream_ends_where_the_task_waits(agency, peer):
    agency.bench.add("pay", traits=ToolTraits("external", approval="always"))
    agent = await agency.make(tools=[{"tool": "test:pay"}])
    agency.calls(("pay", {"q": "10 USD"}))
    async with peer.client(agent["slug"], streaming=True) as client:
        events = [event async for event in client.send_message(asked("Pay."))]
    assert events[-1].status_update.status.state == TaskState.TASK_STATE_INPUT_REQUIRED


async def test_a_task_goes_on_alone_is_subscribed_to_and_cancelled(agency, peer):
    agent, held = await held_up(agency)
    async with peer.client(agent["slug"]) as client:
        task = await task_of(client, asked(return_immediately=True))
        states = (TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING)
        assert task.status.state in states
        seen, begun = [], asyncio.Event()
        following = asyncio.create_task(_follow(peer, agent, task, seen, begun))
        await begun.wait()
        cancelled = await client.cancel_task(CancelTaskRequest(id=task.id))
        assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
        await following
        assert seen[0].task.id == task.id
        assert seen[-1].status_update.status.state == TaskState.TASK_STATE_CANCELED
        with pytest.raises(TaskNotCancelableError):
            await client.cancel_task(CancelTaskRequest(id=task.id))
    with pytest.raises(UnsupportedOperationError):
        await _follow(peer, agent, task, seen, begun)
    held.set()


async def _follow(peer, agent, task, seen, begun):
    async with peer.client(agent["slug"], streaming=True) as client:
        try:
            async for event in client.subscribe(SubscribeToTaskRequest(id=task.id)):
                seen.append(event)
                begun.set()
        finally:
            begun.set()


async def test_tasks_are_listed_by_context_and_state_page_by_page(agency, peer):
    agent = await agency.make()
    agency.says("1", "2", "3")
    async with peer.client(agent["slug"]) as client:
        made = [await task_of(client, asked(context_id="c")) for _ in range(2)]
        other = await task_of(client, asked())
        first = await client.list_tasks(ListTasksRequest(page_size=2, include_artifacts=True))
        assert (first.total_size, len(first.tasks)) == (3, 2)
        rest = await client.list_tasks(
            ListTasksRequest(page_size=2, page_token=first.next_page_token)
        )
        assert {each.id for each in (*first.tasks, *rest.tasks)} == {
            other.id, *(each.id for each in made)
        }  # fmt: skip
        assert rest.next_page_token == ""
        same = await client.list_tasks(ListTasksRequest(context_id="c"))
        assert {each.id for each in same.tasks} == {each.id for each in made}
        failed = ListTasksRequest(status=TaskState.TASK_STATE_FAILED)
        assert (await client.list_tasks(failed)).total_size == 0
        with pytest.raises(InvalidParamsError):
            await client.list_tasks(ListTasksRequest(page_token="made-up"))


async def test_push_notifications_are_refused_clearly(agency, peer):
    agent = await agency.make()
    async with peer.client(agent["slug"]) as client:
        config = TaskPushNotificationConfig(task_id="x", url="https://example.com")
        with pytest.raises((PushNotificationNotSupportedError, UnsupportedOperationError)):
            await client.create_task_push_notification_config(config)
    asks = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "CreateTaskPushNotificationConfig",
        "params": {"taskId": "x", "url": "https://example.com"},
    }
    raw = await _rpc(peer, agent, asks)
    assert raw["error"]["code"] == -32003


async def test_the_services_own_address_reaches_agents_by_tenant(agency, peer):
    agent = await agency.make("By tenant")
    agency.says("Here.")
    async with peer.client() as client:
        card = await client.get_extended_agent_card(GetExtendedAgentCardRequest())
        assert agent["slug"] in {skill.id for skill in card.skills}
        task = await task_of(client, asked(tenant=agent["slug"]))
        assert text_of(task) == "Here."
        with pytest.raises(InvalidParamsError):
            await task_of(client, asked())


async def test_a_key_needs_the_rights_and_tasks_are_their_owners(client, agency, peer):
    agent = await agency.make()
    agency.says("Mine.")
    async with peer.client(agent["slug"]) as own:
        task = await task_of(own, asked())
    person = agency.talker.person
    weak = await new_key(client, person, scopes=["agents:read", "runs:read", "models:invoke"])
    refused = await client.post(
        f"/a2a/agents/{agent['slug']}", json={}, headers=bearer(weak["key"])
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    stranger = Peer(peer.address, agency)
    stranger.headers = (await new_person(client)).headers
    asks = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": task.id}}
    missing = await client.post(f"/a2a/agents/{agent['slug']}", json=asks, headers=stranger.headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "agent_not_found")


async def test_a_name_that_no_agent_has_is_not_found(client, agency, peer):
    for name in ("%01", "a%0Ab", "x" * 500, "nobody", "a/b"):
        for answer in (
            await client.get(
                f"/a2a/agents/{name}/.well-known/agent-card.json", headers=peer.headers
            ),
            await client.post(f"/a2a/agents/{name}", json={}, headers=peer.headers),
        ):
            assert answer.status_code == 404, (name, answer.text)


async def test_what_is_no_request_is_told_as_the_protocol_does(agency, peer):
    agent = await agency.make()
    for body, code in (
        ({"jsonrpc": "2.0", "id": 1, "method": "Unknown"}, -32601),
        ({"id": 1}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": 1}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {}}, -32602),
    ):
        assert (await _rpc(peer, agent, body))["error"]["code"] == code, body
    file = {"raw": "aGk=", "mediaType": "application/zip"}
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [file]}
    asks = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
    assert (await _rpc(peer, agent, asks))["error"]["code"] == -32005


async def _rpc(peer, agent, body):
    headers = {**peer.headers, "A2A-Version": "1.0"}
    async with httpx.AsyncClient() as http:
        url = f"{peer.address}/a2a/agents/{agent['slug']}"
        return (await http.post(url, json=body, headers=headers)).json()


async def test_what_a_caller_says_is_no_memory_unless_the_agent_is_to_keep_it(agency, peer):
    settings = {"enabled": True, "model": agency.model}
    changed = await agency.talker.call("PATCH", "/v1/memories/settings", json=settings)
    assert changed.status_code == 200
    for memory, drawn in (
        ({"extract": True}, 0),
        ({"extract": True, "extract_from": "callers"}, 1),
    ):
        agent = await agency.make(memory=memory)
        agency.says("Noted.", '{"facts": []}')
        async with peer.client(agent["slug"]) as client:
            task = await task_of(client, asked("I am Ada."))
        assert task.status.state == COMPLETED
        found = await agency.get("/v1/memories/extractions")
        assert len(found["data"]) == drawn
        agency.fake.script.clear()
