"""OpenAI's Chat Completions, as its clients speak it."""

from app.inference.dialects.openai_chat.dialect import OpenAIChat as OpenAIChat
