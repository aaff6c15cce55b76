"""What a turn leaves in memory at its end, and what it keeps of memory no longer."""

from uuid import UUID

from app.agents.memory import extraction
from app.agents.memory.extraction import Heard, Starting
from app.agents.runtime.work import access_told
from app.chat.messages import crud as messages_crud
from app.core.db import AsyncSession
from app.runs.runs import service as runs
from app.runs.runs.context import RunContext


async def remember(session: AsyncSession, ctx: RunContext, conversation_id: UUID) -> None:
    """Have facts drawn from the question alone, where the workspace allows it."""
    if not ctx.input.get("extract"):
        return
    question_id = UUID(ctx.input["question_id"])
    question = await messages_crud.get(session, ctx.workspace_id, conversation_id, question_id)
    if question is None:
        return
    said = [(question.id, question.text)]
    heard = Heard("run", ctx.run_id, said, run_id=ctx.run_id, conversation_id=conversation_id)
    await extraction.request(
        session, access_told(ctx), heard, Starting(ctx.executor_id, ctx.launch)
    )


async def forget_copies(session: AsyncSession, ctx: RunContext) -> None:
    """Drop the words of memories that the run kept to go on with: nobody needs them any more."""
    if ctx.input.get("remembered"):
        gone = {"remembered": ""}
        await runs.keep(session, ctx.workspace_id, ctx.run_id, ctx.attempt, gone)
