"""Who a person is to this room; identity tells it through `People`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.core.db import AsyncSession


@dataclass(frozen=True, slots=True)
class Person:
    """Whose data is meant. `workspaces` are those that nobody else is in: they go with the person.

    E-mail address and name are empty once the account itself is erased.
    """

    user_id: UUID
    email: str = ""
    name: str = ""
    workspaces: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class OwnedWorkspace:
    """A workspace with other members that has no owner but this person."""

    id: UUID
    name: str


class People(Protocol):
    """What this room must know of accounts and workspaces, which stand above it."""

    async def find(self, session: AsyncSession, user_id: UUID) -> Person | None:
        """The person of an account, or None when there is none (any more)."""
        ...

    async def owned_alone(self, session: AsyncSession, user_id: UUID) -> Sequence[OwnedWorkspace]:
        """Workspaces whose other members would be left without an owner."""
        ...

    async def lock_out(self, session: AsyncSession, user_id: UUID) -> int:
        """End every session and key of the person; says how many rows that took."""
        ...

    async def at_home(self, session: AsyncSession, workspace_id: UUID) -> Sequence[UUID]:
        """The people whose personal workspace this is: its policy is theirs."""
        ...
