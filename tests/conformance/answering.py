"""What the fakes answer with: a model's words with a vendor's peculiarities, or a fault."""

import asyncio
from typing import Any

import orjson

from app.inference.providers.demo.http import HttpExchange
from tests.conformance.case import Answer, Json, Wire, wire_of
from tests.conformance.paths import put
from tests.support.fakes.base import (
    Action,
    Fake,
    Said,
    body_of,
    drop_after,
    event,
    send_frames,
    silence,
    status,
)
from tests.support.fakes.openai_operations import embeddings

VECTOR = [0.5, -1.0]
PAUSE = 0.15


def action_of(says: Answer | Action) -> Action:
    if not isinstance(says, Answer):
        return says

    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        wire = wire_of(fake)
        if fake.streams(fake.last):
            await send_frames(exchange, patched(fake.frames(says.said, body), says, wire))
            return
        document = fake.whole(says.said, body)
        for path, value in says.patch.get(wire, {}).items():
            put(document, path, value)
        await exchange.send(200, orjson.dumps(document))

    return action


def patched(frames: list[bytes], says: Answer, wire: Wire) -> list[bytes]:
    """The frames of a stream with what the case puts into them."""
    for number, patch in says.streamed.get(wire, {}).items():
        head, data, rest = frames[number].partition(b"data: ")
        document, gap, more = rest.partition(b"\n\n")
        read = orjson.loads(document)
        for path, value in patch.items():
            put(read, path, value)
        frames[number] = head + data + orjson.dumps(read) + gap + more
    if wire in says.added:
        number, document = says.added[wire]
        frames.insert(number, event(document, document.get("type")))
    return frames


def overloaded() -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        code = 529 if fake.kind == "anthropic" else 503
        await status(code, "Overloaded")(fake, exchange, body)

    return action


TOO_LONG = {
    "openai": "This model's maximum context length is 128000 tokens.",
    "anthropic": "prompt is too long: 200001 tokens > 200000 maximum",
    "gemini": "The input token count (1048577) exceeds the maximum number of tokens allowed.",
}


def too_long() -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        labels: Json = {"code": "context_length_exceeded"} if fake.kind == "openai" else {}
        document = fake.error(400, TOO_LONG[fake.kind], **labels)
        await exchange.send(400, orjson.dumps(document))

    return action


def first_words(fake: Fake) -> int:
    """How many frames of a stream hold the first word, and not yet the last."""
    return {"chat": 2, "responses": 5, "anthropic": 3, "gemini": 1}[wire_of(fake)]


def breaking_off() -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        await drop_after(first_words(fake))(fake, exchange, body)

    return action


def falling_silent() -> Action:
    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        await silence(first_words(fake))(fake, exchange, body)

    return action


def thinking_long() -> Action:
    """A stream that pauses before its first word and before its second."""

    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        frames, first = fake.frames(Said(), body), first_words(fake)
        await asyncio.sleep(PAUSE)
        await exchange.start()
        for frame in frames[:first]:
            await exchange.write(frame)
        await asyncio.sleep(PAUSE)
        for frame in frames[first:]:
            await exchange.write(frame)
        await exchange.end()

    return action


def vectors() -> Action:
    """Embeddings of one text, in the vendor's words."""

    async def action(fake: Fake, exchange: HttpExchange, body: Any) -> None:
        if fake.kind == "openai":
            answer = embeddings(body)
        elif fake.last.path.endswith(":batchEmbedContents"):
            answer = body_of(orjson.dumps({"embeddings": [{"values": VECTOR}]}))
        else:
            answer = body_of(orjson.dumps({"embedding": {"values": VECTOR}}))
        await answer(fake, exchange, body)

    return action


def said(*text: str, **more: Any) -> Answer:
    return Answer(Said(text=text, **more))
