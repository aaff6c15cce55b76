"""Past turns, as cases of evaluations are made of them."""

from app.agents.evaluations.ports import PastRun, Wanted
from app.chat.messages import past_crud
from app.core.auth import Access, Permission
from app.core.db import AsyncSession


class PastTurns:
    """One's own questions, each with its answer; what stood before it is left out."""

    kind = "chat_turn"

    async def past(self, session: AsyncSession, access: Access, wanted: Wanted) -> list[PastRun]:
        if Permission.CONVERSATIONS_READ not in access.permissions:
            return []
        rows = await past_crud.turns(session, access.workspace_id, access.user_id, wanted)
        return [PastRun(run_id, asked, answered) for run_id, asked, answered in rows]
