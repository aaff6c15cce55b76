"""What a fake vendor is told to say, and what it must be able to."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, Self

from app.inference.providers.types import FinishReason, Usage

KEY = "contract-key-0123456789"
USAGE: Final = Usage(120, 50, cached_input_tokens=20, reasoning_tokens=10)

# What not every vendor has; the tests of it are skipped for one that lacks it.
Feature = Literal[
    "tools", "parallel_tools", "structured_output", "reasoning", "usage", "paging", "errors_inside"
]
# What follows the pieces of text: the closing marker, a broken connection, a clean end without the
# marker, bytes of no dialect, an error in the vendor's words, or nothing at all.
Then = Literal["close", "cut", "end", "garbage", "error", "silence"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a model says, in no dialect. `calls` are id, name and arguments."""

    text: tuple[str, ...] = ("alpha ", "beta ", "gamma 🌍")
    reasoning: tuple[str, ...] = ()
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    finish: FinishReason = "stop"
    usage: Usage = USAGE


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that begins well; after so many `pieces` of its text comes `then`.

    `pieces` 0 is before the first token, None after the last. `split` cuts the bytes inside the
    last character and pauses there.
    """

    said: Said = Said()
    pieces: int | None = None
    then: Then = "close"
    split: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    message: str = "The vendor says no."
    retry_after: int | None = None


class Upstream(AbstractAsyncContextManager["Upstream"], Protocol):
    """A fake of the vendor on a socket of this machine, serving while entered.

    `HttpUpstream` is one for vendors over HTTP that stream server-sent events. Without a script it
    gives an `Answer()`, lists `models`, and refuses every key but KEY as the vendor does.
    """

    @property
    def base_url(self) -> str: ...

    @property
    def bodies(self) -> Sequence[bytes]:
        """The requests to the model so far, as they came."""
        ...

    @property
    def busy(self) -> int:
        """How many requests are being answered, with a client that has not hung up."""
        ...

    models: list[list[str]]
    """What it lists, page by page."""

    def will(self, *answers: Answer | Refusal) -> None:
        """Script the next requests, those for its models included."""
        ...

    async def __aenter__(self) -> Self: ...
