"""Grounds answers: retrieves what is named, packs the terms that hold, and watches for others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar
from uuid import UUID

from app.core.auth import Access
from app.core.db import Database, Scope
from app.core.errors import AppError, UpstreamTimedOut
from app.core.fresh import Fresh
from app.core.log import get_logger
from app.inference.usage.payer import Payer
from app.knowledge.detection.detector import Detector
from app.knowledge.detection.pack import EMPTY, Pack
from app.knowledge.detection.policies.service import Enforcement, resolve
from app.knowledge.detection.violations import Scanner
from app.knowledge.grounding.grounding import Grounding
from app.knowledge.search.errors import SearchUnavailable
from app.knowledge.search.question import ENTRY, Filters, Mode, Question, Warned
from app.knowledge.search.retrieval import LONGEST_QUERY, Retrieved, retrieve
from app.knowledge.search.searching import Searching

log = get_logger(__name__)

# What a prompt is given of documents, and how long an answer waits for it.
SOURCES: Final = 8
SOURCE_TOKENS: Final = 3_000
WAIT_SECONDS: Final = 5.0
# Entries that are like the question, beside those whose terms stand in it.
LIKE_ENTRIES: Final = 5
ALIKE: Final = 0.4

T = TypeVar("T")


class GroundingTooSlow(UpstreamTimedOut):
    code = "grounding_too_slow"
    title = "What an answer draws on could not be looked up in time"


class Grounder:
    """One a process. An answer is never refused over its grounding: it goes on with less."""

    def __init__(self, database: Database, searching: Searching, detector: Detector) -> None:
        self._database = database
        self._searching = searching
        self._detector = detector
        self._defaults: Fresh[Enforcement] = Fresh(self._load_defaults)

    async def ground(
        self,
        access: Access,
        payer: Payer,
        text: str,
        *,
        collections: Sequence[UUID] = (),
        dictionaries: Sequence[UUID] | None = None,
    ) -> Grounding:
        """What the answer to `text` is given.

        `dictionaries` as a conversation names them: None for the workspace's defaults.
        """
        enforcement = await self._enforcement(access.workspace_id, dictionaries)
        if not collections and not enforcement.held:
            return Grounding(enforcement=enforcement)
        (retrieved, unfound), (pack, unpacked) = await asyncio.gather(
            _as_far_as_possible(
                lambda: self._retrieved(access, payer, text, collections), Retrieved((), 0)
            ),
            _as_far_as_possible(lambda: self._packed(access, payer, enforcement, text), EMPTY),
        )
        prompt = "\n\n".join(part for part in (pack.text, retrieved.prompt) if part)
        warnings = (*retrieved.warnings, *unfound, *unpacked)
        told = [source.told() for source in retrieved.sources]
        return Grounding(prompt, told, enforcement, warnings)

    async def scanner(self, workspace_id: UUID, grounding: Grounding) -> Scanner | None:
        """What watches the answer; None where nothing is to be told, or nothing can be."""
        try:
            return await self._detector.scanner(workspace_id, grounding.enforcement)
        except AppError as error:
            log.warning("answer_unwatched", reason=error.code)
            return None

    async def _enforcement(
        self, workspace_id: UUID, dictionaries: Sequence[UUID] | None
    ) -> Enforcement:
        if dictionaries is None:
            return await self._defaults.get(workspace_id)
        if not dictionaries:
            return Enforcement(())
        async with self._database.unit(Scope(workspace_id)) as session:
            return await resolve(session, workspace_id, dictionaries)

    async def _load_defaults(self, workspace_id: UUID) -> Enforcement:
        async with self._database.unit(Scope(workspace_id)) as session:
            return await resolve(session, workspace_id)

    async def _retrieved(
        self, access: Access, payer: Payer, text: str, collections: Sequence[UUID]
    ) -> Retrieved:
        """By words alone where the store of vectors is away."""
        if not collections:
            return Retrieved((), 0)

        async def look(mode: Mode) -> Retrieved:
            return await retrieve(
                self._searching,
                access,
                payer,
                text,
                collections=collections,
                limit=SOURCES,
                token_budget=SOURCE_TOKENS,
                mode=mode,
            )

        try:
            return await look("hybrid")
        except SearchUnavailable as error:
            found = await look("lexical")
            return replace(found, warnings=(Warned(error.code, "Searched by words alone."),))

    async def _packed(
        self, access: Access, payer: Payer, enforcement: Enforcement, text: str
    ) -> Pack:
        """The terms of the text, and of entries that are like it where those can be looked up."""
        if not enforcement.held or not text.strip():
            return EMPTY
        question = Question(
            " ".join(text.split())[-LONGEST_QUERY:],
            filters=Filters(parents={ENTRY: enforcement.dictionary_ids}),
            limit=LIKE_ENTRIES,
            highlights=False,
        )
        try:
            like = (await self._searching.find(access, payer, question)).found
        except AppError as error:
            log.info("entries_not_searched", reason=error.code)
            like = ()
        return await self._detector.pack(
            access.workspace_id,
            enforcement,
            text,
            retrieved=[
                (each.passage.subject_id, score)
                for each in like
                if (score := each.scores.semantic_score or 0) >= ALIKE
            ],
        )


async def _as_far_as_possible(
    look: Callable[[], Awaitable[T]], otherwise: T
) -> tuple[T, list[Warned]]:
    """What is found in time, or something in its place, and why."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await look(), []
    except TimeoutError:
        error: AppError = GroundingTooSlow("The answer was begun without it.")
    except AppError as failed:
        error = failed
    log.info("answer_ungrounded", reason=error.code)
    return otherwise, [Warned(error.code, error.detail or error.title)]
