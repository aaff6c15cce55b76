"""What the composition root gives this room: the stores, and who people are."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.db import AsyncSession
from app.oversight.privacy.people import People
from app.oversight.privacy.stores import PersonalStore


@dataclass(frozen=True, slots=True)
class Recipient:
    """Someone outside to whom a workspace sends data."""

    name: str
    purpose: str
    place: str


Recipients = Callable[[AsyncSession, UUID], Awaitable[Sequence[Recipient]]]


@dataclass(frozen=True, slots=True)
class Privacy:
    """`stores` in the order in which an erasure visits them; Postgres is the last."""

    people: People
    stores: Sequence[PersonalStore]
    recipients: Recipients
