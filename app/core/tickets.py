"""Stream tickets: they stand for a credential once, within thirty seconds, in an address.

An `EventSource` and a WebSocket of a browser send no headers. What the ticket stands for is sealed
for that ticket in Valkey, under its hash, and taken out once. It is checked then as if it had come
by itself, so a revoked credential is worth nothing here either.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from app.core.errors import Unauthenticated
from app.core.kernel import Kernel

LIFETIME_SECONDS: Final = 30
PARAMETER: Final = "ticket"


class TicketInvalid(Unauthenticated):
    """Tickets open one event stream, once, within thirty seconds."""

    code = "ticket_invalid"
    title = "The stream ticket is unknown, used or expired"


@dataclass(frozen=True, slots=True)
class Held:
    """What a ticket stands for: a credential, in a workspace, for one path or any."""

    bearer: str
    workspace_id: UUID
    path: str | None


async def issue(kernel: Kernel, held: Held) -> str:
    """A ticket; raises RedisError without an answer of the store."""
    ticket = secrets.token_urlsafe(32)
    key = _key(ticket)
    sealed = kernel.vault.seal(
        orjson.dumps([held.bearer, str(held.workspace_id), held.path]).decode(), context=key
    )
    await kernel.valkey.set(key, sealed, ex=LIFETIME_SECONDS)
    return ticket


async def redeem(kernel: Kernel, ticket: str, path: str) -> Held:
    """What a ticket stands for, once; raises TicketInvalid, for another path too."""
    key = _key(ticket)
    sealed = await kernel.valkey.getdel(key)
    if not isinstance(sealed, bytes):
        raise TicketInvalid("Get another one from `/v1/stream-tickets`.")
    bearer, workspace_id, bound_to = orjson.loads(kernel.vault.open(sealed, context=key))
    if bound_to is not None and bound_to != path:
        raise TicketInvalid("It was made for another stream.")
    return Held(bearer, UUID(workspace_id), bound_to)


def _key(ticket: str) -> str:
    return f"ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"
