"""The root secret: what derived keys come from, kept sealed in Postgres.

It outlives the master keys, so cursors, refresh tokens, fingerprints and signatures stay valid
when one is rotated. An installation from before there was one goes on with its master key.
"""

import base64
import secrets

from sqlalchemy import LargeBinary, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.audit import Note, note
from app.core.crypto.errors import InvalidMasterKey, UnreadableSecret
from app.core.crypto.vault import Vault
from app.core.data import secret, technical
from app.core.db import SYSTEM, Database, Row
from app.core.ids import new_id

_LOCK = 7224318613
_ROOT_BYTES = 32


class RootSecret(Row):
    """The root secret; unsealed yet where a migration found an installation without one."""

    __tablename__ = "root_secrets"
    __handling__ = technical("derive keys that outlive the master keys", audited=False)

    sealed_secret: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=secret(sealed_as="root_secrets/{id}")
    )


async def load_root(database: Database, vault: Vault) -> None:
    """Give the vault its root secret; raises InvalidMasterKey where no key here opens it."""
    async with database.unit(SYSTEM) as session:
        row = await _newest(session)
        if row is None or row.sealed_secret is None:
            await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            row = await _newest(session)
        if row is None:
            vault.root = secrets.token_bytes(_ROOT_BYTES)
            session.add(_sealed(RootSecret(id=new_id()), vault))
        elif row.sealed_secret is None:
            _sealed(row, vault)
        else:
            vault.root = _open(row.id, row.sealed_secret, vault)


async def restart_root(database: Database, vault: Vault) -> None:
    """Begin with a new root secret: what was derived from the one before is void."""
    async with database.unit(SYSTEM) as session:
        await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        await session.execute(delete(RootSecret))
        vault.root = secrets.token_bytes(_ROOT_BYTES)
        row = _sealed(RootSecret(id=new_id()), vault)
        session.add(row)
        note(session, Note("root_secret.replaced", "root_secret", row.id))


async def _newest(session: AsyncSession) -> RootSecret | None:
    found: RootSecret | None = await session.scalar(
        select(RootSecret)
        .order_by(RootSecret.created_at.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return found


def _sealed(row: RootSecret, vault: Vault) -> RootSecret:
    text = base64.b64encode(vault.root).decode()
    row.sealed_secret = vault.seal(text, context=f"root_secrets/{row.id}")
    return row


def _open(row_id: object, sealed: bytes, vault: Vault) -> bytes:
    try:
        return base64.b64decode(vault.open(sealed, context=f"root_secrets/{row_id}"))
    except UnreadableSecret:
        raise InvalidMasterKey(
            f"the master key of {vault.keys.source.place} is not the one that this database was "
            "sealed with; give it back, or put it beside the new one as a retired key; if it is "
            "lost, `luminous keys restart` goes on without what it sealed"
        ) from None
