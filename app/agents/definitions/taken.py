"""An agent as a run takes it, and the definitions that this process has read already."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.agents.definitions.definition import AgentDefinition

MOST_KNOWN: Final = 256

_known: OrderedDict[UUID, AgentDefinition] = OrderedDict()


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


def definition_of(version_id: UUID, stored: dict[str, Any]) -> AgentDefinition:
    """A version's definition, read once: a version never changes, nor does anyone change this."""
    known = _known.get(version_id)
    if known is None:
        known = _known[version_id] = AgentDefinition.model_validate(stored)
        if len(_known) > MOST_KNOWN:
            _known.popitem(last=False)
    else:
        _known.move_to_end(version_id)
    return known
