"""A crowd's questions are each answered once, whatever happens to the line they travel on."""

import asyncio
import os
import signal
import tempfile
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import orjson
import pytest
from cryptography import x509
from redis.exceptions import RedisError, ResponseError

from app.core.kernel import connect_valkey
from app.core.line import Line
from app.core.scripts import (
    MOST_AT_ONCE,
    BatchedScript,
    Question,
    ScriptFailed,
    Shared,
    alike,
    framed,
)
from app.core.tasks import stop_tasks
from tests.inference.providers.test_transport_tls import certificate, server_context
from tests.runs.test_valkey_restart import Server

SOURCE = """
local unfinished = false
local state = {n = 0}
local function decide(question, attached, shared, owns)
  if question == 'alike' then
    if not owns then return {'alone', attached} end
    return {{1, {'first', owns[1], attached[1]}}, {#owns - 1, {'rest', owns}}}
  end
  unfinished = unfinished or question == 'leave'
  if question == 'break' then error('broken') end
  if question == 'count' then return redis.call('INCR', 'counted') end
  if question == 'shared' then return {shared[2], shared[1], attached} end
  if question == 'anew' then return {anew} end
  if string.find(question, 'put') then
    for _ = 1, 2 do put(state, 'n', state.n + 1) end
    attempt(function() put(state, 'n', 100) error('within') end)
    return question == 'put' and state.n or error('broken')
  end
  return {question, attached}
end
local function finish()
  if unfinished then error('unfinished') end
end
"""


@pytest.fixture
async def server():
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = Server(Path(folder), durable=False)
        server.start()
        await listening(server)
        yield server
        server.kill()


async def listening(server):
    while not server.socket.exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@asynccontextmanager
async def script_at(url, seconds=2.0):
    client = connect_valkey(url)
    script = BatchedScript(client, SOURCE, timeout_seconds=seconds)
    try:
        yield script
    finally:
        async with asyncio.timeout(20):
            await client.aclose()


@pytest.fixture
async def script(server):
    async with script_at(f"unix://{server.socket}") as script:
        yield script


async def ask(script, question, *attached):
    return await script.ask(orjson.dumps(question), *attached)


async def on_a_line(script):
    """The script, once it has a line."""
    while script._line is None or script._line.lost:
        await ask(script, "open")
        await asyncio.sleep(0)
    return script._line


async def test_everyone_gets_their_own_answer_with_what_they_attached(script):
    pieces = [b"x" * n for n in range(40)]
    said = await asyncio.gather(*(ask(script, n, pieces[n], b"-") for n in range(40)))
    assert said == [[n, ["x" * n, "-"]] for n in range(40)]
    line = await on_a_line(script)
    said = await asyncio.gather(*(ask(script, n, pieces[n], b"-") for n in range(40)))
    assert said == [[n, ["x" * n, "-"]] for n in range(40)]
    assert script._line is line


async def test_one_broken_question_leaves_the_others_alone(script):
    await on_a_line(script)
    asked = (ask(script, each) for each in ("a", "break", "b"))
    one, broken, other = await asyncio.gather(*asked, return_exceptions=True)
    assert (one, other) == (["a", {}], ["b", {}])
    assert isinstance(broken, ScriptFailed)


async def test_what_a_broken_question_has_put_is_undone_and_nothing_else(script):
    asked = ("put", "put and break", "put", "put and break", "put")
    said = await asyncio.gather(*(ask(script, one) for one in asked), return_exceptions=True)
    assert (said[::2], *map(type, said[1::2])) == ([2, 4, 6], ScriptFailed, ScriptFailed)


async def test_what_questions_share_is_sent_once_and_told_to_each(script):
    one, other = Shared(b'"one"', b"a", b"bc"), Shared(b'{"n":2}', b"")
    batch = [Question(b'"shared"', (b"%d" % n,), shared=one) for n in range(3)]
    questions, attached = framed(alike(batch))
    assert questions.count(b"one") == attached.count(b"abc") == 1
    told = enumerate((one, other, one))
    asked = (script.ask(b'"shared"', b"%d" % n, shared=each) for n, each in told)
    assert await asyncio.gather(*asked, ask(script, "alone", b"-")) == [
        ["one", ["a", "bc"], ["0"]],
        [{"n": 2}, [""], ["1"]],
        ["one", ["a", "bc"], ["2"]],
        ["alone", ["-"]],
    ]


async def test_those_that_are_alike_are_asked_as_one_and_each_is_told_its_answer(script):
    await on_a_line(script)
    one, other = Shared(b"1", b"a"), Shared(b"2", b"b")
    asked = [
        script.ask(b'"alike"', b"%d" % n, shared=(one, other)[n % 2], own=b"%d" % n)
        for n in range(6)
    ]
    alone = script.ask(b'"alike"', b"-", shared=one)
    said = await asyncio.gather(*asked, alone)
    assert said[:6:2] == [["first", 0, "0"], ["rest", [0, 2, 4]], ["rest", [0, 2, 4]]]
    assert said[1:6:2] == [["first", 1, "1"], ["rest", [1, 3, 5]], ["rest", [1, 3, 5]]]
    assert said[6] == ["alone", ["-"]]


async def test_who_breaks_off_takes_those_that_are_alike_along_and_nobody_else(script):
    await on_a_line(script)
    asked = [script.ask(b'"break"', own=b"1"), ask(script, "a"), script.ask(b'"break"', own=b"2")]
    one, fine, other = await asyncio.gather(*asked, return_exceptions=True)
    assert fine == ["a", {}]
    assert type(one) is type(other) is ScriptFailed


async def test_only_what_may_have_been_decided_is_asked_anew(script):
    line = await on_a_line(script)
    assert await ask(script, "anew") == [False]
    asked = script.ask(b'"anew"')
    await asyncio.sleep(0)
    line._transport.abort()
    assert await asked == [True]


async def test_one_who_left_before_the_question_did_is_not_asked_about(script):
    await on_a_line(script)
    gone = script.ask(b'"count"')
    gone.cancel()
    assert await ask(script, "count") == 1


async def test_a_rider_travels_along_and_a_few_at_a_time_do(script):
    await on_a_line(script)
    told, batches, take = [], [], script._take

    def rider():
        return Question(b'"rider"', (b"along",), told.append) if not told else None

    def taken():
        batches.append(take())
        return batches[-1]

    script.riders.append(rider)
    script._take = taken
    await asyncio.gather(*(ask(script, n) for n in range(3 * MOST_AT_ONCE)))
    assert told == [["rider", ["along"]]]
    assert [len(batch) for batch in batches[:3]] == [MOST_AT_ONCE + 1, MOST_AT_ONCE, MOST_AT_ONCE]


async def test_riders_alone_travel_only_once_they_are_woken(script):
    await on_a_line(script)
    told, left = [], ["rides", "rides", "waits"]

    def rider():
        return Question(b'"%b"' % left.pop(0).encode(), (), told.append) if left else None

    script.riders.append(rider)
    await ask(script, "with the first")
    await ask(script, "with the second")
    assert told == [["rides", {}]] * 2
    await asyncio.sleep(0.02)
    assert left == ["waits"]
    # Whoever wakes it while Valkey is being asked is heard once that has answered.
    left.insert(0, "rides")
    asked = script.ask(b'"busy"')
    await asyncio.sleep(0)
    script.wake()
    await asked
    await asyncio.sleep(0.02)
    assert told == [["rides", {}]] * 3 + [["waits", {}]]


async def test_a_script_that_valkey_forgot_is_sent_again(script):
    line = await on_a_line(script)
    await script._valkey.script_flush()
    assert await ask(script, "again") == ["again", {}]
    assert script._line is line
    assert await ask(script, "count") == 1


async def test_an_error_of_valkeys_is_told_and_the_line_goes_on(script):
    line = await on_a_line(script)
    with pytest.raises(ResponseError, match="unfinished"):
        await ask(script, "leave")
    assert await ask(script, "count") == 1
    assert script._line is line


@pytest.mark.parametrize("busy", [False, True])
async def test_a_line_that_breaks_is_opened_again(script, busy):
    for _ in range(5):
        line = await on_a_line(script)
        asked = [asyncio.ensure_future(ask(script, n)) for n in range(20 * busy)]
        await asyncio.sleep(0)
        line._transport.abort()
        assert await ask(script, "after") == ["after", {}]
        assert await asyncio.gather(*asked) == [[n, {}] for n in range(20 * busy)]
    await on_a_line(script)
    # What was lost is free again: nothing but the line itself is held.
    assert len(script._valkey.connection_pool._in_use_connections) == 1


async def test_a_restart_of_valkey_is_survived(script, server):
    await on_a_line(script)
    server.kill()
    with pytest.raises((RedisError, OSError, TimeoutError)):
        await ask(script, "nobody")
    server.start()
    await listening(server)
    assert await ask(script, "back") == ["back", {}]
    await on_a_line(script)


async def test_a_valkey_that_hangs_is_waited_for_a_bounded_time_only(server):
    async with script_at(f"unix://{server.socket}", 1.0) as script:
        line = await on_a_line(script)
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            asked = [asyncio.ensure_future(ask(script, n)) for n in range(MOST_AT_ONCE)]
            async with asyncio.timeout(20):
                said = await asyncio.gather(*asked, return_exceptions=True)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        assert [type(one) for one in said] == [TimeoutError] * MOST_AT_ONCE
        # The answer that comes late is nobody's.
        assert await ask(script, "later") == ["later", {}]
        assert await on_a_line(script) is not line


async def test_a_line_that_is_quick_does_not_wait_for_the_clock_of_one_before(server):
    async with script_at(f"unix://{server.socket}", 1.0) as script:
        line = await on_a_line(script)
        for _ in range(12):
            assert await ask(script, "quick") == ["quick", {}]
            await asyncio.sleep(0.1)
        assert script._line is line


async def test_whoever_stops_the_question_in_between_stops_nobody_else(script):
    script.wake()
    gone = script.ask(b'"gone"')
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await stop_tasks([script._asking])
    assert await ask(script, "next") == ["next", {}]
    gone.cancel()


async def pass_on(reader, writer, size):
    """Bytes as they come, cut into pieces of at most `size`."""
    while piece := await reader.read(size):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    writer.close()


@asynccontextmanager
async def between(server, size, context=None):
    """A port that passes on to a Valkey, in small pieces, with TLS if there is a context."""

    async def meet(reader, writer):
        there = await asyncio.open_unix_connection(server.socket)
        ways = (pass_on(reader, there[1], 65_536), pass_on(there[0], writer, size))
        await asyncio.gather(*ways, return_exceptions=True)

    async with await asyncio.start_server(meet, "127.0.0.1", 0, ssl=context) as middle:
        yield middle.sockets[0].getsockname()[1]


async def test_an_answer_in_pieces_is_one_answer(server):
    async with between(server, 3) as port, script_at(f"redis://127.0.0.1:{port}/3") as script:
        await on_a_line(script)
        said = await asyncio.gather(*(ask(script, n, b"x" * 100) for n in range(12)))
        assert said == [[n, ["x" * 100]] for n in range(12)]


async def test_a_line_is_as_private_as_its_address_says(server, tmp_path):
    trusted = certificate(tmp_path, [x509.DNSName("localhost")])
    async with between(server, 1000, server_context(trusted)) as port:
        url = f"rediss://localhost:{port}/2?ssl_ca_certs={trusted}"
        async with script_at(url) as script:
            line = await on_a_line(script)
            assert line._transport.get_extra_info("sslcontext") is not None
            said = await asyncio.gather(*(ask(script, n, b"x" * 5000) for n in range(30)))
            assert said == [[n, ["x" * 5000]] for n in range(30)]
            # The database that the address names is this one's too.
            assert await ask(script, "count") == 1
            assert await script._valkey.get("counted") == b"1"


async def test_what_is_pushed_unasked_is_no_answer(script):
    line = await on_a_line(script)
    told = []
    line._heard = told.append
    line.data_received(b">2\r\n+invalidate\r\n*0\r\n$2\r\n")
    assert told == []
    line.data_received(b"ok\r\n")
    assert told == [b"ok"]
    line._heard = script._heard


async def test_a_connection_that_is_closed_already_makes_no_line(server):
    client = connect_valkey(f"unix://{server.socket}")
    pool = client.connection_pool
    connection = await pool.get_connection()
    await connection.disconnect()
    with pytest.raises(RedisError):
        Line(pool, connection, partial(pytest.fail, "nothing to hear"))
    await pool.release(connection)
    await client.aclose()
