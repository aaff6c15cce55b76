"""Exports: the trail of a workspace as JSON Lines that can be verified, or as CSV."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import orjson

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.crypto import Vault
from app.core.db import Database
from app.oversight.audit import crud, keys
from app.oversight.audit.checkpoints import make_checkpoint
from app.oversight.audit.lines import checkpoint_line, header_line, omitted_line, row_line
from app.oversight.audit.models import AuditCheckpoint, AuditLog
from app.oversight.audit.schemas import AuditExportQuery, AuditLogRead
from app.oversight.audit.service import shown

PORTION = 500  # rows that are held at a time
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS = (
    "sequence", "id", "at", "action", "operation", "outcome", "actor_id", "credential",
    "credential_id", "resource_type", "resource_id", "request_id", "address", "user_agent",
    "detail", "changes", "erased", "hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Export:
    """An export that is noted in the trail and has its last line, the signed checkpoint."""

    database: Database
    access: Access
    query: AuditExportQuery
    end: AuditCheckpoint
    keys: Mapping[str, bytes]

    @property
    def file_name(self) -> str:
        return f"audit-{self.access.workspace_id}-{self.end.number}.{self.query.format}"

    def stream(self) -> AsyncIterator[bytes]:
        """The file, in portions; each is read in a short transaction of its own."""
        return self._csv() if self.query.format == "csv" else self._json_lines()

    async def _json_lines(self) -> AsyncIterator[bytes]:
        yield _line(header_line(self.access.workspace_id, self.keys))
        async for checkpoint in self._checkpoints():
            yield checkpoint
        async for rows in self._portions():
            yield b"".join(
                _line(row_line(row) if is_shown else omitted_line(row)) for row, is_shown in rows
            )
        yield _line(checkpoint_line(self.end))

    async def _checkpoints(self) -> AsyncIterator[bytes]:
        """Those before the one that ends the file."""
        after = 0
        while after < self.end.number - 1:
            async with self.database.unit(self.access.scope) as session:
                found = await crud.checkpoints(
                    session,
                    self.access.workspace_id,
                    after=after,
                    up_to=self.end.number - 1,
                    most=PORTION,
                )
            if not found:
                return
            yield b"".join(_line(checkpoint_line(row)) for row in found)
            after = found[-1].number

    async def _csv(self) -> AsyncIterator[bytes]:
        yield _csv_rows([_COLUMNS])
        async for rows in self._portions():
            yield _csv_rows([_cells(shown(row)) for row, is_shown in rows if is_shown])

    async def _portions(self) -> AsyncIterator[list[tuple[AuditLog, bool]]]:
        after = 0
        while after < self.end.count:
            async with self.database.unit(self.access.scope) as session:
                found = await crud.shown_portion(
                    session,
                    self.access.workspace_id,
                    self.query,
                    after=after,
                    up_to=self.end.count,
                    most=PORTION,
                )
            if not found:
                return
            yield list(found)
            after = found[-1][0].sequence


async def begin_export(
    database: Database, vault: Vault, access: Access, query: AuditExportQuery
) -> Export:
    """Note the export in the trail, then sign what the trail has come to: the file's last line."""
    async with database.unit(access.scope) as session:
        note(
            session,
            Note(
                action="audit_log.exported",
                resource_type="audit_log",
                workspace_id=access.workspace_id,
                detail=query.model_dump(mode="json", exclude_none=True),
            ),
        )
    async with database.unit(access.scope) as session:
        await crud.lock_checkpoints(session, access.workspace_id)
        chain = await crud.chain(session, access.workspace_id)
        assert chain is not None  # noqa: S101 - the note above is in it
        end = await make_checkpoint(
            session,
            vault,
            access.workspace_id,
            "export",
            count=chain.count,
            head=chain.head,
            shown=await crud.count_shown(session, access.workspace_id, query, chain.count),
        )
        known = await keys.trusted(session, vault)
    return Export(database, access, query, end, known)


def _line(value: Mapping[str, object]) -> bytes:
    return orjson.dumps(value) + b"\n"


def _csv_rows(rows: list[tuple[object, ...]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue().encode()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(row: AuditLogRead) -> tuple[object, ...]:
    changes = [change.model_dump(mode="json") for change in row.changes]
    return (
        row.sequence, row.id, row.at.isoformat(), row.action, row.operation, row.outcome,
        row.actor.id, row.actor.credential, row.actor.credential_id, row.resource.type,
        row.resource.id, row.request_id, row.address, row.user_agent,
        orjson.dumps(row.detail).decode() if row.detail else "",
        orjson.dumps(changes).decode() if changes else "",
        " ".join(row.erased), row.hash,
    )  # fmt: skip
