"""The lines of an export: what a verifier needs, and nothing that it does not prove.

A file is a header, the checkpoints, the rows from the oldest on, and at last the signed checkpoint
of this export. A row that the filters left out is told by its digest, so the chain stays whole.
"""

import base64
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.oversight.audit.checkpoints import statement_of
from app.oversight.audit.entries import time_text
from app.oversight.audit.models import AuditCheckpoint, AuditLog
from app.oversight.audit.proof import digest_of

FORMAT = "luminous-audit/1"


def in_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def header_line(workspace_id: UUID, keys: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "type": "header",
        "format": FORMAT,
        "chain": str(workspace_id),
        "keys": {key_id: in_base64(public) for key_id, public in keys.items()},
    }


def checkpoint_line(row: AuditCheckpoint) -> dict[str, Any]:
    return {"type": "checkpoint", **statement_of(row), "signature": in_base64(row.signature)}


def row_line(row: AuditLog) -> dict[str, Any]:
    """A row in full: its content, and what is left of its erasable values."""
    erasable = {
        name: {"salt": entry["salt"], "value": entry["value"]}
        for name, entry in row.erasable.items()
    }
    return {
        "type": "row",
        "sequence": row.sequence,
        **content_of(row),
        "erasable": erasable,
        "hash": row.hash.hex(),
    }


def omitted_line(row: AuditLog) -> dict[str, Any]:
    """A row that was not asked for: the digest that links it."""
    return {
        "type": "omitted",
        "sequence": row.sequence,
        "digest": digest_of(content_of(row)).hex(),
        "hash": row.hash.hex(),
    }


def content_of(row: AuditLog) -> dict[str, Any]:
    """What the digest of a row covers, as JSON values."""
    return {
        "id": str(row.id),
        "at": time_text(row.at),
        "actor_id": _text(row.actor_id),
        "credential": row.credential,
        "credential_id": _text(row.credential_id),
        "action": row.action,
        "operation": row.operation,
        "resource_type": row.resource_type,
        "resource_id": row.resource_id,
        "outcome": row.outcome,
        "request_id": row.request_id,
        "changes": row.changes,
        "commitments": row.commitments,
    }


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
