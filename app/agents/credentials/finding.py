"""Credentials, opened for use: by tools, databases and MCP servers of the same workspace."""

import base64
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from yarl import URL

from app.agents.credentials import crud
from app.agents.credentials.errors import ToolCredentialNotFound, ToolCredentialUnusable
from app.agents.credentials.hosts import permits
from app.agents.credentials.models import ToolCredential
from app.agents.credentials.schemas import CredentialKind
from app.agents.credentials.service import seal_context
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.crypto import UnreadableSecret, Vault
from app.core.db import AsyncSession, Database

# How often the audit trail is told that a credential is in use, and of how many that is kept.
TOLD_SECONDS = 3600.0
MOST_TOLD = 10_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A credential with its secret values in the clear; keep it no longer than a call.

    `values`: of a token `token`, of basic `username` and `password`, of a dsn `dsn`, of headers
    the fields themselves.
    """

    id: UUID
    name: str
    kind: CredentialKind
    hosts: tuple[str, ...]
    values: Mapping[str, str] = field(repr=False)

    def may_go_to(self, url: URL) -> bool:
        """Whether it may be sent there; ask before every request, a redirected one too."""
        return permits(self.hosts, url)

    def headers(self) -> dict[str, str]:
        """As header fields: `Authorization`, or those it holds; raises ToolCredentialUnusable."""
        match self.kind:
            case "token":
                return {"Authorization": f"Bearer {self.values['token']}"}
            case "basic":
                both = f"{self.values['username']}:{self.values['password']}".encode()
                return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
            case "headers":
                return dict(self.values)
        raise ToolCredentialUnusable(f"`{self.name}` cannot be sent as a header.")

    def secrets(self) -> tuple[str, ...]:
        """What must stand in no result: its values, and what is made of them."""
        made = () if self.kind == "dsn" else tuple(self.headers().values())
        known = self.values.values() if self.kind != "basic" else (self.values["password"],)
        return tuple({*known, *(each.removeprefix("Basic ") for each in made)})


class Credentials:
    """Finds a workspace's credentials; of one process."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._told: dict[UUID, float] = {}

    async def find(self, access: Access, reference: str, *kinds: CredentialKind) -> Opened:
        """The one with this name or id, of one of these kinds (any, if none is named).

        Raises ToolCredentialNotFound and ToolCredentialUnusable. It has a transaction of its own.
        """
        async with self._database.unit(access.scope) as session:
            row = await self._row(session, access, reference)
            if row is None:
                raise ToolCredentialNotFound(f"There is no credential {reference!r}.")
            opened = self._open(row)
            if kinds and opened.kind not in kinds:
                raise ToolCredentialUnusable(
                    f"`{row.name}` is of the kind {row.kind}; needed is {' or '.join(kinds)}."
                )
            self._note_use(session, access, row)
        return opened

    async def exists(self, access: Access, reference: str) -> bool:
        """Whether there is such a one with its secret; nothing is opened."""
        async with self._database.unit(access.scope) as session:
            row = await self._row(session, access, reference)
        return row is not None and row.ready

    async def ready(self, access: Access) -> frozenset[str]:
        """The names and ids of all that have their secret; nothing is opened."""
        async with self._database.unit(access.scope) as session:
            rows = await crud.ready(session, access.workspace_id)
        return frozenset(each for row in rows for each in (row.name, str(row.id)))

    async def _row(
        self, session: AsyncSession, access: Access, reference: str
    ) -> ToolCredential | None:
        try:
            found = await crud.get(session, access.workspace_id, UUID(reference))
        except ValueError:
            found = None
        # A name may look like an id.
        return found or await crud.named(session, access.workspace_id, reference)

    def _open(self, row: ToolCredential) -> Opened:
        if row.sealed_secret is None:
            raise ToolCredentialUnusable(f"`{row.name}` was restored without its secret: set it.")
        try:
            plain = self._vault.open(row.sealed_secret, context=seal_context(row))
        except UnreadableSecret:
            raise ToolCredentialUnusable(f"`{row.name}` does not open: set it again.") from None
        kind: CredentialKind = row.kind  # type: ignore[assignment]
        return Opened(row.id, row.name, kind, tuple(row.hosts), orjson.loads(plain))

    def _note_use(self, session: AsyncSession, access: Access, row: ToolCredential) -> None:
        """Have the audit trail say that it is opened, once an hour."""
        moment = time.monotonic()
        if len(self._told) >= MOST_TOLD:
            self._told.clear()
        if moment - self._told.get(row.id, -math.inf) > TOLD_SECONDS:
            used = Note(
                "tool_credential.opened",
                "tool_credential",
                row.id,
                workspace_id=access.workspace_id,
                actor_id=access.user_id,
            )
            note(session, used)
            self._told[row.id] = moment
