"""Summaries in a chat: made before an answer, and kept with the branch for the turns after it."""

from dataclasses import replace
from typing import Any

from app.agents.context.composing import CONTEXT
from app.agents.context.history import Material
from app.agents.context.summarising import Summed, question_of, sum_up
from app.agents.context.summary import Summary
from app.agents.runtime.work import access_told
from app.chat.messages import crud as messages_crud
from app.chat.turns.asking import Asked, order_of
from app.chat.turns.context import said_in
from app.chat.turns.service import KIND
from app.core.db import Database
from app.core.errors import AppError
from app.inference.calls.calls import Calls
from app.inference.calls.totals import Total
from app.inference.integrations.directory import Target
from app.runs.runs import service as runs
from app.runs.runs.context import RunContext

STEP = "summary"


async def compacted(
    database: Database, calls: Calls, ctx: RunContext, asked: Asked, target: Target
) -> tuple[Asked, Total]:
    """What the target is asked, with a new summary where one is due; and what that has cost.

    Where none can be made it is asked as before, and what is oldest is left out.
    """
    due = asked.history.due(asked.room(target))
    if due is None:
        return asked, Total()
    summed = await _summed(calls, ctx, asked, due)
    if summed.error is not None:
        ctx.emit("step.failed", step=STEP, error=summed.error.problem())
        return asked, summed.total
    summary = Summary(summed.text, due.covers, summed.model)
    after = replace(asked, history=replace(asked.history, summary=summary))
    last = said_in(asked.branch)[due.covers - 1]
    async with database.unit(ctx.scope) as session:
        more = {CONTEXT: after.told(target)}
        await runs.keep(session, ctx.workspace_id, ctx.run_id, ctx.attempt, more)
        kept = {"text": summed.text, "model": summed.model}
        await messages_crud.summarise(session, ctx.workspace_id, last.id, kept)
    ctx.emit("step.completed", step=STEP, counts=_counts(summed.total))
    return after, summed.total


async def _summed(calls: Calls, ctx: RunContext, asked: Asked, due: Material) -> Summed:
    compaction = asked.history.compaction
    question = question_of(due, compaction.model or ctx.input["model"])
    question.sticky = str(ctx.subject_id)
    try:
        grant = await calls.admit(order_of(access_told(ctx), question, KIND, ctx.run_id))
    except AppError as error:
        return Summed("", "", Total(), error)
    ctx.emit("step.started", step=STEP, model=grant.call.candidate.target.reference)
    return await sum_up(calls, grant, due, compaction.seconds)


def _counts(total: Total) -> dict[str, Any]:
    return {"input_tokens": total.input_tokens, "output_tokens": total.output_tokens}
