"""Agents of another service as tools: a server by the official SDK at the other end."""

from contextlib import asynccontextmanager
from uuid import UUID

import pytest_asyncio
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    Part,
    Task,
    TaskState,
    TaskStatus,
)
from fastapi import FastAPI

from app.agents.a2a.models import A2aAgent
from app.agents.runtime.launching import MOST_BEHIND
from app.core.causes import HEADER
from app.core.db import SYSTEM
from tests.conftest import serve

TOKEN = "s3cret-token"


class Echo(AgentExecutor):
    """Says what it was asked, word by word; asks back, fails or waits where it is told to."""

    def __init__(self):
        self.requests = []

    async def execute(self, context, event_queue):
        asked = context.get_user_input()
        self.requests.append((context.message.message_id, asked, context.context_id))
        if context.current_task is None:
            status = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
            task = Task(id=context.task_id, context_id=context.context_id, status=status)
            await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, context.task_id, context.context_id)
        await updater.start_work()
        if asked == "fail":
            await updater.failed(updater.new_agent_message([Part(text="I cannot.")]))
        elif asked == "ask back":
            await updater.requires_input(updater.new_agent_message([Part(text="Which one?")]))
        else:
            for number, word in enumerate(("You said: ", asked)):
                await updater.add_artifact([Part(text=word)], artifact_id="a", append=number > 0)
            await updater.complete()

    async def cancel(self, context, event_queue):
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


class Guarded:
    """Lets nobody in without the token."""

    def __init__(self, app, token):
        self.app, self.token, self.seen = app, token, []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"").decode()
            self.seen.append((scope["path"], given))
            if self.token and given != f"Bearer {self.token}":
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
        await self.app(scope, receive, send)


class Saying(AgentExecutor):
    """Answers by what `texts` has for a question: completed, failed or asking back."""

    def __init__(self, texts):
        self.texts, self.requests = texts, []

    async def execute(self, context, event_queue):
        asked = context.get_user_input()
        self.requests.append((context.message.message_id, asked, context.context_id))
        state, text = self.texts.get(asked, ("completed", "Nothing."))
        status = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
        task = Task(id=context.task_id, context_id=context.context_id, status=status)
        await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, context.task_id, context.context_id)
        said = updater.new_agent_message([Part(text=text)])
        if state == "failed":
            await updater.failed(said)
        elif state == "input_required":
            await updater.requires_input(said)
        else:
            await updater.add_artifact([Part(text=text)])
            await updater.complete()

    async def cancel(self, context, event_queue):
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


class Elsewhere:
    def __init__(self, url, echo, guard):
        self.url, self.echo, self.guard = url, echo, guard


@asynccontextmanager
async def elsewhere(
    *, token=None, streaming=True, tells=None, echo=None, description="Says it again."
):
    echo, app = echo or Echo(), FastAPI()
    guard = Guarded(app, token)
    server, task, url = await serve(guard)
    card = AgentCard(
        name="Echo",
        description=description,
        version="1",
        supported_interfaces=[
            AgentInterface(
                url=tells or f"{url}/rpc", protocol_binding="JSONRPC", protocol_version="1.0"
            )
        ],
        capabilities=AgentCapabilities(streaming=streaming),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="echo", name="Echo", description="Says it again.", tags=["x"])],
    )
    handler = DefaultRequestHandler(
        agent_executor=echo, task_store=InMemoryTaskStore(), agent_card=card
    )
    app.router.routes.extend(create_jsonrpc_routes(handler, rpc_url="/rpc"))
    app.router.routes.extend(create_agent_card_routes(card))
    try:
        yield Elsewhere(url, echo, guard)
    finally:
        await handler.aclose()
        server.should_exit = True
        await task


@pytest_asyncio.fixture(loop_scope="session")
async def there():
    async with elsewhere() as made:
        yield made


async def known(agency, there, status=201, **more):
    body = {"slug": "echo", "card_url": there.url, "trusted": True, **more}
    answer = await agency.talker.call("POST", "/v1/remote-agents", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_an_agent_asks_one_of_another_service(agency, there):
    remote = await known(agency, there)
    assert (remote["name"], remote["url"]) == ("Echo", f"{there.url}/rpc")
    assert remote["card_url"] == f"{there.url}/.well-known/agent-card.json"
    agent = await agency.make(tools=[{"tool": "a2a:echo"}])
    agency.calls(("ask_echo", {"message": "Hi there."}))
    agency.says("It said so.")
    run = await agency.run(agent)
    assert run["text"] == "It said so."
    assert "You said: Hi there." in agency.fake.last.body["messages"][-1]["content"]
    assert [asked for _, asked, _ in there.echo.requests] == ["Hi there."]


async def test_one_that_does_not_stream_answers_whole(agency):
    async with elsewhere(streaming=False) as there:
        await known(agency, there)
        agent = await agency.make(tools=[{"tool": "a2a:echo"}])
        agency.calls(("ask_echo", {"message": "Whole."}))
        agency.says("Done.")
        await agency.run(agent)
        assert "You said: Whole." in agency.fake.last.body["messages"][-1]["content"]


async def test_one_that_nobody_trusts_is_asked_once_a_person_agrees(agency, there):
    await known(agency, there, trusted=False)
    agent = await agency.make(tools=[{"tool": "a2a:echo"}])
    agency.calls(("ask_echo", {"message": "secret"}))
    run = await agency.run(agent)
    assert (run["status"], there.echo.requests) == ("paused", [])


async def test_what_goes_wrong_there_is_told_to_the_model(agency, there):
    await known(agency, there)
    agent = await agency.make(tools=[{"tool": "a2a:echo"}])
    agency.calls(("ask_echo", {"message": "fail"}))
    agency.calls(("ask_echo", {"message": "ask back"}))
    agency.says("I see.")
    run = await agency.run(agent)
    assert run["text"] == "I see."
    failed, asked_back = [
        each["content"] for each in agency.fake.last.body["messages"] if each["role"] == "tool"
    ]
    assert "I cannot." in failed
    assert "Which one?" in asked_back
    assert "input_required" in asked_back


async def test_one_that_is_away_is_told_to_the_model(agency):
    async with elsewhere() as there:
        await known(agency, there)
    agent = await agency.make(tools=[{"tool": "a2a:echo"}])
    agency.calls(("ask_echo", {"message": "Anyone?"}))
    agency.says("Nobody.")
    assert (await agency.run(agent))["text"] == "Nobody."
    assert "could not be asked" in agency.fake.last.body["messages"][-1]["content"]


async def test_its_credential_goes_to_the_hosts_it_is_for_alone(agency):
    async with elsewhere(token=TOKEN) as there, elsewhere() as other:
        refused = await known(agency, there, 422)
        assert refused["code"] == "a2a_card_unusable"
        await _credential(agency, "own", there.url)
        await known(agency, there, credential="own")
        agent = await agency.make(tools=[{"tool": "a2a:echo"}])
        agency.calls(("ask_echo", {"message": "Let me in."}))
        agency.says("In.")
        await agency.run(agent)
        assert [asked for _, asked, _ in there.echo.requests] == ["Let me in."]
        await known(agency, other, slug="other", credential="own")
        assert {given for _, given in other.guard.seen} == {""}


async def test_a_card_that_leads_inside_is_not_followed(agency):
    """The service may call 127.0.0.1 in tests, and nothing else that is private."""
    async with elsewhere(tells="http://169.254.169.254/rpc") as there:
        await known(agency, there)
        agent = await agency.make(tools=[{"tool": "a2a:echo"}])
        agency.calls(("ask_echo", {"message": "Hello?"}))
        agency.says("No.")
        assert (await agency.run(agent))["text"] == "No."
        assert "could not be asked" in agency.fake.last.body["messages"][-1]["content"]
    for url in ("http://169.254.169.254/", "https://10.0.0.1/card.json", "nonsense"):
        answer = await agency.talker.call(
            "POST", "/v1/remote-agents", json={"slug": "inside", "card_url": url}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "a2a_card_unusable"), url


async def test_both_ends_are_ours(agency, kernel, address):
    """An agent here asks another one here, over the wire, as another service would."""
    caller = await _knowing_each_other(agency, kernel, address)
    agency.calls(("ask_callee", {"message": "How many?"}))
    agency.says("Seven.", "It says seven.")
    run = await agency.run(caller)
    assert run["text"] == "It says seven."
    assert "Seven." in agency.fake.last.body["messages"][-1]["content"]
    runs = (await agency.get("/v1/runs?kind=agent_run"))["data"]
    assert len(runs) == 2


async def test_agents_that_ask_each_other_over_the_wire_come_to_an_end(agency, kernel, address):
    caller = await _knowing_each_other(agency, kernel, address)
    path, body = f"/v1/agents/{caller['id']}/runs", {"input": "Hello"}

    async def begun(behind):
        headers = {HEADER: str(behind)}
        return await agency.talker.call("POST", path, json=body, headers=headers)

    agency.calls(("ask_callee", {"message": "How many?"}))
    agency.says("Seven.", "It says seven.")
    assert (await begun(MOST_BEHIND - 1)).json()["text"] == "It says seven."
    agency.calls(("ask_callee", {"message": "How many?"}))
    agency.says("It is too far away.")
    assert (await begun(MOST_BEHIND)).json()["text"] == "It is too far away."
    assert "begin one another" in agency.fake.last.body["messages"][-1]["content"]
    refused = await begun(MOST_BEHIND + 1)
    assert (refused.status_code, refused.json()["code"]) == (422, "agents_too_deep")
    runs = (await agency.get("/v1/runs?kind=agent_run"))["data"]
    assert len(runs) == 3


async def _knowing_each_other(agency, kernel, address):
    """An agent with another one here as a tool, which it takes for one of another service."""
    callee = await agency.make("Callee")
    key = await agency.talker.call(
        "POST",
        "/v1/api-keys",
        json={
            "name": "Peer",
            "scopes": ["agents:read", "agents:run", "models:invoke", "runs:read"],
        },
    )
    await _credential(agency, "peer", address, key.json()["key"])
    path = f"/a2a/agents/{callee['slug']}/.well-known/agent-card.json"
    body = {"slug": "callee", "card_url": address + path, "credential": "peer", "trusted": True}
    made = await agency.talker.call("POST", "/v1/remote-agents", json=body)
    assert made.status_code == 201, made.text
    async with kernel.database.unit(SYSTEM) as session:
        known = await session.get(A2aAgent, UUID(made.json()["id"]))
        url = f"{address}/a2a/agents/{callee['slug']}"  # the public address is not this one
        [interface] = known.card["supportedInterfaces"]
        known.card = {**known.card, "supportedInterfaces": [{**interface, "url": url}]}
    return await agency.make("Caller", tools=[{"tool": "a2a:callee"}])


async def test_a_remote_agent_is_changed_forgotten_and_restored(agency, there):
    made = await known(agency, there)
    path, call = f"/v1/remote-agents/{made['id']}", agency.talker.call
    stale = await call("PATCH", path, json={"name": "E"}, headers={"If-Match": '"v9"'})
    assert stale.status_code == 412
    assert (await call("PATCH", path, json={"name": "E"})).json()["name"] == "E"
    assert (await call("POST", f"{path}/refresh")).json()["trusted"]
    taken = await call("POST", "/v1/remote-agents", json={"slug": "echo", "card_url": there.url})
    assert (taken.status_code, taken.json()["code"]) == (409, "a2a_agent_slug_taken")
    assert (await call("DELETE", path)).status_code == 204
    agent = await agency.talker.call(
        "POST", "/v1/agents", json={"name": "X", "definition": {"tools": [{"tool": "a2a:echo"}]}}
    )
    assert agent.status_code >= 400
    assert (await call("POST", f"{path}/restore")).status_code == 200


async def _credential(agency, name, url, token=TOKEN):
    body = {
        "name": name,
        "secret": {"kind": "token", "token": token},
        "hosts": [url.removeprefix("http://")],
    }
    answer = await agency.talker.call("POST", "/v1/tools/credentials", json=body)
    assert answer.status_code == 201, answer.text
