"""Model calls in Postgres."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select, text
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


# A record that ends a call takes the place of one that starts it, or of a guess that it was lost;
# nothing takes the place of an end but the same end. A deleted workspace takes its calls with it.
_MERGE = text(
    """
    insert into model_calls (
        id, workspace_id, user_id, integration_id, provider, model, purpose, status, executor_id,
        input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens,
        estimated, cost_usd, first_token_ms, error_code, ended_at, created_at, updated_at)
    select
        r.id, r.workspace_id, r.user_id, r.integration_id, r.provider, r.model, 'gateway',
        r.status, r.executor_id, r.input_tokens, r.output_tokens, r.cached_input_tokens,
        r.cache_write_tokens, r.reasoning_tokens, r.estimated, r.cost_usd, r.first_token_ms,
        r.error_code, r.ended_at, r.created_at, now()
    from json_to_recordset(cast(:records as json)) as r(
        id uuid, workspace_id uuid, user_id uuid, integration_id uuid, provider text, model text,
        status text, executor_id text, input_tokens int, output_tokens int,
        cached_input_tokens int, cache_write_tokens int, reasoning_tokens int, estimated bool,
        cost_usd numeric, first_token_ms int, error_code text, ended_at timestamptz,
        created_at timestamptz)
    join workspaces on workspaces.id = r.workspace_id
    order by r.id
    on conflict (id) do update set
        status = excluded.status, input_tokens = excluded.input_tokens,
        output_tokens = excluded.output_tokens,
        cached_input_tokens = excluded.cached_input_tokens,
        cache_write_tokens = excluded.cache_write_tokens,
        reasoning_tokens = excluded.reasoning_tokens, estimated = excluded.estimated,
        cost_usd = excluded.cost_usd, first_token_ms = excluded.first_token_ms,
        error_code = excluded.error_code, ended_at = excluded.ended_at, updated_at = now()
    where excluded.status <> 'started' and model_calls.status in ('started', 'interrupted')
    """
)


async def merge(session: AsyncSession, records: str) -> None:
    """Write gateway calls of any workspace (a JSON array, one record a call) under SYSTEM."""
    await session.execute(_MERGE, {"records": records})


async def executors_with_open_calls(session: AsyncSession) -> Sequence[str]:
    """Who has gateway calls under way, in any workspace; calls of runs end with their run."""
    statement = select(ModelCall.executor_id).where(
        ModelCall.status == "started", ModelCall.run_id.is_(None)
    )
    return (await session.scalars(statement.distinct())).all()


async def lock_open_of_executors(
    session: AsyncSession, executors: Sequence[str], limit: int
) -> Sequence[ModelCall]:
    statement = (
        select(ModelCall)
        .where(
            ModelCall.status == "started",
            ModelCall.run_id.is_(None),
            ModelCall.executor_id.in_(executors),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).all()
