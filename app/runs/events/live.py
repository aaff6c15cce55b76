"""The live half of the log: a Valkey stream for each run, written by one fenced owner."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from redis.exceptions import ResponseError

from app.core.kernel import Valkey
from app.runs.events.event import TERMINAL, Event
from app.runs.events.log import RunLog, channel
from app.runs.events.questions import Questions

# Streams of runs that no longer exist go by themselves, those of ended runs soon.
KEEP_SECONDS = 7 * 24 * 3600
LINGER_SECONDS = 600
FENCED: Final = -1
PAGE = 500

# KEYS: meta, log of each run. ARGV: terminal types, two times to live (after the end, before),
# then for each run: attempt, first seq, number of events, and type and body of each.
# Answers the last seq of each log, or -1. A repeated append changes nothing; a log that lost its
# tail is answered with where it ends.
_APPEND = """
local ends, at = ARGV[1], 4
local replies = {}
for k = 1, #KEYS, 2 do
  local meta, log = KEYS[k], KEYS[k + 1]
  local attempt, first, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  local known = redis.call('HMGET', meta, 'attempt', 'last', 'ended')
  local last = tonumber(known[2] or 0)
  if not known[2] then
    local tail = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
    if tail[1] then last = tonumber(string.match(tail[1][1], '^%d+')) end
  end
  local before, ended = last, known[3]
  if known[1] and tonumber(known[1]) > attempt then
    last = -1
  elseif ended then
    if first + count - 1 > last then last = -1 end
  else
    for i = 0, count - 1 do
      if first + i == last + 1 then
        local kind = ARGV[at + 2 * i]
        last = last + 1
        redis.call('XADD', log, last .. '-0', 't', kind, 'b', ARGV[at + 2 * i + 1])
        ended = ended or string.find(ends, ' ' .. kind .. ' ', 1, true)
      end
    end
    redis.call('HSET', meta, 'attempt', attempt, 'last', last)
    if ended then redis.call('HSET', meta, 'ended', 1) end
    redis.call('EXPIRE', meta, ended and ARGV[2] or ARGV[3])
    redis.call('EXPIRE', log, ended and ARGV[2] or ARGV[3])
    if last > before then redis.call('PUBLISH', string.sub(meta, 1, -6), last) end
  end
  replies[#replies + 1] = last
  at = at + 2 * count
end
return replies
"""

_FENCE = """
local known = tonumber(redis.call('HGET', KEYS[1], 'attempt') or 0)
if known > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'attempt', ARGV[1])
return 1
"""


class LiveLog:
    """Reads and writes the streams."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._questions = Questions(valkey)
        self._append = valkey.register_script(_APPEND)
        self._fence = valkey.register_script(_FENCE)

    async def close(self) -> None:
        await self._questions.close()

    async def append(self, batch: Sequence[tuple[RunLog, Sequence[Event]]]) -> list[int]:
        """Append to many logs at once; the last seq of each, or FENCED. One caller at a time."""
        keys: list[str] = []
        arguments: list[Any] = [f" {' '.join(TERMINAL)} ", LINGER_SECONDS, KEEP_SECONDS]
        for log, events in batch:
            keys += (f"{log.channel}:meta", f"{log.channel}:log")
            arguments += (log.attempt, log.written + 1, len(events))
            for event in events:
                arguments += (event.type, event.raw)
        try:
            replies: list[int] = await self._questions.ask(
                "EVALSHA", self._append.sha, len(keys), *keys, *arguments
            )
        except ResponseError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            replies = await self._append(keys=keys, args=arguments)
        return replies

    async def fence(self, run_id: UUID, attempt: int) -> bool:
        """Shut out every earlier owner; False where a later one has been here."""
        return bool(await self._fence(keys=[f"{channel(run_id)}:meta"], args=[attempt]))

    async def read(self, run_id: UUID, after: int, limit: int | None = PAGE) -> list[Event]:
        """The events that follow `after` without a gap."""
        rows: Any = await self._valkey.xrange(
            f"{channel(run_id)}:log", min=f"{after + 1}-0", count=limit
        )
        events = []
        for position, (identity, fields) in enumerate(rows, after + 1):
            if int(identity.partition(b"-")[0]) != position:
                break
            events.append(Event(position, fields[b"t"].decode(), fields[b"b"]))
        return events

    async def last_seq(self, run_id: UUID) -> int | None:
        """Where the log ends; None when there is none."""
        last = await self._valkey.hget(f"{channel(run_id)}:meta", "last")
        return None if last is None else int(last)
