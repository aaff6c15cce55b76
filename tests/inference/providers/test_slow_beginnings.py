"""A provider that says much before it answers costs what it says, and not the square of it."""

import asyncio
import time

from app.inference.dialects.openai_responses.frames import ResponseFrames
from app.inference.providers.events import HttpEvents
from app.inference.providers.registry import KINDS
from app.inference.providers.transport.exchange import Exchange, Headers

COUNT = b'data: {"type":"message_delta","delta":{},"usage":{"output_tokens":1}}\n\n'
WORD = (
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n'
)


class Quiet:
    """A connection on which nothing else happens."""

    def expect(self, seconds: float) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


async def test_counts_ahead_of_the_first_word_are_looked_at_once():
    exchange = Exchange(Quiet(), "Test", 30, 10**9)
    exchange.begin(200, Headers({}))
    decoder = KINDS["anthropic"].codec("http://127.0.0.1/v1").decoder()
    events = HttpEvents(exchange, decoder, "Test", "")
    beginning = asyncio.create_task(events.begin())
    began = time.process_time()
    for _ in range(20_000):
        exchange.take(COUNT)
        for _ in range(3):
            await asyncio.sleep(0)
    assert not beginning.done()
    exchange.take(WORD)
    await beginning
    assert len(await events.read()) > 20_000
    assert time.process_time() - began < 5


def test_what_is_kept_back_until_there_is_an_answer_is_not_copied_each_time():
    frames, began = ResponseFrames(), time.process_time()
    assert frames.feed(b": %b\n\n" % (b"x" * 3 * 1024 * 1024)) == b""
    for _ in range(30_000):
        assert frames.feed(b": x\n\n") == b""
    block = frames.feed(b'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n')
    assert len(block) > 3 * 1024 * 1024 + 30_000 * 5
    assert time.process_time() - began < 5
