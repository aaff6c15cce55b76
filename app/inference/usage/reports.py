"""What model calls came to, summed by any dimensions."""

from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import Text, case, column, func, literal, select, text, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldError, Unprocessable
from app.core.paging import Cursors, Slice, binding_of
from app.inference.prices.pricing import Pricing
from app.inference.usage.models import ModelCall
from app.inference.usage.reports_filters import chosen, dimension
from app.inference.usage.schemas import DIMENSIONS, UsageQuery, UsageRow

_TOKENS = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)


async def page(
    session: AsyncSession, workspace_id: UUID, query: UsageQuery, cursors: Cursors, pricing: Pricing
) -> Slice[UsageRow]:
    """One page of sums, by the dimensions in the order in which they are named."""
    if query.timezone not in available_timezones():
        wrong = FieldError("/query/timezone", "value_error", "is no time zone")
        raise Unprocessable("The query is not valid.", errors=(wrong,))
    descending = query.descends(by_default=False)
    binding = binding_of(f"usage.{descending}", query, workspace_id)
    grouped = _grouped(workspace_id, query).subquery()
    total = None
    if query.include == "total":
        total = await session.scalar(select(func.count()).select_from(grouped))
    # What a call has not sorts first.
    keys = [func.coalesce(grouped.c[name], "") for name in query.group_by]
    statement = select(grouped)
    if query.cursor:  # one sum alone has no next page: no cursor is of it
        after = cursors.decode(query.cursor, binding)
        position = tuple_(*(literal(value, Text) for value in after))
        row = tuple_(*keys)
        statement = statement.where(row < position if descending else row > position)
    statement = statement.order_by(*(key.desc() if descending else key for key in keys))
    found = (await session.execute(statement.limit(query.limit + 1))).mappings().all()
    shown, has_more = found[: query.limit], len(found) > query.limit
    cursor = None
    if has_more:
        cursor = cursors.encode([shown[-1][name] or "" for name in query.group_by], binding)
    return Slice([_row(row, pricing) for row in shown], has_more, cursor, total)


def _grouped(workspace_id: UUID, query: UsageQuery) -> Any:
    names = query.group_by
    by = [dimension(name, query.timezone).label(name) for name in names]
    statement = select(*by, *_sums()).where(chosen(workspace_id, query))
    if "tag" in names:
        tags = func.jsonb_array_elements_text(ModelCall.tags).table_valued(
            column("value", Text), name="one_tag", joins_implicitly=True
        )
        statement = statement.select_from(ModelCall).outerjoin(tags, true())
    else:
        statement = statement.select_from(ModelCall)
    # By their place: a time zone is a parameter, which would not be the same expression twice.
    return statement.group_by(*(text(str(i)) for i in range(1, len(by) + 1)))


def _sums() -> list[Any]:
    def quantile(share: float) -> Any:
        return func.percentile_cont(share).within_group(ModelCall.first_token_ms)

    def counted(condition: Any) -> Any:
        return func.count(case((condition, 1)))

    ended = ModelCall.status != "started"
    return [
        func.count().label("calls"),
        counted(ModelCall.attempt == 1).label("requests"),
        counted(ModelCall.status == "failed").label("errors"),
        *(func.coalesce(func.sum(getattr(ModelCall, name)), 0).label(name) for name in _TOKENS),
        counted(ended & ModelCall.estimated).label("estimated_calls"),
        counted(ended & ModelCall.cost_usd.is_(None)).label("unpriced_calls"),
        func.coalesce(func.sum(ModelCall.cost_usd), 0).label("cost_usd"),
        func.coalesce(func.sum(ModelCall.saved_usd), 0).label("saved_usd"),
        quantile(0.5).label("first_token_ms_p50"),
        quantile(0.95).label("first_token_ms_p95"),
    ]


def _row(found: Any, pricing: Pricing) -> UsageRow:
    told = dict(found)
    group = {name: told.pop(name, None) for name in DIMENSIONS}
    for name in ("first_token_ms_p50", "first_token_ms_p95"):
        told[name] = None if told[name] is None else round(told[name])
    cost = Decimal(told["cost_usd"]) * pricing.units_per_usd
    return UsageRow.model_validate(
        {**told, "group": group, "cost": round(cost, 9), "currency": pricing.currency}
    )
