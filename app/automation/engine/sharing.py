"""What the steps of all runs of a workspace share: what they gave, and who fails too often."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from redis.exceptions import RedisError

from app.automation.engine import cache_crud
from app.automation.engine.breaking import Guard
from app.core.clock import now
from app.core.db import Database, Scope
from app.core.ids import new_id
from app.core.kernel import Valkey
from app.core.log import get_logger
from app.runs.runs.patience import patiently

log = get_logger(__name__)

FORGOTTEN_SECONDS: Final = 86_400


class Shared:
    """Of one workspace. What was given is kept in Postgres, breakers in Valkey.

    While Valkey is away every breaker is closed: steps are tried.
    """

    def __init__(
        self, database: Database, valkey: Valkey, workspace_id: UUID, user_id: UUID
    ) -> None:
        self._database = database
        self._valkey = valkey
        self._workspace_id = workspace_id
        self._user_id = user_id

    async def cached(self, key: str) -> dict[str, Any] | None:
        async def found() -> dict[str, Any] | None:
            async with self._database.unit(Scope(self._workspace_id)) as session:
                return await cache_crud.get(session, self._workspace_id, key)

        return await patiently(found)

    async def cache(self, key: str, given: dict[str, Any], seconds: float) -> None:
        values = {
            "id": new_id(),
            "workspace_id": self._workspace_id,
            "user_id": self._user_id,
            "key": key,
            "given": given,
            "expires_at": now() + timedelta(seconds=seconds),
        }

        async def keep() -> None:
            async with self._database.unit(Scope(self._workspace_id)) as session:
                await cache_crud.keep(session, values)

        await patiently(keep)

    async def closed_for(self, guard: Guard) -> float | None:
        """Seconds for which nobody may try; None where one may.

        Once a breaker has been open for its time, one step may try, and the others wait for it:
        until it has ended, or was to have ended where its process has died.
        """
        name = self._name(guard)
        try:
            if not await self._is_tripped(guard):
                return None
            left = await self._valkey.pttl(f"{name}:open")
            if left > 0:
                return float(left) / 1000
            probe = f"{name}:probe"
            longest = _milliseconds(max(guard.cooldown, guard.seconds))
            if await self._valkey.set(probe, guard.token, nx=True, px=longest):
                return None
            return min(max(float(await self._valkey.pttl(probe)) / 1000, 0.1), guard.cooldown)
        except (RedisError, OSError) as error:
            log.warning("workflow_breaker_unknown", reason=repr(error))
            return None

    async def tried(self, guard: Guard, *, failed: bool | None) -> None:
        """Count how an attempt ended; None is neither a failure nor a success.

        What had begun before the breaker opened does not close it.
        """
        name = self._name(guard)
        try:
            probed = _text(await self._valkey.get(f"{name}:probe")) == guard.token
            if failed:
                await self._count(guard, name)
            elif failed is False and (probed or not await self._is_tripped(guard)):
                await self._valkey.delete(f"{name}:failures", f"{name}:open")
            if probed:
                await self._valkey.delete(f"{name}:probe")
        except (RedisError, OSError) as error:
            log.warning("workflow_breaker_not_noted", reason=repr(error))

    async def _count(self, guard: Guard, name: str) -> None:
        count = await self._valkey.incr(f"{name}:failures")
        forgotten = int(guard.cooldown) + FORGOTTEN_SECONDS
        await self._valkey.expire(f"{name}:failures", forgotten)
        if count >= guard.failures:
            # Those that had begun before it opened do not keep it open for longer.
            await self._valkey.set(f"{name}:open", 1, px=_milliseconds(guard.cooldown), nx=True)

    async def _is_tripped(self, guard: Guard) -> bool:
        return int(await self._valkey.get(f"{self._name(guard)}:failures") or 0) >= guard.failures

    def _name(self, guard: Guard) -> str:
        return f"workflow-breaker:{{{self._workspace_id}:{guard.key}}}"


def _milliseconds(seconds: float) -> int:
    return max(int(seconds * 1000), 1)


def _text(value: bytes | str | None) -> str | None:
    return value.decode() if isinstance(value, bytes) else value
