"""What a process that is gone has left of a run: its last call, which nobody has settled."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.db import AsyncSession
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.totals import Total
from app.inference.routing.plan import Question
from app.inference.usage import service as ledger
from app.inference.usage.payer import Payer
from app.runs.runs.context import RunContext

SEAM_FIELDS = ("offset", "from", "to", "reason")


@dataclass(frozen=True, slots=True)
class Told:
    """The last call that the run's log tells of, and what was said through it."""

    model: str
    text: str


def last_told(ctx: RunContext) -> Told | None:
    """None where the log knows of no call."""
    model: str | None = None
    said: list[str] = []
    for event in ctx.history:
        if event.type in ("message.created", "failover"):
            model = event.body["to" if event.type == "failover" else "model"]
            said.clear()
        elif event.type == "text.delta":
            said.append(event.body["text"])
    return None if model is None else Told(model, "".join(said))


def told_seams(ctx: RunContext) -> list[dict[str, Any]]:
    """The seams that the log tells of."""
    return [
        {field: event.body[field] for field in SEAM_FIELDS}
        for event in ctx.history
        if event.type == "failover"
    ]


def order_of_lost(ctx: RunContext, question: Question, purpose: str) -> Order:
    """The order of a run that goes on without its request."""
    key = ctx.input.get("api_key_id")
    payer = Payer(
        ctx.workspace_id,
        ctx.user_id,
        purpose,
        api_key_id=UUID(key) if key else None,
        run_id=ctx.run_id,
        conversation_id=ctx.subject_id,
        customer=ctx.input.get("customer"),
        tags=tuple(ctx.input.get("tags", ())),
    )
    return Order(payer, question)


async def settle_lost(calls: Calls, ctx: RunContext) -> None:
    """Settle what the process before has left open, by what the log kept of its answer."""
    told = last_told(ctx)
    await calls.settle_lost(ctx.workspace_id, ctx.run_id, told.text if told else "")


async def spent(session: AsyncSession, ctx: RunContext) -> Total:
    """What the processes before this one have used; all of it stands in Postgres by now."""
    total = await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
    return Total(total.input_tokens, total.output_tokens, total.cost_usd)
