"""The node type `dictionary`: terms found in a text, looked up, or checked for forbidden ones."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from app.automation.nodes.faults import expect_allowed, fault_of
from app.automation.nodes.node_type import Given, StepContext, StepFault, TaskNode
from app.automation.nodes.paying import payer_of_step
from app.core.auth import Access, Permission
from app.core.db import Database
from app.core.errors import AppError, FieldError
from app.core.schema import Input, Text, WholeNumber
from app.knowledge.detection import service as detection
from app.knowledge.detection.detector import Detector
from app.knowledge.detection.schemas import MOST_CHARACTERS, DetectCreate
from app.knowledge.detection.violations import Scanner
from app.knowledge.dictionary.wording import LanguageTag
from app.knowledge.search.entries import search_entries
from app.knowledge.search.errors import SearchUnavailable
from app.knowledge.search.schemas import EntrySearchQuery
from app.knowledge.search.schemas_read import EntrySearchResults
from app.knowledge.search.searching import Searching


class DictionaryConfig(Input):
    action: Literal["detect", "lookup", "check"]
    text: Annotated[
        Text | None,
        Field(min_length=1, max_length=MOST_CHARACTERS, description="Of `detect` and `check`."),
    ] = None
    term: Annotated[
        Text | None, Field(min_length=1, max_length=500, description="Of `lookup`.")
    ] = None
    dictionaries: Annotated[
        list[UUID] | None,
        Field(min_length=1, max_length=50, description="Default: the workspace's default ones."),
    ] = None
    locale: Annotated[
        LanguageTag | None,
        Field(description="Only terms of this language (`de` includes `de-AT`)."),
    ] = None
    limit: Annotated[WholeNumber, Field(ge=1, le=100, description="Of `lookup`.")] = 5


class DictionaryNode(TaskNode[DictionaryConfig]):
    """It gives `occurrences`, `entries`, or `ok` and `violations`, by its action."""

    name = "dictionary"
    title = "Use the workspace's terms"
    config = DictionaryConfig
    at_home = True
    example: ClassVar[Mapping[str, Any]] = {
        "id": "terms",
        "type": "dictionary",
        "with": {"action": "check", "text": "{{ inputs.text }}", "locale": "en"},
    }

    sample: ClassVar[Any] = {
        "occurrences": [],
        "truncated": False,
        "entries": [],
        "ok": True,
        "violations": [],
    }

    def __init__(self, database: Database, detector: Detector, searching: Searching) -> None:
        self._database = database
        self._detector = detector
        self._searching = searching

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        del access
        action = settings.get("action")
        needed = "term" if action == "lookup" else "text"
        if action not in ("detect", "lookup", "check") or settings.get(needed) is not None:
            return ()
        return [FieldError(f"/{needed}", "missing", f"is what `{action}` is about")]

    async def perform(self, ctx: StepContext, config: DictionaryConfig) -> Given:
        """Raises StepFault: `config_invalid`, and what the dictionaries raise."""
        expect_allowed(ctx, Permission.DICTIONARY_READ)
        try:
            if config.action == "lookup":
                term = _given(config, "term")
                return Given({"entries": await self._looked_up(ctx, config, term)})
            if config.action == "detect":
                return Given(await self._detected(ctx, config, _given(config, "text")))
            return Given(await self._checked(ctx, config, _given(config, "text")))
        except AppError as error:
            raise fault_of(error) from error

    async def _detected(
        self, ctx: StepContext, config: DictionaryConfig, text: str
    ) -> dict[str, Any]:
        asked = _asked(config, text)
        ids = await self._dictionaries(ctx, asked)
        found = await self._detector.detect(
            ctx.access.workspace_id, ids, text, languages=asked.languages, now=True
        )
        told = detection.shown(asked, ids, found).model_dump(mode="json")
        return {"occurrences": told["data"], "truncated": told["truncated"]}

    async def _checked(
        self, ctx: StepContext, config: DictionaryConfig, text: str
    ) -> dict[str, Any]:
        asked = _asked(config, text)
        ids = await self._dictionaries(ctx, asked)
        compiled = await self._detector.automata.get(ctx.access.workspace_id, ids, now=True)
        scanner = Scanner(compiled, languages=asked.languages)
        found = [*scanner.feed(text), *scanner.finish()]
        told = [
            {
                "start": each.start,
                "end": each.end,
                "surface": each.surface,
                "term": each.term,
                "language": each.language,
                "entry_id": str(each.entry_id),
                "dictionary_id": str(each.dictionary_id),
                "preferred": list(each.preferred),
            }
            for each in found
        ]
        return {"ok": not told, "violations": told}

    async def _dictionaries(self, ctx: StepContext, asked: DetectCreate) -> list[UUID]:
        async with self._database.unit(ctx.access.scope) as session:
            return await detection.dictionaries_of(session, ctx.access, asked)

    async def _looked_up(
        self, ctx: StepContext, config: DictionaryConfig, term: str
    ) -> list[dict[str, Any]]:
        """Of several dictionaries the best first, each entry once."""
        scored: list[tuple[float, dict[str, Any]]] = []
        named: list[UUID | None] = [*config.dictionaries] if config.dictionaries else [None]
        for dictionary_id in named:
            query = EntrySearchQuery(
                q=term,
                dictionary_id=dictionary_id,
                language=config.locale,
                limit=config.limit,
            )
            found = await self._search(ctx, query)
            scored += [(each.score, each.entry.model_dump(mode="json")) for each in found.data]
        scored.sort(key=lambda each: -each[0])
        return [entry for _, entry in scored[: config.limit]]

    async def _search(self, ctx: StepContext, query: EntrySearchQuery) -> EntrySearchResults:
        payer = payer_of_step(ctx)
        try:
            return await search_entries(self._searching, ctx.access, payer, query)
        except SearchUnavailable:
            ctx.log("The store of vectors does not answer: searched by words alone.")
            by_words = query.model_copy(update={"mode": "lexical"})
            return await search_entries(self._searching, ctx.access, payer, by_words)


def _asked(config: DictionaryConfig, text: str) -> DetectCreate:
    return DetectCreate(
        text=text,
        dictionary_ids=config.dictionaries,
        languages=[config.locale] if config.locale else None,
    )


def _given(config: DictionaryConfig, field: Literal["term", "text"]) -> str:
    value: str | None = getattr(config, field)
    if value is None:
        raise StepFault("config_invalid", f"`{config.action}` takes `{field}`.")
    return value
