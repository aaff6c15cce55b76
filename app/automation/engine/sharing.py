"""What the steps of all runs of a workspace share: what they gave, and who fails too often."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from redis.exceptions import RedisError

from app.automation.engine import crud
from app.automation.engine.patience import patiently
from app.core.clock import now
from app.core.db import Database, Scope
from app.core.ids import new_id
from app.core.kernel import Valkey
from app.core.log import get_logger

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
                return await crud.cached(session, self._workspace_id, key)

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
                await crud.cache(session, values)

        await patiently(keep)

    async def closed_for(self, key: str, failures: int, cooldown: float) -> float | None:
        """Seconds for which nobody may try; None where one may.

        Once a breaker has been open for its time, one step may try, and the others wait for it.
        """
        name, milliseconds = self._name(key), int(cooldown * 1000)
        try:
            count = int(await self._valkey.get(f"{name}:failures") or 0)
            if count < failures:
                return None
            left = await self._valkey.pttl(f"{name}:open")
            if left > 0:
                return float(left) / 1000
            probe = f"{name}:probe"
            if await self._valkey.set(probe, 1, nx=True, px=max(milliseconds, 1)):
                return None
            return max(float(await self._valkey.pttl(probe)) / 1000, 0.1)
        except (RedisError, OSError) as error:
            log.warning("workflow_breaker_unknown", reason=repr(error))
            return None

    async def tried(self, key: str, failures: int, cooldown: float, *, failed: bool) -> None:
        name, milliseconds = self._name(key), int(cooldown * 1000)
        try:
            if not failed:
                await self._valkey.delete(f"{name}:failures", f"{name}:open", f"{name}:probe")
                return
            count = await self._valkey.incr(f"{name}:failures")
            await self._valkey.expire(f"{name}:failures", FORGOTTEN_SECONDS)
            if count >= failures:
                await self._valkey.set(f"{name}:open", 1, px=max(milliseconds, 1))
                await self._valkey.delete(f"{name}:probe")
        except (RedisError, OSError) as error:
            log.warning("workflow_breaker_not_noted", reason=repr(error))

    def _name(self, key: str) -> str:
        return f"workflow-breaker:{{{self._workspace_id}:{key}}}"
