"""Terms of dictionaries in passages: each is told of as the concept that it is a term of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from app.core.db import AsyncSession
from app.knowledge.detection.detector import Detection
from app.knowledge.dictionary import store
from app.knowledge.dictionary.store import TermRow
from app.knowledge.graph.findings import Span, Tie
from app.knowledge.graph.keys import concept_key

CONCEPT: Final = "concept"
# How likely a term must mean the concept here.
LEAST: Final = 0.6
MOST_RELATED: Final = 100
_RANKS: Final = {"preferred": 0, "admitted": 1, "abbreviation": 2, "forbidden": 3}


@dataclass(frozen=True, slots=True)
class Found:
    """A concept at its places."""

    entry_id: UUID
    name: str
    span: Span

    @property
    def key(self) -> str:
        return concept_key(self.entry_id)


class Detecting(Protocol):
    """Finds terms in a text, and tells their senses apart."""

    async def detect(
        self, workspace_id: UUID, dictionary_ids: Sequence[UUID], text: str
    ) -> Detection: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """Some dictionaries at one moment; `stamp` is another one after every change of theirs."""

    workspace_id: UUID
    dictionary_ids: Sequence[UUID]
    stamp: str
    names: Mapping[UUID, str]
    detecting: Detecting

    async def find(self, text: str) -> list[Found]:
        """The concepts in a text, in its order; a term that may as well be another tells of none.

        Raises TooManyTerms.
        """
        if not self.names:
            return []
        told = await self.detecting.detect(self.workspace_id, self.dictionary_ids, text)
        found = []
        for reading in told.readings:
            likely = reading.senses[0]
            name = self.names.get(likely.entry_id)
            if name is not None and likely.probability >= LEAST:
                span = (reading.span.start, reading.span.end)
                found.append(Found(likely.entry_id, name, span))
        return found

    async def named(self, name: str) -> Found | None:
        """The concept that a name as a whole is a term of."""
        found = await self.find(name)
        return found[0] if len(found) == 1 and found[0].span == (0, len(name)) else None


async def terms_of(
    session: AsyncSession,
    detecting: Detecting,
    workspace_id: UUID,
    dictionary_ids: Sequence[UUID],
) -> Terms:
    """What is looked for of these dictionaries."""
    stamp = await store.stamp(session, workspace_id, dictionary_ids) if dictionary_ids else ""
    rows = await store.load_terms(session, workspace_id, dictionary_ids) if dictionary_ids else ()
    return Terms(workspace_id, dictionary_ids, stamp, _names(rows), detecting)


@dataclass(frozen=True, slots=True)
class Entry:
    """A concept's own entry: what it is called and related to, by keys."""

    names: Mapping[str, str]
    ties: Sequence[Tie]


async def entry_of(session: AsyncSession, terms: Terms, entry_id: UUID) -> Entry | None:
    """What the dictionary says of a concept; None where it is not one of these dictionaries."""
    if entry_id not in terms.names:
        return None
    names, ties = {concept_key(entry_id): terms.names[entry_id]}, []
    for concept in await store.entries(session, terms.workspace_id, [entry_id]):
        for each in concept.living_relations[:MOST_RELATED]:
            if each.target_id is not None and each.target_id in terms.names:
                names[concept_key(each.target_id)] = terms.names[each.target_id]
                ties.append(_tie(entry_id, each.kind, each.target_id))
    return Entry(names, ties)


def _tie(entry_id: UUID, kind: str, target_id: UUID) -> Tie:
    """`narrower` is told as the `broader` of the other."""
    own, other = concept_key(entry_id), concept_key(target_id)
    return Tie(other, own, "broader") if kind == "narrower" else Tie(own, other, kind)


def _names(rows: Iterable[TermRow]) -> dict[UUID, str]:
    """What each concept is called: its first preferred term, or its first one."""
    best: dict[UUID, TermRow] = {}
    for row in rows:
        known = best.get(row.entry_id)
        if known is None or _RANKS[row.status] < _RANKS[known.status]:
            best[row.entry_id] = row
    return {entry_id: row.text for entry_id, row in best.items()}
