"""Talking to the service as a frontend does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.support.fakes.base import KEY, Fake
from tests.support.identity import Person


@dataclass
class Streamed:
    """What came over a stream: its bytes without the comments and `retry`, and its events."""

    status: int
    headers: Any
    frames: list[str] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(frame.split("\ndata: ", 1)[1]) for frame in self.frames]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def text(self) -> str:
        return "".join(e["text"] for e in self.events if e["type"] == "text.delta")

    @property
    def ids(self) -> list[str]:
        return [frame.split("\n", 1)[0].removeprefix("id: ") for frame in self.frames]


class Talker:
    """A person at the API."""

    def __init__(self, http: httpx2.AsyncClient, person: Person) -> None:
        self.http = http
        self.person = person

    async def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {**self.person.headers, **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def ask(self, content: Any, **more: Any) -> dict[str, Any]:
        """POST /v1/chat, waiting for the answer."""
        body = {"messages": [{"role": "user", "content": content}], **more}
        answer = await self.call("POST", "/v1/chat", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def turn(self, conversation_id: str, **body: Any) -> dict[str, Any]:
        path = f"/v1/conversations/{conversation_id}/turns"
        answer = await self.call("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def stream(
        self, method: str, path: str, *, most: int | None = None, **options: Any
    ) -> Streamed:
        """Read a stream to its end, or cut the connection after `most` events."""
        headers = {**self.person.headers, **options.pop("headers", {})}
        async with self.http.stream(method, path, headers=headers, **options) as answer:
            streamed = Streamed(answer.status_code, answer.headers)
            async for frame in frames(answer):
                streamed.frames.append(frame)
                if len(streamed.frames) == most:
                    break
        return streamed

    async def stream_chat(self, content: Any, **more: Any) -> Streamed:
        most, headers = more.pop("most", None), more.pop("headers", {})
        body = {"messages": [{"role": "user", "content": content}], "stream": True, **more}
        return await self.stream("POST", "/v1/chat", json=body, most=most, headers=headers)

    async def messages(self, conversation_id: str, **query: Any) -> list[dict[str, Any]]:
        path = f"/v1/conversations/{conversation_id}/messages"
        return (await self.call("GET", path, params=query)).json()["data"]

    async def conversation(self, conversation_id: str) -> dict[str, Any]:
        return (await self.call("GET", f"/v1/conversations/{conversation_id}")).json()

    async def titled(self, conversation_id: str) -> dict[str, Any]:
        """The conversation, once the model has written its title and nothing is under way."""
        for _ in range(200):
            conversation = await self.conversation(conversation_id)
            if conversation["title_source"] == "model":
                break
            await asyncio.sleep(0.03)
        return conversation

    async def integrate(
        self, kind: str, base_url: str, slug: str, key: str = KEY
    ) -> dict[str, Any]:
        body = {"kind": kind, "base_url": base_url, "slug": slug, "api_key": key}
        answer = await self.call("POST", "/v1/integrations", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()


async def frames(answer: httpx2.Response) -> AsyncIterator[str]:
    """The event frames of a stream, without comments and `retry`."""
    rest = ""
    async for text in answer.aiter_text():
        *whole, rest = (rest + text).split("\n\n")
        for frame in whole:
            if frame.startswith("id: "):
                yield frame


@asynccontextmanager
async def connected(talker: Talker, fake: Fake) -> AsyncIterator[str]:
    """A running fake as the talker's integration; gives the integration's slug."""
    async with fake:
        await talker.integrate(fake.kind, fake.url + fake.base_path, fake.kind)
        yield fake.kind
