"""An agent as a run takes it, and the definitions that were read already."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.agents.definitions.definition import AgentDefinition

MOST_KNOWN: Final = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """An agent in one of its versions; `stored` is the definition as it stands in the version."""

    id: UUID
    slug: str
    name: str
    description: str
    version: int
    stored: dict[str, Any]
    definition: AgentDefinition


class Definitions:
    """The definitions of versions, each read once; those that were asked for last are kept.

    A version never changes, nor does anyone change what was read.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, AgentDefinition] = OrderedDict()

    def of(self, version_id: UUID, stored: dict[str, Any]) -> AgentDefinition:
        known = self._known.get(version_id)
        if known is None:
            known = self._known[version_id] = AgentDefinition.model_validate(stored)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(version_id)
        return known
