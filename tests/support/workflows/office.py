"""Workflows for tests: made over HTTP, run over HTTP."""

import asyncio
from dataclasses import dataclass
from typing import Any

from tests.support.chat import Streamed, Talker


@dataclass
class Office:
    """A person who makes workflows and has them run."""

    talker: Talker

    async def make(self, slug: str, **definition: Any) -> dict[str, Any]:
        body = {"name": slug, "slug": slug, "definition": {"dsl": "flow/1", **definition}}
        answer = await self.talker.call("POST", "/v1/workflows", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def start(self, slug: str, inputs: dict[str, Any] | None = None, **more: Any) -> Any:
        workflow = await self.found(slug)
        body = {"inputs": inputs or {}, **more}
        return await self.talker.call("POST", f"/v1/workflows/{workflow['id']}/runs", json=body)

    async def run(
        self, slug: str, inputs: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The run at its end, or where it waits."""
        answer = await self.start(slug, inputs, wait=True, **more)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    async def found(self, slug: str) -> dict[str, Any]:
        found = (await self.get(f"/v1/workflows?q={slug}"))["data"]
        return next(each for each in found if each["slug"] == slug)

    async def get(self, path: str) -> Any:
        answer = await self.talker.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.talker.call("POST", path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def open_tasks(self, seconds: float = 10.0) -> list[dict[str, Any]]:
        """What waits for a person, once something does."""
        async with asyncio.timeout(seconds):
            while not (found := (await self.get("/v1/tasks?status=open"))["data"]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return found

    async def events(self, run_id: str) -> Streamed:
        return await self.talker.stream("GET", f"/v1/runs/{run_id}/events")
