"""Our own providers keep the contract that a plug-in's has to."""

from dataclasses import replace

from app.inference.providers.contract import ProviderContract
from app.inference.providers.registry import OWN
from app.inference.providers.types import ReasoningPart, ToolCallPart
from tests.inference.providers.contract_upstreams import (
    AnthropicUpstream,
    AzureUpstream,
    GeminiUpstream,
    MistralUpstream,
    OpenAIUpstream,
    OpenRouterUpstream,
)

OURS = {kind.name: kind for kind in OWN}


class TestOpenAI(ProviderContract):
    kind = OURS["openai"]
    lacks = frozenset({"paging"})
    endings = ("stop", "length", "content_filter")
    upstream = OpenAIUpstream


class TestGroq(TestOpenAI):
    """Like Ollama, xAI and the demo: the dialect without any word of one's own."""

    kind = OURS["groq"]


class TestDemo(TestOpenAI):
    kind = OURS["demo"]


class TestTogether(TestOpenAI):
    """Like any compatible server."""

    kind = OURS["together"]


class TestDeepSeek(TestOpenAI):
    kind = OURS["deepseek"]


class TestMistral(TestOpenAI):
    kind = OURS["mistral"]
    # It has no field for an end user, and refuses requests with unknown ones.
    upstream = MistralUpstream


class TestOpenRouter(TestOpenAI):
    kind = OURS["openrouter"]
    upstream = OpenRouterUpstream


class TestAzure(TestOpenAI):
    kind = OURS["azure"]
    upstream = AzureUpstream


class TestAnthropic(ProviderContract):
    kind = OURS["anthropic"]
    endings = ("stop", "length", "refusal")
    upstream = AnthropicUpstream


class TestGemini(ProviderContract):
    kind = OURS["gemini"]
    # It has no field for an end user.
    endings = ("stop", "length", "content_filter")
    upstream = GeminiUpstream


class WrappedProvider:
    def __init__(self, inner):
        self.stream, self.list_models, self.check = inner.stream, inner.list_models, inner.check
        self._complete = inner.complete

    async def complete(self, request, waits):
        result = await self._complete(request, waits)
        signed = ToolCallPart | ReasoningPart
        parts = [
            replace(p, dialect="wrapped") if isinstance(p, signed) else p for p in result.parts
        ]
        return replace(result, parts=tuple(parts))


class Wrapped:
    """A plug-in's whole provider, which asks OpenAI by our own adapter."""

    name = dialect = "wrapped"
    label = "Wrapped"
    base_url = "https://wrapped.example"
    key_variable = address_variable = None
    needs_key = True

    def takes(self, base_url):
        return OURS["openai"].takes(base_url)

    def build(self, connection):
        return WrappedProvider(OURS["openai"].build(connection))


class TestWhole(ProviderContract):
    kind = Wrapped()
    lacks = frozenset({"paging"})
    upstream = OpenAIUpstream


def test_every_codec_of_ours_is_under_contract():
    tested = {case.kind.codec for case in (TestOpenAI, *TestOpenAI.__subclasses__())}
    tested |= {TestAnthropic.kind.codec, TestGemini.kind.codec}
    assert {kind.codec for kind in OWN if kind.chats} == tested
