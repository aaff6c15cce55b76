"""Google's Gemini: generateContent."""

from app.inference.providers.gemini.codec import GeminiCodec

__all__ = ["GeminiCodec"]
