"""The kinds of provider an integration can be of, and how each is built."""

from collections.abc import Callable
from dataclasses import dataclass

from app.core.config import Settings
from app.inference.providers.adapter import HttpProvider
from app.inference.providers.anthropic_messages import AnthropicCodec
from app.inference.providers.codec import Codec
from app.inference.providers.errors import InvalidIntegration
from app.inference.providers.gemini import GeminiCodec
from app.inference.providers.openai_chat import (
    MISTRAL_LACKS,
    OPENAI_LACKS,
    TAKES,
    Flavour,
    OpenAIChatCodec,
)
from app.inference.providers.openai_chat.encode import Wording
from app.inference.providers.transport import Transport
from app.inference.providers.types import Provider


@dataclass(frozen=True, slots=True)
class Kind:
    """A provider kind; the variables are where its key and address stand in the environment.

    Without a `base_url` the integration has to name one. `dialect` is what our adapter speaks with
    it, `also` what else it understands when a client's bytes are passed on.
    """

    name: str
    label: str
    dialect: str
    codec: Callable[[str], Codec]
    base_url: str | None = None
    key_variable: str | None = None
    address_variable: str | None = None
    needs_key: bool = True
    also: frozenset[str] = frozenset()


def speaks_openai(flavour: Flavour) -> Callable[[str], Codec]:
    return lambda base_url: OpenAIChatCodec(base_url, flavour)


COMPATIBLE = speaks_openai(Flavour())
WITH_TOP_K = TAKES | {"top_k"}
WIDER = speaks_openai(Flavour(takes=WITH_TOP_K))
OWN_WORDING = Wording(max_tokens="max_completion_tokens")
OPENAI = speaks_openai(Flavour(OWN_WORDING, takes=TAKES - OPENAI_LACKS))
AZURE = speaks_openai(Flavour(OWN_WORDING, auth="api-key", takes=TAKES - OPENAI_LACKS))
# Mistral refuses the fields it does not know, and reports usage unasked.
MISTRAL = speaks_openai(
    Flavour(
        Wording(seed="random_seed", user=None, asks_for_usage=False), takes=TAKES - MISTRAL_LACKS
    )
)
# OpenRouter lists its models to anyone; only this one proves the key.
OPENROUTER = speaks_openai(Flavour(check_path="/key", takes=WITH_TOP_K))
DEEPSEEK = speaks_openai(Flavour(Wording(returns_reasoning=True)))

DIALECT = OpenAIChatCodec.dialect
RESPONSES = frozenset({"openai_responses"})
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "openai",
            "OpenAI",
            DIALECT,
            OPENAI,
            "https://api.openai.com/v1",
            "OPENAI_API_KEY",
            also=RESPONSES,
        ),
        Kind(
            "anthropic",
            "Anthropic",
            AnthropicCodec.dialect,
            AnthropicCodec,
            "https://api.anthropic.com/v1",
            "ANTHROPIC_API_KEY",
        ),
        Kind(
            "gemini",
            "Gemini",
            GeminiCodec.dialect,
            GeminiCodec,
            "https://generativelanguage.googleapis.com/v1beta",
            "GEMINI_API_KEY",
        ),
        Kind(
            "ollama",
            "Ollama",
            DIALECT,
            COMPATIBLE,
            "http://127.0.0.1:11434/v1",
            address_variable="OLLAMA_HOST",
            needs_key=False,
        ),
        Kind("groq", "Groq", DIALECT, COMPATIBLE, "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        Kind(
            "mistral", "Mistral", DIALECT, MISTRAL, "https://api.mistral.ai/v1", "MISTRAL_API_KEY"
        ),
        Kind(
            "openrouter",
            "OpenRouter",
            DIALECT,
            OPENROUTER,
            "https://openrouter.ai/api/v1",
            "OPENROUTER_API_KEY",
        ),
        Kind(
            "deepseek",
            "DeepSeek",
            DIALECT,
            DEEPSEEK,
            "https://api.deepseek.com/v1",
            "DEEPSEEK_API_KEY",
        ),
        Kind(
            "together",
            "Together",
            DIALECT,
            WIDER,
            "https://api.together.xyz/v1",
            "TOGETHER_API_KEY",
        ),
        Kind("xai", "xAI", DIALECT, COMPATIBLE, "https://api.x.ai/v1", "XAI_API_KEY"),
        Kind(
            "azure",
            "Azure OpenAI",
            DIALECT,
            AZURE,
            key_variable="AZURE_OPENAI_API_KEY",
            address_variable="AZURE_OPENAI_ENDPOINT",
            also=RESPONSES,
        ),
        Kind(
            "openai_compatible",
            "OpenAI-compatible server",
            DIALECT,
            WIDER,
            needs_key=False,
        ),
        Kind("demo", "Demo provider", DIALECT, COMPATIBLE, needs_key=False),
    )
}


def build_provider(
    kind: str,
    base_url: str | None,
    api_key: str,
    transport: Transport,
    settings: Settings,
    allow_private: bool = False,
) -> Provider:
    """Build an integration's provider; raise InvalidIntegration for what cannot work."""
    found = KINDS.get(kind)
    if found is None:
        raise InvalidIntegration(f"There is no provider kind {kind!r}.")
    address = base_url or found.base_url
    if not address:
        raise InvalidIntegration(f"{found.label} needs a base URL.", "base_url")
    if found.needs_key and not api_key.strip():
        raise InvalidIntegration(f"{found.label} needs an API key.", "api_key")
    return HttpProvider(
        found.label, found.codec(address), api_key, transport, settings, allow_private=allow_private
    )
