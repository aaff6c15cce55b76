"""OpenAI's Responses, as its clients speak them."""

from app.inference.dialects.openai_responses.dialect import OpenAIResponses as OpenAIResponses
