"""Agents at work when their process is killed: the next start brings each to its end, once."""

import json
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.inference.providers.types import CONTINUE_PROMPT
from tests.e2e.test_kill import SETTINGS, Service
from tests.support.fakes.base import Said
from tests.support.fakes.openai import FakeOpenAI

HELD = {"answering": "model", "charging": "charge", "sending": "send"}
KILLED = [*HELD, "waiting"]
SLOW = 60
PARAMETERS = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
AGENT = {
    "model": "script/gpt-fake",
    "tools": [
        {"tool": "custom:note", "approval": "never"},
        {"tool": "custom:charge", "approval": "never"},
        {
            "tool": "custom:send",
            "approval": {"when": {"properties": {"text": {"const": "waiting"}}}},
        },
    ],
}


@dataclass
class Outside:
    """The model and the tools' service, on one port; each is held where a scenario says so."""

    port: int = 0
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    arrived: dict[str, threading.Event] = field(
        default_factory=lambda: {each: threading.Event() for each in HELD}
    )
    free: threading.Event = field(default_factory=threading.Event)

    def hold(self, scenario: str, where: str) -> None:
        if HELD.get(scenario) == where and not self.free.is_set():
            self.arrived[scenario].set()
            self.free.wait(SLOW)


def said(messages: list[dict[str, Any]]) -> tuple[str, Said]:
    """The scenario, and what the model says by what it has been given so far."""
    scenario = next(each["content"] for each in messages if each["role"] == "user")
    given = [each["content"] for each in messages if each["role"] == "tool"]
    if not given:
        return scenario, Said((), calls=(("call_0", "note", {"text": scenario}),))
    if len(given) == 1:
        tool = "charge" if scenario in ("answering", "charging") else "send"
        return scenario, Said((), calls=(("call_1", tool, {"text": scenario}),))
    whole = "Nobody knows." if "interrupted" in given[-1] else f"Done with {scenario}, all of it."
    if messages[-1]["content"] == CONTINUE_PROMPT:
        whole = whole.removeprefix(messages[-2]["content"])
    return scenario, Said((whole[:5], whole[5:]))


class Handler(BaseHTTPRequestHandler):
    """Chat completions below `/v1`, tools below `/tools`."""

    server: "Server"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._send(FakeOpenAI().models())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with suppress(OSError):  # whoever asked is dead
            if self.path.startswith("/tools/"):
                self._tool(self.path.removeprefix("/tools/"), body["text"])
            else:
                self._model(body)

    def _tool(self, tool: str, scenario: str) -> None:
        outside = self.server.outside
        outside.calls.append((tool, self.headers["idempotency-key"], scenario))
        outside.hold(scenario, tool)
        self._send({"tool": tool, "for": scenario})

    def _model(self, body: dict[str, Any]) -> None:
        scenario, answer = said(body["messages"])
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for number, frame in enumerate(FakeOpenAI().frames(answer, body)):
            if number == 2 and answer.text:
                self.server.outside.hold(scenario, "model")
            self.wfile.write(frame)

    def _send(self, answer: Any) -> None:
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, outside: Outside) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.outside = outside
        outside.port = self.server_port


@dataclass
class Run:
    """What there is to see of a run after its end."""

    result: dict[str, Any]
    events: list[str]
    steps: list[tuple[Any, ...]]


class Client:
    """A person with an API key."""

    def __init__(self, service: Service, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx2.Client(base_url=service.address, headers=headers, timeout=SLOW)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self._http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        answer = self._http.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    def start(self, scenario: str) -> str:
        return self.post("/v1/agents/keeper/runs", input=scenario, wait=False)["id"]

    def until_paused(self, run_id: str) -> None:
        with self._http.stream("GET", f"/v1/runs/{run_id}/events") as stream:
            assert any(line == "event: run.paused" for line in stream.iter_lines())

    def approve(self, run_id: str) -> None:
        [approval] = self.get(f"/v1/runs/{run_id}/approvals")
        assert approval["status"] == "pending"
        self.post(f"/v1/approvals/{approval['id']}", decision="approve")

    def ended(self, run_id: str) -> Run:
        text = self._http.get(f"/v1/runs/{run_id}/events").text
        told = [line.removeprefix("event: ") for line in text.splitlines() if "event: " in line]
        steps = [seen(each) for each in self.get(f"/v1/runs/{run_id}/steps")["data"]]
        return Run(self.get(f"/v1/runs/{run_id}/result"), told, steps)


def seen(step: dict[str, Any]) -> tuple[Any, ...]:
    """A step without its times; an answer that was cut off is one with its rest."""
    outcome = step["outcome"] or {}
    texts = "".join(part.get("text", "") for part in outcome.get("parts", ()))
    calls = [part["id"] for part in outcome.get("parts", ()) if part["type"] == "tool_call"]
    value = (outcome.get("data") or {}).get("value")
    names = ("kind", "number", "call_id", "name", "status", "is_error", "arguments")
    return (*(step[each] for each in names), texts, calls, value, outcome.get("code"))


def prepare(client: Client, outside: Outside) -> None:
    address = f"http://127.0.0.1:{outside.port}"
    client.post(
        "/v1/integrations",
        kind="openai_compatible",
        slug="script",
        base_url=f"{address}/v1",
        api_key="any",
    )
    for slug in ("note", "charge", "send"):
        client.post(
            "/v1/tools/custom",
            slug=slug,
            description="A tool of a test.",
            parameters=PARAMETERS,
            request={"method": "POST", "url": f"{address}/tools/{slug}"},
            policy={"idempotent": slug == "charge"},
        )
    client.post("/v1/agents", name="Keeper", slug="keeper", definition=AGENT)


@dataclass
class Seen:
    """The runs of a killed process, the same runs undisturbed, and what the tools' service saw."""

    killed: dict[str, Run]
    calm: dict[str, Run]
    before: Counter[tuple[str, str]]
    calls: list[tuple[str, str, str]]

    def keys(self, scenario: str, tool: str) -> list[str]:
        """The idempotency keys of the killed run's calls."""
        return [key for name, key, text in self.calls if (name, text) == (tool, scenario)]


def all_ended(client: Client, runs: dict[str, str]) -> dict[str, Run]:
    client.until_paused(runs["waiting"])
    client.approve(runs["waiting"])
    return {scenario: client.ended(run_id) for scenario, run_id in runs.items()}


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    made = Outside()
    with Server(made) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        made.free.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> Seen:
    """Four runs are under way, each somewhere else, when the only process is killed."""
    folder: Path = tmp_path_factory.mktemp("agents")
    service = Service(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SETTINGS, "LUMINOUS_OUTBOUND_ALLOW", "127.0.0.1")
        with service.running() as process:
            key = re.search(r"lum_live_\w+", service.printed)[0]
            with Client(service, key) as client:
                prepare(client, outside)
                runs = {scenario: client.start(scenario) for scenario in KILLED}
                assert all(each.wait(SLOW) for each in outside.arrived.values())
                client.until_paused(runs["waiting"])
                process.send_signal(signal.SIGKILL)
                process.wait(30)
        before = Counter((text, tool) for tool, _, text in outside.calls)
        outside.free.set()
        with service.running(), Client(service, key) as client:
            killed = all_ended(client, runs)
            calls = [*outside.calls]
            calm = all_ended(client, {scenario: client.start(scenario) for scenario in KILLED})
    return Seen(killed, calm, before, calls)


@pytest.mark.parametrize("scenario", ["answering", "charging", "waiting"])
def test_a_killed_run_ends_as_if_nothing_had_happened(scenario: str, story: Seen) -> None:
    killed, calm = story.killed[scenario], story.calm[scenario]
    assert killed.result["status"] == calm.result["status"] == "completed"
    assert killed.result["output"] == f"Done with {scenario}, all of it."
    for counted in ("output", "text", "steps", "tool_calls"):
        assert killed.result[counted] == calm.result[counted]
    assert killed.steps == calm.steps
    assert killed.events[-1] == "run.completed"
    # An approval resumes a run, too.
    died = 0 if scenario == "waiting" else 1
    assert killed.events.count("run.resumed") == calm.events.count("run.resumed") + died


def test_what_had_ended_is_not_done_again(story: Seen) -> None:
    for scenario in KILLED:
        assert story.before[scenario, "note"] == 1
        assert len(story.keys(scenario, "note")) == 1
    assert len(story.keys("answering", "charge")) == 1


def test_a_call_that_may_be_repeated_is_repeated_with_its_key(story: Seen) -> None:
    first, second = story.keys("charging", "charge")
    assert first == second


def test_a_call_that_may_not_be_repeated_is_told_to_the_model(story: Seen) -> None:
    killed = story.killed["sending"]
    assert len(story.keys("sending", "send")) == 1
    assert killed.result["status"] == "completed"
    assert killed.result["output"] == "Nobody knows."
    assert [step[-1] for step in killed.steps] == [None, None, None, "interrupted", None]
    assert story.calm["sending"].result["output"] == "Done with sending, all of it."


def test_an_approval_outlives_the_process_that_asked(story: Seen) -> None:
    assert story.before["waiting", "send"] == 0
    assert len(story.keys("waiting", "send")) == 1


def test_each_call_has_a_key_of_its_own(story: Seen) -> None:
    keys = {(tool, text): key for tool, key, text in story.calls}
    assert all(keys.values())
    assert len(set(keys.values())) == len(keys)
