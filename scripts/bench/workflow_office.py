"""An installation on engines of its own, with the workflows that the benchmark runs."""

import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
from processes import free_port
from pydantic import SecretStr
from sqlalchemy import make_url, text
from workflow_engines import Program, start_luminous

from app.cli.embedded import EmbeddedEngines
from app.core.config import Settings
from app.core.db import sync_engine
from app.core.migrations import upgrade
from app.main import first_start

LIMITS = ("KEY", "USER", "WORKSPACE", "ADDRESS", "SENSITIVE", "ATTEMPTS")
PATIENCE_SECONDS = 300
STEPS = 10
# Of the longer chain of each kind: a node that costs a tenth needs more of them to be measured.
LONG = {"chain": 110, "pure": 490, "computing": 490}
SLOW_SECONDS = 0.1
PAUSE_SECONDS = 0.03
APPROVAL, SPEECH = "waits", "speaks"


@dataclass(frozen=True)
class Office:
    """`postgres` and `valkey` are pids; every service that is started here has the same stores."""

    folder: Path
    port: int
    database_url: str
    key: str
    env: dict[str, str]
    postgres: int
    valkey: int

    def serve(self, port: int | None = None) -> AbstractContextManager[Program]:
        stores = [self.postgres, self.valkey]
        return start_luminous(self.folder, port or self.port, self.key, stores, self.env)

    def client(self) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx2.Client(base_url=self._address, headers=headers, timeout=60)

    def caller(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            self._address,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=aiohttp.ClientTimeout(total=600),
        )

    @property
    def _address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def runs(self, status: str) -> int:
        """How many runs of workflows are in a status."""
        asked = text("select count(*) from runs where kind = 'workflow_run' and status = :status")
        engine = sync_engine(self.database_url)
        with engine.connect() as connection:
            found = connection.scalar(asked, {"status": status})
        engine.dispose()
        return found

    def expect(self, status: str, count: int) -> None:
        """Wait until so many are."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.runs(status)) != count:
            if time.monotonic() > deadline:
                raise SystemExit(f"{found} of {count} runs came to be {status}")
            time.sleep(0.05)

    def database(self, name: str) -> str:
        """A fresh database on the same server."""
        engine = sync_engine(self.database_url).execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f'create database "{name}"')
        engine.dispose()
        return make_url(self.database_url).set(database=name).render_as_string(False)


@contextmanager
def open_office(folder: Path) -> Iterator[Office]:
    """Engines with durable commits, an owner, and its workflows."""
    with EmbeddedEngines(folder / "data") as engines:
        upgrade(engines.database_url)
        postgres, valkey = (each.process.pid for each in engines._engines)  # noqa: SLF001
        env = {
            "DATABASE_URL": engines.database_url,
            "REDIS_URL": engines.redis_url,
            "LUMINOUS_MASTER_KEY": b64encode(os.urandom(32)).decode(),
            "LUMINOUS_LOG_LEVEL": "warning",
            "LUMINOUS_DISCOVER_LOCAL_MODELS": "false",
            "LUMINOUS_NODE_PLUGINS": "noop,speak",
            **{f"LUMINOUS_RATE_LIMIT_{name}": "1000000/60" for name in LIMITS},
        }
        settings = Settings(
            _env_file=None,
            database_url=SecretStr(engines.database_url),
            redis_url=SecretStr(engines.redis_url),
            master_key=SecretStr(env["LUMINOUS_MASTER_KEY"]),
            data_dir=folder / "files",
            log_level="error",
        )
        key = first_start(settings).api_key
        yield Office(folder, free_port(), engines.database_url, key, env, postgres, valkey)


def make_workflows(http: httpx2.Client) -> None:
    """Tasks and pure nodes in rows of two lengths, `slow-n`, and two that wait or speak."""
    for kind, made in (("chain", _task), ("pure", _pure), ("computing", _computing)):
        for count in (STEPS, LONG[kind]):
            _make(http, f"{kind}-{count}", _row(made, count))
    slow = {"type": "noop", "with": {"seconds": SLOW_SECONDS}}
    _make(http, f"slow-{STEPS}", _row(lambda _: slow, STEPS))
    approval = {"type": "approval", "with": {"title": "Go on?"}}
    _make(http, APPROVAL, _row(lambda _: approval, 1))
    said = {"times": "{{ inputs.words }}", "pause": PAUSE_SECONDS}
    speak = {"type": "speak", "with": said, "timeout": "1h"}
    _make(http, SPEECH, _row(lambda _: speak, 1))


def _task(_number: int) -> dict[str, Any]:
    return {"type": "noop"}


def _pure(_number: int) -> dict[str, Any]:
    return {"type": "transform", "with": {"value": 1}}


def _computing(number: int) -> dict[str, Any]:
    """It adds one to what the node before it gave."""
    value = f"{{{{ nodes.n{number - 1}.output + 1 }}}}" if number else 0
    return {"type": "transform", "with": {"value": value}}


def _row(made: Callable[[int], dict[str, Any]], count: int) -> dict[str, Any]:
    nodes = [{"id": f"n{number}", **made(number)} for number in range(count)]
    edges = [{"from": f"n{number - 1}", "to": f"n{number}"} for number in range(1, count)]
    return {"dsl": "flow/1", "nodes": nodes, "edges": edges}


def _make(http: httpx2.Client, slug: str, definition: dict[str, Any]) -> None:
    body = {"name": slug, "slug": slug, "definition": definition}
    answer = http.post("/v1/workflows", json=body)
    if answer.status_code != 201:
        raise SystemExit(f"the workflow {slug} could not be made: {answer.text}")
