"""Filling a pack: the same dictionary gives the same bytes, within a budget of tokens."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.dictionary.store import entries_after
from app.knowledge.exchange.drafts import of_entry
from app.knowledge.exchange.packs.item import Item, item_of
from app.knowledge.exchange.packs.vendors import FORMS, Vendor

# A token is hardly ever less than three bytes of UTF-8: so a pack is rather too small than too
# large, whichever tokenizer its reader has.
BYTES_A_TOKEN: Final = 3
SHORTEST_LINE: Final = 12
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Packed:
    text: str
    tokens: int
    entries: int
    omitted: int


async def items_for(
    session: AsyncSession,
    access: Access,
    dictionary_id: UUID,
    language: str,
    statuses: list[str],
    max_tokens: int,
) -> tuple[list[Item], int]:
    """The items that may find room, in their order, and how many there are in all."""
    most = max_tokens * BYTES_A_TOKEN // SHORTEST_LINE + 1
    kept: list[Item] = []
    found, after = 0, None
    while True:
        page = await entries_after(
            session,
            access.workspace_id,
            dictionary_id,
            after=after,
            limit=PAGE,
            statuses=statuses,
        )
        if not page:
            return kept, found
        items = [item for kept_ in page if (item := item_of(of_entry(kept_), language))]
        found += len(items)
        kept = heapq.nsmallest(most, [*kept, *items])
        after = page[-1].id


def packed(
    items: Iterable[Item], found: int, vendor: Vendor, language: str, max_tokens: int
) -> Packed:
    """As many items as fit, alphabetically: the most telling ones where not all do."""
    form = FORMS[vendor]
    start = form.start(language)
    left = max_tokens * BYTES_A_TOKEN - len((start + form.end).encode())
    chosen: list[tuple[str, str, str]] = []
    for item in items:
        line = form.line(item)
        size = len(line.encode())
        if size <= left:
            left -= size
            chosen.append((item.key, item.id, line))
    text = start + "".join(line for _, _, line in sorted(chosen)) + form.end
    return Packed(text, tokens_of(text), len(chosen), found - len(chosen))


def tokens_of(text: str) -> int:
    return -(-len(text.encode()) // BYTES_A_TOKEN)
