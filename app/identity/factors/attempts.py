"""How often a person's proofs may fail: five times at once, then ever more rarely.

An attempt is counted before it is checked, so a hundred guesses at once are no way around. Without
Valkey nobody is let through.
"""

from typing import Final, cast
from uuid import UUID

from app.core.kernel import Valkey
from app.identity.factors.errors import TooManyAttempts

FREE: Final = 5
FIRST_WAIT: Final = 30
LONGEST_WAIT: Final = 15 * 60
FORGOTTEN_AFTER: Final = 24 * 3600

# KEYS: the failures, the pause. ARGV: FREE, then in seconds the first and the longest pause, and
# how long failures are remembered.
# Answers the milliseconds to wait; 0 lets the attempt pass.
_BEGIN: Final = """
local left = redis.call('PTTL', KEYS[2])
if left > 0 then return left end
local failures = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
local beyond = failures - tonumber(ARGV[1])
if beyond >= 0 then
  local pause = math.min(tonumber(ARGV[2]) * 2 ^ math.min(beyond, 20), tonumber(ARGV[3]))
  redis.call('SET', KEYS[2], 1, 'EX', string.format('%.0f', pause))
end
return 0
"""


class Attempts:
    """Counts the failed proofs of each person."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._begin = valkey.register_script(_BEGIN)

    async def begin(self, user_id: UUID) -> None:
        """Count an attempt as failed until `succeed`; raises TooManyAttempts."""
        wait = cast(
            "int",
            await self._begin(
                keys=_keys(user_id), args=[FREE, FIRST_WAIT, LONGEST_WAIT, FORGOTTEN_AFTER]
            ),
        )
        if wait > 0:
            raise TooManyAttempts("Wait before the next attempt.", retry_after=wait / 1000)

    async def succeed(self, user_id: UUID) -> None:
        """Forget the failures: the person has proved themselves."""
        await self._valkey.delete(*_keys(user_id))


def _keys(user_id: UUID) -> list[str]:
    return [f"proofs:{{{user_id}}}:failed", f"proofs:{{{user_id}}}:pause"]
