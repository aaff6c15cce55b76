"""Has facts drawn from what a user said to an agent that is to remember it."""

from typing import Final

from app.agents.memory import extraction
from app.agents.memory.extraction import Heard, Starting
from app.agents.runtime.models import Execution
from app.agents.runtime.prompt import text_asked
from app.agents.runtime.tree import EVALUATION, MAIL, STARTED_BY
from app.core.auth import Access
from app.core.db import AsyncSession
from app.runs.runs.context import RunContext

# Runs that nobody says anything in, and those whose words are another agent's alone.
NEVER: Final = (EVALUATION, MAIL)


async def remember(
    session: AsyncSession, ctx: RunContext, access: Access, execution: Execution
) -> None:
    """Begin it with the run's end, where the definition and the workspace want it.

    What another agent or a workflow wrote is nothing that the user has said; a definition may have
    it remembered all the same.
    """
    memory = execution.parsed.memory
    if not memory.extract or execution.purpose in NEVER:
        return
    if _is_called(execution) and memory.extract_from != "callers":
        return
    said = [(None, text_asked([each])) for each in execution.messages if each["role"] == "user"]
    heard = Heard("run", ctx.run_id, said, execution.agent_id, run_id=ctx.run_id)
    starting = Starting(ctx.executor_id, ctx.launch)
    await extraction.request(session, access, heard, starting)


def _is_called(execution: Execution) -> bool:
    """Whether a program has asked, in the name of whoever gave it a key."""
    return execution.parent_run_id is not None or STARTED_BY in execution.labels
