"""A person whose workflows run on processes that are killed; for tests and benchmarks."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.support.workflows.graphs import Graphs, place_of

ENDED = ("completed", "failed", "cancelled")
# Without it each client reads the system's certificates, which takes longer than most answers.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Client:
    """Whoever has an API key. Asks again while the service is away."""

    address: str
    key: str
    mail: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    patience: float = 120.0

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        deadline = time.monotonic() + self.patience
        async with self._http() as http:
            while True:
                try:
                    answer = await http.request(method, path, **options)
                    if answer.status_code < 500:
                        break
                except httpx2.HTTPError:
                    pass
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{method} {path} had no answer")
                await asyncio.sleep(0.1)
        if answer.status_code == 409 and path.endswith("/decide"):
            return None  # it was decided by a request whose answer was lost
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def make(self, slug: str, definition: Mapping[str, Any]) -> str:
        body = {"name": slug, "slug": slug, "definition": {"dsl": "flow/1", **definition}}
        return (await self.ask("POST", "/v1/workflows", json=body))["id"]

    async def make_random(self, slug: str, seed: int, address: str) -> tuple[str, dict[str, Any]]:
        """The workflow's id and its definition; its steps come to the outside by its slug."""
        graphs = Graphs(seed, f"{address}/{slug}")
        definition = graphs.definition()
        self.mail[slug] = graphs.mail
        return await self.make(slug, definition), definition

    async def start(self, workflow_id: str, key: str, **body: Any) -> str:
        """The run's id; asked again, it is the same run."""
        path = f"/v1/workflows/{workflow_id}/runs"
        return (await self.ask("POST", path, json={"key": key, "wait": False, **body}))["id"]

    async def decide_all(self) -> int:
        """Decide what waits for a person, as the graphs' mail says; how many there were."""
        tasks = (await self.ask("GET", "/v1/tasks?status=open&limit=200"))["data"]
        for task in tasks:
            mail = self.mail.get(task["workflow"], {}).get(place_of(task["path"]), {})
            decision = {"decision": mail.get("decision", "approve")}
            await self.ask("POST", f"/v1/tasks/{task['id']}/decide", json=decision)
        return len(tasks)

    async def run(self, run_id: str) -> dict[str, Any]:
        return await self.ask("GET", f"/v1/workflow-runs/{run_id}")

    async def decide_on(self) -> None:
        """Decide whatever comes to wait for a person, until this is cancelled."""
        while True:
            await self.decide_all()
            await asyncio.sleep(0.3)

    async def under_way(self) -> set[str]:
        """The runs that have not ended, of those that were begun last."""
        lists = [
            await self.ask("GET", f"/v1/workflow-runs?limit=200&status={status}")
            for status in ("paused", "queued", "running")
        ]
        return {run["id"] for each in lists for run in each["data"]}

    async def ended(
        self, run_ids: list[str], seconds: float, every: float = 0.2
    ) -> dict[str, dict[str, Any]]:
        """The runs at their ends; raises TimeoutError where one does not come to it."""
        found: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(seconds):
            while len(found) < len(run_ids):
                await self.decide_all()
                under_way = await self.under_way()
                for run_id in run_ids:
                    if run_id not in found and run_id not in under_way:
                        run = await self.run(run_id)
                        if run["status"] in ENDED:
                            found[run_id] = run
                await asyncio.sleep(every)
        return found

    async def log(self, run_id: str) -> str:
        """The events of a run that has ended."""
        async with self._http() as http:
            return (await http.get(f"/v1/runs/{run_id}/events")).text

    async def steps(self, run_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        path = f"/v1/workflow-runs/{run_id}/steps?limit=200"
        cursor = ""
        while True:
            page = await self.ask("GET", path + cursor)
            found += page["data"]
            if not page["has_more"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def _http(self) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx2.AsyncClient(base_url=self.address, timeout=30, headers=headers, verify=PLAIN)


def outcome(run: Mapping[str, Any]) -> Any:
    """What a run came to. Which of several failing branches fails it is left to chance."""
    return run["output"] if run["status"] == "completed" else run["status"]
