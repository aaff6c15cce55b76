"""Three vendors whose answers fail by a random script, and who know what they have billed."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from app.inference.providers.demo.http import HttpExchange
from tests.inference.chaos import faults
from tests.inference.chaos.tasks import Asked, read_asked, tokens_of
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import Fake, Said
from tests.support.fakes.gemini import FakeGemini
from tests.support.fakes.openai import FakeOpenAI


@dataclass
class Served:
    """One request as its provider saw it: `finished` once the whole answer has left it.

    Times are of `time.monotonic()`; `gone_at` is when the other side hung up.
    """

    asked: Asked
    fault: str
    began: float
    cached_tokens: int
    written: int = 0
    finished: bool = False
    ended: float | None = None
    gone_at: float | None = None

    @property
    def output_tokens(self) -> int:
        return tokens_of("".join(self.asked.rest))


@dataclass
class Script:
    """How a provider fails: faults by their weight, the same ones for the same `seed`.

    `dark` are spans of seconds since the provider began, in which nothing succeeds.
    """

    seed: int = 1
    weights: Mapping[str, float] = field(default_factory=lambda: faults.USUAL)
    dark: tuple[tuple[float, float], ...] = ()

    def fault(self, rng: Random, age: float) -> str:
        weights = self.weights
        if any(start <= age < end for start, end in self.dark):
            weights = faults.DARK
        return rng.choices(list(weights), list(weights.values()))[0]


async def unwatched() -> None:
    """Nobody looks."""


class Scripted(Fake):
    """A vendor's fake that counts as it is asked to, unless its script has it fail.

    Before it acts it waits for `asked`.
    """

    def __init__(self, script: Script | None = None) -> None:
        super().__init__()
        self.play = script or Script()
        self.served: list[Served] = []
        self.wrong: list[str] = []
        self.asked: Callable[[], Awaitable[None]] = unwatched
        self._asked: Counter[str] = Counter()
        self._began = time.monotonic()

    def begin(self) -> None:
        """Let the script's clock start now."""
        self._began = time.monotonic()

    def usage(self, served: Served) -> dict[str, Any]:
        """The vendor's words for what this answer is billed at."""
        raise NotImplementedError

    def wants_stream(self, path: str, body: dict[str, Any]) -> bool:
        return bool(body.get("stream"))

    def said(self, served: Served) -> Said:
        return Said(text=served.asked.rest, usage=self.usage(served))

    async def _answer(self, exchange: HttpExchange) -> None:
        request = exchange.request
        if request.method == "GET":
            await exchange.send(200, orjson.dumps(self.models()))
            return
        body = orjson.loads(request.body)
        body.setdefault("model", "m")
        asked = read_asked(body)
        if not asked.continues_rightly:
            self.wrong.append(f"asked to continue {asked.task.name} after {asked.said[-80:]!r}")
        name = asked.task.name
        self._asked[name] += 1
        rng = Random(f"{self.play.seed}:{self.kind}:{name}:{self._asked[name]}")  # noqa: S311
        now = time.monotonic()
        fault = self.play.fault(rng, now - self._began)
        served = Served(asked, fault, now, rng.randrange(asked.input_tokens + 1))
        self.served.append(served)
        try:
            await self.asked()
            if self.wants_stream(request.path, body):
                await self._stream(exchange, served, rng, body)
            else:
                act = faults.WHOLE.get(fault, faults.WHOLE["well"])
                await act(self, exchange, served, rng, body)
        finally:
            served.ended = time.monotonic()

    async def _stream(
        self, exchange: HttpExchange, served: Served, rng: Random, body: dict[str, Any]
    ) -> None:
        """Act, and note when the other side hangs up; a provider stops writing then."""
        act = asyncio.ensure_future(
            faults.STREAMED[served.fault](self, exchange, served, rng, body)
        )
        with hanging_up(exchange) as left:
            gone = asyncio.ensure_future(left.wait())
            try:
                await asyncio.wait([act, gone], return_when=asyncio.FIRST_COMPLETED)
                if not act.done() or act.exception() is not None:
                    served.gone_at = served.gone_at or time.monotonic()
                    exchange.abort()
            finally:
                for task in (act, gone):
                    task.cancel()
                await asyncio.gather(act, gone, return_exceptions=True)


@contextmanager
def hanging_up(exchange: HttpExchange) -> Iterator[asyncio.Event]:
    """An event that is set when the other side ends the connection; nothing is read for it."""
    reader, left = exchange._reader, asyncio.Event()
    feed_eof, set_exception = reader.feed_eof, reader.set_exception

    def ended() -> None:
        left.set()
        feed_eof()

    def broken(error: Exception) -> None:
        left.set()
        set_exception(error)

    reader.feed_eof, reader.set_exception = ended, broken
    try:
        if exchange.gone:
            left.set()
        yield left
    finally:
        reader.feed_eof, reader.set_exception = feed_eof, set_exception


class ScriptedOpenAI(Scripted, FakeOpenAI):
    def usage(self, served: Served) -> dict[str, Any]:
        prompt, answer = served.asked.input_tokens, served.output_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
            "prompt_tokens_details": {"cached_tokens": served.cached_tokens},
        }


class ScriptedAnthropic(Scripted, FakeAnthropic):
    def usage(self, served: Served) -> dict[str, Any]:
        return {
            "input_tokens": served.asked.input_tokens - served.cached_tokens,
            "cache_read_input_tokens": served.cached_tokens,
            "output_tokens": served.output_tokens,
        }


class ScriptedGemini(Scripted, FakeGemini):
    def wants_stream(self, path: str, body: dict[str, Any]) -> bool:
        return path.endswith(":streamGenerateContent")

    def usage(self, served: Served) -> dict[str, Any]:
        prompt, answer = served.asked.input_tokens, served.output_tokens
        return {
            "promptTokenCount": prompt,
            "cachedContentTokenCount": served.cached_tokens,
            "candidatesTokenCount": answer,
            "totalTokenCount": prompt + answer,
        }


VENDORS: dict[str, type[Scripted]] = {
    "openai": ScriptedOpenAI,
    "anthropic": ScriptedAnthropic,
    "gemini": ScriptedGemini,
}
