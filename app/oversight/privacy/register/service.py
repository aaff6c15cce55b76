"""The register, and its page in the documentation."""

from collections.abc import Mapping
from typing import Literal

from app.core.auth import Access
from app.core.data import declared
from app.core.db import AsyncSession
from app.oversight.privacy.privacy import Privacy
from app.oversight.privacy.register.schemas import (
    ColumnRead,
    ProcessingRead,
    RecipientRead,
    RegisterRead,
)
from app.oversight.privacy.retention import crud as retention
from app.oversight.privacy.tables import DataTable, all_tables

_PAGE = """\
# Register of processing

What this service keeps about people, drawn from the declarations beside the tables in the code
(`app/core/data.py` explains them). `scripts/data-register` writes this page, and a test fails
when it is out of date. The running service tells the same, with a workspace's own retention and
recipients, at `GET /v1/privacy/register`.

## About people

| table | purpose | legal basis | personal columns | erasure | retention class |
|---|---|---|---|---|---|
{personal}

## About customers of a workspace

The workspace decides about this data and we keep it for the workspace: it erases a customer by the
operation named here, and all of it goes with the workspace. Erasing an account touches none of it.

| table | purpose | personal columns | erased by |
|---|---|---|---|
{customers}

## About nobody

| table | purpose |
|---|---|
{technical}
"""


async def read(session: AsyncSession, access: Access, privacy: Privacy) -> RegisterRead:
    """The register as it is for the caller's workspace."""
    policy = await retention.get(session, access.workspace_id)
    recipients = await privacy.recipients(session, access.workspace_id)
    return RegisterRead(
        processing=processing(policy.days if policy else {}),
        recipients=[RecipientRead.model_validate(recipient) for recipient in recipients],
    )


def processing(days: Mapping[str, int]) -> list[ProcessingRead]:
    """Every table by its name, with the days of a policy."""
    return [_entry(table, days) for table in sorted(all_tables(), key=lambda t: t.name)]


def page() -> str:
    """`docs/compliance/data-register.md`."""
    entries = processing({})
    personal = [
        f"| `{e.table}` | {e.purpose} | {e.basis} | {_columns(e)} | {_erasure(e)} "
        f"| {e.retention_class or '—'} |"
        for e in entries
        if e.subjects == "person"
    ]
    customers = [
        f"| `{e.table}` | {e.purpose} | {_columns(e)} | `{e.erased_by}` |"
        for e in entries
        if e.subjects == "customer"
    ]
    technical = [f"| `{e.table}` | {e.purpose} |" for e in entries if e.subjects == "none"]
    return _PAGE.format(
        personal="\n".join(personal),
        customers="\n".join(customers),
        technical="\n".join(technical),
    )


def _entry(table: DataTable, days: Mapping[str, int]) -> ProcessingRead:
    held = [(column.name, declared(column.info)) for column in table.table.c]
    columns = [
        ColumnRead(name=name, category=holds.category)
        for name, holds in held
        if holds is not None and holds.category is not None
    ]
    handling = table.handling
    return ProcessingRead(
        table=table.name,
        purpose=handling.purpose,
        basis=handling.basis if table.belongs_to_someone else None,
        subjects=_subjects(table),
        categories=sorted({column.category for column in columns}),
        columns=columns,
        has_secrets=any(holds is not None and holds.kind == "secret" for _, holds in held),
        erasure=handling.erase,
        erased_by=handling.erased_by,
        reason=handling.reason,
        retention_class=handling.retention,
        retention_days=days.get(handling.retention or ""),
    )


def _subjects(table: DataTable) -> Literal["person", "customer", "none"]:
    if table.belongs_to_someone:
        return "person"
    return "customer" if table.handling.erased_by else "none"


def _columns(entry: ProcessingRead) -> str:
    return ", ".join(f"{c.name} ({c.category})" for c in entry.columns) or "the person's id alone"


def _erasure(entry: ProcessingRead) -> str:
    return f"{entry.erasure}: {entry.reason}" if entry.reason else entry.erasure
