"""An entry with all that belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.knowledge.dictionary.models import Entry, Relation, Term


@dataclass(frozen=True, slots=True)
class Concept:
    """`terms` and `relations` in their order; `inverse` are those that other entries declare.

    Relations outlive what they name, so that both can come back; `gone` are the entries at their
    other ends that are deleted, with which nothing is related as long as they are.
    """

    entry: Entry
    terms: Sequence[Term]
    relations: Sequence[Relation]
    inverse: Sequence[Relation] = ()
    gone: frozenset[UUID] = frozenset()

    @property
    def id(self) -> UUID:
        return self.entry.id

    @property
    def living_relations(self) -> list[Relation]:
        """Its own, but for those to deleted entries."""
        return [each for each in self.relations if each.target_id not in self.gone]

    @property
    def living_inverse(self) -> list[Relation]:
        """Those that living entries declare."""
        return [each for each in self.inverse if each.entry_id not in self.gone]
