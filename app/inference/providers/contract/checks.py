"""How a contract is asked for, and what is wrong where it is broken."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from app.inference.providers.errors import ProviderError
from app.inference.providers.types import (
    ChatRequest,
    Finished,
    Message,
    Provider,
    StreamEvent,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)

E = TypeVar("E", bound=ProviderError)


class ContractBroken(AssertionError):
    """The message says which promise was not kept."""


def expect(kept: bool, said: str) -> None:
    if not kept:
        raise ContractBroken(said)


def same(found: Any, wanted: Any, what: str) -> None:
    expect(found == wanted, f"{what} should be {wanted!r}, not {found!r}.")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Seconds to wait for the provider; None takes the settings'."""

    connect: float | None = None
    first_token: float | None = None
    between_tokens: float | None = None


def user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def ask(**fields: Any) -> ChatRequest:
    return ChatRequest("model-a", fields.pop("messages", (user("Hello"),)), **fields)


async def events_of(provider: Provider, request: ChatRequest) -> list[StreamEvent]:
    async with aclosing(provider.stream(request)) as stream:
        events = [event async for event in stream]
    expect_well_formed(events)
    return events


def both_ways(provider: Provider, request: ChatRequest) -> Iterator[Coroutine[Any, Any, Any]]:
    """The whole answer and the streamed one, each asked for when its turn comes."""
    yield provider.complete(request)
    yield events_of(provider, request)


async def until_error(
    provider: Provider, request: ChatRequest, waits: Waiting | None = None
) -> tuple[str, ProviderError]:
    """Read a stream that is to fail: the text that came, and the error."""
    text = ""
    try:
        async with aclosing(provider.stream(request, waits or Waiting())) as stream:
            async for event in stream:
                text += event.text if isinstance(event, TextDelta) else ""
    except ProviderError as error:
        return text, error
    raise ContractBroken("The stream ended well, and should have failed.")


async def error_of(kinds: tuple[type[E], ...], call: Awaitable[Any]) -> E:
    """The error that a call is to fail with; kinds are those that will do."""
    try:
        await call
    except kinds as error:
        return error
    except Exception as error:
        names = " or ".join(kind.__name__ for kind in kinds)
        said = f"The call should raise {names}, not {type(error).__name__}: {error}"
        raise ContractBroken(said) from error
    raise ContractBroken("The call went well, and should have failed.")


def expect_well_formed(events: list[StreamEvent]) -> None:
    """One `Finished`, the last; calls numbered from 0 with ids of their own, begun before told."""
    ends = [i for i, event in enumerate(events) if isinstance(event, Finished)]
    same(ends, [len(events) - 1], "The places of Finished")
    begun: list[ToolCallStart] = []
    for event in events:
        match event:
            case ToolCallStart():
                same(event.index, len(begun), "A new call's index")
                begun.append(event)
            case ToolCallDelta():
                expect(event.index in range(len(begun)), "Arguments came for a call not begun.")
            case UsageReport():
                counts = (event.usage.input_tokens, event.usage.output_tokens)
                expect(min(counts) >= 0, "A count of tokens is below zero.")
    ids = {call.id for call in begun}
    expect("" not in ids and len(ids) == len(begun), "Every call needs an id of its own.")


async def soon(condition: Callable[[], bool], what: str, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - the other side has no event
                await asyncio.sleep(0.002)
    expect(condition(), f"{what} within {seconds} seconds.")


@asynccontextmanager
async def running(call: Awaitable[Any]) -> AsyncIterator["asyncio.Future[Any]"]:
    """A call under way, cancelled at the end."""
    task = asyncio.ensure_future(call)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ProviderError):
            await task
