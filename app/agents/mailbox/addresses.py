"""Addresses of mailboxes, and of groups of them."""

import re
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

Kind = Literal["agent", "user", "service"]

TAG: Final = "tag"
SLUG: Final = r"[a-z0-9]+(-[a-z0-9]+)*"
LONGEST: Final = 100
_SLUG = re.compile(SLUG)


@dataclass(frozen=True, slots=True)
class Address:
    """`agent:<id or slug>`, `user:<id>` or `service:<slug>`, taken apart."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def id(self) -> UUID | None:
        """The name as an id, where it is one."""
        return id_of(self.name)


def parse(text: str) -> Address | None:
    """None for what is no address of one mailbox. An id is told as Postgres would."""
    kind, _, name = text.partition(":")
    found = id_of(name)
    name = str(found) if found else name
    if len(text) > LONGEST or not (found or _SLUG.fullmatch(name)):
        return None
    if kind == "agent":
        return Address("agent", name)
    if kind == "service" and found is None:
        return Address("service", name)
    if kind == "user" and found is not None:
        return Address("user", name)
    return None


def tag_of(text: str) -> str | None:
    """The tag of `tag:<tag>`."""
    kind, _, name = text.partition(":")
    is_tag = kind == TAG and len(text) <= LONGEST and _SLUG.fullmatch(name)
    return name if is_tag else None


def of_agent(agent_id: UUID) -> str:
    return f"agent:{agent_id}"


def of_user(user_id: UUID) -> str:
    return f"user:{user_id}"


def id_of(name: str) -> UUID | None:
    """The id that a name is, if it is one."""
    try:
        return UUID(name) if len(name) == 36 else None
    except ValueError:
        return None
