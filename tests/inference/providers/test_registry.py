import pytest

from app.inference.providers.errors import InvalidIntegration, ProviderAuthFailed
from app.inference.providers.registry import KINDS, build_provider

NAMES = {
    "openai",
    "anthropic",
    "gemini",
    "ollama",
    "groq",
    "mistral",
    "openrouter",
    "deepseek",
    "together",
    "xai",
    "azure",
    "openai_compatible",
    "cohere",
    "voyage",
    "local",
    "demo",
}


def test_every_kind_is_there_under_its_own_name():
    assert KINDS.keys() == NAMES
    assert all(name == kind.name for name, kind in KINDS.items())


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_every_kind_can_be_built(kind, transport, settings):
    address = kind.base_url or "https://example.com/v1"
    provider = build_provider(kind.name, address, "a-key\n", transport, settings)
    assert provider.dialect == kind.dialect
    assert provider.name == kind.label


@pytest.mark.parametrize(
    ("kind", "base_url", "key"),
    [("nothing", None, "k"), ("azure", None, "k"), ("demo", "", ""), ("openai", None, " ")],
)
async def test_what_cannot_work_is_refused(kind, base_url, key, transport, settings):
    with pytest.raises(InvalidIntegration):
        build_provider(kind, base_url, key, transport, settings)


@pytest.mark.parametrize("key", ["a\r\nX-Injected: 1", "schlüssel", "a\x00b"])
async def test_a_key_that_cannot_stand_in_a_header_is_refused(key, transport, settings):
    with pytest.raises(ProviderAuthFailed):
        build_provider("openai", None, key, transport, settings)


def test_openrouters_key_is_checked_where_it_is_asked_for():
    codec = KINDS["openrouter"].codec("https://openrouter.ai/api/v1")
    assert codec.check_url() == "https://openrouter.ai/api/v1/key"
