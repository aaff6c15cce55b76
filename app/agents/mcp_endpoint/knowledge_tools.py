"""What a workspace knows, as tools of the endpoint."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import ValidationError

from app.agents.tools.tool import Outcome, ToolContext, ToolFault, ToolTraits
from app.core.auth import Permission
from app.core.db import Database
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.paging import Cursors
from app.inference.usage.payer import payer_of
from app.knowledge.detection import service as detection
from app.knowledge.detection.schemas import DetectCreate
from app.knowledge.dictionary.entries import service as entries
from app.knowledge.dictionary.entries.queries import EntryQuery
from app.knowledge.dictionary.entries.reads import EntryRead
from app.knowledge.knowledge import Knowledge
from app.knowledge.search import telling
from app.knowledge.search.schemas import SearchCreate

PURPOSE: Final = "mcp"
ENTRY_URI: Final = "luminous://dictionary/"
_LANGUAGE: Final = {
    "type": "string",
    "maxLength": 35,
    "description": "A language tag: `de`, `en-GB`.",
}
Call = Callable[[ToolContext, Mapping[str, Any]], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True, eq=False)
class ReadingTool:
    """A tool that looks something up and changes nothing."""

    name: str
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    permission: Permission
    act: Call

    @property
    def parameters(self) -> Mapping[str, Any]:
        return {
            "type": "object",
            "properties": self.properties,
            "required": list(self.required),
            "additionalProperties": False,
        }

    @property
    def traits(self) -> ToolTraits:
        return ToolTraits(
            effects="read",
            idempotent=True,
            characters=50_000,
            scopes=frozenset({self.permission}),
        )

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        """Raises ToolFault."""
        try:
            return await self.act(ctx, arguments)
        except ValidationError as error:
            first = error.errors()[0]
            where = "/".join(str(step) for step in first["loc"])
            raise ToolFault("invalid_arguments", f"`{where}`: {first['msg']}.") from None
        except AppError as error:
            raise ToolFault(error.code, error.detail) from None


def knowledge_tools(
    database: Database, cursors: Cursors, knowledge: Knowledge
) -> tuple[ReadingTool, ...]:
    asking = _Asking(database, cursors, knowledge)
    return (
        ReadingTool(
            "search_knowledge",
            "Search documents and dictionaries that the caller may see, by words and by meaning. "
            "Each passage comes with where it stands.",
            {
                "query": {"type": "string", "minLength": 1, "maxLength": 2000},
                "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 8},
            },
            ("query",),
            Permission.SEARCH_READ,
            asking.search,
        ),
        ReadingTool(
            "look_up_term",
            "Look a term up in the workspace's dictionaries: what it means, how it is said in "
            "other languages, and what is not to be said.",
            {
                "term": {"type": "string", "minLength": 1, "maxLength": 300},
                "language": _LANGUAGE,
            },
            ("term",),
            Permission.DICTIONARY_READ,
            asking.look_up,
        ),
        ReadingTool(
            "detect_terms",
            "Find the terms of the workspace's dictionaries in a text, and what each means there.",
            {
                "text": {"type": "string", "minLength": 1, "maxLength": 100_000},
                "languages": {"type": "array", "maxItems": 50, "items": _LANGUAGE},
                "dictionary_ids": {
                    "type": "array",
                    "maxItems": 50,
                    "items": {"type": "string", "format": "uuid"},
                    "description": "Whose terms to look for; those of the workspace by default.",
                },
            },
            ("text",),
            Permission.DICTIONARY_READ,
            asking.detect,
        ),
    )


class _Asking:
    def __init__(self, database: Database, cursors: Cursors, knowledge: Knowledge) -> None:
        self._database = database
        self._cursors = cursors
        self._knowledge = knowledge

    async def search(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        asked = SearchCreate(
            query=arguments["query"], limit=arguments.get("limit", 8), highlights=False
        )
        payer = payer_of(ctx.access, PURPOSE, new_id())
        found = await self._knowledge.searching.find(ctx.access, payer, asked.asked())
        told = telling.results(asked.mode, found).model_dump(mode="json")["data"]
        lines = [f"[{n}] {hit['title']}\n{hit['text']}" for n, hit in enumerate(told, 1)]
        return Outcome("\n\n".join(lines) or "Nothing was found.", {"data": told})

    async def look_up(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        term, language = arguments["term"], arguments.get("language")
        for how in ("term_exact", "term"):
            query = EntryQuery.model_validate({how: term, "language": language, "limit": 10})
            async with self._database.unit(ctx.access.scope) as session:
                found = await entries.page(session, ctx.access, query, self._cursors)
            if found.data:
                break
        told = [brief(entry) for entry in found.data]
        return Outcome(
            "\n\n".join(words_of(entry) for entry in found.data) or "No entry has this term.",
            {"data": told},
        )

    async def detect(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        asked = DetectCreate.model_validate(dict(arguments))
        async with self._database.unit(ctx.access.scope) as session:
            ids = await detection.dictionaries_of(session, ctx.access, asked)
        found = await self._knowledge.detector.detect(
            ctx.access.workspace_id,
            ids,
            asked.text,
            languages=asked.languages,
            senses=asked.senses,
            now=True,
        )
        told = detection.shown(asked, ids, found).model_dump(mode="json")
        lines = [
            f"{each['surface']} → {each['term']} ({each['language']}, {each['term_status']}): "
            f"{ENTRY_URI}{each['entry_id']}"
            for each in told["data"]
        ]
        return Outcome("\n".join(lines) or "No term was found.", told)


def brief(entry: EntryRead) -> dict[str, Any]:
    said = entry.model_dump(mode="json", include={"id", "dictionary_id", "status", "definitions"})
    terms = [
        {"text": term.text, "language": term.language, "status": term.status}
        for term in entry.terms
    ]
    return {**said, "uri": f"{ENTRY_URI}{entry.id}", "terms": terms}


def words_of(entry: EntryRead) -> str:
    terms = "; ".join(f"{term.text} ({term.language}, {term.status})" for term in entry.terms)
    meanings = "\n".join(f"{each.language}: {each.text}" for each in entry.definitions)
    return f"{terms}\n{meanings}".strip()


def document_of(entry: EntryRead) -> str:
    return orjson.dumps(entry.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode()
