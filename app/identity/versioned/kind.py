"""A kind of versioned things: its tables, its bounds, and what is said of it."""

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.orm import InstrumentedAttribute

from app.core.errors import Conflict, NotFound, PermissionDenied
from app.identity.sharing.service import ResourceType
from app.identity.versioned.models import NumberedVersion, Versioned

V = TypeVar("V", bound=Versioned)
N = TypeVar("N", bound=NumberedVersion)


@dataclass(frozen=True, slots=True)
class Refusals:
    """What is raised, each by its code."""

    not_found: type[NotFound]
    version_not_found: type[NotFound]
    label_not_found: type[NotFound]
    slug_taken: type[Conflict]
    too_many: type[Conflict]
    too_many_versions: type[Conflict]
    too_many_labels: type[Conflict]
    read_only: type[PermissionDenied]
    not_yours: type[PermissionDenied]


@dataclass(frozen=True, slots=True)
class Kind(Generic[V, N]):
    """`shared_as` is its name, `parent` the column of a version that says whose it is."""

    shared_as: ResourceType
    row: type[V]
    version: type[N]
    parent: InstrumentedAttribute[UUID]
    refusals: Refusals

    @property
    def noun(self) -> str:
        return f"{'an' if self.shared_as[0] in 'aeiou' else 'a'} {self.shared_as}"
