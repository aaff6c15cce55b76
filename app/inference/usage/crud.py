"""Model calls in Postgres."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import SYSTEM, Database
from app.core.statements import Statement
from app.inference.usage.models import ModelCall
from app.runs.runs.models import Run


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
# nothing takes the place of an end but the same end. One that starts it takes the place of another
# that expects less of it. Of several records of one call (nulls, which are first, stand for ends)
# the last of the highest rank counts. A deleted workspace takes its calls with it.
_MERGE = Statement(
    text(
        """
    insert into model_calls (
        id, request_id, attempt, workspace_id, user_id, api_key_id, customer, agent_id, run_id,
        conversation_id, tags, purpose, operation, dialect, route, category, integration_id,
        provider, model, reference, status, executor_id, input_tokens, output_tokens,
        cached_input_tokens, cache_write_tokens, reasoning_tokens, estimated, cost_usd, price,
        reserved_usd, cache_status, saved_usd, first_token_ms, error_code, guardrails, ended_at,
        created_at, updated_at)
    select distinct on (r.id)
        r.id, r.request_id, coalesce(r.attempt, 1), r.workspace_id, r.user_id, r.api_key_id,
        r.customer, r.agent_id, r.run_id, r.conversation_id, coalesce(r.tags, '[]'),
        coalesce(r.purpose, 'gateway'), coalesce(r.operation, 'chat'), r.dialect, r.route,
        r.category, r.integration_id, r.provider, r.model, r.reference, r.status, r.executor_id,
        r.input_tokens, r.output_tokens, coalesce(r.cached_input_tokens, 0),
        coalesce(r.cache_write_tokens, 0), coalesce(r.reasoning_tokens, 0), r.estimated,
        r.cost_nano::numeric / 1000000000, r.price,
        r.reserved_nano::numeric / 1000000000, coalesce(r.cache_status, 'none'),
        r.saved_nano::numeric / 1000000000, r.first_token_ms, r.error_code,
        coalesce(r.guardrails, '[]'), r.ended_at, r.created_at, clock_timestamp()
    from rows from (json_to_recordset(cast(:records as json)) as (
        id uuid, request_id uuid, attempt int, workspace_id uuid, user_id uuid, api_key_id uuid,
        customer text, agent_id uuid, run_id uuid, conversation_id uuid, tags jsonb, purpose text,
        operation text, dialect text, route text, category text, integration_id uuid,
        provider text, model text, reference text, status text, executor_id text,
        input_tokens int, output_tokens int, cached_input_tokens int, cache_write_tokens int,
        reasoning_tokens int, estimated bool, cost_nano bigint, price jsonb,
        reserved_nano bigint, cache_status text, saved_nano bigint, first_token_ms int,
        error_code text, guardrails jsonb, ended_at timestamptz, created_at timestamptz))
        with ordinality as r(
        id, request_id, attempt, workspace_id, user_id, api_key_id, customer, agent_id, run_id,
        conversation_id, tags, purpose, operation, dialect, route, category, integration_id,
        provider, model, reference, status, executor_id, input_tokens, output_tokens,
        cached_input_tokens, cache_write_tokens, reasoning_tokens, estimated, cost_nano, price,
        reserved_nano, cache_status, saved_nano, first_token_ms, error_code, guardrails, ended_at,
        created_at, place)
    join workspaces on workspaces.id = r.workspace_id
    order by r.id, array_position(array['started', 'interrupted'], r.status) desc, place desc
    on conflict (id) do update set
        integration_id = excluded.integration_id, provider = excluded.provider,
        model = excluded.model, reference = excluded.reference,
        status = excluded.status, input_tokens = excluded.input_tokens,
        output_tokens = excluded.output_tokens,
        cached_input_tokens = excluded.cached_input_tokens,
        cache_write_tokens = excluded.cache_write_tokens,
        reasoning_tokens = excluded.reasoning_tokens, estimated = excluded.estimated,
        cost_usd = excluded.cost_usd, price = excluded.price,
        reserved_usd = excluded.reserved_usd, cache_status = excluded.cache_status,
        saved_usd = excluded.saved_usd, first_token_ms = excluded.first_token_ms,
        error_code = excluded.error_code, guardrails = excluded.guardrails,
        ended_at = excluded.ended_at,
        updated_at = clock_timestamp()
    where (excluded.status <> 'started' and model_calls.status in ('started', 'interrupted'))
        or (model_calls.status = 'started' and excluded.output_tokens > model_calls.output_tokens)
    """
    )
)


async def merge(database: Database, records: bytes) -> None:
    """Write gateway calls of any workspace: a JSON array, one record a call."""
    await database.carry_out(SYSTEM, _MERGE.call({"records": records.decode()}))


# A run that goes on elsewhere settles its calls itself; of one that has ended nobody does.
_OF_NO_RUN_UNDER_WAY = or_(
    ModelCall.run_id.is_(None),
    ~exists().where(Run.id == ModelCall.run_id, Run.ended_at.is_(None)),
)


async def executors_with_open_calls(session: AsyncSession) -> Sequence[str]:
    """Who has calls under way, in any workspace; not those of runs that are under way, too."""
    statement = select(ModelCall.executor_id).where(
        ModelCall.status == "started", _OF_NO_RUN_UNDER_WAY
    )
    return (await session.scalars(statement.distinct())).all()


async def open_of_executors(
    session: AsyncSession, executors: Sequence[str], limit: int
) -> Sequence[ModelCall]:
    statement = select(ModelCall).where(
        ModelCall.status == "started",
        _OF_NO_RUN_UNDER_WAY,
        ModelCall.executor_id.in_(executors),
    )
    return (await session.scalars(statement.order_by(ModelCall.id).limit(limit))).all()
