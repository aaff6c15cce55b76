"""search_knowledge and look_up_term: what the workspace knows, found."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from app.agents.tools.local.documents import Documents
from app.agents.tools.local.local import Arguments, Config, LocalTool, clipped, takes
from app.agents.tools.local.reading import COLLECTIONS, only_of, uuid_of
from app.agents.tools.tool import Outcome, ToolContext, ToolTraits
from app.core.auth import Permission
from app.inference.usage.payer import Payer, payer_of
from app.knowledge.dictionary.entries.reads import EntryRead
from app.knowledge.search.entries import search_entries
from app.knowledge.search.errors import SearchUnavailable
from app.knowledge.search.question import Mode
from app.knowledge.search.retrieval import Retrieved, retrieve
from app.knowledge.search.schemas import EntrySearchQuery
from app.knowledge.search.searching import Searching

_PURPOSE: Final = "tool"
_QUERY: Final = {"type": "string", "minLength": 1, "maxLength": 2_000}


def _payer(ctx: ToolContext) -> Payer:
    return payer_of(ctx.access, _PURPOSE, ctx.run_id, conversation_id=ctx.conversation_id)


class SearchKnowledge(LocalTool):
    """The built-in tool `search_knowledge`; what it finds is told as sources."""

    name = "search_knowledge"
    description = (
        "Search the workspace's documents by words and by meaning. Gives the best passages with "
        "numbers, by which they can be cited."
    )
    parameters: ClassVar[Mapping[str, Any]] = takes(
        ("query",),
        query=_QUERY,
        collections={
            "type": "array",
            "maxItems": 20,
            "items": {"type": "string", "minLength": 1, "maxLength": 64},
            "description": "Slugs or ids of collections; by default all.",
        },
        count={"type": "integer", "minimum": 1, "maximum": 20, "default": 8},
    )
    config = takes(
        (),
        collections=COLLECTIONS,
        token_budget={"type": "integer", "minimum": 200, "maximum": 20_000, "default": 4_000},
    )
    traits = ToolTraits(
        effects="read",
        idempotent=True,
        characters=100_000,
        scopes=frozenset({Permission.COLLECTIONS_READ, Permission.SEARCH_READ}),
    )

    def __init__(self, searching: Searching, documents: Documents) -> None:
        self._searching = searching
        self._documents = documents

    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        seen = await self._documents.collections(ctx.access, only_of(config))
        named = set(arguments.get("collections") or ())
        ids = [each.id for each in seen if not named or {each.slug, str(each.id)} & named]

        async def look(mode: Mode) -> Retrieved:
            return await retrieve(
                self._searching,
                ctx.access,
                _payer(ctx),
                arguments["query"],
                collections=ids,
                limit=int(arguments.get("count", 8)),
                token_budget=int(config.get("token_budget", 4_000)),
                mode=mode,
                cite=ctx.cite,
            )

        try:
            found = await look("hybrid")
        except SearchUnavailable:
            # The store of vectors is away: by words alone.
            found = await look("lexical")
        told = [source.told() for source in found.sources]
        return Outcome(found.prompt or "Nothing was found.", told, tuple(told))


class LookUpTerm(LocalTool):
    """The built-in tool `look_up_term`."""

    name = "look_up_term"
    description = (
        "Look a word or a concept up in the workspace's dictionaries: what it means there, which "
        "terms are preferred and which are forbidden, by language."
    )
    parameters: ClassVar[Mapping[str, Any]] = takes(
        ("query",),
        query={**_QUERY, "maxLength": 500},
        language={
            "type": "string",
            "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
            "maxLength": 35,
            "description": "Only entries in this language, such as `de`.",
        },
        count={"type": "integer", "minimum": 1, "maximum": 20, "default": 5},
    )
    config = takes((), dictionary={"type": "string", "format": "uuid", "maxLength": 36})
    traits = ToolTraits(
        effects="read",
        idempotent=True,
        characters=40_000,
        scopes=frozenset({Permission.DICTIONARY_READ}),
    )

    def __init__(self, searching: Searching) -> None:
        self._searching = searching

    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        entries = await self._found(ctx, arguments, config)
        said = "\n\n".join(_said(each) for each in entries)
        told = [each.model_dump(mode="json") for each in entries]
        return Outcome(said or "No dictionary has an entry for this.", told)

    async def _found(
        self, ctx: ToolContext, arguments: Arguments, config: Config
    ) -> list[EntryRead]:
        """By words alone where the store of vectors is away; raises AppError."""
        dictionary = config.get("dictionary")
        query = EntrySearchQuery(
            q=arguments["query"],
            dictionary_id=uuid_of(dictionary) if dictionary else None,
            language=arguments.get("language"),
            limit=int(arguments.get("count", 5)),
        )
        try:
            found = await search_entries(self._searching, ctx.access, _payer(ctx), query)
        except SearchUnavailable:
            by_words = query.model_copy(update={"mode": "lexical"})
            found = await search_entries(self._searching, ctx.access, _payer(ctx), by_words)
        return [each.entry for each in found.data]


def _said(entry: EntryRead) -> str:
    lines = [f"{each.text} ({each.language}, {each.status})" for each in entry.terms]
    lines += [f"means ({each.language}): {clipped(each.text, 800)}" for each in entry.definitions]
    lines += [f"note: {clipped(each, 400)}" for each in entry.notes[:3]]
    return "\n".join(lines)
