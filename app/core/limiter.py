"""The limiter: many policies for one request, decided in one round trip to Valkey.

A policy is a bucket of `requests` that fills evenly within `seconds` (GCRA). Exactly: a subject
that has been quiet passes `requests` times at once, and at most `requests * (1 + t / seconds)`
times within any `t` seconds. A request that one policy refuses takes nothing from the others.
"""

import time
from collections.abc import Sequence
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core.limits import LimiterUnavailable, Policy, Verdict
from app.core.log import get_logger
from app.core.metrics import LIMITER_FAIL_OPENS, LIMITER_REFUSALS
from app.core.scripts import BatchedScript

log = get_logger(__name__)

WARN_EVERY_SECONDS: Final = 10.0

# A policy is {key, microseconds a request, requests of a full bucket, requests taken}; of one that
# does not say, `taken` are. A bucket holds when it will be full again. `weigh` gives the
# microseconds until each bucket is full and, where one refuses, those until each has what is asked
# for. `take` then takes from the first so many of them, and tells how all stand: the microseconds
# until each bucket is full. Both do it for `many` requests at once, of which one may be refused
# where another passes.
BUCKETS: Final = """
local floor, max, min = math.floor, math.max, math.min
local full_at, filled_at = {}, {}

local function read_buckets(policies)
  -- Many questions share one list of policies.
  if policies.read_to == full_at then return end
  policies.read_to = full_at
  local unknown = {}
  for i = 1, #policies do
    local key = policies[i][1]
    if not full_at[key] then unknown[#unknown + 1] = key end
  end
  if #unknown == 0 then return end
  for i, found in ipairs(redis.call('MGET', unpack(unknown))) do
    full_at[unknown[i]] = tonumber(found or 0)
  end
end
-- One list serves all questions, one after the other.
local lacks = {}
local function weigh(policies, at, taken, many)
  read_buckets(policies)
  many = many or 1
  local refused
  for i = 1, #policies do
    local policy = policies[i]
    local each, most = policy[2], policy[3]
    local lack = min(max(full_at[policy[1]] - at, 0), each * most)
    lacks[i] = lack
    refused = refused or lack + each * (policy[4] or min(taken, most)) * many > each * most
  end
  if not refused then return end
  local short = {}
  for i = 1, #policies do
    local policy = policies[i]
    local each, most = policy[2], policy[3]
    short[i] = max(lacks[i] - each * (most - (policy[4] or min(taken, most))), 0)
  end
  return short
end
local function fill(key, lack, at)
  put(full_at, key, at + lack)
  filled_at[key] = at
end
local function take(policies, at, how_many, taken, many)
  local standing = {}
  many = many or 1
  for i = 1, #policies do
    local policy, lack = policies[i], lacks[i]
    if i <= how_many then
      local key = policy[1]
      lack = lack + policy[2] * (policy[4] or min(taken, policy[3])) * many
      put(full_at, key, at + lack)
      filled_at[key] = at
    end
    standing[i] = lack
  end
  return standing
end
local function write_buckets()
  for key, at in pairs(filled_at) do
    local milliseconds = floor(max(full_at[key] - at, 0) / 1000) + 1
    redis.call('SET', key, string.format('%.0f', full_at[key]), 'PX', milliseconds)
  end
  full_at, filled_at = {}, {}
end
"""

# A question is the time in microseconds (null: the store's own clock, one for all processes) and
# the policies.
DECIDE: Final = """
local function decide(question)
  local at = question[1] ~= cjson.null and question[1] or now
  local policies = question[2]
  local short = weigh(policies, at)
  return {take(policies, at, short and 0 or #policies), short}
end
local finish = write_buckets
"""


class Limiter:
    """Decides requests; open where Valkey does not answer, except for those told to be closed.

    Requests that come while Valkey is being asked are asked about together, next: a crowd of them
    takes one connection, and less work each.
    """

    def __init__(self, valkey: Redis, *, timeout_seconds: float = 2.0) -> None:
        self._script = BatchedScript(valkey, BUCKETS + DECIDE, timeout_seconds=timeout_seconds)
        self._warned_at = -WARN_EVERY_SECONDS

    async def decide(
        self, policies: Sequence[Policy], *, closed: bool = False, at: int | None = None
    ) -> Verdict:
        """Take what each policy says from its bucket, or nothing from any.

        `at` stands in for the store's clock, in microseconds. Without an answer of the store the
        verdict is empty, or LimiterUnavailable is raised where the call is `closed`.
        """
        if not policies:
            return Verdict()
        moment = b"null" if at is None else b"%d" % at
        wanted = b",".join([policy.wire for policy in policies])
        try:
            standing, *short = await self._script.ask(b"[%b,[%b]]" % (moment, wanted))
        except (RedisError, OSError, TimeoutError) as error:
            self.note_failure(error, closed=closed)
            if closed:
                raise LimiterUnavailable("Try again in a few seconds.", retry_after=2) from None
            return Verdict()
        return verdict_of(policies, standing, *short)

    def note_failure(self, error: Exception, *, closed: bool) -> None:
        """Count and log a decision that could not be made."""
        if not closed:
            LIMITER_FAIL_OPENS.inc()
        if time.monotonic() - self._warned_at >= WARN_EVERY_SECONDS:
            self._warned_at = time.monotonic()
            log.warning("limiter_unavailable", reason=repr(error), served=not closed)


def verdict_of(
    policies: Sequence[Policy], standing: Sequence[int], short: Sequence[int] = ()
) -> Verdict:
    """What the script says of these policies; refusals are counted."""
    for policy, lacks in zip(policies, short, strict=False):
        if lacks:
            LIMITER_REFUSALS.labels(policy.limit.name).inc()
    return Verdict(policies, standing, short)
