"""What holds personal data: Postgres and whatever else, behind one protocol."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from app.core.db import AsyncSession
from app.oversight.privacy.people import Person

Action = Literal["deleted", "cleared", "kept"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive: where it stands, what it means, and its bytes, piece by piece."""

    path: str
    meaning: str
    pieces: AsyncIterator[bytes]


class Tally(Protocol):
    """Counts what an erasure does; with a session, in the transaction that does it."""

    async def add(
        self,
        place: str,
        action: Action,
        count: int,
        *,
        reason: str = "",
        session: AsyncSession | None = None,
    ) -> None:
        """Note that so many things of one place (`postgres/messages`) were deleted, say.

        What is kept is counted anew each time. Raises LeaseLost where another process goes on.
        """
        ...


class PersonalStore(Protocol):
    """One store. Every method may be cut off anywhere and be called again."""

    @property
    def name(self) -> str:
        """What certificates call it."""
        ...

    def export(self, person: Person) -> AsyncIterator[Entry]:
        """What it holds of a person, for their archive; an entry is read before the next."""
        ...

    async def erase(self, person: Person, tally: Tally) -> None:
        """Remove what it holds of a person."""
        ...

    async def left(self, person: Person) -> int:
        """How many things of the person are still there."""
        ...


async def no_entries() -> AsyncIterator[Entry]:
    """The export of a store that holds nothing a person has given us."""
    nothing: tuple[Entry, ...] = ()
    for entry in nothing:
        yield entry
