"""Anthropic's Messages."""

from app.inference.providers.anthropic_messages.codec import AnthropicCodec

__all__ = ["AnthropicCodec"]
