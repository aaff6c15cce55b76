"""The ledger: a call is opened before the provider is asked and settled once, whatever happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.inference.catalog.pricing import cost
from app.inference.integrations.directory import Target
from app.inference.providers.types import (
    ChatRequest,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Usage,
)
from app.inference.usage import crud
from app.inference.usage.models import ModelCall

# Where a provider gave no count: four characters a token, as for English text.
CHARACTERS_A_TOKEN = 4
IMAGE_TOKENS = 800
LOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a model is called, and for which run and purpose."""

    workspace_id: UUID
    user_id: UUID
    executor_id: str
    purpose: str
    run_id: UUID | None = None


async def open_call(
    session: AsyncSession, caller: Caller, target: Target, request: ChatRequest
) -> UUID:
    """Write down that a call is about to be made, with its input estimated; returns its id."""
    call = ModelCall(
        id=new_id(),
        workspace_id=caller.workspace_id,
        user_id=caller.user_id,
        run_id=caller.run_id,
        integration_id=target.endpoint.integration_id,
        provider=target.endpoint.kind,
        model=target.model,
        purpose=caller.purpose,
        executor_id=caller.executor_id,
        input_tokens=estimate_input(request.messages),
    )
    await crud.add(session, call)
    return call.id


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. Without `usage`, what was written is counted from `text`."""

    status: str
    usage: Usage | None = None
    text: str = ""
    error_code: str | None = None
    first_token_ms: int | None = None


async def settle_call(
    session: AsyncSession, workspace_id: UUID, call_id: UUID, outcome: Outcome
) -> ModelCall | None:
    """End an open call; one that is settled already stays as it is. Returns the call."""
    call = await crud.get_for_update(session, workspace_id, call_id)
    if call is None or call.ended_at is not None:
        return call
    _end(call, outcome)
    await session.flush()
    return call


def _end(call: ModelCall, outcome: Outcome) -> None:
    usage = outcome.usage
    if usage is None:
        answered = outcome.status != "failed" or bool(outcome.text)
        usage = Usage(
            input_tokens=call.input_tokens if answered else 0,
            output_tokens=estimate_text(outcome.text),
        )
    call.status, call.error_code = outcome.status, outcome.error_code
    call.estimated = outcome.usage is None
    call.input_tokens, call.output_tokens = usage.input_tokens, usage.output_tokens
    call.cached_input_tokens = usage.cached_input_tokens
    call.cache_write_tokens = usage.cache_write_tokens
    call.reasoning_tokens = usage.reasoning_tokens
    call.first_token_ms = outcome.first_token_ms
    call.cost_usd = cost(call.provider, call.model, usage)
    call.ended_at = now()


async def settle_interrupted(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, text: str
) -> None:
    """Settle what a dead process left open of a run; `text` is what the log kept of the answer."""
    for call in await crud.open_of_run(session, workspace_id, run_id):
        await settle_call(session, workspace_id, call.id, Outcome("interrupted", text=text))
        text = ""


async def settle_lost(session: AsyncSession, executors: Sequence[str]) -> int:
    """Settle the gateway calls that these dead processes left open; how many there were."""
    calls = await crud.lock_open_of_executors(session, executors, LOST_AT_ONCE)
    for call in calls:
        _end(call, Outcome("interrupted"))
    await session.flush()
    return len(calls)


@dataclass(frozen=True, slots=True)
class Total:
    """What a run's calls came to; `cost_usd` is None where a price is missing."""

    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None


async def total_of_run(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Total:
    return Total(*await crud.sums_of_run(session, workspace_id, run_id))


def estimate_input(messages: tuple[Message, ...]) -> int:
    """Tokens of a request, roughly."""
    return sum(4 + _estimate_parts(message) for message in messages)


def _estimate_parts(message: Message) -> int:
    tokens = 0
    for part in message.parts:
        if isinstance(part, TextPart):
            tokens += estimate_text(part.text)
        elif isinstance(part, ToolCallPart):
            tokens += estimate_text(part.name + part.arguments)
        elif isinstance(part, ToolResultPart):
            tokens += estimate_text(part.content)
        else:
            tokens += IMAGE_TOKENS
    return tokens


def estimate_text(text: str) -> int:
    return -(-len(text) // CHARACTERS_A_TOKEN)
