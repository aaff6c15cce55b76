"""Private agents as a store of personal data: they go with their owner."""

from collections.abc import AsyncIterator
from typing import Final

from app.agents.definitions import crud
from app.core.db import SYSTEM, Database
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally, no_entries

AT_ONCE: Final = 100


class AgentStore:
    """Its rows are exported with the rest of Postgres; here they are deleted."""

    name = "agents"

    def __init__(self, database: Database) -> None:
        self._database = database

    def export(self, person: Person) -> AsyncIterator[Entry]:  # noqa: ARG002 - Postgres tells them
        return no_entries()

    async def erase(self, person: Person, tally: Tally) -> None:
        """A trigger has their passages and shares go with them."""
        deleted = AT_ONCE
        while deleted == AT_ONCE:
            async with self._database.unit(SYSTEM) as session:
                deleted = await crud.delete_private(session, person, AT_ONCE)
                if deleted:
                    await tally.add("postgres/agents", "deleted", deleted, session=session)

    async def left(self, person: Person) -> int:
        async with self._database.unit(SYSTEM) as session:
            return await crud.count_private(session, person)
