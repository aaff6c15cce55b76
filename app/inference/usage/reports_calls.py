"""The calls themselves: as a list, and as a CSV file that is streamed."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.db import Database
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.prices.pricing import Pricing
from app.inference.usage.models import ModelCall
from app.inference.usage.reports_filters import chosen
from app.inference.usage.schemas import UsageCallQuery, UsageCallRead, UsageFilter

PORTION: Final = 1000  # rows that are held at a time
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS: Final = (*UsageCallRead.model_fields, "cost", "currency")

Place = tuple[datetime, UUID]


async def page(
    session: AsyncSession, workspace_id: UUID, query: UsageCallQuery, cursors: Cursors
) -> Slice[ModelCall]:
    """Calls, newest first."""
    return await fetch_page(
        session,
        select(ModelCall).where(chosen(workspace_id, query)),
        Keyset(ModelCall.created_at, ModelCall.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
    )


async def note_export(database: Database, access: Access, query: UsageFilter) -> None:
    """Have the audit trail say that the calls of a workspace were exported."""
    async with database.unit(access.scope) as session:
        note(
            session,
            Note(
                action="usage.exported",
                resource_type="model_call",
                workspace_id=access.workspace_id,
                detail=query.model_dump(mode="json", exclude_defaults=True),
            ),
        )


async def csv_file(
    database: Database, access: Access, query: UsageFilter, pricing: Pricing
) -> AsyncIterator[bytes]:
    """A line a call, oldest first; each portion is read in a short transaction of its own."""
    # Calls that begin meanwhile do not make the file longer for ever.
    start, end = query.span()
    bounded = query.model_copy(update={"start": start, "end": end})
    yield _lines([COLUMNS])
    after: Place | None = None
    while True:
        async with database.unit(access.scope) as session:
            found = await _portion(session, access.workspace_id, bounded, after)
        if not found:
            return
        yield _lines([_cells(call, pricing) for call in found])
        after = (found[-1].created_at, found[-1].id)


async def _portion(
    session: AsyncSession, workspace_id: UUID, query: UsageFilter, after: Place | None
) -> Sequence[ModelCall]:
    place = tuple_(ModelCall.created_at, ModelCall.id)
    statement = select(ModelCall).where(chosen(workspace_id, query))
    if after is not None:
        statement = statement.where(place > after)
    statement = statement.order_by(ModelCall.created_at, ModelCall.id).limit(PORTION)
    return (await session.scalars(statement)).all()


def _cells(call: ModelCall, pricing: Pricing) -> list[str]:
    told: dict[str, Any] = {name: getattr(call, name) for name in UsageCallRead.model_fields}
    told["tags"] = " ".join(call.tags)
    found = [f"{each['action']}:{each['guardrail_id']}" for each in call.guardrails]
    told["guardrails"] = " ".join(dict.fromkeys(found))
    priced = call.cost_usd is not None
    cost = round(call.cost_usd * pricing.units_per_usd, 9) if call.cost_usd is not None else None
    told |= {"cost": cost, "currency": pricing.currency if priced else None}
    return [_cell(told[name]) for name in COLUMNS]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        # Plain digits: `str` writes a zero of nine places as 0E-9.
        return f"{value:f}"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
