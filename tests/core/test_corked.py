"""What is held back of what connections are told, and when it leaves."""

import asyncio

import pytest

from app.core.corked import MOST_HELD, Cork, Corked
from app.inference.providers.errors import ProviderUnreachable
from app.inference.providers.transport.connection import Connection
from app.inference.providers.transport.exchange import Exchange


class Seen(asyncio.Transport):
    """A transport that notes what it is told."""

    def __init__(self, told, name="one"):
        super().__init__()
        self.told = told
        self.name = name
        self.closing = False

    def write(self, data):
        self.told.append((self.name, data))

    def close(self):
        self.closing = True
        self.told.append((self.name, "close"))

    def abort(self):
        self.closing = True
        self.told.append((self.name, "abort"))

    def is_closing(self):
        return self.closing

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.told.append((self.name, "eof"))

    def get_write_buffer_size(self):
        return 5


async def turn():
    """Until what was called soon has been called."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_what_one_turn_says_leaves_at_its_end_one_send_a_connection():
    told, cork = [], Cork()
    one, other = Corked(Seen(told), cork), Corked(Seen(told, "other"), cork)
    one.write(b"a")
    other.write(b"b")
    one.write(b"c")
    one.writelines([b"d", b"e"])
    assert told == []
    await turn()
    assert told == [("one", b"acde"), ("other", b"b")]
    other.write(b"f")
    await turn()
    assert told[2:] == [("other", b"f")]


@pytest.mark.parametrize(("end", "said"), [("close", "close"), ("write_eof", "eof")])
async def test_what_is_held_leaves_before_the_connection_ends(end, said):
    told = []
    corked = Corked(Seen(told), Cork())
    corked.write(b"a")
    getattr(corked, end)()
    await turn()
    assert told == [("one", b"a"), ("one", said)]


async def test_what_is_held_goes_with_a_connection_that_is_broken_off():
    told = []
    corked = Corked(Seen(told), Cork())
    corked.write(b"a")
    corked.abort()
    await turn()
    assert told == [("one", "abort")]
    assert corked.held == b""


async def test_nothing_is_written_to_a_connection_that_was_lost_meanwhile():
    told, cork = [], Cork()
    lost, kept = Seen(told, "lost"), Seen(told, "kept")
    for each in (lost, kept):
        Corked(each, cork).write(b"a")
    lost.closing = True
    await turn()
    assert told == [("kept", b"a")]


async def test_one_that_cannot_send_takes_nothing_from_the_others():
    class Broken(Seen):
        def write(self, data):
            raise RuntimeError("the handler is closed")

    told, cork = [], Cork()
    for transport in (Broken(told, "broken"), Seen(told, "kept")):
        Corked(transport, cork).write(b"a")
    await turn()
    assert told == [("broken", "abort"), ("kept", b"a")]


async def test_much_leaves_at_once_so_that_the_transport_can_say_it_is_full():
    told = []
    corked = Corked(Seen(told), Cork())
    corked.write(b"a" * MOST_HELD)
    assert told == []
    assert corked.get_write_buffer_size() == MOST_HELD + 5
    corked.write(b"b")
    assert told == [("one", b"a" * MOST_HELD + b"b")]
    assert corked.get_write_buffer_size() == 5
    await turn()
    assert len(told) == 1


async def test_nothing_is_no_send():
    told = []
    corked = Corked(Seen(told), Cork())
    corked.write(b"")
    await turn()
    assert told == []


def asking(told):
    """A connection to a provider, and the answer to the request that it was just given."""
    connection = Connection(lambda _: None, lambda _: None, Cork())
    connection.connection_made(Seen(told))
    exchange = Exchange(connection, "The provider", 5.0, 1000)
    connection.ask(exchange, b"GET / HTTP/1.1\r\n\r\n")
    return connection, exchange


async def test_what_comes_before_the_request_has_left_is_no_answer_to_it():
    told = []
    connection, exchange = asking(told)
    connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno")
    with pytest.raises(ProviderUnreachable):
        exchange.expect_head()
    # It may be asked again elsewhere.
    assert not connection.answered
    await turn()
    assert told == [("one", "abort")]


async def test_what_comes_after_it_is():
    told = []
    connection, exchange = asking(told)
    await turn()
    connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    assert told[0] == ("one", b"GET / HTTP/1.1\r\n\r\n")
    assert (exchange.status, exchange.whole()) == (200, b"ok")
