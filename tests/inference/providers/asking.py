"""Short ways to ask a provider."""

from contextlib import aclosing
from typing import Any

from app.inference.providers.collect import Collector
from app.inference.providers.types import (
    ChatRequest,
    ChatResult,
    Message,
    Provider,
    StreamEvent,
    TextDelta,
    TextPart,
    ToolSpec,
)

WEATHER = ToolSpec(
    "get_weather",
    "The weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def assistant(text: str) -> Message:
    return Message("assistant", (TextPart(text),))


def ask(model: str = "model-1", *messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(model, messages or (user("Hello"),), **fields)


async def events_of(provider: Provider, request: ChatRequest) -> list[StreamEvent]:
    return [event async for event in provider.stream(request)]


async def streamed(provider: Provider, request: ChatRequest) -> ChatResult:
    collected = Collector(provider.dialect)
    async with aclosing(provider.stream(request)) as stream:
        async for event in stream:
            collected.add(event)
    return collected.result()


async def text_until_error(provider: Provider, request: ChatRequest) -> tuple[str, Exception]:
    """Read a stream that is to fail: the text that came, and the error."""
    text = ""
    try:
        async for event in provider.stream(request):
            text += event.text if isinstance(event, TextDelta) else ""
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return text, error
    raise AssertionError("the stream did not fail")
