"""The work of a generation or a repair: ask, check, tell the mistakes, and keep what came of it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from app.agents.runtime.work import access_told
from app.agents.templates.asking import Asked
from app.automation.generation import questions, telling
from app.automation.generation.asking import Interview
from app.automation.generation.drafting import Checker, Unwritable, Written, Wrong
from app.automation.generation.errors import WorkflowGenerationFailed
from app.automation.generation.help_schemas import WorkflowGenerated, WorkflowRepaired
from app.automation.generation.outcomes import Outcomes
from app.automation.generation.surroundings import Workbench
from app.core.db import AsyncSession
from app.core.schema import Output
from app.inference.calls.calls import Calls
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

GENERATION: Final = "workflow_generation"
REPAIR: Final = "workflow_repair"
MOST_KEPT: Final = 50
_SHAPES: Final[Mapping[str, type[Output]]] = {
    "generate": WorkflowGenerated, "repair": WorkflowRepaired,
}  # fmt: skip


class Drafting:
    """Has workflows written, or mended; nothing of it is stored as one, or switched on."""

    def __init__(self, kind: str, workbench: Workbench, calls: Calls) -> None:
        self.kind = kind
        self._workbench = workbench
        self._calls = calls
        self._outcomes = Outcomes()

    async def run(self, ctx: RunContext) -> None:
        """Raises WorkflowGenerationFailed, and what an interview raises."""
        wish = ctx.input["wish"]
        cap = wish["limits"]["budget_usd"]
        interview = await Interview.begun(
            ctx, self._calls, self.kind, None if cap is None else Decimal(cap)
        )
        self._outcomes.begin(ctx, interview.spent)
        asked, checker = await questions.draft(self._workbench, access_told(ctx), wish)
        try:
            written = await _written(interview, checker, asked, wish["limits"]["repairs"])
        except Unwritable as error:
            problems = tuple(telling.gaps(error.missing))
            said = f"It cannot be written here: {error}"
            raise WorkflowGenerationFailed(said[:500], errors=problems) from error
        told = (
            telling.generated(written, wish["description"])
            if wish["task"] == "generate"
            else telling.repaired(written, wish)
        )
        whole = _SHAPES[wish["task"]].model_validate(
            {**told, "usage": telling.usage(interview.spent)}
        )
        self._outcomes.keep(ctx, whole)

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        return self._outcomes.settle(ctx, session, ending)


async def _written(interview: Interview, checker: Checker, asked: Asked, most: int) -> Written:
    """What is right at last, after `most` corrections.

    Raises WorkflowGenerationFailed and Unwritable.
    """
    ctx, question = interview.ctx, asked
    # What the log has of earlier processes' corrections is not told again.
    told_before = sum(event.type == "step.retrying" for event in ctx.history)
    for mending in range(most + 1):
        answer = await interview.answer(question)
        is_told = mending < told_before
        if not is_told:
            ctx.emit("step.started", step="check")
        try:
            written = await checker.written(answer)
        except Wrong as error:
            if mending == most:
                said = f"After {mending} corrections it still has: {error}"
                problems = tuple(error.mistakes[:MOST_KEPT])
                raise WorkflowGenerationFailed(said[:500], errors=problems) from error
            if not is_told:
                told = error.mistakes[: questions.MOST_TOLD]
                mistakes = [f"{each.pointer}: {each.detail}" for each in told]
                ctx.emit("log", step="check", mistakes=mistakes)
                reason = WorkflowGenerationFailed.code
                ctx.emit("step.retrying", step="check", reason=reason, retry_in=0)
            question = questions.mending(asked, answer, error.mistakes)
        else:
            ctx.emit("step.completed", step="check", counts={"corrections": mending})
            return written
    raise AssertionError("the loop returns or raises")
