"""What may be read of the audit trail."""

from typing import Any
from uuid import UUID

import orjson

from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.paging import Cursors, PageQuery, Slice
from app.oversight.audit import crud
from app.oversight.audit.errors import AuditLogNotFound
from app.oversight.audit.lines import in_base64
from app.oversight.audit.models import AuditCheckpoint, AuditLog
from app.oversight.audit.schemas import (
    AuditActor,
    AuditChange,
    AuditCheckpointRead,
    AuditLogQuery,
    AuditLogRead,
    AuditResource,
)

ERASED = "[erased]"


async def page(
    session: AsyncSession, access: Access, query: AuditLogQuery, cursors: Cursors
) -> Slice[AuditLogRead]:
    return (await crud.page(session, access.workspace_id, query, cursors)).map(shown)


async def get(session: AsyncSession, access: Access, audit_log_id: UUID) -> AuditLogRead:
    """Raises AuditLogNotFound."""
    row = await crud.get(session, access.workspace_id, audit_log_id)
    if row is None:
        raise AuditLogNotFound
    return shown(row)


async def checkpoints(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[AuditCheckpointRead]:
    found = await crud.checkpoint_page(session, access.workspace_id, query, cursors)
    keys = {key.key_id: in_base64(key.public_key) for key in await crud.keys(session)}
    return found.map(lambda row: _shown_checkpoint(row, keys))


def shown(row: AuditLog) -> AuditLogRead:
    """A row as a reader sees it: what is erasable back in its place, and what is gone named."""
    values = {name: orjson.loads(entry["value"]) for name, entry in row.erasable.items()}
    erased = sorted(row.commitments.keys() - values.keys())
    values.update(dict.fromkeys(erased, ERASED))
    detail = values.get("detail")
    return AuditLogRead(
        id=row.id,
        sequence=row.sequence,
        at=row.at,
        action=row.action,
        operation=row.operation,
        outcome=row.outcome,
        actor=AuditActor(
            id=row.actor_id,
            credential=row.credential,
            credential_id=row.credential_id,
        ),
        resource=AuditResource(type=row.resource_type, id=row.resource_id),
        request_id=row.request_id,
        address=values.get("address"),
        user_agent=values.get("user_agent"),
        detail=None if detail == ERASED else detail,
        changes=[_shown_change(i, told, values) for i, told in enumerate(row.changes)],
        erased=erased,
        hash=row.hash.hex(),
    )


def _shown_change(number: int, told: dict[str, Any], values: dict[str, Any]) -> AuditChange:
    whole = dict(told)
    for side in ("before", "after"):
        start = f"changes/{number}/{side}/"
        personal = {n.removeprefix(start): v for n, v in values.items() if n.startswith(start)}
        whole[side] = {**told[side], **personal}
    return AuditChange.model_validate(whole)


def _shown_checkpoint(row: AuditCheckpoint, keys: dict[str, str]) -> AuditCheckpointRead:
    return AuditCheckpointRead(
        id=row.id,
        number=row.number,
        oldest=row.oldest,
        kind=row.kind,
        count=row.count,
        shown=row.shown,
        head=row.head.hex(),
        at=row.at,
        key_id=row.key_id,
        public_key=keys.get(row.key_id),
        signature=in_base64(row.signature),
    )
