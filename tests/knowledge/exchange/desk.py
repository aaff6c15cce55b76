"""A person's dictionary, by the API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import select

from app.core.db import Scope
from app.knowledge.dictionary.models import Entry
from tests.support.identity import Person, until


@dataclass
class Desk:
    http: httpx2.AsyncClient
    person: Person
    dictionary: str

    @classmethod
    async def open(cls, http, person) -> "Desk":
        new = {"slug": f"d{uuid4().hex[:8]}", "name": "Words", "languages": ["en"]}
        made = await http.post("/v1/dictionaries", json=new, headers=person.headers)
        assert made.status_code == 201, made.text
        return cls(http, person, made.json()["id"])

    async def another(self) -> "Desk":
        return await Desk.open(self.http, self.person)

    async def call(self, method, path, **options):
        headers = {**self.person.headers, **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def entry(self, **entry) -> dict:
        new = {"dictionary_id": self.dictionary, **entry}
        made = await self.call("POST", "/v1/dictionary/entries", json=new)
        assert made.status_code == 201, made.text
        return made.json()

    async def entries(self) -> list[dict]:
        query = {"dictionary_id": self.dictionary, "limit": 200, "order": "asc"}
        found = await self.call("GET", "/v1/dictionary/entries", params=query)
        assert found.status_code == 200, found.text
        return found.json()["data"]

    async def words(self) -> list[list[str]]:
        return sorted(
            sorted(term["text"] for term in entry["terms"]) for entry in await self.entries()
        )

    async def export(self, form="json", **query) -> bytes:
        path = f"/v1/dictionaries/{self.dictionary}/export"
        answer = await self.call("GET", path, params={"format": form, **query})
        assert answer.status_code == 200, answer.text
        return answer.content

    async def send(self, content, form="csv", **query):
        path = f"/v1/dictionaries/{self.dictionary}/imports"
        params = {"format": form, **query} if form else query
        if isinstance(content, str):
            content = content.encode()
        return await self.call("POST", path, params=params, content=content)

    async def take(self, content, form="csv", **query) -> dict:
        """Import a file and wait for the end."""
        started = await self.send(content, form, **query)
        assert started.status_code == 201, started.text
        return await self.ended(started.json()["id"])

    async def ended(self, import_id, seconds=20) -> dict:
        last = {}

        async def over():
            nonlocal last
            last = (await self.call("GET", f"/v1/dictionary/imports/{import_id}")).json()
            return last["status"] != "in_progress"

        await until(over, seconds)
        return last

    @asynccontextmanager
    async def changing(self, kernel, external_id, **changes) -> AsyncIterator[None]:
        """Somebody changes an entry, and has not committed that before the block ends."""
        async with kernel.database.unit(Scope(UUID(self.person.workspace_id))) as session:
            found = select(Entry).where(
                Entry.dictionary_id == UUID(self.dictionary), Entry.external_id == external_id
            )
            entry = (await session.scalars(found.with_for_update())).one()
            for name, value in changes.items():
                setattr(entry, name, value)
            await session.flush()
            yield
            # Time for who asks meanwhile to come to the entry, and to wait.
            await asyncio.sleep(1)

    async def rejects(self, import_id) -> list[dict]:
        answer = await self.call("GET", f"/v1/dictionary/imports/{import_id}/rejects")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def counts(done):
    names = ("total", "created", "updated", "unchanged", "removed", "refused")
    return {name: done[name] for name in names if done[name]}
