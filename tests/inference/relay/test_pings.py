"""A stream whose model thinks for long: comments keep it alive, and never stand inside a frame."""

import asyncio

from app.inference.relay.reply import PING, Reply
from tests.support.runs import until


class Sent:
    def __init__(self):
        self.messages = []

    async def __call__(self, message):
        self.messages.append(message)

    @property
    def bodies(self):
        return [m["body"] for m in self.messages if m["type"] == "http.response.body"]


async def test_the_first_ping_sends_the_head_and_later_ones_follow():
    sent = Sent()
    reply = Reply(sent, 5, ping_seconds=0.05)
    reply.headers.append((b"x-luminous-call-id", b"1"))
    reply.keep_alive()
    reply.watched()
    await until(lambda: len(sent.bodies) >= 2)
    assert reply.begun
    assert sent.messages[0]["type"] == "http.response.start"
    assert (b"x-luminous-call-id", b"1") in sent.messages[0]["headers"]
    pings = list(sent.bodies)
    assert set(pings) == {PING}
    await reply.stream(b"data: 1\n\n", more=False)
    await asyncio.sleep(0.13)
    assert sent.bodies == [*pings, b"data: 1\n\n"]
    reply.close()


async def test_a_stream_that_says_something_is_not_pinged():
    sent = Sent()
    reply = Reply(sent, 5, ping_seconds=1)
    reply.keep_alive()
    reply.watched()
    for _ in range(12):
        await asyncio.sleep(0.1)
        await reply.stream(b"data: 1\n\n")
    assert PING not in sent.bodies
    reply.close()


async def test_nothing_is_sent_before_its_time():
    sent = Sent()
    reply = Reply(sent, 5, ping_seconds=1)
    reply.keep_alive()
    reply.watched()
    await asyncio.sleep(0.1)
    assert not reply.begun
    reply.close()
    await asyncio.sleep(1)
    assert sent.messages == []
