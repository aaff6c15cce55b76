"""What the operator's environment offers becomes the first workspace's integrations."""

from uuid import UUID

import pytest

from app.core import restorable
from app.core.db import Scope
from app.core.http.guard import Kernel
from app.inference.integrations import discovery
from app.inference.integrations.discovery import (
    keys_in_environment,
    local_servers,
    sync_environment,
)
from app.inference.integrations.models import Integration
from app.inference.providers.transport import Transport
from tests.support.fakes.openai import FakeOpenAI


@pytest.fixture
def with_environment(kernel, monkeypatch):
    """The kernel with other variables in its environment."""

    def make(discover: bool = False, **variables) -> Kernel:
        settings = kernel.settings.model_copy(update={"discover_local_models": discover})
        settings.__dict__["provider_environment"] = variables
        return Kernel(settings, kernel.database, kernel.valkey, None, kernel.vault, kernel.cursors)

    return make


async def rows(kernel, workspace_id):
    async with kernel.database.unit(Scope(workspace_id=workspace_id)) as session:
        return {
            row.slug: row for row in await restorable.all_living(session, Integration, workspace_id)
        }


async def test_keys_appear_change_and_disappear_with_the_environment(with_environment, talker):
    workspace = UUID(talker.person.workspace_id)
    first = with_environment(OPENAI_API_KEY="sk-one-000000001111", GEMINI_API_KEY="AIza-22222222")
    async with Transport(first.settings) as transport:
        await sync_environment(first, workspace, transport)
        made = await rows(first, workspace)
        assert {slug: row.origin for slug, row in made.items()} == {
            "openai": "environment",
            "gemini": "environment",
        }
        assert made["openai"].last_four == "1111"
        second = with_environment(OPENAI_API_KEY="sk-two-000000002222")
        await sync_environment(second, workspace, transport)
        left = await rows(second, workspace)
        assert list(left) == ["openai"]
        assert left["openai"].id == made["openai"].id
        assert left["openai"].last_four == "2222"


async def test_an_integration_that_a_user_made_is_left_alone(with_environment, talker):
    workspace = UUID(talker.person.workspace_id)
    body = {"kind": "openai", "api_key": "sk-mine-00000000mine"}
    assert (await talker.call("POST", "/v1/integrations", json=body)).status_code == 201
    kernel = with_environment(OPENAI_API_KEY="sk-env-000000000env")
    async with Transport(kernel.settings) as transport:
        await sync_environment(kernel, workspace, transport)
        kept = await rows(kernel, workspace)
    assert (kept["openai"].origin, kept["openai"].last_four) == ("user", "mine")


async def test_a_local_server_that_answers_is_found(with_environment, monkeypatch, talker):
    async with FakeOpenAI() as fake:
        fake.authorised = lambda _: True
        monkeypatch.setattr(
            discovery,
            "LOCAL_SERVERS",
            (
                ("openai_compatible", "lm-studio", "LM Studio", f"{fake.url}/v1"),
                ("openai_compatible", "vllm", "vLLM", "http://127.0.0.1:9/v1"),
            ),
        )
        kernel = with_environment(discover=True)
        workspace = UUID(talker.person.workspace_id)
        async with Transport(kernel.settings) as transport:
            await sync_environment(kernel, workspace, transport)
            found = await rows(kernel, workspace)
    assert {slug: row.origin for slug, row in found.items()} == {"lm-studio": "discovered"}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0:11434", "http://127.0.0.1:11434/v1"),
        ("127.0.0.1", "http://127.0.0.1:11434/v1"),
        ("http://10.1.1.1:8888/", "http://10.1.1.1:8888/v1"),
        ("https://ollama.example", "https://ollama.example/v1"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host, url):
    assert discovery._ollama_address(host) == url


def test_a_provider_without_its_address_is_not_offered(with_environment):
    settings = with_environment(AZURE_OPENAI_API_KEY="k" * 20).settings
    assert list(keys_in_environment(settings)) == []


async def test_nothing_local_is_nothing_found(with_environment, monkeypatch):
    monkeypatch.setattr(
        discovery, "LOCAL_SERVERS", (("ollama", "o", "O", "http://127.0.0.1:9/v1"),)
    )
    settings = with_environment(discover=True).settings
    async with Transport(settings) as transport:
        assert await local_servers(settings, transport) == []
