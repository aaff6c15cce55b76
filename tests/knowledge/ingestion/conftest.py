"""Someone with a collection, at the running service."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from app.core.db import Scope
from app.core.vectors import VectorsAway
from app.knowledge.passages.models import Passage
from tests.support.identity import Person, new_person

PROSE = (
    "# Holidays\n\nEveryone has thirty days of leave a year.\n\n# Sickness\n\nTell us by nine.\n"
)


@dataclass
class Shelf:
    """A person and a collection of theirs."""

    http: httpx2.AsyncClient
    person: Person
    collection: dict[str, Any]

    @property
    def id(self) -> str:
        return self.collection["id"]

    @property
    def path(self) -> str:
        return f"/v1/collections/{self.id}"

    @property
    def scope(self) -> Scope:
        return Scope(UUID(self.person.workspace_id), UUID(self.person.user_id))

    async def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {**self.person.headers, **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def upload(
        self, content: bytes | str = PROSE, name: str = "leave.md", **query: Any
    ) -> httpx2.Response:
        body = content.encode() if isinstance(content, str) else content
        headers = query.pop("headers", {})
        return await self.call(
            "POST",
            f"{self.path}/documents",
            content=body,
            params={"name": name, **query},
            headers={"Content-Type": "application/octet-stream", **headers},
        )

    async def add(self, content: bytes | str = PROSE, name: str = "leave.md") -> dict[str, Any]:
        """Upload a document and wait until it is ready."""
        answer = await self.upload(content, name)
        assert answer.status_code == 202, answer.text
        found = await self.settled(answer.json()["id"])
        assert found["status"] == "ready", found
        return found

    async def version(self, document_id: str, content: bytes | str, name: str = "leave.md") -> dict:
        body = content.encode() if isinstance(content, str) else content
        answer = await self.call(
            "POST",
            f"/v1/documents/{document_id}/versions",
            content=body,
            params={"name": name},
            headers={"Content-Type": "application/octet-stream"},
        )
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def show(self, document_id: str) -> dict[str, Any]:
        answer = await self.call("GET", f"/v1/documents/{document_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def settled(self, document_id: str, seconds: float = 30) -> dict[str, Any]:
        """The document, once it is neither queued nor processing."""
        for _ in range(int(seconds / 0.05)):
            found = await self.show(document_id)
            if found["status"] in ("ready", "failed"):
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"still {found}")

    async def run(self, run_id: str, seconds: float = 30) -> dict[str, Any]:
        """A run, once it has ended."""
        for _ in range(int(seconds / 0.05)):
            found = (await self.call("GET", f"/v1/runs/{run_id}")).json()
            if found["status"] not in ("queued", "running"):
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"still {found}")

    async def events(self, run_id: str) -> list[tuple[str, str | None]]:
        """Types and steps of a run's events, up to its end."""
        answer = await self.call("GET", f"/v1/runs/{run_id}/events")
        found = [json.loads(line[6:]) for line in answer.text.splitlines() if line[:6] == "data: "]
        return [(each["type"], each.get("step")) for each in found]

    async def chunks(self, document_id: str) -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/v1/documents/{document_id}/chunks?limit=200")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def passages(self, kernel: Any) -> int:
        """How many passages the workspace has."""
        async with kernel.database.unit(self.scope) as session:
            return await session.scalar(select(func.count()).select_from(Passage)) or 0


async def new_shelf(http: httpx2.AsyncClient, person: Person | None = None, **more: Any) -> Shelf:
    person = person or await new_person(http)
    made = await http.post(
        "/v1/collections", json={"name": "Handbook", **more}, headers=person.headers
    )
    assert made.status_code == 201, made.text
    return Shelf(http, person, made.json())


@pytest.fixture
def vectors(app, shelf, monkeypatch):
    """The vector store, which may be away; `asked` counts what the shelf's workspace brings."""
    index = app.state.knowledge.indexer._index
    kept, state = index.upsert, {"away": True, "asked": 0}

    async def upsert(workspace_id, *arguments):
        state["asked"] += workspace_id == shelf.scope.workspace_id
        if state["away"]:
            raise VectorsAway("it is away")
        await kept(workspace_id, *arguments)

    monkeypatch.setattr(index, "upsert", upsert, raising=False)
    return state


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(client):
    return await new_shelf(client)
