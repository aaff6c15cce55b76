"""Finding, packing and watching terms: what a process does with its dictionaries."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from app.core.db import Database, Scope
from app.core.errors import AppError
from app.core.log import get_logger
from app.inference.embeddings.embedder import Embedder
from app.knowledge.detection.automata import Automata
from app.knowledge.detection.compiled import Compiled
from app.knowledge.detection.matching.spans import Found, Span, look
from app.knowledge.detection.pack import EMPTY, Pack, Wanted, build
from app.knowledge.detection.policies.service import Enforcement
from app.knowledge.detection.senses.choosing import How, Reading, ambiguous, choose
from app.knowledge.detection.senses.profiles import Profile
from app.knowledge.detection.senses.vectors import KeptVectors
from app.knowledge.detection.violations import Scanner
from app.knowledge.dictionary import store

log = get_logger(__name__)

# Of one text; what comes behind them is not told.
MOST_OCCURRENCES: Final = 5_000
# Longer texts are gone through in a thread: milliseconds of the loop, else.
_LONG: Final = 8_000
# How much of a text a pack is made for: its end.
_PACKED: Final = 20_000

ToldBy = Literal["embeddings", "words", "none"]


@dataclass(frozen=True, slots=True)
class Detection:
    """`told_by` is how senses were told apart: by words where no model could be asked."""

    readings: Sequence[Reading]
    truncated: bool
    told_by: ToldBy


class Detector:
    """One a process. `embedder` is the local model."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self.automata = Automata(database)
        self._database = database
        self.embedder = embedder
        self._vectors = KeptVectors()

    async def detect(
        self,
        workspace_id: UUID,
        dictionary_ids: Sequence[UUID],
        text: str,
        *,
        languages: Collection[str] | None = None,
        senses: How = "auto",
        now: bool = False,
    ) -> Detection:
        """The terms of these dictionaries in a text; raises TooManyTerms."""
        compiled = await self.automata.get(workspace_id, dictionary_ids, now=now)
        found = await _look(compiled, text, languages)
        kept = found.spans[:MOST_OCCURRENCES]
        wanted = ambiguous(kept)
        profiles = await self._profiles(workspace_id, compiled, wanted)
        readings, told_by = await self._choose(text, kept, profiles, senses)
        truncated = found.truncated or len(found.spans) > len(kept)
        return Detection(readings, truncated, told_by)

    async def pack(
        self,
        workspace_id: UUID,
        enforcement: Enforcement,
        text: str,
        *,
        retrieved: Iterable[tuple[UUID, float]] = (),
        languages: Collection[str] | None = None,
    ) -> Pack:
        """What a prompt should say of the terms in a text, and of those that were `retrieved`.

        Those are entries with their scores, as a search finds them; of other dictionaries than
        those that hold, none enters. Raises TooManyTerms.
        """
        if not enforcement.held or not enforcement.token_budget:
            return EMPTY
        ids = enforcement.dictionary_ids
        found = await self.detect(workspace_id, ids, text[-_PACKED:], languages=languages)
        wanted = _wanted(found.readings)
        spoken = wanted[0].language if wanted else next(iter(languages or ()), None)
        wanted += [Wanted(entry, score, "retrieved", spoken) for entry, score in retrieved]
        if not wanted:
            return EMPTY
        async with self._database.unit(Scope(workspace_id)) as session:
            concepts = await store.entries(
                session, workspace_id, {each.entry_id for each in wanted}
            )
        holding = {each.id: each for each in concepts if each.entry.dictionary_id in ids}
        return build(wanted, holding, enforcement.token_budget)

    async def scanner(
        self,
        workspace_id: UUID,
        enforcement: Enforcement,
        *,
        languages: Collection[str] | None = None,
    ) -> Scanner | None:
        """What watches an answer; None where nothing is to be told. Raises TooManyTerms."""
        if not enforcement.flagged:
            return None
        compiled = await self.automata.get(workspace_id, enforcement.dictionary_ids)
        if not any(dictionary in compiled.forbidding for dictionary in enforcement.flagged):
            return None
        return Scanner(compiled, dictionary_ids=enforcement.flagged, languages=languages)

    async def _profiles(
        self, workspace_id: UUID, compiled: Compiled, wanted: Mapping[UUID, str]
    ) -> Mapping[UUID, Profile]:
        known = compiled.profiles(wanted)
        missing = {entry: wanted[entry] for entry in wanted if entry not in known}
        if not missing:
            return known
        async with self._database.unit(Scope(workspace_id)) as session:
            concepts = await store.entries(session, workspace_id, missing)
        return known | await asyncio.to_thread(compiled.learn, missing, concepts)

    async def _choose(
        self,
        text: str,
        spans: Sequence[Span],
        profiles: Mapping[UUID, Profile],
        how: How,
    ) -> tuple[list[Reading], ToldBy]:
        if how == "auto":
            try:
                readings = await choose(text, spans, profiles, how, self.embedder, self._vectors)
            except AppError as error:
                log.info("senses_told_by_words", reason=error.code)
            else:
                return readings, "embeddings"
            how = "lexical"
        readings = await choose(text, spans, profiles, how, None, self._vectors)
        return readings, "words" if how == "lexical" else "none"


async def _look(compiled: Compiled, text: str, languages: Collection[str] | None) -> Found:
    if len(text) > _LONG:
        return await asyncio.to_thread(look, compiled.lexicon, text, languages)
    return look(compiled.lexicon, text, languages)


def _wanted(readings: Iterable[Reading]) -> list[Wanted]:
    """The concept of each term, with how sure it is at best."""
    best: dict[UUID, Wanted] = {}
    for reading in readings:
        sense = reading.senses[0]
        known = best.get(sense.entry_id)
        if known is None or sense.confidence > known.score:
            language = sense.match.term.language
            best[sense.entry_id] = Wanted(sense.entry_id, sense.confidence, "detected", language)
    return list(best.values())
