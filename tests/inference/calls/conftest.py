"""Two providers behind one route: the first one is made to fail, the second one answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.inference.gate.gate import Gate
from app.inference.usage.models import ModelCall
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import KEY, Fake
from tests.support.fakes.gemini import FakeGemini
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import Person, new_key, new_person

FAKES: dict[str, Callable[[], Fake]] = {
    "openai": FakeOpenAI,
    "anthropic": FakeAnthropic,
    "gemini": FakeGemini,
}
HELLO = [{"role": "user", "content": "Hello"}]


@dataclass
class Pair:
    """A person whose route `pair` asks `first` and then `second`."""

    http: httpx2.AsyncClient
    kernel: Kernel
    gate: Gate
    person: Person
    key: str
    first: Fake
    second: Fake

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def route(self, **failover: Any) -> None:
        body = {
            "slug": "pair",
            "candidates": [{"model": "first/m"}, {"model": "second/m"}],
            "failover": failover,
        }
        body |= {name: failover.pop(name) for name in ("on_overflow",) if name in failover}
        made = await self.http.post("/v1/routes", json=body, headers=self.person.headers)
        assert made.status_code == 201, made.text

    async def ask(self, model: str = "pair", headers: Any = None, **body: Any) -> httpx2.Response:
        document = {"model": model, "messages": HELLO, **body}
        return await self.http.post(
            "/openai/v1/chat/completions",
            content=orjson.dumps(document),
            headers=self.headers | (headers or {}),
        )

    async def calls(self) -> list[ModelCall]:
        """The workspace's attempts, in order."""
        await self.gate.flush()
        async with self.kernel.database.unit(SYSTEM) as session:
            found = select(ModelCall).where(ModelCall.workspace_id == self.person.workspace_id)
            found = found.order_by(ModelCall.request_id, ModelCall.attempt)
            return list((await session.scalars(found)).all())


@asynccontextmanager
async def open_pair(
    http: httpx2.AsyncClient, kernel: Kernel, app: FastAPI, first: str, second: str
) -> AsyncIterator[Pair]:
    async with FAKES[first]() as one, FAKES[second]() as two:
        person = await new_person(http)
        for slug, fake in (("first", one), ("second", two)):
            body = {
                "kind": fake.kind,
                "base_url": fake.url + fake.base_path,
                "api_key": KEY,
                "slug": slug,
            }
            made = await http.post("/v1/integrations", json=body, headers=person.headers)
            assert made.status_code == 201, made.text
        key = (await new_key(http, person))["key"]
        yield Pair(http, kernel, app.state.inference.gate, person, key, one, two)


@pytest.fixture
async def pair(
    request: pytest.FixtureRequest, client: httpx2.AsyncClient, kernel: Kernel, app: FastAPI
) -> AsyncIterator[Pair]:
    """Of these kinds; by default a byte attempt, and then an event attempt."""
    kinds = getattr(request, "param", ("openai", "anthropic"))
    async with open_pair(client, kernel, app, *kinds) as opened:
        yield opened


def text_of(answer: httpx2.Response) -> str:
    """What a stream of Chat Completions says."""
    said = []
    for line in answer.text.splitlines():
        if line.startswith("data: {"):
            chunk = orjson.loads(line[6:])
            said += [c["delta"].get("content") or "" for c in chunk.get("choices", ())]
    return "".join(said)


def comments_of(answer: httpx2.Response, name: str) -> list[dict[str, Any]]:
    prefix = f": {name} "
    lines = answer.text.splitlines()
    return [orjson.loads(line[len(prefix) :]) for line in lines if line.startswith(prefix)]
