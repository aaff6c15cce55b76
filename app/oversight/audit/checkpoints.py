"""Checkpoints: signed statements of how long a chain was, and what its last link was."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import SYSTEM, AsyncSession, Database
from app.core.ids import new_id
from app.core.jobs import Job
from app.core.log import get_logger
from app.oversight.audit import crud, keys
from app.oversight.audit.entries import time_text
from app.oversight.audit.models import AuditCheckpoint
from app.oversight.audit.proof import message_of

log = get_logger(__name__)

EVERY = timedelta(minutes=5)
AT_ONCE = 500

Kind = Literal["interval", "export", "prune"]


def checkpoint_job(database: Database, vault: Vault) -> Job:
    """The job that signs what every chain has come to since its last checkpoint."""

    async def sign() -> None:
        more = True
        while more:
            async with database.unit(SYSTEM) as session:
                behind = await crud.chains_behind(session, AT_ONCE)
            for workspace_id in behind:
                async with database.unit(SYSTEM) as session:
                    await checkpoint_head(session, vault, workspace_id)
                await asyncio.sleep(0)
            more = len(behind) == AT_ONCE

    return Job("audit checkpoints", EVERY, sign)


async def checkpoint_head(session: AsyncSession, vault: Vault, workspace_id: UUID) -> None:
    """Sign the head of a chain, where there is one. Needs SYSTEM."""
    await crud.lock_checkpoints(session, workspace_id)
    chain = await crud.chain(session, workspace_id)
    if chain is not None:
        await make_checkpoint(
            session, vault, workspace_id, "interval", count=chain.count, head=chain.head
        )


async def make_checkpoint(
    session: AsyncSession,
    vault: Vault,
    workspace_id: UUID,
    kind: Kind,
    *,
    count: int,
    head: bytes,
    shown: int | None = None,
) -> AuditCheckpoint:
    """Sign that a chain has the link `head` at `count`, under the next number.

    The caller holds the lock of `crud.lock_checkpoints` from before it read the chain.
    """
    last = await crud.last_checkpoint(session, workspace_id)
    signer = await keys.signer(session, vault)
    row = AuditCheckpoint(
        id=new_id(),
        workspace_id=workspace_id,
        number=last.number + 1 if last else 1,
        oldest=last.oldest if last else 1,
        kind=kind,
        count=count,
        shown=shown,
        head=head,
        at=now(),
        key_id=signer.key_id,
    )
    if kind == "prune":
        # Those before the first that still speaks of a kept row go with the rows.
        kept = await crud.first_number_counting(session, workspace_id, count)
        row.oldest = kept or row.number
    row.signature = signer.private.sign(message_of(statement_of(row)))
    await crud.add(session, row)
    # A log that is kept elsewhere is a witness of its own.
    log.info(
        "audit_checkpoint", chain=str(workspace_id), number=row.number, count=count, head=head.hex()
    )
    return row


def statement_of(row: AuditCheckpoint) -> Mapping[str, Any]:
    """What is signed of a checkpoint, as JSON values."""
    return {
        "chain": str(row.workspace_id),
        "number": row.number,
        "oldest": row.oldest,
        "kind": row.kind,
        "count": row.count,
        "shown": row.shown,
        "head": row.head.hex(),
        "at": time_text(row.at),
        "key_id": row.key_id,
    }
