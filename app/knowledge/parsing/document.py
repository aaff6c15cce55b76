"""What a parsed document is: one text, and the blocks that it is made of."""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list item, table or piece of code: `text[start:end]` of its document.

    `level` is 1 to 6 for headings, and how deep list items are nested; 0 for the rest. A table's
    text is Markdown: its header, a line of dashes, its rows. `page` counts from 1: pages of a PDF,
    slides, or sheets. `name` is what a piece of code defines.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    page: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's text in reading order. Offsets count Unicode code points.

    Blocks follow each other without overlap; between two of them is nothing but white space.
    `language` is an ISO 639-1 code where it can be told. `warnings` are sentences for people: what
    was left out.
    """

    text: str
    blocks: tuple[Block, ...]
    media_type: str
    title: str = ""
    pages: int | None = None
    language: str | None = None
    warnings: tuple[str, ...] = ()

    def of(self, block: Block) -> str:
        """The text of a block."""
        return self.text[block.start : block.end]

    def dump(self) -> bytes:
        """As it is kept in a file; `load` reads it."""
        blocks = [[b.kind, b.start, b.end, b.level, b.page, b.name] for b in self.blocks]
        return orjson.dumps({**_plain(self), "blocks": blocks})


def load(dumped: bytes | memoryview) -> Parsed:
    """What `Parsed.dump` wrote."""
    read: dict[str, Any] = orjson.loads(dumped)
    blocks = tuple(Block(*fields) for fields in read.pop("blocks"))
    return Parsed(**{**read, "blocks": blocks, "warnings": tuple(read["warnings"])})


def _plain(parsed: Parsed) -> dict[str, Any]:
    return {
        "text": parsed.text,
        "media_type": parsed.media_type,
        "title": parsed.title,
        "pages": parsed.pages,
        "language": parsed.language,
        "warnings": parsed.warnings,
    }
