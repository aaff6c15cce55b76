"""OpenAI's Chat Completions, and every server that is compatible with it."""

from app.inference.providers.openai_chat.codec import (
    GROQ_LACKS,
    MISTRAL_LACKS,
    OPENAI_LACKS,
    TAKES,
    Flavour,
    OpenAIChatCodec,
)

__all__ = [
    "GROQ_LACKS",
    "MISTRAL_LACKS",
    "OPENAI_LACKS",
    "TAKES",
    "Flavour",
    "OpenAIChatCodec",
]
