"""A fact as it is told: whose it is, what it says, and when it holds."""

import hashlib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from app.agents.memory.models import Memory, MemoryRevision
from app.core.auth import Access, Permission

KIND: Final = "memory"
Scope = Literal["user", "agent", "workspace"]
Kind = Literal["fact", "preference", "event", "instruction"]
# What can have several objects at the same time, where a workspace does not say otherwise.
MULTI_VALUED: Final = (
    "likes", "dislikes", "knows", "speaks", "owns", "works_with", "interested_in", "allergic_to",
    "has_child", "has_pet", "has_skill", "visited", "uses", "member_of",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Whose memory it is: `owner` is the user's id, the agent's, or None of the workspace's."""

    scope: Scope
    owner: UUID | None = None

    @property
    def user_id(self) -> UUID | None:
        return self.owner if self.scope == "user" else None

    @property
    def agent_id(self) -> UUID | None:
        return self.owner if self.scope == "agent" else None


@dataclass(frozen=True, slots=True)
class Author:
    """Who reads or changes memories. `agents` tells whether they may see agents at all."""

    workspace_id: UUID
    user_id: UUID
    agents: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """What a revision says; `subject`, `predicate` and `object` are all given, or none is."""

    text: str
    subject: str | None = None
    predicate: str | None = None
    object: str | None = None
    confidence: float = 1.0
    status: str = "active"


@dataclass(frozen=True, slots=True)
class Fact:
    """`end` None: until further notice. `origin` says why it is remembered."""

    place: Place
    said: Said
    start: datetime
    end: datetime | None = None
    kind: Kind = "fact"
    expires_at: datetime | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keys:
    """`timeline` is shared by facts of which one holds at a time, `same` by facts that are one."""

    timeline: str | None
    same: str


def author_of(access: Access) -> Author:
    agents = Permission.AGENTS_READ in access.permissions
    return Author(access.workspace_id, access.user_id, agents)


def place_of(memory: Memory) -> Place:
    if memory.scope == "user":
        return Place("user", memory.user_id)
    return Place("agent", memory.agent_id) if memory.scope == "agent" else Place("workspace")


def said_in(revision: MemoryRevision) -> Said:
    return Said(
        revision.text,
        revision.subject,
        revision.predicate,
        revision.object,
        revision.confidence,
        revision.status,
    )


def keys_of(place: Place, said: Said, multi_valued: Collection[str]) -> Keys:
    """Names in any case, form and spacing are one."""
    where = (place.scope, str(place.owner or ""))
    if said.subject is None or said.predicate is None or said.object is None:
        return Keys(None, _digest(*where, "text", normal(said.text)))
    about = (*where, "fact", normal(said.subject), normal(said.predicate))
    same = _digest(*about, normal(said.object))
    several = normal(said.predicate) in {normal(each) for each in multi_valued}
    return Keys(same if several else _digest(*about), same)


def normal(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("_", " ")
    return " ".join(plain.split()).strip(" .!")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
