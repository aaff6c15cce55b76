"""What a run that does another one again takes over from it."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from app.agents.runtime.models import Execution, ExecutionStep
from app.core.ids import new_id


def again(before: Execution, budget_usd: Decimal | None) -> Execution:
    """The same to be done once more; not stored yet."""
    return Execution(
        id=new_id(),
        workspace_id=before.workspace_id,
        user_id=before.user_id,
        agent_id=before.agent_id,
        agent_version=before.agent_version,
        agent_slug=before.agent_slug,
        agent_name=before.agent_name,
        definition=before.definition,
        messages=before.messages,
        variables=before.variables,
        instructions=before.instructions,
        model=before.model,
        purpose=before.purpose,
        budget_usd=budget_usd if budget_usd is not None else before.budget_usd,
        conversation_id=before.conversation_id,
        parent_run_id=before.parent_run_id,
        active_seconds=0.0,
        labels=before.labels,
    )


def taken_over(run_id: UUID, steps: Sequence[ExecutionStep], from_step: int) -> list[ExecutionStep]:
    """What came before a step: those of the agent itself, and of whom it gave work to."""
    kept: list[ExecutionStep] = []
    for step in steps:
        root = step.path.partition("/")[0]
        number = int(root.partition(".")[0]) if root else step.number
        if number < from_step and step.status == "ended":
            kept.append(_copy(step, run_id))
    return kept


def _copy(step: ExecutionStep, run_id: UUID) -> ExecutionStep:
    return ExecutionStep(
        id=new_id(),
        workspace_id=step.workspace_id,
        execution_id=run_id,
        path=step.path,
        number=step.number,
        call_id=step.call_id,
        kind=step.kind,
        agent_slug=step.agent_slug,
        name=step.name,
        status=step.status,
        arguments=step.arguments,
        outcome=step.outcome,
        context=step.context,
        is_error=step.is_error,
        copied=True,
        input_tokens=0,
        output_tokens=0,
        cost_usd=None if step.cost_usd is None else step.cost_usd * 0,
        first_token_ms=step.first_token_ms,
        started_at=step.started_at,
        ended_at=step.ended_at,
    )
