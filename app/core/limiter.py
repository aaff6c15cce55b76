"""The limiter: many policies for one request, decided in one round trip to Valkey.

A policy is a bucket of `requests` that fills evenly within `seconds` (GCRA). Exactly: a subject
that has been quiet passes `requests` times at once, and at most `requests * (1 + t / seconds)`
times within any `t` seconds. A request that one policy refuses takes nothing from the others.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from app.core.limits import MICROSECONDS, LimiterUnavailable, Policy, Standing, Verdict
from app.core.log import get_logger
from app.core.metrics import LIMITER_FAIL_OPENS, LIMITER_REFUSALS

log = get_logger(__name__)

WARN_EVERY_SECONDS: Final = 10.0
MOST_AT_ONCE: Final = 256

# KEYS: a bucket a policy. ARGV: the time in microseconds (empty: the store's own clock, one for
# all processes), then of each policy the microseconds a request and the requests of a full bucket.
# A bucket holds when it will be full again. Answers of each policy whether it refuses, what is left
# in the bucket, the microseconds until it is full, and those until it has one request to give.
SCRIPT: Final = """
local at = tonumber(ARGV[1])
if not at then
  local clock = redis.call('TIME')
  at = clock[1] * 1000000 + clock[2]
end
local lacks, refused = {}, false
for i, key in ipairs(KEYS) do
  local each, most = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local full_at = tonumber(redis.call('GET', key) or 0)
  lacks[i] = math.min(math.max(full_at - at, 0), each * most)
  refused = refused or lacks[i] > each * (most - 1)
end
local answer = {}
for i, key in ipairs(KEYS) do
  local each, most = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local short = math.max(lacks[i] - each * (most - 1), 0)
  if not refused then
    lacks[i] = lacks[i] + each
    redis.call('SET', key, string.format('%.0f', at + lacks[i]),
      'PX', math.floor(lacks[i] / 1000) + 1)
  end
  answer[i] = {short > 0 and 1 or 0, math.floor((each * most - lacks[i]) / each), lacks[i], short}
end
return answer
"""


SHA1: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()

Answer = list[list[int]]


@dataclass(slots=True, eq=False)
class _Question:
    keys: list[str]
    arguments: list[str | int]
    answer: asyncio.Future[Answer] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Limiter:
    """Decides requests; open where Valkey does not answer, except for those told to be closed.

    Requests that come while Valkey is being asked are asked about together, next: a crowd of them
    takes one connection, and less work each.
    """

    def __init__(self, valkey: Redis, *, timeout_seconds: float = 2.0) -> None:
        self._valkey = valkey
        self._timeout_seconds = timeout_seconds
        self._waiting: list[_Question] = []
        self._asking: asyncio.Task[None] | None = None
        self._warned_at = -WARN_EVERY_SECONDS

    async def decide(
        self, policies: Sequence[Policy], *, closed: bool = False, at: int | None = None
    ) -> Verdict:
        """Take one request from every policy, or from none.

        `at` stands in for the store's clock, in microseconds. Without an answer of the store the
        verdict is empty, or LimiterUnavailable is raised where the call is `closed`.
        """
        if not policies:
            return Verdict()
        arguments: list[str | int] = ["" if at is None else at]
        for policy in policies:
            arguments += (policy.limit.microseconds_each, policy.limit.requests)
        try:
            answer = await self._ask(_Question([policy.key for policy in policies], arguments))
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error, closed=closed)
            if closed:
                raise LimiterUnavailable("Try again in a few seconds.", retry_after=2) from None
            return Verdict()
        return _verdict(policies, answer)

    async def _ask(self, question: _Question) -> Answer:
        self._waiting.append(question)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all(), name="limiter")
        return await question.answer

    async def _ask_all(self) -> None:
        while self._waiting:
            batch = self._waiting[:MOST_AT_ONCE]
            del self._waiting[:MOST_AT_ONCE]
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    answers = await self._send(batch)
            except Exception as error:  # noqa: BLE001 - each of those who asked is told
                answers = [error] * len(batch)
            for question, answer in zip(batch, answers, strict=True):
                _settle(question, answer)

    async def _send(self, batch: list[_Question]) -> list[Answer | Exception]:
        answers = await self._evaluate(batch)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            # Valkey knows a script for all connections or for none, so none was decided.
            await self._valkey.script_load(SCRIPT)
            answers = await self._evaluate(batch)
        return answers

    async def _evaluate(self, batch: list[_Question]) -> list[Answer | Exception]:
        pipeline = self._valkey.pipeline(transaction=False)
        for question in batch:
            pipeline.evalsha(SHA1, len(question.keys), *question.keys, *question.arguments)
        answers: list[Answer | Exception] = await pipeline.execute(raise_on_error=False)
        return answers

    def _note_failure(self, error: Exception, *, closed: bool) -> None:
        if not closed:
            LIMITER_FAIL_OPENS.inc()
        if time.monotonic() - self._warned_at >= WARN_EVERY_SECONDS:
            self._warned_at = time.monotonic()
            log.warning("limiter_unavailable", reason=repr(error), served=not closed)


def _settle(question: _Question, answer: Answer | Exception) -> None:
    if question.answer.done():  # whoever asked has gone
        return
    if isinstance(answer, Exception):
        question.answer.set_exception(answer)
    else:
        question.answer.set_result(answer)


def _verdict(policies: Sequence[Policy], answer: Answer) -> Verdict:
    standings = tuple(
        Standing(policy.limit, left, full / MICROSECONDS, short / MICROSECONDS, bool(refused))
        for policy, (refused, left, full, short) in zip(policies, answer, strict=True)
    )
    for standing in standings:
        if standing.refused:
            LIMITER_REFUSALS.labels(standing.limit.name).inc()
    return Verdict(standings)
