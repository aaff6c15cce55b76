"""An agent as a run takes it, and what of agents was read already."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.agents.definitions.definition import AgentDefinition
from app.core.auth import Access
from app.identity.versioned.naming import reference_ids

MOST_KNOWN: Final = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """An agent in one of its versions; `stored` is the definition as it stands in the version.

    `row_version` is the agent's own, which counts every change of it.
    """

    id: UUID
    slug: str
    name: str
    description: str
    version: int
    stored: dict[str, Any]
    definition: AgentDefinition
    row_version: int


class Definitions:
    """The definitions of versions, each read once; those that were asked for last are kept.

    A version never changes, nor does anyone change what was read. Of agents it is known what they
    were when somebody took them last, by the names under which they were asked for.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, AgentDefinition] = OrderedDict()
        self._taken: OrderedDict[tuple[UUID, UUID, str], Taken] = OrderedDict()

    def of(self, version_id: UUID, stored: dict[str, Any]) -> AgentDefinition:
        known = self._known.get(version_id)
        if known is None:
            known = self._known[version_id] = AgentDefinition.model_validate(stored)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(version_id)
        return known

    def last(self, access: Access, ref: str) -> Taken | None:
        """The agent as somebody has taken it last; it may be another by now."""
        return self._taken.get((access.workspace_id, access.user_id, ref))

    def keep(self, access: Access, ref: str, taken: Taken) -> None:
        """Note what somebody has taken when they named no version of it."""
        if ref == taken.slug and reference_ids([ref]):
            return  # it would be found by its id first, once there is one of this id
        place = (access.workspace_id, access.user_id, ref)
        self._taken[place] = taken
        self._taken.move_to_end(place)
        if len(self._taken) > MOST_KNOWN:
            self._taken.popitem(last=False)
