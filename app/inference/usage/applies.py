"""Which calls a policy is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.inference.usage.payer import Payer


@dataclass(frozen=True, slots=True)
class AppliesTo:
    """Those calls that one of the lists names; with none, all of the workspace.

    `routes` are ids of routes, as plans name them.
    """

    routes: frozenset[str] = frozenset()
    api_keys: frozenset[UUID] = frozenset()
    agents: frozenset[UUID] = frozenset()
    tags: frozenset[str] = frozenset()

    def takes(self, payer: Payer, route_id: str | None) -> bool:
        if not (self.routes or self.api_keys or self.agents or self.tags):
            return True
        return (
            route_id in self.routes
            or payer.api_key_id in self.api_keys
            or payer.agent_id in self.agents
            or not self.tags.isdisjoint(payer.tags)
        )


def applies_to(document: Mapping[str, Any]) -> AppliesTo:
    """What is stored of it, to be asked."""

    def ids(name: str) -> frozenset[UUID]:
        return frozenset(UUID(str(each)) for each in document.get(name, ()))

    return AppliesTo(
        routes=frozenset(str(each) for each in document.get("routes", ())),
        api_keys=ids("api_keys"),
        agents=ids("agents"),
        tags=frozenset(document.get("tags", ())),
    )
