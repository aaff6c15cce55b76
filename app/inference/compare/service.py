"""Starting comparisons, looking at them, and choosing a winner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.remembering import remembered
from app.inference.compare import crud
from app.inference.compare.candidate import waiting_candidate
from app.inference.compare.comparing import KIND, order_of
from app.inference.compare.errors import (
    ChoiceInvalid,
    ChoiceMade,
    ComparisonNotFound,
    ComparisonUnderWay,
    LedgerBehind,
)
from app.inference.compare.models import Comparison
from app.inference.compare.prompt import MOST_CHARACTERS, Prompt
from app.inference.compare.schemas import (
    CandidateEstimate,
    ChoiceCreate,
    ComparisonCreate,
    ComparisonEstimate,
    ComparisonQuery,
)
from app.inference.feedback import service as feedback
from app.inference.feedback.schemas import FeedbackCreate
from app.inference.feedback.service import Pupil
from app.inference.prices.money import to_dollars
from app.inference.providers.types import Usage
from app.inference.routing.category import categorise
from app.inference.routing.plan import Candidate, Plan
from app.inference.routing.planner import Router
from app.inference.usage.drain import STORE_ERRORS
from app.runs.runs import service as runs
from app.runs.runs.models import Run

# What an adaptive route learns: the mean of an arm is the share of comparisons that it has won.
WON, LOST = 1.0, -1.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A comparison whose candidates are all known: nobody was asked yet."""

    comparison: Comparison
    run_input: dict[str, Any]
    orders: Sequence[Order]
    plans: Sequence[Plan]


async def prepare(calls: Calls, access: Access, run_id: UUID, new: ComparisonCreate) -> Prepared:
    """Plan every candidate; raises ModelUnknown, NoModel, ModelNotAllowed and NoCandidate."""
    comparison = Comparison(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        run_id=run_id,
        status="running",
        messages=[message.model_dump() for message in new.messages],
        parameters=new.parameters.model_dump(exclude_none=True),
        candidates=[
            waiting_candidate(label, one.model)
            for label, one in zip(new.labels, new.candidates, strict=True)
        ],
        teaches=new.teaches,
    )
    prompt = Prompt(comparison.messages, comparison.parameters)
    run_input = {"comparison_id": str(comparison.id), **remembered(access)}
    orders = [order_of(access, run_id, prompt, one.model) for one in new.candidates]
    return Prepared(comparison, run_input, orders, [await calls.plan(order) for order in orders])


async def begin(session: AsyncSession, access: Access, executor_id: str, prepared: Prepared) -> Run:
    """Store the comparison and the run that carries it out."""
    comparison = await crud.add(session, prepared.comparison)
    run = await runs.create(
        session,
        access,
        run_id=comparison.run_id,
        executor_id=executor_id,
        kind=KIND,
        subject_id=comparison.id,
        input=prepared.run_input,
    )
    models = [one["asked"] for one in comparison.candidates]
    note(session, Note("comparison.started", "run", run.id, detail={"models": models}))
    return run


def estimate(prepared: Prepared) -> ComparisonEstimate:
    """What each candidate would cost, if the first that its plan names answers."""
    comparison = prepared.comparison
    prompt = Prompt(comparison.messages, comparison.parameters)
    tokens, most = prompt.input_tokens, comparison.parameters.get("max_output_tokens")
    return ComparisonEstimate(
        object="comparison_estimate",
        candidates=[
            CandidateEstimate(
                label=one["label"],
                model=plan.candidates[0].target.reference,
                route=plan.route,
                input_tokens=tokens,
                input_cost_usd=_cost(plan.candidates[0], Usage(tokens)),
                max_cost_usd=_cost(plan.candidates[0], Usage(tokens, most)) if most else None,
            )
            for one, plan in zip(comparison.candidates, prepared.plans, strict=True)
        ],
    )


def _cost(candidate: Candidate, usage: Usage) -> Any:
    return None if candidate.price is None else to_dollars(candidate.price.cost(usage))


async def get(
    session: AsyncSession, access: Access, comparison_id: UUID, *, for_update: bool = False
) -> Comparison:
    """One of the caller's own; raises ComparisonNotFound."""
    found = await restorable.find(
        session, Comparison, access.workspace_id, comparison_id, for_update=for_update
    )
    if found is None or found.deleted_at or found.user_id != access.user_id:
        raise ComparisonNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: ComparisonQuery, cursors: Cursors
) -> Slice[Comparison]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


async def delete(session: AsyncSession, access: Access, comparison_id: UUID) -> None:
    """One that is under way goes on, unseen."""
    comparison = await get(session, access, comparison_id, for_update=True)
    await match(session, comparison)
    comparison.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, comparison_id: UUID) -> Comparison:
    """Raises ComparisonNotFound and RestoreExpired."""
    comparison = await restorable.find(
        session, Comparison, access.workspace_id, comparison_id, for_update=True
    )
    if comparison is None or comparison.user_id != access.user_id:
        raise ComparisonNotFound
    await restorable.bring_back(session, comparison)
    return comparison


async def choose(
    session: AsyncSession, access: Access, comparison_id: UUID, new: ChoiceCreate
) -> Comparison:
    """Say which answer was the best, once.

    Raises ComparisonNotFound, ComparisonUnderWay, ChoiceMade and ChoiceInvalid.
    """
    comparison = await get(session, access, comparison_id, for_update=True)
    await match(session, comparison)
    if comparison.status == "running":
        raise ComparisonUnderWay("Wait for its end, or cancel its run.", retry_after=1)
    if comparison.choice is not None:
        raise ChoiceMade(f"It was {comparison.choice!r}, and stays so.")
    answered = answered_in(comparison)
    if new.label not in (one["label"] for one in answered):
        said = "names no candidate that has answered"
        raise ChoiceInvalid(
            f"`label` {said}.", errors=(FieldError("/body/label", "choice_invalid", said),)
        )
    comparison.choice, comparison.comment = new.label, new.comment
    comparison.chosen_at = now()
    await session.flush()
    await session.refresh(comparison)
    return comparison


async def teach(
    session: AsyncSession, access: Access, router: Router, calls: Calls, comparison: Comparison
) -> None:
    """Have adaptive routes learn of all that answered; raises LedgerBehind."""
    try:
        # Calls are in the ledger a moment after their answers.
        await calls.flush()
    except STORE_ERRORS:
        raise LedgerBehind(retry_after=5) from None
    for one in answered_in(comparison):
        await _judge(session, access, router, comparison, one)


def answered_in(comparison: Comparison) -> list[dict[str, Any]]:
    return [one for one in comparison.candidates if one["status"] == "completed"]


async def _judge(
    session: AsyncSession,
    access: Access,
    router: Router,
    comparison: Comparison,
    candidate: dict[str, Any],
) -> None:
    """Leave a judgement of one answer; nothing where its call is not in the ledger any more."""
    requests = [UUID(request) for request in candidate["requests"]]
    calls = await crud.calls_of(session, access.workspace_id, requests)
    call = next((call for call in calls if call.status == "succeeded"), None)
    if call is None:
        return
    won = candidate["label"] == comparison.choice
    judgement = FeedbackCreate(
        call_id=call.id,
        score=WON if won else LOST,
        comment=comparison.comment if won else None,
    )
    pupil = None
    if comparison.teaches:
        text = str(comparison.messages[-1]["content"])[:MOST_CHARACTERS]
        pupil = Pupil(comparison.teaches, categorise(text, frozenset()).name)
    await feedback.create(session, access, router, judgement, pupil)
