"""As a new user: start, copy the curl, kill -9 in the middle, start again, read the rest."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.cli.test_up import ENVIRONMENT, free_port
from tests.support.starting import Started

SETTINGS = {
    "LUMINOUS_RUN_LEASE_SECONDS": "1",
    "LUMINOUS_DISCOVER_LOCAL_MODELS": "false",
    "LUMINOUS_DEMO_PROVIDER": "always",  # also where a developer's own keys are in the environment
}
LONG = "demo/chat?tokens=120&delay_ms=25"


class Service:
    """`up` in a process of its own, printing to a file."""

    def __init__(self, data: Path) -> None:
        self.port, self.data = free_port(), data
        self.address = f"http://127.0.0.1:{self.port}"
        self.printed = ""

    @contextmanager
    def running(self) -> Iterator[Started]:
        log = self.data.with_suffix(".log")
        log.write_bytes(b"")
        command = ["up", "--port", str(self.port), "--data", str(self.data)]
        process = Started(command, ENVIRONMENT | SETTINGS, log)
        try:
            deadline = time.monotonic() + 60
            while "Ctrl-C stops" not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            self.printed = log.read_text()
            yield process
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "data")


def events(stream: bytes) -> list[dict]:
    whole = stream[: stream.rfind(b"\n\n")].decode()
    return [json.loads(data) for data in re.findall(r"^data: (.*)$", whole, re.MULTILINE)]


def text_of(found: list[dict]) -> str:
    return "".join(event["text"] for event in found if event["type"] == "text.delta")


def test_a_killed_turn_is_read_to_its_end_after_the_next_start(service: Service) -> None:
    with service.running() as process:
        curl = shlex.split(re.search(r"^curl .*$", service.printed, re.MULTILINE)[0])
        key = re.search(r"lum_live_\w+", service.printed)[0]
        body = json.loads(curl[-1]) | {"model": LONG}
        reader = subprocess.Popen([*curl[:-1], json.dumps(body)], stdout=subprocess.PIPE)  # noqa: S603
        begun = b""
        while begun.count(b"event: text.delta") < 20:
            begun += os.read(reader.stdout.fileno(), 65536)
        process.send_signal(signal.SIGKILL)
        begun += reader.communicate()[0]
    first = events(begun)
    last = first[-1]
    assert last["type"] == "text.delta"
    with (
        service.running(),
        httpx2.Client(
            base_url=service.address, headers={"Authorization": f"Bearer {key}"}, timeout=60
        ) as http,
    ):
        path = f"/v1/runs/{last['run_id']}"
        seen = {"Last-Event-ID": f"{last['run_id']}:{last['seq']}"}
        rest = events(http.get(f"{path}/events", headers=seen).content)
        whole = events(http.get(f"{path}/events").content)
        run = http.get(path).json()
        kept = http.get(
            f"/v1/conversations/{run['subject_id']}/messages",
        ).json()["data"][-1]
        reference = http.post(
            "/v1/chat", json={"messages": body["messages"], "model": LONG.replace("25", "0")}
        ).json()["message"]["text"]
    assert first + rest == whole
    assert [event["seq"] for event in whole] == list(range(1, len(whole) + 1))
    assert rest[0]["type"] == "run.resumed"
    ends = [e["type"] for e in whole if e["type"] in ("run.completed", "run.failed")]
    assert ends == ["run.completed"]
    assert (run["status"], run["attempt"]) == ("completed", 2)
    # The answer goes on where it broke off, and what both processes used is counted.
    assert text_of(whole) == kept["text"] == reference
    assert kept["output_tokens"] > 120


def test_sigterm_in_the_middle_hands_the_turn_to_the_next_start(service: Service) -> None:
    with service.running():
        key = re.search(r"lum_live_\w+", service.printed)[0]
        headers = {"Authorization": f"Bearer {key}"}
        body = {"messages": [{"role": "user", "content": "Hi"}], "model": LONG, "stream": True}
        with httpx2.stream(
            "POST", f"{service.address}/v1/chat", json=body, headers=headers, timeout=30
        ) as answer:
            run_id = answer.headers["x-run-id"]
            begun = b""
            for chunk in answer.iter_raw():
                begun += chunk
                if begun.count(b"event: text.delta") >= 10:
                    break
    with service.running():
        url = f"{service.address}/v1/runs/{run_id}/events"
        whole = events(httpx2.get(url, headers=headers, timeout=60).content)
    assert [event["seq"] for event in whole] == list(range(1, len(whole) + 1))
    assert [e["reason"] for e in whole if e["type"] == "run.resumed"] == ["process_stopped"]
    assert whole[-1]["type"] == "run.completed"
    assert len(text_of(whole).split()) == 120
