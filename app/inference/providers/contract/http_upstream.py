"""A scripted vendor over HTTP: the author adds its words, this the server and its faults."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.inference.providers.contract.script import Answer, Refusal, Said
from app.inference.providers.demo.http import HttpExchange, HttpServer

# Between what must arrive and what tears it away: a broken socket takes its buffer with it.
PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the vendor receives it; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return orjson.loads(self.body)


class HttpUpstream(HttpServer):
    """Subclass it with the vendor's words; everything below `base_path` is served alike."""

    base_path = ""
    garbage = b'data: {"half": \n\n'

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.models: list[list[str]] = [["model-a", "model-b"]]
        self._asked: list[Asked] = []
        self._script: deque[Answer | Refusal] = deque()

    # The vendor's words.
    def authorised(self, asked: Asked) -> bool:
        """Whether KEY stands where the vendor wants it."""
        raise NotImplementedError

    def streams(self, asked: Asked) -> bool:
        raise NotImplementedError

    def whole(self, said: Said, asked: Asked) -> bytes:
        raise NotImplementedError

    def frames(self, said: Said, asked: Asked) -> list[bytes]:
        """A whole stream, each piece of text in a frame of its own; the last frame closes it."""
        raise NotImplementedError

    def refusal(self, status: int, message: str) -> bytes:
        raise NotImplementedError

    def error_frame(self, message: str) -> bytes:
        """An error inside a stream, for a vendor that does not lack `errors_inside`."""
        raise NotImplementedError

    def page(self, names: list[str], following: str | None) -> bytes:
        """A page of models, and what the next one is asked with."""
        raise NotImplementedError

    def cursor(self, asked: Asked) -> str | None:  # noqa: ARG002 - a vendor may have one page
        """Which page is asked for; None is the first."""
        return None

    # What the contract uses.
    @property
    def base_url(self) -> str:
        return self.url + self.base_path

    @property
    def bodies(self) -> list[bytes]:
        return [asked.body for asked in self._asked if asked.method == "POST"]

    @property
    def busy(self) -> int:
        return self.in_flight

    def will(self, *answers: Answer | Refusal) -> None:
        self._script.extend(answers)

    async def _answer(self, exchange: HttpExchange) -> None:
        request = exchange.request
        asked = Asked(request.method, request.path, request.query, request.headers, request.body)
        self._asked.append(asked)
        scripted = self._script.popleft() if self._script else None
        if isinstance(scripted, Refusal):
            await self._refuse(exchange, scripted)
        elif not self.authorised(asked):
            await self._refuse(exchange, Refusal(401, "The key is wrong."))
        elif asked.method == "GET":
            await self._list(exchange, asked)
        elif self.streams(asked):
            await self._stream(exchange, scripted or Answer(), asked)
        else:
            await self._whole(exchange, scripted or Answer(), asked)

    async def _refuse(self, exchange: HttpExchange, refusal: Refusal) -> None:
        wait = refusal.retry_after
        headers = {} if wait is None else {"retry-after": str(wait)}
        body = self.refusal(refusal.status, refusal.message)
        await exchange.send(refusal.status, body, headers=headers)

    async def _list(self, exchange: HttpExchange, asked: Asked) -> None:
        cursor = self.cursor(asked)
        names = [name for page in self.models for name in page]
        # A cursor is the last name of the page before.
        number = next((i + 1 for i, page in enumerate(self.models) if page[-1] == cursor), 0)
        page = self.models[number] if number < len(self.models) else []
        more = bool(page) and page[-1] != names[-1]
        await exchange.send(200, self.page(page, page[-1] if more else None))

    async def _whole(self, exchange: HttpExchange, answer: Answer, asked: Asked) -> None:
        payload = self.whole(answer.said, asked)
        match answer.then:
            case "silence":
                await exchange.until_gone()
            case "cut":
                length = {"content-length": str(len(payload))}
                await exchange.send(200, payload[: len(payload) // 2], headers=length)
                exchange.abort()
            case "garbage" | "end":
                await exchange.send(200, payload[: len(payload) // 2])
            case _:
                await exchange.send(200, payload)

    async def _stream(self, exchange: HttpExchange, answer: Answer, asked: Asked) -> None:
        frames = self.frames(answer.said, asked)
        await exchange.start()
        if answer.split:
            stream = b"".join(frames)
            at = stream.index(answer.said.text[-1][-1].encode()) + 2
            await exchange.write(stream[:at])
            await asyncio.sleep(PAUSE_SECONDS)
            frames = [stream[at:]]
        for frame in frames if answer.then == "close" else self._kept(frames, answer):
            await exchange.write(frame)
        await self._then(exchange, answer)

    def _kept(self, frames: list[bytes], answer: Answer) -> list[bytes]:
        """The frames before the piece that is not said any more."""
        text = answer.said.text
        if answer.pieces is None or answer.pieces >= len(text):
            return frames[:-1]
        mark = text[answer.pieces].strip().encode()
        return frames[: next(i for i, frame in enumerate(frames) if mark in frame)]

    async def _then(self, exchange: HttpExchange, answer: Answer) -> None:
        if answer.then == "silence":
            await exchange.until_gone()
            return
        if answer.then == "garbage":
            await exchange.write(self.garbage)
        if answer.then == "error":
            await exchange.write(self.error_frame("The vendor fails inside its answer."))
        if answer.then == "cut":
            await asyncio.sleep(PAUSE_SECONDS)
            exchange.abort()
        else:
            await exchange.end()
