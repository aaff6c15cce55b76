"""A gateway call whose process is killed: it is in the ledger after the next start, once."""

import json
import re
import signal
import time
from pathlib import Path

import httpx2
import pytest
from openai import APIError, OpenAI
from sqlalchemy import text

from app.core.db import sync_engine
from tests.e2e.test_kill import Service


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "data")


def calls(data: Path) -> list[tuple]:
    """The ledger's rows, oldest first."""
    url = json.loads((data / "engines.json").read_text())["database_url"]
    with sync_engine(url).connect() as connection:
        statement = "select status, estimated, input_tokens > 0 from model_calls order by id"
        return [tuple(row) for row in connection.execute(text(statement))]


def test_a_call_of_a_killed_process_is_settled_once(service: Service) -> None:
    with service.running() as process:
        key = re.search(r"lum_live_\w+", service.printed)[0]
        client = OpenAI(base_url=f"{service.address}/openai/v1", api_key=key, max_retries=0)
        question = [{"role": "user", "content": "Hello"}]
        client.chat.completions.create(model="demo/chat?delay_ms=0", messages=question)
        stream = client.chat.completions.create(
            model="demo/chat?tokens=500&delay_ms=20", messages=question, stream=True
        )
        for _, _chunk in zip(range(10), stream, strict=False):
            pass
        process.send_signal(signal.SIGKILL)
        with pytest.raises((APIError, httpx2.HTTPError)):
            list(stream)
        client.close()
    with service.running():
        deadline = time.monotonic() + 20
        found = calls(service.data)
        while len(found) < 2 or found[-1][0] == "started":
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
            found = calls(service.data)
        assert httpx2.get(f"{service.address}/health/ready").status_code == 200
    assert found == [("succeeded", False, True), ("interrupted", True, True)]
