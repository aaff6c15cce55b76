"""Private things as a store of personal data: they go with their owner."""

from collections.abc import AsyncIterator
from typing import Final, Generic

from app.core.db import SYSTEM, Database
from app.identity.versioned import rows
from app.identity.versioned.kind import Kind, N, V
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally, no_entries

AT_ONCE: Final = 100


class PrivateStore(Generic[V, N]):
    """Its rows are exported with the rest of Postgres; here they are deleted."""

    def __init__(self, database: Database, kind: Kind[V, N]) -> None:
        self._database = database
        self._kind = kind
        self.name = str(kind.row.__tablename__)

    def export(self, person: Person) -> AsyncIterator[Entry]:  # noqa: ARG002 - Postgres tells them
        return no_entries()

    async def erase(self, person: Person, tally: Tally) -> None:
        """A trigger has their passages and shares go with them."""
        deleted = AT_ONCE
        while deleted == AT_ONCE:
            async with self._database.unit(SYSTEM) as session:
                deleted = await rows.delete_private(session, self._kind, person, AT_ONCE)
                if deleted:
                    place = f"postgres/{self.name}"
                    await tally.add(place, "deleted", deleted, session=session)

    async def left(self, person: Person) -> int:
        async with self._database.unit(SYSTEM) as session:
            return await rows.count_private(session, self._kind, person)
