"""A fast, paced, fake upstream in a process of its own: `python upstream.py PORT`.

It speaks OpenAI's Chat Completions, and Anthropic's Messages at `/v1/messages`.

`model` says how it answers, as a query: `bench?chunks=50&delay_ms=0&words=20`. Without `stream` it
gives one completion of so many words; with it, so many chunks, each `delay_ms` after the one
before, or all in one burst where that is 0. Each chunk's text is its number, so that a reader can
tell a lost one. It does no more work than that, so that what is measured is what stands before it.
"""

import asyncio
import re
import sys
from functools import lru_cache
from urllib.parse import parse_qsl

import httptools
import orjson

MODEL = re.compile(rb'"model"\s*:\s*"([^"]*)"')
STREAM = re.compile(rb'"stream"\s*:\s*true')
USAGE = re.compile(rb'"include_usage"\s*:\s*true')
DEFAULTS = {"chunks": 50, "delay_ms": 0, "words": 20}
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
CREATED = 1767225600


def options_of(model: str) -> dict[str, int]:
    given = {name: int(value) for name, value in parse_qsl(model.partition("?")[2])}
    return DEFAULTS | given


@lru_cache
def completion(model: str) -> bytes:
    words = options_of(model)["words"]
    message = {"role": "assistant", "content": "word " * words}
    document = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage(words),
    }
    body = orjson.dumps(document)
    return JSON_HEAD % (len(body), body)


def usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens}


@lru_cache
def frames(model: str, with_usage: bool) -> tuple[bytes, ...]:
    """The stream's frames, each as one HTTP chunk."""
    chunks = options_of(model)["chunks"]
    found = [event(model, {"role": "assistant", "content": ""})]
    found += [event(model, {"content": f"{number} "}) for number in range(chunks)]
    closing = event(model, {}, "stop")
    if with_usage:
        closing += event(model, None, usage=usage(chunks))
    found.append(closing + b"data: [DONE]\n\n")
    return tuple(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in found)


def event(model: str, delta: dict | None, finish: str | None = None, **fields: object) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    document = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "choices": choices,
        **fields,
    }
    return b"data: " + orjson.dumps(document) + b"\n\n"


@lru_cache
def anthropic_frames(model: str) -> tuple[bytes, ...]:
    """The same stream in Anthropic's words."""
    chunks = options_of(model)["chunks"]
    message = {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 1},
    }
    empty = {"type": "text", "text": ""}
    found = [
        anthropic_event("message_start", message=message)
        + anthropic_event("content_block_start", index=0, content_block=empty)
    ]
    for number in range(chunks):
        delta = {"type": "text_delta", "text": f"{number} "}
        found.append(anthropic_event("content_block_delta", index=0, delta=delta))
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    used = {"output_tokens": chunks}
    found.append(
        anthropic_event("content_block_stop", index=0)
        + anthropic_event("message_delta", delta=ending, usage=used)
        + anthropic_event("message_stop")
    )
    return tuple(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in found)


def anthropic_event(kind: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))


def models() -> bytes:
    row = {"id": "bench", "object": "model", "created": CREATED, "owned_by": "bench"}
    body = orjson.dumps({"object": "list", "data": [row], "has_more": False})
    return JSON_HEAD % (len(body), body)


class Upstream(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._body = b""
        self._url = b""
        self._pacing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        self._transport = None
        if self._pacing:
            self._pacing.cancel()

    def data_received(self, received: bytes) -> None:
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._body, self._url = b"", b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._transport is None:
            return
        if self._url.partition(b"?")[0].endswith(b"/models"):
            self._transport.write(models())
            return
        model = MODEL.search(self._body).group(1).decode()
        if not STREAM.search(self._body):
            self._transport.write(completion(model))
            return
        if self._url.endswith(b"/messages"):
            found = anthropic_frames(model)
        else:
            found = frames(model, bool(USAGE.search(self._body)))
        delay = options_of(model)["delay_ms"] / 1000
        if delay:
            self._pacing = asyncio.get_running_loop().create_task(self._pace(found, delay))
        else:
            self._transport.write(STREAM_HEAD + b"".join(found) + b"0\r\n\r\n")

    async def _pace(self, found: tuple[bytes, ...], delay: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        self._transport.write(STREAM_HEAD + found[0])
        for frame in found[1:]:
            # A moment that is due, not a pause, so that a late chunk does not delay the next.
            due += delay
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._transport.write(frame)
        self._transport.write(b"0\r\n\r\n")


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", port, backlog=2048)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1])))
