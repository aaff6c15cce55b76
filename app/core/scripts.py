"""Lua in Valkey for a crowd: whatever waits is asked in one round trip, as one JSON document."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from app.core.line import Line
from app.core.waiting import deadline, running_loop

# Few, so that the answers to one batch are acted upon while Valkey decides the next: a crowd that
# is asked about all at once waits for Valkey all at once too, and this process with it.
# Of more than twice as many, more at once: there is work enough meanwhile.
FEW_AT_ONCE: Final = 8
MOST_AT_ONCE: Final = 32

# The frame of every script. ARGV[1] is a JSON array: what questions share, the questions, and
# whether they are asked `anew` (1), since the answer to them may have been lost. ARGV[2] is what is
# attached to both, one behind the other: a few long arguments cost less than many.
# `decide(question, attached, shared, owns)` answers one question, with `now` in microseconds; what
# is shared is {its pieces, its JSON}. Of those that are asked as one, `owns` has what each says
# beside, and the answer is a list of {how many of them in turn, their answer}. `finish()` comes
# after the last, and tells Valkey what has changed: until then changes stand in tables, so that
# nothing is read twice or written twice. They are made by `put`: a question that breaks off has
# changed nothing, and leaves the others alone.
# Numbers in answers have 14 digits; a longer one goes as text.
PROLOGUE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local undo, changes = {}, 0
local document, position = cjson.decode(ARGV[1]), 1
local anew = document[3] == 1

local function put(where, name, value)
  undo[changes + 1], undo[changes + 2], undo[changes + 3] = where, name, where[name]
  changes = changes + 3
  where[name] = value
end

-- What `pcall` says; what was put by work that breaks off is as it was.
local function attempt(work, ...)
  local before = changes
  local fine, answer = pcall(work, ...)
  if not fine then
    for i = changes, before + 1, -3 do undo[i - 2][undo[i - 1]] = undo[i] end
    changes = before
  end
  return fine, answer
end

-- A command about a key, with as many arguments at once as Lua can pass.
local function call_with(command, key, arguments)
  for first = 1, #arguments, 1000 do
    redis.call(command, key, unpack(arguments, first, math.min(first + 999, #arguments)))
  end
end
"""
EPILOGUE: Final = """
local all_attached, sub = ARGV[2], string.sub
-- The pieces take the place of their lengths.
local function cut(lengths)
  for i = 1, #lengths do
    local length = lengths[i]
    lengths[i] = sub(all_attached, position, position + length - 1)
    position = position + length
  end
  return lengths
end
for _, shared in ipairs(document[1]) do cut(shared[1]) end
local answers = {}
for i, question in ipairs(document[2]) do
  local attached = cut(question[1])
  local shared = document[1][question[2]]
  local fine, answer = attempt(decide, question[3], attached, shared, question[4])
  answers[i] = fine and answer or {error = tostring(answer)}
end
finish()
return cjson.encode(answers)
"""

# EVALSHA without keys, as it goes over the wire: what is the same of all, and the two arguments.
COMMAND: Final = b"*5\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n0\r\n"
ARGUMENTS: Final = b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n"
# What Valkey answers where it has decided nothing: it may be asked again.
UNDECIDED: Final = ("NOSCRIPT", "LOADING")

Answered = Callable[[Any], None]


class ScriptFailed(RedisError):
    """The script broke off in the middle of one question."""


class Shared:
    """What several questions have in common, as JSON and pieces: a batch tells it once."""

    __slots__ = ("attached", "wire")

    def __init__(self, wire: bytes, *attached: bytes) -> None:
        self.wire = b"[%a,%b]" % ([len(piece) for piece in attached], wire)
        self.attached = b"".join(attached)


@dataclass(slots=True, eq=False)
class Question:
    """One question as JSON, of a rider or of who awaits `future`.

    A rider's `answered` is called once, with the answer or with the error. A question whose
    `future` was cancelled before it was sent is not sent. Those that have an `own` part and all
    else in common, but for what is attached, are asked as one.
    """

    wire: bytes
    attached: Sequence[bytes]
    answered: Answered | None = None
    future: asyncio.Future[Any] | None = None
    shared: Shared | None = None
    own: bytes = b""


# Questions that are asked as one: a single one, or some with parts of their own.
Alike = list[Question]


class BatchedScript:
    """Questions that come while Valkey is being asked are asked together, next.

    `source` defines the Lua functions `decide` and `finish`. Each of `riders` is asked, before a
    batch leaves, for a question that travels with it; one that cannot wait for a batch wakes it.
    """

    def __init__(self, valkey: Redis, source: str, *, timeout_seconds: float = 2.0) -> None:
        self._valkey = valkey
        self._source = PROLOGUE + source + EPILOGUE
        self._sha = hashlib.sha1(self._source.encode(), usedforsecurity=False).hexdigest()
        self._command = COMMAND % self._sha.encode()
        self._timeout_seconds = timeout_seconds
        self._line: Line | None = None
        self._waiting: list[Question] = []
        # From when somebody waits until nobody does; `_asked` is what the line is to answer.
        self._busy = False
        self._woken = False
        self._asked: list[Alike] = []
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self.riders: list[Callable[[], Question | None]] = []

    def ask(
        self, wire: bytes, *attached: bytes, shared: Shared | None = None, own: bytes = b""
    ) -> asyncio.Future[Any]:
        """The answer to come; or RedisError, OSError, or TimeoutError."""
        loop = running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(Question(wire, attached, None, answer, shared, own))
        if not self._busy:
            self._wake_in(loop)
        return answer

    def wake(self) -> None:
        """Send what waits, here and with the riders, as soon as Valkey is not being asked."""
        self._woken = True
        if not self._busy:
            self._wake_in(running_loop())

    def _wake_in(self, loop: asyncio.AbstractEventLoop) -> None:
        self._busy = True
        # Not at once: who comes in the same turn of the loop travels along.
        loop.call_soon(self._ask_next)

    def _ask_next(self) -> None:
        self._busy = self._woken = False
        batch = alike(self._take())
        if not batch:
            return
        self._busy = True
        loop = running_loop()
        self._due = loop.time() + self._timeout_seconds
        if self._line is None or self._line.lost:
            self._ask_anew(batch)
            return
        self._asked = batch
        if self._timer is None:
            self._timer = loop.call_at(self._due, self._look_at_clock)
        questions, attached = framed(batch)
        self._line.send(
            ARGUMENTS % (self._command, len(questions), questions, len(attached), attached)
        )

    def _take(self) -> list[Question]:
        batch = [question for rider in self.riders if (question := rider())]
        most = FEW_AT_ONCE if len(self._waiting) <= 2 * FEW_AT_ONCE else MOST_AT_ONCE
        waiting = self._waiting[:most]
        del self._waiting[:most]
        return batch + [q for q in waiting if q.future is None or not q.future.cancelled()]

    def _heard(self, answer: Any) -> None:
        """What the line says: an answer, an error of Valkey's, or that it is lost."""
        batch, self._asked = self._asked, []
        if not batch:
            return
        if type(answer) is bytes:
            hand_out(batch, orjson.loads(answer))
            self._go_on()
        elif isinstance(answer, ResponseError) and not str(answer).startswith(UNDECIDED):
            hand_out(batch, [answer] * len(batch))
            self._go_on()
        else:
            self._ask_anew(batch)

    def _go_on(self) -> None:
        """Ask next, unless only riders would travel that nobody has woken for."""
        if self._waiting or self._woken:
            self._ask_next()
        else:
            self._busy = False

    def _look_at_clock(self) -> None:
        """One timer for all batches: it goes off for the first, and then looks for the latest."""
        self._timer = None
        batch = self._asked
        if not batch:
            return
        loop = running_loop()
        if loop.time() < self._due:
            self._timer = loop.call_at(self._due, self._look_at_clock)
            return
        self._asked = []
        if self._line is not None:
            self._line.drop()
        hand_out(batch, [TimeoutError()] * len(batch))
        self._ask_next()

    def _ask_anew(self, batch: list[Alike]) -> None:
        self._asking = running_loop().create_task(self._by_client(batch), name="script")

    async def _by_client(self, batch: list[Alike]) -> None:
        """Ask where there is no line, then open one.

        The client knows how to wait and to try again, and sends a script that Valkey lacks.
        """
        said: list[Any]
        try:
            try:
                with deadline(self._due - running_loop().time()):
                    said = orjson.loads(await self._evaluate(*framed(batch, anew=True)))
            except Exception as error:  # noqa: BLE001 - each of those who asked is told
                hand_out(batch, [error] * len(batch))
            else:
                hand_out(batch, said)
                with suppress(RedisError, OSError, TimeoutError), deadline(self._timeout_seconds):
                    await self._open_line()
        finally:
            self._busy = False
        self._ask_next()

    async def _evaluate(self, questions: bytes, attached: bytes) -> bytes:
        evalsha = self._valkey.evalsha
        answer: Any
        try:
            answer = await evalsha(self._sha, 0, questions, attached)
        except NoScriptError:
            # Valkey knows a script or does not, so nothing was decided.
            await self._valkey.script_load(self._source)
            answer = await evalsha(self._sha, 0, questions, attached)
        return bytes(answer)

    async def _open_line(self) -> None:
        if self._line is not None:
            if not self._line.lost:
                return
            lost, self._line = self._line, None
            await lost.give_back()
        self._line = await Line.open(self._valkey.connection_pool, self._heard)


def alike(batch: list[Question]) -> list[Alike]:
    """Put together what can be asked as one; the others stay where they are."""
    groups: list[Alike] = []
    known: dict[tuple[Shared | None, bytes], Alike] = {}
    for question in batch:
        if not question.own:
            groups.append([question])
            continue
        common = question.shared, question.wire
        group = known.get(common)
        if group is None:
            group = known[common] = []
            groups.append(group)
        group.append(question)
    return groups


def framed(batch: list[Alike], *, anew: bool = False) -> tuple[bytes, bytes]:
    """The two arguments of the script: the questions, and what is attached to them.

    They are asked `anew` where Valkey may have decided them already.
    """
    places: dict[Shared, int] = {}
    questions: list[bytes] = []
    pieces: list[bytes] = []
    for group in batch:
        shared, wire = group[0].shared, group[0].wire
        place = 0 if shared is None else places.setdefault(shared, len(places) + 1)
        attached = [piece for question in group for piece in question.attached]
        # A list of numbers is written in Python as it is in JSON.
        lengths = [len(piece) for piece in attached]
        if group[0].own:
            owns = b",".join([question.own for question in group])
            questions.append(b"[%a,%d,%b,[%b]]" % (lengths, place, wire, owns))
        else:
            questions.append(b"[%a,%d,%b]" % (lengths, place, wire))
        pieces += attached
    common = b",".join([shared.wire for shared in places])
    attached_bytes = b"".join([*[shared.attached for shared in places], *pieces])
    return b"[[%b],[%b],%d]" % (common, b",".join(questions), anew), attached_bytes


def hand_out(batch: list[Alike], answers: list[Any]) -> None:
    """Tell everyone their answer, or the error."""
    for group, answer in zip(batch, answers, strict=True):
        if type(answer) is dict and "error" in answer:
            answer = ScriptFailed(answer["error"])  # noqa: PLW2901
        if isinstance(answer, Exception) or not group[0].own:
            for question in group:
                _tell(question, answer)
            continue
        waiting = iter(group)
        for how_many, said in answer:
            for question in islice(waiting, how_many):
                _tell(question, said)


def _tell(question: Question, answer: Any) -> None:
    future = question.future
    if future is None:
        if question.answered is not None:
            question.answered(answer)
    elif future.done():  # whoever asked has gone
        return
    elif isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
