"""A person with a key, a fake of each vendor as an integration, and the OpenAI client."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx2
import pytest
from fastapi import FastAPI
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from app.core.kernel import Kernel
from app.inference.gate.gate import Gate
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
MODELS = {"openai": "gpt-fake", "anthropic": "claude-fake", "gemini": "gemini-fake"}


@dataclass(frozen=True)
class Gateway:
    """A workspace behind the gateway; `model` reaches the fake."""

    person: Person
    key: str
    base_url: str
    fake: Fake
    model: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture(scope="session")
def ledger(address: str, app: FastAPI) -> Gate:
    return app.state.inference.gate


async def connect(client: httpx2.AsyncClient, person: Person, kind: str, base_url: str) -> None:
    body = {"kind": kind, "base_url": base_url, "api_key": KEY}
    made = await client.post("/v1/integrations", json=body, headers=person.headers)
    assert made.status_code == 201, made.text


async def open_gateway(
    client: httpx2.AsyncClient, address: str, fake: Fake, kind: str = ""
) -> Gateway:
    person = await new_person(client)
    kind = kind or fake.kind
    await connect(client, person, kind, fake.url + fake.base_path)
    key = (await new_key(client, person))["key"]
    model = f"{kind}/{MODELS[fake.kind]}"
    return Gateway(person, key, f"{address}/openai/v1", fake, model)


@pytest.fixture
async def gateway(
    request: pytest.FixtureRequest, client: httpx2.AsyncClient, address: str, kernel: Kernel
) -> AsyncIterator[Gateway]:
    """The gateway in front of OpenAI's fake, or of the one the test asks for."""
    kind = getattr(request, "param", "openai")
    async with FAKES[kind]() as fake:
        yield await open_gateway(client, address, fake)


every_vendor = pytest.mark.parametrize("gateway", FAKES, indirect=True)
translated = pytest.mark.parametrize("gateway", ["anthropic", "gemini"], indirect=True)


@pytest.fixture
async def sdk(gateway: Gateway) -> AsyncIterator[AsyncOpenAI]:
    http = DefaultAsyncHttpxClient(verify=False)
    async with AsyncOpenAI(
        base_url=gateway.base_url, api_key=gateway.key, max_retries=0, timeout=20, http_client=http
    ) as opened:
        yield opened
