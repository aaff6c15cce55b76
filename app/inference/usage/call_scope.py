"""Which calls a policy is for: as a request says it, as it is stored, and asked of a call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.core.schema import Input, Output, Text
from app.inference.usage.payer import Payer

Ids = Annotated[list[UUID], Field(max_length=100)]
Tags = Annotated[list[Annotated[Text, Field(min_length=1, max_length=100)]], Field(max_length=100)]


class CallScope(Input):
    """Which calls: those that one of the lists names; all of the workspace where all are empty."""

    routes: Annotated[Ids, Field(default_factory=list, description="Ids of routes.")]
    api_keys: Annotated[Ids, Field(default_factory=list, description="Ids of API keys.")]
    agents: Annotated[Ids, Field(default_factory=list, description="Ids of agents.")]
    tags: Annotated[Tags, Field(default_factory=list, description="Tags of calls or of keys.")]


class CallScopeRead(Output):
    """Which calls a policy is for."""

    routes: list[UUID] = Field(description="Ids of routes.")
    api_keys: list[UUID] = Field(description="Ids of API keys.")
    agents: list[UUID] = Field(description="Ids of agents.")
    tags: list[str] = Field(description="Tags of calls or of keys.")


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
