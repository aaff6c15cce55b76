"""OpenAI's Chat Completions, and every server that is compatible with it."""

from app.inference.providers.openai_chat.codec import (
    MISTRAL_LACKS,
    OPENAI_LACKS,
    TAKES,
    Flavour,
    OpenAIChatCodec,
)

__all__ = ["MISTRAL_LACKS", "OPENAI_LACKS", "TAKES", "Flavour", "OpenAIChatCodec"]
