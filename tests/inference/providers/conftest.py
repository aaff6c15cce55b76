"""A fake of each vendor, and our provider pointed at it."""

from collections.abc import AsyncIterator, Callable

import pytest

from app.core.config import Settings
from app.inference.providers.demo import DemoServer
from app.inference.providers.registry import build_provider
from app.inference.providers.transport import Transport
from app.inference.providers.types import Provider
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import KEY, Fake
from tests.support.fakes.gemini import FakeGemini
from tests.support.fakes.openai import FakeOpenAI

FAKES = {"openai": FakeOpenAI, "anthropic": FakeAnthropic, "gemini": FakeGemini}
Build = Callable[[Fake], Provider]


@pytest.fixture
def settings() -> Settings:
    return Settings(
        _env_file=None,
        provider_connect_seconds=5,
        provider_first_token_seconds=20,
        provider_idle_seconds=20,
        provider_retries=0,
    )


@pytest.fixture
def impatient(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"provider_first_token_seconds": 0.4, "provider_idle_seconds": 0.3}
    )


@pytest.fixture
async def transport(settings: Settings) -> AsyncIterator[Transport]:
    async with Transport(settings) as opened:
        yield opened


@pytest.fixture
def build(transport: Transport, settings: Settings) -> Build:
    def built(fake: Fake) -> Provider:
        base_url = fake.url + fake.base_path
        return build_provider(fake.kind, base_url, KEY, transport, settings, allow_private=True)

    return built


@pytest.fixture(params=FAKES)
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[Fake]:
    async with FAKES[request.param]() as server:
        yield server


@pytest.fixture
def provider(fake: Fake, build: Build) -> Provider:
    return build(fake)


@pytest.fixture
async def impatient_provider(fake: Fake, impatient: Settings) -> AsyncIterator[Provider]:
    """For silence: everything else gets all the time it needs on a busy machine."""
    async with Transport(impatient) as transport:
        base_url = fake.url + fake.base_path
        yield build_provider(fake.kind, base_url, KEY, transport, impatient, allow_private=True)


@pytest.fixture
async def openai_fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


@pytest.fixture
async def anthropic_fake() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as server:
        yield server


@pytest.fixture
async def gemini_fake() -> AsyncIterator[FakeGemini]:
    async with FakeGemini() as server:
        yield server


@pytest.fixture
async def demo() -> AsyncIterator[DemoServer]:
    async with DemoServer() as server:
        yield server


@pytest.fixture
def demo_provider(demo: DemoServer, transport: Transport, settings: Settings) -> Provider:
    return build_provider("demo", demo.base_url, "", transport, settings, allow_private=True)
