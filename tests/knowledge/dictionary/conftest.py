"""Someone with a dictionary, at the running service."""

from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest_asyncio

from tests.support.identity import Person, new_person


def term(text: str, language: str = "en", status: str = "preferred", **more: Any) -> dict[str, Any]:
    return {"language": language, "text": text, "status": status, **more}


@dataclass
class Keeper:
    """Someone who keeps a dictionary."""

    http: httpx2.AsyncClient
    person: Person
    dictionary_id: str = ""
    entries: str = field(default="/v1/dictionary/entries")

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return await self.http.request(
            method, path, json=body, headers={**self.person.headers, **headers}
        )

    async def made(self, path: str, body: Any) -> dict[str, Any]:
        answer = await self.ask("POST", path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def add(self, *terms: dict[str, Any], **more: Any) -> dict[str, Any]:
        body = {"dictionary_id": self.dictionary_id, "terms": list(terms), **more}
        return await self.made(self.entries, body)

    async def done(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self.ask(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def do(self, entry_id: str, action: str, body: Any = None) -> dict[str, Any]:
        return await self.done("POST", f"{self.entries}/{entry_id}/{action}", body)

    async def show(self, entry_id: str) -> dict[str, Any]:
        return await self.done("GET", f"{self.entries}/{entry_id}")

    async def change(self, entry_id: str, **body: Any) -> dict[str, Any]:
        return await self.done("PATCH", f"{self.entries}/{entry_id}", body)

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = await self.ask(method, path, body)
        return answer.status_code, answer.json()["code"]


async def new_keeper(http: httpx2.AsyncClient, person: Person | None = None) -> Keeper:
    keeper = Keeper(http, person or await new_person(http))
    made = await keeper.made("/v1/dictionaries", {"slug": "words", "languages": ["en", "de"]})
    keeper.dictionary_id = made["id"]
    return keeper


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(client):
    return await new_keeper(client)
