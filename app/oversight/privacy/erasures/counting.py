"""Keeps the counts of an erasure in its row, which also says that its process lives."""

from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession, Database
from app.oversight.privacy.erasures import crud
from app.oversight.privacy.erasures.models import PrivacyErasure
from app.oversight.privacy.stores import Action


class Counting:
    """The Tally of one erasure."""

    def __init__(self, database: Database, erasure: PrivacyErasure) -> None:
        self._database = database
        self._erasure = erasure

    async def add(
        self,
        place: str,
        action: Action,
        count: int,
        *,
        reason: str = "",
        session: AsyncSession | None = None,
    ) -> None:
        """In the given transaction, or in one of its own; raises LeaseLost."""
        if session is not None:
            await self._add(session, place, action, count, reason)
            return
        async with self._database.unit(SYSTEM) as own:
            await self._add(own, place, action, count, reason)

    async def _add(
        self, session: AsyncSession, place: str, action: Action, count: int, reason: str
    ) -> None:
        await crud.tally(session, self._erasure, place, action, count, reason=reason, at=now())
