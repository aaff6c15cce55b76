"""OpenAI's Chat Completions, and every server that is compatible with it."""

from app.inference.providers.openai_chat.codec import Flavour, OpenAIChatCodec

__all__ = ["Flavour", "OpenAIChatCodec"]
