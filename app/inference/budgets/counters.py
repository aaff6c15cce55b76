"""The gate's counters, as budgets show them."""

from redis.exceptions import RedisError

from app.core.kernel import Valkey
from app.core.log import get_logger
from app.inference.budgets.standing import Held

log = get_logger(__name__)


class ValkeyCounters:
    """Reads what calls are held to; while Valkey is away nobody says."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def read(self, key: str) -> Held | None:
        try:
            settled, reserved = await self._valkey.hmget(key, ["s", "r"])
        except (RedisError, OSError) as error:
            log.warning("budget_counter_unread", reason=repr(error))
            return None
        return None if settled is None else Held(int(settled), int(reserved or 0))
