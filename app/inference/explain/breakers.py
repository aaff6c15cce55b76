"""How an explanation asks for the breakers of deployments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a deployment may be asked; an open one is probed at `next_probe_at`."""

    state: Literal["closed", "open", "half_open"] = "closed"
    next_probe_at: datetime | None = None


class Breakers(Protocol):
    """Who knows how the breakers stand, without changing anything."""

    async def standing(self, deployments: Sequence[str]) -> Mapping[str, Standing]:
        """By deployment; one that is not named is closed."""
        ...


class AllClosed:
    """Where there are no breakers."""

    async def standing(self, deployments: Sequence[str]) -> Mapping[str, Standing]:  # noqa: ARG002
        return {}
