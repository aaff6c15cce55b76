"""list_documents and read_document: what stands in the workspace's collections."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from uuid import UUID

from app.agents.tools.local.documents import Documents
from app.agents.tools.local.local import Arguments, Config, LocalTool, takes
from app.agents.tools.tool import Outcome, ToolContext, ToolFault, ToolTraits
from app.agents.tools.web.untrusted import untrusted
from app.core.auth import Permission
from app.knowledge.collections.models import Collection, Document
from app.knowledge.parsing.document import Parsed

_MOST_LISTED: Final = 50
_CHARACTERS: Final = 20_000
# What the marks and the hint at the rest take.
_AROUND: Final = 1_000
_READS: Final = frozenset({Permission.COLLECTIONS_READ})
COLLECTIONS: Final[Mapping[str, Any]] = {
    "type": "array",
    "maxItems": 50,
    "items": {"type": "string", "minLength": 1, "maxLength": 64},
    "description": "Slugs or ids of the collections that it may see; by default all.",
}


def only_of(config: Config) -> frozenset[str]:
    """The slugs and ids that an agent is bound to; empty for none."""
    return frozenset(config.get("collections") or ())


class ListDocuments(LocalTool):
    """The built-in tool `list_documents`."""

    name = "list_documents"
    description = (
        "List the workspace's collections of documents; with `collection`, the newest documents "
        "of that one, with their ids."
    )
    parameters: ClassVar[Mapping[str, Any]] = takes(
        (),
        collection={"type": "string", "maxLength": 64, "description": "Its slug or id."},
        name={"type": "string", "minLength": 1, "maxLength": 200, "description": "Part of names."},
        count={"type": "integer", "minimum": 1, "maximum": _MOST_LISTED, "default": 20},
    )
    config = takes((), collections=COLLECTIONS)
    traits = ToolTraits(effects="read", idempotent=True, characters=20_000, scopes=_READS)

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        seen = await self._documents.collections(ctx.access, only_of(config))
        wanted = arguments.get("collection")
        if wanted is None:
            return _collections(seen)
        found = [each for each in seen if wanted in (each.slug, str(each.id))]
        if not found:
            raise ToolFault("collection_not_found", "There is no such collection.")
        listed = await self._documents.list(
            ctx.access, found[0], arguments.get("name"), int(arguments.get("count", 20))
        )
        return _documents(listed, ctx.key)


class ReadDocument(LocalTool):
    """The built-in tool `read_document`."""

    name = "read_document"
    description = (
        "Read the text of a document of the workspace by its id, whole or by pages. A long text "
        "comes in parts: `start` says from which character on it is wanted."
    )
    parameters: ClassVar[Mapping[str, Any]] = takes(
        ("document_id",),
        document_id={"type": "string", "format": "uuid", "maxLength": 36},
        first_page={"type": "integer", "minimum": 1, "maximum": 100_000},
        last_page={"type": "integer", "minimum": 1, "maximum": 100_000},
        start={"type": "integer", "minimum": 0, "maximum": 100_000_000, "default": 0},
    )
    config = takes((), collections=COLLECTIONS)
    traits = ToolTraits(effects="read", idempotent=True, characters=_CHARACTERS, scopes=_READS)

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        document_id = uuid_of(arguments["document_id"])
        version, parsed = await self._documents.text(ctx.access, document_id, only_of(config))
        text = _of_pages(parsed, arguments.get("first_page"), arguments.get("last_page"))
        start = int(arguments.get("start", 0))
        if start and start >= len(text):
            raise ToolFault("out_of_range", f"It has {len(text)} characters.")
        part = text[start : start + _CHARACTERS - _AROUND]
        end = start + len(part)
        said = untrusted(part, source=f"the document {document_id}", key=ctx.key)
        if end < len(text):
            said += f"\nIt goes on: call again with start={end} ({len(text)} characters in all)."
        return Outcome(
            said,
            {
                "document_id": str(document_id),
                "name": version.file_name,
                "version": version.number,
                "pages": version.pages,
                "start": start,
                "end": end,
                "characters": len(text),
                "text": part,
            },
        )


def uuid_of(text: str) -> UUID:
    """Raises ToolFault."""
    try:
        return UUID(text)
    except ValueError:
        example = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"
        raise ToolFault("invalid_id", f"Ids look like {example}.") from None


def _of_pages(parsed: Parsed, first: int | None, last: int | None) -> str:
    """The text of some pages; raises ToolFault where the document has none such."""
    if first is None and last is None:
        return parsed.text
    if parsed.pages is None:
        raise ToolFault("no_pages", "This document has no pages; use `start`.")
    begin = first or 1
    end = last or parsed.pages
    blocks = [each for each in parsed.blocks if each.page and begin <= each.page <= end]
    if not blocks:
        raise ToolFault("no_such_pages", f"It has the pages 1 to {parsed.pages}, or no text there.")
    return parsed.text[blocks[0].start : blocks[-1].end]


def _collections(seen: list[Collection]) -> Outcome:
    told = [
        {
            "id": str(each.id),
            "slug": each.slug,
            "name": each.name,
            "description": each.description[:200],
            "documents": each.document_count,
        }
        for each in seen
    ]
    lines = [f"{each['slug']}: {each['name']} ({each['documents']} documents)" for each in told]
    return Outcome("\n".join(lines) or "There are no collections to be seen.", told)


def _documents(listed: list[Document], key: str) -> Outcome:
    told = [
        {
            "id": str(each.id),
            "name": each.name,
            "media_type": each.media_type,
            "size": each.size,
            "status": each.status,
            "updated_at": each.updated_at.isoformat(),
        }
        for each in listed
    ]
    lines = [f"{each['id']}  {each['name']}  ({each['status']})" for each in told]
    if not lines:
        return Outcome("There are no such documents.", told)
    # Whoever sends a file names it.
    said = untrusted("\n".join(lines), source="the names of documents", key=key)
    return Outcome(said, told)
