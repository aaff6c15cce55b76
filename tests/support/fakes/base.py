"""What the three fakes share: recording, scripts and the faults of a network."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.inference.providers.demo.http import HttpExchange, HttpServer

KEY = "test-key-of-the-fakes"


@dataclass(frozen=True)
class Recorded:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Said:
    """What a fake model says, in no dialect."""

    text: tuple[str, ...] = ("Hel", "lo, ", "wörld 🌍")
    reasoning: tuple[str, ...] = ()
    signature: str | None = None
    redacted: str | None = None
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    finish: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


Action = Callable[["Fake", HttpExchange, Any], Awaitable[None]]


class Fake(HttpServer):
    """A vendor's server; `will(…)` scripts the next answers, the default one is a greeting."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.requests: list[Recorded] = []
        self.script: deque[Action] = deque()

    # What a vendor's fake defines.
    def authorised(self, headers: Any) -> bool:
        raise NotImplementedError

    def error(self, status: int, message: str, **extra: Any) -> dict[str, Any]:
        raise NotImplementedError

    def whole(self, said: Said, body: Any) -> dict[str, Any]:
        raise NotImplementedError

    def frames(self, said: Said, body: Any) -> list[bytes]:
        """A whole stream; the last frame is the closing one."""
        raise NotImplementedError

    def in_band(self) -> bytes:
        raise NotImplementedError

    def streams(self, recorded: Recorded) -> bool:
        return bool(recorded.body.get("stream"))

    def models(self) -> dict[str, Any]:
        raise NotImplementedError

    def other(self, recorded: Recorded) -> "Action | None":
        """What is answered to a request that is not for a model's words."""
        return None

    # What tests use.
    def will(self, *actions: Action) -> None:
        self.script.extend(actions)

    @property
    def last(self) -> Recorded:
        return self.requests[-1]

    async def _answer(self, exchange: HttpExchange) -> None:
        request = exchange.request
        is_json = request.headers.get("content-type", "").startswith("application/json")
        body = orjson.loads(request.body) if request.body and is_json else request.body or None
        recorded = Recorded(
            request.method, request.path, dict(request.query), dict(request.headers), body
        )
        self.requests.append(recorded)
        if self.script:
            await self.script.popleft()(self, exchange, body)
        elif not self.authorised(request.headers):
            await status(401)(self, exchange, body)
        elif (other := self.other(recorded)) is not None:
            await other(self, exchange, body)
        elif request.method == "GET":
            await exchange.send(200, orjson.dumps(self.models()))
        else:
            await say(Said())(self, exchange, body)


def say(said: Said) -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        if fake.streams(fake.last):
            await send_frames(exchange, fake.frames(said, body))
        else:
            await exchange.send(200, orjson.dumps(fake.whole(said, body)))

    return action


def status(
    code: int, message: str = "The fake says no.", *, headers: Any = None, **extra: Any
) -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        document = fake.error(code, message, **extra)
        await exchange.send(code, orjson.dumps(document), headers=headers)

    return action


def body_of(payload: bytes, content_type: str = "application/json", code: int = 200) -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        await exchange.send(code, payload, content_type)

    return action


def raw_stream(*chunks: bytes, pause: float = 0.0, end: bool = True) -> Action:
    """Chunks exactly as given; without `end` the connection is broken off after them."""

    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        await send_frames(exchange, chunks, pause=pause, end=end)

    return action


def cut_in_character() -> Action:
    """Split the stream inside the four bytes of an emoji, with a pause between the halves."""

    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        stream = b"".join(fake.frames(Said(), body))
        at = stream.index("🌍".encode()) + 2
        await send_frames(exchange, [stream[:at], stream[at:]], pause=0.05)

    return action


def drop_after(frames: int) -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        kept = fake.frames(Said(), body)[:frames]
        await send_frames(exchange, kept, pause=0.03, end=False)

    return action


def drop_before_head() -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        exchange.abort()

    return action


def end_early() -> Action:
    """Close cleanly, but leave out the closing frame."""

    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        await send_frames(exchange, fake.frames(Said(), body)[:-1])

    return action


def garbage_after(frames: int) -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        kept = fake.frames(Said(), body)[:frames]
        await send_frames(exchange, [*kept, b'data: {"half": \n\n'], pause=0.03)

    return action


def error_after(frames: int) -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        kept = fake.frames(Said(), body)[:frames]
        await send_frames(exchange, [*kept, fake.in_band()], pause=0.03)

    return action


def silence(after: int | None = 0) -> Action:
    """Say nothing any more after so many frames; None: not even a head."""

    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        if after is not None:
            await exchange.start()
            for frame in fake.frames(Said(), body)[:after]:
                await exchange.write(frame)
        await exchange.until_gone()

    return action


def comments(count: int, pause: float) -> Action:
    """Keep the connection alive without a word."""
    return raw_stream(*[b": still here\n\n"] * count, pause=pause)


async def send_frames(
    exchange: HttpExchange, frames: Any, *, pause: float = 0.0, end: bool = True
) -> None:
    await exchange.start()
    for frame in frames:
        await exchange.write(frame)
        if pause:
            await asyncio.sleep(pause)
    if end:
        await exchange.end()
    else:
        exchange.abort()


def event(document: Any, name: str | None = None) -> bytes:
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + orjson.dumps(document) + b"\n\n"
