"""Lua in Valkey for a crowd: whatever waits is asked in one round trip, as one JSON document."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as ValkeyConnectionError
from redis.exceptions import NoScriptError, RedisError

from app.core.waiting import deadline, running_loop

# Few, so that the answers to one batch are acted upon while Valkey decides the next: a crowd that
# is asked about all at once waits for Valkey all at once too, and this process with it.
MOST_AT_ONCE: Final = 8

# The frame of every script. ARGV[1] is a JSON array of questions, ARGV[2] what is attached to
# them, one behind the other: a few long arguments cost less than many. `decide(question, attached)`
# answers one question; an error in one leaves the others alone.
# `finish()` comes after the last. Numbers in answers have 14 digits; a longer one goes as text.
PROLOGUE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
"""
EPILOGUE: Final = """
local answers, position = {}, 1
for i, question in ipairs(cjson.decode(ARGV[1])) do
  local attached = {}
  for n, length in ipairs(question[1]) do
    attached[n] = string.sub(ARGV[2], position, position + length - 1)
    position = position + length
  end
  local fine, answer = pcall(decide, question[2], attached)
  answers[i] = fine and answer or {error = tostring(answer)}
end
finish()
return cjson.encode(answers)
"""

# EVALSHA without keys, as it goes over the wire.
COMMAND: Final = b"*5\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n0\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"

Answered = Callable[[Any], None]


class ScriptFailed(RedisError):
    """The script broke off in the middle of one question."""


@dataclass(slots=True, eq=False)
class Question:
    """One question as JSON; `answered` is called once, with the answer or with the error.

    One whose `future` was cancelled before it was sent is not sent.
    """

    wire: bytes
    attached: Sequence[bytes]
    answered: Answered
    future: asyncio.Future[Any] | None = None


class BatchedScript:
    """Questions that come while Valkey is being asked are asked together, next.

    `source` defines the Lua functions `decide` and `finish`. Each of `riders` is asked, before a
    batch leaves, for a question that travels with it.
    """

    def __init__(self, valkey: Redis, source: str, *, timeout_seconds: float = 2.0) -> None:
        self._valkey = valkey
        self._source = PROLOGUE + source + EPILOGUE
        self._sha = hashlib.sha1(self._source.encode(), usedforsecurity=False).hexdigest()
        self._timeout_seconds = timeout_seconds
        self._connection: AbstractConnection | None = None
        self._its_timeout: float | None = None
        self._waiting: list[Question] = []
        self._asking: asyncio.Task[None] | None = None
        self.riders: list[Callable[[], Question | None]] = []

    def ask(self, wire: bytes, *attached: bytes) -> asyncio.Future[Any]:
        """The answer to come; or RedisError, OSError, or TimeoutError."""
        answer: asyncio.Future[Any] = running_loop().create_future()

        def answered(said: Any) -> None:
            if answer.done():  # whoever asked has gone
                return
            if isinstance(said, Exception):
                answer.set_exception(said)
            else:
                answer.set_result(said)

        self._waiting.append(Question(wire, attached, answered, answer))
        self.wake()
        return answer

    def wake(self) -> None:
        """Send what waits, here and with the riders."""
        if self._asking is None or self._asking.done():
            self._asking = running_loop().create_task(self._ask_all(), name="script")

    async def _ask_all(self) -> None:
        while batch := self._take():
            said: list[Any]
            try:
                with deadline(self._timeout_seconds):
                    said = await self._send(batch)
            except Exception as error:  # noqa: BLE001 - each of those who asked is told
                said = [error] * len(batch)
            for question, answer in zip(batch, said, strict=True):
                if type(answer) is dict and "error" in answer:
                    answer = ScriptFailed(answer["error"])  # noqa: PLW2901
                question.answered(answer)

    def _take(self) -> list[Question]:
        batch = [question for rider in self.riders if (question := rider())]
        waiting = self._waiting[:MOST_AT_ONCE]
        del self._waiting[:MOST_AT_ONCE]
        return batch + [q for q in waiting if q.future is None or not q.future.cancelled()]

    async def _send(self, batch: list[Question]) -> list[Any]:
        framed: list[bytes] = []
        pieces: list[bytes] = []
        for question in batch:
            lengths = b",".join([b"%d" % len(piece) for piece in question.attached])
            framed.append(b"[[%b],%b]" % (lengths, question.wire))
            pieces += question.attached
        questions, attached = b"[%b]" % b",".join(framed), b"".join(pieces)
        try:
            said = await self._evaluate(questions, attached)
        except NoScriptError:
            # Valkey knows a script or does not, so nothing was decided.
            await self._valkey.script_load(self._source)
            said = await self._evaluate(questions, attached)
        answers: list[Any] = orjson.loads(said)
        return answers

    async def _evaluate(self, questions: bytes, attached: bytes) -> bytes:
        """The script's answer, on a connection of its own that stays open.

        What the client does around a command takes longer than the command. It is asked only
        where that connection turns out to be lost, since it knows how to wait and to try again.
        """
        try:
            return await self._evaluate_here(questions, attached)
        except ValkeyConnectionError:
            answer: Any = await self._valkey.evalsha(self._sha, 0, questions, attached)
            return bytes(answer)

    async def _evaluate_here(self, questions: bytes, attached: bytes) -> bytes:
        pool = self._valkey.connection_pool
        if self._connection is None:
            self._connection = await pool.get_connection()  # type: ignore[no-untyped-call]
            # Whoever asks has set a bound around all of it; one for each half costs a task.
            self._its_timeout = self._connection.socket_timeout
            self._connection.socket_timeout = None
        connection = self._connection
        command = COMMAND % (
            self._sha.encode(), len(questions), questions, len(attached), attached
        )  # fmt: skip
        try:
            await connection.send_packed_command(command, check_health=False)
            return bytes(await connection.read_response())
        except NoScriptError:
            raise
        except BaseException:
            # Broken off in the middle, it may still get the answer to this question.
            self._connection = None
            connection.socket_timeout = self._its_timeout
            await connection.disconnect(nowait=True)
            await pool.release(connection)
            raise
