"""On whose behalf a model is called: what budgets, limits, routes and reports go by."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.core.auth import Access


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays for a call, and what it is for.

    `purpose` names the surface (`chat_turn`, `title`, `gateway`, `compare`, `batch` …), `customer`
    is the id that the workspace gives to an end user of its own, `tags` are the labels that costs
    are asked for by. `run_cap` is what its run may cost at most, in US dollars.
    """

    workspace_id: UUID
    user_id: UUID
    purpose: str
    api_key_id: UUID | None = None
    customer: str | None = None
    agent_id: UUID | None = None
    run_id: UUID | None = None
    conversation_id: UUID | None = None
    tags: tuple[str, ...] = ()
    run_cap: Decimal | None = None


def payer_of(
    access: Access, purpose: str, run_id: UUID, *, conversation_id: UUID | None = None
) -> Payer:
    """Whoever has a run made, with the customer and the tags that their key stands for."""
    return Payer(
        access.workspace_id,
        access.user_id,
        purpose,
        api_key_id=access.api_key_id,
        customer=access.rules.customer,
        run_id=run_id,
        conversation_id=conversation_id,
        tags=access.rules.tags,
    )
