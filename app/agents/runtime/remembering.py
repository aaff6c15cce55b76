"""Has facts drawn from what a user said to an agent that is to remember it."""

from app.agents.definitions.definition import AgentDefinition
from app.agents.memory import extraction
from app.agents.memory.extraction import Heard, Starting
from app.agents.runtime.models import Execution
from app.agents.runtime.prompt import text_asked
from app.agents.runtime.tree import MAIL
from app.core.auth import Access
from app.core.db import AsyncSession
from app.runs.runs.context import RunContext


async def remember(
    session: AsyncSession, ctx: RunContext, access: Access, execution: Execution
) -> None:
    """Begin it with the run's end, where the definition and the workspace want it.

    What another agent wrote is nothing that the user has said.
    """
    definition = AgentDefinition.model_validate(execution.definition)
    if not definition.memory.extract or execution.purpose == MAIL:
        return
    said = [(None, text_asked([each])) for each in execution.messages if each["role"] == "user"]
    heard = Heard("run", ctx.run_id, said, execution.agent_id, run_id=ctx.run_id)
    starting = Starting(ctx.executor_id, ctx.launch)
    await extraction.request(session, access, heard, starting)
