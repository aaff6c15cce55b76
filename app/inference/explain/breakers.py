"""How an explanation asks for the breakers of deployments."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from app.inference.gate.breakers import BreakerStanding


class Breakers(Protocol):
    """Who knows how the breakers stand, without changing anything: the gate."""

    async def standing(
        self, workspace_id: UUID, deployments: Sequence[str]
    ) -> Mapping[str, BreakerStanding]:
        """By deployment; one that is not named is closed."""
        ...
