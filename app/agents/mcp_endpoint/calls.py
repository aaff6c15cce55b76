"""Which runs are under way for which request, in every process: so that a client can cancel.

Up to 2025-11-25 a client cancels by a message of its own, which may reach another process.
"""

import hashlib
from typing import Final
from uuid import UUID

import orjson

from app.core.auth import Access
from app.core.kernel import Valkey

KEPT_SECONDS: Final = 3600


class Calls:
    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def begun(self, access: Access, session: str, request: object, run_id: UUID) -> None:
        if session:
            await self._valkey.set(_key(access, session, request), str(run_id), ex=KEPT_SECONDS)

    async def find(self, access: Access, session: str, request: object) -> UUID | None:
        found = await self._valkey.get(_key(access, session, request)) if session else None
        return UUID(found.decode() if isinstance(found, bytes) else found) if found else None


def _key(access: Access, session: str, request: object) -> str:
    said = orjson.dumps([str(access.credential_id), session, type(request).__name__, str(request)])
    return f"mcp:call:{hashlib.sha256(said).hexdigest()}"
