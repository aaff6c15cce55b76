"""Anthropic's Messages, as its clients speak it."""

from app.inference.dialects.anthropic_messages.dialect import (
    AnthropicMessages as AnthropicMessages,
)
