"""The kinds of provider an integration can be of, and how each is built."""

from collections.abc import Callable
from typing import Final

from app.core.config import Settings
from app.core.errors import AppError
from app.core.log import get_logger
from app.inference.providers.anthropic_messages import AnthropicCodec
from app.inference.providers.codec import Codec
from app.inference.providers.embedding_only import VoyageKind, cohere_codec, voyage_codec
from app.inference.providers.errors import InvalidIntegration
from app.inference.providers.gemini import GeminiCodec
from app.inference.providers.kinds import Connection, HttpKind, Kind
from app.inference.providers.openai_chat import (
    GROQ_LACKS,
    MISTRAL_LACKS,
    OPENAI_LACKS,
    TAKES,
    Flavour,
    OpenAIChatCodec,
)
from app.inference.providers.openai_chat.encode import Wording
from app.inference.providers.transport import Transport
from app.inference.providers.types import Provider

log = get_logger(__name__)


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
        Wording(seed="random_seed", user=None, cache_key=None, asks_for_usage=False),
        takes=TAKES - MISTRAL_LACKS,
    )
)
GROQ = speaks_openai(Flavour(Wording(cache_key=None), takes=TAKES - GROQ_LACKS))
# OpenRouter lists its models to anyone; only this one proves the key.
OPENROUTER = speaks_openai(Flavour(check_path="/key", takes=WITH_TOP_K))
DEEPSEEK = speaks_openai(Flavour(Wording(returns_reasoning=True)))

DIALECT = OpenAIChatCodec.dialect
RESPONSES = frozenset({"openai_responses"})
# Those that come with the service.
OWN: Final = (
    HttpKind(
        "openai",
        "OpenAI",
        DIALECT,
        OPENAI,
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        also=RESPONSES,
    ),
    HttpKind(
        "anthropic",
        "Anthropic",
        AnthropicCodec.dialect,
        AnthropicCodec,
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
    ),
    HttpKind(
        "gemini",
        "Gemini",
        GeminiCodec.dialect,
        GeminiCodec,
        "https://generativelanguage.googleapis.com/v1beta",
        "GEMINI_API_KEY",
    ),
    HttpKind(
        "ollama",
        "Ollama",
        DIALECT,
        COMPATIBLE,
        "http://127.0.0.1:11434/v1",
        address_variable="OLLAMA_HOST",
        needs_key=False,
    ),
    HttpKind("groq", "Groq", DIALECT, GROQ, "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    HttpKind(
        "mistral", "Mistral", DIALECT, MISTRAL, "https://api.mistral.ai/v1", "MISTRAL_API_KEY"
    ),
    HttpKind(
        "openrouter",
        "OpenRouter",
        DIALECT,
        OPENROUTER,
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
    ),
    HttpKind(
        "deepseek",
        "DeepSeek",
        DIALECT,
        DEEPSEEK,
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
    ),
    HttpKind(
        "together",
        "Together",
        DIALECT,
        WIDER,
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
    ),
    HttpKind("xai", "xAI", DIALECT, COMPATIBLE, "https://api.x.ai/v1", "XAI_API_KEY"),
    HttpKind(
        "azure",
        "Azure OpenAI",
        DIALECT,
        AZURE,
        key_variable="AZURE_OPENAI_API_KEY",
        address_variable="AZURE_OPENAI_ENDPOINT",
        also=RESPONSES,
    ),
    HttpKind(
        "openai_compatible",
        "OpenAI-compatible server",
        DIALECT,
        WIDER,
        needs_key=False,
    ),
    HttpKind(
        "cohere",
        "Cohere",
        "cohere",
        cohere_codec,
        "https://api.cohere.com",
        "COHERE_API_KEY",
        chats=False,
    ),
    VoyageKind(
        "voyage",
        "Voyage AI",
        "voyage",
        voyage_codec,
        "https://api.voyageai.com/v1",
        "VOYAGE_API_KEY",
        chats=False,
    ),
    HttpKind("local", "This machine", DIALECT, COMPATIBLE, needs_key=False, chats=False),
    HttpKind("demo", "Demo provider", DIALECT, COMPATIBLE, needs_key=False),
)
# These and those that plug-ins have brought since the process started.
KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in OWN}


def kind_of(name: str) -> Kind:
    """Raise InvalidIntegration for a kind that this process does not have, or no longer."""
    found = KINDS.get(name)
    if found is None:
        raise InvalidIntegration(f"There is no provider kind {name!r}.")
    return found


def build_provider(
    kind: str,
    base_url: str | None,
    api_key: str,
    transport: Transport,
    settings: Settings,
    allow_private: bool = False,
) -> Provider:
    """Build an integration's provider; raise InvalidIntegration for what cannot work."""
    found = kind_of(kind)
    address = base_url or found.base_url
    if not address:
        raise InvalidIntegration(f"{found.label} needs a base URL.", "base_url")
    if found.needs_key and not api_key.strip():
        raise InvalidIntegration(f"{found.label} needs an API key.", "api_key")
    try:
        return found.build(Connection(address, api_key, transport, settings, allow_private))
    except AppError:
        raise
    except Exception as error:  # noqa: BLE001 - any that a plug-in can raise
        # A plug-in's own code; its words may hold the key.
        log.warning("provider_unbuildable", kind=kind, error=type(error).__name__)
        raise InvalidIntegration(f"The plug-in of {found.label} cannot build it.") from None
