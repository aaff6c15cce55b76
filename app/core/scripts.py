"""Lua in Valkey for a crowd: whatever waits is asked in one round trip, as one JSON document."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

MOST_AT_ONCE: Final = 256

# The frame of every script. ARGV[1] is a JSON array of questions, the other arguments are what is
# attached to them, in their order. `decide(question, first)` answers one question, of which
# `first` is the place of its first attached argument; an error in one leaves the others alone.
# `finish()` comes after the last. Numbers in answers have 14 digits; a longer one goes as text.
PROLOGUE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
"""
EPILOGUE: Final = """
local answers, first = {}, 2
for i, question in ipairs(cjson.decode(ARGV[1])) do
  local fine, answer = pcall(decide, question[2], first)
  answers[i] = fine and answer or {error = tostring(answer)}
  first = first + question[1]
end
finish()
return cjson.encode(answers)
"""

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
        self._waiting: list[Question] = []
        self._asking: asyncio.Task[None] | None = None
        self.riders: list[Callable[[], Question | None]] = []

    def ask(self, wire: bytes, *attached: bytes) -> asyncio.Future[Any]:
        """The answer to come; or RedisError, OSError, or TimeoutError."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

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
            self._asking = asyncio.create_task(self._ask_all(), name="script")

    async def _ask_all(self) -> None:
        while batch := self._take():
            said: list[Any]
            try:
                async with asyncio.timeout(self._timeout_seconds):
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
        questions = b",".join([b"[%d,%b]" % (len(q.attached), q.wire) for q in batch])
        attached = [piece for question in batch for piece in question.attached]
        try:
            said = await self._evaluate(b"[%b]" % questions, attached)
        except NoScriptError:
            # Valkey knows a script or does not, so nothing was decided.
            await self._valkey.script_load(self._source)
            said = await self._evaluate(b"[%b]" % questions, attached)
        answers: list[Any] = orjson.loads(said)
        return answers

    async def _evaluate(self, questions: bytes, attached: list[bytes]) -> bytes:
        answer: bytes = await self._valkey.execute_command(
            "EVALSHA", self._sha, 0, questions, *attached
        )
        return answer
