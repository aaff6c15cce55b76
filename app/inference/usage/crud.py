"""Model calls in Postgres."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.inference.usage.models import ModelCall


async def add(session: AsyncSession, call: ModelCall) -> None:
    session.add(call)
    await session.flush()


async def get_for_update(
    session: AsyncSession, workspace_id: UUID, call_id: UUID
) -> ModelCall | None:
    statement = (
        select(ModelCall)
        .where(ModelCall.workspace_id == workspace_id, ModelCall.id == call_id)
        .with_for_update()
    )
    return (await session.scalars(statement)).one_or_none()


async def open_of_run(
    session: AsyncSession, workspace_id: UUID, run_id: UUID
) -> Sequence[ModelCall]:
    statement = select(ModelCall).where(
        ModelCall.workspace_id == workspace_id,
        ModelCall.run_id == run_id,
        ModelCall.status == "started",
    )
    return (await session.scalars(statement.order_by(ModelCall.id))).all()


async def sums_of_run(
    session: AsyncSession, workspace_id: UUID, run_id: UUID
) -> tuple[int, int, Decimal | None]:
    """Input tokens, output tokens, and the cost unless one of the calls has no known price."""
    statement = select(
        func.coalesce(func.sum(ModelCall.input_tokens), 0),
        func.coalesce(func.sum(ModelCall.output_tokens), 0),
        func.sum(ModelCall.cost_usd),
        func.bool_or(ModelCall.cost_usd.is_(None)),
    ).where(ModelCall.workspace_id == workspace_id, ModelCall.run_id == run_id)
    input_tokens, output_tokens, cost_usd, unknown = (await session.execute(statement)).one()
    return input_tokens, output_tokens, None if unknown else cost_usd
