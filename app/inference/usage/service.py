"""What runs cost, and how much a text or a request is in tokens, roughly."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.core.db import AsyncSession
from app.inference.providers.types import (
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from app.inference.usage import crud

# Where a provider gave no count: four characters a token, as for English text.
CHARACTERS_A_TOKEN = 4
IMAGE_TOKENS = 800


@dataclass(frozen=True, slots=True)
class Total:
    """What a run's calls came to; `cost_usd` is None where a price is missing."""

    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None


async def total_of_run(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Total:
    return Total(*await crud.sums_of_run(session, workspace_id, run_id))


async def open_requests(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> list[UUID]:
    """The requests of a run that nobody has settled, as far as the ledger knows."""
    calls = await crud.open_of_run(session, workspace_id, run_id)
    return [call.request_id for call in calls if call.request_id is not None]


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
