"""Past runs of agents, as cases are made of them."""

from typing import Any

from app.agents.evaluations import crud
from app.agents.evaluations.ports import PastRun, Wanted
from app.core.auth import Access, Permission
from app.core.db import AsyncSession


class PastAgentRuns:
    """What agents were asked, and their results: the object where they have one, else the text."""

    kind = "agent_run"

    async def past(self, session: AsyncSession, access: Access, wanted: Wanted) -> list[PastRun]:
        if Permission.RUNS_READ not in access.permissions:
            return []
        rows = await crud.past_executions(session, access.workspace_id, access.user_id, wanted)
        return [
            PastRun(run.id, asked_of(execution.messages), _given(run.result), execution.variables)
            for run, execution in rows
        ]


def asked_of(messages: list[Any]) -> Any:
    """One message of the user as its text, others as messages with their text."""
    told = [{"role": each["role"], "content": _text(each["content"])} for each in messages]
    if len(told) == 1 and told[0]["role"] == "user":
        return told[0]["content"]
    return told


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if isinstance(part.get("text"), str))


def _given(result: dict[str, Any] | None) -> Any:
    told = result or {}
    return told.get("output") if told.get("output") is not None else told.get("text")
